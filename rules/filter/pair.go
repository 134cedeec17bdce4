package filter

import (
	"github.com/sysreel/sysreel/replay"
)

// pair compiles a check of two values of the event.
func (c *Compiler) pair(chk *Check, left *source) (*leaf, error) {
	right, err := c.source(chk.Right)
	if err != nil {
		return nil, err
	}
	if err := checkPair(chk, left, right); err != nil {
		return nil, err
	}
	c.use(right)
	l := &leaf{right: right, cost: right.cost + 1}
	switch {
	case left.isList || right.isList:
		l.test = listPair(chk.Op == OpIn, left, right)
	case left.group == groupAddr:
		want := chk.Op != OpNe
		l.test = func(st *State, ev *replay.Event) bool {
			a, ok := left.getAddr(st, ev)
			if !ok {
				return false
			}
			b, ok := right.getAddr(st, ev)
			return ok && (a == b) == want
		}
	case left.num != nil:
		cmp := numCompare(chk.Op, left.group)
		l.test = func(st *State, ev *replay.Event) bool {
			a, ok := left.num(st, ev)
			if !ok {
				return false
			}
			b, ok := right.num(st, ev)
			return ok && cmp(a, b)
		}
	default:
		cmp := textCompare(chk.Op)
		l.test = func(st *State, ev *replay.Event) bool {
			a, ok := left.getText(st, ev)
			if !ok {
				return false
			}
			b, ok := right.getText(st, ev)
			return ok && cmp(a, b)
		}
	}
	return l, nil
}

func checkPair(chk *Check, left, right *source) error {
	side := func(s *source, o Operand) error {
		if s.noRHS || s.isAny {
			return compileErr(ErrCodeTypes, o.Pos(), "the field %s cannot be compared with another value", s.text)
		}
		return nil
	}
	if err := side(left, chk.Left); err != nil {
		return err
	}
	if err := side(right, chk.Right); err != nil {
		return err
	}
	if chk.Op == OpPMatch || chk.Op == OpRegex {
		return compileErr(ErrCodeTypes, chk.OpPos, "%s needs literals on the right", chk.Op)
	}
	if left.group == groupNet {
		return compileErr(ErrCodeTypes, chk.OpPos, "networks can be compared with literals only")
	}
	// Membership of a single value in a list is the one case where the shapes
	// may differ.
	member := chk.Op == OpIn || chk.Op == OpIntersects
	if left.typ != right.typ || left.isList != right.isList && !member {
		return compileErr(ErrCodeTypes, chk.Right.Pos(), "%s is %s and %s is %s: both sides must have the same type",
			left.text, shapeName(left), right.text, shapeName(right))
	}
	return nil
}

func shapeName(s *source) string {
	if s.isList {
		return "a list of " + typeName(s.typ)
	}
	return typeName(s.typ)
}

// listPair returns the test whether all elements (or with all false, one element)
// on the left are on the right; a single value counts as a list of one.
func listPair(all bool, left, right *source) func(*State, *replay.Event) bool {
	return func(st *State, ev *replay.Event) bool {
		a, ok := elements(st, ev, left)
		if !ok {
			return false
		}
		b, ok := elements(st, ev, right)
		if !ok {
			return false
		}
		for i := range a {
			if hasValue(b, &a[i]) != all {
				return !all
			}
		}
		return all
	}
}

func elements(st *State, ev *replay.Event, s *source) ([]replay.Value, bool) {
	if s.isList {
		return s.list(st, ev)
	}
	v, ok := s.value(st, ev)
	if !ok {
		return nil, false
	}
	n := len(st.vals)
	st.vals = append(st.vals, v)
	return st.vals[n : n+1 : n+1], true
}

func hasValue(list []replay.Value, v *replay.Value) bool {
	for i := range list {
		if list[i].Int == v.Int && list[i].Str == v.Str && list[i].IP == v.IP {
			return true
		}
	}
	return false
}
