package filter

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Position is a place in the text of a condition.
type Position struct {
	Offset int // bytes from the start, from 0
	Line   int // from 1
	Col    int // bytes from the start of the line, from 1
}

// String returns "line:column".
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }

// lineIndex turns offsets into positions.
type lineIndex []int // offsets of line starts

func newLineIndex(text string) lineIndex {
	idx := lineIndex{0}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			idx = append(idx, i+1)
		}
	}
	return idx
}

func (l lineIndex) position(offset int) Position {
	n := sort.SearchInts(l, offset+1) - 1
	return Position{Offset: offset, Line: n + 1, Col: offset - l[n] + 1}
}

// snippetSide is how many bytes a snippet shows on either side of the place.
const snippetSide = 60

// Snippet returns two lines: the line of text that holds offset, cut to a
// readable length, and a caret under the place. Control characters and invalid
// UTF-8 are shown as '?', so the result is safe to print.
func Snippet(text string, offset int) string {
	offset = min(max(offset, 0), len(text))
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[offset:], '\n'); i >= 0 {
		end = offset + i
	}
	lead, tail := "", ""
	if offset-start > snippetSide {
		start, lead = offset-snippetSide, "..."
	}
	if end-offset > snippetSide {
		end, tail = offset+snippetSide, "..."
	}
	for start < offset && !utf8.RuneStart(text[start]) {
		start++
	}
	before := plain(text[start:offset])
	return lead + before + plain(text[offset:end]) + tail + "\n" +
		strings.Repeat(" ", utf8.RuneCountInString(lead+before)) + "^"
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == utf8.RuneError || r >= 0x7f && r < 0xa0:
			return '?'
		}
		return r
	}, s)
}
