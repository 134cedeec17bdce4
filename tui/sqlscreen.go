package tui

import (
	"context"
	"strings"
	"time"
)

// sqlScreen is a console over the read-only index: a statement or a saved query
// above, its rows below. Without a result it lists the saved queries.
type sqlScreen struct {
	m       *Model
	saved   []SavedQuery
	list    list // over saved
	history []string
	asked   question
	run     *lazy[question, *answer]
	result  *tableScreen
	listY   int
	showing bool // the result, not the saved queries
}

// question is one run of a statement or of a saved query.
type question struct {
	no     int
	sql    string
	report string
}

type answer struct {
	table *Table
	took  time.Duration
}

// SavedQuery is a question that the store knows the answer of by name.
type SavedQuery struct{ Name, Doc string }

func newSQLScreen(m *Model) *sqlScreen {
	s := &sqlScreen{m: m, saved: m.store.Saved()}
	s.run = newLazy(m.changed, func(ctx context.Context, q question) (*answer, error) {
		began := time.Now()
		ask := m.store.SQL
		text := q.sql
		if q.report != "" {
			ask, text = m.store.Report, q.report
		}
		t, err := ask(ctx, text)
		return &answer{t, time.Since(began)}, err
	})
	s.result = &tableScreen{m: m, scope: scopeSQL, what: "rows"}
	return s
}

func (s *sqlScreen) close()   { s.run.close() }
func (s *sqlScreen) changed() {}

// edit opens the statement for editing.
func (s *sqlScreen) edit() {
	text := s.asked.sql
	if text == "" {
		text = "SELECT "
	}
	s.m.prompt = newPrompt("sql> ", text, s.history, func(text string) {
		text = strings.TrimSpace(text)
		if text == "" {
			return
		}
		s.history = append(s.history, text)
		s.ask(question{sql: text})
	})
	s.m.prompt.complete = s.m.store.Words
}

func (s *sqlScreen) ask(q question) {
	q.no = s.asked.no + 1
	s.asked, s.showing = q, true
	s.result = &tableScreen{m: s.m, scope: scopeSQL, what: "rows", sort: -1}
}

// again runs the last question once more.
func (s *sqlScreen) again() {
	if s.asked.no == 0 {
		s.m.say("nothing was asked yet; a writes a statement")
		return
	}
	s.ask(s.asked)
}

func (s *sqlScreen) draw(f *Frame, y, h int) {
	if !s.showing {
		s.drawSaved(f, y, h)
		return
	}
	what := s.asked.sql
	if s.asked.report != "" {
		what = "saved query " + s.asked.report
	}
	lines := wrap(safeText(what), f.w-6)
	for i, l := range lines[:min(len(lines), 4)] {
		head := "sql> "
		if i > 0 {
			head = "     "
		}
		n := f.put(0, y, f.w, head, StyleBold)
		f.putCell(n, y, f.w-n, l, StylePlain)
		y, h = y+1, h-1
	}
	a, ready, err := s.run.get(s.asked)
	switch {
	case err != nil:
		for i, l := range strings.Split(err.Error(), "\n") {
			if i < h {
				f.putCell(0, y+i, f.w, "     "+safeText(l), ColorRed)
			}
		}
		return
	case !ready:
		f.putCell(0, y, f.w, "     running...   Esc stops it", ColorYellow)
		return
	}
	s.result.set(a.table)
	more := ""
	if a.table.Cut {
		more = ", there are more: LIMIT and OFFSET show them"
	}
	if a.took >= 10*time.Millisecond {
		more += ", " + span(uint64(a.took.Round(time.Millisecond)))
	}
	f.rule(0, y, f.w, thousands(int64(len(a.table.Rows)))+" rows"+more+", read-only", false)
	if len(a.table.Rows) == 0 {
		return
	}
	s.result.drawTable(f, y+1, h-1)
}

func (s *sqlScreen) drawSaved(f *Frame, y, h int) {
	f.putCell(0, y, f.w, "a writes a statement over the views of the index; Enter runs a saved query:", StylePlain)
	s.listY = y + 2
	lh := max(min(len(s.saved), h-8), 3)
	top := s.list.window(int64(len(s.saved)), lh)
	for i := range int64(lh) {
		at := top + i
		if at >= int64(len(s.saved)) {
			break
		}
		q := s.saved[at]
		yy := s.listY + int(i)
		f.putCell(1, yy, 20, q.Name, StyleBold)
		f.putCell(22, yy, f.w-22, q.Doc, StylePlain)
		if at == s.list.cur {
			f.put(0, yy, 1, ">", StyleBold)
			f.restyle(0, yy, f.w, StyleReverse)
		}
	}
	y, h = s.listY+lh+1, y+h
	if y >= h {
		return
	}
	f.rule(0, y, f.w, "views and their columns   (functions: match(num, 'filter'), ts('15:04:05'), human_bytes(n), ip_in(addr, cidr))", false)
	y++
	for _, v := range s.m.store.Views() {
		for i, l := range wrap(v, f.w-3) {
			if y >= h {
				return
			}
			if i > 0 {
				l = "  " + l
			}
			f.putCell(1, y, f.w-1, l, StyleDim)
			y++
		}
	}
}

func (s *sqlScreen) move(n int64) {
	if s.showing {
		s.result.move(n)
		return
	}
	s.list.move(n, int64(len(s.saved)))
}

func (s *sqlScreen) page() int {
	if s.showing {
		return s.result.page()
	}
	return max(s.list.h, 1)
}

func (s *sqlScreen) enter() {
	if s.showing {
		s.result.enter()
		return
	}
	if s.list.cur < int64(len(s.saved)) {
		s.ask(question{report: s.saved[s.list.cur].Name})
	}
}

// leave stops a statement under way and goes back to the saved queries.
func (s *sqlScreen) leave() bool {
	if !s.showing {
		return false
	}
	s.run.stop()
	s.showing = false
	return true
}

func (s *sqlScreen) pick(dir int) { s.result.pick(dir) }
func (s *sqlScreen) sortBy()      { s.result.sortBy() }

func (s *sqlScreen) cell() (field, value string, ok bool) {
	if !s.showing {
		return "", "", false
	}
	return s.result.cell()
}

func (s *sqlScreen) click(x, y int) {
	if s.showing {
		s.result.click(x, y)
		return
	}
	s.list.cur = clamp(s.list.top+int64(y-s.listY), 0, int64(len(s.saved))-1)
}

func (s *sqlScreen) counts() string { return "not applied to SQL" }

func (s *sqlScreen) status() string {
	if s.showing && s.result.table != nil {
		return s.result.status()
	}
	return "the index cannot be changed from here"
}

func (s *sqlScreen) yank() string {
	if s.showing {
		return s.result.yank()
	}
	return ""
}
