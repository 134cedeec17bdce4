package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sysreel/sysreel/rules/filter"
)

// Optional abilities of a screen.
type (
	paned  interface{ nextPane() }
	leaver interface{ leave() bool }
	celled interface {
		cell() (field, value string, ok bool)
	}
	yanker   interface{ yank() string }
	columned interface {
		pick(dir int)
		sortBy()
	}
)

// actions is the one registry of keys: hint line, help and palette follow from it.
func actions() []action {
	acts := []action{
		{"down", []string{"Down", "j"}, scopeGlobal, "", "next row", func(m *Model) { m.screen().move(1) }},
		{"up", []string{"Up", "k"}, scopeGlobal, "", "previous row", func(m *Model) { m.screen().move(-1) }},
		{"page-down", []string{"PgDn", "^D"}, scopeGlobal, "", "next page", func(m *Model) { m.screen().move(int64(m.screen().page())) }},
		{"page-up", []string{"PgUp", "^U"}, scopeGlobal, "", "previous page", func(m *Model) { m.screen().move(-int64(m.screen().page())) }},
		{"first", []string{"Home", "g"}, scopeGlobal, "", "first row", func(m *Model) { m.screen().move(-farAway) }},
		{"last", []string{"End", "G"}, scopeGlobal, "", "last row", func(m *Model) { m.screen().move(farAway) }},
		{"drill", []string{"Enter"}, scopeGlobal, "drill", "go into what is selected: event to process, process to its events, alert to its event", func(m *Model) { m.screen().enter() }},
		{"back", []string{"Esc", "Backspace"}, scopeGlobal, "back", "close a pane, then go back one step", backAction},
		{"next-pane", []string{"Tab", "S-Tab"}, scopeGlobal, "pane", "move between list and detail", func(m *Model) {
			if s, ok := m.screen().(paned); ok {
				s.nextPane()
			}
		}},
		{"filter", []string{"/", "F4"}, scopeGlobal, "filter", "edit the filter, in the language of rules", filterAction},
		{"filter-to", []string{"="}, scopeGlobal, "", "keep only events with the selected value", func(m *Model) { termAction(m, "%s", false) }},
		{"exclude", []string{"-"}, scopeGlobal, "", "leave out events with the selected value", func(m *Model) { termAction(m, "not %s", false) }},
		{"prepare", []string{"_"}, scopeGlobal, "", "put the selected value into the filter bar without applying it", func(m *Model) { termAction(m, "%s", true) }},
		{"find", []string{"^F", "F3"}, scopeGlobal, "find", "find a text, or the events of a filter, without hiding anything", findAction},
		{"find-next", []string{"n"}, scopeGlobal, "", "next match", func(m *Model) { findNext(m, 1) }},
		{"find-prev", []string{"N"}, scopeGlobal, "", "previous match", func(m *Model) { findNext(m, -1) }},
		{"values", []string{"#"}, scopeGlobal, "values", "count the values of the picked column or field", freqAction},
		{"export", []string{"e"}, scopeGlobal, "export", "write all rows of what is shown to a file", exportAction},
		{"failures", []string{"!"}, scopeGlobal, "", "show only failed calls, or everything again", failuresAction},
		{"column-left", []string{"<", "Left", "h"}, scopeGlobal, "", "pick the column to the left; on the timeline, go back in time", func(m *Model) { pickAction(m, -1) }},
		{"column-right", []string{">", "Right", "l"}, scopeGlobal, "", "pick the column to the right; on the timeline, go on in time", func(m *Model) { pickAction(m, 1) }},
		{"sort", []string{"s"}, scopeGlobal, "", "sort by the picked column, or the other way round", func(m *Model) {
			if s, ok := m.screen().(columned); ok {
				s.sortBy()
			} else {
				m.say("this list is in the order of time")
			}
		}},
		{"time", []string{"t"}, scopeGlobal, "time", "go to a time (12:07:31.5, +5s, -2m) or event (#1203378)", timeAction},
		{"context", []string{"x"}, scopeGlobal, "context", "lift the filter and the range around this event", contextAction},
		{"same-next", []string{"]"}, scopeGlobal, "", "next event of the same process", func(m *Model) { sameProcess(m, 1) }},
		{"alert-prev", []string{"{"}, scopeGlobal, "", "previous alert", func(m *Model) { alertAction(m, -1) }},
		{"alert-next", []string{"}"}, scopeGlobal, "alert", "next alert", func(m *Model) { alertAction(m, 1) }},
		{"range-start", []string{"("}, scopeGlobal, "", "begin the time range at T", func(m *Model) { rangeAction(m, true) }},
		{"range-end", []string{")"}, scopeGlobal, "", "end the time range at T", func(m *Model) { rangeAction(m, false) }},
		{"range-clear", []string{"Z"}, scopeGlobal, "", "clear the time range", func(m *Model) { st := m.st; st.Range = Range{}; m.change(st) }},
		{"mark", []string{"m"}, scopeGlobal, "mark", "set a mark: m and a letter", func(m *Model) { m.pending = "m"; m.say("mark: type a letter") }},
		{"goto-mark", []string{"'"}, scopeGlobal, "", "go to a mark: ' and its letter", func(m *Model) { m.pending = "'"; m.say("go to mark: type its letter") }},
		{"marks", []string{"M"}, scopeGlobal, "", "list of marks", func(m *Model) {
			if len(m.marks) == 0 {
				m.say("no marks yet: m and a letter sets one")
				return
			}
			m.overlay = &marksOverlay{m: m}
		}},
		{"note", []string{"i"}, scopeGlobal, "", "write a note on this event; it becomes a mark", noteAction},
		{"undo", []string{"u"}, scopeGlobal, "", "undo the last change of filter, range or screen", func(m *Model) {
			if st, ok := m.hist.back(m.st); ok {
				m.setState(st)
			} else {
				m.say("nothing to undo")
			}
		}},
		{"redo", []string{"U"}, scopeGlobal, "", "take back an undo", func(m *Model) {
			if st, ok := m.hist.forward(m.st); ok {
				m.setState(st)
			} else {
				m.say("nothing to redo")
			}
		}},
		{"yank", []string{"y"}, scopeGlobal, "", "copy the selected row to the terminal's clipboard", func(m *Model) {
			if s, ok := m.screen().(yanker); ok {
				if text := safeText(s.yank()); text != "" {
					m.copyOut(text)
					m.say("copied: %s", text)
				}
			}
		}},
		{"palette", []string{":", "^P"}, scopeGlobal, "", "find a command by name", func(m *Model) { m.overlay = &paletteOverlay{m: m} }},
		{"help", []string{"?", "F1"}, scopeGlobal, "", "this list of keys", func(m *Model) { m.overlay = &helpOverlay{m: m} }},
		{"redraw", []string{"^L"}, scopeGlobal, "", "draw the screen anew", func(m *Model) { m.redraw() }},
		{"suspend", []string{"^Z"}, scopeGlobal, "", "stop and go back to the shell", func(m *Model) { m.suspend() }},
		{"quit", []string{"q", "^C"}, scopeGlobal, "", "leave sysreel", func(m *Model) { m.quit() }},

		{"column", []string{"+"}, scopeEvents, "column", "add the field of the detail as a column, or take it away", func(m *Model) { m.screens[scopeEvents].(*eventsScreen).addColumn() }},
		{"full", []string{"z"}, scopeEvents, "", "give the detail the whole screen, or take it back", func(m *Model) {
			s := m.screens[scopeEvents].(*eventsScreen)
			s.open, s.full = true, !s.full
			s.focused = s.full
		}},
		{"detail", []string{"d"}, scopeEvents, "", "show or hide the detail", func(m *Model) {
			s := m.screens[scopeEvents].(*eventsScreen)
			s.open, s.focused, s.full = !s.open, false, false
		}},
		{"tree", []string{"p"}, scopeEvents, "tree", "process tree at the time of this event", treeAction},
		{"tree", []string{"p"}, scopeAlerts, "tree", "process tree at the time of this alert", treeAction},
		{"fold", []string{"z"}, scopeAlerts, "fold", "show the repeats folded into an alert, or fold them again", func(m *Model) { m.alerts().fold() }},
		{"unfold", []string{"+"}, scopeProcs, "", "unfold the selected process", func(m *Model) { procs(m).fold('+') }},
		{"fold", []string{"z"}, scopeProcs, "fold", "fold or unfold the selected process", func(m *Model) { procs(m).fold('z') }},
		{"fold-all", []string{"*"}, scopeProcs, "", "fold everything, or nothing", func(m *Model) { procs(m).fold('*') }},
		{"hide-dead", []string{"d"}, scopeProcs, "hide dead", "hide what is not alive at T, or show it dimmed", func(m *Model) {
			s := procs(m)
			s.hide, s.dirty = !s.hide, true
		}},
	}
	acts = append(acts,
		action{"ask", []string{"a"}, scopeSQL, "write SQL", "write a statement; Tab completes names, Up recalls", func(m *Model) { m.screens[scopeSQL].(*sqlScreen).edit() }},
		action{"again", []string{"F5"}, scopeSQL, "again", "run the statement again", func(m *Model) { m.screens[scopeSQL].(*sqlScreen).again() }})
	acts = append(acts,
		action{"try", []string{"a"}, scopeRules, "try", "put the condition into the filter bar, to change it and see what it finds", func(m *Model) { m.screens[scopeRules].(*rulesScreen).try() }},
		action{"blocked", []string{"b"}, scopeRules, "what blocked it", "evaluate the rule on every event: how often it fired, and what stopped it", func(m *Model) { m.screens[scopeRules].(*rulesScreen).blocked() }},
		action{"macros", []string{"o"}, scopeRules, "macros", "show the condition with macros and exceptions in place, or as written", func(m *Model) {
			s := m.screens[scopeRules].(*rulesScreen)
			s.macros = !s.macros
		}})
	line := func(f func(*timelineScreen)) func(*Model) {
		return func(m *Model) { f(m.screens[scopeTimeline].(*timelineScreen)) }
	}
	acts = append(acts,
		action{"zoom-in", []string{"+"}, scopeTimeline, "zoom in", "half the stretch, around T", line(func(s *timelineScreen) { s.zoom(0.5) })},
		action{"zoom-out", []string{"z"}, scopeTimeline, "out", "twice the stretch, around T", line(func(s *timelineScreen) { s.zoom(2) })},
		action{"fit", []string{"0"}, scopeTimeline, "all", "the whole capture", line(func(s *timelineScreen) { s.zoom(0) })},
		action{"range", []string{"r"}, scopeTimeline, "range", "begin the time range at T, then end it; all screens show only that", line((*timelineScreen).markRange)},
		action{"peak-next", []string{"w"}, scopeTimeline, "peak", "next peak of the picked lane", line(func(s *timelineScreen) { s.peak(1) })},
		action{"peak-prev", []string{"W"}, scopeTimeline, "", "previous peak of the picked lane", line(func(s *timelineScreen) { s.peak(-1) })},
		action{"lane-add", []string{"a"}, scopeTimeline, "add lane", "a lane of any filter", line((*timelineScreen).addLane)},
		action{"lane-drop", []string{"d"}, scopeTimeline, "", "drop an added lane", line((*timelineScreen).dropLane)},
		action{"tree", []string{"p"}, scopeTimeline, "tree", "process tree at T", treeAction})
	for _, sc := range []scope{scopeFiles, scopeConns} {
		acts = append(acts, action{"owner", []string{"o"}, sc, "owner", "the process that used this first, in the tree", func(m *Model) { m.screen().(*tableScreen).owner() }})
	}
	// [ is written here because a bracket in the table reads badly beside ].
	acts = append(acts, action{"same-prev", []string{"["}, scopeGlobal, "", "previous event of the same process", func(m *Model) { sameProcess(m, -1) }})
	for s := scopeEvents; s < numScopes; s++ {
		acts = append(acts, action{"screen-" + strings.ToLower(screenNames[s]), []string{strconv.Itoa(int(s))}, scopeGlobal, "",
			"go to the " + screenNames[s] + " screen; filter, range and T stay", func(m *Model) { m.goScreen(s) }})
	}
	return acts
}

func procs(m *Model) *procsScreen { return m.screens[scopeProcs].(*procsScreen) }

func backAction(m *Model) {
	if s, ok := m.screen().(leaver); ok && s.leave() {
		return
	}
	m.back()
}

func filterAction(m *Model) {
	m.prompt = newPrompt(filterLabel, m.st.Filter, m.filters, m.setFilter)
	m.prompt.complete = m.completeField
}

func pickAction(m *Model, dir int) {
	if s, ok := m.screen().(interface{ pick(int) }); ok {
		s.pick(dir)
	} else {
		m.say("there are no columns to pick here")
	}
}

// termAction turns the selected cell into a term of the filter.
func termAction(m *Model, format string, prepare bool) {
	s, ok := m.screen().(celled)
	if !ok {
		return
	}
	field, value, ok := s.cell()
	if !ok {
		m.say("nothing here to filter on; Tab moves to the detail, whose lines can be")
		return
	}
	term := fmt.Sprintf(format, field+" = "+quoteValue(value))
	if prepare {
		filterAction(m)
		if m.st.Filter != "" {
			term = " and " + term
		}
		m.prompt.insert(term)
		return
	}
	m.addFilter(term)
}

// quoteValue writes a value as a literal of the filter language.
func quoteValue(v string) string {
	plain := v != ""
	for i := range len(v) {
		if c := v[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`()"'=<>!,\`, c) >= 0 {
			plain = false
		}
	}
	if plain {
		return v
	}
	return filter.Quote(v)
}

func failuresAction(m *Model) {
	const term = "evt.failed = true"
	f := m.st.Filter
	switch {
	case f == term:
		m.setFilter("")
	case strings.HasSuffix(f, " and "+term):
		m.setFilter(strings.TrimSuffix(f, " and "+term))
	default:
		m.addFilter(term)
	}
}

// noteAction writes a note on the selected event, marking it if it is not yet.
func noteAction(m *Model) {
	num := m.st.Event
	if num == 0 {
		m.say("no event selected")
		return
	}
	at := slices.IndexFunc(m.marks, func(mk mark) bool { return mk.Event == num })
	text := ""
	if at >= 0 {
		text = m.marks[at].Note
	}
	m.prompt = newPrompt(fmt.Sprintf("note on event %d: ", num), text, nil, func(text string) {
		letter := m.markOf(num)
		for c := 'a'; letter == "" && c <= 'z'; c++ {
			if !slices.ContainsFunc(m.marks, func(mk mark) bool { return mk.Letter == string(c) }) {
				letter = string(c)
			}
		}
		if letter == "" {
			m.say("all letters are taken; remove a mark in the list that M shows")
			return
		}
		m.setMark(letter, num)
		for i := range m.marks {
			if m.marks[i].Letter == letter {
				m.marks[i].Note = strings.TrimSpace(text)
			}
		}
		m.say("note kept with mark %s", letter)
	})
}

func contextAction(m *Model) {
	if m.st.Filter == "" && m.st.Range.all() {
		m.say("nothing hides the context: no filter, no range")
		return
	}
	st := m.st
	st.Filter, st.Range, st.Screen = "", Range{}, scopeEvents
	m.drill("context", st)
}

func treeAction(m *Model) {
	st := m.st
	st.Screen = scopeProcs
	switch a := m.alerts().row(); {
	case m.st.Screen == scopeAlerts && a != nil:
		st.Proc, st.T = a.ProcID, a.TS
	case m.st.Screen == scopeEvents:
		if row, ok := m.screens[scopeEvents].(*eventsScreen).row(); ok {
			st.Proc = row.ProcID
		}
	}
	m.drill("tree", st)
}

// alertAction goes to the next or previous alert from T.
func alertAction(m *Model, dir int) {
	s := m.alerts()
	alerts := s.known()
	best := -1
	for i := range alerts {
		a := &alerts[i]
		if dir > 0 && (a.TS > m.st.T || a.TS == m.st.T && a.Event > m.st.Event) && best < 0 {
			best = i
		}
		if dir < 0 && (a.TS < m.st.T || a.TS == m.st.T && a.Event < m.st.Event) {
			best = i
		}
	}
	if best < 0 {
		m.say("no alert in that direction")
		return
	}
	a := alerts[best]
	st := m.st
	st.T, st.Event = a.TS, a.Event
	if st.Screen == scopeProcs {
		st.Proc = a.ProcID
	}
	s.dirty = true // the cursor moves to the event's alert
	m.setState(st)
	m.say("alert %d of %d: %s", best+1, len(alerts), safeText(a.Rule))
}

func rangeAction(m *Model, start bool) {
	in := m.store.Info()
	st := m.st
	if st.T == 0 {
		m.say("select an event first")
		return
	}
	if st.Range.all() {
		st.Range = Range{in.Start, in.End}
	}
	if start {
		st.Range.A = st.T
	} else {
		st.Range.B = st.T
	}
	if st.Range.A > st.Range.B {
		m.say("the range would end before it begins")
		return
	}
	m.change(st)
}

func timeAction(m *Model) {
	m.prompt = newPrompt("go to time or #event: ", "", nil, func(text string) {
		if err := m.gotoText(strings.TrimSpace(text)); err != nil {
			m.say("%v", err)
		}
	})
}

// gotoText moves to what a person typed: #event, +duration, -duration, alert N,
// or a time of day of the capture's day, or a full RFC 3339 time.
func (m *Model) gotoText(text string) error {
	in := m.store.Info()
	if rest, ok := strings.CutPrefix(text, "#"); ok {
		n, err := strconv.ParseUint(strings.ReplaceAll(rest, ",", ""), 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no event number", safeText(rest))
		}
		m.gotoEvent(n)
		return nil
	}
	if rest, ok := strings.CutPrefix(text, "alert "); ok {
		alerts := m.alerts().known()
		n, err := strconv.Atoi(rest)
		if err != nil || n < 1 || n > len(alerts) {
			return fmt.Errorf("there are %d alerts", len(alerts))
		}
		m.gotoEvent(alerts[n-1].Event)
		return nil
	}
	var ts uint64
	switch {
	case strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-"):
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is no duration like +5s or -2m", safeText(text))
		}
		from := m.st.T
		if from == 0 {
			from = in.Start
		}
		ts = uint64(int64(from) + int64(d))
	default:
		t, err := parseClock(text, in.Start)
		if err != nil {
			return err
		}
		ts = t
	}
	ts = max(min(ts, in.End), in.Start)
	m.gotoTime(ts)
	return nil
}

// parseClock reads a time of day, of the UTC day of ref, or an RFC 3339 time.
func parseClock(text string, ref uint64) (uint64, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return uint64(t.UnixNano()), nil
	}
	day := time.Unix(0, int64(ref)).UTC()
	for _, layout := range []string{"15:04:05.999999999", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			y, mo, d := day.Date()
			return uint64(time.Date(y, mo, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).UnixNano()), nil
		}
	}
	return 0, fmt.Errorf("%q is no time: write 12:07:31.5, +5s, -2m or #event", safeText(text))
}
