package replay

import "github.com/sysreel/sysreel/scapfile/schema"

// enterEvent is the part of an enter half that its exit half is compared with.
// The enter half holds what the kernel was asked for; by the time of the exit
// half another thread may have changed the caller's memory (TOCTOU).
type enterEvent struct {
	typ   schema.EventType // 0: none waits
	ts    uint64
	dirfd int64
	flags uint32
	text  []byte // path, or address of connect
}

// pair stores an enter half, or handles an exit half that has one waiting.
func (m *Machine) pair(p *plan, t *Thread, ev *Event) {
	in := &t.enter
	if p.enter {
		in.typ = 0
		if p.stored {
			in.store(ev)
		}
	} else if in.typ+1 == ev.Type || in.typ == schema.PPME_SYSCALL_EXECVEAT_E && ev.Type == schema.PPME_SYSCALL_EXECVE_19_X {
		m.entered = in
		ev.EnterTS = in.ts
	}
	if p.handle != nil {
		p.handle(m, ev)
	}
	if !p.enter {
		in.typ = 0
	}
	m.entered = nil
}

// store keeps the event when it has what an exit half can use.
func (in *enterEvent) store(ev *Event) {
	text, dirfd, flags := -1, -1, -1
	switch ev.Type {
	case schema.PPME_SYSCALL_OPEN_E:
		text, flags = 0, 1
	case schema.PPME_SYSCALL_CREAT_E, schema.PPME_SYSCALL_EXECVE_19_E:
		text = 0
	case schema.PPME_SYSCALL_OPENAT_2_E, schema.PPME_SYSCALL_OPENAT2_E:
		dirfd, text, flags = 0, 1, 2
	case schema.PPME_SYSCALL_EXECVEAT_E:
		dirfd, text, flags = 0, 1, 2
	case schema.PPME_SOCKET_CONNECT_E:
		text = 1
	}
	in.dirfd, in.flags, in.text = -1, 0, in.text[:0]
	if dirfd >= 0 {
		in.dirfd, _ = ev.Int64(dirfd)
	}
	if flags >= 0 {
		in.flags, _ = ev.Uint32(flags)
	}
	b := ev.Param(text)
	if len(b) == 0 && ev.Type != schema.PPME_SYSCALL_EXECVEAT_E {
		return
	}
	if ev.Type != schema.PPME_SOCKET_CONNECT_E {
		b = trimNUL(b)
	}
	in.text = append(in.text, b...)
	in.typ, in.ts = ev.Type, ev.TS
}

// name returns the path of the enter half, nil when it is not known.
func (in *enterEvent) name() []byte {
	if in == nil || len(in.text) == 0 || string(in.text) == "<NA>" {
		return nil
	}
	return in.text
}
