package replay

// Machine returns the machine the thread belongs to.
func (t *Thread) Machine() *Machine { return t.m }

// IsMain reports whether t is the main thread of its process.
func (t *Thread) IsMain() bool { return t.TID == t.PID }

// Main returns the main thread of the process, t itself for a main thread. It
// is nil when the record of the main thread is not known.
func (t *Thread) Main() *Thread {
	if t.TID == t.PID {
		return t
	}
	if t.leader != nil {
		return t.leader
	}
	return t.m.Thread(t.PID)
}

// Parent returns the thread that PTID names, nil when it is unknown.
func (t *Thread) Parent() *Thread { return t.m.Thread(t.PTID) }

// Ancestor returns the main thread of the n-th ancestor process: 0 is the
// process itself, 1 its parent. It is nil when the chain is shorter, unknown
// or a loop.
func (t *Thread) Ancestor(n int) *Thread {
	p := t.Main()
	for ; n > 0 && p != nil; n-- {
		p = p.Parent()
		if p != nil {
			p = p.Main()
		}
	}
	return p
}

// SessionLeader returns the main thread of the session's leader, nil when it
// is not known.
func (t *Thread) SessionLeader() *Thread { return t.m.Thread(t.SID) }

// NumThreads returns the number of living threads of the process.
func (t *Thread) NumThreads() int { return 1 }

// NumChildren returns the number of living child processes of the thread.
func (t *Thread) NumChildren() int { return 0 }

// CWD returns the working directory of the process with a trailing slash, ""
// when it is unknown.
func (t *Thread) CWD() string {
	if l := t.Main(); l != nil {
		return l.cwd
	}
	return t.cwd
}
