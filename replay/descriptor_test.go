package replay_test

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

func TestOpenFamily(t *testing.T) {
	const cloexec = schema.PPM_O_RDONLY | schema.PPM_O_CLOEXEC
	for _, c := range []struct {
		name   string
		typ    schema.EventType
		params [][]byte
		path   string
		raw    string
		kind   uint8
		flags  uint32
		ino    uint64
	}{
		{"open", schema.PPME_SYSCALL_OPEN_X, [][]byte{i64(5), text("a/../b"), u32(cloexec), u32(0), u32(9), u64(8)}, "/home/b", "a/../b", schema.SCAP_FD_FILE_V2, cloexec, 8},
		{"open absolute", schema.PPME_SYSCALL_OPEN_X, [][]byte{i64(5), text("/etc//x"), u32(1), u32(0), u32(9), u64(8)}, "/etc/x", "/etc//x", schema.SCAP_FD_FILE_V2, 1, 8},
		{"open of a directory", schema.PPME_SYSCALL_OPEN_X, [][]byte{i64(5), text("/d/"), u32(schema.PPM_O_DIRECTORY), u32(0)}, "/d", "/d/", schema.SCAP_FD_DIRECTORY, schema.PPM_O_DIRECTORY, 0},
		{"creat", schema.PPME_SYSCALL_CREAT_X, [][]byte{i64(5), text("new"), u32(0), u32(9), u64(8), u16(schema.PPM_FD_UPPER_LAYER_CREAT)}, "/home/new", "new", schema.SCAP_FD_FILE_V2, schema.PPM_FD_UPPER_LAYER, 8},
		{"openat with a directory", schema.PPME_SYSCALL_OPENAT_2_X, [][]byte{i64(5), i64(3), text("f"), u32(1), u32(0), u32(9), u64(8)}, "/srv/f", "f", schema.SCAP_FD_FILE_V2, 1, 8},
		{"openat of an unknown directory", schema.PPME_SYSCALL_OPENAT_2_X, [][]byte{i64(5), i64(77), text("f"), u32(1), u32(0), u32(9), u64(8)}, "<UNKNOWN>f", "f", schema.SCAP_FD_FILE_V2, 1, 8},
		{"openat without a name", schema.PPME_SYSCALL_OPENAT_2_X, [][]byte{i64(5), i64(schema.PPM_AT_FDCWD), nil, u32(1)}, "/home/<NA>", "<NA>", schema.SCAP_FD_FILE_V2, 1, 0},
		{"openat2", schema.PPME_SYSCALL_OPENAT2_X, [][]byte{i64(5), i64(schema.PPM_AT_FDCWD), text("f"), u32(1), u32(0), u32(0), u32(9), u64(8)}, "/home/f", "f", schema.SCAP_FD_FILE_V2, 1, 8},
		{"open_by_handle_at", schema.PPME_SYSCALL_OPEN_BY_HANDLE_AT_X, [][]byte{i64(5), i64(3), u32(1), text("/mnt/f"), u32(9), u64(8)}, "/mnt/f", "/mnt/f", schema.SCAP_FD_FILE_V2, 1, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t, replay.Options{})
			h.open(100, 3, "/srv", schema.PPM_O_DIRECTORY)
			ev := h.do(c.typ, 100, c.params...)
			if ev.FD == nil {
				t.Fatal("no descriptor")
			}
			eq(t, "number", ev.FDNum, 5)
			eq(t, "name", ev.FD.Name, c.path)
			eq(t, "raw name", ev.FD.Raw, c.raw)
			eq(t, "type", ev.FD.Type, c.kind)
			eq(t, "flags", ev.FD.Flags, c.flags)
			eq(t, "inode", ev.FD.Ino, c.ino)
			eq(t, "changed", ev.FD.NameChanged, true)
			ev = h.do(schema.PPME_SYSCALL_READ_X, 100, i64(1), []byte("x"), i64(5), u32(1))
			eq(t, "name at a read", ev.FD.Name, c.path)
			eq(t, "changed at a read", ev.FD.NameChanged, false)

			c.params[0] = i64(-13)
			ev = h.do(c.typ, 100, c.params...)
			eq(t, "failed: number", ev.FDNum, -1)
			eq(t, "failed: descriptor", ev.FD, nil)
		})
	}
}

// What the kernel was asked for counts, not what stood in the caller's memory
// after the call.
func TestEnterHalfWins(t *testing.T) {
	exit := func(h *host) string {
		return h.do(schema.PPME_SYSCALL_OPENAT_2_X, 100, i64(5), i64(schema.PPM_AT_FDCWD), text("/harmless"), u32(1|schema.PPM_O_F_CREATED), u32(0)).FD.Name
	}
	h := newHost(t, replay.Options{})
	eq(t, "enter half delivered", h.do(schema.PPME_SYSCALL_OPENAT_2_E, 100, i64(schema.PPM_AT_FDCWD), text("/etc/shadow"), u32(3), u32(0)), nil)
	eq(t, "name", exit(h), "/etc/shadow")
	eq(t, "flags", h.mustThread(100).FD(5).Flags, uint32(3|schema.PPM_O_F_CREATED))
	eq(t, "name of the next call", exit(h), "/harmless")

	h.do(schema.PPME_SYSCALL_OPENAT_2_E, 100, i64(schema.PPM_AT_FDCWD), text("/etc/shadow"), u32(3), u32(0))
	h.do(schema.PPME_SYSCALL_CLOSE_X, 100, i64(0), i64(9))
	eq(t, "after another call", exit(h), "/harmless")

	shown := newHost(t, replay.Options{Hidden: true})
	if ev := shown.do(schema.PPME_SYSCALL_OPEN_E, 100, text("/a"), u32(1), u32(0)); ev == nil || ev.Thread.TID != 100 {
		t.Errorf("Hidden delivers %v", ev)
	}

	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(6), u32(schema.PPM_AF_INET), u32(1), u32(6))
	asked, faked := netip.MustParseAddrPort("1.1.1.1:443"), netip.MustParseAddrPort("2.2.2.2:80")
	h.do(schema.PPME_SOCKET_CONNECT_E, 100, i64(6), scapfile.SockAddr(asked))
	ev := h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(0), scapfile.SockTuple(netip.MustParseAddrPort("10.0.0.1:5000"), faked), i64(6), scapfile.SockAddr(faked))
	eq(t, "peer", ev.FD.Sock.Dst, asked)
	h.do(schema.PPME_SOCKET_CONNECT_E, 100, i64(6), scapfile.SockAddr(asked))
	ev = h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(0), scapfile.SockTuple(netip.MustParseAddrPort("10.0.0.1:5000"), asked), i64(6), scapfile.SockAddr(faked))
	eq(t, "peer known to the kernel", ev.FD.Sock.Dst, asked)
}

func TestCreatedDescriptors(t *testing.T) {
	for _, c := range []struct {
		typ     schema.EventType
		params  [][]byte
		kind    uint8
		name    string
		cloexec bool
	}{
		{schema.PPME_SYSCALL_EVENTFD_X, [][]byte{i64(5)}, schema.SCAP_FD_EVENT, "", false},
		{schema.PPME_SYSCALL_EVENTFD2_X, [][]byte{i64(5), u16(schema.PPM_O_CLOEXEC)}, schema.SCAP_FD_EVENT, "", true},
		{schema.PPME_SYSCALL_SIGNALFD_X, [][]byte{i64(5)}, schema.SCAP_FD_SIGNALFD, "", false},
		{schema.PPME_SYSCALL_SIGNALFD4_X, [][]byte{i64(5), u16(schema.PPM_O_CLOEXEC)}, schema.SCAP_FD_SIGNALFD, "", true},
		{schema.PPME_SYSCALL_TIMERFD_CREATE_X, [][]byte{i64(5), u8(0), u8(0)}, schema.SCAP_FD_TIMERFD, "", false},
		{schema.PPME_SYSCALL_INOTIFY_INIT_X, [][]byte{i64(5)}, schema.SCAP_FD_INOTIFY, "", false},
		{schema.PPME_SYSCALL_INOTIFY_INIT1_X, [][]byte{i64(5), u16(schema.PPM_O_CLOEXEC)}, schema.SCAP_FD_INOTIFY, "", true},
		{schema.PPME_SYSCALL_BPF_2_X, [][]byte{i64(5), u32(0)}, schema.SCAP_FD_BPF, "", true},
		{schema.PPME_SYSCALL_USERFAULTFD_X, [][]byte{i64(5), u32(schema.PPM_O_CLOEXEC)}, schema.SCAP_FD_USERFAULTFD, "", true},
		{schema.PPME_SYSCALL_IO_URING_SETUP_X, [][]byte{i64(5)}, schema.SCAP_FD_IOURING, "", true},
		{schema.PPME_SYSCALL_EPOLL_CREATE_X, [][]byte{i64(5), i64(1)[:4]}, schema.SCAP_FD_EVENTPOLL, "", false},
		{schema.PPME_SYSCALL_EPOLL_CREATE1_X, [][]byte{i64(5), u32(schema.PPM_EPOLL_CLOEXEC)}, schema.SCAP_FD_EVENTPOLL, "", true},
		{schema.PPME_SYSCALL_MEMFD_CREATE_X, [][]byte{i64(5), text("jit"), u32(schema.PPM_MFD_CLOEXEC)}, schema.SCAP_FD_MEMFD, "jit", true},
		{schema.PPME_SYSCALL_PIDFD_OPEN_X, [][]byte{i64(5), i64(1), u32(0)}, schema.SCAP_FD_PIDFD, "/proc/1", true},
		{schema.PPME_SOCKET_SOCKET_X, [][]byte{i64(5), u32(schema.PPM_AF_NETLINK), u32(3 | 0o2000000), u32(0)}, schema.SCAP_FD_NETLINK, "", true},
	} {
		t.Run(c.typ.String(), func(t *testing.T) {
			h := newHost(t, replay.Options{})
			ev := h.do(c.typ, 100, c.params...)
			if ev.FD == nil {
				t.Fatal("no descriptor")
			}
			eq(t, "number", ev.FDNum, 5)
			eq(t, "type", ev.FD.Type, c.kind)
			eq(t, "name", ev.FD.Name, c.name)
			eq(t, "close on exec", ev.FD.CloseOnExec, c.cloexec)
			c.params[0] = i64(-24)
			eq(t, "failed", h.do(c.typ, 100, c.params...).FD, nil)
		})
	}
}

func TestPairs(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.do(schema.PPME_SYSCALL_PIPE2_X, 100, i64(0), i64(3), i64(4), u64(99), u32(schema.PPM_O_CLOEXEC))
	p := h.mustThread(100)
	for _, num := range []int64{3, 4} {
		eq(t, "pipe", [2]uint64{uint64(p.FD(num).Type), p.FD(num).Ino}, [2]uint64{schema.SCAP_FD_FIFO, 99})
		eq(t, "close on exec", p.FD(num).CloseOnExec, true)
	}
	h.do(schema.PPME_SYSCALL_PIPE_X, 100, i64(-24), i64(-1), i64(-1), u64(0))
	h.do(schema.PPME_SOCKET_SOCKETPAIR_X, 100, i64(0), i64(5), i64(6), u64(0xa), u64(0xb), u32(1), u32(1), u32(0))
	for _, num := range []int64{5, 6} {
		eq(t, "socketpair", [2]uint64{p.FD(num).Sock.UnixSrc, p.FD(num).Sock.UnixDst}, [2]uint64{0xa, 0xb})
	}
	h.do(schema.PPME_SOCKET_SOCKETPAIR_X, 100, i64(0), i64(-1), i64(-1), u64(0), u64(0))
	eq(t, "descriptors", p.NumFDs(), 4)
}

func TestDupFamily(t *testing.T) {
	h := newHost(t, replay.Options{})
	p := h.mustThread(100)
	h.open(100, 3, "/a", 1|schema.PPM_O_CLOEXEC)
	h.open(100, 9, "/old", 1)
	cloexec := func(num int64) string {
		fd := p.FD(num)
		if fd == nil {
			return "unknown"
		}
		if fd.CloseOnExec {
			return fd.Name + " cloexec"
		}
		return fd.Name
	}
	ev := h.do(schema.PPME_SYSCALL_DUP_1_X, 100, i64(4), i64(3))
	eq(t, "event's descriptor", [2]int64{ev.FDNum, ev.FD.Num}, [2]int64{4, 4})
	eq(t, "name is not new", ev.FD.NameChanged, false)
	eq(t, "dup", cloexec(4), "/a")
	h.do(schema.PPME_SYSCALL_DUP2_X, 100, i64(9), i64(3), i64(9))
	eq(t, "dup2 over another", cloexec(9), "/a")
	h.do(schema.PPME_SYSCALL_DUP2_X, 100, i64(3), i64(3), i64(3))
	eq(t, "dup2 onto itself", cloexec(3), "/a cloexec")
	h.do(schema.PPME_SYSCALL_DUP3_X, 100, i64(5), i64(3), i64(5), u32(schema.PPM_O_CLOEXEC))
	eq(t, "dup3", cloexec(5), "/a cloexec")
	h.do(schema.PPME_SYSCALL_FCNTL_X, 100, i64(6), i64(4), u8(schema.PPM_FCNTL_F_DUPFD), u64(0))
	eq(t, "F_DUPFD", cloexec(6), "/a")
	h.do(schema.PPME_SYSCALL_FCNTL_X, 100, i64(7), i64(4), u8(schema.PPM_FCNTL_F_DUPFD_CLOEXEC), u64(0))
	eq(t, "F_DUPFD_CLOEXEC", cloexec(7), "/a cloexec")
	h.do(schema.PPME_SYSCALL_FCNTL_X, 100, i64(0), i64(6), u8(schema.PPM_FCNTL_F_SETFD), u64(1))
	eq(t, "F_SETFD", cloexec(6), "/a cloexec")
	h.do(schema.PPME_SYSCALL_FCNTL_X, 100, i64(0), i64(7), u8(schema.PPM_FCNTL_F_SETFD), u64(0))
	eq(t, "F_SETFD off", cloexec(7), "/a")
	ev = h.do(schema.PPME_SYSCALL_DUP_1_X, 100, i64(-9), i64(3))
	eq(t, "failed", [2]int64{ev.FDNum, ev.FD.Num}, [2]int64{3, 3})
	h.do(schema.PPME_SYSCALL_DUP2_X, 100, i64(9), i64(77), i64(9))
	eq(t, "dup2 of an unknown one", p.FD(9).Type, uint8(schema.SCAP_FD_UNKNOWN))

	h.do(schema.PPME_SYSCALL_DUP2_X, 100, i64(1), i64(4), i64(1))
	eq(t, "in a pipeline", p.Flags&schema.PPM_CL_PIPE_SRC != 0, true)
	h.exec(100, 100, "prog")
	eq(t, "3 after execve", cloexec(3), "unknown")
	eq(t, "4 after execve", cloexec(4), "/a")
	eq(t, "1 after execve", cloexec(1), "/a")
}

func TestClose(t *testing.T) {
	h := newHost(t, replay.Options{})
	p := h.mustThread(100)
	h.open(100, 3, "/a", 1)
	ev := h.do(schema.PPME_SYSCALL_CLOSE_X, 100, i64(0), i64(3))
	eq(t, "the event still shows it", ev.FD.Name, "/a")
	ev = h.do(schema.PPME_SYSCALL_CLOSE_X, 100, i64(-9), i64(3))
	eq(t, "afterwards", ev.FD, nil)
	eq(t, "number", ev.FDNum, 3)

	h.open(100, 4, "/b", 1)
	h.do(schema.PPME_SYSCALL_CLOSE_X, 100, i64(-5), i64(4))
	eq(t, "failed close keeps it", h.fdName(100, 4), "/b")

	for _, num := range []int64{10, 11, 12, 70000} {
		h.open(100, num, "/r", 1)
	}
	h.do(schema.PPME_SYSCALL_CLOSE_RANGE_X, 100, i64(0), u32(11), u32(0xFFFFFFFF), u32(schema.PPM_CLOSE_RANGE_CLOEXEC))
	eq(t, "marked", [3]bool{p.FD(10).CloseOnExec, p.FD(11).CloseOnExec, p.FD(70000).CloseOnExec}, [3]bool{false, true, true})
	h.do(schema.PPME_SYSCALL_CLOSE_RANGE_X, 100, i64(0), u32(11), u32(0xFFFFFFFF), u32(0))
	eq(t, "below the range", h.fdName(100, 10), "/r")
	for _, num := range []int64{11, 12, 70000} {
		eq(t, "in the range", h.fdName(100, num), "-")
	}
	eq(t, "descriptors", p.NumFDs(), 2)
}

func TestPidfdGetfd(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.open(1, 7, "/secret", 1)
	h.do(schema.PPME_SYSCALL_PIDFD_OPEN_X, 100, i64(3), i64(1), u32(0))
	ev := h.do(schema.PPME_SYSCALL_PIDFD_GETFD_X, 100, i64(4), i64(3), i64(7), u32(0))
	eq(t, "name", ev.FD.Name, "/secret")
	eq(t, "own", h.fdName(100, 4), "/secret")
	h.do(schema.PPME_SYSCALL_PIDFD_GETFD_X, 100, i64(5), i64(3), i64(99), u32(0))
	eq(t, "unknown target", h.fdName(100, 5), "-")
}

var (
	client = netip.MustParseAddrPort("10.0.0.1:40000")
	server = netip.MustParseAddrPort("93.184.216.34:443")
)

func tcp(h *host, num int64) {
	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(num), u32(schema.PPM_AF_INET), u32(1), u32(0))
}

func TestConnect(t *testing.T) {
	h := newHost(t, replay.Options{})
	tcp(h, 3)
	fd := func() *replay.FD { return h.mustThread(100).FD(3) }
	eq(t, "fresh name", fd().Name, "")
	h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(-111), scapfile.SockTuple(client, server), i64(3), scapfile.SockAddr(server))
	eq(t, "refused", [2]bool{fd().Sock.Connected, fd().Name == ""}, [2]bool{false, true})

	ev := h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(-115), scapfile.SockTuple(client, server), i64(3), scapfile.SockAddr(server))
	eq(t, "name", ev.FD.Name, "10.0.0.1:40000->93.184.216.34:443")
	eq(t, "changed", ev.FD.NameChanged, true)
	eq(t, "pending", [2]bool{fd().Sock.Connected, fd().Sock.Pending}, [2]bool{true, true})
	eq(t, "role", fd().Sock.Role, replay.RoleClient)
	errno := scapfile.Dyn(1, i64(-111))
	h.do(schema.PPME_SOCKET_GETSOCKOPT_X, 100, i64(0), i64(3), u8(schema.PPM_SOCKOPT_LEVEL_SOL_SOCKET), u8(schema.PPM_SOCKOPT_SO_ERROR), errno, u32(4))
	eq(t, "failed later", [2]bool{fd().Sock.Connected, fd().Sock.Pending}, [2]bool{false, false})

	h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(-115), scapfile.SockTuple(client, server), i64(3), scapfile.SockAddr(server))
	h.do(schema.PPME_SYSCALL_WRITE_X, 100, i64(1), []byte("x"), i64(3), u32(1))
	eq(t, "written", [2]bool{fd().Sock.Connected, fd().Sock.Pending}, [2]bool{true, false})

	tcp(h, 3)
	h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(0), nil, i64(3), scapfile.SockAddr(server))
	eq(t, "without a tuple", fd().Sock.Dst, server)

	six, peer := netip.MustParseAddrPort("[fe80::1]:1"), netip.MustParseAddrPort("[fe80::2]:2")
	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(3), u32(schema.PPM_AF_INET6), u32(1), u32(0))
	h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(0), scapfile.SockTuple(six, peer), i64(3), nil)
	eq(t, "IPv6", fd().Name, "fe80::1:1->fe80::2:2")
	mapped := func(a netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr().As16()), a.Port())
	}
	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(3), u32(schema.PPM_AF_INET6), u32(1), u32(0))
	h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(0), scapfile.SockTuple(mapped(client), mapped(server)), i64(3), nil)
	eq(t, "IPv4 in IPv6", fd().Name, "10.0.0.1:40000->93.184.216.34:443")
	eq(t, "its type", fd().Type, uint8(schema.SCAP_FD_IPV4_SOCK))

	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(3), u32(schema.PPM_AF_UNIX), u32(1), u32(0))
	h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(0), scapfile.UnixTuple(0xab, 0xcd, "/run/x"), i64(3), scapfile.UnixAddr("/run/x"))
	eq(t, "unix", fd().Name, "ab->cd /run/x")
}

func TestServer(t *testing.T) {
	h := newHost(t, replay.Options{})
	tcp(h, 3)
	p := h.mustThread(100)
	listen := netip.MustParseAddrPort("0.0.0.0:443")
	h.do(schema.PPME_SOCKET_BIND_X, 100, i64(-98), scapfile.SockAddr(listen), i64(3))
	eq(t, "failed bind", p.FD(3).Name, "")
	h.do(schema.PPME_SOCKET_BIND_X, 100, i64(0), scapfile.SockAddr(listen), i64(3))
	eq(t, "name", p.FD(3).Name, "0.0.0.0:443")
	eq(t, "type", p.FD(3).Type, uint8(schema.SCAP_FD_IPV4_SERVSOCK))
	eq(t, "address", p.FD(3).Sock.Dst, listen)
	ev := h.do(schema.PPME_SOCKET_ACCEPT4_6_X, 100, i64(4), scapfile.SockTuple(client, server), u8(0), u32(0), u32(5), scapfile.I32(schema.PPM_O_CLOEXEC))
	eq(t, "accepted", ev.FD.Name, "10.0.0.1:40000->93.184.216.34:443")
	eq(t, "number", ev.FDNum, 4)
	eq(t, "role", ev.FD.Sock.Role, replay.RoleServer)
	eq(t, "protocol", ev.FD.Sock.L4, uint8(schema.SCAP_L4_TCP))
	eq(t, "close on exec", ev.FD.CloseOnExec, true)
	ev = h.do(schema.PPME_SOCKET_ACCEPT_5_X, 100, i64(5), scapfile.UnixTuple(1, 2, "/s"), u8(0), u32(0), u32(5))
	eq(t, "unix", ev.FD.Name, "1->2 /s")
	h.open(100, 6, "/stale", 1)
	h.do(schema.PPME_SOCKET_ACCEPT_5_X, 100, i64(6), nil, u8(0), u32(0), u32(5))
	eq(t, "of another family", p.FD(6).Type, uint8(schema.SCAP_FD_UNKNOWN))
	eq(t, "failed", h.do(schema.PPME_SOCKET_ACCEPT_5_X, 100, i64(-11), nil, u8(0), u32(0), u32(0)).FD, nil)
}

func TestDatagrams(t *testing.T) {
	dns := netip.MustParseAddrPort("8.8.8.8:53")
	udp := func(h *host) { h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(3), u32(schema.PPM_AF_INET), u32(2), u32(0)) }
	send := func(h *host, src, dst netip.AddrPort) *replay.Event {
		return h.do(schema.PPME_SOCKET_SENDTO_X, 100, i64(1), []byte("x"), i64(3), u32(1), scapfile.SockTuple(src, dst))
	}
	recv := func(h *host, src, dst netip.AddrPort) *replay.Event {
		return h.do(schema.PPME_SOCKET_RECVFROM_X, 100, i64(1), []byte("x"), scapfile.SockTuple(src, dst), i64(3), u32(1))
	}
	h := newHost(t, replay.Options{})
	udp(h)
	ev := send(h, client, dns)
	eq(t, "client", ev.FD.Name, "10.0.0.1:40000->8.8.8.8:53")
	eq(t, "role", ev.FD.Sock.Role, replay.RoleClient)
	ev = recv(h, dns, client)
	eq(t, "answer", ev.FD.Name, "10.0.0.1:40000->8.8.8.8:53")
	eq(t, "unchanged", ev.FD.NameChanged, false)

	h = newHost(t, replay.Options{})
	udp(h)
	h.do(schema.PPME_SOCKET_BIND_X, 100, i64(0), scapfile.SockAddr(dns), i64(3))
	ev = recv(h, client, dns)
	eq(t, "server", ev.FD.Name, "10.0.0.1:40000->8.8.8.8:53")
	eq(t, "role", ev.FD.Sock.Role, replay.RoleServer)
	other := netip.MustParseAddrPort("10.0.0.2:41000")
	ev = recv(h, other, dns)
	eq(t, "another client", ev.FD.Name, "10.0.0.2:41000->8.8.8.8:53")
	ev = send(h, dns, other)
	eq(t, "reply", ev.FD.Name, "10.0.0.2:41000->8.8.8.8:53")

	h = newHost(t, replay.Options{})
	ev = send(h, client, dns) // its socket was never seen
	eq(t, "inferred", ev.FD.Sock.L4, uint8(schema.SCAP_L4_UDP))
	eq(t, "name", ev.FD.Name, "10.0.0.1:40000->8.8.8.8:53")

	h = newHost(t, replay.Options{})
	h.snap.Interfaces = []scapfile.Interface{
		{Addr: netip.MustParseAddr("127.0.0.1"), Netmask: netip.MustParseAddr("255.0.0.0")},
		{Addr: netip.MustParseAddr("192.168.7.5"), Netmask: netip.MustParseAddr("255.255.255.0")},
	}
	h.m = replay.New(h, replay.Options{})
	udp(h)
	ev = send(h, netip.MustParseAddrPort("0.0.0.0:40000"), netip.MustParseAddrPort("192.168.7.9:53"))
	eq(t, "address from the interface", ev.FD.Name, "192.168.7.5:40000->192.168.7.9:53")
}

func TestReceivedDescriptors(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.open(100, 8, "/stale", 1)
	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(3), u32(schema.PPM_AF_UNIX), u32(1), u32(0))
	control := binary.LittleEndian.AppendUint64(nil, 16+8)
	control = append(control, u32(1)...) // SOL_SOCKET
	control = append(control, u32(1)...) // SCM_RIGHTS
	control = append(control, u32(8)...)
	control = append(control, u32(9)...)
	ev := h.do(schema.PPME_SOCKET_RECVMSG_X, 100, i64(1), u32(1), []byte("x"), scapfile.UnixTuple(1, 2, ""), control, i64(3))
	eq(t, "event's descriptor", ev.FD.Num, 3)
	p := h.mustThread(100)
	for _, num := range []int64{8, 9} {
		if fd := p.FD(num); fd == nil || fd.Type != schema.SCAP_FD_UNKNOWN || fd.Name != "" {
			t.Errorf("descriptor %d: got %+v, want one of unknown type", num, fd)
		}
	}
	for n := range control { // cut anywhere
		h.do(schema.PPME_SOCKET_RECVMSG_X, 100, i64(1), u32(1), nil, scapfile.UnixTuple(1, 2, ""), control[:n], i64(3))
	}
}

func TestFDLimit(t *testing.T) {
	h := newHost(t, replay.Options{FDLimit: 2})
	for num := range int64(5) {
		h.open(100, num, "/f", 1)
	}
	eq(t, "descriptors", h.mustThread(100).NumFDs(), 2)
	eq(t, "counted", h.m.Stats().DroppedFDs, 3)
	h.open(100, 1, "/g", 1)
	eq(t, "replaced", h.fdName(100, 1), "/g")
}

func TestFDsInOrder(t *testing.T) {
	h := newHost(t, replay.Options{})
	for _, num := range []int64{90000, 3, 5000, 0, 70000} {
		h.open(100, num, "/f", 1)
	}
	last := int64(-1)
	h.mustThread(100).FDs(func(fd *replay.FD) bool {
		if fd.Num <= last {
			t.Errorf("descriptor %d after %d", fd.Num, last)
		}
		last = fd.Num
		return true
	})
	eq(t, "last", last, 90000)
}

func TestSnapshotSockets(t *testing.T) {
	p := proc(200, 1, "httpd")
	p.FDs = []scapfile.FD{
		{Num: 3, Type: schema.SCAP_FD_IPV4_SERVSOCK, Src: netip.MustParseAddrPort("0.0.0.0:443"), L4: schema.SCAP_L4_TCP},
		{Num: 4, Type: schema.SCAP_FD_IPV4_SOCK, Src: server, Dst: client, L4: schema.SCAP_L4_TCP},
		{Num: 5, Type: schema.SCAP_FD_IPV4_SOCK, Src: client, Dst: netip.MustParseAddrPort("1.2.3.4:80"), L4: schema.SCAP_L4_TCP},
		{Num: 6, Type: schema.SCAP_FD_FILE_V2, Name: "/log", Flags: schema.PPM_O_WRONLY},
		{Num: 7, Type: schema.SCAP_FD_UNIX_SOCK, Name: "/run/s", UnixSrc: 5},
	}
	h := newHost(t, replay.Options{}, p)
	q := h.mustThread(200)
	for _, c := range []struct {
		num  int64
		name string
		role replay.Role
	}{
		{3, "0.0.0.0:443", replay.RoleNone},
		{4, "10.0.0.1:40000->93.184.216.34:443", replay.RoleServer}, // turned: the host listens on 443
		{5, "10.0.0.1:40000->1.2.3.4:80", replay.RoleClient},
		{6, "/log", replay.RoleNone},
		{7, "/run/s", replay.RoleServer},
	} {
		eq(t, "name", q.FD(c.num).Name, c.name)
		eq(t, "role of "+c.name, q.FD(c.num).Sock.Role, c.role)
	}
}
