package tui

import (
	"context"
	"strings"
)

// search looks an event up in the background and then goes to it.
func (m *Model) search(what string, find func(ctx context.Context) (moment, error)) {
	run(m, "searching...   Esc stops it", find, func(at moment, err error) {
		if err != nil {
			m.say("%s: %s", what, safeText(err.Error()))
			return
		}
		st := m.st
		st.Event, st.T = at.num, at.ts
		m.setState(st)
	})
}

// work runs something long in the background and says how it ended.
func (m *Model) work(what string, do func(ctx context.Context) (string, error)) {
	m.later(what, do, func(text string) { m.say("%s", safeText(text)) })
}

// later runs something in the background and hands its result to then.
func (m *Model) later(what string, do func(ctx context.Context) (string, error), then func(string)) {
	run(m, what, do, func(text string, err error) {
		if err != nil {
			m.say("failed: %s", safeText(err.Error()))
			return
		}
		then(text)
	})
}

// run runs do in the background, which Esc and ^C stop, and then, with the next
// drawing, done on the event loop. One such thing runs at a time.
func run[V any](m *Model, what string, do func(ctx context.Context) (V, error), done func(V, error)) {
	m.stopWork()
	l := newLazy(m.changed, func(ctx context.Context, _ int) (V, error) { return do(ctx) })
	l.get(0)
	m.working, m.stop = what, l.stop
	m.found = func() {
		if v, ready, err := l.get(0); ready {
			m.working, m.stop, m.found = "", nil, nil
			done(v, err)
		}
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
	m.search("no event at that time", func(ctx context.Context) (moment, error) { return m.store.EventAt(ctx, ts) })
}

// sameProcess goes to the next (dir 1) or previous (dir -1) event of the
// selected process.
func sameProcess(m *Model, dir int) {
	from, proc := m.st.Event, m.st.Proc
	if m.st.Screen == scopeEvents {
		proc = 0 // that of the event
	}
	if from == 0 && (proc == 0 || dir < 0) {
		m.say("select an event first")
		return
	}
	m.search("no further event of this process", func(ctx context.Context) (moment, error) {
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
