package rules

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/sysreel/sysreel/rules/filter"
)

// Bounds on conditions after macro expansion. Macros that use each other can
// double the size with every step; real rules stay below a few thousand checks.
const (
	maxChecks = 1 << 18
	maxDepth  = 10000
)

// resolver turns the texts of conditions into syntax trees with macros and
// lists replaced.
//
// Trees of one rule come from several texts: its own condition, macros, lists.
// To find the place of an error, every text gets its own range of one common
// offset space, and the offsets in its tree are moved there.
type resolver struct {
	l     *loader
	spans []textSpan
	next  int // start of the next range

	lists      map[string]*resolvedList
	macros     map[string]*resolvedMacro
	usedLists  map[string]bool
	usedMacros map[string]bool
}

// textSpan is a range of the common offset space: the bytes of a text, or one
// offset for each item of a list.
type textSpan struct {
	base  int
	text  *text
	items []scalar
}

type resolvedList struct {
	def   *listDef
	items []scalar // after expansion of list names
	lits  []filter.Literal
}

type resolvedMacro struct {
	def   *macroDef
	state visitState
	node  filter.Node // nil after an error
	size  measure
}

type visitState uint8

const (
	visitNone visitState = iota
	visitActive
	visitDone
)

// measure is the size of a tree with macro bodies counted at each use.
type measure struct{ checks, depth int }

func newResolver(l *loader) *resolver {
	r := &resolver{
		l: l, lists: make(map[string]*resolvedList, len(l.defs.lists.all)),
		macros:    make(map[string]*resolvedMacro, len(l.defs.macros.all)),
		usedLists: map[string]bool{}, usedMacros: map[string]bool{},
	}
	for _, d := range l.defs.lists.all {
		r.lists[d.name] = &resolvedList{def: d, items: r.listItems(d)}
	}
	for _, d := range l.defs.macros.all {
		r.macros[d.name] = &resolvedMacro{def: d}
	}
	for _, d := range l.defs.macros.all {
		r.macro(d.name)
	}
	return r
}

// span reserves a range and returns its start.
func (r *resolver) span(t *text, items []scalar) int {
	base := r.next
	r.spans = append(r.spans, textSpan{base, t, items})
	if t != nil {
		r.next += len(t.s) + 1
	} else {
		r.next += len(items) + 1
	}
	return base
}

// place returns the rule-file place of an offset of the common space.
func (r *resolver) place(off int) (src *source, at int, rest string) {
	i := sort.Search(len(r.spans), func(i int) bool { return r.spans[i].base > off }) - 1
	s := r.spans[max(i, 0)]
	off = max(off-s.base, 0)
	if s.text != nil {
		off = min(off, len(s.text.s))
		src, at = s.text.place(off)
		return src, at, s.text.s[off:]
	}
	it := s.items[min(off, len(s.items)-1)]
	return it.src, it.src.nodeOffset(it.node), it.value
}

// listItems replaces names of earlier lists by their raw items, one level deep.
func (r *resolver) listItems(d *listDef) []scalar {
	var out []scalar
	for i, it := range d.items {
		ref := r.l.defs.lists.byName[it.value]
		if ref == nil || ref.first >= d.latest || ref == d {
			if out != nil {
				out = append(out, it)
			}
			continue
		}
		if out == nil {
			out = append(make([]scalar, 0, len(d.items)+len(ref.items)), d.items[:i]...)
		}
		r.usedLists[it.value] = true
		out = append(out, ref.items...)
	}
	if out == nil {
		return d.items
	}
	return out
}

// list returns the literals that a list name stands for in conditions.
func (r *resolver) list(name string) ([]filter.Literal, bool) {
	rl := r.lists[name]
	if rl == nil {
		return nil, false
	}
	r.usedLists[name] = true
	if rl.lits == nil {
		rl.lits = make([]filter.Literal, 0, len(rl.items))
		base := r.span(nil, rl.items)
		for i, it := range rl.items {
			n := len(rl.lits)
			rl.lits = appendLiterals(rl.lits, it.value)
			for j := n; j < len(rl.lits); j++ {
				rl.lits[j].At = filter.Position{Offset: base + i}
			}
		}
	}
	return rl.lits, true
}

// appendLiterals reads a list item as if it stood in a condition: quotes and
// escapes count and a comma separates. What cannot be read so is plain text.
func appendLiterals(dst []filter.Literal, item string) []filter.Literal {
	if !strings.ContainsAny(item, "()\"'=, \t\r\n") && item != "" {
		return append(dst, filter.Literal{Text: item})
	}
	if item != "" && (item[0] == '"' || item[0] == '\'' || !strings.ContainsAny(item, " \t\r\n")) {
		n, err := filter.Parse("a.b in ("+item+")", filter.ParseOptions{})
		if c, ok := n.(*filter.Check); ok && err == nil {
			return append(dst, c.Values...)
		}
	}
	return append(dst, filter.Literal{Text: item, Quoted: true})
}

// macro resolves the macro of that name once, macros that it uses included.
func (r *resolver) macro(name string) *resolvedMacro {
	m := r.macros[name]
	if m == nil || m.state != visitNone {
		return m
	}
	m.state = visitActive
	m.node, m.size = r.expand(m.def.cond, m.def.at, "macro condition", func(ref string) (filter.Node, bool, error) {
		u := r.macros[ref]
		if u == m {
			return nil, false, fmt.Errorf("macro '%s' refers to itself", name)
		}
		if u == nil || u.def.first >= m.def.latest {
			return nil, false, nil
		}
		r.usedMacros[ref] = true
		if u.state == visitActive {
			return nil, false, fmt.Errorf("macro '%s' refers to itself through macro '%s'", ref, name)
		}
		r.macro(ref)
		return u.node, true, nil
	})
	m.state = visitDone
	return m
}

// condition resolves the condition of a rule; nil after an error.
func (r *resolver) condition(t *text, c *ctx) filter.Node {
	n, _ := r.expand(t, c, "condition expression", func(ref string) (filter.Node, bool, error) {
		u := r.macros[ref]
		if u == nil {
			return nil, false, nil
		}
		r.usedMacros[ref] = true
		return u.node, true, nil
	})
	return n
}

// expand parses a text and replaces macros and lists. Errors are reported at c;
// a macro that failed itself makes the result nil without another report.
func (r *resolver) expand(t *text, c *ctx, kind string, macros func(string) (filter.Node, bool, error)) (filter.Node, measure) {
	base := r.span(t, nil)
	n, err := filter.Parse(t.s, filter.ParseOptions{Macros: true, MaxDepth: filter.RuleMaxDepth})
	if err != nil {
		r.parseError(t, base, c, kind, err)
		return nil, measure{}
	}
	shift(n, base)
	failed := false // a macro in it has failed already
	var loop error
	x, err := filter.Expand(n, func(name string) (filter.Node, bool) {
		body, ok, err := macros(name)
		loop = err
		failed = failed || ok && body == nil
		return body, ok
	}, r.list)
	if err != nil {
		r.expandError(t, base, c, kind, err, loop)
		return nil, measure{}
	}
	if failed {
		return nil, measure{}
	}
	size := r.measure(x)
	if size.checks > maxChecks || size.depth > maxDepth {
		r.report(c, kind, base, ErrValidate, "macros that use each other multiply",
			fmt.Sprintf("condition is too large after macro expansion: more than %d checks or %d levels", maxChecks, maxDepth))
		return nil, measure{}
	}
	return x, size
}

func (r *resolver) parseError(t *text, base int, c *ctx, kind string, err error) {
	var pe *filter.ParseError
	if !errors.As(err, &pe) {
		r.report(c, kind, base, ErrCompileCondition, "", err.Error())
		return
	}
	r.report(c, kind, base+pe.Offset, ErrCompileCondition, placeHint(t, pe.Hint), pe.Msg)
}

// expandError reports a macro that is unknown or, when loop is set, refers to
// itself.
func (r *resolver) expandError(t *text, base int, c *ctx, kind string, err, loop error) {
	var ce *filter.CompileError
	switch {
	case !errors.As(err, &ce):
		r.report(c, kind, base, ErrCompileCondition, "", err.Error())
	case loop != nil:
		r.report(c, kind, ce.Offset, ErrValidate, "break the loop", loop.Error())
	default:
		r.report(c, kind, ce.Offset, ErrValidate, r.macroHint(t.s, ce.Offset-base), ce.Msg)
	}
}

// report adds a problem at an offset of the common space.
func (r *resolver) report(c *ctx, kind string, off int, code Code, hint, msg string) {
	if r.l.cur.full(code) {
		return
	}
	p := &Problem{Code: code, Message: msg, Hint: hint, Locations: c.locations()}
	src, at, rest := r.place(off)
	line, col := src.lineCol(at)
	p.Locations = append(p.Locations, Location{Kind: kind, Name: excerpt(rest), File: src.name, Line: line, Column: col, Offset: at})
	p.finish(src)
	r.l.cur.add(p)
}

var hintPlace = regexp.MustCompile(`\b(\d+):(\d+)\b`)

// placeHint turns a place within the text that a hint names into one within the
// rule file.
func placeHint(t *text, hint string) string {
	return hintPlace.ReplaceAllStringFunc(hint, func(m string) string {
		var line, col int
		if _, err := fmt.Sscanf(m, "%d:%d", &line, &col); err != nil {
			return m
		}
		off := 0
		for ; line > 1; line-- {
			i := strings.IndexByte(t.s[off:], '\n')
			if i < 0 {
				return m
			}
			off += i + 1
		}
		src, at := t.place(off + col - 1)
		line, col = src.lineCol(at)
		return fmt.Sprintf("%d:%d", line, col)
	})
}

// macroHint suggests a known macro for an undefined one, or says that it is
// defined too late.
func (r *resolver) macroHint(s string, off int) string {
	name := firstWord(s[min(max(off, 0), len(s)):])
	name = strings.TrimRight(name, ")")
	if r.macros[name] != nil {
		return "the macro is defined later; a macro sees only macros defined before it"
	}
	names := make([]string, 0, len(r.macros))
	for n := range r.macros {
		names = append(names, n)
	}
	sort.Strings(names)
	if best := nearest(name, names); best != "" {
		return "did you mean '" + best + "'?"
	}
	return "a bare word is the name of a macro; a check is FIELD OPERATOR VALUE"
}

// measure counts checks and depth, taking the known sizes of macro bodies.
func (r *resolver) measure(n filter.Node) measure {
	var kids []filter.Node
	switch n := n.(type) {
	case *filter.Check:
		return measure{1, 1}
	case *filter.MacroRef:
		if m := r.macros[n.Name]; m != nil && m.node == n.Body {
			return measure{m.size.checks, m.size.depth + 1}
		}
		return measure{}
	case *filter.Not:
		kids = []filter.Node{n.Kid}
	case *filter.And:
		kids = n.Kids
	case *filter.Or:
		kids = n.Kids
	}
	var out measure
	for _, k := range kids {
		m := r.measure(k)
		out.checks = min(out.checks+m.checks, 2*maxChecks)
		out.depth = max(out.depth, m.depth+1)
	}
	return out
}

// shift moves the offsets of a freshly parsed tree by base.
func shift(n filter.Node, base int) {
	switch n := n.(type) {
	case *filter.And:
		n.At.Offset += base
		for _, k := range n.Kids {
			shift(k, base)
		}
	case *filter.Or:
		n.At.Offset += base
		for _, k := range n.Kids {
			shift(k, base)
		}
	case *filter.Not:
		n.At.Offset += base
		shift(n.Kid, base)
	case *filter.MacroRef:
		n.At.Offset += base
	case *filter.Check:
		n.At.Offset += base
		n.OpPos.Offset += base
		n.ListRefPos.Offset += base
		for i := range n.Values {
			n.Values[i].At.Offset += base
		}
		shiftOperand(n.Left, base)
		shiftOperand(n.Right, base)
	}
}

func shiftOperand(o filter.Operand, base int) {
	switch o := o.(type) {
	case *filter.Field:
		o.At.Offset += base
	case *filter.Literal:
		o.At.Offset += base
	case *filter.Call:
		o.At.Offset += base
		for _, a := range o.Args {
			shiftOperand(a, base)
		}
	case *filter.CallList:
		o.At.Offset += base
		for _, a := range o.Items {
			shiftOperand(a, base)
		}
	}
}
