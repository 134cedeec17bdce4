package tui

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// procsScreen is the tree of processes at time T. What exited before T or
// started after it is dimmed in place, so the tree does not jump while T moves.
type procsScreen struct {
	m      *Model
	list   list
	procs  *lazy[int, []Proc]
	detail *lazy[int64, []Section]
	fds    *lazy[fdsKey, []DetailField]
	pane   detailPane

	folded  map[int64]bool
	byID    map[int64]*Proc
	rows    []procRow
	built   []Proc // what rows were made from
	builtT  uint64
	hide    bool // leave out what is not alive at T
	focused bool
	listY   int
	dirty   bool
}

type fdsKey struct {
	pid int64
	at  uint64
}

type procRow struct {
	p     *Proc
	depth int
	kids  bool
}

func newProcsScreen(m *Model) *procsScreen {
	s := &procsScreen{m: m, folded: make(map[int64]bool)}
	s.procs = newLazy(m.changed, func(ctx context.Context, _ int) ([]Proc, error) { return m.store.Procs(ctx) })
	s.detail = newLazy(m.changed, m.store.ProcDetail)
	s.fds = newLazy(m.changed, func(ctx context.Context, k fdsKey) ([]DetailField, error) {
		return m.store.OpenFDs(ctx, k.pid, k.at)
	})
	return s
}

func (s *procsScreen) close() {
	s.procs.close()
	s.detail.close()
	s.fds.close()
}

func (s *procsScreen) changed() { s.dirty = true }

// alive tells whether p lived at ts; 0 for ts means any time.
func (p *Proc) alive(ts uint64) bool {
	return ts == 0 || p.Start <= ts && (p.End == 0 || p.End >= ts)
}

// build makes the rows from the processes: depth first, children in order.
func (s *procsScreen) build(procs []Proc) {
	same := len(procs) == len(s.built) && (len(procs) == 0 || &procs[0] == &s.built[0])
	if same && s.builtT == s.m.st.T && !s.dirty {
		return
	}
	s.built, s.builtT, s.dirty = procs, s.m.st.T, false
	s.byID = make(map[int64]*Proc, len(procs))
	kids := make(map[int64][]*Proc)
	for i := range procs {
		s.byID[procs[i].ID] = &procs[i]
	}
	for i := range procs {
		parent := procs[i].Parent
		if s.byID[parent] == nil || parent == procs[i].ID {
			parent = 0
		}
		kids[parent] = append(kids[parent], &procs[i])
	}
	s.rows = s.rows[:0]
	seen := make(map[int64]bool)
	var walk func(p *Proc, depth int)
	walk = func(p *Proc, depth int) {
		if seen[p.ID] {
			return // a cycle in a damaged index must not hang the screen
		}
		seen[p.ID] = true
		shown := !s.hide || p.alive(s.m.st.T)
		if shown {
			s.rows = append(s.rows, procRow{p, depth, len(kids[p.ID]) > 0})
			depth++
		}
		if shown && s.folded[p.ID] {
			return
		}
		for _, k := range kids[p.ID] {
			walk(k, depth)
		}
	}
	for _, p := range kids[0] {
		walk(p, 0)
	}
	if s.m.st.Proc != 0 {
		for i, r := range s.rows {
			if r.p.ID == s.m.st.Proc {
				s.list.cur = int64(i)
			}
		}
	}
}

func (s *procsScreen) row() *Proc {
	if s.list.cur < int64(len(s.rows)) {
		return s.rows[s.list.cur].p
	}
	return nil
}

func (s *procsScreen) draw(f *Frame, y, h int) {
	procs, ready, err := s.procs.fresh(0, s.m.store.Info().Version)
	switch {
	case err != nil:
		f.putCell(0, y, f.w, "error: "+safeText(err.Error()), ColorRed)
		return
	case !ready && len(s.built) == 0:
		f.putCell(1, y+1, f.w, "loading...", StyleDim)
		return
	case ready:
		s.build(procs)
	}
	live := 0
	for i := range s.built {
		if s.built[i].alive(s.m.st.T) {
			live++
		}
	}
	at := "the whole capture (pick an event to set T)"
	if s.m.st.T != 0 {
		at = clockMicro(s.m.st.T)
	}
	f.putCell(0, y, f.w, fmt.Sprintf("T = %s   live at T: %d of %d   [ ] step T by events of this process, { } by alerts", at, live, len(s.built)), StylePlain)
	lh := h - 1
	if h >= 20 {
		lh = (h - 1) * 3 / 5
		s.drawDetail(f, y+1+lh, h-1-lh)
	}
	s.drawTree(f, y+1, lh)
}

func (s *procsScreen) drawTree(f *Frame, y, h int) {
	s.listY = y + 1
	wide := f.w >= 110
	right := 8 + 1 + 10 + 1 + 8 + 1 + 4
	if wide {
		right += 2 * 16
	}
	tree := f.w - right - 2
	f.putCell(1, y, tree, "PROCESS TREE", StyleBold)
	x := tree + 2
	put := func(w int, text string, r bool, yy int, st Style) {
		if r {
			f.putRight(x, yy, w, text, st)
		} else {
			f.putCell(x, yy, w, text, st)
		}
		x += w + 1
	}
	line := func(yy int, st Style, pid, user, start, end, events, alert string) {
		x = tree + 2
		put(8, pid, true, yy, st)
		put(10, user, false, yy, st)
		if wide {
			put(15, start, false, yy, st)
			put(15, end, false, yy, st)
		}
		put(8, events, true, yy, st)
		put(3, alert, false, yy, st)
	}
	line(y, StyleBold, "PID", "USER", "START", "EXIT", "EVENTS", "AL")
	top := s.list.window(int64(len(s.rows)), h-1)
	for i := range int64(h - 1) {
		at := top + i
		if at >= int64(len(s.rows)) {
			break
		}
		r := s.rows[at]
		p := r.p
		st := StylePlain
		note := ""
		switch {
		case s.m.st.T != 0 && p.Start > s.m.st.T:
			st, note = StyleDim, "(later) "
		case s.m.st.T != 0 && p.End != 0 && p.End < s.m.st.T:
			st, note = StyleDim, "(exited) "
		}
		fold := "  "
		if r.kids {
			fold = "- "
			if s.folded[p.ID] {
				fold = "+ "
			}
		}
		text := strings.Repeat("  ", min(r.depth, 20)) + fold + note + safeText(cmdOf(p))
		alert := ""
		if p.Worst != 0 {
			alert = fmt.Sprintf("%d%c", p.Alerts, p.Worst)
			if st == StylePlain {
				st = letterStyle(p.Worst)
			}
		}
		end := "still alive"
		if p.End != 0 {
			end = clockMilli(p.End)
		}
		start := "(before)"
		if p.Start != 0 {
			start = clockMilli(p.Start)
		}
		yy := y + 1 + int(i)
		f.putCell(1, yy, tree, text, st)
		line(yy, st, fmt.Sprint(p.PID), safeText(p.User), start, end, count(p.Events), alert)
		if at == s.list.cur {
			f.put(0, yy, 1, ">", StyleBold)
			f.restyle(0, yy, f.w, StyleReverse)
		}
	}
}

func cmdOf(p *Proc) string {
	if p.Cmdline != "" {
		return p.Cmdline
	}
	return p.Name
}

func (s *procsScreen) drawDetail(f *Frame, y, h int) {
	p := s.row()
	if p == nil {
		return
	}
	title := fmt.Sprintf("%s %d  lifetime %s .. %s", safeText(p.Name), p.PID, clockMicro(p.Start), endText(p))
	secs, ready, err := s.detail.fresh(p.ID, s.m.store.Info().Version)
	if err != nil {
		title = "error: " + safeText(err.Error())
	} else if !ready {
		title += "  loading..."
	}
	d := &Detail{Sections: append([]Section{{Title: "Life", Fields: []DetailField{{"", s.life(p, f.w-22), ""}}}}, secs...)}
	if ready {
		d.Sections = append(d.Sections, s.open(p))
	}
	s.pane.draw(f, 0, y, f.w, h, title, d, s.focused)
}

// open is the section of what p had open at T.
func (s *procsScreen) open(p *Proc) Section {
	sec := Section{Title: "Open at T"}
	t := s.m.st.T
	if t == 0 || !p.alive(t) {
		sec.Title = "Open at T: not alive then"
		return sec
	}
	fds, ready, err := s.fds.get(fdsKey{p.PID, t})
	switch {
	case err != nil:
		sec.Title += ": " + safeText(err.Error())
	case !ready:
		sec.Title += "  loading..."
	default:
		sec.Fields = fds
	}
	return sec
}

// life draws the lifetime of p within the capture: '=' alive, '^' T.
func (s *procsScreen) life(p *Proc, w int) string {
	in := s.m.store.Info()
	if w < 10 || in.End <= in.Start {
		return ""
	}
	b := bytes.Repeat([]byte{'.'}, w)
	from, to := 0, w-1
	if p.Start != 0 {
		from = in.column(p.Start, w)
		b[from] = '['
	}
	if p.End != 0 {
		to = in.column(p.End, w)
		b[to] = ']'
	}
	for i := from; i <= to; i++ {
		if b[i] == '.' {
			b[i] = '='
		}
	}
	if s.m.st.T != 0 {
		b[in.column(s.m.st.T, w)] = '^'
	}
	return string(b)
}

func endText(p *Proc) string {
	if p.End == 0 {
		return "still alive"
	}
	return clockMicro(p.End)
}

func (s *procsScreen) move(n int64) {
	if s.focused {
		s.pane.move(n)
		return
	}
	s.list.move(n, int64(len(s.rows)))
	if p := s.row(); p != nil {
		s.m.st.Proc = p.ID
	}
	s.pane.reset()
}

func (s *procsScreen) page() int { return max(s.list.h, 1) }

// enter shows the events of the subtree.
func (s *procsScreen) enter() {
	p := s.row()
	if p == nil {
		return
	}
	st := s.m.st
	st.Screen, st.Proc = scopeEvents, p.ID
	st.Filter = fmt.Sprintf("proc.pid = %d or proc.apid = %d", p.PID, p.PID)
	s.m.drill(fmt.Sprintf("%s %d", p.Name, p.PID), st)
}

func (s *procsScreen) leave() bool {
	if s.focused {
		s.focused = false
		return true
	}
	return false
}

func (s *procsScreen) nextPane() { s.focused = !s.focused }

func (s *procsScreen) fold(how rune) {
	p := s.row()
	if p == nil {
		return
	}
	switch how {
	case '+':
		delete(s.folded, p.ID)
	case '-':
		s.folded[p.ID] = true
	case '*':
		if len(s.folded) > 0 {
			clear(s.folded)
		} else {
			for _, r := range s.rows {
				if r.kids {
					s.folded[r.p.ID] = true
				}
			}
		}
	}
	s.m.st.Proc = p.ID
	s.dirty = true
}

func (s *procsScreen) cell() (field, value string, ok bool) {
	if s.focused {
		return s.pane.cell()
	}
	if p := s.row(); p != nil {
		return "proc.name", p.Name, true
	}
	return "", "", false
}

func (s *procsScreen) click(_, y int) {
	s.list.cur = clamp(s.list.top+int64(y-s.listY), 0, int64(len(s.rows))-1)
	s.move(0)
}

func (s *procsScreen) status() string {
	return "dim: exited before T or not yet started   C/E/W: critical, error, warning"
}

func (s *procsScreen) yank() string {
	if p := s.row(); p != nil {
		return fmt.Sprintf("%d %s", p.PID, cmdOf(p))
	}
	return ""
}
