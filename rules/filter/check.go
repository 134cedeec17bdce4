package filter

import (
	"math"
	"net/netip"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// leaf is a compiled check.
type leaf struct {
	test func(*State, *replay.Event) bool
	cost int
	// fixed is set when the result does not depend on the event; it is then value.
	fixed, value bool
	left, right  *source // right is nil except for comparisons of two values
}

// valueTest tests one value; which function is set follows from the group.
type valueTest struct {
	text func(string) bool
	num  func(int64) bool
	addr func(netip.Addr) bool
	cost int
}

func (t *valueTest) value(v *replay.Value) bool {
	switch {
	case t.text != nil:
		return t.text(v.Str)
	case t.num != nil:
		return t.num(v.Int)
	}
	return t.addr(v.IP)
}

// opsOf tells which operators apply to which group; exists always does.
var opsOf = [...]map[Op]bool{
	groupNone:   {},
	groupInt:    numberOps,
	groupUint:   numberOps,
	groupDouble: numberOps,
	groupBool:   equalityOps,
	groupText: opSet(OpEq, OpEqEq, OpNe, OpLt, OpLe, OpGt, OpGe, OpContains, OpIContains, OpStartsWith, OpEndsWith,
		OpGlob, OpIGlob, OpPMatch, OpRegex, OpIn, OpIntersects),
	groupBytes: opSet(OpEq, OpEqEq, OpNe, OpContains, OpStartsWith, OpEndsWith, OpBContains, OpBStartsWith, OpIn, OpIntersects),
	groupAddr:  equalityOps,
	groupNet:   equalityOps,
}

var (
	numberOps   = opSet(OpEq, OpEqEq, OpNe, OpLt, OpLe, OpGt, OpGe, OpIn, OpIntersects)
	equalityOps = opSet(OpEq, OpEqEq, OpNe, OpIn, OpIntersects)
)

func opSet(ops ...Op) map[Op]bool {
	m := make(map[Op]bool, len(ops))
	for _, op := range ops {
		m[op] = true
	}
	return m
}

// leaf compiles a check.
func (c *Compiler) leaf(chk *Check) (*leaf, error) {
	s, err := c.source(chk.Left)
	if err != nil {
		return nil, err
	}
	if chk.Op == OpExists {
		c.use(s)
		return &leaf{test: s.exists, cost: s.cost, left: s}, nil
	}
	if err := checkOperator(chk, s); err != nil {
		return nil, err
	}
	var l *leaf
	switch {
	case chk.Right != nil:
		l, err = c.pair(chk, s)
	case s.text == "evt.type" || s.text == "syscall.type":
		l, err = typeLeaf(chk, s)
	case s.ref != nil && s.ref.Name == "evt.around":
		l, err = aroundLeaf(chk, s)
	case s.isList:
		l, err = listLeaf(chk, s)
	default:
		l, err = scalarLeaf(chk, s)
	}
	if err != nil {
		return nil, err
	}
	if always, ok := eventNumber(chk); ok {
		l.fixed, l.value = true, always
	}
	c.use(s)
	l.left = s
	l.cost += s.cost
	return l, nil
}

// checkOperator reports an operator that does not fit the left side.
func checkOperator(chk *Check, s *source) error {
	if s.ref != nil && s.ref.PrintOnly {
		return compileErr(ErrCodeOperator, chk.At, "the field %s is for output only", s.text)
	}
	if s.isList {
		if chk.Mod != ModNone || chk.Op != OpIn && chk.Op != OpIntersects {
			return compileErr(ErrCodeOperator, chk.OpPos, "%s is a list: only in, intersects and exists apply", s.text).
				withHint("len() and join() make single values of lists")
		}
		return nil
	}
	if opsOf[s.group][chk.Op] {
		return nil
	}
	e := compileErr(ErrCodeOperator, chk.OpPos, "%s is not defined for %s (%s is %s)", chk.Op, s.group, s.text, typeName(s.typ))
	var ops []string
	for op := OpExists; int(op) < len(opNames); op++ {
		if op == OpExists || opsOf[s.group][op] {
			ops = append(ops, op.String())
		}
	}
	return e.withHint("these are: %s", strings.Join(ops, " "))
}

// literals returns the constants on the right; a list name that was not expanded
// stands for its own text.
func (chk *Check) literals() []Literal {
	if chk.ListRef != "" {
		return []Literal{{At: chk.ListRefPos, Text: chk.ListRef}}
	}
	return chk.Values
}

// newTest returns the test of op against literals, which are several only where
// op takes a list.
func newTest(op Op, s *source, vals []Literal) (*valueTest, error) {
	t := &valueTest{cost: 1}
	var err error
	switch s.group {
	case groupText, groupBytes:
		t.text, t.cost, err = textTest(op, s.group, vals)
	case groupAddr:
		t.addr, err = addrTest(op, vals)
	case groupNet:
		t.addr, err = netTest(op, vals)
	default:
		t.num, err = numTest(op, s, vals)
	}
	return t, err
}

func numTest(op Op, s *source, vals []Literal) (func(int64) bool, error) {
	nums := make([]int64, len(vals))
	for i, v := range vals {
		var err error
		if s.group == groupBool {
			nums[i], err = literalBool(v)
		} else {
			nums[i], err = literalNumber(v, s.typ)
		}
		if err != nil {
			return nil, err
		}
	}
	if op == OpIn || op == OpIntersects {
		return newNumSet(nums).has, nil
	}
	n := nums[0]
	switch op {
	case OpEq, OpEqEq:
		return func(v int64) bool { return v == n }, nil
	case OpNe:
		return func(v int64) bool { return v != n }, nil
	}
	cmp := numCompare(op, s.group)
	return func(v int64) bool { return cmp(v, n) }, nil
}

// numCompare returns op as a comparison of two numbers of group g.
func numCompare(op Op, g group) func(a, b int64) bool {
	switch op {
	case OpEq, OpEqEq, OpIn, OpIntersects:
		return func(a, b int64) bool { return a == b }
	case OpNe:
		return func(a, b int64) bool { return a != b }
	}
	less := func(a, b int64) bool { return a < b }
	switch g {
	case groupUint:
		less = func(a, b int64) bool { return uint64(a) < uint64(b) }
	case groupDouble:
		less = func(a, b int64) bool { return math.Float64frombits(uint64(a)) < math.Float64frombits(uint64(b)) }
	}
	switch op {
	case OpLt:
		return less
	case OpGt:
		return func(a, b int64) bool { return less(b, a) }
	case OpLe:
		return func(a, b int64) bool { return !less(b, a) }
	}
	return func(a, b int64) bool { return !less(a, b) }
}

func addrTest(op Op, vals []Literal) (func(netip.Addr) bool, error) {
	addrs := make([]netip.Addr, len(vals))
	for i, v := range vals {
		var err error
		if addrs[i], err = literalAddr(v); err != nil {
			return nil, err
		}
	}
	if op == OpIn || op == OpIntersects {
		return newAddrSet(addrs).has, nil
	}
	a, want := addrs[0], op != OpNe
	return func(v netip.Addr) bool { return (v == a) == want }, nil
}

func netTest(op Op, vals []Literal) (func(netip.Addr) bool, error) {
	nets := make([]netip.Prefix, len(vals))
	for i, v := range vals {
		var err error
		if nets[i], err = literalNet(v); err != nil {
			return nil, err
		}
	}
	if op == OpIn || op == OpIntersects {
		return newNetSet(nets).has, nil
	}
	n, want := nets[0], op != OpNe
	return func(v netip.Addr) bool { return n.Contains(v) == want }, nil
}

// scalarLeaf compiles a check of a single value or of an AnyOf field against
// literals.
func scalarLeaf(chk *Check, s *source) (*leaf, error) {
	vals := chk.literals()
	if len(vals) == 0 { // the empty list: never
		return &leaf{fixed: true, test: never}, nil
	}
	if chk.Mod == ModNone {
		return testLeaf(chk.Op, s, vals)
	}
	// A list is the same as this modifier, and faster.
	if chk.Mod == ModAnyOf && (chk.Op == OpEq || chk.Op == OpEqEq) {
		return testLeaf(OpIn, s, vals)
	}
	leaves := make([]*leaf, len(vals))
	cost := 0
	for i := range vals {
		l, err := testLeaf(chk.Op, s, vals[i:i+1])
		if err != nil {
			return nil, err
		}
		leaves[i] = l
		cost += l.cost
	}
	return &leaf{test: combine(chk.Mod, leaves), cost: cost}, nil
}

func never(*State, *replay.Event) bool { return false }

func combine(mod Modifier, leaves []*leaf) func(*State, *replay.Event) bool {
	return func(st *State, ev *replay.Event) bool {
		n := 0
		for _, l := range leaves {
			switch hit := l.test(st, ev); {
			case hit && mod == ModAnyOf:
				return true
			case hit:
				n++
			case mod == ModAllOf:
				return false
			}
			if mod == ModOneOf && n > 1 {
				return false
			}
		}
		return mod == ModAllOf || n == 1
	}
}

// testLeaf compiles one test. The common ones on text get a function of their
// own instead of one that calls another.
func testLeaf(op Op, s *source, vals []Literal) (*leaf, error) {
	if s.isAny {
		return anyLeaf(op, s, vals)
	}
	t, err := newTest(op, s, vals)
	if err != nil {
		return nil, err
	}
	l := &leaf{cost: t.cost}
	switch {
	case t.num != nil:
		num := t.num
		l.test = func(st *State, ev *replay.Event) bool {
			v, ok := s.num(st, ev)
			return ok && num(v)
		}
	case t.addr != nil:
		addr := t.addr
		l.test = func(st *State, ev *replay.Event) bool {
			v, ok := s.getAddr(st, ev)
			return ok && addr(v)
		}
	case op == OpEq || op == OpEqEq:
		lit := vals[0].Text
		l.test = func(st *State, ev *replay.Event) bool {
			v, ok := s.getText(st, ev)
			return ok && v == lit
		}
	case op == OpStartsWith:
		lit := vals[0].Text
		l.test = func(st *State, ev *replay.Event) bool {
			v, ok := s.getText(st, ev)
			return ok && strings.HasPrefix(v, lit)
		}
	default:
		text := t.text
		l.test = func(st *State, ev *replay.Event) bool {
			v, ok := s.getText(st, ev)
			return ok && text(v)
		}
	}
	return l, nil
}

// anyLeaf compiles a test on a field that stands for several values: one hit
// suffices. Only for sockets != means that no end is equal; an ancestor that
// differs is enough for proc.aname != x.
func anyLeaf(op Op, s *source, vals []Literal) (*leaf, error) {
	none := op == OpNe && s.ref.Class != "process"
	if none {
		op = OpEq
	}
	t, err := newTest(op, s, vals)
	if err != nil {
		return nil, err
	}
	each := s.ref.Each
	return &leaf{cost: t.cost, test: func(st *State, ev *replay.Event) bool {
		st.try = eachTest{test: t}
		each(ev, st.tryEach)
		if none {
			return st.try.seen && !st.try.hit
		}
		return st.try.hit
	}}, nil
}

// listLeaf compiles in (all elements) and intersects (one element) for lists.
func listLeaf(chk *Check, s *source) (*leaf, error) {
	if s.group == groupNone || s.group == groupBytes {
		return nil, compileErr(ErrCodeOperator, chk.OpPos, "lists of %s cannot be compared", typeName(s.typ))
	}
	t, err := newTest(OpIn, s, chk.literals())
	if err != nil {
		return nil, err
	}
	all := chk.Op == OpIn
	return &leaf{cost: t.cost, test: func(st *State, ev *replay.Event) bool {
		vals, ok := s.list(st, ev)
		if !ok {
			return false
		}
		for i := range vals {
			if t.value(&vals[i]) != all {
				return !all
			}
		}
		return all
	}}, nil
}

// aroundLeaf compiles evt.around[T]=D, D in milliseconds.
func aroundLeaf(chk *Check, s *source) (*leaf, error) {
	if chk.Op != OpEq && chk.Op != OpEqEq || chk.Mod != ModNone {
		return nil, compileErr(ErrCodeOperator, chk.OpPos, "%s takes only =", s.text)
	}
	ms, err := literalNumber(chk.Values[0], schema.PT_UINT64)
	if err != nil {
		return nil, err
	}
	window := uint64(math.MaxUint64)
	if uint64(ms) < window/1_000_000 {
		window = uint64(ms) * 1_000_000
	}
	return &leaf{cost: 1, test: func(st *State, ev *replay.Event) bool {
		d, ok := s.num(st, ev)
		return ok && uint64(d) <= window
	}}, nil
}
