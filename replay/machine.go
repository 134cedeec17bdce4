package replay

import (
	"github.com/sysreel/sysreel/scapfile"
)

// Options tune a Machine. The zero value replays with the limits of Falco.
type Options struct {
	// ThreadLimit bounds the thread table, 0 means DefaultThreadLimit. A thread
	// that does not fit is given an invented record that is not kept.
	ThreadLimit int
	// FDLimit bounds each descriptor table, 0 means DefaultFDLimit.
	FDLimit int
}

// Limits that apply when Options leave them at zero.
const (
	DefaultThreadLimit = 262144
	DefaultFDLimit     = 1024 * 1024
)

// Stats counts what the state could not know or had to give up.
type Stats struct {
	Events          uint64 // delivered
	UnknownTypes    uint64 // events newer than the schema, not delivered
	Invented        uint64 // threads first met in mid-stream
	DroppedThreads  uint64 // not stored because of ThreadLimit
	DroppedFDs      uint64 // not stored because of FDLimit
	UnknownFDs      uint64 // events on a descriptor that is in no table
	RemovedThreads  uint64 // dropped after their exit
	ExpiredReplaced uint64 // records replaced because their pid was reused without an exit event
}

// Machine is the state of the captured host while its events stream by.
type Machine struct {
	src        scapfile.Source
	opts       Options
	threads    map[int64]*Thread
	users      map[uint32]*scapfile.User
	groups     map[uint32]*scapfile.Group
	snap       *scapfile.Snapshot
	containers map[string][]byte
	ev         Event
	stats      Stats
}

// New returns a machine that replays src from its current section's snapshot.
func New(src scapfile.Source, opts Options) *Machine {
	return &Machine{src: src, opts: opts}
}

// Next applies the next event to the state and returns it with its context,
// valid until the following call. At the end it returns io.EOF.
func (m *Machine) Next() (*Event, error) {
	e, err := m.src.Next()
	if err != nil {
		return nil, err
	}
	m.ev = Event{Event: e, Info: e.Info(), FDNum: -1, M: m}
	return &m.ev, nil
}

// Thread returns the thread with that id in the host's pid namespace, nil if
// it is not known.
func (m *Machine) Thread(tid int64) *Thread { return m.threads[tid] }

// Threads calls f for every thread, in no particular order, until it returns
// false.
func (m *Machine) Threads(f func(*Thread) bool) {
	for _, t := range m.threads {
		if !f(t) {
			return
		}
	}
}

// NumThreads returns the size of the thread table.
func (m *Machine) NumThreads() int { return len(m.threads) }

// User returns the user with that id on the host, nil if it is not known.
func (m *Machine) User(uid uint32) *scapfile.User { return m.users[uid] }

// Group returns the group with that id on the host, nil if it is not known.
func (m *Machine) Group(gid uint32) *scapfile.Group { return m.groups[gid] }

// Interfaces returns the addresses of the host's network interfaces.
func (m *Machine) Interfaces() []scapfile.Interface {
	if m.snap == nil {
		return nil
	}
	return m.snap.Interfaces
}

// Info describes the recording host, nil when the capture does not.
func (m *Machine) Info() *scapfile.MachineInfo {
	if m.snap == nil {
		return nil
	}
	return m.snap.Machine
}

// Container returns the metadata of the container with that id as the JSON text
// of the last container event about it, nil if there was none.
func (m *Machine) Container(id string) []byte { return m.containers[id] }

// Stats returns the counters of what was invented or given up.
func (m *Machine) Stats() Stats { return m.stats }
