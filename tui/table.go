package tui

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sysreel/sysreel/query"
)

// maxTableRows is how many rows a table reads; it says when there are more.
const maxTableRows = 100_000

// Table is a list that fits in memory: files, connections, results of SQL.
type Table struct {
	Columns []TableColumn
	Rows    []TableRow
	Cut     bool // there are more rows than were read
}

// TableColumn is a column of a Table. Width 0 takes what the others leave; From
// is the smallest frame width that shows it. Field is the field that the cells
// are values of, "" none.
type TableColumn struct {
	Title string
	Width int
	Right bool
	From  int
	Field string
	Kind  CellKind
}

// CellKind tells how a cell is written.
type CellKind uint8

// Kinds of cells.
const (
	CellPlain CellKind = iota
	CellCount          // a number of things
	CellBytes          // a number of bytes
	CellTime           // nanoseconds since the epoch
	CellSpan           // nanoseconds
)

// TableRow is a row of a Table. Cells are nil, int64, float64 or string; what the
// row stands for is an event, a process or a filter, as far as it is known.
type TableRow struct {
	Cells  []any
	Filter string // the events of the row
	Path   string // a file, whose filter is asked for
	Event  uint64
	Proc   int64
}

// cellText writes a cell for people.
func cellText(c *TableColumn, v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case int64:
		switch c.Kind {
		case CellCount:
			return thousands(x)
		case CellBytes:
			return query.HumanBytes(x)
		case CellTime:
			return clockMilli(uint64(x))
		case CellSpan:
			return span(uint64(max(x, 0)))
		}
		return fmt.Sprint(x)
	case string:
		return safeText(x)
	case []byte:
		return safeText(string(x))
	}
	return safeText(fmt.Sprint(v))
}

// compareCells orders nil first, then numbers, then text.
func compareCells(a, b any) int {
	rank := func(v any) int {
		switch v.(type) {
		case nil:
			return 0
		case int64, float64:
			return 1
		}
		return 2
	}
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch x := a.(type) {
	case nil:
		return 0
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(float64(x), b.(float64))
	case float64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, float64(y))
		}
		return cmp.Compare(x, b.(float64))
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// tableScreen shows a Table that depends on filter and range. A negative sort
// leaves the rows in the order in which they came.
type tableScreen struct {
	m      *Model
	scope  scope
	what   string // of what the rows are, plural
	load   *lazy[view, *Table]
	list   list
	layout layout
	listY  int

	table *Table
	order []int // rows in the order shown
	col   int   // picked column
	left  int   // first column shown of a table that is wider than the screen
	sort  int   // column sorted by
	desc  bool
}

func newTableScreen(m *Model, sc scope, what string, sort int, load func(context.Context, view) (*Table, error)) *tableScreen {
	return &tableScreen{m: m, scope: sc, what: what, sort: sort, col: max(sort, 0), desc: true, load: newLazy(m.changed, load)}
}

func (s *tableScreen) close()   { s.load.close() }
func (s *tableScreen) changed() {}

// set takes over a table and sorts it.
func (s *tableScreen) set(t *Table) {
	if t == s.table {
		return
	}
	s.table = t
	s.resort()
}

func (s *tableScreen) resort() {
	t := s.table
	s.order = make([]int, len(t.Rows))
	for i := range s.order {
		s.order[i] = i
	}
	if s.sort < 0 || s.sort >= len(t.Columns) {
		return
	}
	slices.SortStableFunc(s.order, func(a, b int) int {
		c := compareCells(t.Rows[a].Cells[s.sort], t.Rows[b].Cells[s.sort])
		if s.desc {
			return -c
		}
		return c
	})
}

// sortBy sorts by the picked column, or reverses the order.
func (s *tableScreen) sortBy() {
	if s.table == nil {
		return
	}
	if s.sort == s.col {
		s.desc = !s.desc
	} else {
		s.sort, s.desc = s.col, s.table.Columns[s.col].Right
	}
	s.resort()
	s.list = list{}
}

// pick moves to the next column that is shown.
func (s *tableScreen) pick(dir int) {
	if s.table == nil {
		return
	}
	for c := s.col + dir; c >= 0 && c < len(s.table.Columns); c += dir {
		// A column that is left out of a narrow screen cannot be picked.
		if w := s.table.Columns[c]; w.From <= s.m.w {
			s.col = c
			return
		}
	}
}

func (s *tableScreen) draw(f *Frame, y, h int) {
	t, ready, err := s.load.fresh(s.m.st.view(), s.m.store.Info().Version)
	switch {
	case err != nil:
		f.putCell(0, y, f.w, "error: "+safeText(err.Error()), ColorRed)
		return
	case !ready:
		s.table, s.order = nil, nil
		f.putCell(1, y+1, f.w-1, "loading...", StyleDim)
		return
	}
	s.set(t)
	if len(t.Rows) == 0 {
		f.putCell(1, y+1, f.w-1, "no "+s.what+" here; / changes the filter, Z clears the range", StyleDim)
		return
	}
	s.drawTable(f, y, h)
}

// drawTable draws heading and rows of the table that is set.
func (s *tableScreen) drawTable(f *Frame, y, h int) {
	t := s.table
	s.listY = y + 1
	cols := make([]column, len(t.Columns))
	for i, c := range t.Columns {
		cols[i] = column{c.Title, c.Width, c.Right, c.From}
		if i == s.sort {
			arrow := "^"
			if s.desc {
				arrow = "v"
			}
			cols[i].title += arrow
		}
	}
	s.scroll(cols, f.w-1)
	s.layout = newLayout(cols, 1, f.w-1, f.w)
	s.layout.head(f, y)
	if s.col < len(s.layout.at) && s.layout.at[s.col] >= 0 {
		f.restyle(s.layout.at[s.col], y, s.layout.cols[s.col].width, StyleUnder)
	}
	top := s.list.window(int64(len(s.order)), h-1)
	for i := range int64(h - 1) {
		at := top + i
		if at >= int64(len(s.order)) {
			break
		}
		row := &t.Rows[s.order[at]]
		yy := y + 1 + int(i)
		s.layout.draw(f, yy, StylePlain, func(c int) string { return cellText(&t.Columns[c], row.Cells[c]) })
		if at == s.list.cur {
			f.put(0, yy, 1, ">", StyleBold)
			f.restyle(0, yy, f.w, StyleReverse)
		}
	}
}

// scroll hides columns on the left until the picked one fits on the screen.
func (s *tableScreen) scroll(cols []column, w int) {
	for _, c := range cols {
		if c.width == 0 {
			return // this table adapts itself to the screen
		}
	}
	s.col = min(s.col, len(cols)-1)
	s.left = min(s.left, s.col)
	need := func(from int) (n int) {
		for _, c := range cols[from : s.col+1] {
			n += c.width + 1
		}
		return n
	}
	for s.left < s.col && need(s.left) > w {
		s.left++
	}
	for i := range s.left {
		cols[i].from = math.MaxInt
	}
}

func (s *tableScreen) row() *TableRow {
	if s.table != nil && s.list.cur < int64(len(s.order)) {
		return &s.table.Rows[s.order[s.list.cur]]
	}
	return nil
}

func (s *tableScreen) move(n int64) {
	s.list.move(n, int64(len(s.order)))
	if r := s.row(); r != nil && r.Proc != 0 {
		s.m.st.Proc = r.Proc
	}
}

func (s *tableScreen) page() int { return max(s.list.h, 1) }

// enter shows what the row stands for: its events, its event or its process.
func (s *tableScreen) enter() {
	r := s.row()
	if r == nil {
		return
	}
	st := s.m.st
	switch {
	case r.Path != "":
		path := r.Path
		s.m.later("searching...   Esc stops it", func(ctx context.Context) (string, error) { return s.m.store.FileFilter(ctx, path) }, func(filter string) {
			st.Screen, st.Filter = scopeEvents, filter
			s.m.drill(path, st)
		})
		return
	case r.Filter != "":
		st.Screen, st.Filter = scopeEvents, r.Filter
	case r.Event != 0:
		st.Screen, st.Filter, st.Event = scopeEvents, "", r.Event
	case r.Proc != 0:
		st.Screen, st.Proc = scopeProcs, r.Proc
	default:
		s.m.say("nothing to go to from this row")
		return
	}
	s.m.drill(screenNames[s.scope], st)
}

// owner shows the process of the row in the tree.
func (s *tableScreen) owner() {
	r := s.row()
	if r == nil || r.Proc == 0 {
		s.m.say("the process is not known here")
		return
	}
	st := s.m.st
	st.Screen, st.Proc = scopeProcs, r.Proc
	if r.Event != 0 {
		st.Event = r.Event
	}
	s.m.drill(screenNames[s.scope], st)
}

func (s *tableScreen) cell() (field, value string, ok bool) {
	r := s.row()
	if r == nil || s.col >= len(r.Cells) || s.table.Columns[s.col].Field == "" || r.Cells[s.col] == nil {
		return "", "", false
	}
	return s.table.Columns[s.col].Field, fmt.Sprint(r.Cells[s.col]), true
}

func (s *tableScreen) click(x, y int) {
	if y == s.listY-1 {
		if c := s.layout.find(x); c >= 0 {
			s.col = c
			s.sortBy()
		}
		return
	}
	s.list.cur = clamp(s.list.top+int64(y-s.listY), 0, int64(len(s.order))-1)
}

func (s *tableScreen) counts() string {
	if s.table == nil {
		return s.what
	}
	if s.table.Cut {
		return "the first " + thousands(int64(len(s.order))) + " " + s.what
	}
	return thousands(int64(len(s.order))) + " " + s.what
}

func (s *tableScreen) status() string {
	return fmt.Sprintf("row %s of %s   < > pick a column, s sorts by it", thousands(s.list.cur+1), thousands(int64(len(s.order))))
}

func (s *tableScreen) yank() string {
	r := s.row()
	if r == nil {
		return ""
	}
	var parts []string
	for i := range r.Cells {
		parts = append(parts, cellText(&s.table.Columns[i], r.Cells[i]))
	}
	return strings.Join(parts, " ")
}
