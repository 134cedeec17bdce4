package replay

import (
	"github.com/sysreel/sysreel/scapfile/schema"
)

// fsPathFields are the paths of calls that work on paths, whatever the call
// names its parameters.
var fsPathFields = []row{
	fsPathField("fs.path.name", "Absolute path that a call created, opened, changed or removed.", pathName, false),
	fsPathField("fs.path.nameraw", "The same path as the call gave it.", pathName, true),
	fsPathField("fs.path.source", "First path of a call with two: the old name of a rename, the new link, the device of a mount. Absolute.", pathSource, false),
	fsPathField("fs.path.sourceraw", "The same path as the call gave it.", pathSource, true),
	fsPathField("fs.path.target", "Second path of a call with two: the new name of a rename, what a link points to, the mount point. Absolute.", pathTarget, false),
	fsPathField("fs.path.targetraw", "The same path as the call gave it.", pathTarget, true),
}

// pathRole says which of the paths of a call is meant.
type pathRole uint8

const (
	pathName pathRole = iota
	pathSource
	pathTarget
	numPathRoles
)

// fsPathParams names, for each call, the parameters that hold its paths by
// role; "fd" stands for the path of the descriptor the call works on.
var fsPathParams = map[schema.EventType][numPathRoles]string{
	schema.PPME_SYSCALL_OPEN_X:              {pathName: "name"},
	schema.PPME_SYSCALL_OPENAT_2_X:          {pathName: "name"},
	schema.PPME_SYSCALL_OPENAT2_X:           {pathName: "name"},
	schema.PPME_SYSCALL_OPEN_BY_HANDLE_AT_X: {pathName: "path"},
	schema.PPME_SYSCALL_MKDIR_2_X:           {pathName: "path"},
	schema.PPME_SYSCALL_MKDIRAT_X:           {pathName: "path"},
	schema.PPME_SYSCALL_RMDIR_2_X:           {pathName: "path"},
	schema.PPME_SYSCALL_UNLINK_2_X:          {pathName: "path"},
	schema.PPME_SYSCALL_UNLINKAT_2_X:        {pathName: "name"},
	schema.PPME_SYSCALL_MKNOD_X:             {pathName: "path"},
	schema.PPME_SYSCALL_MKNODAT_X:           {pathName: "path"},
	schema.PPME_SYSCALL_CHMOD_X:             {pathName: "filename"},
	schema.PPME_SYSCALL_FCHMODAT_X:          {pathName: "filename"},
	schema.PPME_SYSCALL_FCHMOD_X:            {pathName: "fd"},
	schema.PPME_SYSCALL_CHOWN_X:             {pathName: "path"},
	schema.PPME_SYSCALL_LCHOWN_X:            {pathName: "path"},
	schema.PPME_SYSCALL_FCHOWN_X:            {pathName: "fd"},
	schema.PPME_SYSCALL_FCHOWNAT_X:          {pathName: "pathname"},
	schema.PPME_SYSCALL_QUOTACTL_X:          {pathName: "special"},
	schema.PPME_SYSCALL_UMOUNT_1_X:          {pathName: "name"},
	schema.PPME_SYSCALL_UMOUNT2_X:           {pathName: "name"},
	schema.PPME_SYSCALL_RENAME_X:            {pathSource: "oldpath", pathTarget: "newpath"},
	schema.PPME_SYSCALL_RENAMEAT_X:          {pathSource: "oldpath", pathTarget: "newpath"},
	schema.PPME_SYSCALL_RENAMEAT2_X:         {pathSource: "oldpath", pathTarget: "newpath"},
	schema.PPME_SYSCALL_LINK_2_X:            {pathSource: "newpath", pathTarget: "oldpath"},
	schema.PPME_SYSCALL_LINKAT_2_X:          {pathSource: "newpath", pathTarget: "oldpath"},
	schema.PPME_SYSCALL_SYMLINK_X:           {pathSource: "linkpath", pathTarget: "target"},
	schema.PPME_SYSCALL_SYMLINKAT_X:         {pathSource: "linkpath", pathTarget: "target"},
	schema.PPME_SYSCALL_MOUNT_X:             {pathSource: "dev", pathTarget: "dir"},
}

// fsPathIndex is fsPathParams as parameter numbers plus 1, by event type; the
// number fdPath stands for the descriptor.
var fsPathIndex = func() map[schema.EventType][numPathRoles]uint8 {
	m := make(map[schema.EventType][numPathRoles]uint8)
	for typ, names := range fsPathParams {
		var idx [numPathRoles]uint8
		for role, name := range names {
			switch name {
			case "":
			case "fd":
				idx[role] = fdPath
			default:
				idx[role] = uint8(schema.Lookup(typ).ParamIndex(name) + 1)
			}
		}
		m[typ] = idx
	}
	return m
}()

const fdPath = 255

func fsPathField(name, desc string, role pathRole, raw bool) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		i := fsPathIndex[ev.Type][role]
		if i == 0 {
			return "", false
		}
		// A failed open shows what it was asked for, every other call only
		// what it did.
		if n, ok := ev.Return(); !ok || n < 0 && !isOpen(ev.Type) {
			return "", false
		}
		if i == fdPath || isOpen(ev.Type) {
			if raw {
				return fdNameRaw(ev)
			}
			return fdName(ev)
		}
		if raw {
			s, ok := ev.Text(int(i - 1))
			return view(s), ok
		}
		return ev.absPath(int(i - 1))
	})
}

// absPath returns path parameter i made absolute: with the directory descriptor
// the schema names for it, else with the working directory.
func (ev *Event) absPath(i int) (string, bool) {
	name, ok := ev.Text(i)
	if !ok {
		return "", false
	}
	if ev.Thread == nil || ev.Info.Params[i].Type == schema.PT_CHARBUF {
		return view(name), true
	}
	return ev.close(ev.appendPath(ev.open(), i))
}

// appendPath appends path parameter i made absolute.
func (ev *Event) appendPath(dst []byte, i int) []byte {
	name, ok := ev.Text(i)
	if !ok || ev.Thread == nil {
		return dst
	}
	dirfd := int64(schema.PPM_AT_FDCWD)
	if p := &ev.Info.Params[i]; p.Type == schema.PT_FSRELPATH && ev.Info.Params[p.DirFD].Type == schema.PT_FD {
		if n, ok := ev.Int64(int(p.DirFD)); ok {
			dirfd = n
		}
	}
	return joinPath(dst, ev.Thread.dirOf(dirfd, name), name)
}

// openPaths gives the path parameter of the calls that open files.
var openPaths = map[schema.EventType]int{
	schema.PPME_SYSCALL_OPEN_X:              1,
	schema.PPME_SYSCALL_CREAT_X:             1,
	schema.PPME_SYSCALL_OPENAT_2_X:          2,
	schema.PPME_SYSCALL_OPENAT2_X:           2,
	schema.PPME_SYSCALL_OPEN_BY_HANDLE_AT_X: 3,
}

func openPathParam(t schema.EventType) int {
	if i, ok := openPaths[t]; ok {
		return i
	}
	return -1
}

func isOpen(t schema.EventType) bool { return openPathParam(t) >= 0 }

// openedPath is the absolute path that a call that opens files was given, ""
// for other calls.
func openedPath(ev *Event) (string, bool) {
	i := openPathParam(ev.Type)
	if i < 0 {
		return "", true
	}
	return ev.absPath(i)
}

// atPaths gives the path parameters of the calls with directory descriptors:
// the first, and where there are two the second.
var atPaths = map[schema.EventType][2]string{
	schema.PPME_SYSCALL_OPENAT_2_X:   {"name"},
	schema.PPME_SYSCALL_OPENAT2_X:    {"name"},
	schema.PPME_SYSCALL_MKDIRAT_X:    {"path"},
	schema.PPME_SYSCALL_UNLINKAT_2_X: {"name"},
	schema.PPME_SYSCALL_FCHMODAT_X:   {"filename"},
	schema.PPME_SYSCALL_FCHOWNAT_X:   {"pathname"},
	schema.PPME_SYSCALL_MKNODAT_X:    {"path"},
	schema.PPME_SYSCALL_SYMLINKAT_X:  {"linkpath"},
	schema.PPME_SYSCALL_RENAMEAT_X:   {"oldpath", "newpath"},
	schema.PPME_SYSCALL_RENAMEAT2_X:  {"oldpath", "newpath"},
	schema.PPME_SYSCALL_LINKAT_2_X:   {"oldpath", "newpath"},
}

var atPathIndex = func() map[schema.EventType][2]int {
	m := make(map[schema.EventType][2]int)
	for typ, names := range atPaths {
		info := schema.Lookup(typ)
		m[typ] = [2]int{info.ParamIndex(names[0]), info.ParamIndex(names[1])}
	}
	return m
}()

// bindAbsPath is evt.abspath, .src and .dst: the plain form and .src are the
// first path of the call, .dst the second.
func bindAbsPath(r *Ref) error {
	side := 0
	switch {
	case !r.HasArg || r.Arg == "src":
	case r.Arg == "dst":
		side = 1
	default:
		return badArgument(r, "evt.abspath.src and evt.abspath.dst exist")
	}
	r.Str = func(ev *Event) (string, bool) {
		idx, ok := atPathIndex[ev.Type]
		if !ok || idx[side] < 0 {
			return "", false
		}
		return ev.absPath(idx[side])
	}
	return nil
}

// openFlags returns the flags of a call that opens files with flags.
func openFlags(ev *Event) (flags, mode uint32, ok bool) {
	var f, m int
	switch ev.Type {
	case schema.PPME_SYSCALL_OPEN_X:
		f, m = 2, 3
	case schema.PPME_SYSCALL_OPENAT_2_X, schema.PPME_SYSCALL_OPENAT2_X:
		f, m = 3, 4
	case schema.PPME_SYSCALL_OPEN_BY_HANDLE_AT_X:
		f, m = 2, -1
	default:
		return 0, 0, false
	}
	flags, ok = ev.Uint32(f)
	mode, _ = ev.Uint32(m)
	return flags, mode, ok
}

func evtIsOpenRead(ev *Event) (int64, bool) {
	flags, _, _ := openFlags(ev)
	return b2i(flags&schema.PPM_O_RDONLY != 0)
}

func evtIsOpenWrite(ev *Event) (int64, bool) {
	flags, _, _ := openFlags(ev)
	return b2i(flags&schema.PPM_O_WRONLY != 0)
}

func evtIsOpenExec(ev *Event) (int64, bool) {
	const anyExec = schema.PPM_S_IXUSR | schema.PPM_S_IXGRP | schema.PPM_S_IXOTH
	if ev.Type == schema.PPME_SYSCALL_CREAT_X {
		mode, _ := ev.Uint32(2)
		return b2i(mode&anyExec != 0)
	}
	flags, mode, _ := openFlags(ev)
	return b2i(flags&(schema.PPM_O_CREAT|schema.PPM_O_TMPFILE) != 0 && mode&anyExec != 0)
}

func evtIsOpenCreate(ev *Event) (int64, bool) {
	n, _ := ev.Return()
	if ev.Type == schema.PPME_SYSCALL_CREAT_X {
		flags, _ := ev.Int(5)
		return b2i(flags&schema.PPM_O_F_CREATED != 0 && n >= 0)
	}
	flags, _, _ := openFlags(ev)
	// An unnamed temporary file is always new. Probes map O_DIRECTORY to
	// PPM_O_TMPFILE too, so opening a directory counts, as in Falco.
	return b2i(flags&(schema.PPM_O_F_CREATED|schema.PPM_O_TMPFILE) != 0 && n >= 0)
}
