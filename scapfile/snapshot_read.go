package scapfile

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Limits of strings in the lists. Longer ones mean that the reader lost its way
// in an entry.
const (
	maxName = 1024
	maxArgs = 4096
)

// procVersion returns the version of a process list block, 0 for other blocks.
func procVersion(block uint32) int {
	switch block {
	case blockProcV1, blockProcV1Old:
		return 1
	case blockProcV2, blockProcV2Old:
		return 2
	case blockProcV3, blockProcV3Old:
		return 3
	case blockProcV4:
		return 4
	case blockProcV5:
		return 5
	case blockProcV6:
		return 6
	case blockProcV7:
		return 7
	case blockProcV8:
		return 8
	case blockProcV9:
		return 9
	}
	return 0
}

// snapshotReader collects the lists of one section.
type snapshotReader struct {
	snap *Snapshot
	big  bool
	byID map[int64]int // index in snap.Threads by tid
	// extra descriptor entries of threads that were not listed are dropped, as
	// the reference reader requires the process entry first.
	orphans int
}

func newSnapshotReader(big bool) *snapshotReader {
	return &snapshotReader{snap: new(Snapshot), big: big, byID: make(map[int64]int)}
}

// block adds the body of a metadata block; blocks of unknown type are skipped.
// The error says what is wrong with the body; what preceded it is kept.
func (s *snapshotReader) block(t uint32, body []byte) error {
	c := cursor{b: body, big: s.big}
	switch t {
	case blockMachine, blockMachineOld:
		return s.machine(c)
	case blockIface, blockIfaceV1, blockIfaceV1Old:
		return s.interfaces(c, t == blockIface)
	case blockUser, blockUserV1, blockUserV1Old:
		return s.users(c, t == blockUser)
	case blockFD, blockFDV1, blockFDV1Old:
		return s.fds(c, t == blockFD)
	}
	if v := procVersion(t); v != 0 {
		return s.threads(c, v)
	}
	return nil
}

func (s *snapshotReader) machine(c cursor) error {
	if !c.has(machineBodySize) {
		return fmt.Errorf("machine info has %d bytes instead of %d", len(c.b), machineBodySize)
	}
	m := &MachineInfo{NumCPUs: c.u32(), MemoryB: c.u64(), MaxPID: c.u64()}
	name, _, _ := bytes.Cut(c.bytes(128), []byte{0})
	m.Hostname = string(name)
	m.BootTime, m.Flags, m.Reserved1, m.Reserved2 = c.u64(), c.u64(), c.u64(), c.u64()
	s.snap.Machine = m
	return nil
}

// entry cuts the next entry off c. In version 2 lists it is length-prefixed;
// extra is how many bytes of the prefix the length does not count.
func entry(c *cursor, extra int) (cursor, error) {
	size := int64(c.u32()) + int64(extra) - 4
	if size < 0 || size > int64(len(c.b)) {
		return cursor{}, fmt.Errorf("entry of %d bytes does not fit in the %d that are left", size, len(c.b))
	}
	return cursor{b: c.bytes(int(size)), big: c.big}, nil
}

// each calls read for every entry of a list until fewer than four bytes, which
// are padding, remain.
func each(c *cursor, prefixed bool, extra int, read func(*cursor) error) error {
	for n := 1; c.has(4); n++ {
		e := c
		if prefixed {
			sub, err := entry(c, extra)
			if err != nil {
				return fmt.Errorf("entry %d: %w", n, err)
			}
			e = &sub
		}
		if err := read(e); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		if e.short {
			return fmt.Errorf("entry %d is cut short", n)
		}
	}
	return nil
}

func (s *snapshotReader) interfaces(c cursor, prefixed bool) error {
	s.snap.Interfaces = nil
	return each(&c, prefixed, 4, func(c *cursor) error {
		kind, nameLen := c.u16(), int(c.u16())
		size, speed := 4, true
		switch kind {
		case schema.SCAP_II_IPV4:
		case schema.SCAP_II_IPV6:
			size = 16
		case schema.SCAP_II_IPV4_NOLINKSPEED:
			speed = false
		case schema.SCAP_II_IPV6_NOLINKSPEED:
			size, speed = 16, false
		default:
			if prefixed {
				return nil
			}
			return fmt.Errorf("unknown interface type %d", kind)
		}
		if nameLen >= maxName {
			return fmt.Errorf("interface name of %d bytes", nameLen)
		}
		i := Interface{Addr: addr(c.bytes(size)), Netmask: addr(c.bytes(size)), Broadcast: addr(c.bytes(size))}
		if speed {
			i.LinkSpeed = c.u64()
		}
		i.Name = string(c.bytes(nameLen))
		if !c.short {
			s.snap.Interfaces = append(s.snap.Interfaces, i)
		}
		return nil
	})
}

func addr(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

func (s *snapshotReader) users(c cursor, prefixed bool) error {
	s.snap.Users, s.snap.Groups = nil, nil
	return each(&c, prefixed, 0, func(c *cursor) error {
		if c.u8() != 0 {
			g := Group{GID: c.u32(), Name: c.str()}
			if !c.short {
				s.snap.Groups = append(s.snap.Groups, g)
			}
			return nil
		}
		u := User{UID: c.u32(), GID: c.u32(), Name: c.str(), Home: c.str(), Shell: c.str()}
		if max(len(u.Name), len(u.Home), len(u.Shell)) > maxName {
			return fmt.Errorf("string longer than %d bytes", maxName)
		}
		if !c.short {
			s.snap.Users = append(s.snap.Users, u)
		}
		return nil
	})
}

// strs splits a run of NUL-terminated strings; a missing final NUL is tolerated.
// A lone NUL is no string, as in the libs: processes that overwrite their
// command line leave one behind.
func strs(b []byte) []string {
	if len(b) == 0 || len(b) == 1 && b[0] == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
}

func (s *snapshotReader) threads(c cursor, version int) error {
	return each(&c, version >= 9, 0, func(c *cursor) error {
		t, err := readThread(c, version)
		if err != nil || c.short {
			return err
		}
		if i, ok := s.byID[t.TID]; ok {
			t.FDs = s.snap.Threads[i].FDs
			s.snap.Threads[i] = t
			return nil
		}
		s.byID[t.TID] = len(s.snap.Threads)
		s.snap.Threads = append(s.snap.Threads, t)
		return nil
	})
}

// readThread reads one process list entry. Which fields it has depends on the
// version of the list, for version 9 on the entry's length.
func readThread(c *cursor, version int) (Thread, error) {
	t := Thread{SID: -1, VPGID: -1, PGID: -1, VTID: -1, VPID: -1, LoginUID: 0xFFFFFFFF}
	t.TID, t.PID, t.PTID = c.i64(), c.i64(), c.i64()
	if version >= 6 {
		t.SID = c.i64()
	}
	if version >= 8 {
		t.VPGID = c.i64()
	}
	var err error
	str := func(limit int) []byte {
		n := int(c.u16())
		if n > limit && err == nil {
			err = fmt.Errorf("string of %d bytes where at most %d are allowed", n, limit)
		}
		return c.bytes(n)
	}
	t.Comm, t.Exe = string(str(maxName)), string(str(maxName))
	if version >= 7 {
		t.ExePath = strings.TrimSuffix(string(str(maxName)), " (deleted)")
	}
	t.Args, t.CWD = strs(str(maxArgs)), string(str(maxName))
	t.FDLimit, t.Flags, t.UID, t.GID = c.i64(), c.u32(), c.u32(), c.u32()
	if version >= 2 {
		t.VMSizeKB, t.VMRSSKB, t.VMSwapKB = c.u32(), c.u32(), c.u32()
		t.PageFaultsMaj, t.PageFaultsMin = c.u64(), c.u64()
	}
	if version >= 3 {
		t.Env = strs(str(maxArgs))
	}
	if version >= 4 {
		t.VTID, t.VPID = c.i64(), c.i64()
		t.Cgroups = strs(str(maxArgs))
	}
	if version >= 5 {
		t.Root = string(str(maxName))
	}
	if version >= 9 {
		readThreadExtension(c, &t)
	}
	return t, err
}

// readThreadExtension reads the fields appended to version 9 entries, each only
// if it is there.
func readThreadExtension(c *cursor, t *Thread) {
	u64 := func(p *uint64) {
		if c.has(8) {
			*p = c.u64()
		} else {
			c.b = nil
		}
	}
	u32 := func(p *uint32) {
		if c.has(4) {
			*p = c.u32()
		} else {
			c.b = nil
		}
	}
	boolean := func(p *bool) {
		if c.has(1) {
			*p = c.bool()
		}
	}
	// Two fields were once inserted in front of the login uid. Entries from
	// before that have exactly these bytes left: uid 4, flag 1, capabilities 24.
	const beforeInsertion = 29
	if len(c.b) > beforeInsertion {
		u64(&t.PidnsInitTS)
		u32(&t.TTY)
	}
	u32(&t.LoginUID)
	boolean(&t.ExeWritable)
	u64(&t.CapInheritable)
	u64(&t.CapPermitted)
	u64(&t.CapEffective)
	boolean(&t.ExeUpperLayer)
	u64(&t.ExeIno)
	u64(&t.ExeInoCtime)
	u64(&t.ExeInoMtime)
	boolean(&t.ExeFromMemfd)
	boolean(&t.ExeLowerLayer)
	if c.has(8) {
		t.PGID = c.i64()
	}
	c.b = nil
}

func (s *snapshotReader) fds(c cursor, v2 bool) error {
	tid := c.i64()
	if c.short {
		return fmt.Errorf("fd list without a thread id")
	}
	i, known := s.byID[tid]
	return each(&c, v2, 0, func(c *cursor) error {
		f, err := readFD(c, v2)
		if err != nil || c.short {
			return err
		}
		if !known {
			s.orphans++
			return nil
		}
		t := &s.snap.Threads[i]
		t.FDs = append(t.FDs, f)
		return nil
	})
}

func readFD(c *cursor, v2 bool) (FD, error) {
	f := FD{Num: c.i64(), Ino: c.u64(), Type: c.u8()}
	var err error
	name := func() {
		n := int(c.u16())
		if n >= maxName && err == nil {
			err = fmt.Errorf("name of descriptor %d has %d bytes", f.Num, n)
		}
		f.Name = string(c.bytes(n))
	}
	switch f.Type {
	case schema.SCAP_FD_UNKNOWN:
	case schema.SCAP_FD_IPV4_SOCK, schema.SCAP_FD_IPV6_SOCK:
		size := 4
		if f.Type == schema.SCAP_FD_IPV6_SOCK {
			size = 16
		}
		src, dst := addr(c.bytes(size)), addr(c.bytes(size))
		f.Src, f.Dst = netip.AddrPortFrom(src, c.u16()), netip.AddrPortFrom(dst, c.u16())
		f.L4 = c.u8()
	case schema.SCAP_FD_IPV4_SERVSOCK, schema.SCAP_FD_IPV6_SERVSOCK:
		size := 4
		if f.Type == schema.SCAP_FD_IPV6_SERVSOCK {
			size = 16
		}
		f.Src = netip.AddrPortFrom(addr(c.bytes(size)), c.u16())
		f.L4 = c.u8()
	case schema.SCAP_FD_UNIX_SOCK:
		f.UnixSrc, f.UnixDst = c.u64(), c.u64()
		name()
	case schema.SCAP_FD_FILE_V2:
		f.Flags = c.u32()
		name()
		if v2 && c.has(4) {
			f.Dev = c.u32()
		}
	default:
		if f.Type > schema.SCAP_FD_PIDFD {
			f.Type = schema.SCAP_FD_UNSUPPORTED
			if !v2 {
				err = fmt.Errorf("descriptor %d has an unknown type", f.Num)
			}
			return f, err
		}
		name()
	}
	return f, err
}
