package tui

import (
	"strings"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"
)

// prompt is a line of text being edited: the filter bar, the palette, go-to.
type prompt struct {
	label   string
	text    []rune
	at      int // cursor, index into text
	history []string
	hist    int // position in history, len(history) is the new line
	draft   string

	done func(text string) // Enter
	// complete returns the candidates for the word before the cursor.
	complete func(word string) []string
	hints    []string // what complete found last
}

func newPrompt(label, text string, history []string, done func(string)) *prompt {
	p := &prompt{label: label, history: history, hist: len(history), done: done}
	p.set(text)
	return p
}

func (p *prompt) set(text string) {
	p.text = []rune(text)
	p.at = len(p.text)
	p.hints = nil
}

func (p *prompt) String() string { return string(p.text) }

// insert adds typed or pasted text; line breaks become blanks.
func (p *prompt) insert(s string) {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	add := []rune(s)
	p.text = append(p.text[:p.at], append(add, p.text[p.at:]...)...)
	p.at += len(add)
	p.hints = nil
}

// key edits the line. It reports closed when the prompt is finished: by Enter,
// which runs done, or by Esc.
func (p *prompt) key(ev *tcell.EventKey) (closed bool) {
	switch k := keyName(ev); k {
	case "Enter":
		p.done(p.String())
		return true
	case "Esc", "^C", "^G":
		return true
	case "Backspace":
		if p.at > 0 {
			p.text = append(p.text[:p.at-1], p.text[p.at:]...)
			p.at--
		} else if len(p.text) == 0 {
			return true
		}
	case "Del", "^D":
		if p.at < len(p.text) {
			p.text = append(p.text[:p.at], p.text[p.at+1:]...)
		}
	case "Left", "^B":
		p.at = max(p.at-1, 0)
	case "Right", "^F":
		p.at = min(p.at+1, len(p.text))
	case "Home", "^A":
		p.at = 0
	case "End", "^E":
		p.at = len(p.text)
	case "^U":
		p.text, p.at = p.text[p.at:], 0
	case "^K":
		p.text = p.text[:p.at]
	case "^W":
		from := p.at
		for from > 0 && p.text[from-1] == ' ' {
			from--
		}
		for from > 0 && p.text[from-1] != ' ' {
			from--
		}
		p.text = append(p.text[:from], p.text[p.at:]...)
		p.at = from
	case "Up", "^P", "F4":
		p.recall(p.hist - 1)
	case "Down", "^N":
		p.recall(p.hist + 1)
	case "Tab":
		p.tab()
		return false
	default:
		if ev.Key() == tcell.KeyRune {
			p.insert(string(ev.Rune()))
		}
	}
	p.hints = nil
	return false
}

func (p *prompt) recall(i int) {
	if i < 0 || i > len(p.history) {
		return
	}
	if p.hist == len(p.history) {
		p.draft = p.String()
	}
	p.hist = i
	if i == len(p.history) {
		p.set(p.draft)
	} else {
		p.set(p.history[i])
	}
}

// tab completes the word before the cursor as far as its candidates agree.
func (p *prompt) tab() {
	if p.complete == nil {
		return
	}
	from := p.at
	for from > 0 && !strings.ContainsRune(" ()=,!<>", p.text[from-1]) {
		from--
	}
	word := string(p.text[from:p.at])
	p.hints = p.complete(word)
	if len(p.hints) == 0 {
		return
	}
	common := p.hints[0]
	for _, c := range p.hints[1:] {
		for !strings.HasPrefix(c, common) {
			_, size := utf8.DecodeLastRuneInString(common)
			common = common[:len(common)-size]
		}
	}
	if len(common) > len(word) {
		hints := p.hints
		p.insert(common[len(word):])
		p.hints = hints
	}
}

// maxHints is how many completions are shown.
const maxHints = 8

// drawHints lists the completions from line y on, down or up.
func (p *prompt) drawHints(f *Frame, x, y, dir int) {
	for i, h := range p.hints[:min(len(p.hints), maxHints)] {
		f.putCell(x, y+i*dir, 40, safeText(h), StyleReverse)
	}
}

// draw puts the prompt on a line, scrolled so that the cursor is visible.
func (p *prompt) draw(f *Frame, x, y, w int) {
	used := f.put(x, y, w, p.label, StyleBold)
	room := w - used - 1
	if room < 1 {
		return
	}
	from := 0
	for textWidth(string(p.text[from:p.at])) > room {
		from++
	}
	f.put(x+used, y, room, safeText(string(p.text[from:])), StylePlain)
	f.cursorX, f.cursorY = x+used+textWidth(safeText(string(p.text[from:p.at]))), y
}
