package replay

import (
	"maps"
	"slices"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// Options tune a Machine. The zero value replays with the limits of Falco.
type Options struct {
	// ThreadLimit bounds the thread table, 0 means DefaultThreadLimit. Events
	// of a thread that does not fit have no Thread.
	ThreadLimit int
	// FDLimit bounds each descriptor table, 0 means DefaultFDLimit.
	FDLimit int
	// Hidden delivers also the events that exist only to carry state: the enter
	// halves of open, connect and execve, which their exit halves have taken in.
	Hidden bool
	// Find is asked for a thread that an event shows and the state does not
	// know. Live it may look at the host; it returns nil when there is none. A
	// replay of a file has no use for it: it would no longer depend on the file
	// alone.
	Find func(tid int64) *scapfile.Thread
}

// Limits that apply when Options leave them at zero.
const (
	DefaultThreadLimit = 262144
	DefaultFDLimit     = 1024 * 1024
)

// Stats counts what the state could not know or had to give up.
type Stats struct {
	Events         uint64 // delivered
	Hidden         uint64 // applied to the state and not delivered
	UnknownTypes   uint64 // newer than the schema, not delivered
	Invented       uint64 // threads first met in mid-stream
	Found          uint64 // such threads that Options.Find knew
	Replaced       uint64 // records superseded by a clone of the same id
	Collisions     uint64 // ids reused although no exit was seen
	RemovedThreads uint64 // dropped after their exit
	DroppedThreads uint64 // not stored because of ThreadLimit
	IdleThreads    uint64 // dropped to make room, after half an hour without an event
	DroppedFDs     uint64 // not stored because of FDLimit
	UnknownFDs     uint64 // events on a descriptor that is in no table
}

// Machine is the state of the captured host while its events stream by. It
// consults nothing but its source. It is not safe for concurrent use.
type Machine struct {
	src         scapfile.Source
	threadLimit int
	fdLimit     int
	hidden      bool
	find        func(int64) *scapfile.Thread

	section    uint32
	snap       *scapfile.Snapshot
	bootTime   uint64
	threads    map[int64]*Thread
	groups     map[int64]*group
	users      map[userKey]*scapfile.User
	userGroups map[userKey]*scapfile.Group
	containers map[string][]byte
	net        interfaces
	exits      recentExits
	lastPurge  uint64
	cache      [cacheSize]*Thread

	ev      Event
	entered *enterEvent // enter half of the current event, nil if none fits
	// What the last event ended and was still shown with.
	gone    *Thread
	closed  *fdTable
	closeFD int64

	text     interner
	spareFDs []*FD
	buf      []byte // for text under construction
	stats    Stats
	scratch  scratch
}

// New returns a machine in the state of src's snapshot. Next then replays the
// events.
func New(src scapfile.Source, opts Options) *Machine {
	m := &Machine{
		src:         src,
		threadLimit: opts.ThreadLimit,
		fdLimit:     opts.FDLimit,
		hidden:      opts.Hidden,
		find:        opts.Find,
		text:        newInterner(),
	}
	if m.threadLimit <= 0 {
		m.threadLimit = DefaultThreadLimit
	}
	if m.fdLimit <= 0 {
		m.fdLimit = DefaultFDLimit
	}
	m.ev.M = m
	m.load()
	return m
}

// Next applies the next event to the state and returns it with its context,
// valid until the following call. At the end it returns io.EOF; other errors
// are those of the source.
func (m *Machine) Next() (*Event, error) {
	for {
		e, err := m.src.Next()
		if err != nil {
			return nil, err
		}
		m.retire()
		if e.Section != m.section {
			m.section = e.Section
			m.load()
		}
		info := e.Info()
		if info == nil {
			m.stats.UnknownTypes++
			continue
		}
		p := &plans[e.Type]
		m.scratch.begin(e.TS)
		ev := &m.ev
		// Most of these hardly ever change, and storing a pointer costs more than
		// looking at it while the garbage collector runs.
		if ev.Event != e {
			ev.Event = e
		}
		if ev.Info != info {
			ev.Info = info
		}
		ev.FDNum, ev.PrevTS, ev.EnterTS = -1, 0, 0
		if ev.FD != nil {
			ev.FD = nil
		}
		m.apply(p, ev)
		if p.hidden && !m.hidden {
			m.stats.Hidden++
			continue
		}
		m.stats.Events++
		return ev, nil
	}
}

// apply finds what the event is about and lets its handler change the state.
func (m *Machine) apply(p *plan, ev *Event) {
	t := m.lookup(ev.TID)
	if p.subject != subjectAny {
		if p.subject == subjectNone {
			t = nil
		}
	} else if t == nil {
		t = m.lookupOrInvent(ev.TID)
	}
	if ev.Thread != t {
		ev.Thread = t
	}
	if t == nil {
		if p.handle != nil && p.orphans {
			p.handle(m, ev)
		}
		return
	}
	ev.PrevTS, t.LastTS = t.LastTS, ev.TS
	if p.fdParam >= 0 {
		if num, ok := ev.Int64(int(p.fdParam)); ok {
			ev.FDNum = num
			fd := t.FD(num)
			if fd != nil {
				if fd.NameChanged {
					fd.NameChanged = false
				}
				ev.FD = fd
			} else if num >= 0 {
				m.stats.UnknownFDs++
			}
		}
	}
	if t.enter.typ != 0 || p.enter {
		m.pair(p, t, ev)
		return
	}
	if p.handle != nil {
		p.handle(m, ev)
	}
}

// retire removes what the last event ended: state goes one event later, so that
// the event could show it.
func (m *Machine) retire() {
	if m.closed != nil {
		m.recycle(m.closed.remove(m.closeFD))
		m.closed = nil
	}
	if t := m.gone; t != nil {
		m.gone = nil
		if m.threads[t.TID] == t {
			m.remove(t)
		}
	}
}

// Thread returns the thread with that id in the host's pid namespace, nil if
// it is not known.
func (m *Machine) Thread(tid int64) *Thread { return m.lookup(tid) }

// Threads calls f for every thread, in the order of their ids, until it returns
// false. f must not advance the machine.
func (m *Machine) Threads(f func(*Thread) bool) {
	for _, tid := range slices.Sorted(maps.Keys(m.threads)) {
		if !f(m.threads[tid]) {
			return
		}
	}
}

// NumThreads returns the size of the thread table.
func (m *Machine) NumThreads() int { return len(m.threads) }

// Interfaces returns the addresses of the host's network interfaces.
func (m *Machine) Interfaces() []scapfile.Interface { return m.snap.Interfaces }

// Info describes the recording host, nil when the capture does not.
func (m *Machine) Info() *scapfile.MachineInfo { return m.snap.Machine }

// Container returns the metadata of the container with that id as the JSON text
// of the last container event about it, nil if there was none. Do not modify it.
func (m *Machine) Container(id string) []byte { return m.containers[id] }

// Stats returns the counters of what was invented or given up.
func (m *Machine) Stats() Stats { return m.stats }

// subject tells whose event it is.
type subject uint8

const (
	// subjectAny is a thread; it is invented when it is not known.
	subjectAny subject = iota
	// subjectKnown is a thread that must not be invented: it may be gone
	// (procexit, switch), or is about to be created by the event (clone).
	subjectKnown
	// subjectNone: the event has no thread.
	subjectNone
)

// plan is how the machine treats events of one type.
type plan struct {
	handle  func(*Machine, *Event)
	subject subject
	orphans bool // handle also when the thread is not known
	fdParam int8 // parameter with the descriptor that the event works on, -1 if none
	enter   bool // even-numbered: an enter half, or an event that comes between halves
	stored  bool // an enter half that the exit half wants to see
	hidden  bool // not delivered unless asked for
}

// plans is indexed by event type.
var plans = makePlans()

func makePlans() []plan {
	events := schema.Events()
	plans := make([]plan, len(events))
	for i := range events {
		e := &events[i]
		p := &plans[i]
		p.fdParam = -1
		p.handle = handlers[e.Type]
		p.enter = e.Type.IsEnter()
		if e.Flags&schema.EF_USES_FD != 0 {
			p.fdParam = fdParam(e)
		}
		if e.Flags&schema.EF_SKIPPARSERESET != 0 {
			p.subject, p.enter = subjectKnown, false
		}
	}
	for _, t := range []schema.EventType{
		schema.PPME_CONTAINER_JSON_2_E, schema.PPME_USER_ADDED_E, schema.PPME_USER_DELETED_E,
		schema.PPME_GROUP_ADDED_E, schema.PPME_GROUP_DELETED_E, schema.PPME_PLUGINEVENT_E, schema.PPME_ASYNCEVENT_E,
	} {
		plans[t].subject, plans[t].orphans = subjectNone, true
	}
	for _, t := range []schema.EventType{
		schema.PPME_SYSCALL_CLONE_20_X, schema.PPME_SYSCALL_CLONE3_X, schema.PPME_SYSCALL_FORK_20_X, schema.PPME_SYSCALL_VFORK_20_X,
		schema.PPME_PROCEXIT_1_E, schema.PPME_SCHEDSWITCH_6_E, schema.PPME_PROCINFO_E,
	} {
		plans[t].subject = subjectKnown
		plans[t].orphans = plans[t].handle != nil && t != schema.PPME_PROCEXIT_1_E && t != schema.PPME_SCHEDSWITCH_6_E
	}
	plans[schema.PPME_SCHEDSWITCH_6_E].enter = false // comes between the halves of a call
	for _, t := range []schema.EventType{
		schema.PPME_SYSCALL_OPEN_E, schema.PPME_SYSCALL_CREAT_E, schema.PPME_SYSCALL_OPENAT_2_E, schema.PPME_SYSCALL_OPENAT2_E,
		schema.PPME_SOCKET_CONNECT_E, schema.PPME_SYSCALL_EXECVE_19_E, schema.PPME_SYSCALL_EXECVEAT_E,
	} {
		plans[t].stored, plans[t].hidden = true, true
	}
	return plans
}

// fdParam returns the index of the parameter with the descriptor that an event
// works on. In exit halves the first parameter is the result.
func fdParam(e *schema.Event) int8 {
	for i := range e.Params {
		if i == 0 && !e.Type.IsEnter() {
			continue
		}
		if t := e.Params[i].Type; t == schema.PT_FD {
			return int8(i)
		}
	}
	return -1
}
