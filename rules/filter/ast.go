package filter

// Node is a boolean expression: *And, *Or, *Not, *Check or *MacroRef. Trees may
// share nodes (Expand does so); treat them as immutable.
type Node interface {
	// Pos returns where the node starts in the text it was parsed from.
	Pos() Position
	node()
}

// And is true when all of its two or more Kids are.
type And struct {
	At   Position
	Kids []Node
}

// Or is true when one of its two or more Kids is.
type Or struct {
	At   Position
	Kids []Node
}

// Not negates Kid. The parser never nests one directly in another.
type Not struct {
	At  Position
	Kid Node
}

// Check tests the value of Left. What stands on the right depends on Op and Mod:
// nothing for OpExists; Right for a comparison with another value; ListRef for a
// list named but not expanded; else Values, which holds exactly one literal
// unless Op takes a list or Mod is set.
type Check struct {
	At    Position
	Left  Operand // *Field or *Call
	Op    Op
	OpPos Position
	Mod   Modifier
	// Values are the literals on the right, in the order written.
	Values []Literal
	// Right is the value on the right: what val() named, or a call; nil if none.
	// In the text a *Field is wrapped in val().
	Right Operand
	// ListRef names a list. Unexpanded it stands for a list of one item with
	// that text.
	ListRef    string
	ListRefPos Position
}

// MacroRef is a bare identifier. Expand sets Body; without it the reference
// cannot be compiled.
type MacroRef struct {
	At   Position
	Name string
	Body Node // what the name stands for, nil before expansion
}

// Operand is a value: *Field, *Call, or, inside calls, *Literal and *CallList.
type Operand interface {
	Pos() Position
	operand()
}

// Field is a field as written, with its argument.
type Field struct {
	At     Position
	Name   string // "proc.aname"
	Arg    string // text in brackets, unquoted
	HasArg bool
}

// Call is a transformer applied to arguments.
type Call struct {
	At     Position
	Func   string // lower case name without parenthesis
	Args   []Operand
	Sel    string // text in brackets after the call, unquoted
	HasSel bool
}

// CallList is a list written inside a call: (a, "b").
type CallList struct {
	At    Position
	Items []Operand
}

// Literal is a constant as written, without quotes and escapes.
type Literal struct {
	At     Position
	Text   string
	Quoted bool
	// Number marks a bare number inside a call, where other literals must be
	// quoted.
	Number bool
}

// Pos returns the start of the expression.
func (n *And) Pos() Position { return n.At }

// Pos returns the start of the expression.
func (n *Or) Pos() Position { return n.At }

// Pos returns the place of the word not.
func (n *Not) Pos() Position { return n.At }

// Pos returns the start of the left side.
func (n *Check) Pos() Position { return n.At }

// Pos returns the place of the name.
func (n *MacroRef) Pos() Position { return n.At }

// Pos returns the place of the name.
func (o *Field) Pos() Position { return o.At }

// Pos returns the place of the function name.
func (o *Call) Pos() Position { return o.At }

// Pos returns the place of the opening parenthesis.
func (o *CallList) Pos() Position { return o.At }

// Pos returns the place of the first character or quote.
func (o *Literal) Pos() Position { return o.At }

func (*And) node()      {}
func (*Or) node()       {}
func (*Not) node()      {}
func (*Check) node()    {}
func (*MacroRef) node() {}

func (*Field) operand()    {}
func (*Call) operand()     {}
func (*CallList) operand() {}
func (*Literal) operand()  {}

// Text returns the field in canonical form, "name" or "name[arg]", the argument
// quoted where needed.
func (o *Field) Text() string { return string(appendField(nil, o)) }

// Op is an operator.
type Op uint8

// Operators. OpEq and OpEqEq mean the same and are kept apart for printing.
const (
	OpNone Op = iota
	OpExists
	OpEq
	OpEqEq
	OpNe
	OpLt
	OpLe
	OpGt
	OpGe
	OpContains
	OpIContains
	OpBContains
	OpStartsWith
	OpBStartsWith
	OpEndsWith
	OpGlob
	OpIGlob
	OpRegex
	OpIn
	OpIntersects
	OpPMatch
)

var opNames = [...]string{
	OpNone: "", OpExists: "exists", OpEq: "=", OpEqEq: "==", OpNe: "!=",
	OpLt: "<", OpLe: "<=", OpGt: ">", OpGe: ">=",
	OpContains: "contains", OpIContains: "icontains", OpBContains: "bcontains",
	OpStartsWith: "startswith", OpBStartsWith: "bstartswith", OpEndsWith: "endswith",
	OpGlob: "glob", OpIGlob: "iglob", OpRegex: "regex",
	OpIn: "in", OpIntersects: "intersects", OpPMatch: "pmatch",
}

// String returns the operator as written in conditions.
func (op Op) String() string {
	if int(op) < len(opNames) {
		return opNames[op]
	}
	return "?"
}

// Operators returns every operator as written, for listings and completion.
func Operators() []string { return append([]string(nil), opNames[OpExists:]...) }

// OpByName returns the operator written s, OpNone if there is none.
func OpByName(s string) Op {
	for op := OpExists; int(op) < len(opNames); op++ {
		if opNames[op] == s {
			return op
		}
	}
	return OpNone
}

// TakesList reports whether op stands before a list: in, intersects, pmatch.
func (op Op) TakesList() bool { return op >= OpIn }

// Modifier says how the results against several literals combine.
type Modifier uint8

// Modifiers.
const (
	ModNone Modifier = iota
	ModOneOf
	ModAnyOf
	ModAllOf
)

var modNames = [...]string{ModNone: "", ModOneOf: "oneof", ModAnyOf: "anyof", ModAllOf: "allof"}

// String returns the modifier as written, empty for ModNone.
func (m Modifier) String() string {
	if int(m) < len(modNames) {
		return modNames[m]
	}
	return "?"
}

// Walk calls visit for n and, while visit returns true, for what is below it,
// in the order written. It follows the bodies of expanded macros.
func Walk(n Node, visit func(Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	switch n := n.(type) {
	case *And:
		for _, k := range n.Kids {
			Walk(k, visit)
		}
	case *Or:
		for _, k := range n.Kids {
			Walk(k, visit)
		}
	case *Not:
		Walk(n.Kid, visit)
	case *MacroRef:
		Walk(n.Body, visit)
	}
}

// WalkFields calls visit for every field in n, on both sides of checks and
// inside calls.
func WalkFields(n Node, visit func(*Field)) {
	Walk(n, func(n Node) bool {
		if c, ok := n.(*Check); ok {
			walkOperand(c.Left, visit)
			walkOperand(c.Right, visit)
		}
		return true
	})
}

func walkOperand(o Operand, visit func(*Field)) {
	switch o := o.(type) {
	case *Field:
		visit(o)
	case *Call:
		for _, a := range o.Args {
			walkOperand(a, visit)
		}
	case *CallList:
		for _, a := range o.Items {
			walkOperand(a, visit)
		}
	}
}
