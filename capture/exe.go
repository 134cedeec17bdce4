package capture

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
	"golang.org/x/sys/unix"
)

// mountKey names a mount: its id, unique while the mount exists.
type mountKey uint64

// mountFacts are what matters of the mount that an executable lies on.
type mountFacts struct {
	readOnly bool
	overlay  bool
	upperDir string // of an overlay, "" unknown
	point    string // mount point in the process' view
	root     string // directory of the file system that is mounted there
}

// exeFile fills what captures say about the executable file of a process.
func (s *scanner) exeFile(dir int, t *scapfile.Thread, c creds) {
	var st unix.Statx_t
	const mask = unix.STATX_BASIC_STATS | unix.STATX_MNT_ID
	// DONT_SYNC: never wait for a dead network file system.
	if unix.Statx(dir, "exe", unix.AT_STATX_DONT_SYNC, mask, &st) != nil {
		return
	}
	t.ExeIno = st.Ino
	t.ExeInoCtime, t.ExeInoMtime = statxNS(st.Ctime), statxNS(st.Mtime)
	if strings.HasPrefix(t.ExePath, "/memfd:") && st.Nlink == 0 {
		t.ExeFromMemfd = true
		t.ExePath = t.ExePath[1:] // as the probe has it
	}
	m := s.mount(dir, st.Mnt_id)
	t.ExeWritable = !m.readOnly && s.writable(dir, &st, t, c)
	if m.overlay {
		t.ExeUpperLayer, t.ExeLowerLayer = m.layer(t.ExePath)
	}
}

func statxNS(ts unix.StatxTimestamp) uint64 {
	if ts.Sec < 0 {
		return 0
	}
	return uint64(ts.Sec)*1e9 + uint64(ts.Nsec)
}

// writable applies the probe's rule for exe_writable to the file st: owner,
// group, others, then the capabilities that override them. Access lists are
// not considered, here or there.
func (s *scanner) writable(dir int, st *unix.Statx_t, t *scapfile.Thread, c creds) bool {
	if st.Attributes&unix.STATX_ATTR_IMMUTABLE != 0 {
		return false
	}
	uidMapped, gidMapped := true, true
	if ns := namespaceOf(s.procfs, dir, "ns/user"); ns != 0 && ns != s.uidns {
		uidMapped = s.mapped(dir, "uid_map", st.Uid)
		gidMapped = s.mapped(dir, "gid_map", st.Gid)
	}
	if c.fsuid == st.Uid {
		return true
	}
	inGroup := c.fsgid == st.Gid || slices.Contains(c.groups, st.Gid)
	if inGroup && st.Mode&unix.S_IWGRP != 0 || !inGroup && st.Mode&unix.S_IWOTH != 0 {
		return true
	}
	return t.CapEffective&schema.PPM_CAP_DAC_OVERRIDE != 0 && uidMapped && gidMapped ||
		t.CapEffective&schema.PPM_CAP_FOWNER != 0 && uidMapped
}

// mapped reports whether an id of this user namespace exists in the one of a
// process, by its uid_map or gid_map.
func (s *scanner) mapped(dir int, file string, id uint32) bool {
	b, err := s.read(dir, file, 0)
	if err != nil {
		return true
	}
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) == 3 && int64(id) >= decimal(f[1]) && int64(id) < decimal(f[1])+decimal(f[2]) {
			return true
		}
	}
	return false
}

// mount returns the facts of the mount with an id that a process sees.
func (s *scanner) mount(dir int, id uint64) mountFacts {
	if m, ok := s.mounts[mountKey(id)]; ok {
		return m
	}
	var m mountFacts
	if b, err := s.read(dir, "mountinfo", 0); err == nil {
		// All mounts of this process at once: the next one most likely shares them.
		parseMountinfo(b, s.mounts)
	}
	m, ok := s.mounts[mountKey(id)]
	if !ok {
		s.mounts[mountKey(id)] = m // not visible to the process (a memfd): ask once only
	}
	return m
}

// parseMountinfo adds the mounts of a mountinfo file to into:
//
//	36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//
// with any number of optional fields before the dash.
func parseMountinfo(b []byte, into map[mountKey]mountFacts) {
	for line := range strings.Lines(string(b)) {
		left, right, ok := strings.Cut(strings.TrimRight(line, "\n"), " - ")
		f, g := strings.Fields(left), strings.Fields(right)
		if !ok || len(f) < 6 || len(g) < 3 {
			continue
		}
		id, err := strconv.ParseUint(f[0], 10, 64)
		if err != nil {
			continue
		}
		opts := strings.Split(g[2], ",") // of the file system, not of the mount
		m := mountFacts{
			readOnly: slices.Contains(opts, "ro"),
			overlay:  g[0] == "overlay",
			root:     unescapeMount(f[3]),
			point:    unescapeMount(f[4]),
		}
		for _, o := range opts {
			if dir, ok := strings.CutPrefix(o, "upperdir="); ok {
				m.upperDir = unescapeMount(dir)
			}
		}
		into[mountKey(id)] = m
	}
}

// unescapeMount undoes the octal escapes of mountinfo: space, tab, newline,
// backslash and the like.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// layer says in which layer of its overlay mount the file at a path of the process
// lies: in the upper one if it was created or changed there. It says neither when
// the upper directory cannot be looked at from here.
func (m mountFacts) layer(file string) (upper, lower bool) {
	if m.upperDir == "" {
		return false, true // a read-only overlay
	}
	rel, ok := strings.CutPrefix(file, strings.TrimSuffix(m.point, "/"))
	if _, err := os.Stat(m.upperDir); err != nil || !ok || m.upperDir[0] != '/' {
		return false, false
	}
	_, err := os.Lstat(m.upperDir + strings.TrimSuffix(m.root, "/") + rel)
	return err == nil, err != nil
}
