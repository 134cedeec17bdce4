package scapfile

import (
	"encoding/binary"
	"net/netip"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// beginBlock appends the head of a block; endBlock completes it. Between them the
// body is appended.
func beginBlock(b []byte, typ uint32) (_ []byte, start int) {
	start = len(b)
	b = binary.LittleEndian.AppendUint32(b, typ)
	return append(b, 0, 0, 0, 0), start
}

func endBlock(b []byte, start int) []byte {
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	size := uint32(len(b) - start + 4)
	binary.LittleEndian.PutUint32(b[start+4:], size)
	return binary.LittleEndian.AppendUint32(b, size)
}

// appendSection appends a section header. It has no options: readers of the
// libs up to 0.20 fail on them.
func appendSection(b []byte) []byte {
	b, start := beginBlock(b, blockSection)
	b = binary.LittleEndian.AppendUint32(b, byteOrderMagic)
	b = binary.LittleEndian.AppendUint16(b, majorVersion)
	b = binary.LittleEndian.AppendUint16(b, minorVersion)
	b = binary.LittleEndian.AppendUint64(b, unknownLength)
	return endBlock(b, start)
}

// appendSnapshot appends the lists of s in the order in which the libs write them.
func appendSnapshot(b []byte, s *Snapshot) []byte {
	if s == nil {
		return b
	}
	if s.Machine != nil {
		b = appendMachine(b, s.Machine)
	}
	if len(s.Interfaces) > 0 {
		b = appendInterfaces(b, s.Interfaces)
	}
	if len(s.Users)+len(s.Groups) > 0 {
		b = appendUsers(b, s.Users, s.Groups)
	}
	if len(s.Threads) == 0 {
		return b
	}
	b, start := beginBlock(b, blockProcV9)
	for i := range s.Threads {
		b = appendThread(b, &s.Threads[i])
	}
	b = endBlock(b, start)
	for i := range s.Threads {
		b, start = beginBlock(b, blockFD)
		b = binary.LittleEndian.AppendUint64(b, uint64(s.Threads[i].TID))
		for k := range s.Threads[i].FDs {
			b = appendFD(b, &s.Threads[i].FDs[k])
		}
		b = endBlock(b, start)
	}
	return b
}

func appendMachine(b []byte, m *MachineInfo) []byte {
	b, start := beginBlock(b, blockMachine)
	b = binary.LittleEndian.AppendUint32(b, m.NumCPUs)
	b = binary.LittleEndian.AppendUint64(b, m.MemoryB)
	b = binary.LittleEndian.AppendUint64(b, m.MaxPID)
	var name [128]byte
	copy(name[:127], m.Hostname)
	b = append(b, name[:]...)
	b = binary.LittleEndian.AppendUint64(b, m.BootTime)
	b = binary.LittleEndian.AppendUint64(b, m.Flags)
	b = binary.LittleEndian.AppendUint64(b, m.Reserved1)
	b = binary.LittleEndian.AppendUint64(b, m.Reserved2)
	return endBlock(b, start)
}

// entrySize fills in the length of a list entry that begins at start. uncounted
// is how many bytes of the length field the length leaves out.
func entrySize(b []byte, start, uncounted int) []byte {
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-uncounted))
	return b
}

func appendInterfaces(b []byte, list []Interface) []byte {
	b, start := beginBlock(b, blockIface)
	for _, v6 := range []bool{false, true} { // the libs write all IPv4 entries first
		for i := range list {
			if e := &list[i]; e.Addr.IsValid() && e.Addr.Is6() == v6 {
				b = appendInterface(b, e)
			}
		}
	}
	return endBlock(b, start)
}

func appendInterface(b []byte, e *Interface) []byte {
	kind, size := uint16(schema.SCAP_II_IPV4), 4
	if e.Addr.Is6() {
		kind, size = schema.SCAP_II_IPV6, 16
	}
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	name := clip(e.Name, maxName-1)
	b = binary.LittleEndian.AppendUint16(b, kind)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
	b = appendAddr(b, e.Addr, size)
	b = appendAddr(b, e.Netmask, size)
	b = appendAddr(b, e.Broadcast, size)
	b = binary.LittleEndian.AppendUint64(b, e.LinkSpeed)
	b = append(b, name...)
	return entrySize(b, start, 4)
}

// appendAddr appends the bytes of a, zeros when it is not of that size.
func appendAddr(b []byte, a netip.Addr, size int) []byte {
	if !a.IsValid() || a.BitLen() != size*8 {
		return append(b, make([]byte, size)...)
	}
	return append(b, a.AsSlice()...)
}

func clip(s string, n int) string { return s[:min(len(s), n)] }

func appendStr(b []byte, s string, limit int) []byte {
	s = clip(s, limit)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// appendStrs appends a list of strings, each with a NUL, cut to limit bytes.
func appendStrs(b []byte, list []string, limit int) []byte {
	at := len(b)
	b = append(b, 0, 0)
	for _, s := range list {
		b = append(append(b, s...), 0)
		if len(b)-at-2 > limit {
			b = b[:at+2+limit]
			b[len(b)-1] = 0
			break
		}
	}
	binary.LittleEndian.PutUint16(b[at:], uint16(len(b)-at-2))
	return b
}

func appendUsers(b []byte, users []User, groups []Group) []byte {
	const maxUser = 255 // the libs refuse longer strings
	b, start := beginBlock(b, blockUser)
	for _, u := range users {
		at := len(b)
		b = append(b, 0, 0, 0, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, u.UID)
		b = binary.LittleEndian.AppendUint32(b, u.GID)
		b = appendStr(b, u.Name, maxUser)
		b = appendStr(b, u.Home, maxUser)
		b = appendStr(b, u.Shell, maxUser)
		b = entrySize(b, at, 0)
	}
	for _, g := range groups {
		at := len(b)
		b = append(b, 0, 0, 0, 0, 1)
		b = binary.LittleEndian.AppendUint32(b, g.GID)
		b = appendStr(b, g.Name, maxUser)
		b = entrySize(b, at, 0)
	}
	return endBlock(b, start)
}

func appendThread(b []byte, t *Thread) []byte {
	start := len(b)
	le := binary.LittleEndian
	b = append(b, 0, 0, 0, 0)
	for _, v := range [...]int64{t.TID, t.PID, t.PTID, t.SID, t.VPGID} {
		b = le.AppendUint64(b, uint64(v))
	}
	b = appendStr(b, t.Comm, maxName)
	b = appendStr(b, t.Exe, maxName)
	b = appendStr(b, t.ExePath, maxName)
	b = appendStrs(b, t.Args, maxArgs)
	b = appendStr(b, t.CWD, maxName)
	b = le.AppendUint64(b, uint64(t.FDLimit))
	for _, v := range [...]uint32{t.Flags, t.UID, t.GID, t.VMSizeKB, t.VMRSSKB, t.VMSwapKB} {
		b = le.AppendUint32(b, v)
	}
	b = le.AppendUint64(b, t.PageFaultsMaj)
	b = le.AppendUint64(b, t.PageFaultsMin)
	b = appendStrs(b, t.Env, maxArgs)
	b = le.AppendUint64(b, uint64(t.VTID))
	b = le.AppendUint64(b, uint64(t.VPID))
	b = appendStrs(b, t.Cgroups, maxArgs)
	b = appendStr(b, t.Root, maxName)
	b = le.AppendUint64(b, t.PidnsInitTS)
	b = le.AppendUint32(b, t.TTY)
	b = le.AppendUint32(b, t.LoginUID)
	b = append(b, b2u(t.ExeWritable))
	b = le.AppendUint64(b, t.CapInheritable)
	b = le.AppendUint64(b, t.CapPermitted)
	b = le.AppendUint64(b, t.CapEffective)
	b = append(b, b2u(t.ExeUpperLayer))
	b = le.AppendUint64(b, t.ExeIno)
	b = le.AppendUint64(b, t.ExeInoCtime)
	b = le.AppendUint64(b, t.ExeInoMtime)
	b = append(b, b2u(t.ExeFromMemfd), b2u(t.ExeLowerLayer))
	b = le.AppendUint64(b, uint64(t.PGID))
	return entrySize(b, start, 0)
}

func b2u(v bool) byte {
	if v {
		return 1
	}
	return 0
}

func appendFD(b []byte, f *FD) []byte {
	start := len(b)
	le := binary.LittleEndian
	b = append(b, 0, 0, 0, 0)
	b = le.AppendUint64(b, uint64(f.Num))
	b = le.AppendUint64(b, f.Ino)
	b = append(b, f.Type)
	switch f.Type {
	case schema.SCAP_FD_UNKNOWN:
	case schema.SCAP_FD_IPV4_SOCK, schema.SCAP_FD_IPV6_SOCK:
		size := inetSize(f.Type == schema.SCAP_FD_IPV6_SOCK)
		b = appendAddr(b, f.Src.Addr(), size)
		b = appendAddr(b, f.Dst.Addr(), size)
		b = le.AppendUint16(b, f.Src.Port())
		b = le.AppendUint16(b, f.Dst.Port())
		b = append(b, f.L4)
	case schema.SCAP_FD_IPV4_SERVSOCK, schema.SCAP_FD_IPV6_SERVSOCK:
		b = appendAddr(b, f.Src.Addr(), inetSize(f.Type == schema.SCAP_FD_IPV6_SERVSOCK))
		b = le.AppendUint16(b, f.Src.Port())
		b = append(b, f.L4)
	case schema.SCAP_FD_UNIX_SOCK:
		b = le.AppendUint64(b, f.UnixSrc)
		b = le.AppendUint64(b, f.UnixDst)
		b = appendStr(b, f.Name, maxName-1)
	case schema.SCAP_FD_FILE_V2:
		b = le.AppendUint32(b, f.Flags)
		b = appendStr(b, f.Name, maxName-1)
		b = le.AppendUint32(b, f.Dev)
	default:
		b = appendStr(b, f.Name, maxName-1)
	}
	return entrySize(b, start, 0)
}

func inetSize(v6 bool) int {
	if v6 {
		return 16
	}
	return 4
}
