package rules

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is the text of one rule file.
type source struct {
	name  string
	data  []byte
	lines []int // offset of the first byte of each line
}

func newSource(name string, data []byte) *source {
	s := &source{name: name, data: data, lines: []int{0}}
	for off := 0; ; {
		i := bytes.IndexByte(data[off:], '\n')
		if i < 0 {
			return s
		}
		off += i + 1
		s.lines = append(s.lines, off)
	}
}

// lineCol returns the 1-based line and column (in characters) of an offset.
func (s *source) lineCol(off int) (line, col int) {
	lo, hi := 0, len(s.lines)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; s.lines[mid] <= off {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + 1, utf8.RuneCount(s.data[s.lines[lo]:min(off, len(s.data))]) + 1
}

// offset returns the offset of a 1-based line and column.
func (s *source) offset(line, col int) int {
	if line < 1 {
		return 0
	}
	if line > len(s.lines) {
		return len(s.data)
	}
	off := s.lines[line-1]
	for ; col > 1 && off < len(s.data) && s.data[off] != '\n'; col-- {
		_, n := utf8.DecodeRune(s.data[off:])
		off += n
	}
	return off
}

// line returns the text of a 1-based line without its line break.
func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	b := s.data[s.lines[n-1]:]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return strings.TrimRight(string(b), "\r")
}

func (s *source) nodeOffset(n *yaml.Node) int { return s.offset(n.Line, n.Column) }

// scalarOffset returns the offset in the file of byte at of a scalar's value.
//
// YAML changes only white space of plain and block scalars (folding,
// indentation, chomping), so value and source agree on the sequence of all other
// bytes and are walked side by side. Quoted scalars additionally have escapes.
func (s *source) scalarOffset(n *yaml.Node, at int) int {
	src := s.nodeOffset(n)
	val := n.Value
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		// Skip the header: indicators and a comment up to the line break.
		if i := bytes.IndexByte(s.data[src:], '\n'); i >= 0 {
			src += i + 1
		}
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		src++
	default:
		// An anchor or a tag may stand before a plain scalar.
		if i := bytes.Index(s.data[src:], []byte(firstWord(val))); i > 0 {
			src += i
		}
	}
	for i := 0; src < len(s.data); {
		if isBlank(s.data[src]) {
			// Blanks in the value at the asked position stand for this run of blanks.
			if i >= at {
				return s.skipBlanks(src, val, at)
			}
			src++
			continue
		}
		for i < len(val) && isBlank(val[i]) && i < at {
			i++
		}
		vn, sn := 1, 1
		folded := n.Style&yaml.DoubleQuotedStyle != 0 && s.data[src] == '\\' && src+1 < len(s.data) && s.data[src+1] == '\n'
		if i >= at && !folded {
			return src
		}
		switch {
		case n.Style&yaml.SingleQuotedStyle != 0 && s.data[src] == '\'':
			if src+1 >= len(s.data) || s.data[src+1] != '\'' {
				return src // the closing quote
			}
			sn = 2
		case n.Style&yaml.DoubleQuotedStyle != 0 && s.data[src] == '"':
			return src
		case n.Style&yaml.DoubleQuotedStyle != 0 && s.data[src] == '\\':
			vn, sn = escapeSize(s.data[src:])
		}
		i, src = i+vn, src+sn
	}
	return len(s.data)
}

// skipBlanks moves from a run of blanks to the text after it when the value at
// at is text too; at the end of the value it stays.
func (s *source) skipBlanks(src int, val string, at int) int {
	if at >= len(val) || isBlank(val[at]) {
		return src
	}
	for src < len(s.data) && isBlank(s.data[src]) {
		src++
	}
	return src
}

func firstWord(v string) string {
	if i := strings.IndexAny(v, " \t\r\n"); i >= 0 {
		return v[:i]
	}
	return v
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// escapeSize returns how many bytes an escape of a double-quoted scalar yields
// and how many it takes.
func escapeSize(b []byte) (val, src int) {
	if len(b) < 2 {
		return 0, 1
	}
	switch b[1] {
	case '\n':
		return 0, 2
	case 'N', '_':
		return 2, 2 // U+0085, U+00A0
	case 'L', 'P':
		return 3, 2 // U+2028, U+2029
	case 'x', 'u', 'U':
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[b[1]]
		var r rune
		for _, c := range b[2:min(2+digits, len(b))] {
			r = r<<4 | rune(hexDigit(c))
		}
		return max(utf8.RuneLen(r), 1), 2 + digits
	}
	return 1, 2
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0
}

// text is a string assembled from scalars of rule files: conditions and outputs
// grow by append, and exceptions add to conditions.
type text struct {
	s      string
	pieces []piece
}

// piece says that the bytes of a text from start on come from a scalar. Bytes
// that the loader itself added (parentheses, "and not") belong to the piece before them.
type piece struct {
	start int
	src   *source
	node  *yaml.Node
	skip  int // bytes of the scalar's value that were trimmed in front
}

func newText(src *source, n *yaml.Node) *text {
	trimmed := strings.TrimLeft(n.Value, " \t\r\n")
	skip := len(n.Value) - len(trimmed)
	return &text{s: strings.TrimRight(trimmed, " \t\r\n"), pieces: []piece{{src: src, node: n, skip: skip}}}
}

// join returns a text of t and u with sep between them.
func (t *text) join(sep string, u *text) *text {
	out := &text{s: t.s + sep + u.s, pieces: append([]piece(nil), t.pieces...)}
	for _, p := range u.pieces {
		p.start += len(t.s) + len(sep)
		out.pieces = append(out.pieces, p)
	}
	return out
}

// place returns where byte off of the text stands.
func (t *text) place(off int) (src *source, at int) {
	p := t.pieces[0]
	for _, q := range t.pieces[1:] {
		if q.start > off {
			break
		}
		p = q
	}
	return p.src, p.src.scalarOffset(p.node, min(max(off-p.start, 0)+p.skip, len(p.node.Value)))
}
