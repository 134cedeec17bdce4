package tui

import (
	"context"
	"strings"
)

// search runs a lookup in the background and then, on the event loop's next
// drawing, goes to the event it found.
func (m *Model) search(what string, find func(ctx context.Context) (uint64, error)) {
	m.stopWork()
	l := newLazy(m.changed, func(ctx context.Context, _ int) (uint64, error) { return find(ctx) })
	l.get(0)
	m.working, m.stop = "searching...   Esc stops it", l.stop
	m.found = func() bool {
		num, ready, err := l.get(0)
		if !ready {
			return false
		}
		m.working, m.stop = "", nil
		if err != nil {
			m.say("%s: %s", what, safeText(err.Error()))
			return true
		}
		m.message = ""
		st := m.st
		st.Event = num
		m.setState(st)
		return true
	}
}

// work runs something long in the background, which ^C or Esc stop, and says how
// it ended.
func (m *Model) work(what string, do func(ctx context.Context) (string, error)) {
	m.stopWork()
	l := newLazy(m.changed, func(ctx context.Context, _ int) (string, error) { return do(ctx) })
	l.get(0)
	m.working, m.stop = what, l.stop
	m.found = func() bool {
		text, ready, err := l.get(0)
		if !ready {
			return false
		}
		m.working, m.stop = "", nil
		if err != nil {
			text = "failed: " + err.Error()
		}
		m.say("%s", safeText(text))
		return true
	}
}

// stopWork stops what work runs and tells whether there was anything.
func (m *Model) stopWork() bool {
	if m.stop == nil {
		return false
	}
	m.stop()
	m.working, m.stop, m.found = "", nil, nil
	return true
}

// gotoTime selects the first event at or after ts.
func (m *Model) gotoTime(ts uint64) {
	st := m.st
	st.T, st.Screen = ts, scopeEvents
	m.setState(st)
	m.search("no event at that time", func(ctx context.Context) (uint64, error) { return m.store.EventAt(ctx, ts) })
}

// sameProcess goes to the next (dir 1) or previous (dir -1) event of the
// selected process.
func sameProcess(m *Model, dir int) {
	from := m.st.Event
	if from == 0 {
		m.say("select an event first")
		return
	}
	proc := m.st.Proc
	if m.st.Screen == scopeEvents {
		proc = 0 // that of the event
	}
	m.search("no further event of this process", func(ctx context.Context) (uint64, error) {
		return m.store.Neighbour(ctx, from, proc, dir)
	})
}

// completeField completes field names in the filter bar.
func (m *Model) completeField(word string) []string {
	if word == "" {
		return nil
	}
	var out []string
	for _, name := range m.store.Fields() {
		if strings.HasPrefix(name, word) {
			out = append(out, name)
		}
	}
	return out
}
