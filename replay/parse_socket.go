package replay

import (
	"encoding/binary"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Native Linux numbers that socket parameters carry unmapped.
const (
	sockStream = 1
	sockDgram  = 2
	sockRaw    = 3

	ipprotoIP     = 0
	ipprotoICMP   = 1
	ipprotoTCP    = 6
	ipprotoUDP    = 17
	ipprotoICMPv6 = 58
	ipprotoRaw    = 255

	einprogress = 115

	solSocket = 1 // level of control messages
	scmRights = 1
)

func onSocket(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	domain, _ := ev.Uint32(1)
	typ, _ := ev.Uint32(2)
	proto, _ := ev.Uint32(3)
	m.addSocket(ev.Thread, num, domain, typ, proto)
}

func (m *Machine) addSocket(t *Thread, num int64, domain, typ, proto uint32) {
	fd := m.newFD(num, schema.SCAP_FD_UNKNOWN)
	fd.CloseOnExec = typ&nativeSockCloexec != 0
	switch domain {
	case schema.PPM_AF_UNIX:
		fd.Type = schema.SCAP_FD_UNIX_SOCK
	case schema.PPM_AF_INET:
		fd.Type, fd.Sock.L4 = schema.SCAP_FD_IPV4_SOCK, l4Of(typ, proto)
	case schema.PPM_AF_INET6:
		fd.Type, fd.Sock.L4 = schema.SCAP_FD_IPV6_SOCK, l4Of(typ, proto)
	case schema.PPM_AF_NETLINK:
		fd.Type = schema.SCAP_FD_NETLINK
	}
	m.addFD(t, fd)
}

// l4Of returns the SCAP_L4_ value of a socket's type and protocol.
func l4Of(typ, proto uint32) uint8 {
	typ &= 0xff // without SOCK_NONBLOCK and SOCK_CLOEXEC
	switch {
	case typ == sockRaw && proto != ipprotoIP:
		return schema.SCAP_L4_RAW
	case proto == ipprotoTCP, proto == ipprotoIP && typ == sockStream:
		return schema.SCAP_L4_TCP
	case proto == ipprotoUDP, proto == ipprotoIP && typ == sockDgram:
		return schema.SCAP_L4_UDP
	case proto == ipprotoICMP, proto == ipprotoICMPv6:
		return schema.SCAP_L4_ICMP
	case proto == ipprotoRaw:
		return schema.SCAP_L4_RAW
	}
	return schema.SCAP_L4_UNKNOWN
}

func onSocketpair(m *Machine, ev *Event) {
	if res, ok := ev.Int64(0); !ok || res < 0 {
		return
	}
	a, ok1 := ev.Int64(1)
	b, ok2 := ev.Int64(2)
	if !ok1 || !ok2 || a == b || a < 0 || b < 0 {
		return
	}
	fd := FD{Type: schema.SCAP_FD_UNIX_SOCK}
	if p := ev.Param(3); len(p) == 8 {
		fd.Sock.UnixSrc = le64(p)
	}
	if p := ev.Param(4); len(p) == 8 {
		fd.Sock.UnixDst = le64(p)
	}
	typ, _ := ev.Uint32(6)
	fd.CloseOnExec = typ&nativeSockCloexec != 0
	for _, num := range []int64{a, b} {
		end := fd
		end.Num = num
		m.addFD(ev.Thread, &end)
	}
}

func onBind(m *Machine, ev *Event) {
	res, ok := ev.Int64(0)
	if !ok || res < 0 || ev.FD == nil {
		return
	}
	addr := parseSockaddr(ev.Param(1))
	if addr.family == 0 {
		return
	}
	fd := ev.FD
	m.buf = m.buf[:0]
	switch {
	case addr.inet():
		m.buf = appendAddrPort(m.buf, addr.dst)
		if addr.dst.Port() == 0 {
			break
		}
		// A port of one's own is taken for the wish to serve.
		fd = m.writableFD(ev.Thread, fd)
		fd.Type = schema.SCAP_FD_IPV6_SERVSOCK
		if addr.dst.Addr().Is4() {
			fd.Type = schema.SCAP_FD_IPV4_SERVSOCK
		}
		fd.Sock.Dst, fd.Sock.Role = addr.dst, RoleServer
	case addr.family == schema.PPM_AF_UNIX:
		m.buf = append(m.buf, addr.path...)
	default:
		return
	}
	m.rename(ev.Thread, fd, m.buf)
}

func onConnect(m *Machine, ev *Event) {
	res, ok := ev.Int64(0)
	if !ok || ev.FD == nil || res < 0 && res != -einprogress {
		return
	}
	fd := m.writableFD(ev.Thread, ev.FD)
	fd.Sock.Connected = true
	fd.Sock.Pending = res < 0

	asked := parseSockaddr(ev.Param(3))
	var entered tuple
	if m.entered != nil {
		entered = parseSockaddr(m.entered.text)
	}
	t := parseTuple(ev.Param(1))
	switch {
	case t.family == 0:
		// The kernel had no socket to show yet (TCP fast open): what was asked
		// for is all there is.
		if t = entered; t.family == 0 {
			t = asked
		}
	case t.inet() && entered.inet() && asked.inet():
		// An address that the exit half read from the caller's memory may have
		// been changed after the call; the kernel's own is beyond that.
		if t.dst == asked.dst {
			t.dst = entered.dst
		}
	case t.family == schema.PPM_AF_UNIX && entered.family == t.family && asked.family == t.family:
		if string(t.path) == string(asked.path) {
			t.path = entered.path
		}
	}
	switch {
	case t.inet():
		fd.Type = t.sockType()
		if fd.Sock.merge(&t, true) && fd.Sock.Role == RoleServer && fd.Sock.L4 == schema.SCAP_L4_UDP {
			fd.Sock.swap() // a datagram server that names its peer
		}
		m.buf = appendTuple(m.buf[:0], fd.Sock.Src, fd.Sock.Dst, fd.Sock.L4)
	case t.family == schema.PPM_AF_UNIX && fd.Type == schema.SCAP_FD_UNIX_SOCK:
		fd.Sock.UnixSrc, fd.Sock.UnixDst = t.unixSrc, t.unixDst
		m.buf = appendUnix(m.buf[:0], t.unixSrc, t.unixDst, t.path)
	default:
		return
	}
	if fd.Sock.Role == RoleNone {
		fd.Sock.Role = RoleClient
	}
	m.rename(ev.Thread, fd, m.buf)
}

func onAccept(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	ev.FDNum = num
	t := parseTuple(ev.Param(1))
	fd := m.newFD(num, schema.SCAP_FD_UNKNOWN)
	fd.Sock.Role, fd.Sock.Connected = RoleServer, true
	m.buf = m.buf[:0]
	switch {
	case t.inet():
		fd.Type = t.sockType()
		fd.Sock.Src, fd.Sock.Dst, fd.Sock.L4 = t.src, t.dst, schema.SCAP_L4_TCP
		m.buf = appendTuple(m.buf, t.src, t.dst, fd.Sock.L4)
	case t.family == schema.PPM_AF_UNIX:
		fd.Type = schema.SCAP_FD_UNIX_SOCK
		fd.Sock.UnixSrc, fd.Sock.UnixDst = t.unixSrc, t.unixDst
		m.buf = appendUnix(m.buf, t.unixSrc, t.unixDst, t.path)
	default:
		m.addUnknown(ev.Thread, num) // of a family that captures do not describe
		return
	}
	if flags, ok := ev.Int(5); ok {
		fd.CloseOnExec = flags&schema.PPM_O_CLOEXEC != 0
	}
	fd.Name = m.text.text(m.buf)
	m.addFD(ev.Thread, fd)
}

func onGetsockopt(m *Machine, ev *Event) {
	// SO_ERROR is how a non-blocking connect tells its end.
	res, ok := ev.Int64(0)
	if !ok || res < 0 || ev.FD == nil || !ev.FD.Sock.Pending {
		return
	}
	level, _ := ev.Int(2)
	name, _ := ev.Int(3)
	val := ev.Param(4)
	if level != schema.PPM_SOCKOPT_LEVEL_SOL_SOCKET || name != schema.PPM_SOCKOPT_SO_ERROR || len(val) != 9 {
		return
	}
	fd := m.writableFD(ev.Thread, ev.FD)
	fd.Sock.Pending = false
	fd.Sock.Connected = int64(le64(val[1:])) >= 0
}

// onTransfer returns the handler of a call that moves data through a
// descriptor: in tells the direction, tupleParam where the addresses stand (-1:
// nowhere), controlParam where control messages do.
func onTransfer(in bool, tupleParam, controlParam int) func(*Machine, *Event) {
	return func(m *Machine, ev *Event) {
		if tupleParam < 0 && ev.FD != nil && ev.FD.Sock.L4 == 0 {
			return // not a socket of the internet: nothing to learn
		}
		res, ok := ev.Int64(0)
		if !ok || res < 0 {
			return
		}
		if ev.FD == nil {
			if in || tupleParam < 0 || !m.inferSocket(ev, tupleParam) {
				return
			}
		}
		fd := ev.FD
		if isInet(fd) && (!fd.Sock.Connected || fd.Sock.Pending) {
			fd = m.writableFD(ev.Thread, fd)
			fd.Sock.Connected, fd.Sock.Pending = true, false
		}
		if tupleParam < 0 {
			return
		}
		// The peer of a TCP connection never changes.
		if fd.Name == "" || !(fd.Type == schema.SCAP_FD_IPV4_SOCK && fd.Sock.L4 == schema.SCAP_L4_TCP) {
			m.updatePeer(ev, fd, ev.Param(tupleParam), in)
		}
		if controlParam >= 0 && ev.FD.Type == schema.SCAP_FD_UNIX_SOCK {
			m.receiveFDs(ev, ev.Param(controlParam))
		}
	}
}

func isInet(fd *FD) bool {
	return fd.Type == schema.SCAP_FD_IPV4_SOCK || fd.Type == schema.SCAP_FD_IPV6_SOCK
}

// inferSocket makes up the socket of a send whose descriptor is not known: the
// tuple tells the family, and most such sends are datagrams.
func (m *Machine) inferSocket(ev *Event, tupleParam int) bool {
	t := parseTuple(ev.Param(tupleParam))
	if !t.inet() || ev.FDNum < 0 {
		return false
	}
	m.addSocket(ev.Thread, ev.FDNum, uint32(t.family), sockDgram, ipprotoUDP)
	return ev.FD != nil
}

// updatePeer takes the addresses of a message into its socket.
func (m *Machine) updatePeer(ev *Event, fd *FD, param []byte, in bool) {
	t := parseTuple(param)
	if t.family == schema.PPM_AF_UNIX {
		if fd.Type != schema.SCAP_FD_UNIX_SOCK || fd.Sock.UnixSrc != t.unixSrc || fd.Sock.UnixDst != t.unixDst {
			fd = m.writableFD(ev.Thread, fd)
			fd.Type = schema.SCAP_FD_UNIX_SOCK
			fd.Sock.UnixSrc, fd.Sock.UnixDst = t.unixSrc, t.unixDst
		}
		m.buf = appendUnix(m.buf[:0], t.unixSrc, t.unixDst, t.path)
		m.rename(ev.Thread, fd, m.buf)
		return
	}
	if !t.inet() {
		return
	}
	typ := t.sockType()
	if s := &fd.Sock; fd.Type == typ && (t.src == s.Src && t.dst == s.Dst || t.dst == s.Src && t.src == s.Dst) {
		return
	}
	fd = m.writableFD(ev.Thread, fd)
	if fd.Type == schema.SCAP_FD_IPV4_SERVSOCK || fd.Type == schema.SCAP_FD_IPV6_SERVSOCK {
		fd.Sock.Src, fd.Sock.Dst = fd.Sock.Dst, fd.Sock.Src // bound here, unconnected so far
	}
	fd.Type = typ
	if !fd.Sock.merge(&t, false) {
		return
	}
	if fd.Sock.L4 == schema.SCAP_L4_UNKNOWN {
		fd.Sock.L4 = schema.SCAP_L4_UDP // TCP does not change peers
	}
	m.net.complete(fd)
	if fd.Sock.Role == RoleNone {
		// A server starts by reading, a client by writing.
		fd.Sock.Role = RoleClient
		if in {
			fd.Sock.Role = RoleServer
		}
	}
	if in == (fd.Sock.Role == RoleClient) {
		fd.Sock.swap() // the message runs against the direction of the connection
	}
	m.buf = appendTuple(m.buf[:0], fd.Sock.Src, fd.Sock.Dst, fd.Sock.L4)
	m.rename(ev.Thread, fd, m.buf)
}

// receiveFDs takes the descriptors that came with a message (SCM_RIGHTS). The
// capture tells their numbers, not what they refer to.
func (m *Machine) receiveFDs(ev *Event, control []byte) {
	const header = 16 // struct cmsghdr: u64 len, i32 level, i32 type
	for len(control) >= header {
		size := le64(control)
		if size < header || size > uint64(len(control)) {
			break
		}
		level, typ := le32(control[8:]), le32(control[12:])
		if level == solSocket && typ == scmRights {
			for data := control[header:size]; len(data) >= 4; data = data[4:] {
				n := int64(int32(binary.LittleEndian.Uint32(data)))
				if n >= 0 && n != ev.FDNum {
					m.addUnknown(ev.Thread, n)
				}
			}
		}
		next := (size + 7) &^ 7 // aligned to a word
		if next >= uint64(len(control)) {
			break
		}
		control = control[next:]
	}
}
