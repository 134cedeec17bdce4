package tui

import (
	"context"
	"fmt"
	"strings"
)

// Rule is a rule as the rule screen shows it.
type Rule struct {
	Name, Priority, Desc string
	Condition            string // as written
	Expanded             string // with macros, lists and exceptions in place
	Place                string // file and line
	Tags                 []string
	Enabled              bool
	Hits                 int64
}

var ruleColumns = []TableColumn{
	{Title: "RULE", Field: ""},
	{Title: "PRIORITY", Width: 13},
	{Title: "HITS", Width: 8, Right: true, Kind: CellCount},
	{Title: "WHERE", Width: 34, From: 110},
}

const ruleHits = 2

// rulesScreen lists the rules with how often they fired, and below the condition
// of one: its truth on the selected event and what stopped it over the capture.
type rulesScreen struct {
	*tableScreen
	rules   *lazy[int, []Rule]
	last    []Rule
	why     *lazy[whyKey, []TraceLine]
	study   *lazy[string, []string]
	studied string // the rule whose study is shown
	macros  bool   // the condition is shown with macros in place
	pane    list
	focused bool
}

func newRulesScreen(m *Model) *rulesScreen {
	s := &rulesScreen{}
	s.rules = newLazy(m.changed, func(ctx context.Context, _ int) ([]Rule, error) { return m.store.Rules(ctx) })
	s.why = newLazy(m.changed, func(ctx context.Context, k whyKey) ([]TraceLine, error) { return m.store.Why(ctx, k.event, k.rule) })
	s.study = newLazy(m.changed, m.store.Study)
	s.tableScreen = &tableScreen{m: m, scope: scopeRules, what: "rules", sort: ruleHits, col: ruleHits, desc: true}
	return s
}

func (s *rulesScreen) close() {
	s.rules.close()
	s.why.close()
	s.study.close()
}

// rule is the rule under the cursor.
func (s *rulesScreen) rule() *Rule {
	if s.table != nil && s.list.cur < int64(len(s.order)) {
		return &s.last[s.order[s.list.cur]]
	}
	return nil
}

func (s *rulesScreen) draw(f *Frame, y, h int) {
	rules, ready, err := s.rules.fresh(0, s.m.store.Info().Version)
	switch {
	case err != nil:
		f.putCell(0, y, f.w, "error: "+safeText(err.Error()), ColorRed)
		return
	case !ready:
		f.putCell(1, y+1, f.w-1, "loading...", StyleDim)
		return
	case len(rules) == 0:
		f.putCell(1, y+1, f.w-1, "no rules are loaded; -r names rule files", StyleDim)
		return
	}
	if len(s.last) != len(rules) || &s.last[0] != &rules[0] {
		s.last = rules
		t := &Table{Columns: ruleColumns}
		for i := range rules {
			r := &rules[i]
			name := r.Name
			if !r.Enabled {
				name += "  (disabled)"
			}
			t.Rows = append(t.Rows, TableRow{Cells: []any{name, r.Priority, r.Hits, r.Place}})
		}
		s.set(t)
	}
	lh := listHeight(len(rules), h)
	s.drawTable(f, y, lh)
	if r := s.rule(); r != nil {
		s.drawRule(f, y+lh, h-lh, r)
	}
}

func (s *rulesScreen) drawRule(f *Frame, y, h int, r *Rule) {
	f.rule(0, y, f.w, safeText(r.Name)+"   "+safeText(r.Place), s.focused)
	lines := s.lines(r, f.w-2)
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

func (s *rulesScreen) lines(r *Rule, w int) []styledLine {
	var lines []styledLine
	add := func(text string, st Style) {
		for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
			for _, part := range wrap(safeText(l), w-2) {
				lines = append(lines, styledLine{"  " + part, st})
			}
		}
	}
	head := func(text string) { lines = append(lines, styledLine{text, StyleBold}) }
	add(r.Desc, StyleDim)
	if s.studied == r.Name {
		head("Over the capture")
		text, ready, err := s.study.fresh(r.Name, s.m.store.Info().Version)
		switch {
		case err != nil:
			add(err.Error(), ColorRed)
		case !ready:
			add("evaluating the rule on every event...", ColorYellow)
		}
		for _, l := range text {
			add(l, StylePlain)
		}
	}
	if s.macros {
		head("Condition, macros and exceptions in place")
		add(r.Expanded, StylePlain)
	} else {
		head("Condition")
		add(r.Condition, StylePlain)
	}
	if s.m.st.Event == 0 {
		return lines
	}
	head(fmt.Sprintf("Truth on event #%d", s.m.st.Event))
	trace, ready, err := s.why.get(whyKey{s.m.st.Event, r.Name})
	switch {
	case err != nil:
		add(err.Error(), ColorRed)
	case !ready:
		add("evaluating...", StyleDim)
	}
	return append(lines, traceText(trace)...)
}

// blocked studies the rule under the cursor over the capture.
func (s *rulesScreen) blocked() {
	if r := s.rule(); r != nil {
		s.studied, s.pane = r.Name, list{}
	}
}

// try puts the condition of the rule into the filter bar.
func (s *rulesScreen) try() {
	if r := s.rule(); r != nil {
		filterAction(s.m)
		s.m.prompt.set(strings.Join(strings.Fields(r.Expanded), " "))
	}
}

func (s *rulesScreen) move(n int64) {
	if s.focused {
		s.pane.cur = max(s.pane.cur+n, 0)
		return
	}
	s.tableScreen.move(n)
	s.pane = list{}
}

// enter shows the first alert of the rule.
func (s *rulesScreen) enter() {
	r := s.rule()
	if r == nil {
		return
	}
	for _, a := range s.m.alerts().known() {
		if a.Rule == r.Name {
			st := s.m.st
			st.Screen, st.Event, st.T, st.Proc, st.Filter, st.Range = scopeAlerts, a.Event, a.TS, a.ProcID, "", Range{}
			s.m.alerts().dirty = true
			s.m.drill("rule "+r.Name, st)
			return
		}
	}
	s.m.say("the rule never fired here; b tells what stopped it")
}

func (s *rulesScreen) leave() bool {
	if s.focused {
		s.focused = false
		return true
	}
	return false
}

func (s *rulesScreen) nextPane() { s.focused = !s.focused }

func (s *rulesScreen) cell() (field, value string, ok bool) { return "", "", false }

func (s *rulesScreen) status() string {
	fired := 0
	for i := range s.last {
		if s.last[i].Hits > 0 {
			fired++
		}
	}
	return fmt.Sprintf("%d of %d rules fired", fired, len(s.last))
}
