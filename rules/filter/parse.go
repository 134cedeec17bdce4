package filter

import (
	"fmt"
	"strings"
)

// Default nesting limits: for one-off filters (the zero ParseOptions) and for
// rule conditions.
const (
	DefaultMaxDepth = 100
	RuleMaxDepth    = 1000
)

// ParseOptions adjust Parse. The zero value is for filters outside rule files.
type ParseOptions struct {
	// Macros allows bare identifiers as macro references.
	Macros bool
	// MaxDepth limits nested parentheses and calls; 0 means DefaultMaxDepth.
	MaxDepth int
}

// Parse reads a condition. Errors are *ParseError.
func Parse(text string, opts ParseOptions) (Node, error) {
	p := newParser(text, opts)
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.skip(); p.pos < len(p.text) {
		return nil, p.trailing()
	}
	return n, nil
}

type parser struct {
	text  string
	pos   int
	depth int
	opts  ParseOptions
	lines lineIndex
}

func newParser(text string, opts ParseOptions) *parser {
	if opts.MaxDepth <= 0 {
		opts.MaxDepth = DefaultMaxDepth
	}
	return &parser{text: text, opts: opts, lines: newLineIndex(text)}
}

func (p *parser) at(offset int) Position { return p.lines.position(offset) }

func (p *parser) rest() string { return p.text[p.pos:] }

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) skip() {
	for p.pos < len(p.text) && isBlank(p.text[p.pos]) {
		p.pos++
	}
}

func (p *parser) fail(offset int, hint, format string, args ...any) *ParseError {
	return &ParseError{
		Position:   p.at(offset),
		Msg:        fmt.Sprintf(format, args...),
		Hint:       hint,
		Snippet:    Snippet(p.text, offset),
		Incomplete: strings.TrimRight(p.text[offset:], " \t\b\r\n") == "",
	}
}

// found describes what stands at the current place.
func (p *parser) found() string {
	s := p.rest()
	if s == "" {
		return "the end"
	}
	n := bareLen(s, valueClass)
	if n == 0 {
		n = 1
	}
	if n > 24 {
		return Quote(s[:24] + "...")
	}
	return Quote(s[:n])
}

func (p *parser) enter(offset int) error {
	if p.depth++; p.depth > p.opts.MaxDepth {
		return p.fail(offset, "", "nested deeper than %d levels", p.opts.MaxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) or() (Node, error) {
	first, err := p.and()
	if err != nil {
		return nil, err
	}
	kids := []Node{first}
	for p.word("or") {
		k, err := p.and()
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
	}
	if len(kids) == 1 {
		return first, nil
	}
	return &Or{At: first.Pos(), Kids: kids}, nil
}

func (p *parser) and() (Node, error) {
	first, err := p.not()
	if err != nil {
		return nil, err
	}
	kids := []Node{first}
	for p.word("and") {
		k, err := p.not()
		if err != nil {
			return nil, err
		}
		kids = append(kids, k)
	}
	if len(kids) == 1 {
		return first, nil
	}
	return &And{At: first.Pos(), Kids: kids}, nil
}

// word consumes the keyword w, which must be followed by a blank, an opening
// parenthesis or the end (the last so that what is missing gets reported).
func (p *parser) word(w string) bool {
	p.skip()
	s := p.rest()
	if !strings.HasPrefix(s, w) {
		return false
	}
	if len(s) > len(w) && !isBlank(s[len(w)]) && s[len(w)] != '(' {
		return false
	}
	p.pos += len(w)
	return true
}

// not reads any number of nots and the check after them: an even number cancels
// out.
func (p *parser) not() (Node, error) {
	p.skip()
	start, negate := p.pos, false
	for p.word("not") {
		negate = !negate
	}
	p.skip()
	n, err := p.check()
	if err != nil || !negate {
		return n, err
	}
	if inner, ok := n.(*Not); ok { // not (not x)
		return inner.Kid, nil
	}
	return &Not{At: p.at(start), Kid: n}, nil
}

func (p *parser) check() (Node, error) {
	start := p.pos
	if p.peek() == '(' {
		return p.group()
	}
	n := identLen(p.rest())
	word := p.rest()[:n]
	switch {
	case p.pos == len(p.text) && strings.TrimSpace(p.text) == "":
		return nil, p.fail(start, "", "empty filter")
	case n == 0:
		return nil, p.fail(start, "", "expected a field, found %s", p.found())
	case word == "and" || word == "or":
		return nil, p.fail(start, "", "expected a field, found the operator %q", word)
	}
	if p.startsOperand() {
		left, err := p.operand()
		if err != nil {
			return nil, err
		}
		return p.condition(left)
	}
	p.pos += n
	switch p.peek() {
	case '.':
		return nil, p.fail(min(p.pos+1, len(p.text)), "", "expected a name after %q", word+".")
	case '(':
		return nil, p.notAFunction(start, word)
	}
	if !p.opts.Macros || word == "not" {
		err := p.fail(start, "field names have a dot, as in proc.name; macros exist in rule files only", "%q is not a field", word)
		err.Incomplete = p.pos == len(p.text)
		return nil, err
	}
	return &MacroRef{At: p.at(start), Name: word}, nil
}

func (p *parser) notAFunction(offset int, word string) error {
	if word == "val" {
		return p.fail(offset, "", "val() may stand on the right of an operator only")
	}
	return p.fail(offset, "transformers are "+strings.Join(Transformers(), ", "), "unknown transformer %q", word)
}

func (p *parser) group() (Node, error) {
	open := p.pos
	if err := p.enter(open); err != nil {
		return nil, err
	}
	defer p.leave()
	p.pos++
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.skip(); p.peek() != ')' {
		if p.pos < len(p.text) {
			return nil, p.trailing()
		}
		return nil, p.fail(p.pos, fmt.Sprintf("opened at %s", p.at(open)), "missing )")
	}
	p.pos++
	return n, nil
}

// trailing reports what follows a complete expression.
func (p *parser) trailing() error {
	hint := ""
	word := p.rest()[:identLen(p.rest())]
	switch c := p.peek(); {
	case c == ')':
		hint = "there is no ( for it"
	case c == '(' || c == '=' || c == ',' || c == '"' || c == '\'':
		hint = "quote values that hold a blank or one of ( ) \" ' = ,"
	case c == '&' || c == '|' || strings.EqualFold(word, "and") || strings.EqualFold(word, "or"):
		hint = "checks are joined by and, or, in lower case and with blanks around"
	case p.opts.Macros && OpByName(word) != OpNone:
		hint = "only fields, which have a dot in their name, can be compared"
	}
	err := p.fail(p.pos, hint, "expected and, or, or the end, found %s", p.found())
	err.Incomplete = word != "" && p.pos+len(word) == len(p.text) &&
		(strings.HasPrefix("and", word) || strings.HasPrefix("or", word))
	return err
}

// startsOperand reports whether a field or a call stands here.
func (p *parser) startsOperand() bool {
	return fieldNameLen(p.rest()) > 0 || p.callName() != ""
}

// callName returns the transformer whose call stands here, empty if there is none.
func (p *parser) callName() string {
	s := p.rest()
	n := identLen(s)
	if n == 0 || n == len(s) || s[n] != '(' || transformerByName(s[:n]) == nil {
		return ""
	}
	return s[:n]
}

func (p *parser) operand() (Operand, error) {
	if p.callName() != "" {
		return p.call()
	}
	return p.field()
}

func (p *parser) field() (*Field, error) {
	start := p.pos
	n := fieldNameLen(p.rest())
	if n == 0 {
		return nil, p.fail(start, "", "expected a field, found %s", p.found())
	}
	p.pos += n
	f := &Field{At: p.at(start), Name: p.text[start:p.pos]}
	var err error
	f.Arg, f.HasArg, err = p.bracket()
	return f, err
}

// bracket reads an argument in brackets if one follows directly.
func (p *parser) bracket() (arg string, ok bool, err error) {
	if p.peek() != '[' {
		return "", false, nil
	}
	open := p.pos
	p.pos++
	if c := p.peek(); c == '"' || c == '\'' {
		arg, err = p.quoted()
		if err != nil {
			return "", false, err
		}
	} else {
		n := bareLen(p.rest(), argClass)
		if n == 0 {
			return "", false, p.fail(p.pos, "", "expected an argument after [, found %s", p.found())
		}
		arg = p.rest()[:n]
		p.pos += n
	}
	if p.peek() != ']' {
		return "", false, p.fail(p.pos, fmt.Sprintf("opened at %s; quote arguments that hold blanks or brackets", p.at(open)), "missing ]")
	}
	p.pos++
	return arg, true, nil
}

func (p *parser) quoted() (string, error) {
	text, n, msg, open := unquote(p.rest())
	if msg != "" {
		err := p.fail(p.pos+n, "", "%s", msg)
		err.Incomplete = open
		return "", err
	}
	p.pos += n
	return text, nil
}

func (p *parser) call() (*Call, error) {
	start := p.pos
	if err := p.enter(start); err != nil {
		return nil, err
	}
	defer p.leave()
	name := p.callName()
	p.pos += len(name) + 1
	c := &Call{At: p.at(start), Func: name}
	for {
		a, err := p.callArg(true)
		if err != nil {
			return nil, err
		}
		c.Args = append(c.Args, a)
		more, err := p.listSep(start)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if p.peek() == '[' && name != "getopt" {
		return nil, p.fail(p.pos, "", "%s() takes no argument in brackets, only getopt does", name)
	}
	var err error
	c.Sel, c.HasSel, err = p.bracket()
	return c, err
}

// listSep consumes the comma or closing parenthesis after a list element and
// reports whether another element follows.
func (p *parser) listSep(open int) (bool, error) {
	p.skip()
	switch p.peek() {
	case ',':
		p.pos++
		return true, nil
	case ')':
		p.pos++
		return false, nil
	}
	if p.pos == len(p.text) {
		return false, p.fail(p.pos, fmt.Sprintf("opened at %s", p.at(open)), "missing )")
	}
	return false, p.fail(p.pos, "", "expected , or ), found %s", p.found())
}

// callArg reads one argument of a call or, with lists false, one element of a
// list inside a call.
func (p *parser) callArg(lists bool) (Operand, error) {
	p.skip()
	start := p.pos
	switch c := p.peek(); {
	case c == '"' || c == '\'':
		text, err := p.quoted()
		return &Literal{At: p.at(start), Text: text, Quoted: true}, err
	case c == '(' && lists:
		return p.callList()
	}
	if n := numberLen(p.rest()); n > 0 {
		p.pos += n
		return &Literal{At: p.at(start), Text: p.text[start:p.pos], Number: true}, nil
	}
	if p.startsOperand() {
		return p.operand()
	}
	if n := identLen(p.rest()); n > 0 {
		word := p.rest()[:n]
		if p.pos+n < len(p.text) && p.text[p.pos+n] == '(' {
			return nil, p.notAFunction(start, word)
		}
		err := p.fail(start, "text inside calls must be quoted", "expected a field, a call, a number or quoted text, found %s", p.found())
		err.Incomplete = p.pos+n == len(p.text)
		return nil, err
	}
	return nil, p.fail(start, "", "expected a field, a call, a number or quoted text, found %s", p.found())
}

func (p *parser) callList() (Operand, error) {
	open := p.pos
	l := &CallList{At: p.at(open)}
	p.pos++
	if p.skip(); p.peek() == ')' {
		p.pos++
		return l, nil
	}
	for {
		a, err := p.callArg(false)
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, a)
		more, err := p.listSep(open)
		if err != nil || !more {
			return l, err
		}
	}
}
