package tui

import (
	"context"
	"fmt"
	"strings"
)

// alertsScreen lists what the rules found, with the evaluation of the rule's
// condition on the event. Repeats of a rule by the same process are folded.
type alertsScreen struct {
	m       *Model
	list    list
	all     *lazy[int, []Alert] // whatever the filter: for the strip and { }
	shown   *lazy[view, []Alert]
	last    []Alert
	built   []Alert // what rows were made from
	rows    []alertRow
	unfold  map[int64]bool // groups shown in full, by number of their first event
	dirty   bool
	why     *lazy[whyKey, []TraceLine]
	focused bool
	pane    list
	listY   int
}

// alertRow is an alert with the repeats folded into it.
type alertRow struct {
	a       *Alert
	no      int // from 1
	repeats int // how many more
	inside  bool
}

type whyKey struct {
	event uint64
	rule  string
}

func newAlertsScreen(m *Model) *alertsScreen {
	s := &alertsScreen{m: m, unfold: make(map[int64]bool)}
	s.all = newLazy(m.changed, func(ctx context.Context, _ int) ([]Alert, error) { return m.store.Alerts(ctx, view{}) })
	s.shown = newLazy(m.changed, m.store.Alerts)
	s.why = newLazy(m.changed, func(ctx context.Context, k whyKey) ([]TraceLine, error) {
		return m.store.Why(ctx, k.event, k.rule)
	})
	return s
}

func (s *alertsScreen) close() {
	s.all.close()
	s.shown.close()
	s.why.close()
}

func (s *alertsScreen) changed() {}

// known returns all alerts read so far.
func (s *alertsScreen) known() []Alert {
	if a, ready, _ := s.all.fresh(0, s.m.store.Info().Version); ready {
		s.last = a
	}
	return s.last
}

// load brings the rows up to date with the filter.
func (s *alertsScreen) load() (ready bool, err error) {
	alerts, ready, err := s.shown.fresh(s.m.st.view(), s.m.store.Info().Version)
	if err != nil || !ready {
		s.rows, s.built = nil, nil
		return ready, err
	}
	same := len(alerts) == len(s.built) && (len(alerts) == 0 || &alerts[0] == &s.built[0])
	if same && !s.dirty {
		return true, nil
	}
	s.built, s.dirty, s.rows = alerts, false, nil
	for i := range alerts {
		a := &alerts[i]
		if n := len(s.rows); n > 0 {
			head := &s.rows[n-1]
			for k := n - 1; head.inside; k-- {
				head = &s.rows[k-1]
			}
			if head.a.Rule == a.Rule && head.a.ProcID == a.ProcID {
				head.repeats++
				if s.unfold[int64(head.a.Event)] {
					s.rows = append(s.rows, alertRow{a: a, no: i + 1, inside: true})
				}
				continue
			}
		}
		s.rows = append(s.rows, alertRow{a: a, no: i + 1})
	}
	for i, r := range s.rows {
		if r.a.Event == s.m.st.Event {
			s.list.cur = int64(i)
			break
		}
	}
	return true, nil
}

// fold opens or closes the group of repeats under the cursor.
func (s *alertsScreen) fold() {
	i := s.list.cur
	if i >= int64(len(s.rows)) {
		return
	}
	for s.rows[i].inside {
		i--
	}
	if s.rows[i].repeats == 0 {
		s.m.say("this alert has no repeats")
		return
	}
	id := int64(s.rows[i].a.Event)
	s.unfold[id] = !s.unfold[id]
	s.list.cur, s.dirty = i, true
	s.m.st.Event = s.rows[i].a.Event
}

func (s *alertsScreen) row() *Alert {
	if s.list.cur < int64(len(s.rows)) {
		return s.rows[s.list.cur].a
	}
	return nil
}

func (s *alertsScreen) draw(f *Frame, y, h int) {
	ready, err := s.load()
	switch {
	case err != nil:
		f.putCell(0, y, f.w, "error: "+safeText(err.Error()), ColorRed)
		return
	case len(s.rows) == 0:
		text := "no rule matched anything in this capture"
		switch {
		case !ready || !s.m.store.Info().Final:
			text = "evaluating rules..."
		case !s.m.st.view().all():
			text = "no alert on an event that matches; / changes the filter, Z clears the range"
		}
		f.putCell(1, y+1, f.w-1, text, StyleDim)
		return
	}
	lh := h
	if h >= 16 {
		lh = listHeight(len(s.rows), h)
		s.drawDetail(f, y+lh, h-lh)
	}
	s.drawList(f, y, lh)
}

var alertColumns = []column{
	{title: "#", width: 5, right: true},
	{title: "TIME", width: 15},
	{title: "PRIORITY", width: 10},
	{title: "RULE", width: 42},
	{title: "PROCESS", width: 20, from: 110},
	{title: "OUTPUT", from: 110},
}

func (s *alertsScreen) drawList(f *Frame, y, h int) {
	s.listY = y + 1
	l := newLayout(alertColumns, 1, f.w-1, f.w)
	l.head(f, y)
	top := s.list.window(int64(len(s.rows)), h-1)
	for i := range int64(h - 1) {
		at := top + i
		if at >= int64(len(s.rows)) {
			break
		}
		r := &s.rows[at]
		yy := y + 1 + int(i)
		l.draw(f, yy, letterStyle(priorityLetter(r.a.Priority)), r.text)
		switch mark := s.m.markOf(r.a.Event); {
		case at == s.list.cur:
			f.put(0, yy, 1, ">", StyleBold)
			f.restyle(0, yy, f.w, StyleReverse)
		case mark != "":
			f.put(0, yy, 1, mark, StyleBold)
		case r.repeats > 0:
			f.put(0, yy, 1, "+", StyleBold)
		}
	}
}

func (r *alertRow) text(i int) string {
	switch i {
	case 0:
		return fmt.Sprint(r.no)
	case 1:
		return clockMicro(r.a.TS)
	case 2:
		return strings.ToUpper(r.a.Priority)
	case 3:
		text := safeText(r.a.Rule)
		if r.inside {
			return "  " + text
		}
		if r.repeats > 0 {
			count := fmt.Sprintf(" (x%s)", thousands(int64(r.repeats)+1))
			return cut(text, alertColumns[3].width-len(count)) + count
		}
		return text
	case 4:
		return safeText(fmt.Sprintf("%s %d", r.a.Proc, r.a.PID))
	}
	return safeText(r.a.Output)
}

// drawDetail tells about the alert under the cursor and why the rule matched.
func (s *alertsScreen) drawDetail(f *Frame, y, h int) {
	a := s.row()
	if a == nil {
		return
	}
	s.drawPane(f, y, h, fmt.Sprintf("Alert %d   %s   %s", s.rows[s.list.cur].no, strings.ToUpper(a.Priority), safeText(a.Rule)), s.lines(a, f.w))
}

func (s *alertsScreen) lines(a *Alert, w int) []styledLine {
	var lines []styledLine
	for i, l := range wrap(safeText(a.Output), w-11) {
		label := "Output     "
		if i > 0 {
			label = "           "
		}
		lines = append(lines, styledLine{label + l, StylePlain})
	}
	lines = append(lines,
		styledLine{fmt.Sprintf("Tags       %s   Event #%d", safeText(strings.Join(a.Tags, ", ")), a.Event), StylePlain},
		styledLine{}, styledLine{"Why it matched  (evaluated on this event)", StyleBold})
	trace, ready, err := s.why.get(whyKey{a.Event, a.Rule})
	switch {
	case err != nil:
		return append(lines, styledLine{"  " + safeText(err.Error()), StyleDim})
	case !ready:
		return append(lines, styledLine{"  evaluating...", StyleDim})
	}
	return append(lines, traceText(trace)...)
}

// traceText draws the evaluation of a condition as a tree.
func traceText(trace []TraceLine) []styledLine {
	var lines []styledLine
	for _, t := range trace {
		st := StylePlain
		if t.Truth == "false" || t.Truth == "" {
			st = StyleDim
		}
		text := fmt.Sprintf("  %-5s %s%s", t.Truth, strings.Repeat("  ", t.Depth), safeText(t.Text))
		if t.Value != "" {
			text += "   is " + safeText(t.Value)
		}
		lines = append(lines, styledLine{text, st})
	}
	return lines
}

type styledLine struct {
	text  string
	style Style
}

func (s *alertsScreen) drawPane(f *Frame, y, h int, title string, lines []styledLine) {
	f.rule(0, y, f.w, title, s.focused)
	top := s.pane.window(int64(len(lines)), h-1)
	for i := range int64(h - 1) {
		if top+i >= int64(len(lines)) {
			break
		}
		l := lines[top+i]
		f.putCell(0, y+1+int(i), f.w, l.text, l.style)
		if s.focused && top+i == s.pane.cur {
			f.restyle(0, y+1+int(i), f.w, StyleReverse)
		}
	}
}

func (s *alertsScreen) move(n int64) {
	if s.focused {
		s.pane.cur = max(s.pane.cur+n, 0)
		return
	}
	s.list.move(n, int64(len(s.rows)))
	s.pane = list{}
	if a := s.row(); a != nil {
		s.m.st.T, s.m.st.Event, s.m.st.Proc = a.TS, a.Event, a.ProcID
	}
}

func (s *alertsScreen) page() int { return max(s.list.h, 1) }

// enter shows the alert's event among the unfiltered events.
func (s *alertsScreen) enter() {
	a := s.row()
	if a == nil {
		return
	}
	st := s.m.st
	st.Screen, st.Event, st.T, st.Proc, st.Filter = scopeEvents, a.Event, a.TS, a.ProcID, ""
	s.m.drill(fmt.Sprintf("alert %d", s.rows[s.list.cur].no), st)
}

func (s *alertsScreen) leave() bool {
	if s.focused {
		s.focused = false
		return true
	}
	return false
}

func (s *alertsScreen) nextPane() { s.focused = !s.focused }

func (s *alertsScreen) click(_, y int) {
	s.list.cur = clamp(s.list.top+int64(y-s.listY), 0, int64(len(s.rows))-1)
	s.move(0)
}

func (s *alertsScreen) counts() string {
	n := len(s.built)
	if n == maxAlerts {
		return "the first " + thousands(maxAlerts) + " alerts"
	}
	return thousands(int64(n)) + " alerts"
}

func (s *alertsScreen) status() string {
	rules := make(map[string]bool)
	for i := range s.built {
		rules[s.built[i].Rule] = true
	}
	return fmt.Sprintf("%s alerts of %d rules   + folded repeats", thousands(int64(len(s.built))), len(rules))
}

func (s *alertsScreen) cell() (field, value string, ok bool) {
	if a := s.row(); a != nil {
		return "proc.name", a.Proc, true
	}
	return "", "", false
}

func (s *alertsScreen) yank() string {
	if a := s.row(); a != nil {
		return a.Output
	}
	return ""
}
