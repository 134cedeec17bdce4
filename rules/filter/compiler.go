package filter

import (
	"encoding/binary"
	"slices"

	"github.com/sysreel/sysreel/replay"
)

// Compiler turns conditions into programs. All conditions of a rule set should
// go through one Compiler: equal checks and equal sub-expressions become one,
// and what several programs share is evaluated once per event. Compile must not
// run at the same time as anything else on the Compiler or its programs.
type Compiler struct {
	// Resolve finds the fields, nil means replay.Resolve. Conditions over
	// something else than events, the rows of an index, set their own.
	Resolve func(text string) (*replay.Ref, error)

	sources map[string]*source
	leaves  map[string]*expr // by canonical text
	exprs   map[string]*expr // by operator and operands
	nodes   map[Node]*expr   // what was compiled before, as rules share macro bodies
	warned  map[Node][]Warning

	nexprs, ntexts, naddrs int
	compiled               int // conditions: a State made before the last one may be too small
}

// NewCompiler returns an empty Compiler.
func NewCompiler() *Compiler {
	return &Compiler{
		sources: make(map[string]*source),
		leaves:  make(map[string]*expr),
		exprs:   make(map[string]*expr),
		nodes:   make(map[Node]*expr),
		warned:  make(map[Node][]Warning),
	}
}

// Program is a compiled condition.
type Program struct {
	c    *Compiler
	node Node
	root *expr
}

// Compile compiles n, whose macros must be expanded. The error is a
// *CompileError. Warnings come also with an error, as far as it was got.
func (c *Compiler) Compile(n Node) (*Program, []Warning, error) {
	e, warnings, err := c.expr(n)
	c.compiled++
	if err != nil {
		return nil, warnings, err
	}
	e.use()
	return &Program{c: c, node: n, root: e}, warnings, nil
}

// Node returns the expression that p was compiled from.
func (p *Program) Node() Node { return p.node }

// Match reports whether the condition holds on ev. st must come from the same
// Compiler, with Begin called since the event before. It does not allocate.
func (p *Program) Match(st *State, ev *replay.Event) bool { return p.root.eval(st, ev) }

// Constant reports whether the result is the same on every event, and which.
func (p *Program) Constant() (value, ok bool) {
	return p.root.kind == exprTrue, p.root.kind == exprTrue || p.root.kind == exprFalse
}

type exprKind uint8

const (
	exprLeaf exprKind = iota
	exprAnd
	exprOr
	exprNot
	exprTrue
	exprFalse
)

// evaluation is a condition in executable form.
type evaluation func(*State, *replay.Event) bool

// expr is a node of a program. Equal ones are the same object.
type expr struct {
	kind exprKind
	id   int // index in State.memo
	uses int
	cost int // of everything below, evaluated in full
	// guess is what an evaluation costs on average: a conjunction or disjunction
	// is mostly decided by its first, cheapest operands.
	guess int
	kids  []*expr
	leaf  *leaf

	run evaluation // evaluates afresh
	// eval is run, or recall when several expressions use this one and it costs
	// more than looking up its result.
	eval evaluation
}

// keepCost is the cost from which on the result of a shared expression is kept.
const keepCost = 4

// use notes that a program or an expression asks for the result of e.
func (e *expr) use() {
	if e.uses++; e.kept() {
		e.eval = e.recall
	}
}

// kept tells whether results of e are worth keeping.
func (e *expr) kept() bool { return e.uses > 1 && e.cost >= keepCost }

// recall returns the result of e on this event, evaluating it only once.
func (e *expr) recall(st *State, ev *replay.Event) bool {
	if m := st.memo[e.id]; m>>1 == st.gen {
		return m&1 != 0
	}
	m := st.gen << 1
	ok := e.run(st, ev)
	if ok {
		m |= 1
	}
	st.memo[e.id] = m
	return ok
}

// newExpr returns an expression over kids.
func newExpr(kind exprKind, kids []*expr) *expr {
	e := &expr{kind: kind, kids: kids}
	switch kind {
	case exprAnd:
		e.run = func(st *State, ev *replay.Event) bool {
			for _, k := range kids {
				if !k.eval(st, ev) {
					return false
				}
			}
			return true
		}
	case exprOr:
		e.run = func(st *State, ev *replay.Event) bool {
			for _, k := range kids {
				if k.eval(st, ev) {
					return true
				}
			}
			return false
		}
	case exprNot:
		kid := kids[0]
		e.run = func(st *State, ev *replay.Event) bool { return !kid.eval(st, ev) }
	default:
		value := kind == exprTrue
		e.run = func(*State, *replay.Event) bool { return value }
	}
	e.eval = e.run
	return e
}

var (
	alwaysTrue  = newExpr(exprTrue, nil)
	alwaysFalse = newExpr(exprFalse, nil)
)

func constant(v bool) *expr {
	if v {
		return alwaysTrue
	}
	return alwaysFalse
}

// expr compiles a node. A node object seen before is not compiled again.
func (c *Compiler) expr(n Node) (*expr, []Warning, error) {
	if e := c.nodes[n]; e != nil {
		return e, c.warned[n], nil
	}
	e, warnings, err := c.compile(n)
	if err == nil && e != nil {
		c.nodes[n] = e
		if len(warnings) > 0 {
			c.warned[n] = warnings
		}
	}
	return e, warnings, err
}

func (c *Compiler) compile(n Node) (*expr, []Warning, error) {
	switch n := n.(type) {
	case *And:
		return c.group(exprAnd, n.Kids)
	case *Or:
		return c.group(exprOr, n.Kids)
	case *Not:
		kid, warnings, err := c.expr(n.Kid)
		if err != nil {
			return nil, warnings, err
		}
		return c.negate(kid), warnings, nil
	case *MacroRef:
		return c.macro(n)
	case *Check:
		return c.check(n)
	}
	panic("filter: unknown kind of node")
}

// macro compiles the body of a macro and notes its name in what there is to say
// about it: the places are in the text of the macro.
func (c *Compiler) macro(n *MacroRef) (*expr, []Warning, error) {
	if n.Body == nil {
		return nil, nil, compileErr(ErrCodeMacro, n.At, "undefined macro %q", n.Name)
	}
	e, warnings, err := c.expr(n.Body)
	if ce, ok := err.(*CompileError); ok && ce.Macro == "" {
		ce.Macro = n.Name
	}
	warnings = slices.Clone(warnings)
	for i := range warnings {
		if warnings[i].Macro == "" {
			warnings[i].Macro = n.Name
		}
	}
	return e, warnings, err
}

func (c *Compiler) check(n *Check) (*expr, []Warning, error) {
	warnings := warn(n)
	key := string(appendCheck(nil, n))
	if e := c.leaves[key]; e != nil {
		return e, warnings, nil
	}
	l, err := c.leaf(n)
	if err != nil {
		return nil, warnings, err
	}
	cost := max(l.cost, costType)
	e := &expr{kind: exprLeaf, run: l.test, eval: l.test, leaf: l, cost: cost, guess: cost, id: c.nexprs}
	c.nexprs++
	if l.fixed {
		// Explain still shows the value on the left, so the leaf stays with it.
		e = newExpr(constant(l.value).kind, nil)
		e.leaf = l
	}
	c.leaves[key] = e
	return e, warnings, nil
}

// group compiles a conjunction or disjunction. Its operands are put in order of
// cost: they have no effects, so the order does not show.
func (c *Compiler) group(kind exprKind, nodes []Node) (*expr, []Warning, error) {
	var warnings []Warning
	kids := make([]*expr, 0, len(nodes))
	decisive, neutral := exprFalse, exprTrue
	if kind == exprOr {
		decisive, neutral = neutral, decisive
	}
	decided := false
	for _, n := range nodes {
		k, ws, err := c.expr(n)
		warnings = append(warnings, ws...)
		if err != nil {
			return nil, warnings, err
		}
		switch {
		case k.kind == decisive:
			decided = true
		case k.kind != neutral && !slices.Contains(kids, k):
			kids = append(kids, k)
		}
	}
	switch {
	case decided:
		return constant(decisive == exprTrue), warnings, nil
	case len(kids) == 0:
		return constant(neutral == exprTrue), warnings, nil
	case len(kids) == 1:
		return kids[0], warnings, nil
	}
	slices.SortStableFunc(kids, func(a, b *expr) int { return a.guess - b.guess })
	return c.intern(kind, kids), warnings, nil
}

func (c *Compiler) negate(kid *expr) *expr {
	switch kid.kind {
	case exprTrue:
		return alwaysFalse
	case exprFalse:
		return alwaysTrue
	case exprNot:
		return kid.kids[0]
	}
	return c.intern(exprNot, []*expr{kid})
}

func (c *Compiler) intern(kind exprKind, kids []*expr) *expr {
	key := []byte{byte(kind)}
	for _, k := range kids {
		key = binary.AppendUvarint(key, uint64(k.id))
	}
	if e := c.exprs[string(key)]; e != nil {
		return e
	}
	e := newExpr(kind, kids)
	e.id = c.nexprs
	c.nexprs++
	for i, k := range kids {
		e.cost += k.cost
		e.guess += k.guess >> i
		k.use()
	}
	c.exprs[string(key)] = e
	return e
}

// Filter is one condition with its own State. It may be used by one goroutine at
// a time.
type Filter struct {
	*Program
	Warnings []Warning
	st       *State
}

// CompileText parses and compiles a filter outside of rule files. The error is a
// *ParseError or a *CompileError with its Snippet.
func CompileText(text string) (*Filter, error) {
	n, err := Parse(text, ParseOptions{})
	if err != nil {
		return nil, err
	}
	c := NewCompiler()
	p, warnings, err := c.Compile(n)
	if err != nil {
		if ce, ok := err.(*CompileError); ok {
			ce.Snippet = Snippet(text, ce.Offset)
		}
		return nil, err
	}
	return &Filter{Program: p, Warnings: warnings, st: c.NewState()}, nil
}

// Clone returns a Filter for use by another goroutine.
func (f *Filter) Clone() *Filter {
	return &Filter{Program: f.Program, Warnings: f.Warnings, st: f.c.NewState()}
}

// Match reports whether the filter holds on ev. It does not allocate.
func (f *Filter) Match(ev *replay.Event) bool {
	f.st.Begin()
	return f.root.eval(f.st, ev)
}
