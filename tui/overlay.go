package tui

import (
	"sort"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// helpOverlay lists the keys of the current screen, then the global ones;
// typing narrows it.
type helpOverlay struct {
	m      *Model
	search string
	top    int
}

func (o *helpOverlay) lines() []string {
	var lines []string
	for _, sc := range []scope{o.m.st.Screen, scopeGlobal} {
		title := "On every screen"
		if sc != scopeGlobal {
			title = "On the " + screenNames[sc] + " screen"
		}
		var part []string
		for _, a := range o.m.reg.actions {
			if a.scope != sc || len(a.keys) == 0 {
				continue
			}
			line := "  " + pad(strings.Join(a.keys, " "), 18) + a.desc
			if o.search == "" || strings.Contains(strings.ToLower(line), strings.ToLower(o.search)) {
				part = append(part, line)
			}
		}
		if len(part) > 0 {
			lines = append(append(lines, title), part...)
		}
	}
	return lines
}

func pad(s string, n int) string {
	if w := textWidth(s); w < n {
		s += strings.Repeat(" ", n-w)
	}
	return s
}

func (o *helpOverlay) draw(f *Frame) {
	w, h := min(f.w-4, 100), f.h-4
	x, y := (f.w-w)/2, 2
	f.box(x, y, w, h, "keys")
	f.putCell(x+2, y+1, w-4, "type to narrow: "+o.search+"_    Up/Down scroll   Esc closes", StyleDim)
	lines := o.lines()
	o.top = max(min(o.top, len(lines)-(h-3)), 0)
	for i := 0; i < h-3 && o.top+i < len(lines); i++ {
		l := lines[o.top+i]
		st := StylePlain
		if !strings.HasPrefix(l, " ") {
			st = StyleBold
		}
		f.putCell(x+2, y+2+i, w-4, l, st)
	}
}

func (o *helpOverlay) key(ev *tcell.EventKey) bool {
	switch k := keyName(ev); k {
	case "Esc", "F1", "^C", "Enter":
		return true
	case "?", "q":
		if o.search == "" {
			return true
		}
		o.search += k
	case "Up":
		o.top--
	case "Down":
		o.top++
	case "PgUp":
		o.top -= 10
	case "PgDn", "space":
		o.top += 10
	case "Backspace":
		if o.search == "" {
			return true
		}
		o.search = o.search[:len(o.search)-1]
	default:
		if ev.Key() == tcell.KeyRune && ev.Rune() < 0x80 {
			o.search += string(ev.Rune())
			o.top = 0
		}
	}
	return false
}

// paletteOverlay finds any action by its name or description and shows its key,
// which is how keys are learned.
type paletteOverlay struct {
	m    *Model
	text string
	cur  int
}

// match returns the actions that have all typed words, names first.
func (o *paletteOverlay) match() []*action {
	words := strings.Fields(strings.ToLower(o.text))
	type hit struct {
		a     *action
		score int
	}
	var hits []hit
	for i := range o.m.reg.actions {
		a := &o.m.reg.actions[i]
		if a.scope != scopeGlobal && a.scope != o.m.st.Screen {
			continue
		}
		score, ok := 0, true
		for _, w := range words {
			switch {
			case strings.HasPrefix(a.name, w):
			case strings.Contains(a.name, w):
				score++
			case strings.Contains(strings.ToLower(a.desc), w):
				score += 2
			default:
				ok = false
			}
		}
		if ok {
			hits = append(hits, hit{a, score})
		}
	}
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].score < hits[j].score })
	out := make([]*action, len(hits))
	for i, h := range hits {
		out[i] = h.a
	}
	return out
}

func (o *paletteOverlay) draw(f *Frame) {
	w, h := min(f.w-4, 76), min(f.h-6, 18)
	x, y := (f.w-w)/2, 3
	f.box(x, y, w, h, "command")
	n := f.put(x+2, y+1, w-4, ":"+safeText(o.text), StyleBold)
	f.cursorX, f.cursorY = x+2+n, y+1
	hits := o.match()
	o.cur = int(clamp(int64(o.cur), 0, int64(len(hits))-1))
	rows := h - 4
	top := max(o.cur-rows+1, 0)
	for i := 0; i < rows && top+i < len(hits); i++ {
		a := hits[top+i]
		st := StylePlain
		if top+i == o.cur {
			st = StyleReverse
		}
		f.putCell(x+2, y+2+i, 16, a.name, st)
		f.putCell(x+18, y+2+i, w-30, a.desc, st)
		f.putRight(x+w-12, y+2+i, 10, strings.Join(a.keys[:min(1, len(a.keys))], ""), st|StyleBold)
	}
	f.put(x+2, y+h-2, w-4, "type to narrow   Enter runs   the right column is the key", StyleDim)
}

func (o *paletteOverlay) key(ev *tcell.EventKey) bool {
	switch keyName(ev) {
	case "Esc", "^C", "^P":
		return true
	case "Enter":
		hits := o.match()
		o.m.overlay = nil
		if o.cur < len(hits) {
			hits[o.cur].run(o.m)
		}
		return o.m.overlay == nil
	case "Up":
		o.cur--
	case "Down", "Tab":
		o.cur++
	case "Backspace":
		if o.text == "" {
			return true
		}
		r := []rune(o.text)
		o.text, o.cur = string(r[:len(r)-1]), 0
	default:
		if ev.Key() == tcell.KeyRune {
			o.text += string(ev.Rune())
			o.cur = 0
		}
	}
	return false
}

// marksOverlay lists the marks; a letter or Enter goes there.
type marksOverlay struct {
	m   *Model
	cur int
}

func (o *marksOverlay) draw(f *Frame) {
	w, h := min(f.w-4, 70), min(f.h-6, len(o.m.marks)+4)
	x, y := (f.w-w)/2, 3
	f.box(x, y, w, h, "marks")
	for i, mk := range o.m.marks {
		if i >= h-3 {
			break
		}
		st := StylePlain
		if i == o.cur {
			st = StyleReverse
		}
		f.putCell(x+2, y+1+i, w-4, mk.Letter+"  #"+thousands(int64(mk.Event))+"  "+safeText(mk.Note), st)
	}
	f.put(x+2, y+h-2, w-4, "Enter goes there   Del removes   Esc closes", StyleDim)
}

func (o *marksOverlay) key(ev *tcell.EventKey) bool {
	switch keyName(ev) {
	case "Esc", "^C", "M", "q":
		return true
	case "Up", "k":
		o.cur = max(o.cur-1, 0)
	case "Down", "j":
		o.cur = min(o.cur+1, len(o.m.marks)-1)
	case "Del", "d":
		if o.cur < len(o.m.marks) {
			o.m.marks = append(o.m.marks[:o.cur], o.m.marks[o.cur+1:]...)
			o.cur = max(min(o.cur, len(o.m.marks)-1), 0)
		}
	case "Enter":
		if o.cur < len(o.m.marks) {
			o.m.gotoEvent(o.m.marks[o.cur].Event)
		}
		return true
	}
	return false
}
