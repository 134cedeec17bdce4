package tui

import (
	"fmt"
	"slices"
	"strings"
)

// eventsScreen is the event list with the detail of the selected event below
// (beside it on wide terminals).
type eventsScreen struct {
	m     *Model
	list  list
	pager *Pager[EventRow]
	view  view

	columns []string // fields added
	picked  int      // column, index of eventColumns
	layout  layout

	brief   *lazy[uint64, *Detail]
	detail  *lazy[uint64, *Detail]
	pane    detailPane
	open    bool // the detail is shown
	focused bool // keys go to the detail
	full    bool // the detail takes the whole screen

	// landed is set when the cursor got to what seek was, before its row is known.
	landed bool
	// placed is set once somebody put the cursor somewhere: then it is T.
	placed bool
	// seek is the event the cursor shall stand on once its row is known.
	seek    uint64
	seekRow *lazy[uint64, int64] // row of an event
	listY   int
	listH   int
}

func newEventsScreen(m *Model) *eventsScreen {
	s := &eventsScreen{m: m, open: true, picked: typeColumn}
	s.brief = newLazy(m.changed, m.store.Brief)
	s.detail = newLazy(m.changed, m.store.Detail)
	s.load()
	return s
}

// load starts a list for the current filter and range.
func (s *eventsScreen) load() {
	if s.pager != nil {
		s.pager.Close()
		s.seekRow.stop()
	}
	s.view = s.m.st.view()
	s.columns = s.m.st.Columns
	src := s.m.store.Events(s.view, s.columns)
	s.pager = newPager[EventRow](src, s.m.changed)
	s.seekRow = newLazy(s.m.changed, src.IndexOf)
	s.list = list{}
}

func (s *eventsScreen) close() {
	s.pager.Close()
	s.pager.wait()
	s.seekRow.close()
	s.brief.close()
	s.detail.close()
}

func (s *eventsScreen) changed() {
	if s.m.st.view() != s.view || !slices.Equal(s.m.st.Columns, s.columns) {
		s.load()
		s.seek = s.m.st.Event
		return
	}
	if row, ok := s.pager.Row(s.list.cur); s.m.st.Event != 0 && (!ok || row.Num != s.m.st.Event) {
		s.seek = s.m.st.Event
	}
}

// row returns the row under the cursor.
func (s *eventsScreen) row() (EventRow, bool) { return s.pager.Row(s.list.cur) }

// settle moves the cursor to the event that is looked for and keeps the shared
// selection on the row under the cursor.
func (s *eventsScreen) settle() {
	if s.seek != 0 {
		at, ready, err := s.seekRow.get(s.seek)
		if !ready {
			return
		}
		if err == nil {
			s.landed = true
			s.list.cur = at
			s.list.top = max(at-int64(s.list.h)/2, 0)
		}
		s.seek, s.placed = 0, true
	}
	if row, ok := s.row(); ok && s.m.st.Screen == scopeEvents {
		if s.placed && (s.m.st.Event != row.Num || s.landed) {
			s.m.st.Proc = row.ProcID
		}
		s.landed = false
		s.m.st.Event = row.Num
		if s.placed {
			s.m.st.T = row.TS
		}
	}
}

// sideBySide is the width from which the detail stands beside the list.
const sideBySide = 200

func (s *eventsScreen) draw(f *Frame, y, h int) {
	s.settle()
	w := f.w
	if s.open && s.full {
		s.drawDetail(f, 0, y, w, h)
		return
	}
	lw, lh := w, h
	switch {
	case s.open && w >= sideBySide:
		lw = w * 3 / 5
		s.drawDetail(f, lw+1, y, w-lw-1, h)
		for i := range h {
			f.put(lw, y+i, 1, f.glyph(glyphBar), StyleDim)
		}
	case s.open && h >= 20:
		lh = h * 3 / 5
		s.drawDetail(f, 0, y+lh, w, h-lh)
	}
	s.drawList(f, y, lw, lh)
}

func (s *eventsScreen) drawList(f *Frame, y, w, h int) {
	s.listY, s.listH = y+1, h-1
	n, final, err := s.pager.Len()
	cols := s.eventColumns()
	plain := make([]column, len(cols))
	for i := range cols {
		plain[i] = cols[i].column
	}
	s.layout = newLayout(plain, 1, w-1, w)
	s.layout.head(f, y)
	if s.layout.at[s.picked] >= 0 {
		f.restyle(s.layout.at[s.picked], y, s.layout.cols[s.picked].width, StyleUnder)
	}
	if err != nil {
		f.putCell(0, y+1, w, "error: "+safeText(err.Error()), ColorRed)
		return
	}
	if n == 0 {
		text := "no event matches; / changes the filter, Z clears the range"
		if !final {
			text = "searching..."
		}
		f.putCell(1, y+2, w-1, text, StyleDim)
		return
	}
	top := s.list.window(n, h-1)
	for i := range int64(h - 1) {
		at := top + i
		if at >= n {
			break
		}
		s.drawRow(f, y+1+int(i), w, cols, at)
	}
}

func (s *eventsScreen) drawRow(f *Frame, y, w int, cols []eventColumn, at int64) {
	row, ok := s.pager.Row(at)
	st := StylePlain
	if !ok {
		f.putCell(0, y, w, "  loading...", StyleDim)
	} else {
		if row.Failed {
			st = ColorYellow
		}
		if row.Alert != 0 {
			st = letterStyle(row.Alert)
		}
		f.put(0, y, 1, s.margin(&row), st|StyleBold)
		s.layout.draw(f, y, st, func(i int) string { return cols[i].text(&row) })
	}
	if at == s.list.cur {
		f.put(0, y, 1, ">", StyleBold)
		if s.focused {
			f.restyle(0, y, w, StyleBold)
		} else {
			f.restyle(0, y, w, StyleReverse)
		}
	}
}

// margin is the character left of a row: its mark, its alert, or its failure.
func (s *eventsScreen) margin(row *EventRow) string {
	if l := s.m.markOf(row.Num); l != "" {
		return l
	}
	switch {
	case row.Alert != 0:
		return string(rune(row.Alert))
	case row.Failed:
		return "!"
	}
	return " "
}

// eventColumn is a column of the event list; field is what its cells can be
// filtered by.
type eventColumn struct {
	column
	field string
	text  func(*EventRow) string
}

var fixedEventColumns = []eventColumn{
	{column{title: "EVT", width: 8, right: true}, "evt.num", func(r *EventRow) string { return fmt.Sprint(r.Num) }},
	{column{title: "TIME", width: 15}, "", func(r *EventRow) string { return clockMicro(r.TS) }},
	{column{title: "CPU", width: 3, from: 110}, "evt.cpu", func(r *EventRow) string { return fmt.Sprint(r.CPU) }},
	{column{title: "PROCESS", width: 16}, "proc.name", func(r *EventRow) string { return safeText(r.Proc) }},
	{column{title: "PID", width: 8, from: 100}, "proc.pid", func(r *EventRow) string { return fmt.Sprint(r.PID) }},
	{column{title: "TYPE", width: 12}, typeField, func(r *EventRow) string { return safeText(r.Type) }},
	{column{title: "ARGS"}, "", func(r *EventRow) string { return safeText(r.Args) }},
}

const (
	typeField  = "evt.type"
	typeColumn = 5
)

// extraWidth is the width of an added column.
const extraWidth = 20

// eventColumns returns the fixed columns and, before the arguments, those added.
func (s *eventsScreen) eventColumns() []eventColumn {
	n := len(fixedEventColumns) - 1
	cols := append([]eventColumn(nil), fixedEventColumns[:n]...)
	for i, f := range s.columns {
		cols = append(cols, eventColumn{column{title: f, width: extraWidth}, f, func(r *EventRow) string {
			if i >= len(r.Extra) {
				return ""
			}
			return r.Extra[i]
		}})
	}
	return append(cols, fixedEventColumns[n])
}

// pick moves to the next column.
func (s *eventsScreen) pick(dir int) {
	for c := s.picked + dir; c >= 0 && c < len(s.layout.at); c += dir {
		if s.layout.at[c] >= 0 {
			s.picked = c
			return
		}
	}
}

// addColumn adds the field under the cursor of the detail as a column, or takes
// the picked column away if it was added.
func (s *eventsScreen) addColumn() {
	st := s.m.st
	if field, _, ok := s.cell(); ok && (s.focused || slices.Contains(s.columns, field)) {
		s.toggle(st, field)
		return
	}
	s.m.prompt = newPrompt("column: ", "", nil, func(text string) { s.toggle(st, strings.TrimSpace(text)) })
	s.m.prompt.complete = func(word string) []string {
		return slices.DeleteFunc(slices.Clone(s.m.store.ColumnFields()), func(f string) bool { return !strings.HasPrefix(f, word) })
	}
}

func (s *eventsScreen) toggle(st State, field string) {
	if !slices.Contains(s.m.store.ColumnFields(), field) {
		s.m.say("%s is no column of the index; it has %s", safeText(field), strings.Join(s.m.store.ColumnFields(), " "))
		return
	}
	cols := slices.Clone(st.Columns)
	if i := slices.Index(cols, field); i >= 0 {
		cols = slices.Delete(cols, i, i+1)
	} else {
		cols = append(cols, field)
	}
	st.Columns = cols
	s.picked = min(s.picked, len(fixedEventColumns)+len(cols)-1)
	s.m.change(st)
}

func (s *eventsScreen) drawDetail(f *Frame, x, y, w, h int) {
	title := "no event"
	var d *Detail
	if num := s.m.st.Event; num != 0 {
		v, ready, err := s.detail.get(num)
		switch {
		case err != nil:
			title = "error: " + safeText(err.Error())
		case !ready:
			title = fmt.Sprintf("Event %d  loading...", num)
			if d, _, _ = s.brief.get(num); d != nil {
				title = fmt.Sprintf("Event %d  %s   replaying for all fields...", num, safeText(d.Title))
			}
		default:
			d = v
			title = fmt.Sprintf("Event %d  %s", d.Num, safeText(d.Title))
		}
	}
	s.pane.draw(f, x, y, w, h, title, d, s.focused)
}

func (s *eventsScreen) move(n int64) {
	if s.focused {
		s.pane.move(n)
		return
	}
	total, _, _ := s.pager.Len()
	s.seek, s.placed = 0, true
	s.list.move(n, total)
	s.settle()
	s.pane.reset()
}

func (s *eventsScreen) page() int { return max(s.list.h, 1) }

// enter drills from the event to its process.
func (s *eventsScreen) enter() {
	if s.m.h < tallHeight && !s.full {
		s.open, s.full, s.focused = true, true, true
		return
	}
	row, ok := s.row()
	if !ok {
		return
	}
	st := s.m.st
	st.Filter = fmt.Sprintf("proc.pid = %d", row.PID)
	s.m.drill(fmt.Sprintf("%s %d", row.Proc, row.PID), st)
}

// leave closes what Esc closes first: the full detail, then its focus.
func (s *eventsScreen) leave() bool {
	switch {
	case s.full:
		s.full, s.focused = false, false
	case s.focused:
		s.focused = false
	default:
		return false
	}
	return true
}

func (s *eventsScreen) nextPane() {
	s.open = true
	s.focused = !s.focused
}

// cell returns the field under the cursor of the detail pane as a filter term.
func (s *eventsScreen) cell() (field, value string, ok bool) {
	if s.focused {
		return s.pane.cell()
	}
	row, ok := s.row()
	if !ok {
		return "", "", false
	}
	cols := s.eventColumns()
	c := cols[min(s.picked, len(cols)-1)]
	if c.field == "" {
		return "", "", false
	}
	if c.field == typeField {
		return typeField, row.Type, true
	}
	if c.field == "proc.name" {
		return c.field, row.Proc, true
	}
	return c.field, c.text(&row), true
}

func (s *eventsScreen) click(_, y int) {
	if y < s.listY || y >= s.listY+s.listH {
		s.focused = s.open
		return
	}
	s.focused, s.placed = false, true
	n, _, _ := s.pager.Len()
	s.list.cur = clamp(s.list.top+int64(y-s.listY), 0, n-1)
	s.settle()
}

func (s *eventsScreen) counts() string {
	n, final, _ := s.pager.Len()
	text := thousands(n)
	if !final {
		text += "+"
	}
	return text + " events"
}

func (s *eventsScreen) status() string {
	n, final, _ := s.pager.Len()
	plus := ""
	if !final {
		plus = "+"
	}
	row, _ := s.row()
	return fmt.Sprintf("%s  row %s of %s%s", clockMicro(row.TS), thousands(s.list.cur+1), thousands(n), plus)
}

// yank returns the selected row as text.
func (s *eventsScreen) yank() string {
	if s.focused {
		if _, v, ok := s.pane.cell(); ok {
			return v
		}
	}
	row, ok := s.row()
	if !ok {
		return ""
	}
	return strings.Join([]string{fmt.Sprint(row.Num), clockMicro(row.TS), row.Proc, fmt.Sprint(row.PID), row.Type, row.Args}, " ")
}
