package probe

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Native socket addresses.
func sockaddr4(port uint16, ip [4]byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET)
	b = binary.BigEndian.AppendUint16(b, port)
	return append(append(b, ip[:]...), make([]byte, 8)...)
}

func sockaddr6(port uint16, ip [16]byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, unix.AF_INET6)
	b = binary.BigEndian.AppendUint16(b, port)
	b = append(b, make([]byte, 4)...)
	return append(append(b, ip[:]...), make([]byte, 4)...)
}

func sockaddrUnix(path string) []byte {
	b := binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX)
	return append(append(b, path...), 0)
}

// Recorded addresses and tuples.
func addr4(port int, ip [4]byte) []byte {
	return binary.LittleEndian.AppendUint16(append([]byte{schema.PPM_AF_INET}, ip[:]...), uint16(port))
}

func addr6(port int, ip [16]byte) []byte {
	return binary.LittleEndian.AppendUint16(append([]byte{schema.PPM_AF_INET6}, ip[:]...), uint16(port))
}

func addrUnix(path string) []byte { return append(append([]byte{schema.PPM_AF_UNIX}, path...), 0) }

func tuple4(ip1 [4]byte, port1 int, ip2 [4]byte, port2 int) []byte {
	return append(addr4(port1, ip1), addr4(port2, ip2)[1:]...)
}

func tuple6(ip1 [16]byte, port1 int, ip2 [16]byte, port2 int) []byte {
	return append(addr6(port1, ip1), addr6(port2, ip2)[1:]...)
}

var (
	localhost  = [4]byte{127, 0, 0, 1}
	localhost6 = [16]byte{15: 1}
)

// port returns the local port of a socket.
func (c *child) port(fd int64) int {
	sa, err := unix.Getsockname(int(fd))
	if err != nil {
		c.fail("getsockname: %v", err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return sa.Port
	case *unix.SockaddrInet6:
		return sa.Port
	}
	c.fail("socket %d has no port", fd)
	return 0
}

func (c *child) socket(domain, typ int) int64 { return c.must(unix.SYS_SOCKET, domain, typ, 0) }

// bind binds to an address.
func (c *child) bind(fd int64, sa []byte) { c.must(unix.SYS_BIND, fd, c.bytes(sa), len(sa)) }

// msghdr builds a struct msghdr.
func (c *child) msghdr(name []byte, iov uintptr, n int, control uintptr, controllen int) []byte {
	var nameptr uintptr
	if name != nil {
		nameptr = c.bytes(name)
	}
	b := binary.NativeEndian.AppendUint64(nil, uint64(nameptr))
	b = binary.NativeEndian.AppendUint64(b, uint64(len(name)))
	b = binary.NativeEndian.AppendUint64(b, uint64(iov))
	b = binary.NativeEndian.AppendUint64(b, uint64(n))
	b = binary.NativeEndian.AppendUint64(b, uint64(control))
	b = binary.NativeEndian.AppendUint64(b, uint64(controllen))
	return append(b, make([]byte, 8)...)
}

var _ = addCases(map[string]func(c *child){
	"socket": func(c *child) {
		fd := c.call(unix.SYS_SOCKET, unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 6)
		c.expect(schema.PPME_SOCKET_SOCKET_X, fd, schema.PPM_AF_INET6, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 6, schema.PPM_O_NONBLOCK|schema.PPM_O_CLOEXEC)
		fd = c.call(unix.SYS_SOCKET, 200, 1, 0)
		c.expect(schema.PPME_SOCKET_SOCKET_X, fd, 0, 1, 0, 0)
		p := c.u32s(0, 0)
		r := c.call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0, p)
		c.expect(schema.PPME_SOCKET_SOCKETPAIR_X, r, c.u32At(p), c.u32At(p+4), nonEmpty{}, nonEmpty{}, schema.PPM_AF_UNIX, unix.SOCK_STREAM, 0)
		r = c.call(unix.SYS_SOCKETPAIR, unix.AF_INET, unix.SOCK_STREAM, 0, p)
		c.expect(schema.PPME_SOCKET_SOCKETPAIR_X, r, -1, -1, 0, 0, schema.PPM_AF_INET, unix.SOCK_STREAM, 0)
		c.call(unix.SYS_GETSOCKNAME, 99, 0, 0)
		c.expect(schema.PPME_SOCKET_GETSOCKNAME_X)
		c.call(unix.SYS_GETPEERNAME, 99, 0, 0)
		c.expect(schema.PPME_SOCKET_GETPEERNAME_X)
	},
	"tcp": func(c *child) {
		ln := c.socket(unix.AF_INET, unix.SOCK_STREAM)
		sa := sockaddr4(0, localhost)
		r := c.call(unix.SYS_BIND, ln, c.bytes(sa), len(sa))
		c.expect(schema.PPME_SOCKET_BIND_X, r, addr4(0, localhost), ln)
		r = c.call(unix.SYS_LISTEN, ln, 10)
		c.expect(schema.PPME_SOCKET_LISTEN_X, r, ln, 10)
		port := c.port(ln)
		cl := c.socket(unix.AF_INET, unix.SOCK_STREAM)
		sa = sockaddr4(uint16(port), localhost)
		r = c.call(unix.SYS_CONNECT, cl, c.bytes(sa), len(sa))
		cport := c.port(cl)
		out := tuple4(localhost, cport, localhost, port)
		c.expect(schema.PPME_SOCKET_CONNECT_X, r, out, cl, addr4(port, localhost))
		cl2 := c.socket(unix.AF_INET, unix.SOCK_STREAM)
		c.must(unix.SYS_CONNECT, cl2, c.bytes(sa), len(sa))
		srv := c.call(unix.SYS_ACCEPT4, ln, 0, 0, unix.SOCK_CLOEXEC)
		c.expect(schema.PPME_SOCKET_ACCEPT4_6_X, srv, out, 10, 1, 10, schema.PPM_O_CLOEXEC)
		srv2 := c.call(unix.SYS_ACCEPT, ln, 0, 0)
		c.expect(schema.PPME_SOCKET_ACCEPT_5_X, srv2, tuple4(localhost, c.port(cl2), localhost, port), 0, 0, 10)
		r = c.call(unix.SYS_ACCEPT, cl, 0, 0)
		c.expect(schema.PPME_SOCKET_ACCEPT_5_X, r, nil, 0, 0, 0)
		r = c.call(unix.SYS_ACCEPT4, 99, 0, 0, 0)
		c.expect(schema.PPME_SOCKET_ACCEPT4_6_X, r, nil, 0, 0, 0, 0)

		r = c.call(unix.SYS_SENDTO, cl, c.bytes([]byte("hello")), 5, 0, 0, 0)
		c.expect(schema.PPME_SOCKET_SENDTO_X, r, []byte("hello"), cl, 5, out)
		buf := c.bytes(make([]byte, 100))
		r = c.call(unix.SYS_RECVFROM, srv, buf, 100, 0, 0, 0)
		c.expect(schema.PPME_SOCKET_RECVFROM_X, r, []byte("hello"), out, srv, 100)
		r = c.call(unix.SYS_WRITE, srv, c.bytes([]byte("back")), 4)
		c.expect(schema.PPME_SYSCALL_WRITE_X, r, []byte("back"), srv, 4)
		r = c.call(unix.SYS_SHUTDOWN, cl, unix.SHUT_WR)
		c.expect(schema.PPME_SOCKET_SHUTDOWN_X, r, cl, schema.PPM_SHUT_WR)
		r = c.call(unix.SYS_SHUTDOWN, cl, 9)
		c.expect(schema.PPME_SOCKET_SHUTDOWN_X, r, cl, 255)
		c.call(unix.SYS_RECVFROM, srv, buf, 100, 0, 0, 0)
		c.expect(schema.PPME_SOCKET_RECVFROM_X, 0, nil, out, srv, 100)
		r = c.call(unix.SYS_SENDTO, 99, buf, 3, 0, 0, 0)
		c.expect(schema.PPME_SOCKET_SENDTO_X, r, []byte("hel"), 99, 3, nil)
		r = c.call(unix.SYS_RECVFROM, 99, buf, 3, 0, 0, 0)
		c.expect(schema.PPME_SOCKET_RECVFROM_X, r, nil, nil, 99, 3)
		// Refused.
		cl = c.socket(unix.AF_INET, unix.SOCK_STREAM)
		sa = sockaddr4(1, localhost)
		r = c.call(unix.SYS_CONNECT, cl, c.bytes(sa), len(sa))
		c.expect(schema.PPME_SOCKET_CONNECT_X, r, nil, cl, addr4(1, localhost))
	},
	"tcp over IPv6": func(c *child) {
		ln := c.call(unix.SYS_SOCKET, unix.AF_INET6, unix.SOCK_STREAM, 0)
		sa := sockaddr6(0, localhost6)
		if ln < 0 || c.call(unix.SYS_BIND, ln, c.bytes(sa), len(sa)) < 0 {
			c.skip("no IPv6")
		}
		c.expect(schema.PPME_SOCKET_BIND_X, 0, addr6(0, localhost6), ln)
		c.must(unix.SYS_LISTEN, ln, 1)
		port := c.port(ln)
		cl := c.socket(unix.AF_INET6, unix.SOCK_STREAM)
		sa = sockaddr6(uint16(port), localhost6)
		r := c.call(unix.SYS_CONNECT, cl, c.bytes(sa), len(sa))
		out := tuple6(localhost6, c.port(cl), localhost6, port)
		c.expect(schema.PPME_SOCKET_CONNECT_X, r, out, cl, addr6(port, localhost6))
		srv := c.call(unix.SYS_ACCEPT4, ln, 0, 0, 0)
		c.expect(schema.PPME_SOCKET_ACCEPT4_6_X, srv, out, anything{}, anything{}, 1, 0)
	},
	"udp": func(c *child) {
		a, b := c.socket(unix.AF_INET, unix.SOCK_DGRAM), c.socket(unix.AF_INET, unix.SOCK_DGRAM)
		c.bind(a, sockaddr4(0, localhost))
		c.bind(b, sockaddr4(0, localhost))
		pa, pb := c.port(a), c.port(b)
		to := sockaddr4(uint16(pb), localhost)
		r := c.call(unix.SYS_SENDTO, a, c.bytes([]byte("ping")), 4, 0, c.bytes(to), len(to))
		t := tuple4(localhost, pa, localhost, pb)
		c.expect(schema.PPME_SOCKET_SENDTO_X, r, []byte("ping"), a, 4, t)
		buf, from := c.bytes(make([]byte, 50)), c.bytes(make([]byte, 32))
		r = c.call(unix.SYS_RECVFROM, b, buf, 50, 0, from, c.u32s(32))
		c.expect(schema.PPME_SOCKET_RECVFROM_X, r, []byte("ping"), t, b, 50)

		iov := c.iov([]byte("one"), []byte("two!"))
		r = c.call(unix.SYS_SENDMSG, a, c.bytes(c.msghdr(to, iov, 2, 0, 0)), 0)
		c.expect(schema.PPME_SOCKET_SENDMSG_X, r, []byte("onetwo!"), a, 7, t)
		hdr := c.bytes(c.msghdr(make([]byte, 16), c.iov(make([]byte, 2), make([]byte, 20)), 2, 0, 0))
		r = c.call(unix.SYS_RECVMSG, b, hdr, 0)
		c.expect(schema.PPME_SOCKET_RECVMSG_X, r, 7, []byte("onetwo!"), t, nil, b)
		r = c.call(unix.SYS_SENDMSG, 99, c.bytes(c.msghdr(nil, iov, 2, 0, 0)), 0)
		c.expect(schema.PPME_SOCKET_SENDMSG_X, r, []byte("onetwo!"), 99, 7, nil)
		r = c.call(unix.SYS_SENDMSG, a, 8, 0)
		c.expect(schema.PPME_SOCKET_SENDMSG_X, r, nil, a, nil, nil)
		r = c.call(unix.SYS_RECVMSG, b, hdr, unix.MSG_DONTWAIT)
		c.expect(schema.PPME_SOCKET_RECVMSG_X, r, 0, nil, nil, nil, b)

		var vec []byte
		for k := range 3 {
			vec = append(vec, c.msghdr(to, c.iov(fmt.Appendf(nil, "msg%d", k)), 1, 0, 0)...)
			vec = append(vec, make([]byte, 8)...)
		}
		r = c.call(unix.SYS_SENDMMSG, a, c.bytes(vec), 3, 0)
		if r != 3 {
			c.fail("sendmmsg: %d", r)
		}
		for k := range 3 {
			c.expect(schema.PPME_SOCKET_SENDMMSG_X, 4, a, 4, fmt.Appendf(nil, "msg%d", k), t)
		}
		vec = vec[:0]
		for range 4 {
			vec = append(vec, c.msghdr(make([]byte, 16), c.iov(make([]byte, 10)), 1, 0, 0)...)
			vec = append(vec, make([]byte, 8)...)
		}
		r = c.call(unix.SYS_RECVMMSG, b, c.bytes(vec), 4, unix.MSG_DONTWAIT, 0)
		if r != 3 {
			c.fail("recvmmsg: %d", r)
		}
		for k := range 3 {
			c.expect(schema.PPME_SOCKET_RECVMMSG_X, 4, b, 4, fmt.Appendf(nil, "msg%d", k), t, nil)
		}
		r = c.call(unix.SYS_SENDMMSG, -5, c.bytes(vec), 1, 0)
		c.expect(schema.PPME_SOCKET_SENDMMSG_X, r, -5, 0, nil, nil)
		r = c.call(unix.SYS_RECVMMSG, b, c.bytes(vec), 1, unix.MSG_DONTWAIT, 0)
		c.expect(schema.PPME_SOCKET_RECVMMSG_X, r, b, 0, nil, nil, nil)
	},
	"unix sockets": func(c *child) {
		path := c.path("sock")
		ln := c.socket(unix.AF_UNIX, unix.SOCK_STREAM)
		sa := sockaddrUnix(path)
		r := c.call(unix.SYS_BIND, ln, c.bytes(sa), len(sa))
		c.expect(schema.PPME_SOCKET_BIND_X, r, addrUnix(path), ln)
		c.must(unix.SYS_LISTEN, ln, 4)
		cl := c.socket(unix.AF_UNIX, unix.SOCK_STREAM)
		r = c.call(unix.SYS_CONNECT, cl, c.bytes(sa), len(sa))
		c.expect(schema.PPME_SOCKET_CONNECT_X, r, suffix(path), cl, addrUnix(path))
		srv := c.call(unix.SYS_ACCEPT4, ln, 0, 0, 0)
		c.expect(schema.PPME_SOCKET_ACCEPT4_6_X, srv, suffix(path), anything{}, anything{}, 4, 0)
		// A descriptor passed along.
		cmsg := unix.UnixRights(2)
		hdr := c.msghdr(nil, c.iov([]byte("x")), 1, c.bytes(cmsg), len(cmsg))
		c.must(unix.SYS_SENDMSG, cl, c.bytes(hdr), 0)
		control := c.bytes(make([]byte, 64))
		r = c.call(unix.SYS_RECVMSG, srv, c.bytes(c.msghdr(nil, c.iov(make([]byte, 4)), 1, control, 64)), 0)
		c.expect(schema.PPME_SOCKET_RECVMSG_X, r, 1, []byte("x"), suffix(path), prefix(c.at(control, 20)), srv)
		// An abstract name loses its leading NUL.
		abs := c.socket(unix.AF_UNIX, unix.SOCK_DGRAM)
		name := fmt.Sprintf("abstract-%d", unix.Getpid())
		sa = sockaddrUnix("\x00" + name)
		r = c.call(unix.SYS_BIND, abs, c.bytes(sa), len(sa)-1)
		c.expect(schema.PPME_SOCKET_BIND_X, r, addrUnix(name), abs)
		// The longest path has no room for its NUL.
		long := "/absent/" + strings.Repeat("l", 100)
		sa = sockaddrUnix(long)[:110]
		r = c.call(unix.SYS_BIND, c.socket(unix.AF_UNIX, unix.SOCK_DGRAM), c.bytes(sa), 110)
		c.expect(schema.PPME_SOCKET_BIND_X, r, addrUnix(long), abs+1)
		// Another family is not recorded.
		sa = append(binary.NativeEndian.AppendUint16(nil, unix.AF_NETLINK), make([]byte, 10)...)
		r = c.call(unix.SYS_BIND, 99, c.bytes(sa), 12)
		c.expect(schema.PPME_SOCKET_BIND_X, r, nil, 99)
	},
	"socket options": func(c *child) {
		fd := c.socket(unix.AF_INET, unix.SOCK_STREAM)
		u32 := func(v uint32) []byte { return binary.LittleEndian.AppendUint32([]byte{2}, v) }
		r := c.call(unix.SYS_SETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, c.u32s(1), 4)
		c.expect(schema.PPME_SOCKET_SETSOCKOPT_X, r, fd, schema.PPM_SOCKOPT_LEVEL_SOL_SOCKET, schema.PPM_SOCKOPT_SO_REUSEADDR, u32(1), 4)
		r = c.call(unix.SYS_SETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, c.words(2, 5), 16)
		c.expect(schema.PPME_SOCKET_SETSOCKOPT_X, r, fd, schema.PPM_SOCKOPT_LEVEL_SOL_SOCKET, schema.PPM_SOCKOPT_SO_RCVTIMEO,
			binary.LittleEndian.AppendUint64([]byte{4}, 2000005000), 16)
		r = c.call(unix.SYS_SETSOCKOPT, fd, 6, 1, c.u32s(1), 4) // TCP_NODELAY
		c.expect(schema.PPME_SOCKET_SETSOCKOPT_X, r, fd, schema.PPM_SOCKOPT_LEVEL_SOL_TCP, 0, []byte{0, 1, 0, 0, 0}, 4)
		v, n := c.u32s(0), c.u32s(4)
		r = c.call(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_TYPE, v, n)
		c.expect(schema.PPME_SOCKET_GETSOCKOPT_X, r, fd, schema.PPM_SOCKOPT_LEVEL_SOL_SOCKET, schema.PPM_SOCKOPT_SO_TYPE, u32(unix.SOCK_STREAM), 4)
		r = c.call(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_ERROR, c.u32s(7), n)
		c.expect(schema.PPME_SOCKET_GETSOCKOPT_X, r, fd, schema.PPM_SOCKOPT_LEVEL_SOL_SOCKET, schema.PPM_SOCKOPT_SO_ERROR, append([]byte{1}, make([]byte, 8)...), 4)
		r = c.call(unix.SYS_GETSOCKOPT, 99, unix.SOL_SOCKET, unix.SO_LINGER, v, c.u32s(2))
		c.expect(schema.PPME_SOCKET_GETSOCKOPT_X, r, 99, schema.PPM_SOCKOPT_LEVEL_SOL_SOCKET, schema.PPM_SOCKOPT_SO_LINGER, []byte{0, 1, 0}, 2)
	},
})
