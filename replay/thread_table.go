package replay

import (
	"cmp"
	"slices"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// cacheSize is the size of the direct-mapped cache in front of the thread map,
// a power of two. Threads of one busy host differ in the low bits of their ids.
const cacheSize = 1 << 10

// lookup finds a thread, through the cache.
func (m *Machine) lookup(tid int64) *Thread {
	slot := &m.cache[uint64(tid)%cacheSize]
	if t := *slot; t != nil && t.TID == tid {
		return t
	}
	t := m.threads[tid]
	if t != nil {
		*slot = t
	}
	return t
}

// lookupOrInvent finds a thread, asks Options.Find for it, or invents it:
// events that came before the capture, or were lost, may have created it. It is
// nil when the table is full.
func (m *Machine) lookupOrInvent(tid int64) *Thread {
	if t := m.lookup(tid); t != nil {
		return t
	}
	if m.find != nil {
		if s := m.find(tid); s != nil && s.TID == tid {
			t := m.newThreadFrom(s)
			if !m.store(t) {
				return nil
			}
			m.stats.Found++
			return t
		}
	}
	t := newThread(m, tid)
	t.Comm, t.Exe = "<NA>", "<NA>"
	t.Invented = true
	if !m.store(t) {
		return nil
	}
	m.stats.Invented++
	return t
}

// unset is the value of an id or name that is not known.
const unsetID = 0xFFFFFFFF

// newThread returns a record with everything unknown.
func newThread(m *Machine, tid int64) *Thread {
	return &Thread{
		m: m, TID: tid, PID: -1, PTID: -1, SID: -1, VPGID: -1, PGID: -1, VTID: -1, VPID: -1,
		FDLimit: -1, UID: unsetID, GID: unsetID, LoginUID: unsetID,
		Flags: schema.PPM_CL_NAME_CHANGED, reaper: -1,
	}
}

// store puts a thread into the table, in place of one with the same id, and
// relates it to its process and parent. It is false when the table is full.
func (m *Machine) store(t *Thread) bool {
	old := m.threads[t.TID]
	if old == nil && len(m.threads) >= m.threadLimit && !m.makeRoom() {
		m.stats.DroppedThreads++
		return false
	}
	t.LastTS = m.ev.TS
	if old != nil {
		m.replace(old, t)
	}
	m.threads[t.TID] = t
	m.cache[uint64(t.TID)%cacheSize] = t
	m.relate(t)
	return true
}

// Threads whose exit was lost would fill the table of an endless stream. As in
// the libs, half an hour without an event is taken for death; but only when
// room is needed, and not more often than purgeInterval.
const (
	idleLimit     = 30 * 60 * 1_000_000_000
	purgeInterval = 60 * 1_000_000_000
)

// makeRoom drops idle threads from a full table and reports whether it has room
// now.
func (m *Machine) makeRoom() bool {
	now := m.ev.TS
	if now-m.lastPurge < purgeInterval {
		return false
	}
	m.lastPurge = now
	var idle []*Thread
	for _, t := range m.threads {
		if t.LastTS == 0 {
			t.LastTS = now // of the snapshot: its time starts here
		}
		if now > t.LastTS && now-t.LastTS > idleLimit && t.TID != m.ev.TID {
			idle = append(idle, t)
		}
	}
	// In a fixed order, for the sake of equal replays.
	slices.SortFunc(idle, func(a, b *Thread) int { return cmp.Compare(a.TID, b.TID) })
	for _, t := range idle {
		if m.threads[t.TID] == t {
			m.remove(t)
			m.stats.IdleThreads++
		}
	}
	return len(m.threads) < m.threadLimit
}

// replace takes old out of every list for the sake of t, which has the same
// id: the same thread, described by a better source.
func (m *Machine) replace(old, t *Thread) {
	m.stats.Replaced++
	m.leave(old)
	old.orphan()
	for old.kids != nil {
		c := old.kids
		c.orphan()
		t.adopt(c)
	}
}

// leave takes a thread out of its process.
func (m *Machine) leave(t *Thread) {
	g := t.grp
	if g == nil {
		return
	}
	g.unlink(t)
	t.grp = nil
	if !t.Exited {
		g.alive--
	}
	if g.head == nil {
		delete(m.groups, g.pid)
	}
}

// remove drops a thread: marks it dead, gives its children away, and deletes
// its record unless it is a main thread whose process has living threads.
func (m *Machine) remove(t *Thread) {
	g := t.grp
	if !t.Exited && g != nil {
		g.alive--
	}
	t.Exited = true
	m.reparent(t)
	if g == nil {
		t.orphan()
		m.forget(t)
		return
	}
	if g.alive <= 0 {
		if l := g.main; l != nil && l != t {
			m.reparent(l)
			g.unlink(l)
			l.orphan()
			m.forget(l)
		}
		m.drop(g, t)
		if g.head == nil {
			delete(m.groups, g.pid)
		}
		return
	}
	if !t.IsMain() {
		m.drop(g, t)
	}
}

func (m *Machine) drop(g *group, t *Thread) {
	g.unlink(t)
	t.orphan()
	m.forget(t)
}

func (m *Machine) forget(t *Thread) {
	if m.threads[t.TID] == t {
		delete(m.threads, t.TID)
	}
	if slot := &m.cache[uint64(t.TID)%cacheSize]; *slot == t {
		*slot = nil
	}
	m.recycleTable(&t.own)
	m.stats.RemovedThreads++
}

// recentExits remembers the last exits, because the parent's half of a clone
// may be reported after the child is gone and must not bring it back.
type recentExits struct {
	ring [64]struct {
		tid int64
		ts  uint64
	}
	next int
}

// staleClone is the time after which two halves of a clone cannot belong
// together (CLONE_STALE_TIME_NS of the libs).
const staleClone = 2_000_000_000

func (r *recentExits) add(tid int64, ts uint64) {
	e := &r.ring[r.next%len(r.ring)]
	e.tid, e.ts = tid, ts
	r.next++
}

func (r *recentExits) has(tid int64, ts uint64) bool {
	for i := range r.ring {
		if e := &r.ring[i]; e.tid == tid && ts >= e.ts && ts-e.ts < staleClone {
			return true
		}
	}
	return false
}
