package tui

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Style is a set of attributes that every 16-colour terminal has. Each meaning
// that a colour carries is carried by a letter or symbol too.
type Style uint16

// Styles; combine with |. A colour of the low bits is a palette index plus one.
const (
	StylePlain   Style = 0
	StyleBold    Style = 1 << 8
	StyleDim     Style = 1 << 9
	StyleReverse Style = 1 << 10
	StyleUnder   Style = 1 << 11

	ColorRed     Style = 2
	ColorGreen   Style = 3
	ColorYellow  Style = 4
	ColorBlue    Style = 5
	ColorMagenta Style = 6
	ColorCyan    Style = 7

	styleColorMask Style = 0xff
)

// cell is one position of a Frame: a grapheme and its style. The second column
// of a wide grapheme has an empty text.
type cell struct {
	text  string
	style Style
}

// Frame is one picture of the UI: h rows of w cells. Everything drawn outside
// of it is cut.
type Frame struct {
	w, h  int
	cells []cell
	// unicode draws lines and bars with box characters and blocks.
	unicode bool
	// cursor is where the terminal's cursor stands, in prompts; x < 0 hides it.
	cursorX, cursorY int
}

// NewFrame returns an empty frame.
func NewFrame(w, h int) *Frame {
	f := &Frame{}
	f.reset(w, h)
	return f
}

// reset clears the frame for reuse.
func (f *Frame) reset(w, h int) {
	f.w, f.h, f.cursorX, f.cursorY = max(w, 0), max(h, 0), -1, -1
	n := f.w * f.h
	if cap(f.cells) < n {
		f.cells = make([]cell, n)
	}
	f.cells = f.cells[:n]
	for i := range f.cells {
		f.cells[i] = cell{text: " "}
	}
}

// put draws text at x, y, at most width columns wide, and returns the columns
// used. text must be free of control bytes (safeText).
func (f *Frame) put(x, y, width int, text string, st Style) int {
	if y < 0 || y >= f.h {
		return 0
	}
	width = min(width, f.w-x)
	used := 0
	for text != "" && used < width {
		var g string
		w := 1
		if text[0] < 0x80 && (len(text) == 1 || text[1] < 0x80) {
			g, text = text[:1], text[1:]
		} else {
			g, text, w, _ = uniseg.FirstGraphemeClusterInString(text, -1)
		}
		if w == 0 {
			continue
		}
		if used+w > width {
			break
		}
		if x+used >= 0 {
			f.cells[y*f.w+x+used] = cell{g, st}
			for i := 1; i < w; i++ {
				f.cells[y*f.w+x+used+i] = cell{"", st}
			}
		}
		used += w
	}
	return used
}

// putCell draws text in a column of exactly width cells: cut with '~' when
// longer, padded with blanks when shorter.
func (f *Frame) putCell(x, y, width int, text string, st Style) {
	if width <= 0 {
		return
	}
	if fits(text, width) {
		used := f.put(x, y, width, text, st)
		f.fill(x+used, y, width-used, st)
		return
	}
	used := f.put(x, y, width-1, text, st)
	f.fill(x+used, y, width-1-used, st)
	f.put(x+width-1, y, 1, "~", st)
}

// putRight draws text ending at column x+width.
func (f *Frame) putRight(x, y, width int, text string, st Style) {
	if w := textWidth(text); w < width {
		f.fill(x, y, width-w, st)
		x, width = x+width-w, w
	}
	f.putCell(x, y, width, text, st)
}

// fill draws n blanks.
func (f *Frame) fill(x, y, n int, st Style) {
	if y < 0 || y >= f.h {
		return
	}
	for i := max(x, 0); i < min(x+n, f.w); i++ {
		f.cells[y*f.w+i] = cell{" ", st}
	}
}

// restyle adds st to n cells.
func (f *Frame) restyle(x, y, n int, st Style) {
	if y < 0 || y >= f.h {
		return
	}
	for i := max(x, 0); i < min(x+n, f.w); i++ {
		f.cells[y*f.w+i].style |= st
	}
}

// box draws a border around an area and clears its inside.
func (f *Frame) box(x, y, w, h int, title string) {
	for row := y; row < y+h; row++ {
		f.fill(x, row, w, StylePlain)
		edge := f.glyph(glyphBar)
		f.put(x, row, 1, edge, StylePlain)
		f.put(x+w-1, row, 1, edge, StylePlain)
	}
	line := strings.Repeat(f.glyph(glyphLine), max(w-2, 0))
	f.put(x, y, w, f.glyph(glyphTopLeft)+line+f.glyph(glyphTopRight), StylePlain)
	f.put(x, y+h-1, w, f.glyph(glyphBottomLeft)+line+f.glyph(glyphBottomRight), StylePlain)
	if title != "" {
		f.put(x+2, y, w-4, " "+title+" ", StyleBold)
	}
}

// glyph is a character that has an ASCII form and another one.
type glyph uint8

const (
	glyphLine glyph = iota
	glyphBar
	glyphTopLeft
	glyphTopRight
	glyphBottomLeft
	glyphBottomRight
)

var glyphs = [...][2]string{{"-", "─"}, {"|", "│"}, {"+", "┌"}, {"+", "┐"}, {"+", "└"}, {"+", "┘"}}

func (f *Frame) glyph(g glyph) string {
	if f.unicode {
		return glyphs[g][1]
	}
	return glyphs[g][0]
}

// levels are bars of growing height in one character.
var (
	asciiLevels = [...]string{" ", ".", ".", ":", ":", ":", "|", "|", "#"}
	blockLevels = [...]string{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
)

// level is a bar of n eighths of a line.
func (f *Frame) level(n int) string {
	if f.unicode {
		return blockLevels[n]
	}
	return asciiLevels[n]
}

// density draws counts as one character each, relative to the largest; a bucket
// with anything in it is never blank.
func (f *Frame) density(counts []int64) string {
	var most int64 = 1
	for _, c := range counts {
		most = max(most, c)
	}
	var b strings.Builder
	for _, c := range counts {
		n := 0
		if c > 0 {
			n = 1 + int(c*7/most)
		}
		b.WriteString(f.level(n))
	}
	return b.String()
}

// rule draws a line across with a title in it.
func (f *Frame) rule(x, y, w int, title string, focused bool) {
	st := StyleBold
	if focused {
		st |= StyleReverse
	}
	line := f.glyph(glyphLine)
	n := f.put(x, y, w, line+line+" "+title+" ", st)
	f.put(x+n, y, w-n, strings.Repeat(line, max(w-n, 0)), StyleDim)
}

// cut shortens text to at most width columns, with '~' where it was cut.
func cut(text string, width int) string {
	if fits(text, width) {
		return text
	}
	return wrapAt(text, width-1) + "~"
}

// wrapAt returns the part of text that fits into width columns.
func wrapAt(text string, width int) string {
	used := 0
	for i, r := range text {
		if used += textWidth(string(r)); used > width {
			return text[:i]
		}
	}
	return text
}

// wrap breaks text into lines of at most w columns, at blanks where there are any.
func wrap(text string, w int) []string {
	var lines []string
	for w > 0 && !fits(text, w) {
		head := wrapAt(text, w)
		if i := strings.LastIndexByte(head, ' '); i > len(head)/2 {
			head = head[:i+1]
		}
		if head == "" {
			break
		}
		lines = append(lines, strings.TrimRight(head, " "))
		text = text[len(head):]
	}
	return append(lines, text)
}

// String returns the frame as text, one line a row, trailing blanks cut: what
// golden tests compare.
func (f *Frame) String() string {
	var b strings.Builder
	for y := range f.h {
		var row strings.Builder
		for x := range f.w {
			row.WriteString(f.cells[y*f.w+x].text)
		}
		b.WriteString(strings.TrimRight(row.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// fits reports whether text takes at most width columns, looking at no more of
// it than needed: captured strings may be very long.
func fits(text string, width int) bool {
	if len(text) <= width {
		return true // no grapheme is wider than it is long in bytes
	}
	w := 0
	for text != "" {
		if text[0] < 0x80 && (len(text) == 1 || text[1] < 0x80) {
			text = text[1:]
			w++
		} else {
			var gw int
			_, text, gw, _ = uniseg.FirstGraphemeClusterInString(text, -1)
			w += gw
		}
		if w > width {
			return false
		}
	}
	return true
}

// textWidth returns the columns that text takes.
func textWidth(text string) int {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return uniseg.StringWidth(text)
		}
	}
	return len(text)
}
