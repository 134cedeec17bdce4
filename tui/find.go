package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// finder is what ^F looks for: it moves the cursor and hides nothing.
type finder struct {
	text  string
	view  view // the events that match, within what is shown
	list  EventList
	pager *Pager[EventRow]
}

func (fi *finder) close() {
	if fi != nil && fi.pager != nil {
		fi.pager.Close()
	}
}

// findFields are the fields whose text ^F looks at.
var findFields = []string{"proc.cmdline", "evt.type", "fd.name"}

// findTerm makes a filter of what was typed: itself if it is one, else that one
// of findFields contains it.
func findTerm(s Store, text string) string {
	if strings.ContainsAny(text, "=<>") || strings.Contains(text, " in ") || strings.Contains(text, " contains ") {
		if s.Check(text) == nil {
			return text
		}
	}
	var terms []string
	for _, f := range findFields {
		terms = append(terms, f+" icontains "+quoteValue(text))
	}
	return strings.Join(terms, " or ")
}

// lister is a screen whose rows can be looked through as text.
type lister interface {
	findRow(text string, dir int) bool
}

// findRow looks for text in rows from the cursor on and wraps around.
func (l *list) findRow(n int64, text string, dir int, row func(i int64) string) bool {
	text = strings.ToLower(text)
	for d := int64(1); d <= n; d++ {
		i := ((l.cur+d*int64(dir))%n + n) % n
		if strings.Contains(strings.ToLower(row(i)), text) {
			l.cur = i
			return true
		}
	}
	return false
}

func findAction(m *Model) {
	var last []string
	if m.find != nil {
		last = []string{m.find.text}
	}
	m.prompt = newPrompt("find: ", "", last, func(text string) {
		m.find.close()
		m.find = nil
		if text = strings.TrimSpace(text); text != "" {
			m.find = &finder{text: text}
			findNext(m, 1)
		}
	})
	m.prompt.complete = m.completeField
}

// findNext goes to the next (dir 1) or previous (dir -1) match.
func findNext(m *Model, dir int) {
	fi := m.find
	if fi == nil {
		m.say("nothing to find yet; ^F asks for a text")
		return
	}
	if s, ok := m.screen().(lister); ok {
		if !s.findRow(fi.text, dir) {
			m.say("%s is in no row here", safeText(fi.text))
		}
		return
	}
	if m.st.Screen != scopeEvents {
		m.say("nothing to find on this screen")
		return
	}
	v := view{joinFilters(m.st.Filter, findTerm(m.store, fi.text)), m.st.Range}
	if fi.pager == nil || fi.view != v {
		fi.close()
		fi.view, fi.list = v, m.store.Events(v, nil)
		fi.pager = newPager[EventRow](fi.list, m.changed)
	}
	from := m.st.Event
	src := fi.list
	m.search(fmt.Sprintf("%s not found", safeText(fi.text)), func(ctx context.Context) (moment, error) { return nextMatch(ctx, src, from, dir) })
}

var errNoMatch = errors.New("no further event matches")

// nextMatch returns the event of a list that follows or precedes an event.
func nextMatch(ctx context.Context, src EventList, from uint64, dir int) (moment, error) {
	if dir > 0 {
		from++
	}
	at, err := src.IndexOf(ctx, from)
	if err != nil {
		return moment{}, err
	}
	if dir < 0 {
		// IndexOf gives the last row when there is none from here on.
		if rows, err := src.page(ctx, at, 1); err != nil || len(rows) == 1 && rows[0].Num < from {
			return firstMoment(rows, err)
		}
		at--
	}
	if at < 0 {
		return moment{}, errNoMatch
	}
	rows, err := src.page(ctx, at, 1)
	if dir > 0 && len(rows) == 1 && rows[0].Num < from {
		return moment{}, errNoMatch
	}
	return firstMoment(rows, err)
}

func firstMoment(rows []EventRow, err error) (moment, error) {
	if err == nil && len(rows) == 0 {
		err = errNoMatch
	}
	if err != nil {
		return moment{}, err
	}
	return moment{rows[0].Num, rows[0].TS}, nil
}

func (s *tableScreen) findRow(text string, dir int) bool {
	return s.table != nil && s.list.findRow(int64(len(s.order)), text, dir, func(i int64) string {
		var b strings.Builder
		for _, c := range s.table.Rows[s.order[i]].Cells {
			fmt.Fprint(&b, c, " ")
		}
		return b.String()
	})
}

func (s *sqlScreen) findRow(text string, dir int) bool {
	return s.showing && s.result.findRow(text, dir)
}

func (s *alertsScreen) findRow(text string, dir int) bool {
	ok := s.list.findRow(int64(len(s.rows)), text, dir, func(i int64) string {
		a := s.rows[i].a
		return a.Rule + " " + a.Proc + " " + a.Output
	})
	s.move(0)
	return ok
}

// findRow looks at folded processes too and unfolds the way to what it finds.
func (s *procsScreen) findRow(text string, dir int) bool {
	var all list
	for i := range s.data {
		if p := s.row(); p != nil && s.data[i].ID == p.ID {
			all.cur = int64(i)
		}
	}
	ok := all.findRow(int64(len(s.data)), text, dir, func(i int64) string {
		return fmt.Sprint(s.data[i].PID) + " " + s.data[i].Name + " " + s.data[i].Cmdline
	})
	if ok {
		s.m.st.Proc, s.dirty = s.data[all.cur].ID, true
	}
	return ok
}
