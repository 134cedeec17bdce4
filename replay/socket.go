package replay

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// tuple is a decoded PT_SOCKTUPLE or, with only dst set, PT_SOCKADDR.
type tuple struct {
	family   uint8 // PPM_AF_ value, 0 when the bytes are no tuple
	src, dst netip.AddrPort
	// unix sockets
	unixSrc, unixDst uint64
	path             []byte
}

func parseTuple(b []byte) (t tuple) {
	if len(b) == 0 {
		return t
	}
	le := binary.LittleEndian
	switch {
	case b[0] == schema.PPM_AF_INET && len(b) >= 13:
		t.src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[1:5])), le.Uint16(b[5:]))
		t.dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[7:11])), le.Uint16(b[11:]))
	case b[0] == schema.PPM_AF_INET6 && len(b) >= 37:
		t.src = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[1:17])), le.Uint16(b[17:]))
		t.dst = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[19:35])), le.Uint16(b[35:]))
		if mapped4(t.src.Addr()) && mapped4(t.dst.Addr()) {
			t.src, t.dst = unmap(t.src), unmap(t.dst)
		}
	case b[0] == schema.PPM_AF_UNIX && len(b) >= 18:
		t.unixSrc, t.unixDst = le.Uint64(b[1:]), le.Uint64(b[9:])
		t.path = trimNUL(b[17:])
	default:
		return t
	}
	t.family = b[0]
	return t
}

func parseSockaddr(b []byte) (t tuple) {
	if len(b) == 0 {
		return t
	}
	le := binary.LittleEndian
	switch {
	case b[0] == schema.PPM_AF_INET && len(b) >= 7:
		t.dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[1:5])), le.Uint16(b[5:]))
	case b[0] == schema.PPM_AF_INET6 && len(b) >= 19:
		t.dst = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[1:17])), le.Uint16(b[17:]))
		if t.dst.Addr().Is4In6() {
			t.dst = unmap(t.dst)
		}
	case b[0] == schema.PPM_AF_UNIX:
		t.path = trimNUL(b[1:])
	}
	t.family = b[0]
	return t
}

// inet reports an internet tuple.
func (t *tuple) inet() bool {
	return t.family == schema.PPM_AF_INET || t.family == schema.PPM_AF_INET6
}

// sockType returns the SCAP_FD_ type of a connected socket with the tuple.
func (t *tuple) sockType() uint8 {
	if t.dst.Addr().Is4() {
		return schema.SCAP_FD_IPV4_SOCK
	}
	return schema.SCAP_FD_IPV6_SOCK
}

// mapped4 reports an IPv4 address in IPv6 clothes. The unspecified address
// counts as one: a socket bound to :: serves IPv4 too.
func mapped4(a netip.Addr) bool { return a.Is4In6() || a.IsUnspecified() }

// unmap returns a with its address in IPv4 form where it has one.
func unmap(a netip.AddrPort) netip.AddrPort {
	switch addr := a.Addr(); {
	case addr.Is4In6():
		return netip.AddrPortFrom(addr.Unmap(), a.Port())
	case addr.Is6() && addr.IsUnspecified():
		return netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port())
	}
	return a
}

// appendAddrPort appends addr:port, without brackets around IPv6 as the libs
// write it.
func appendAddrPort(b []byte, a netip.AddrPort) []byte {
	b = appendHost(b, a.Addr())
	b = append(b, ':')
	return strconv.AppendUint(b, uint64(a.Port()), 10)
}

func appendHost(b []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return append(b, "0.0.0.0"...)
	}
	return a.AppendTo(b)
}

// appendTuple appends the name of a connection: with ports for the protocols
// that have some.
func appendTuple(b []byte, src, dst netip.AddrPort, l4 uint8) []byte {
	switch l4 {
	case schema.SCAP_L4_ICMP, schema.SCAP_L4_RAW:
		b = appendHost(b, src.Addr())
		b = append(b, "->"...)
		return appendHost(b, dst.Addr())
	}
	b = appendAddrPort(b, src)
	b = append(b, "->"...)
	return appendAddrPort(b, dst)
}

// appendUnix appends the name of a unix connection.
func appendUnix(b []byte, src, dst uint64, path []byte) []byte {
	b = strconv.AppendUint(b, src, 16)
	b = append(b, "->"...)
	b = strconv.AppendUint(b, dst, 16)
	b = append(b, ' ')
	return append(b, path...)
}

// noAddr reports an address that a socket does not have yet.
func noAddr(a netip.AddrPort) bool { return !a.Addr().IsValid() || a.Addr().IsUnspecified() }

// merge takes a tuple into the socket and reports whether it changed. What is
// known about the destination stays, unless overwrite is set: a datagram socket
// sees many peers.
func (s *SockInfo) merge(t *tuple, overwrite bool) (changed bool) {
	if t.src == s.Src && t.dst == s.Dst || t.dst == s.Src && t.src == s.Dst {
		return false
	}
	if s.Src != t.src {
		s.Src = t.src
		changed = true
	}
	dst := s.Dst
	if noAddr(dst) || overwrite {
		dst = netip.AddrPortFrom(t.dst.Addr(), dst.Port())
	}
	if dst.Port() == 0 || overwrite {
		dst = netip.AddrPortFrom(dst.Addr(), t.dst.Port())
	}
	if dst != s.Dst {
		s.Dst = dst
		changed = true
	}
	return changed
}

func (s *SockInfo) swap() { s.Src, s.Dst = s.Dst, s.Src }

// complete fills the address that a tuple lacks with the one that the host
// would use towards the other end.
func (n *interfaces) complete(fd *FD) {
	s := &fd.Sock
	switch {
	case !noAddr(s.Src) && !noAddr(s.Dst):
	case noAddr(s.Src):
		a := n.towards(s.Dst.Addr())
		if a == s.Dst.Addr() && s.Src.Port() == s.Dst.Port() || !a.IsValid() {
			return
		}
		s.Src = netip.AddrPortFrom(a, s.Src.Port())
	default:
		a := n.towards(s.Src.Addr())
		if a == s.Src.Addr() && s.Src.Port() == s.Dst.Port() || !a.IsValid() {
			return
		}
		s.Dst = netip.AddrPortFrom(a, s.Dst.Port())
	}
}

// towards returns the host's address that reaches dst: dst itself when it is
// one, else one of the same subnet, else the first that is not loopback.
func (n *interfaces) towards(dst netip.Addr) netip.Addr {
	list, isLoopback := n.v4, func(a netip.Addr) bool { return a == netip.AddrFrom4([4]byte{127, 0, 0, 1}) }
	if !dst.Is4() {
		list, isLoopback = n.v6, func(a netip.Addr) bool { return a == netip.IPv6Loopback() }
	}
	for _, i := range list {
		if i.Addr == dst {
			return i.Addr
		}
	}
	for _, i := range list {
		if sameSubnet(i.Addr, dst, i.Netmask) {
			return i.Addr
		}
	}
	for _, i := range list {
		if !isLoopback(i.Addr) {
			return i.Addr
		}
	}
	return netip.Addr{}
}

// sameSubnet compares two addresses under an IPv4 netmask; IPv6 interfaces of a
// capture have none, their first 64 bits are taken for the subnet.
func sameSubnet(a, b, mask netip.Addr) bool {
	if !a.Is4() {
		x, y := a.As16(), b.As16()
		return [8]byte(x[:8]) == [8]byte(y[:8])
	}
	if !mask.Is4() || !b.Is4() {
		return false
	}
	x, y, k := a.As4(), b.As4(), mask.As4()
	for i := range k {
		if x[i]&k[i] != y[i]&k[i] {
			return false
		}
	}
	return true
}
