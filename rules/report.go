package rules

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/safe"
	"go.yaml.in/yaml/v3"
)

// Report is the outcome of loading rule files: every problem of every file.
type Report struct {
	Files []*FileReport
}

// FileReport holds the problems of one file, in the order they were met.
type FileReport struct {
	Name     string
	Errors   []*Problem
	Warnings []*Problem
	// Omitted counts problems beyond the first maxPerCode of a code.
	Omitted int

	seen  map[problemKey]bool // shared by the files of one Load
	count map[Code]int
}

type problemKey struct {
	code Code
	msg  string
	loc  Location
}

// Problem is one finding in a rule file.
type Problem struct {
	Code    Code
	Message string
	Hint    string // what to do about it; may be empty
	// Locations leads from the file to the place of the problem, which is the
	// last element. It is never empty.
	Locations []Location
	// Snippet is the source line and below it a caret under the column.
	Snippet string
}

// Location is a place in a rule file and what stands there.
type Location struct {
	Kind   string // rules content, rule, rule condition, ...
	Name   string // name of the item; may be empty
	File   string
	Line   int // from 1; 0 when the file could not be read
	Column int // from 1, in characters; 0 when unknown
	Offset int // in bytes from the start of the file
}

// At returns the place of the problem.
func (p *Problem) At() Location { return p.Locations[len(p.Locations)-1] }

// Error returns the problem as one line: file, place, code, message, hint.
func (p *Problem) Error() string {
	at := p.At()
	place := at.File
	if at.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Column)
	}
	s := fmt.Sprintf("%s: %s: %s", place, p.Code, p.Message)
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// OK tells whether all files load; warnings are allowed.
func (r *Report) OK() bool {
	for _, f := range r.Files {
		if len(f.Errors) > 0 {
			return false
		}
	}
	return true
}

// Err returns nil when all files load, else an error that names the first
// problem and counts the others.
func (r *Report) Err() error {
	var first *Problem
	n := 0
	for _, f := range r.Files {
		n += len(f.Errors)
		if first == nil && len(f.Errors) > 0 {
			first = f.Errors[0]
		}
	}
	switch n {
	case 0:
		return nil
	case 1:
		return first
	}
	return fmt.Errorf("%w; and %d more, 'sysreel rules check' shows all", first, n-1)
}

// maxPerCode bounds how many problems of one code a file reports: more do not
// help, and a hostile file can have millions.
const maxPerCode = 100

// full tells whether the file has enough problems of that code, and counts the
// one that is then not made.
func (f *FileReport) full(code Code) bool {
	if f.count[code] < maxPerCode {
		return false
	}
	f.Omitted++
	return true
}

func (f *FileReport) add(p *Problem) {
	key := problemKey{p.Code, p.Message, p.At()}
	if f.seen[key] {
		return
	}
	f.seen[key] = true
	if f.count == nil {
		f.count = map[Code]int{}
	}
	f.count[p.Code]++
	if p.Code.IsError() {
		f.Errors = append(f.Errors, p)
	} else {
		f.Warnings = append(f.Warnings, p)
	}
}

// ctx is a place in the structure of a rule file; its parents make the chain of
// locations of a Problem.
type ctx struct {
	parent *ctx
	kind   string
	name   string
	src    *source
	node   *yaml.Node // nil: the beginning of the file
}

func (c *ctx) child(kind, name string, n *yaml.Node) *ctx {
	return &ctx{parent: c, kind: kind, name: name, src: c.src, node: n}
}

func (c *ctx) locations() []Location {
	var out []Location
	for ; c != nil; c = c.parent {
		l := Location{Kind: c.kind, Name: c.name, File: c.src.name, Line: 1, Column: 1}
		if c.node != nil {
			l.Line, l.Column, l.Offset = c.node.Line, c.node.Column, c.src.nodeOffset(c.node)
		}
		out = append(out, l)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// problem makes a problem at c.
func (c *ctx) problem(code Code, hint, msg string) *Problem {
	p := &Problem{Code: code, Message: msg, Hint: hint, Locations: c.locations()}
	p.finish(c.src)
	return p
}

// problemIn makes a problem at byte off of a text that is part of the item at c.
func (c *ctx) problemIn(t *text, off int, kind string, code Code, hint, msg string) *Problem {
	p := &Problem{Code: code, Message: msg, Hint: hint, Locations: c.locations()}
	src, at := t.place(off)
	line, col := src.lineCol(at)
	p.Locations = append(p.Locations, Location{
		Kind: kind, Name: excerpt(t.s[min(off, len(t.s)):]), File: src.name, Line: line, Column: col, Offset: at,
	})
	p.finish(src)
	return p
}

func (p *Problem) finish(src *source) {
	at := p.At()
	p.Snippet = snippet(src.line(at.Line), at.Column)
	if p.Hint == "" {
		p.Hint = codeIndex[p.Code].hint
	}
}

// excerpt is the beginning of a condition, for the chain of locations.
func excerpt(s string) string {
	const size = 40
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= size {
		return s
	}
	for i := size; ; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i] + "..."
		}
	}
}

// snippet shows a line with a caret under column col. A long line is cut to a
// window around the column.
func snippet(line string, col int) string {
	const width, before = 160, 60
	r := []rune(line)
	for i, c := range r {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			r[i] = ' '
		}
	}
	col = min(max(col, 1), len(r)+1)
	start := 0
	if len(r) > width {
		start = max(0, min(col-before, len(r)-width))
		r = r[start:min(len(r), start+width)]
	}
	return string(r) + "\n" + strings.Repeat(" ", col-1-start) + "^\n"
}

// AppendText appends the report for people: per file a verdict and per problem
// the chain of locations, a snippet, the code and message, and a hint.
// Its shape is that of Falco's -V; lines and columns count from 1.
func (r *Report) AppendText(dst []byte) []byte {
	for _, f := range r.Files {
		dst = f.appendText(dst)
	}
	return dst
}

func (f *FileReport) appendText(dst []byte) []byte {
	dst = safe.Append(dst, f.Name)
	switch {
	case len(f.Errors) > 0:
		dst = append(dst, ": Invalid\n"...)
	case len(f.Warnings) > 0:
		dst = append(dst, ": Ok, with warnings\n"...)
	default:
		return append(dst, ": Ok\n"...)
	}
	for _, g := range []struct {
		word string
		list []*Problem
	}{{"Errors", f.Errors}, {"Warnings", f.Warnings}} {
		if len(g.list) == 0 {
			continue
		}
		dst = fmt.Appendf(dst, "%d %s:\n", len(g.list), g.word)
		for _, p := range g.list {
			dst = p.appendText(dst)
		}
	}
	if f.Omitted > 0 {
		dst = fmt.Appendf(dst, "%d more problems of these kinds are not shown\n", f.Omitted)
	}
	return dst
}

func (p *Problem) appendText(dst []byte) []byte {
	lead := "In "
	for _, l := range p.Locations {
		dst = append(dst, lead...)
		lead = "    "
		dst = append(dst, l.Kind...)
		if l.Name != "" {
			dst = append(dst, " '"...)
			dst = safe.Append(dst, l.Name)
			dst = append(dst, '\'')
		}
		dst = append(dst, ": ("...)
		dst = safe.Append(dst, l.File)
		dst = fmt.Appendf(dst, ":%d:%d)\n", l.Line, l.Column)
	}
	if p.At().Line > 0 {
		dst = append(dst, "------\n"...)
		dst = append(dst, p.Snippet...)
		dst = append(dst, "------\n"...)
	}
	dst = fmt.Appendf(dst, "%s (%s): ", p.Code, p.Code.Short())
	dst = safe.Append(dst, p.Message)
	dst = append(dst, '\n')
	if p.Hint != "" {
		dst = append(dst, "hint: "...)
		dst = safe.Append(dst, p.Hint)
		dst = append(dst, '\n')
	}
	return dst
}

// AppendJSON appends the report in the shape of Falco's -V with JSON output:
// {"falco_load_results": [...]}, lines and columns counting from 0. Each problem
// has a "hint" in addition, when there is one.
func (r *Report) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"falco_load_results":[`...)
	for i, f := range r.Files {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = f.appendJSON(dst)
	}
	return append(dst, "]}\n"...)
}

func (f *FileReport) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"errors":[`...)
	dst = appendProblems(dst, f.Errors)
	dst = append(dst, `],"name":`...)
	dst = replay.AppendJSONString(dst, f.Name)
	if f.Omitted > 0 {
		dst = fmt.Appendf(dst, `,"omitted":%d`, f.Omitted)
	}
	dst = append(dst, `,"successful":`...)
	dst = strconv.AppendBool(dst, len(f.Errors) == 0)
	dst = append(dst, `,"warnings":[`...)
	dst = appendProblems(dst, f.Warnings)
	return append(dst, "]}"...)
}

func appendProblems(dst []byte, list []*Problem) []byte {
	for i, p := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"code":"`...)
		dst = append(dst, p.Code...)
		dst = append(dst, `","codedesc":`...)
		dst = replay.AppendJSONString(dst, p.Code.Short())
		dst = append(dst, `,"context":{"locations":[`...)
		for j, l := range p.Locations {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, `{"item_name":`...)
			dst = replay.AppendJSONString(dst, l.Name)
			dst = append(dst, `,"item_type":`...)
			dst = replay.AppendJSONString(dst, l.Kind)
			dst = fmt.Appendf(dst, `,"position":{"column":%d,"line":%d,"name":`, max(l.Column-1, 0), max(l.Line-1, 0))
			dst = replay.AppendJSONString(dst, l.File)
			dst = fmt.Appendf(dst, `,"offset":%d}}`, l.Offset)
		}
		dst = append(dst, `],"snippet":`...)
		dst = replay.AppendJSONString(dst, p.Snippet)
		dst = append(dst, '}')
		if p.Hint != "" {
			dst = append(dst, `,"hint":`...)
			dst = replay.AppendJSONString(dst, p.Hint)
		}
		dst = append(dst, `,"message":`...)
		dst = replay.AppendJSONString(dst, p.Message)
		dst = append(dst, '}')
	}
	return dst
}
