package rules

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// exceptions reads the exceptions of a rule item. In an append, fields may be
// absent.
func (l *loader) exceptions(m *mapping, appending bool) ([]*exception, bool) {
	nodes, ok := m.seq("exceptions")
	if !ok {
		return nil, false
	}
	c := m.at.child("exceptions", "", m.val["exceptions"])
	errs := len(l.cur.Errors)
	out := make([]*exception, 0, len(nodes))
	for _, n := range nodes {
		n = deref(n)
		if x := l.exception(c.child("exception", "", n), n, appending); x != nil {
			out = append(out, x)
		}
	}
	return out, len(l.cur.Errors) == errs
}

func (l *loader) exception(c *ctx, n *yaml.Node, appending bool) *exception {
	if n.Kind != yaml.MappingNode {
		l.fail(c, ErrYAMLValidate, "exception is a %s, expected a mapping", kindName(n))
		return nil
	}
	m := l.mapping(c, n, "exception", exceptionKeys)
	if !m.require() {
		return nil
	}
	name, ok := m.filled("name")
	if !ok {
		return nil
	}
	c = c.parent.child("exception", name, n)
	m.at = c
	x := &exception{name: name, at: c}
	var okF, okC bool
	x.fields, x.single, okF = m.oneOrMany("fields")
	comps, oneComp, okC := m.oneOrMany("comps")
	if !okF || !okC {
		return nil
	}
	x.comps, x.hasFields, x.hasComps = comps, m.has("fields"), m.has("comps")
	if !x.hasFields && !appending {
		l.fail(c, ErrYAMLValidate, "exception '%s' has no mapping for key 'fields'", name)
		return nil
	}
	if x.hasFields && x.hasComps && oneComp != x.single {
		l.failHint(c.child("value for", "comps", m.val["comps"]), ErrValidate,
			"give 'fields' and 'comps' the same shape: both a sequence, or both one value",
			"fields and comps of exception '%s' differ in shape", name)
		return nil
	}
	if !m.has("values") {
		return x
	}
	nodes, ok := m.seq("values")
	if !ok {
		return nil
	}
	x.hasValues = true
	vc := c.child("exception values", "", m.val["values"])
	for _, v := range nodes {
		val, ok := l.excValue(vc, deref(v), 0)
		if !ok {
			return nil
		}
		x.values = append(x.values, val)
	}
	return x
}

// oneOrMany reads a scalar or a sequence of scalars. An absent key is ok.
func (m *mapping) oneOrMany(key string) (list []scalar, one, ok bool) {
	n, given := m.val[key]
	if !given {
		return nil, false, true
	}
	if n.Kind == yaml.ScalarNode {
		s, ok := m.filled(key)
		return []scalar{{strings.TrimSpace(s), m.at.src, n}}, true, ok
	}
	list, ok = m.scalars(key, "value for")
	for i := range list {
		list[i].value = strings.TrimSpace(list[i].value)
	}
	return list, false, ok
}

// excValue reads a value: scalar, or a sequence up to the depth a tuple of
// lists needs.
func (l *loader) excValue(c *ctx, n *yaml.Node, depth int) (excValue, bool) {
	if !l.spend(c, 1) {
		return excValue{}, false
	}
	v := excValue{scalar: scalar{n.Value, c.src, n}}
	switch {
	case n.Kind == yaml.ScalarNode:
		return v, true
	case n.Kind == yaml.SequenceNode && depth < 2:
		v.isList = true
		for _, e := range n.Content {
			w, ok := l.excValue(c, deref(e), depth+1)
			if !ok {
				return v, false
			}
			v.items = append(v.items, w)
		}
		return v, true
	}
	l.fail(c.child("exception value", "", n), ErrYAMLValidate, "exception value is a %s, expected a plain value, a tuple or a list in a tuple", kindName(n))
	return v, false
}

// warnSameName warns of exceptions that share a name within one rule.
func (l *loader) warnSameName(list []*exception) {
	for i, x := range list {
		if slices.ContainsFunc(list[:i], func(y *exception) bool { return y.name == x.name }) {
			l.fail(x.at, WarnExceptionNameNotUnique, "multiple definitions of exception '%s'", x.name)
		}
	}
}

// appendExceptions adds to r's exceptions: values to a known name, or a new
// exception.
func (l *loader) appendExceptions(r *ruleDef, list []*exception) {
	r.exceptions = slices.Clone(r.exceptions)
	for _, x := range list {
		i := slices.IndexFunc(r.exceptions, func(y *exception) bool { return y.name == x.name })
		switch {
		case !x.hasValues || len(x.values) == 0:
			l.fail(x.at, WarnAppendNoValues, "overriding/appending exception '%s' with no values", x.name)
			if i >= 0 || !x.hasFields {
				continue
			}
			l.checkException(r, x)
			r.exceptions = append(r.exceptions, x)
		case i < 0:
			if !x.hasFields {
				l.failHint(x.at, ErrValidate, "give 'fields', or the name of an exception that the rule has",
					"rule '%s' has no exception '%s' to append to, and a new one needs fields", r.name, x.name)
				continue
			}
			l.checkException(r, x)
			r.exceptions = append(r.exceptions, x)
		case x.hasFields || x.hasComps:
			l.failHint(x.at, ErrValidate, "give only 'name' and 'values'",
				"cannot append fields or comps to the existing exception '%s', only values", x.name)
		default:
			grown := *r.exceptions[i]
			grown.values = append(slices.Clip(grown.values), x.values...)
			r.exceptions[i] = &grown
		}
	}
}

// checkException fills in default operators and checks the shape of fields,
// operators and values.
func (l *loader) checkException(r *ruleDef, x *exception) {
	if !x.hasComps {
		op := "="
		if x.single {
			op = "in"
		}
		x.comps = make([]scalar, len(x.fields))
		for i, f := range x.fields {
			x.comps[i] = scalar{op, f.src, f.node}
		}
	}
	if len(x.fields) == 0 {
		l.fail(x.at, ErrValidate, "exception '%s' has no fields", x.name)
		return
	}
	if len(x.comps) != len(x.fields) {
		l.failHint(x.at, ErrValidate, "give one operator for each field",
			"exception '%s' has %d fields but %d comps", x.name, len(x.fields), len(x.comps))
		return
	}
	for _, s := range x.comps {
		c := x.at.child("value for", "comps", s.node)
		op, mod, _ := strings.Cut(s.value, " ")
		mod = strings.TrimSpace(mod)
		switch {
		case !isOperator(op), mod != "" && !isModifier(mod), mod != "" && !takesModifier(op), op == "exists":
			l.fail(c, ErrValidate, "'%s' is not an operator that an exception can use", s.value)
		case x.single && !takesList(s.value):
			l.failHint(c, ErrValidate, "use in, pmatch, intersects, or a text operator with oneof, anyof or allof; or make fields and comps sequences and values tuples",
				"operator '%s' takes one value, but exception '%s' has the form with one field and plain values", s.value, x.name)
		}
	}
	if r.unknownSource {
		return
	}
	for _, f := range x.fields {
		if err := checkOperand(f.value); err != nil {
			l.fail(x.at.child("value for", "fields", f.node), ErrValidate, "'%s' is not a field an exception can use: %v", f.value, err)
		}
	}
}

// takesList tells whether an operator is followed by a list.
func takesList(op string) bool {
	switch op {
	case "in", "intersects", "pmatch":
		return true
	}
	return strings.ContainsAny(op, " ")
}

// withExceptions returns the effective condition: "(C) and not E1 and not E2".
// The place of every byte is kept.
func (l *loader) withExceptions(r *ruleDef) *text {
	b := textBuilder{}
	b.text("(", r.cond, ")")
	used := false
	for _, x := range r.exceptions {
		if len(x.values) == 0 {
			continue
		}
		used = true
		b.at(x.at.src, x.at.node)
		b.add(" and not ")
		ok := true
		if x.single {
			ok = l.singleForm(&b, x)
		} else {
			ok = l.tupleForm(&b, x)
		}
		if !ok {
			return nil
		}
	}
	if !used {
		return r.cond
	}
	return b.done()
}

func (l *loader) singleForm(b *textBuilder, x *exception) bool {
	b.add("(" + x.operand() + " (")
	for i, v := range x.values {
		if v.isList {
			l.failHint(x.at.child("exception value", "", v.node), ErrValidate,
				"give plain values, or make 'fields' a sequence", "value of exception '%s' is a list, but 'fields' is one field", x.name)
			return false
		}
		if i > 0 {
			b.add(", ")
		}
		b.at(v.src, v.node)
		b.add(quoteItem(v.value))
	}
	b.add("))")
	return true
}

func (l *loader) tupleForm(b *textBuilder, x *exception) bool {
	b.add("(")
	for i, t := range x.values {
		if !t.isList || len(t.items) != len(x.fields) {
			l.failHint(x.at.child("exception value", "", t.node), ErrValidate,
				"give each tuple one value per field", "fields and values of exception '%s' differ in length: %d fields, %s",
				x.name, len(x.fields), tupleSize(t))
			return false
		}
		if i > 0 {
			b.add(" or ")
		}
		b.tuple(x, t)
	}
	b.add(")")
	return true
}

// operand is the first field with its operator.
func (x *exception) operand() string { return x.fields[0].value + " " + x.comps[0].value }

// tuple adds "(f1 op1 v1 and f2 op2 v2 ...)".
func (b *textBuilder) tuple(x *exception, t excValue) {
	for j, v := range t.items {
		if j == 0 {
			b.add("(")
		} else {
			b.add(" and ")
		}
		b.at(v.src, v.node)
		b.add(x.fields[j].value + " " + x.comps[j].value + " ")
		b.tupleValue(v, takesList(x.comps[j].value))
	}
	b.add(")")
}

// valueText returns the condition of one of the exception's values.
func (x *exception) valueText(v excValue) *text {
	var b textBuilder
	b.at(v.src, v.node)
	if x.single {
		b.add(x.operand() + " (" + quoteItem(v.value) + ")")
	} else {
		b.tuple(x, v)
	}
	return b.done()
}

func tupleSize(v excValue) string {
	if !v.isList {
		return "one plain value"
	}
	if len(v.items) == 1 {
		return "1 value"
	}
	return strconv.Itoa(len(v.items)) + " values"
}

func (b *textBuilder) tupleValue(v excValue, wantList bool) {
	switch {
	case v.isList:
		b.add("(")
		for i, e := range v.items {
			if i > 0 {
				b.add(", ")
			}
			b.at(e.src, e.node)
			b.add(quoteItem(e.value))
		}
		b.add(")")
	case wantList && !strings.HasPrefix(v.value, "("):
		b.add("(" + quoteItem(v.value) + ")")
	default:
		b.add(quoteItem(v.value))
	}
}

// quoteItem renders a value inside a condition. A value that starts with a
// quote is taken as written; one with a blank, or an empty one, gets double
// quotes. Anything else stays bare, so that it can be a call or the name of a list.
func quoteItem(v string) string {
	if v == "" {
		return `""`
	}
	if v[0] == '"' || v[0] == '\'' || !strings.ContainsAny(v, " \t\r\n") {
		return v
	}
	return `"` + v + `"`
}

// textBuilder assembles a text from generated parts and scalars.
type textBuilder struct {
	s      strings.Builder
	pieces []piece
}

// at says that what follows belongs to a node.
func (b *textBuilder) at(src *source, n *yaml.Node) {
	b.pieces = append(b.pieces, piece{start: b.s.Len(), src: src, node: n})
}

func (b *textBuilder) add(s string) { b.s.WriteString(s) }

func (b *textBuilder) text(before string, t *text, after string) {
	b.at(t.pieces[0].src, t.pieces[0].node)
	b.add(before)
	for _, p := range t.pieces {
		p.start += b.s.Len()
		b.pieces = append(b.pieces, p)
	}
	b.add(t.s)
	b.add(after)
}

func (b *textBuilder) done() *text { return &text{s: b.s.String(), pieces: b.pieces} }
