package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// screen is one lens on the capture. All methods run on the event loop.
type screen interface {
	// draw draws the screen into the rows y..y+h of f.
	draw(f *Frame, y, h int)
	// move moves the cursor by n rows; huge values go to the ends.
	move(n int64)
	// page returns how many rows a page has.
	page() int
	// enter drills into what is under the cursor.
	enter()
	// changed tells the screen that the shared state is another one.
	changed()
	// status is the left part of the status line.
	status() string
	// click selects the row at a frame position.
	click(x, y int)
	close()
}

// Model is the whole state of the UI. All methods run on the event loop.
type Model struct {
	store Store
	opts  Options
	reg   *registry

	st      State
	hist    history
	marks   []mark
	screens [numScopes]screen

	prompt  *prompt // being edited, nil none
	overlay overlay // covers the screen, nil none
	message string  // one line about the last action, cleared by the next key
	pending string  // first key of a two-key command
	filters []string
	working string  // what is going on in the background
	stop    func()  // stops it
	found   func()  // takes over its result when it has ended
	find    *finder // what ^F looks for, nil nothing

	lanes []string // filters of the lanes added to the timeline

	strip *lazy[int, []Bucket] // by width

	w, h    int // of the last frame
	stripX  int // place of the strip, of no width when it is not shown
	stripW  int
	bodyY   int
	bodyH   int
	changed func()
	quit    func()
	suspend func()
	redraw  func()
	copyOut func(string)
}

// overlay is a box over the screen, such as help.
type overlay interface {
	draw(f *Frame)
	key(ev *tcell.EventKey) (closed bool)
}

// NewModel returns the UI's state over store. changed is called, from any
// goroutine, when something on the screen may have changed.
func NewModel(store Store, opts Options, changed func()) (*Model, error) {
	m := &Model{store: store, opts: opts, changed: changed,
		quit: func() {}, suspend: func() {}, redraw: func() {}, copyOut: func(string) {}}
	reg, err := newRegistry(actions())
	if err != nil {
		return nil, err
	}
	m.reg = reg
	store.Notify(changed)
	m.strip = newLazy(changed, func(ctx context.Context, n int) ([]Bucket, error) {
		return store.Lane(ctx, stretch{n: n}, "")
	})
	m.st = State{Screen: scopeEvents}
	m.screens[scopeEvents] = newEventsScreen(m)
	m.screens[scopeProcs] = newProcsScreen(m)
	m.screens[scopeFiles] = newTableScreen(m, scopeFiles, "files", fileEvents, store.Files)
	m.screens[scopeConns] = newTableScreen(m, scopeConns, "connections", -1, store.Conns)
	m.screens[scopeTimeline] = newTimelineScreen(m)
	m.screens[scopeRules] = newRulesScreen(m)
	m.screens[scopeSQL] = newSQLScreen(m)
	m.screens[scopeAlerts] = newAlertsScreen(m)
	if err := m.restore(); err != nil {
		m.say("%s: %v", opts.Session, err)
	}
	if opts.Filter != "" {
		m.setFilter(opts.Filter)
	}
	return m, nil
}

// Close ends all background work.
func (m *Model) Close() {
	for _, s := range m.screens {
		if s != nil {
			s.close()
		}
	}
	m.strip.close()
	m.find.close()
	m.stopWork()
}

func (m *Model) alerts() *alertsScreen { return m.screens[scopeAlerts].(*alertsScreen) }

func (m *Model) screen() screen { return m.screens[m.st.Screen] }

// say shows a line until the next key.
func (m *Model) say(format string, args ...any) { m.message = fmt.Sprintf(format, args...) }

// setState changes the shared state and tells the screens.
func (m *Model) setState(st State) {
	m.st = st
	for _, s := range m.screens {
		if s != nil {
			s.changed()
		}
	}
}

// change is setState for what the user can undo.
func (m *Model) change(st State) {
	m.hist.note(m.st)
	m.setState(st)
}

// drill pushes a crumb and goes to st.
func (m *Model) drill(title string, st State) {
	m.hist.crumbs = append(m.hist.crumbs, crumb{title, m.st})
	m.change(st)
}

// back pops a crumb.
func (m *Model) back() {
	n := len(m.hist.crumbs)
	if n == 0 {
		m.say("nothing to go back to; q quits")
		return
	}
	from := m.hist.crumbs[n-1].from
	m.hist.crumbs = m.hist.crumbs[:n-1]
	m.setState(from)
}

// setFilter applies a filter if it is valid.
func (m *Model) setFilter(text string) {
	text = strings.TrimSpace(text)
	if text != "" {
		if err := m.store.Check(text); err != nil {
			m.say("filter not applied: %s", safeText(err.Error()))
			return
		}
		if n := len(m.filters); n == 0 || m.filters[n-1] != text {
			m.filters = append(m.filters, text)
		}
	}
	st := m.st
	st.Filter = text
	m.change(st)
}

// addFilter narrows the filter by one term, or takes it away with not.
func (m *Model) addFilter(term string) {
	m.setFilter(joinFilters(m.st.Filter, term))
}

// joinFilters returns the condition that both filters hold; empty ones always do.
func joinFilters(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return braced(a) + " and " + braced(b)
}

// braced puts a filter that is an alternative into brackets.
func braced(f string) string {
	if strings.Contains(f, " or ") {
		return "(" + f + ")"
	}
	return f
}

// verdict judges a filter for the filter bar.
func (m *Model) verdict(text string) (string, Style) {
	if strings.TrimSpace(text) == "" {
		return "no filter", StyleDim
	}
	err := m.store.Check(text)
	if err == nil {
		return "ok", ColorGreen
	}
	if errors.As(err, new(incomplete)) {
		return "... " + safeText(err.Error()), ColorYellow
	}
	return "error: " + safeText(err.Error()), ColorRed
}

// Key handles a key press.
func (m *Model) Key(ev *tcell.EventKey) {
	m.message = ""
	if m.prompt != nil {
		p := m.prompt
		if p.key(ev) && m.prompt == p {
			m.prompt = nil
		}
		return
	}
	if m.overlay != nil {
		if m.overlay.key(ev) {
			m.overlay = nil
		}
		return
	}
	k := keyName(ev)
	if (k == "Esc" || k == "^C") && m.stopWork() {
		m.say("stopped")
		return
	}
	if m.pending != "" {
		first := m.pending
		m.pending = ""
		m.secondKey(first, k)
		return
	}
	if a := m.reg.find(m.st.Screen, k); a != nil {
		a.run(m)
		return
	}
	if k != "" {
		m.say("%s does nothing here; ? shows the keys", safeText(k))
	}
}

// secondKey ends a two-key command: m and ' take a letter.
func (m *Model) secondKey(first, k string) {
	if len(k) != 1 || first == "'" && k == "'" && len(m.marks) == 0 {
		return
	}
	switch first {
	case "m":
		if m.st.Event == 0 {
			m.say("no event selected")
			return
		}
		m.setMark(k, m.st.Event)
		m.say("mark %s set on event %d", k, m.st.Event)
	case "'":
		for _, mk := range m.marks {
			if mk.Letter == k {
				m.gotoEvent(mk.Event)
				return
			}
		}
		m.say("no mark %s", k)
	}
}

func (m *Model) setMark(letter string, event uint64) {
	for i := range m.marks {
		if m.marks[i].Letter == letter {
			m.marks[i].Event = event
			return
		}
	}
	m.marks = append(m.marks, mark{Letter: letter, Event: event})
}

// markOf returns the letter of the mark on an event, "" none.
func (m *Model) markOf(event uint64) string {
	for _, mk := range m.marks {
		if mk.Event == event {
			return mk.Letter
		}
	}
	return ""
}

// gotoEvent selects an event on the event screen.
func (m *Model) gotoEvent(num uint64) {
	st := m.st
	st.Screen, st.Event = scopeEvents, num
	m.change(st)
}

// Paste inserts pasted text into an open prompt.
func (m *Model) Paste(text string) {
	if m.prompt != nil {
		m.prompt.insert(text)
	}
}

// Click selects the row at a position; a double click drills in.
func (m *Model) Click(x, y int, double bool) {
	if m.prompt != nil || m.overlay != nil {
		return
	}
	switch {
	case y == m.h-1:
		m.clickTab(x)
	case y == 0 && len(m.hist.crumbs) > 0:
		m.back()
	case y == 1 && x >= m.stripX && x < m.stripX+m.stripW:
		m.clickStrip(x - m.stripX)
	case y >= m.bodyY && y < m.bodyY+m.bodyH:
		m.screen().click(x, y)
		if double {
			m.screen().enter()
		}
	}
}

// clickStrip moves T to a column of the strip, and the event list with it.
func (m *Model) clickStrip(col int) {
	in := m.store.Info()
	st := m.st
	st.T = in.Start + uint64(float64(in.End-in.Start)*float64(col)/float64(m.stripW))
	m.setState(st)
	m.search("no event at that time", func(ctx context.Context) (moment, error) { return m.store.EventAt(ctx, st.T) })
}

// Scroll moves the pane under the mouse.
func (m *Model) Scroll(_, _ int, n int) {
	if m.overlay == nil && m.prompt == nil {
		m.screen().move(int64(n))
	}
}
