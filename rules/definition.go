package rules

import "go.yaml.in/yaml/v3"

// definitions is what all files read so far define, before compilation.
// Rules, macros and lists live in separate name spaces.
type definitions struct {
	rules  table[*ruleDef]
	macros table[*macroDef]
	lists  table[*listDef]
	seq    int // counts definitions, for visibility

	engineVersion version // highest required
	plugins       []pluginNeed
}

// table keeps definitions in the position of their first appearance.
type table[T any] struct {
	all    []T
	byName map[string]T
}

func (t *table[T]) put(name string, d T) {
	if t.byName == nil {
		t.byName = map[string]T{}
	}
	t.byName[name] = d
	t.all = append(t.all, d)
}

// order says when something was defined. A macro or list sees those whose first
// is before its own latest.
type order struct {
	first, latest int
}

func (d *definitions) next() int {
	d.seq++
	return d.seq
}

type listDef struct {
	order
	name  string
	items []scalar
	at    *ctx // latest definition
}

// scalar is a text value of a rule file with its place.
type scalar struct {
	value string
	src   *source
	node  *yaml.Node
}

type macroDef struct {
	order
	name string
	cond *text
	at   *ctx
}

type ruleDef struct {
	order
	name       string
	desc       string
	cond       *text
	output     *text
	priority   Priority
	source     string
	enabled    bool
	tags       []string // sorted
	exceptions []*exception
	capture    bool
	captureMS  uint64

	warnEvttypes  bool
	skipUnknown   bool
	unknownSource bool

	at       *ctx // latest definition
	condAt   *ctx
	outputAt *ctx
}

// exception is one entry of a rule's exceptions.
type exception struct {
	name   string
	fields []scalar
	comps  []scalar
	single bool // fields is one field, values are plain
	values []excValue
	at     *ctx

	hasFields, hasComps, hasValues bool
}

// excValue is a tuple, an element of a tuple, or a plain value.
type excValue struct {
	scalar
	isList bool
	items  []excValue
}

type pluginNeed struct {
	Name         string       `json:"name"`
	Version      string       `json:"version"`
	Alternatives []pluginNeed `json:"alternatives,omitempty"`
}
