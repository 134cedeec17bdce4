package tui

import (
	"context"
	"fmt"
	"strings"
)

// alertsScreen lists what the rules found, with the evaluation of the rule's
// condition on the event.
type alertsScreen struct {
	m       *Model
	list    list
	alerts  *lazy[int, []Alert]
	last    []Alert
	why     *lazy[whyKey, []TraceLine]
	focused bool
	pane    list
	listY   int
}

type whyKey struct {
	event uint64
	rule  string
}

func newAlertsScreen(m *Model) *alertsScreen {
	s := &alertsScreen{m: m}
	s.alerts = newLazy(m.changed, func(ctx context.Context, _ int) ([]Alert, error) { return m.store.Alerts(ctx) })
	s.why = newLazy(m.changed, func(ctx context.Context, k whyKey) ([]TraceLine, error) {
		return m.store.Why(ctx, k.event, k.rule)
	})
	return s
}

func (s *alertsScreen) close() { s.alerts.close(); s.why.close() }

func (s *alertsScreen) changed() {}

// known returns the alerts read so far, for the strip too.
func (s *alertsScreen) known() []Alert {
	if a, ready, _ := s.alerts.fresh(0, s.m.store.Info().Version); ready {
		s.last = a
	}
	return s.last
}

func (s *alertsScreen) row() *Alert {
	if s.list.cur < int64(len(s.last)) {
		return &s.last[s.list.cur]
	}
	return nil
}

func (s *alertsScreen) draw(f *Frame, y, h int) {
	alerts := s.known()
	if _, ready, err := s.alerts.fresh(0, s.m.store.Info().Version); err != nil {
		f.putCell(0, y, f.w, "error: "+safeText(err.Error()), ColorRed)
		return
	} else if len(alerts) == 0 {
		text := "no rule matched anything in this capture"
		if !ready || !s.m.store.Info().Final {
			text = "evaluating rules..."
		}
		f.putCell(1, y+1, f.w, text, StyleDim)
		return
	}
	lh := h
	if h >= 16 {
		lh = h / 2
		s.drawDetail(f, y+lh, h-lh)
	}
	s.drawList(f, y, lh, alerts)
}

func (s *alertsScreen) drawList(f *Frame, y, h int, alerts []Alert) {
	s.listY = y + 1
	ruleW := max(min(f.w/3, 48), 20)
	procW := 22
	head := func(yy int, st Style, no, ts, prio, rule, proc, key string) {
		f.putRight(1, yy, 5, no, st)
		f.putCell(7, yy, 15, ts, st)
		f.putCell(23, yy, 10, prio, st)
		f.putCell(34, yy, ruleW, rule, st)
		f.putCell(35+ruleW, yy, procW, proc, st)
		f.putCell(36+ruleW+procW, yy, f.w-36-ruleW-procW, key, st)
	}
	head(y, StyleBold, "#", "TIME", "PRIORITY", "RULE", "PROCESS", "OUTPUT")
	top := s.list.window(int64(len(alerts)), h-1)
	for i := range int64(h - 1) {
		at := top + i
		if at >= int64(len(alerts)) {
			break
		}
		a := &alerts[at]
		yy := y + 1 + int(i)
		st := letterStyle(priorityLetter(a.Priority))
		head(yy, st, fmt.Sprint(at+1), clockMicro(a.TS), strings.ToUpper(a.Priority), safeText(a.Rule),
			safeText(fmt.Sprintf("%s %d", a.Proc, a.PID)), safeText(a.Output))
		if at == s.list.cur {
			f.put(0, yy, 1, ">", StyleBold)
			f.restyle(0, yy, f.w, StyleReverse)
		} else if l := s.m.markOf(a.Event); l != "" {
			f.put(0, yy, 1, l, StyleBold)
		}
	}
}

func (s *alertsScreen) drawDetail(f *Frame, y, h int) {
	a := s.row()
	if a == nil {
		return
	}
	title := fmt.Sprintf("-- Alert %d   %s   %s ", s.list.cur+1, strings.ToUpper(a.Priority), safeText(a.Rule))
	f.put(0, y, f.w, title+strings.Repeat("-", max(f.w-textWidth(title), 0)), StyleBold)
	lines := []styledLine{}
	for i, l := range wrap(safeText(a.Output), f.w-11) {
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
		lines = append(lines, styledLine{"  " + safeText(err.Error()), StyleDim})
	case !ready:
		lines = append(lines, styledLine{"  evaluating...", StyleDim})
	}
	for _, t := range trace {
		st := StylePlain
		if t.Truth == "false" || t.Truth == "" {
			st = StyleDim
		}
		text := fmt.Sprintf("  %-5s %s%s", t.Truth, strings.Repeat("  ", t.Depth), safeText(t.Text))
		if t.Value != "" {
			text += "   = " + safeText(t.Value)
		}
		lines = append(lines, styledLine{text, st})
	}
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

type styledLine struct {
	text  string
	style Style
}

// wrap breaks text into lines of at most w columns, at blanks where there are any.
func wrap(text string, w int) []string {
	var lines []string
	for textWidth(text) > w && w > 0 {
		cut, width := 0, 0
		for i, r := range text {
			rw := textWidth(string(r))
			if width+rw > w {
				break
			}
			width += rw
			cut = i + len(string(r))
		}
		if i := strings.LastIndexByte(text[:cut], ' '); i > cut/2 {
			cut = i + 1
		}
		if cut == 0 {
			break
		}
		lines = append(lines, strings.TrimRight(text[:cut], " "))
		text = text[cut:]
	}
	return append(lines, text)
}

func (s *alertsScreen) move(n int64) {
	if s.focused {
		s.pane.cur = max(s.pane.cur+n, 0)
		return
	}
	s.list.move(n, int64(len(s.last)))
	s.pane = list{}
	if a := s.row(); a != nil {
		s.m.st.T = a.TS
		s.m.st.Alert = int(s.list.cur)
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
	st.Screen, st.Event, st.T, st.Filter = scopeEvents, a.Event, a.TS, ""
	s.m.drill(fmt.Sprintf("alert %d", s.list.cur+1), st)
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
	s.list.cur = clamp(s.list.top+int64(y-s.listY), 0, int64(len(s.last))-1)
	s.move(0)
}

func (s *alertsScreen) status() string {
	rules := make(map[string]bool)
	for i := range s.last {
		rules[s.last[i].Rule] = true
	}
	return fmt.Sprintf("%d alerts of %d rules", len(s.last), len(rules))
}

func (s *alertsScreen) yank() string {
	if a := s.row(); a != nil {
		return a.Output
	}
	return ""
}
