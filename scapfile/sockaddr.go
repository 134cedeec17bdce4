package scapfile

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Sock is a decoded socket address or connection parameter.
type Sock struct {
	Family   uint8 // PPM_AF_ value
	Src, Dst netip.AddrPort
	// Unix sockets: kernel pointers and the path, without its NUL. A connection's
	// Path is a view into the event.
	UnixSrc, UnixDst uint64
	Path             []byte
}

// ParseSockAddr decodes a PT_SOCKADDR parameter into Family and Dst, or Path.
func ParseSockAddr(v []byte) (s Sock, ok bool) {
	if len(v) == 0 {
		return s, false
	}
	s.Family = v[0]
	switch {
	case s.Family == schema.PPM_AF_INET && len(v) == 7:
		s.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(v[1:5])), binary.LittleEndian.Uint16(v[5:]))
	case s.Family == schema.PPM_AF_INET6 && len(v) == 19:
		s.Dst = netip.AddrPortFrom(netip.AddrFrom16([16]byte(v[1:17])), binary.LittleEndian.Uint16(v[17:]))
	case s.Family == schema.PPM_AF_UNIX:
		i := bytes.IndexByte(v[1:], 0)
		if i < 0 {
			return s, false
		}
		s.Path = v[1 : 1+i]
	default:
		return s, false
	}
	return s, true
}

// ParseSockTuple decodes a PT_SOCKTUPLE parameter. An IPv6 tuple of two mapped
// IPv4 addresses becomes IPv4 (Family stays INET6).
func ParseSockTuple(v []byte) (s Sock, ok bool) {
	if len(v) == 0 {
		return s, false
	}
	le := binary.LittleEndian
	s.Family = v[0]
	switch {
	case s.Family == schema.PPM_AF_INET && len(v) == 13:
		s.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(v[1:5])), le.Uint16(v[5:]))
		s.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(v[7:11])), le.Uint16(v[11:]))
	case s.Family == schema.PPM_AF_INET6 && len(v) == 37:
		src, dst := netip.AddrFrom16([16]byte(v[1:17])), netip.AddrFrom16([16]byte(v[19:35]))
		if src.Is4In6() && dst.Is4In6() {
			src, dst = src.Unmap(), dst.Unmap()
		}
		s.Src = netip.AddrPortFrom(src, le.Uint16(v[17:]))
		s.Dst = netip.AddrPortFrom(dst, le.Uint16(v[35:]))
	case s.Family == schema.PPM_AF_UNIX && len(v) >= 18:
		i := bytes.IndexByte(v[17:], 0)
		if i < 0 {
			return s, false
		}
		s.UnixSrc, s.UnixDst, s.Path = le.Uint64(v[1:]), le.Uint64(v[9:]), v[17:17+i]
	default:
		return s, false
	}
	return s, true
}

// AppendEndpoint appends "addr:port"; IPv6 addresses stand without brackets, as
// in every scap tool.
func AppendEndpoint(dst []byte, a netip.AddrPort) []byte {
	dst = a.Addr().AppendTo(dst)
	dst = append(dst, ':')
	return strconv.AppendUint(dst, uint64(a.Port()), 10)
}

func (r *Renderer) appendSockAddr(dst, v []byte) []byte {
	if len(v) == 0 {
		return append(dst, "<NA>"...)
	}
	s, ok := ParseSockAddr(v)
	switch {
	case !ok:
		return appendBadSock(dst, v[0])
	case s.Family == schema.PPM_AF_UNIX:
		return r.appendCaptured(dst, s.Path)
	}
	return AppendEndpoint(dst, s.Dst)
}

func (r *Renderer) appendSockTuple(dst, v []byte) []byte {
	if len(v) == 0 {
		return append(dst, "NULL"...)
	}
	s, ok := ParseSockTuple(v)
	if !ok {
		return appendBadSock(dst, v[0])
	}
	if s.Family == schema.PPM_AF_UNIX {
		dst = strconv.AppendUint(dst, s.UnixSrc, 16)
		dst = append(dst, "->"...)
		dst = strconv.AppendUint(dst, s.UnixDst, 16)
		dst = append(dst, ' ')
		return r.appendCaptured(dst, s.Path)
	}
	dst = AppendEndpoint(dst, s.Src)
	dst = append(dst, "->"...)
	return AppendEndpoint(dst, s.Dst)
}

func appendBadSock(dst []byte, family byte) []byte {
	switch family {
	case schema.PPM_AF_INET:
		return append(dst, "INVALID IPv4"...)
	case schema.PPM_AF_INET6:
		return append(dst, "INVALID IPv6"...)
	case schema.PPM_AF_UNIX:
		return append(dst, "INVALID PATH"...)
	}
	dst = append(dst, "family "...)
	return strconv.AppendUint(dst, uint64(family), 10)
}
