package filter

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// callSource builds the source of a transformer call.
func (c *Compiler) callSource(call *Call) (*source, error) {
	tr := transformerByName(call.Func)
	if tr == nil {
		return nil, compileErr(ErrCodeTransformer, call.At, "unknown transformer %q", call.Func)
	}
	if n := len(call.Args); n < tr.minArgs || tr.maxArgs >= 0 && n > tr.maxArgs {
		return nil, compileErr(ErrCodeTransformer, call.At, "%s() takes %s, got %d", tr.name, tr.arity(), n)
	}
	args := make([]*source, len(call.Args))
	cost := 0
	for i, a := range call.Args {
		s, err := c.source(a)
		if err != nil {
			return nil, err
		}
		if s.ref != nil && s.ref.NoTransform || s.isAny {
			return nil, compileErr(ErrCodeTransformer, a.Pos(), "the field %s cannot be transformed", s.text)
		}
		args[i] = s
		cost += s.cost
	}
	s, err := tr.build(call, args)
	if err != nil {
		return nil, err
	}
	for _, a := range args {
		c.use(a)
	}
	s.cost = cost + 2*costText
	return s, nil
}

func wrongInput(call *Call, i int, s *source, want string) error {
	have := s.group.String()
	if s.isList {
		have = "a list of " + have
	}
	return compileErr(ErrCodeTransformer, call.Args[i].Pos(), "%s() takes %s, %s is %s", call.Func, want, s.text, have)
}

func isText(s *source) bool { return !s.isList && s.group == groupText }

// mapText is a transformer that makes one text of another, on lists one of each
// element; f returns false when there is no result.
func mapText(call *Call, s *source, f func(*State, string) (string, bool)) *source {
	out := &source{typ: s.typ, group: s.group, isList: s.isList}
	if !s.isList {
		out.str = func(st *State, ev *replay.Event) (string, bool) {
			v, ok := s.getText(st, ev)
			if !ok {
				return "", false
			}
			return f(st, v)
		}
		return out
	}
	out.list = func(st *State, ev *replay.Event) ([]replay.Value, bool) {
		in, ok := s.list(st, ev)
		if !ok {
			return nil, false
		}
		n := len(st.vals)
		for i := range in {
			v := in[i]
			if v.Str, ok = f(st, v.Str); !ok {
				return nil, false
			}
			st.vals = append(st.vals, v)
		}
		return st.vals[n:len(st.vals):len(st.vals)], true
	}
	return out
}

func buildCase(fold func(byte) byte) func(*Call, []*source) (*source, error) {
	return func(call *Call, args []*source) (*source, error) {
		if args[0].group != groupText {
			return nil, wrongInput(call, 0, args[0], "text")
		}
		return mapText(call, args[0], func(st *State, v string) (string, bool) {
			n := len(st.arena)
			for i := 0; i < len(v); i++ {
				st.arena = append(st.arena, fold(v[i]))
			}
			return st.sealText(n), true
		}), nil
	}
}

func buildB64(call *Call, args []*source) (*source, error) {
	if g := args[0].group; g != groupText && g != groupBytes {
		return nil, wrongInput(call, 0, args[0], "text or bytes")
	}
	return mapText(call, args[0], func(st *State, v string) (string, bool) {
		v = strings.TrimRight(v, "=")
		if !isBase64(v) { // asked first, as the error of the decoder is allocated
			return "", false
		}
		n := len(st.arena)
		out, err := base64.RawStdEncoding.AppendDecode(st.arena, bytesOf(v))
		if err != nil {
			return "", false
		}
		st.arena = out
		return st.sealText(n), true
	}), nil
}

// isBase64 reports whether v can be decoded: line breaks do not count.
func isBase64(v string) bool {
	n := 0
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case isLetter(c) || isDigit(c) || c == '+' || c == '/':
			n++
		case c != '\n' && c != '\r':
			return false
		}
	}
	return n%4 != 1
}

func buildBasename(call *Call, args []*source) (*source, error) {
	if args[0].group != groupText {
		return nil, wrongInput(call, 0, args[0], "text")
	}
	return mapText(call, args[0], func(_ *State, v string) (string, bool) {
		return v[strings.LastIndexByte(v, '/')+1:], true
	}), nil
}

func buildLen(call *Call, args []*source) (*source, error) {
	s := args[0]
	out := &source{typ: schema.PT_UINT64, group: groupUint, bits: 64}
	switch {
	case s.isList:
		out.num = func(st *State, ev *replay.Event) (int64, bool) {
			v, ok := s.list(st, ev)
			return int64(len(v)), ok
		}
	case s.group == groupText:
		out.num = func(st *State, ev *replay.Event) (int64, bool) {
			v, ok := s.getText(st, ev)
			if i := strings.IndexByte(v, 0); i >= 0 {
				v = v[:i]
			}
			return int64(len(v)), ok
		}
	case s.group == groupBytes:
		out.num = func(st *State, ev *replay.Event) (int64, bool) {
			v, ok := s.getText(st, ev)
			return int64(len(v)), ok
		}
	default:
		return nil, wrongInput(call, 0, s, "text, bytes or a list")
	}
	return out, nil
}

func buildJoin(call *Call, args []*source) (*source, error) {
	sep, list := args[0], args[1]
	if !isText(sep) {
		return nil, wrongInput(call, 0, sep, "a separator and a list")
	}
	if !list.isList {
		return nil, wrongInput(call, 1, list, "a separator and a list")
	}
	return &source{typ: schema.PT_CHARBUF, group: groupText, str: func(st *State, ev *replay.Event) (string, bool) {
		glue, ok := sep.getText(st, ev)
		if !ok {
			return "", false
		}
		vals, ok := list.list(st, ev)
		if !ok {
			return "", false
		}
		n := len(st.arena)
		for i := range vals {
			if i > 0 {
				st.arena = append(st.arena, glue...)
			}
			st.arena = vals[i].AppendText(st.arena)
		}
		return st.sealText(n), true
	}}, nil
}

func buildConcat(call *Call, args []*source) (*source, error) {
	for i, a := range args {
		if _, number := call.Args[i].(*Literal); !isText(a) || number && call.Args[i].(*Literal).Number {
			return nil, wrongInput(call, i, a, "single texts")
		}
	}
	return &source{typ: schema.PT_CHARBUF, group: groupText, str: func(st *State, ev *replay.Event) (string, bool) {
		// Arguments may use the arena themselves, so it must not be open while
		// they are asked; their texts survive its growth.
		var few [8]string
		parts := few[:0]
		for _, a := range args {
			v, ok := a.getText(st, ev)
			if !ok {
				return "", false
			}
			parts = append(parts, v)
		}
		n := len(st.arena)
		for _, p := range parts {
			st.arena = append(st.arena, p...)
		}
		return st.sealText(n), true
	}}, nil
}

// listSource builds the source of a list written inside a call.
func (c *Compiler) listSource(l *CallList) (*source, error) {
	items := make([]*source, len(l.Items))
	out := &source{typ: schema.PT_CHARBUF, group: groupText, isList: true, cost: costText}
	for i, o := range l.Items {
		s, err := c.source(o)
		if err != nil {
			return nil, err
		}
		if s.isList || s.isAny || s.group != groupText && !s.group.number() {
			return nil, compileErr(ErrCodeTransformer, o.Pos(), "lists in calls hold single texts and numbers, %s is neither", s.text)
		}
		if s.ref != nil && s.ref.NoTransform {
			return nil, compileErr(ErrCodeTransformer, o.Pos(), "the field %s cannot be transformed", s.text)
		}
		items[i] = s
		out.cost += s.cost
	}
	out.list = func(st *State, ev *replay.Event) ([]replay.Value, bool) {
		n := len(st.vals)
		for _, it := range items {
			// An item may itself leave values behind (len of a list); only one
			// is added per item, so put it where the list expects it.
			at := len(st.vals)
			v, ok := it.value(st, ev)
			if !ok {
				return nil, false
			}
			if it.group != groupText {
				k := len(st.arena)
				st.arena = v.AppendText(st.arena)
				v.Str = st.sealText(k)
			}
			st.vals = append(st.vals[:at], replay.Value{Type: schema.PT_CHARBUF, Str: v.Str})
		}
		return st.vals[n:len(st.vals):len(st.vals)], true
	}
	return out, nil
}

func (tr *transformer) arity() string {
	switch {
	case tr.maxArgs < 0:
		return strconv.Itoa(tr.minArgs) + " or more arguments"
	case tr.minArgs == 1:
		return "one argument"
	}
	return strconv.Itoa(tr.minArgs) + " arguments"
}
