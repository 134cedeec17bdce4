package replay

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// fdFields are the fields of the descriptor that the event works on.
var fdFields = []row{
	numField("fd.num", schema.PT_INT64, "Number of the descriptor, -1 when the call created none.", func(ev *Event) (int64, bool) { return ev.FDNum, onFD(ev) }).as(schema.PF_ID),
	fdText("fd.type", "Kind of the descriptor: file, directory, ipv4, ipv6, unix, pipe, event, signalfd, eventpoll, inotify, timerfd, netlink, bpf, userfaultfd, io_uring, memfd, pidfd.", (*FD).typeName).as(schema.PF_DEC),
	textField("fd.typechar", "Kind of the descriptor in one letter: f file, d directory, 4 and 6 IP socket, u unix socket, p pipe, e eventfd, s signalfd, l eventpoll, i inotify, t timerfd, n netlink, b bpf, r io_uring, m memfd, P pidfd, o other.", fdTypeChar).as(schema.PF_DEC),
	textField("fd.name", "Path of a file, tuple of a socket, name of another object.", fdName),
	textField("fd.directory", "Directory of a file; a directory's own path.", fdDirectory),
	textField("fd.filename", "Last part of a file's path.", fdFilename),
	eachEnd("fd.ip", schema.PT_IPADDR, "Address of either end of a socket.", endAddr),
	fdAddr("fd.cip", schema.PT_IPADDR, "Address of the client.", (*Event).client),
	fdAddr("fd.sip", schema.PT_IPADDR, "Address of the server.", (*Event).server),
	fdAddr("fd.lip", schema.PT_IPADDR, "Address of the end on this host.", (*Event).local),
	fdAddr("fd.rip", schema.PT_IPADDR, "Address of the end that is not on this host.", (*Event).remote),
	eachEnd("fd.port", schema.PT_PORT, "Port of either end of a socket.", endPort),
	fdPort("fd.cport", "Port of the client.", (*Event).client),
	fdPort("fd.sport", "Port of the server.", (*Event).server),
	fdPort("fd.lport", "Port of the end on this host.", (*Event).local),
	fdPort("fd.rport", "Port of the end that is not on this host.", (*Event).remote),
	fdText("fd.l4proto", "Transport protocol: tcp, udp, icmp, raw, or the text <NA>.", (*FD).l4Name),
	textField("fd.sockfamily", "Family of a socket: ip or unix.", func(ev *Event) (string, bool) {
		fd := eventFD(ev)
		switch {
		case fd == nil:
		case fd.isIP():
			return "ip", true
		case int(fd.Type) == schema.SCAP_FD_UNIX_SOCK:
			return "unix", true
		}
		return "", false
	}),
	boolField("fd.is_server", "Whether the server end of the socket is on this host.", func(ev *Event) (int64, bool) {
		fd := eventFD(ev)
		switch {
		case fd == nil:
			return 0, false
		case fd.isListener():
			return 1, true
		}
		return b2i(fd.isConn() && ev.isLocal(fd.Sock.Dst.Addr()))
	}),
	textField("fd.uid", "Thread id and descriptor number in one word.", func(ev *Event) (string, bool) {
		if !onFD(ev) || ev.Thread == nil {
			return "", false
		}
		return ev.close(strconv.AppendInt(strconv.AppendInt(ev.open(), ev.Thread.TID, 10), ev.FDNum, 10))
	}),
	textField("fd.containername", "Container id, colon, fd.name.", func(ev *Event) (string, bool) { return inContainer(ev, fdName) }),
	textField("fd.containerdirectory", "Container id, colon, fd.directory.", func(ev *Event) (string, bool) { return inContainer(ev, fdDirectory) }),
	eachEnd("fd.proto", schema.PT_PORT, "Service port of either end of a socket.", endPort),
	fdService("fd.cproto", "Client port as text.", (*Event).client),
	fdService("fd.sproto", "Server port as text.", (*Event).server),
	fdService("fd.lproto", "Local port as text.", (*Event).local),
	fdService("fd.rproto", "Remote port as text.", (*Event).remote),
	eachEnd("fd.net", schema.PT_IPNET, "Network of either end of a socket: fd.net = 10.0.0.0/8.", endAddr),
	fdAddr("fd.cnet", schema.PT_IPNET, "Network of the client.", (*Event).client).filterOnly(),
	fdAddr("fd.snet", schema.PT_IPNET, "Network of the server.", (*Event).server).filterOnly(),
	fdAddr("fd.lnet", schema.PT_IPNET, "Network of the end on this host.", (*Event).local).filterOnly(),
	fdAddr("fd.rnet", schema.PT_IPNET, "Network of the end that is not on this host.", (*Event).remote).filterOnly(),
	fdBool("fd.connected", "Whether the socket is connected.", func(fd *FD) bool { return fd.Sock.Connected }),
	fdBool("fd.name_changed", "Whether the event changed the name of the descriptor.", func(fd *FD) bool { return fd.NameChanged }),
	textField("fd.cip.name", "Domain name of the client; known only where the capture shows it.", noText).plainOnly(),
	textField("fd.sip.name", "Domain name of the server; known only where the capture shows it.", noText).plainOnly(),
	textField("fd.lip.name", "Domain name of the end on this host; known only where the capture shows it.", noText).plainOnly(),
	textField("fd.rip.name", "Domain name of the end that is not on this host; known only where the capture shows it.", noText).plainOnly(),
	fdNum("fd.dev", schema.PT_INT32, "Device of the file, in hexadecimal.", func(fd *FD) int64 { return int64(int32(fd.Dev)) }).as(schema.PF_HEX),
	fdNum("fd.dev.major", schema.PT_INT32, "Major number of the file's device.", func(fd *FD) int64 { return int64(fd.Dev >> 8 & 0xfff) }),
	fdNum("fd.dev.minor", schema.PT_INT32, "Minor number of the file's device.", func(fd *FD) int64 { return int64(fd.Dev&0xff | fd.Dev>>12&0xfff00) }),
	fdNum("fd.ino", schema.PT_INT64, "Inode of the file.", func(fd *FD) int64 { return int64(fd.Ino) }),
	textField("fd.nameraw", "Path as the call gave it.", fdNameRaw),
	fdTypesField("fd.types", "Kinds of all descriptors of the process, each once; [N] is the kind of descriptor N."),
	fdBool("fd.is_upper_layer", "Whether the file is in the upper layer of an overlay.", func(fd *FD) bool { return fd.Flags&schema.PPM_FD_UPPER_LAYER != 0 }),
	fdBool("fd.is_lower_layer", "Whether the file is in a lower layer of an overlay.", func(fd *FD) bool { return fd.Flags&schema.PPM_FD_LOWER_LAYER != 0 }),
}

// onFD reports whether the event is one that works on or creates a descriptor.
func onFD(ev *Event) bool {
	return ev.Info.Flags&(schema.EF_CREATES_FD|schema.EF_DESTROYS_FD|schema.EF_USES_FD) != 0
}

// eventFD returns the descriptor of such an event, nil when it is not known.
func eventFD(ev *Event) *FD {
	if !onFD(ev) {
		return nil
	}
	return ev.FD
}

func fdText(name, desc string, f func(*FD) string) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		fd := eventFD(ev)
		if fd == nil {
			return "", false
		}
		return f(fd), true
	})
}

func fdNum(name string, t schema.ParamType, desc string, f func(*FD) int64) row {
	return numField(name, t, desc, func(ev *Event) (int64, bool) {
		fd := eventFD(ev)
		if fd == nil {
			return 0, false
		}
		return f(fd), true
	})
}

func fdBool(name, desc string, f func(*FD) bool) row {
	return boolField(name, desc, func(ev *Event) (int64, bool) {
		fd := eventFD(ev)
		if fd == nil {
			return 0, false
		}
		return b2i(f(fd))
	})
}

// fdKind names a kind of descriptor.
type fdKind struct {
	name string
	char string
}

// fdKinds are the kinds by SCAP_FD_ value.
var fdKinds = [256]fdKind{
	schema.SCAP_FD_FILE:          {"file", "f"},
	schema.SCAP_FD_FILE_V2:       {"file", "f"},
	schema.SCAP_FD_DIRECTORY:     {"directory", "d"},
	schema.SCAP_FD_IPV4_SOCK:     {"ipv4", "4"},
	schema.SCAP_FD_IPV4_SERVSOCK: {"ipv4", "4"},
	schema.SCAP_FD_IPV6_SOCK:     {"ipv6", "6"},
	schema.SCAP_FD_IPV6_SERVSOCK: {"ipv6", "6"},
	schema.SCAP_FD_UNIX_SOCK:     {"unix", "u"},
	schema.SCAP_FD_FIFO:          {"pipe", "p"},
	schema.SCAP_FD_EVENT:         {"event", "e"},
	schema.SCAP_FD_UNKNOWN:       {"<NA>", "o"},
	schema.SCAP_FD_UNSUPPORTED:   {"<NA>", "X"},
	schema.SCAP_FD_SIGNALFD:      {"signalfd", "s"},
	schema.SCAP_FD_EVENTPOLL:     {"eventpoll", "l"},
	schema.SCAP_FD_INOTIFY:       {"inotify", "i"},
	schema.SCAP_FD_TIMERFD:       {"timerfd", "t"},
	schema.SCAP_FD_NETLINK:       {"netlink", "n"},
	schema.SCAP_FD_BPF:           {"bpf", "b"},
	schema.SCAP_FD_USERFAULTFD:   {"userfaultfd", "u"},
	schema.SCAP_FD_IOURING:       {"io_uring", "r"},
	schema.SCAP_FD_MEMFD:         {"memfd", "m"},
	schema.SCAP_FD_PIDFD:         {"pidfd", "P"},
}

func (fd *FD) typeName() string {
	if name := fdKinds[fd.Type].name; name != "" {
		return name
	}
	return notKnown
}

func (fd *FD) typeChar() string {
	if c := fdKinds[fd.Type].char; c != "" {
		return c
	}
	return "?"
}

func (fd *FD) isFile() bool {
	t := int(fd.Type)
	return t == schema.SCAP_FD_FILE || t == schema.SCAP_FD_FILE_V2
}

// isListener reports whether fd is an IP socket with one address only.
func (fd *FD) isListener() bool {
	t := int(fd.Type)
	return t == schema.SCAP_FD_IPV4_SERVSOCK || t == schema.SCAP_FD_IPV6_SERVSOCK
}

// isConn reports whether fd is an IP socket with two ends.
func (fd *FD) isConn() bool {
	t := int(fd.Type)
	return t == schema.SCAP_FD_IPV4_SOCK || t == schema.SCAP_FD_IPV6_SOCK
}

func (fd *FD) isIP() bool { return fd.isConn() || fd.isListener() }

// l4Name is the transport protocol. A socket that is neither bound nor
// connected shows none, except raw ones.
func (fd *FD) l4Name() string {
	switch fd.l4() {
	case schema.SCAP_L4_TCP:
		return "tcp"
	case schema.SCAP_L4_UDP:
		return "udp"
	case schema.SCAP_L4_ICMP:
		return "icmp"
	case schema.SCAP_L4_RAW:
		return "raw"
	}
	return notKnown
}

func (fd *FD) l4() int {
	l4 := int(fd.Sock.L4)
	if !fd.isIP() || fd.isConn() && fd.Sock.Role == RoleNone && l4 != schema.SCAP_L4_RAW {
		return schema.SCAP_L4_NA
	}
	return l4
}

// l4Char is the letter for the transport protocol behind the type character of
// a socket, 0 for none.
func (fd *FD) l4Char() byte {
	switch fd.l4() {
	case schema.SCAP_L4_TCP:
		return 't'
	case schema.SCAP_L4_UDP:
		return 'u'
	case schema.SCAP_L4_ICMP:
		return 'i'
	case schema.SCAP_L4_RAW:
		return 'r'
	}
	return 0
}

// createdChar is the type character of a descriptor that a failed call would
// have created. Falco knows none for open, although it does for openat.
var createdChar = map[schema.EventType]string{
	schema.PPME_SYSCALL_CREAT_X:             "f",
	schema.PPME_SYSCALL_OPENAT_2_X:          "f",
	schema.PPME_SYSCALL_OPENAT2_X:           "f",
	schema.PPME_SYSCALL_OPEN_BY_HANDLE_AT_X: "f",
	schema.PPME_SOCKET_SOCKET_X:             "4", // the family may be another one
	schema.PPME_SOCKET_ACCEPT_5_X:           "4",
	schema.PPME_SOCKET_ACCEPT4_6_X:          "4",
	schema.PPME_SYSCALL_PIPE_X:              "p",
	schema.PPME_SYSCALL_PIPE2_X:             "p",
	schema.PPME_SYSCALL_EVENTFD_X:           "e",
	schema.PPME_SYSCALL_EVENTFD2_X:          "e",
	schema.PPME_SYSCALL_SIGNALFD_X:          "s",
	schema.PPME_SYSCALL_SIGNALFD4_X:         "s",
	schema.PPME_SYSCALL_TIMERFD_CREATE_X:    "t",
	schema.PPME_SYSCALL_INOTIFY_INIT_X:      "i",
	schema.PPME_SYSCALL_INOTIFY_INIT1_X:     "i",
}

func fdTypeChar(ev *Event) (string, bool) {
	if !onFD(ev) {
		return "", false
	}
	if ev.FD != nil {
		return ev.FD.typeChar(), true
	}
	if c, ok := createdChar[ev.Type]; ok {
		return c, true
	}
	return "o", true
}

// fdName is the name of the descriptor; a failed open shows the path that it
// was asked to open. An unknown descriptor has an empty name, not a missing one.
func fdName(ev *Event) (string, bool) {
	if fd := eventFD(ev); fd != nil {
		return fd.Name, true
	}
	if !onFD(ev) {
		return "", false
	}
	return openedPath(ev)
}

func fdNameRaw(ev *Event) (string, bool) {
	if fd := eventFD(ev); fd != nil {
		return fd.Raw, true
	}
	if i := openPathParam(ev.Type); i >= 0 {
		s, ok := ev.Text(i)
		return view(s), ok
	}
	return "", onFD(ev)
}

func fdDirectory(ev *Event) (string, bool) {
	fd := eventFD(ev)
	if fd == nil {
		if !onFD(ev) {
			return "", false
		}
		name, ok := openedPath(ev)
		if !ok {
			return "", false
		}
		return directory(name), true
	}
	switch {
	case fd.isFile():
		return directory(fd.Name), true
	case int(fd.Type) == schema.SCAP_FD_DIRECTORY:
		return fd.Name, true
	}
	return "", false
}

// directory is the part of a path in front of the last slash.
func directory(path string) string {
	i := strings.LastIndexByte(path, '/')
	switch {
	case i <= 0:
		return "/"
	case i < len(path)-1:
		return path[:i]
	}
	return path
}

func fdFilename(ev *Event) (string, bool) {
	fd := eventFD(ev)
	if fd == nil || !fd.isFile() {
		return "", false
	}
	if i := strings.LastIndexByte(fd.Name, '/'); i >= 0 && i < len(fd.Name)-1 {
		return fd.Name[i+1:], true
	}
	return "/", true
}

// The ends of a socket. A connected socket's roles tell which one is the
// client; while they are unknown there is neither client nor server, neither
// local nor remote end.

func (ev *Event) client() (netip.AddrPort, bool) {
	fd := eventFD(ev)
	if fd == nil || !fd.isConn() || fd.Sock.Role == RoleNone {
		return netip.AddrPort{}, false
	}
	return fd.Sock.Src, true
}

func (ev *Event) server() (netip.AddrPort, bool) {
	fd := eventFD(ev)
	switch {
	case fd == nil:
	case fd.isListener():
		return fd.Sock.Dst, true
	case fd.isConn() && fd.Sock.Role != RoleNone:
		return fd.Sock.Dst, true
	}
	return netip.AddrPort{}, false
}

func (ev *Event) local() (netip.AddrPort, bool) { return ev.localEnd(true) }

func (ev *Event) remote() (netip.AddrPort, bool) { return ev.localEnd(false) }

// localEnd tells the ends apart by the addresses of the host's interfaces, the
// client first, as Falco does. Addresses of other network namespaces are in no
// list: there the role of the process decides.
func (ev *Event) localEnd(local bool) (netip.AddrPort, bool) {
	fd := eventFD(ev)
	if fd == nil || !fd.isConn() || fd.Sock.Role == RoleNone {
		return netip.AddrPort{}, false
	}
	src, dst := fd.Sock.Src, fd.Sock.Dst
	srcLocal := fd.Sock.Role == RoleClient
	switch {
	case ev.isLocal(src.Addr()):
		srcLocal = true
	case ev.isLocal(dst.Addr()):
		srcLocal = false
	}
	if srcLocal == local {
		return src, true
	}
	return dst, true
}

// isLocal reports whether an address belongs to one of the host's interfaces.
func (ev *Event) isLocal(a netip.Addr) bool {
	if ev.M == nil {
		return false
	}
	list := ev.M.Interfaces()
	for i := range list {
		if list[i].Addr == a {
			return true
		}
	}
	return false
}

type endFunc func(*Event) (netip.AddrPort, bool)

func fdAddr(name string, t schema.ParamType, desc string, end endFunc) row {
	return ipField(name, t, desc, func(ev *Event) (netip.Addr, bool) {
		a, ok := end(ev)
		return a.Addr(), ok && a.Addr().IsValid()
	})
}

func fdPort(name, desc string, end endFunc) row {
	return numField(name, schema.PT_PORT, desc, func(ev *Event) (int64, bool) {
		a, ok := end(ev)
		return int64(a.Port()), ok
	})
}

// fdService is a port as text. Names of services depend on the machine that
// reads the capture, so it is the number.
func fdService(name, desc string, end endFunc) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		a, ok := end(ev)
		if !ok {
			return "", false
		}
		return ev.close(strconv.AppendUint(ev.open(), uint64(a.Port()), 10))
	})
}

// eachEnd is a field that stands for both ends of a socket.
func eachEnd(name string, t schema.ParamType, desc string, f func(schema.ParamType, netip.AddrPort) Value) row {
	r := row{
		Field: Field{Name: name, Type: t, Desc: desc},
		bind: func(r *Ref) error {
			r.Each = func(ev *Event, yield func(Value) bool) {
				fd := eventFD(ev)
				switch {
				case fd == nil:
				case fd.isListener():
					yield(f(t, fd.Sock.Dst))
				case fd.isConn():
					if yield(f(t, fd.Sock.Src)) {
						yield(f(t, fd.Sock.Dst))
					}
				}
			}
			r.Has = func(ev *Event) bool { return eventFD(ev) != nil }
			return nil
		},
	}.anyOf().filterOnly()
	if t == schema.PT_PORT {
		r.Format = schema.PF_DEC
	}
	return r
}

func endAddr(t schema.ParamType, a netip.AddrPort) Value { return Value{Type: t, IP: a.Addr()} }

func endPort(t schema.ParamType, a netip.AddrPort) Value { return Value{Type: t, Int: int64(a.Port())} }

// inContainer puts the container in front of a name.
func inContainer(ev *Event, f func(*Event) (string, bool)) (string, bool) {
	s, ok := f(ev)
	if !ok || ev.Thread == nil {
		return "", false
	}
	id := ev.Thread.ContainerID
	return ev.close(append(append(append(ev.open(), shownID(id)...), ':'), s...))
}

// fdTypesField is the list of kinds of a process's descriptors.
func fdTypesField(name, desc string) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_CHARBUF, Format: schema.PF_DEC, Arg: ArgIndex, List: true, NoRHS: true, Desc: desc},
		bind: func(r *Ref) error {
			if r.HasArg {
				num, err := strconv.ParseInt(r.Arg, 10, 64)
				if err != nil {
					return badArgument(r, "the number of the descriptor is too large")
				}
				one := func(ev *Event) *FD {
					if ev.Thread == nil {
						return nil
					}
					return ev.Thread.FD(num)
				}
				r.Has = func(ev *Event) bool { return one(ev) != nil }
				r.Each = func(ev *Event, yield func(Value) bool) {
					if fd := one(ev); fd != nil {
						yield(Value{Type: schema.PT_CHARBUF, Str: fd.typeName()})
					}
				}
				return nil
			}
			r.Has = func(ev *Event) bool { return onFD(ev) && ev.Thread != nil }
			r.Each = eachFDType
			return nil
		},
	}
}

// eachFDType yields the kinds in the order of their first descriptor's number.
func eachFDType(ev *Event, yield func(Value) bool) {
	if ev.Thread == nil {
		return
	}
	var first [256]int64 // lowest number of a descriptor of the type, plus 1
	ev.Thread.FDs(func(fd *FD) bool {
		if n := first[fd.Type]; n == 0 || fd.Num+1 < n {
			first[fd.Type] = fd.Num + 1
		}
		return true
	})
	done := make(map[string]bool)
	for {
		best := -1
		for t := range first {
			if first[t] > 0 && (best < 0 || first[t] < first[best]) {
				best = t
			}
		}
		if best < 0 {
			return
		}
		first[best] = 0
		fd := FD{Type: uint8(best)}
		if name := fd.typeName(); !done[name] {
			done[name] = true
			if !yield(Value{Type: schema.PT_CHARBUF, Str: name}) {
				return
			}
		}
	}
}
