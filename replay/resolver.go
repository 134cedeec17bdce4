package replay

import (
	"strconv"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// renderer returns what writes the arguments of ev with the state at ev: as
// they are, or safe for people to read.
func (ev *Event) renderer(forPeople bool) *scapfile.Renderer {
	if ev.M == nil {
		return &scapfile.Renderer{Safe: forPeople}
	}
	s := &ev.M.scratch
	s.renderer.Resolver, s.renderer.Safe = s, forPeople
	s.current = ev
	return &s.renderer
}

// appendText appends text of the state as the renderer would.
func (s *scratch) appendText(dst []byte, text string) []byte {
	if s.renderer.Safe {
		return safe.Append(dst, text)
	}
	return append(dst, text...)
}

var _ scapfile.Resolver = (*scratch)(nil)

// fdNamed returns what a descriptor argument of the current event refers to. A
// descriptor that the event closed is in no table any more, but in the event.
func (s *scratch) fdNamed(num int64) *FD {
	ev := s.current
	if ev.FD != nil && ev.FDNum == num {
		return ev.FD
	}
	if ev.Thread == nil {
		return nil
	}
	return ev.Thread.FD(num)
}

// AppendFD implements scapfile.Resolver.
func (s *scratch) AppendFD(dst []byte, _ *scapfile.Event, num int64) []byte {
	fd := s.fdNamed(num)
	if fd == nil {
		return dst
	}
	dst = append(append(dst, '<'), fd.typeChar()...)
	if p := fd.l4Char(); p != 0 {
		dst = append(dst, p)
	}
	return s.appendText(append(dst, '>'), fd.Name)
}

// FDTypeChar implements scapfile.Resolver.
func (s *scratch) FDTypeChar(_ *scapfile.Event, num int64) byte {
	if fd := s.fdNamed(num); fd != nil {
		return fd.typeChar()[0]
	}
	return 0
}

// AppendComm implements scapfile.Resolver.
func (s *scratch) AppendComm(dst []byte, pid int64) []byte {
	if t := s.current.M.Thread(pid); t != nil {
		return s.appendText(dst, t.Comm)
	}
	return dst
}

// AppendUser implements scapfile.Resolver.
func (s *scratch) AppendUser(dst []byte, uid uint32) []byte {
	if t := s.current.Thread; t != nil {
		return s.appendText(dst, userText(t, uid, "root", userName))
	}
	return dst
}

// AppendGroup implements scapfile.Resolver.
func (s *scratch) AppendGroup(dst []byte, gid uint32) []byte {
	if t := s.current.Thread; t != nil {
		return s.appendText(dst, groupName(t, gid))
	}
	return dst
}

// AppendPath implements scapfile.Resolver.
func (s *scratch) AppendPath(dst []byte, _ *scapfile.Event, i int) []byte {
	at := len(dst)
	dst = s.current.appendPath(dst, i)
	if s.renderer.Safe && !safe.IsSafe(view(dst[at:])) {
		return safe.Append(dst[:at], string(dst[at:]))
	}
	return dst
}

// AppendLine appends the event as one line, as sysdig prints it: number, time,
// CPU, process, thread, direction, type and arguments. Control characters and
// other text that could deceive a reader or a terminal are made visible; see
// package safe. There is no newline at the end.
func AppendLine(dst []byte, ev *Event) []byte {
	dst = strconv.AppendUint(dst, ev.Num, 10)
	dst = ev.appendOutputTime(append(dst, ' '))
	dst = strconv.AppendInt(append(dst, ' '), int64(int16(ev.CPU)), 10)
	dst = append(dst, ' ')
	if ev.Thread != nil {
		dst = safe.Append(dst, ev.Thread.Comm)
	} else {
		dst = append(dst, notKnown...)
	}
	dst = strconv.AppendInt(append(dst, " ("...), ev.TID, 10)
	if ev.Type.IsEnter() {
		dst = append(dst, ") > "...)
	} else {
		dst = append(dst, ") < "...)
	}
	if ev.Type == schema.PPME_ASYNCEVENT_E {
		dst = safe.Append(dst, ev.TypeName()) // named by the event
	} else {
		dst = append(dst, ev.TypeName()...)
	}
	dst = append(dst, ' ')
	return ev.renderer(true).AppendArgs(dst, ev.Event)
}
