package filter

import (
	"strings"
)

// textTest returns the test of op against the literals vals, which are several
// only where op takes a list, for values of group g (text or bytes).
func textTest(op Op, g group, vals []Literal) (func(string) bool, int, error) {
	lits := make([]string, len(vals))
	for i, v := range vals {
		var err error
		switch {
		case op == OpBContains || op == OpBStartsWith:
			lits[i], err = literalHex(v)
		case g == groupText:
			lits[i], err = literalText(v)
		default:
			lits[i] = v.Text
		}
		if err != nil {
			return nil, 0, err
		}
	}
	switch op {
	case OpIn, OpIntersects:
		set := newTextSet(lits)
		if g == groupBytes {
			return set.has, 2, nil
		}
		return func(s string) bool { return set.has(trimNULs(s)) }, 2, nil
	case OpPMatch:
		set := &pathSet{}
		for _, l := range lits {
			set.add(l)
		}
		return set.match, 8, nil
	case OpGlob, OpIGlob:
		return globTest(lits[0], op == OpIGlob), 6, nil
	case OpRegex:
		f, err := regexTest(vals[0])
		return f, 40, err
	}
	lit := lits[0]
	if (op == OpContains || op == OpIContains) && g == groupText {
		return containsTest(lit, op == OpIContains), 6, nil
	}
	cmp := textCompare(op)
	return func(s string) bool { return cmp(s, lit) }, 1, nil
}

// containsTest returns the test for text, which ends at its first NUL.
func containsTest(lit string, fold bool) func(string) bool {
	find := strings.Index
	if fold {
		find = indexFold
	}
	return func(s string) bool {
		i := find(s, lit)
		return i >= 0 && (i == 0 || strings.IndexByte(s[:i], 0) < 0)
	}
}

// textCompare returns op as a comparison of two texts or byte buffers, nil when
// it is none.
func textCompare(op Op) func(a, b string) bool {
	switch op {
	case OpEq, OpEqEq:
		return func(a, b string) bool { return a == b }
	case OpNe:
		return func(a, b string) bool { return a != b }
	case OpIn, OpIntersects:
		return func(a, b string) bool { return trimNULs(a) == trimNULs(b) }
	case OpLt:
		return func(a, b string) bool { return a < b }
	case OpLe:
		return func(a, b string) bool { return a <= b }
	case OpGt:
		return func(a, b string) bool { return a > b }
	case OpGe:
		return func(a, b string) bool { return a >= b }
	case OpContains, OpBContains:
		return strings.Contains
	case OpIContains:
		return func(a, b string) bool { return indexFold(a, b) >= 0 }
	case OpStartsWith, OpBStartsWith:
		return strings.HasPrefix
	case OpEndsWith:
		return strings.HasSuffix
	case OpGlob:
		return func(a, b string) bool { return globMatch(b, a, false) }
	case OpIGlob:
		return func(a, b string) bool { return globMatch(b, a, true) }
	}
	return nil
}

// indexFold is strings.Index ignoring ASCII letter case.
func indexFold(s, sub string) int {
	if sub == "" {
		return 0
	}
	first := lower(sub[0])
next:
	for i := 0; i+len(sub) <= len(s); i++ {
		if lower(s[i]) != first {
			continue
		}
		for j := 1; j < len(sub); j++ {
			if lower(s[i+j]) != lower(sub[j]) {
				continue next
			}
		}
		return i
	}
	return -1
}
