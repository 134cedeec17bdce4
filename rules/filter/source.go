package filter

import (
	"errors"
	"math"
	"net/netip"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// source is where a value comes from: a field or a transformer over others. One
// function is set, by group and shape:
//
//   - one text or byte buffer: str, or for plain fields plain (which spares a call)
//   - one number, boolean, time: num
//   - one address: ip
//   - a list: list
//   - an AnyOf field: ref alone, through its Each
type source struct {
	text   string // canonical
	typ    schema.ParamType
	group  group
	bits   int  // size of integers
	isList bool // a list; typ and group are those of its elements
	isAny  bool // an AnyOf field

	ref      *replay.Ref // the field, nil for calls
	noRHS    bool
	constant bool // the text of a literal

	plain func(*replay.Event) (string, bool)
	str   func(*State, *replay.Event) (string, bool)
	num   func(*State, *replay.Event) (int64, bool)
	ip    func(*State, *replay.Event) (netip.Addr, bool)
	// list appends its elements to State.vals; the slice it returns is part of
	// that and valid until Begin.
	list func(*State, *replay.Event) ([]replay.Value, bool)

	uses int // checks that ask for the value
	slot int // in State.texts or State.addrs, -1 while there is no need to keep the value
	cost int
}

// getText returns the text or bytes of a source with one text.
func (s *source) getText(st *State, ev *replay.Event) (string, bool) {
	if s.slot < 0 {
		return s.extract(st, ev)
	}
	k := &st.texts[s.slot]
	if k.gen != st.gen {
		k.gen = st.gen
		k.s, k.ok = s.extract(st, ev)
	}
	return k.s, k.ok
}

func (s *source) extract(st *State, ev *replay.Event) (string, bool) {
	if s.plain != nil {
		return s.plain(ev)
	}
	return s.str(st, ev)
}

// getAddr returns the address of a source with one address.
func (s *source) getAddr(st *State, ev *replay.Event) (netip.Addr, bool) {
	if s.slot < 0 {
		return s.ip(st, ev)
	}
	k := &st.addrs[s.slot]
	if k.gen != st.gen {
		k.gen = st.gen
		k.a, k.ok = s.ip(st, ev)
	}
	return k.a, k.ok
}

// exists reports whether the value can be extracted.
func (s *source) exists(st *State, ev *replay.Event) bool {
	switch {
	case s.isAny || s.isList && s.ref != nil:
		return s.ref.Has == nil || s.ref.Has(ev)
	case s.isList:
		_, ok := s.list(st, ev)
		return ok
	case s.num != nil:
		_, ok := s.num(st, ev)
		return ok
	case s.ip != nil:
		_, ok := s.getAddr(st, ev)
		return ok
	}
	_, ok := s.getText(st, ev)
	return ok
}

// value returns the value whatever its group, for printing and explaining. The
// values of an AnyOf field come as a list.
func (s *source) value(st *State, ev *replay.Event) (replay.Value, bool) {
	v := replay.Value{Type: s.typ}
	var ok bool
	switch {
	case s.isAny:
		if !s.exists(st, ev) {
			return v, false
		}
		v.IsList = true
		v.List, ok = collectRef(st, ev, s.ref), true
	case s.isList:
		v.IsList = true
		v.List, ok = s.list(st, ev)
	case s.num != nil:
		if v.Int, ok = s.num(st, ev); s.group == groupDouble {
			v.Float = math.Float64frombits(uint64(v.Int))
		}
	case s.ip != nil:
		v.IP, ok = s.getAddr(st, ev)
	default:
		v.Str, ok = s.getText(st, ev)
	}
	return v, ok
}

// use notes that a check asks for the value. From the second one on the value
// is kept for the event.
func (c *Compiler) use(s *source) {
	s.uses++
	if s.uses < 2 || s.slot >= 0 || s.constant {
		return
	}
	switch {
	case s.plain != nil || s.str != nil:
		s.slot = c.ntexts
		c.ntexts++
	case s.ip != nil:
		s.slot = c.naddrs
		c.naddrs++
	}
}

// source returns the source of an operand; equal operands share one.
func (c *Compiler) source(o Operand) (*source, error) {
	key := string(AppendOperand(nil, o))
	if s := c.sources[key]; s != nil {
		return s, nil
	}
	var s *source
	var err error
	switch o := o.(type) {
	case *Field:
		s, err = c.fieldSource(o)
	case *Call:
		s, err = c.callSource(o)
	case *CallList:
		s, err = c.listSource(o)
	case *Literal:
		s = &source{constant: true, typ: schema.PT_CHARBUF, group: groupText}
		text := o.Text
		s.str = func(*State, *replay.Event) (string, bool) { return text, true }
	}
	if err != nil {
		return nil, err
	}
	s.text, s.slot = key, -1
	c.sources[key] = s
	return s, nil
}

func (c *Compiler) fieldSource(f *Field) (*source, error) {
	resolve := replay.Resolve
	if c.Resolve != nil {
		resolve = c.Resolve
	}
	ref, err := resolve(f.Text())
	if err != nil {
		return nil, fieldErr(f, err)
	}
	s := &source{
		ref: ref, typ: ref.Type, isList: ref.List, isAny: ref.AnyOf,
		noRHS: ref.NoRHS, cost: fieldCost(ref),
	}
	s.group, s.bits = groupOf(s.typ)
	switch {
	case s.isAny:
	case s.isList:
		s.list = func(st *State, ev *replay.Event) ([]replay.Value, bool) {
			if ref.Has != nil && !ref.Has(ev) {
				return nil, false
			}
			return collectRef(st, ev, ref), true
		}
	case ref.Float != nil:
		s.num = func(_ *State, ev *replay.Event) (int64, bool) {
			v, ok := ref.Float(ev)
			return int64(math.Float64bits(v)), ok
		}
	case ref.Int != nil:
		s.num = func(_ *State, ev *replay.Event) (int64, bool) { return ref.Int(ev) }
	case ref.IP != nil:
		s.ip = func(_ *State, ev *replay.Event) (netip.Addr, bool) { return ref.IP(ev) }
	default:
		s.plain = ref.Str
	}
	return s, nil
}

// collectRef returns the values of a list or AnyOf field.
func collectRef(st *State, ev *replay.Event, ref *replay.Ref) []replay.Value {
	n := len(st.vals)
	ref.Each(ev, st.collect)
	return st.vals[n:len(st.vals):len(st.vals)]
}

func fieldErr(f *Field, err error) error {
	code := ErrCodeUnknownField
	e := compileErr(code, f.At, "%s %s", replay.ErrUnknownField, Quote(f.Text()))
	e.Err = err
	var fe *replay.FieldError
	if errors.As(err, &fe) {
		e.Msg, e.Hint = fe.Err.Error()+" "+Quote(f.Text()), fe.Hint
	}
	return e
}

// Costs order the checks of a conjunction; only their relation matters.
const (
	costConst  = 0
	costType   = 1 // evt.type
	costNumber = 2
	costText   = 4
	costList   = 20
)

func fieldCost(ref *replay.Ref) int {
	switch {
	case ref.List || ref.AnyOf:
		return costList
	case ref.Int != nil || ref.IP != nil:
		return costNumber
	case strings.HasSuffix(ref.Name, "args") || strings.HasSuffix(ref.Name, "line") || strings.HasPrefix(ref.Name, "evt.") && ref.Name != "evt.type":
		return 2 * costText
	}
	return costText
}
