package filter

// Expand returns n with macros and lists replaced.
//
// Every macro reference gets, as its Body, what macros returns for its name;
// bodies are not expanded again. A reference that macros does not know is a
// *CompileError with ErrCodeMacro.
//
// Lists are replaced where a list may stand: after in, intersects, pmatch and
// the modifiers, both as a name in place of the list and as an unquoted element
// of one; other text is left alone, even when it equals the name of a list,
// with one exception: Falco replaces names in the text, so that a list of
// exactly one item works as a scalar value, and so it does here. A name that
// lists does not know stays text. Either function may be nil.
//
// n is not modified; the result shares what did not change with it.
func Expand(n Node, macros func(name string) (Node, bool), lists func(name string) ([]Literal, bool)) (Node, error) {
	if macros == nil {
		macros = func(string) (Node, bool) { return nil, false }
	}
	if lists == nil {
		lists = func(string) ([]Literal, bool) { return nil, false }
	}
	return (&expander{macros, lists}).node(n)
}

type expander struct {
	macros func(string) (Node, bool)
	lists  func(string) ([]Literal, bool)
}

func (x *expander) node(n Node) (Node, error) {
	switch n := n.(type) {
	case *And:
		kids, changed, err := x.kids(n.Kids)
		if err != nil || !changed {
			return n, err
		}
		return &And{At: n.At, Kids: kids}, nil
	case *Or:
		kids, changed, err := x.kids(n.Kids)
		if err != nil || !changed {
			return n, err
		}
		return &Or{At: n.At, Kids: kids}, nil
	case *Not:
		kid, err := x.node(n.Kid)
		if err != nil || kid == n.Kid {
			return n, err
		}
		return &Not{At: n.At, Kid: kid}, nil
	case *MacroRef:
		if n.Body != nil {
			return n, nil
		}
		body, ok := x.macros(n.Name)
		if !ok {
			return nil, compileErr(ErrCodeMacro, n.At, "undefined macro %q", n.Name)
		}
		return &MacroRef{At: n.At, Name: n.Name, Body: body}, nil
	case *Check:
		return x.check(n), nil
	}
	return n, nil
}

func (x *expander) kids(in []Node) (out []Node, changed bool, err error) {
	for i, k := range in {
		e, err := x.node(k)
		if err != nil {
			return nil, false, err
		}
		if e != k && !changed {
			changed = true
			out = append(make([]Node, 0, len(in)), in[:i]...)
		}
		if changed {
			out = append(out, e)
		}
	}
	return out, changed, nil
}

func (x *expander) check(c *Check) Node {
	if c.ListRef != "" {
		items, ok := x.lists(c.ListRef)
		if !ok {
			return c
		}
		e := *c
		e.ListRef, e.Values = "", placed([]Literal{}, items, c.ListRefPos)
		return &e
	}
	if !c.Op.TakesList() && c.Mod == ModNone {
		return x.scalar(c)
	}
	var out []Literal
	for i, v := range c.Values {
		items, ok := []Literal(nil), false
		if !v.Quoted {
			items, ok = x.lists(v.Text)
		}
		if ok && out == nil {
			out = append(make([]Literal, 0, len(c.Values)+len(items)), c.Values[:i]...)
		}
		switch {
		case ok:
			out = placed(out, items, v.At)
		case out != nil:
			out = append(out, v)
		}
	}
	if out == nil {
		return c
	}
	e := *c
	e.Values = out
	return &e
}

// placed appends the items of a list to dst. Items without a place of their own
// count as standing where the name of the list does.
func placed(dst, items []Literal, at Position) []Literal {
	for _, it := range items {
		if it.At == (Position{}) {
			it.At = at
		}
		dst = append(dst, it)
	}
	return dst
}

func (x *expander) scalar(c *Check) Node {
	if len(c.Values) != 1 || c.Values[0].Quoted {
		return c
	}
	items, ok := x.lists(c.Values[0].Text)
	if !ok || len(items) != 1 {
		return c
	}
	e := *c
	e.Values = placed(nil, items, c.Values[0].At)
	return &e
}

// ParseItem reads an item of a list in a rule file as the literal it stands for.
// Falco pastes items into the text of conditions, so an item in quotes loses
// them and its escapes are resolved; any other item is taken as it is. The error
// is a *ParseError with a place within the item.
func ParseItem(item string) (Literal, error) {
	if item == "" || item[0] != '"' && item[0] != '\'' {
		return Literal{Text: item}, nil
	}
	p := newParser(item, ParseOptions{})
	text, err := p.quoted()
	if err != nil {
		return Literal{}, err
	}
	if p.skip(); p.pos < len(item) {
		return Literal{}, p.fail(p.pos, "", "expected the end of the item after the quote, found %s", p.found())
	}
	return Literal{Text: text, Quoted: true}, nil
}
