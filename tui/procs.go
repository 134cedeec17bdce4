package tui

import (
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
	match  *lazy[view, map[int64]int64]
	detail *lazy[int64, []Section]
	fds    *lazy[fdsKey, []DetailField]
	pane   detailPane

	folded  map[int64]bool
	placed  bool // folded was filled once
	rows    []procRow
	built   procInput
	fo      *forest // of data
	data    []Proc
	matches map[int64]int64
	hide    bool // leave out what is not alive at T
	focused bool
	listY   int
	dirty   bool
}

type fdsKey struct {
	pid int64
	at  uint64
}

// procInput is what rows were made from.
type procInput struct {
	first   *Proc
	n       int
	t       uint64
	view    view
	matches int
}

type procRow struct {
	p     *Proc
	depth int
	kids  int // processes below it
}

func newProcsScreen(m *Model) *procsScreen {
	s := &procsScreen{m: m, folded: make(map[int64]bool)}
	s.procs = newLazy(m.changed, func(ctx context.Context, _ int) ([]Proc, error) { return m.store.Procs(ctx) })
	s.match = newLazy(m.changed, m.store.Matching)
	s.detail = newLazy(m.changed, m.store.ProcDetail)
	s.fds = newLazy(m.changed, func(ctx context.Context, k fdsKey) ([]DetailField, error) {
		return m.store.OpenFDs(ctx, k.pid, k.at)
	})
	return s
}

func (s *procsScreen) close() {
	s.procs.close()
	s.match.close()
	s.detail.close()
	s.fds.close()
}

func (s *procsScreen) changed() { s.dirty = true }

// alive tells whether p lived at ts; 0 for ts means any time.
func (p *Proc) alive(ts uint64) bool {
	return ts == 0 || p.Start <= ts && (p.End == 0 || p.End >= ts)
}

// foldFrom is the size from which a subtree without anything of interest opens
// folded.
const foldFrom = 8

// place folds what is large and leads to no alert, match or cursor.
func (s *procsScreen) place(fo *forest) {
	var walk func(p *Proc) bool
	walk = func(p *Proc) bool {
		keep := p.Alerts > 0 || s.matches[p.ID] > 0 || p.ID == s.m.st.Proc
		for _, k := range fo.kids[p] {
			if walk(k) {
				keep = true
			}
		}
		if !keep && fo.size[p] >= foldFrom {
			s.folded[p.ID] = true
		}
		return keep
	}
	for _, p := range fo.kids[nil] {
		walk(p)
	}
	// A screenful opens in any case, from the roots on.
	room := 15
	for level := fo.kids[nil]; len(level) > 0; {
		var next []*Proc
		for _, p := range level {
			if s.folded[p.ID] && len(fo.kids[p]) <= room {
				delete(s.folded, p.ID)
			}
			if !s.folded[p.ID] {
				room -= len(fo.kids[p])
				next = append(next, fo.kids[p]...)
			}
		}
		level = next
	}
}

// build makes the rows from the processes: depth first, children in order. With
// a filter these are the processes with matching events, their ancestors and
// their descendants.
func (s *procsScreen) build(procs []Proc, matches map[int64]int64) {
	in := procInput{n: len(procs), t: s.m.st.T, view: s.m.st.view(), matches: len(matches)}
	if in.n > 0 {
		in.first = &procs[0]
	}
	if in == s.built && !s.dirty {
		return
	}
	cursor := s.m.st.Proc
	if s.fo == nil || in.n != s.built.n || in.first != s.built.first {
		s.fo = newForest(procs)
	}
	fo := s.fo
	s.built, s.data, s.matches, s.dirty, s.rows = in, procs, matches, false, s.rows[:0]
	if !s.placed && s.m.store.Info().Final {
		s.place(fo)
		s.placed = true
	}
	wanted := make(map[*Proc]bool)
	var want func(p *Proc, above bool) bool
	want = func(p *Proc, above bool) bool {
		keep := above || matches == nil || matches[p.ID] > 0
		below := false
		for _, k := range fo.kids[p] {
			if want(k, keep) {
				below = true
			}
		}
		wanted[p] = keep || below
		return wanted[p]
	}
	var walk func(p *Proc, depth int)
	walk = func(p *Proc, depth int) {
		if !wanted[p] {
			return
		}
		shown := !s.hide || p.alive(s.m.st.T)
		if shown {
			s.rows = append(s.rows, procRow{p, depth, fo.size[p]})
			depth++
		}
		if shown && s.folded[p.ID] {
			return
		}
		for _, k := range fo.kids[p] {
			walk(k, depth)
		}
	}
	for _, p := range fo.kids[nil] {
		want(p, false)
		walk(p, 0)
	}
	s.list.cur = clamp(s.list.cur, 0, int64(len(s.rows))-1)
	for i, r := range s.rows {
		if r.p.ID == cursor {
			s.list.jump(int64(i))
		}
	}
}

// reveal unfolds the ancestors of a process.
func (s *procsScreen) reveal(procs []Proc, id int64) {
	fo := newForest(procs)
	for i := range procs {
		if procs[i].ID == id {
			for a := fo.up[&procs[i]]; a != nil; a = fo.up[a] {
				delete(s.folded, a.ID)
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

// load brings the rows up to date and tells what to show instead, if anything.
func (s *procsScreen) load() (note string, err error) {
	version := s.m.store.Info().Version
	procs, ready, err := s.procs.fresh(0, version)
	if err != nil || !ready {
		return "loading...", err
	}
	var matches map[int64]int64
	if v := s.m.st.view(); !v.all() {
		if matches, ready, err = s.match.fresh(v, version); err != nil || !ready {
			return "searching...", err
		}
		if matches == nil {
			matches = map[int64]int64{}
		}
	}
	if s.dirty && s.m.st.Proc != 0 && (s.row() == nil || s.row().ID != s.m.st.Proc) {
		s.reveal(procs, s.m.st.Proc)
	}
	s.build(procs, matches)
	if len(s.rows) == 0 {
		return "no process has matching events; / changes the filter, Z clears the range", nil
	}
	return "", nil
}

func (s *procsScreen) draw(f *Frame, y, h int) {
	note, err := s.load()
	if err != nil {
		f.putCell(0, y, f.w, "error: "+safeText(err.Error()), ColorRed)
		return
	}
	if note != "" && len(s.rows) == 0 {
		f.putCell(1, y+1, f.w-1, note, StyleDim)
		return
	}
	live := 0
	for i := range s.data {
		if s.data[i].alive(s.m.st.T) {
			live++
		}
	}
	at := "the whole capture (pick an event to set T)"
	if s.m.st.T != 0 {
		at = clockMicro(s.m.st.T)
	}
	f.putCell(0, y, f.w, fmt.Sprintf("T = %s   live at T: %d of %d   [ ] step T by events of this process, { } by alerts   %s", at, live, len(s.data), note), StylePlain)
	lh := h - 1
	if h >= 20 {
		lh = listHeight(len(s.rows), h-1)
		s.drawDetail(f, y+1+lh, h-1-lh)
	}
	s.drawTree(f, y+1, lh)
}

var procColumns = []column{
	{title: "PROCESS TREE"},
	{title: "PID", width: 7, right: true},
	{title: "USER", width: 10},
	{title: "START", width: 12, from: 110},
	{title: "EXIT", width: 12, from: 110},
	{title: "EVENTS", width: 8, right: true},
	{title: "ALERT", width: 6, right: true},
}

func (s *procsScreen) drawTree(f *Frame, y, h int) {
	s.listY = y + 1
	l := newLayout(procColumns, 2, f.w-2, f.w)
	l.head(f, y)
	top := s.list.window(int64(len(s.rows)), h-1)
	for i := range int64(h - 1) {
		at := top + i
		if at >= int64(len(s.rows)) {
			break
		}
		r := &s.rows[at]
		st, life := StylePlain, " "
		switch {
		case s.m.st.T != 0 && r.p.Start > s.m.st.T:
			st, life = StyleDim, "~"
		case s.m.st.T != 0 && r.p.End != 0 && r.p.End < s.m.st.T:
			st, life = StyleDim, "x"
		case r.p.Worst != 0:
			st = letterStyle(r.p.Worst)
		case s.matches[r.p.ID] > 0:
			st = StyleBold
		}
		yy := y + 1 + int(i)
		l.draw(f, yy, st, func(i int) string { return s.text(r, i) })
		f.put(1, yy, 1, life, st)
		if at == s.list.cur {
			f.put(0, yy, 1, ">", StyleBold)
			f.restyle(0, yy, f.w, StyleReverse)
		}
	}
}

func (s *procsScreen) text(r *procRow, i int) string {
	p := r.p
	switch i {
	case 0:
		fold := "  "
		text := safeText(cmdOf(p))
		switch {
		case r.kids > 0 && s.folded[p.ID]:
			fold = "+ "
			text += fmt.Sprintf("  (%d below)", r.kids)
		case r.kids > 0:
			fold = "- "
		}
		return strings.Repeat("  ", min(r.depth, 20)) + fold + text
	case 1:
		return fmt.Sprint(p.PID)
	case 2:
		return safeText(p.User)
	case 3:
		if p.Start == 0 {
			return "(before)"
		}
		return clockMilli(p.Start)
	case 4:
		if p.End == 0 {
			return "still alive"
		}
		return clockMilli(p.End)
	case 5:
		if s.built.view.all() {
			return count(p.Events)
		}
		return count(s.matches[p.ID])
	}
	if p.Alerts == 0 {
		return ""
	}
	return fmt.Sprintf("%s %c", count(p.Alerts), p.Worst)
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
	life := []DetailField{{"life", s.life(p, f.w-22), ""}}
	d := &Detail{}
	for i, sec := range secs {
		if i == 0 {
			sec.Fields = append(life, sec.Fields...)
		}
		d.Sections = append(d.Sections, sec)
	}
	if ready {
		d.Sections = append(d.Sections, s.open(p))
	}
	s.pane.draw(f, 0, y, f.w, h, title, d, s.focused)
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

// maxListed is how many process ids a filter lists before it names an ancestor
// instead, which can only be decided by looking at every event.
const maxListed = 40

// enter shows the events of the subtree.
func (s *procsScreen) enter() {
	p := s.row()
	if p == nil {
		return
	}
	st := s.m.st
	st.Screen, st.Proc = scopeEvents, p.ID
	st.Filter = s.subtree(p)
	s.m.drill(fmt.Sprintf("%s %d", p.Name, p.PID), st)
}

// subtree is the filter for the events of p and its descendants.
func (s *procsScreen) subtree(p *Proc) string {
	fo := s.fo
	if n := fo.size[p]; n == 0 {
		return fmt.Sprintf("proc.pid = %d", p.PID)
	} else if n > maxListed {
		return fmt.Sprintf("proc.pid = %d or proc.apid = %d", p.PID, p.PID)
	}
	var pids []string
	var walk func(p *Proc)
	walk = func(p *Proc) {
		pids = append(pids, fmt.Sprint(p.PID))
		for _, k := range fo.kids[p] {
			walk(k)
		}
	}
	walk(p)
	return "proc.pid in (" + strings.Join(pids, ", ") + ")"
}

func (s *procsScreen) leave() bool {
	if s.focused {
		s.focused = false
		return true
	}
	return false
}

func (s *procsScreen) nextPane() { s.focused = !s.focused }

// fold opens ('+'), closes ('-') or toggles ('z') what is below the cursor, or
// everything ('*').
func (s *procsScreen) fold(how rune) {
	p := s.row()
	if p == nil {
		return
	}
	if how == 'z' {
		how = '-'
		if s.folded[p.ID] {
			how = '+'
		}
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
			for p := range s.fo.size {
				s.folded[p.ID] = true
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

func (s *procsScreen) counts() string {
	if s.built.view.all() {
		return fmt.Sprintf("%d processes", len(s.data))
	}
	return fmt.Sprintf("%d of %d processes", s.built.matches, len(s.data))
}

func (s *procsScreen) status() string {
	return "dim: x exited before T, ~ started later   C/E/W: critical, error, warning   + folded"
}

func (s *procsScreen) yank() string {
	if p := s.row(); p != nil {
		return fmt.Sprintf("%d %s", p.PID, cmdOf(p))
	}
	return ""
}
