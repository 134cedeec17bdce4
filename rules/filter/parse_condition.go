package filter

import "strings"

// condition reads the operator and the right side of a check.
func (p *parser) condition(left Operand) (Node, error) {
	c := &Check{At: left.Pos(), Left: left}
	p.skip()
	c.OpPos = p.at(p.pos)
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	c.Op = op
	switch {
	case op == OpExists:
		return c, nil
	case op.TakesList():
		err = p.listSide(c)
	case op >= OpLt && op <= OpGe:
		err = p.numberSide(c)
	default:
		err = p.textSide(c)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// symbolOps are tried in this order: longer ones first.
var symbolOps = [...]Op{OpLe, OpLt, OpGe, OpGt, OpEqEq, OpEq, OpNe}

func (p *parser) operator() (Op, error) {
	s := p.rest()
	for _, op := range symbolOps {
		if strings.HasPrefix(s, op.String()) {
			p.pos += len(op.String())
			return op, nil
		}
	}
	word := s[:identLen(s)]
	op := OpByName(word)
	if op == OpNone {
		return OpNone, p.notAnOperator(word)
	}
	if after := s[len(word):]; op >= OpContains && !op.TakesList() && after != "" && !isBlank(after[0]) {
		return OpNone, p.fail(p.pos+len(word), "", "the operator %s must be followed by a blank", op)
	}
	p.pos += len(word)
	return op, nil
}

func (p *parser) notAnOperator(word string) error {
	hint := ""
	switch c := p.peek(); {
	case c == '[' || c == '.':
		hint = "field arguments follow the name directly, as in proc.aname[2]"
	case OpByName(strings.ToLower(word)) != OpNone:
		hint = "operators are written in lower case"
	case p.pos == len(p.text) || word == "and" || word == "or" || c == ')':
		hint = "to ask whether a value is present use exists; for booleans = true"
	case c == '~':
		hint = "the operator for regular expressions is regex"
	default:
		hint = "operators are " + strings.Join(Operators(), " ")
	}
	err := p.fail(p.pos, hint, "expected an operator, found %s", p.found())
	if rest := p.rest(); rest != "" {
		for _, name := range Operators() {
			err.Incomplete = err.Incomplete || strings.HasPrefix(name, rest)
		}
	}
	return err
}

// valueSide reads val(field) or a call if one stands here.
func (p *parser) valueSide(c *Check) (bool, error) {
	if p.callName() != "" {
		call, err := p.call()
		c.Right = call
		return true, err
	}
	if !strings.HasPrefix(p.rest(), "val(") {
		return false, nil
	}
	open := p.pos
	p.pos += len("val(")
	p.skip()
	if p.callName() != "" {
		return true, p.fail(p.pos, "calls stand on the right without val()", "val() takes a plain field")
	}
	f, err := p.field()
	if err != nil {
		return true, err
	}
	more, err := p.listSep(open)
	if err == nil && more {
		err = p.fail(p.pos-1, "", "val() takes one field")
	}
	c.Right = f
	return true, err
}

func (p *parser) numberSide(c *Check) error {
	p.skip()
	if ok, err := p.valueSide(c); ok || err != nil {
		return err
	}
	n := numberLen(p.rest())
	if n == 0 {
		hint := ""
		if fieldNameLen(p.rest()) > 0 {
			hint = "a field on the right needs val()"
		}
		return p.fail(p.pos, hint, "expected a number after %s, found %s", c.Op, p.found())
	}
	c.Values = []Literal{{At: p.at(p.pos), Text: p.rest()[:n]}}
	p.pos += n
	return nil
}

func (p *parser) textSide(c *Check) error {
	p.skip()
	if mod := p.modifier(); mod != ModNone {
		c.Mod = mod
		return p.list(c)
	}
	if ok, err := p.valueSide(c); ok || err != nil {
		return err
	}
	v, err := p.value()
	if err != nil {
		if p.peek() == '(' && err.Hint == "" {
			err.Hint = "lists need in, intersects, pmatch or one of oneof, anyof, allof"
		}
		return err
	}
	c.Values = []Literal{v}
	return nil
}

// modifier consumes a modifier. The word counts as one only with blanks on both
// sides and a list after it; otherwise it is an ordinary value.
func (p *parser) modifier() Modifier {
	if !isBlank(p.text[p.pos-1]) {
		return ModNone
	}
	s := p.rest()
	for mod := ModOneOf; mod <= ModAllOf; mod++ {
		after, ok := strings.CutPrefix(s, mod.String())
		if !ok || after == "" || !isBlank(after[0]) {
			continue
		}
		after = strings.TrimLeft(after, " \t\b\r\n")
		if strings.HasPrefix(after, "(") || listName(after) != "" {
			p.pos = len(p.text) - len(after)
			return mod
		}
	}
	return ModNone
}

// listName returns the identifier at the start of s if it can name a list.
func listName(s string) string {
	switch w := s[:identLen(s)]; w {
	case "and", "or", "not":
		return ""
	default:
		return w
	}
}

func (p *parser) listSide(c *Check) error {
	p.skip()
	if ok, err := p.valueSide(c); ok || err != nil {
		return err
	}
	return p.list(c)
}

// list reads a list literal or the name of a list.
func (p *parser) list(c *Check) error {
	open := p.pos
	if p.peek() != '(' {
		name := listName(p.rest())
		if name == "" {
			return p.fail(p.pos, "", "expected a list in parentheses, found %s", p.found())
		}
		c.ListRef, c.ListRefPos = name, p.at(p.pos)
		p.pos += len(name)
		return nil
	}
	p.pos++
	c.Values = []Literal{}
	if p.skip(); p.peek() == ')' {
		p.pos++
		return nil
	}
	for {
		p.skip()
		v, perr := p.value()
		if perr != nil {
			return perr
		}
		c.Values = append(c.Values, v)
		if more, err := p.listSep(open); err != nil || !more {
			return err
		}
	}
}

// value reads quoted or bare text.
func (p *parser) value() (Literal, *ParseError) {
	start := p.pos
	if c := p.peek(); c == '"' || c == '\'' {
		text, err := p.quoted()
		if err != nil {
			return Literal{}, err.(*ParseError)
		}
		return Literal{At: p.at(start), Text: text, Quoted: true}, nil
	}
	n := bareLen(p.rest(), valueClass)
	if n == 0 {
		return Literal{}, p.fail(start, "", "expected a value, found %s", p.found())
	}
	p.pos += n
	return Literal{At: p.at(start), Text: p.text[start:p.pos]}, nil
}
