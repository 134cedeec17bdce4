package replay

import "github.com/sysreel/sysreel/scapfile/schema"

// group is a process: its threads in the order they were met, the main thread
// first.
type group struct {
	pid        int64
	main       *Thread // nil when its record is not known
	head, tail *Thread
	alive      int  // threads that have not exited
	reaper     bool // adopts orphans: init of a pid namespace, or a subreaper
}

func (g *group) add(t *Thread) {
	t.grp = g
	g.alive++
	if t.IsMain() {
		g.main = t
		t.groupNext = g.head
		if g.head != nil {
			g.head.groupPrev = t
		} else {
			g.tail = t
		}
		g.head = t
		return
	}
	t.groupPrev = g.tail
	if g.tail != nil {
		g.tail.groupNext = t
	} else {
		g.head = t
	}
	g.tail = t
}

func (g *group) unlink(t *Thread) {
	if t.groupPrev != nil {
		t.groupPrev.groupNext = t.groupNext
	} else {
		g.head = t.groupNext
	}
	if t.groupNext != nil {
		t.groupNext.groupPrev = t.groupPrev
	} else {
		g.tail = t.groupPrev
	}
	t.groupPrev, t.groupNext = nil, nil
	if g.main == t {
		g.main = nil
	}
}

// living returns the first living thread other than not, nil if there is none.
func (g *group) living(not *Thread) *Thread {
	if g == nil || g.alive == 0 {
		return nil
	}
	for t := g.head; t != nil; t = t.groupNext {
		if !t.Exited && t != not {
			return t
		}
	}
	return nil
}

// Machine returns the machine the thread belongs to.
func (t *Thread) Machine() *Machine { return t.m }

// IsMain reports whether t is the main thread of its process.
func (t *Thread) IsMain() bool {
	return t.TID == t.PID || t.Flags&schema.PPM_CL_IS_MAIN_THREAD != 0
}

// Main returns the main thread of the process, t itself for a main thread. It
// is nil when the record of the main thread is not known.
func (t *Thread) Main() *Thread {
	if t.IsMain() {
		return t
	}
	if t.grp == nil {
		return nil
	}
	return t.grp.main
}

// Siblings calls f for the threads of the process until it returns false, the
// main thread first.
func (t *Thread) Siblings(f func(*Thread) bool) {
	if t.grp == nil {
		f(t)
		return
	}
	for s := t.grp.head; s != nil && f(s); s = s.groupNext {
	}
}

// Parent returns the thread that PTID names, nil when it is unknown.
func (t *Thread) Parent() *Thread {
	if t.parent != nil && t.parent.TID == t.PTID {
		return t.parent
	}
	return t.m.Thread(t.PTID)
}

// Ancestor returns the main thread of the n-th ancestor process: 0 is the
// process itself, 1 its parent. It is nil when the chain is shorter or unknown.
func (t *Thread) Ancestor(n int) *Thread {
	p := t.Main()
	for ; n > 0 && p != nil; n-- {
		if p = p.Parent(); p != nil {
			p = p.Main()
		}
	}
	return p
}

// SessionLeader returns the main thread of the session's leader, nil when it
// is not known.
func (t *Thread) SessionLeader() *Thread { return t.m.Thread(t.SID) }

// NumThreads returns the number of living threads of the process.
func (t *Thread) NumThreads() int {
	if t.grp == nil {
		return 0
	}
	return t.grp.alive
}

// NumChildren returns the number of known threads whose parent is t: its child
// processes and their threads.
func (t *Thread) NumChildren() int { return t.nkids }

// Children calls f for every thread whose parent is t until it returns false,
// the newest first.
func (t *Thread) Children(f func(*Thread) bool) {
	for c := t.kids; c != nil; {
		next := c.siblingNext
		if !f(c) {
			return
		}
		c = next
	}
}

// CWD returns the working directory of the process with a trailing slash, "./"
// when the process is not known.
func (t *Thread) CWD() string {
	if l := t.Main(); l != nil {
		return l.cwd
	}
	return "./"
}

// Environ returns the environment of the process, which is its main thread's.
func (t *Thread) Environ() []string {
	if l := t.Main(); l != nil {
		return l.Env
	}
	return t.Env
}

// InPIDNamespace reports whether the thread lives in a pid namespace other than
// the host's, so that its ids there differ.
func (t *Thread) InPIDNamespace() bool {
	return t.Flags&schema.PPM_CL_CHILD_IN_PIDNS != 0 || t.TID != t.VTID && t.VTID >= 0
}

// incomplete reports a record that no clone, execve or snapshot has filled yet.
func (t *Thread) incomplete() bool { return t.PID < 0 || t.PTID < 0 }

func (t *Thread) adopt(c *Thread) {
	c.parent, c.PTID = t, t.TID
	c.siblingPrev, c.siblingNext = nil, t.kids
	if t.kids != nil {
		t.kids.siblingPrev = c
	}
	t.kids = c
	t.nkids++
}

// orphan takes t out of its parent's list.
func (t *Thread) orphan() {
	p := t.parent
	if p == nil {
		return
	}
	if t.siblingPrev != nil {
		t.siblingPrev.siblingNext = t.siblingNext
	} else {
		p.kids = t.siblingNext
	}
	if t.siblingNext != nil {
		t.siblingNext.siblingPrev = t.siblingPrev
	}
	p.nkids--
	t.parent, t.siblingPrev, t.siblingNext = nil, nil, nil
}

// relate gives a filled record its place among processes and below its parent.
// A parent that is not known makes PTID 0.
func (m *Machine) relate(t *Thread) {
	if t.incomplete() || t.grp != nil {
		return
	}
	g := m.groups[t.PID]
	if g == nil {
		g = &group{pid: t.PID}
		m.groups[t.PID] = g
	}
	if t.PID == 1 || t.VPID == 1 {
		g.reaper = true
	}
	g.add(t)
	if t.PID == 1 {
		return
	}
	t.orphan()
	p := m.Thread(t.PTID)
	if p == nil || p.incomplete() || p == t {
		t.PTID = 0
		return
	}
	p.adopt(t)
}

// newReaper chooses who adopts the children of a thread that died, as the
// kernel does: another thread of the process, else the nearest ancestor that
// reaps, within one pid namespace.
func (m *Machine) newReaper(t *Thread) *Thread {
	if s := t.grp.living(t); s != nil {
		return s
	}
	// Ids are reused and events get lost: the chain may hold a loop.
	steps := 0
	for p := t.Parent(); p != nil && p != t && steps < maxChain; p = p.Parent() {
		if p.InPIDNamespace() != t.InPIDNamespace() {
			return nil
		}
		if p.grp != nil && p.grp.reaper {
			if s := p.grp.living(t); s != nil {
				return s
			}
		}
		steps++
	}
	return nil
}

// maxChain bounds walks up the process tree.
const maxChain = 1 << 12

// reparent hands the children of a dead thread to their new parent.
func (m *Machine) reparent(t *Thread) {
	if t.kids == nil {
		return
	}
	var r *Thread
	if t.reaper > 0 {
		r = m.Thread(t.reaper)
	}
	if r == nil || r.incomplete() || r.Exited || r == t {
		r = m.newReaper(t)
	}
	if r != nil && r.PID != t.PID && r.grp != nil {
		r.grp.reaper = true
	}
	for t.kids != nil {
		c := t.kids
		c.orphan()
		if r != nil && r != c {
			r.adopt(c)
		} else {
			c.PTID = 0
		}
	}
}
