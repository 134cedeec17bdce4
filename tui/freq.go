package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// ValueCount is how often a field had a value.
type ValueCount struct {
	Value  string
	None   bool // the field had no value
	Events int64
	Failed int64
}

// freqOverlay counts the values of a field in what is shown: the quickest way to
// see what is normal and what is rare.
type freqOverlay struct {
	m     *Model
	field string
	load  *lazy[view, []ValueCount]
	list  list
	rare  bool // rarest first
	vals  []ValueCount
}

func newFreqOverlay(m *Model, field string) *freqOverlay {
	return &freqOverlay{m: m, field: field, load: newLazy(m.changed, func(ctx context.Context, v view) ([]ValueCount, error) {
		return m.store.Values(ctx, v, field)
	})}
}

func (o *freqOverlay) value(i int64) *ValueCount {
	if o.rare {
		i = int64(len(o.vals)) - 1 - i
	}
	return &o.vals[i]
}

func (o *freqOverlay) draw(f *Frame) {
	w, h := f.w-4, f.h-4
	x, y := 2, 2
	vals, ready, err := o.load.get(o.m.st.view())
	title := "values of " + o.field
	if ready && err == nil {
		o.vals = vals
		title += fmt.Sprintf(": %s different", thousands(int64(len(vals))))
	}
	f.box(x, y, w, h, title)
	f.put(x+2, y+h-2, w-4, "Enter keeps only these events   - leaves them out   s rarest first   Esc closes", StyleDim)
	switch {
	case err != nil:
		f.putCell(x+2, y+1, w-4, "error: "+safeText(err.Error()), ColorRed)
		return
	case !ready:
		f.putCell(x+2, y+1, w-4, "loading...   Esc stops it", StyleDim)
		return
	}
	var total, most int64 = 0, 1
	for i := range vals {
		total += vals[i].Events
		most = max(most, vals[i].Events)
	}
	l := newLayout([]column{{title: "VALUE"}, {title: "EVENTS", width: 10, right: true}, {title: "SHARE", width: 7, right: true},
		{title: "FAILED", width: 9, right: true, from: 100}, {width: 20, from: 100}}, x+2, w-4, f.w)
	l.head(f, y+1)
	n := int64(len(vals))
	top := o.list.window(n, h-4)
	for i := range int64(h - 4) {
		at := top + i
		if at >= n {
			break
		}
		v := o.value(at)
		yy := y + 2 + int(i)
		st := StylePlain
		if at == o.list.cur {
			st = StyleReverse
		}
		l.draw(f, yy, st, func(c int) string {
			switch c {
			case 0:
				if v.None {
					return "(no value)"
				}
				return safeText(v.Value)
			case 1:
				return thousands(v.Events)
			case 2:
				return fmt.Sprintf("%.1f%%", 100*float64(v.Events)/float64(max(total, 1)))
			case 3:
				return thousands(v.Failed)
			}
			return strings.Repeat(f.level(8), int(v.Events*20/most))
		})
	}
}

func (o *freqOverlay) key(ev *tcell.EventKey) bool {
	n := int64(len(o.vals))
	page := max(int64(o.list.h), 1)
	switch keyName(ev) {
	case "Esc", "^C", "q", "#", "Backspace":
		o.load.stop()
		return true
	case "Up", "k":
		o.list.move(-1, n)
	case "Down", "j":
		o.list.move(1, n)
	case "PgUp", "^U":
		o.list.move(-page, n)
	case "PgDn", "^D":
		o.list.move(page, n)
	case "Home", "g":
		o.list.move(-farAway, n)
	case "End", "G":
		o.list.move(farAway, n)
	case "s":
		o.rare, o.list = !o.rare, list{}
	case "Enter", "=":
		return o.narrow("%s")
	case "-":
		return o.narrow("not %s")
	}
	return false
}

// narrow filters to the value under the cursor, or to all others.
func (o *freqOverlay) narrow(format string) bool {
	if len(o.vals) == 0 {
		return false
	}
	v := o.value(o.list.cur)
	term := o.field + " = " + quoteValue(v.Value)
	if v.None {
		term = "not " + o.field + " exists"
		if format != "%s" {
			term, format = o.field+" exists", "%s"
		}
	}
	o.m.addFilter(fmt.Sprintf(format, term))
	return true
}

// freqAction counts the values of the field under the cursor.
func freqAction(m *Model) {
	s, ok := m.screen().(celled)
	if !ok {
		m.say("there is no field here to count")
		return
	}
	field, _, ok := s.cell()
	if !ok {
		m.say("there is no field here to count; < > pick a column, Tab moves to the detail")
		return
	}
	m.overlay = newFreqOverlay(m, field)
}
