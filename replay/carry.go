package replay

import "github.com/sysreel/sysreel/scapfile/schema"

// ChangesState reports whether the state that later events are seen in may be
// another because of this one. It errs on the side of yes. Who leaves events out of
// a capture keeps those, and the first event of each thread that the machine had
// to invent (Stats.Invented counts them).
func (ev *Event) ChangesState() bool {
	p := &plans[ev.Type]
	switch {
	case p.stored:
		return true // its exit half is compared with it
	case p.handle == nil:
		return false
	case ev.Info.Flags&schema.EF_CREATES_FD != 0 && ev.Type != schema.PPME_SOCKET_CONNECT_X:
		res, ok := ev.Return()
		return !ok || res >= 0
	case transfers[ev.Type]:
		// Files and pipes learn nothing from what is read and written.
		return ev.FD != nil && (isInet(ev.FD) || ev.FD.Sock.L4 != 0 || ev.FD.Type == schema.SCAP_FD_UNIX_SOCK)
	}
	return true
}

// transfers holds the calls whose handler is that of onTransfer.
var transfers = map[schema.EventType]bool{
	schema.PPME_SYSCALL_READ_X:    true,
	schema.PPME_SYSCALL_READV_X:   true,
	schema.PPME_SYSCALL_PREAD_X:   true,
	schema.PPME_SYSCALL_PREADV_X:  true,
	schema.PPME_SYSCALL_WRITE_X:   true,
	schema.PPME_SYSCALL_WRITEV_X:  true,
	schema.PPME_SYSCALL_PWRITE_X:  true,
	schema.PPME_SYSCALL_PWRITEV_X: true,
	schema.PPME_SOCKET_RECV_X:     true,
	schema.PPME_SOCKET_RECVFROM_X: true,
	schema.PPME_SOCKET_RECVMSG_X:  true,
	schema.PPME_SOCKET_RECVMMSG_X: true,
	schema.PPME_SOCKET_SEND_X:     true,
	schema.PPME_SOCKET_SENDTO_X:   true,
	schema.PPME_SOCKET_SENDMSG_X:  true,
	schema.PPME_SOCKET_SENDMMSG_X: true,
}
