package capture

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// inetTables are the socket tables of /proc/PID/net with one shape.
var inetTables = []struct {
	file string
	l4   uint8
}{
	{"net/tcp", schema.SCAP_L4_TCP}, {"net/tcp6", schema.SCAP_L4_TCP},
	{"net/udp", schema.SCAP_L4_UDP}, {"net/udp6", schema.SCAP_L4_UDP},
	{"net/udplite", schema.SCAP_L4_UDP}, {"net/udplite6", schema.SCAP_L4_UDP},
	{"net/raw", schema.SCAP_L4_RAW}, {"net/raw6", schema.SCAP_L4_RAW},
	{"net/icmp", schema.SCAP_L4_ICMP}, {"net/icmp6", schema.SCAP_L4_ICMP},
}

// socketTable returns the sockets of a network namespace by inode. It is read
// once, through any process that lives there.
func (s *scanner) socketTable(dir int, netns uint64) map[uint64]*scapfile.FD {
	if t, ok := s.sockets[netns]; ok {
		return t
	}
	t := map[uint64]*scapfile.FD{}
	for _, it := range inetTables {
		if b, err := s.read(dir, it.file, 0); err == nil {
			parseInet(b, it.l4, t)
		}
	}
	if b, err := s.read(dir, "net/unix", 0); err == nil {
		parseUnix(b, t)
	}
	if b, err := s.read(dir, "net/netlink", 0); err == nil {
		parseNetlink(b, t)
	}
	s.sockets[netns] = t
	return t
}

// parseInet adds the sockets of an internet table:
//
//	sl  local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode ...
//	0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1049 ...
//
// Src is the local end, Dst the remote one, whoever opened the connection.
func parseInet(b []byte, l4 uint8, into map[uint64]*scapfile.FD) {
	skipHeader(&b)
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) < 10 {
			continue
		}
		local, ok1 := hexAddrPort(f[1])
		remote, ok2 := hexAddrPort(f[2])
		ino, err := strconv.ParseUint(string(f[9]), 10, 64)
		if !ok1 || !ok2 || err != nil || ino == 0 { // 0: no descriptor any more (TIME_WAIT)
			continue
		}
		fd := &scapfile.FD{Src: local, L4: l4}
		v4 := local.Addr().Is4()
		switch connected := !remote.Addr().IsUnspecified(); {
		case connected && v4:
			fd.Type, fd.Dst = schema.SCAP_FD_IPV4_SOCK, remote
		case connected:
			fd.Type, fd.Dst = schema.SCAP_FD_IPV6_SOCK, remote
		case v4:
			fd.Type = schema.SCAP_FD_IPV4_SERVSOCK
		default:
			fd.Type = schema.SCAP_FD_IPV6_SERVSOCK
		}
		into[ino] = fd
	}
}

// hexAddrPort parses "0100007F:1F90". The kernel prints addresses as 32-bit words
// of the machine, the port as a number.
func hexAddrPort(b []byte) (netip.AddrPort, bool) {
	a, p, ok := bytes.Cut(b, []byte{':'})
	if !ok || len(a) != 8 && len(a) != 32 {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(string(p), 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	var raw [16]byte
	n, err := hex.Decode(raw[:], a)
	if err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < n; i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	addr, _ := netip.AddrFromSlice(raw[:n])
	return netip.AddrPortFrom(addr, uint16(port)), true
}

// parseUnix adds the sockets of the unix table:
//
//	Num       RefCount Protocol Flags    Type St Inode Path
//	ffff8881: 00000003 00000000 00000000 0001 03 648 /run/x
//
// The path may be missing and may hold spaces; "@" stands for an abstract name.
func parseUnix(b []byte, into map[uint64]*scapfile.FD) {
	skipHeader(&b)
	for line := range bytes.Lines(b) {
		line = bytes.TrimRight(line, "\n")
		f := bytes.Fields(line)
		if len(f) < 7 {
			continue
		}
		ino, err := strconv.ParseUint(string(f[6]), 10, 64)
		if err != nil || ino == 0 {
			continue
		}
		ptr, _ := strconv.ParseUint(string(bytes.TrimSuffix(f[0], []byte{':'})), 16, 64)
		fd := &scapfile.FD{Type: schema.SCAP_FD_UNIX_SOCK, UnixSrc: ptr, L4: schema.SCAP_L4_NA}
		if len(f) > 7 {
			at := bytes.Index(line, append(append([]byte{' '}, f[6]...), ' '))
			fd.Name = clip(string(line[at+len(f[6])+2:]), maxPath)
		}
		into[ino] = fd
	}
}

// parseNetlink adds the sockets of the netlink table, whose last column is the
// inode.
func parseNetlink(b []byte, into map[uint64]*scapfile.FD) {
	skipHeader(&b)
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) < 10 {
			continue
		}
		if ino, err := strconv.ParseUint(string(f[9]), 10, 64); err == nil && ino != 0 {
			into[ino] = &scapfile.FD{Type: schema.SCAP_FD_NETLINK}
		}
	}
}

// skipHeader cuts the first line of a table off.
func skipHeader(b *[]byte) {
	if i := bytes.IndexByte(*b, '\n'); i >= 0 {
		*b = (*b)[i+1:]
	} else {
		*b = nil
	}
}
