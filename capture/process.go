package capture

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
	"golang.org/x/sys/unix"
)

// Limits of the file format on strings of a process.
const (
	maxArgs = 4096 // all arguments, or all of the environment, with their NULs
	maxPath = 1023
)

const (
	pfKthread   = 0x00200000 // PF_KTHREAD of a task's flags
	noLoginUID  = 0xFFFFFFFF
	initPidnsNo = 0xEFFFFFFC // inode number of the first pid namespace
)

// process appends the main thread of pid and its other threads to the list. A
// process that is gone, is a zombie or belongs to the kernel adds nothing.
func (s *scanner) process(pid int) {
	dir, err := s.open(s.procfd, strconv.Itoa(pid))
	if err != nil {
		return
	}
	defer unix.Close(dir)

	t := scapfile.Thread{TID: int64(pid), PID: int64(pid)}
	st, ok := s.stat(dir, &t)
	if !ok || st.kernel || st.zombie {
		return
	}
	cr, err := s.status(dir, "status", &t)
	if err != nil {
		return
	}
	s.image(dir, &t, cr)
	t.FDLimit = s.fdLimit(dir, pid)
	t.LoginUID = noLoginUID
	if b, err := s.read(dir, "loginuid", 0); err == nil {
		if v, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 32); err == nil {
			t.LoginUID = uint32(v)
		}
	}
	if b, err := s.read(dir, "cgroup", 0); err == nil {
		t.Cgroups = s.cgroups.names(b)
	}
	pidns := namespaceOf(s.procfs, dir, "ns/pid")
	if pidns == 0 { // not permitted to look: another user's process
		pidns = initPidnsNo
	}
	if t.VPID == 1 {
		s.pidns[pidns] = s.opts.BootTime + uint64(st.start*clockTick)
	}
	if !s.opts.NoFDs {
		t.FDs = s.descriptors(dir)
	}
	s.list = append(s.list, t)
	s.nsOf = append(s.nsOf, pidns)
	if st.threads > 1 {
		s.otherThreads(dir, len(s.list)-1, pidns)
	}
}

// otherThreads appends the threads of a process beside its main thread, which
// is entry leader of the list.
func (s *scanner) otherThreads(dir, leader int, pidns uint64) {
	task, err := s.open(dir, "task")
	if err != nil {
		return
	}
	defer unix.Close(task)
	s.numbuf = s.numbuf[:0]
	if s.numbers(task, func(n int, _ string) { s.numbuf = append(s.numbuf, n) }) != nil {
		return
	}
	for _, tid := range s.numbuf {
		main := &s.list[leader]
		if int64(tid) == main.TID {
			continue
		}
		td, err := s.open(task, strconv.Itoa(tid))
		if err != nil {
			continue
		}
		t := *main // what threads share, and what they inherit
		t.TID, t.FDs = int64(tid), nil
		t.Flags = schema.PPM_CL_CLONE_THREAD | schema.PPM_CL_CLONE_FILES
		st, ok := s.stat(td, &t)
		if ok && !st.zombie {
			_, err = s.status(td, "status", &t)
		}
		if b, cerr := s.read(td, "cgroup", 0); cerr == nil {
			t.Cgroups = s.cgroups.names(b)
		}
		unix.Close(td)
		if !ok || st.zombie || err != nil {
			continue
		}
		s.list = append(s.list, t)
		s.nsOf = append(s.nsOf, pidns)
	}
}

// statFacts are what a stat file says beside the fields of a Thread.
type statFacts struct {
	kernel, zombie bool
	start          int64 // after boot, in clock ticks
	threads        int64
}

// stat reads a stat file into t: name, parent, session, process group, terminal
// and page faults.
func (s *scanner) stat(dir int, t *scapfile.Thread) (statFacts, bool) {
	b, err := s.read(dir, "stat", 0)
	if err != nil {
		return statFacts{}, false
	}
	return parseStat(b, t)
}

// parseStat decodes the content of a stat file. The name stands in parentheses
// and may hold any character, parentheses and newlines included.
func parseStat(b []byte, t *scapfile.Thread) (statFacts, bool) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return statFacts{}, false
	}
	f := bytes.Fields(b[end+1:])
	if len(f) < 20 {
		return statFacts{}, false
	}
	t.Comm = string(b[open+1 : end])
	t.PTID, t.PGID, t.SID = decimal(f[1]), decimal(f[2]), decimal(f[3])
	t.TTY = uint32(decimal(f[4]))
	t.PageFaultsMin, t.PageFaultsMaj = uint64(decimal(f[7])), uint64(decimal(f[9]))
	return statFacts{
		kernel:  decimal(f[6])&pfKthread != 0,
		zombie:  f[0][0] == 'Z' || f[0][0] == 'X',
		threads: decimal(f[17]),
		start:   decimal(f[19]),
	}, true
}

// creds are what decides over access to a file.
type creds struct {
	fsuid, fsgid uint32
	groups       []uint32
}

// status reads a status file into t: ids, numbers in the innermost pid namespace,
// memory and capabilities.
func (s *scanner) status(dir int, name string, t *scapfile.Thread) (creds, error) {
	b, err := s.read(dir, name, 0)
	if err != nil {
		return creds{}, err
	}
	return parseStatus(b, t), nil
}

func parseStatus(b []byte, t *scapfile.Thread) creds {
	var c creds
	t.VTID, t.VPID, t.VPGID = t.TID, t.PID, t.PGID
	colonLines(b, func(key, v []byte) {
		switch string(key) {
		case "Uid": // real, effective, saved, file system
			if f := bytes.Fields(v); len(f) == 4 {
				t.UID, c.fsuid = uint32(decimal(f[1])), uint32(decimal(f[3]))
			}
		case "Gid":
			if f := bytes.Fields(v); len(f) == 4 {
				t.GID, c.fsgid = uint32(decimal(f[1])), uint32(decimal(f[3]))
			}
		case "Groups":
			for _, g := range bytes.Fields(v) {
				c.groups = append(c.groups, uint32(decimal(g)))
			}
		case "NStgid": // from this namespace to the innermost one
			t.VPID = decimal(lastField(v))
		case "NSpid":
			t.VTID = decimal(lastField(v))
		case "NSpgid":
			t.VPGID = decimal(lastField(v))
		case "VmSize":
			t.VMSizeKB = kilobytes(v)
		case "VmRSS":
			t.VMRSSKB = kilobytes(v)
		case "VmSwap":
			t.VMSwapKB = kilobytes(v)
		case "CapInh":
			t.CapInheritable = hexadecimal(v)
		case "CapPrm":
			t.CapPermitted = hexadecimal(v)
		case "CapEff":
			t.CapEffective = hexadecimal(v)
		}
	})
	return c
}

// kilobytes parses "1234 kB".
func kilobytes(v []byte) uint32 {
	n, _, _ := bytes.Cut(v, []byte{' '})
	return uint32(decimal(n))
}

// image reads what belongs to the program a process runs: arguments,
// environment, directories and the executable file.
func (s *scanner) image(dir int, t *scapfile.Thread, c creds) {
	if b, err := s.read(dir, "cmdline", maxArgs+maxPath+1); err == nil && len(b) > 0 {
		exe, rest, _ := bytes.Cut(b, []byte{0})
		t.Exe = clip(string(exe), maxPath)
		t.Args = splitNUL(rest)
	}
	if b, err := s.read(dir, "environ", maxArgs); err == nil {
		t.Env = splitNUL(b)
	}
	if b, err := s.readlink(dir, "cwd"); err == nil {
		t.CWD = clip(string(b), maxPath)
	}
	if b, err := s.readlink(dir, "root"); err == nil {
		t.Root = clip(string(b), maxPath)
	}
	if b, err := s.readlink(dir, "exe"); err == nil {
		// The kernel writes this suffix for an unlinked file; the probe's own path
		// of the same file does not have it.
		t.ExePath = clip(strings.TrimSuffix(string(b), " (deleted)"), maxPath)
		s.exeFile(dir, t, c)
	}
}

// splitNUL splits strings that each end in a NUL, the whole cut at maxArgs.
func splitNUL(b []byte) []string {
	b = b[:min(len(b), maxArgs-1)] // the last may need a NUL of its own
	b = bytes.TrimSuffix(b, []byte{0})
	if len(b) == 0 {
		return nil
	}
	// One allocation for all of them.
	return strings.Split(string(b), "\x00")
}

func clip(s string, n int) string { return s[:min(len(s), n)] }

// fdLimit returns the soft limit on a process' open descriptors, -1 unknown.
func (s *scanner) fdLimit(dir, pid int) int64 {
	var l unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &l); err == nil {
		return int64(l.Cur)
	}
	// Other users' limits need CAP_SYS_RESOURCE; the file is readable, but slow.
	b, err := s.read(dir, "limits", 0)
	if err != nil {
		return -1
	}
	return parseLimits(b)
}

// parseLimits returns the soft limit on open files in a limits file.
func parseLimits(b []byte) int64 {
	for line := range bytes.Lines(b) {
		if v, ok := bytes.CutPrefix(line, []byte("Max open files")); ok {
			if f := bytes.Fields(v); len(f) > 0 {
				if n, err := strconv.ParseInt(string(f[0]), 10, 64); err == nil {
					return n
				}
			}
		}
	}
	return -1
}

// namespaceOf returns the number of a namespace link, 0 when it cannot be read.
func namespaceOf(p *procfs, at int, name string) uint64 {
	b, err := p.readlink(at, name)
	if err != nil {
		return 0
	}
	ino, _ := bracketed(b)
	return ino
}

// bracketed returns the number in "kind:[123]".
func bracketed(link []byte) (uint64, bool) {
	i := bytes.IndexByte(link, '[')
	if i < 0 || link[len(link)-1] != ']' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(link[i+1:len(link)-1]), 10, 64)
	return n, err == nil
}
