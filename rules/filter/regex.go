package filter

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// regexTest returns a test whether the whole value matches the literal as a
// POSIX regular expression.
//
// That the leftmost-longest match spans the value is the same as that some match
// does, so the parsed POSIX expression is printed back and compiled between
// anchors: MatchString then needs no match positions and does not allocate.
func regexTest(l Literal) (func(string) bool, error) {
	parsed, err := syntax.Parse(l.Text, syntax.POSIX)
	if err == nil {
		var re *regexp.Regexp
		if re, err = regexp.Compile(`\A(?:` + parsed.String() + `)\z`); err == nil {
			return re.MatchString, nil
		}
	}
	e := compileErr(ErrCodePattern, l.At, "bad regular expression %s: %s", Quote(l.Text), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	if se, ok := err.(*syntax.Error); ok && se.Code == syntax.ErrInvalidEscape {
		e.Hint = `POSIX syntax has no \d \w \s \b: write [[:digit:]] [[:alnum:]_] [[:space:]]`
	}
	return nil, e
}

// plainRegex reports whether p has nothing special in it apart from outer
// anchors and outer .*, .+ or .?, and names the operator that would do.
func plainRegex(p string) (op Op, ok bool) {
	body, lead := strings.TrimPrefix(p, "^"), false
	for _, w := range []string{".*", ".+", ".?"} {
		if b, cut := strings.CutPrefix(body, w); cut {
			body, lead = b, true
			break
		}
	}
	body, tail := strings.TrimSuffix(body, "$"), false
	for _, w := range []string{".*", ".+", ".?"} {
		if b, cut := strings.CutSuffix(body, w); cut {
			body, tail = b, true
			break
		}
	}
	if strings.ContainsAny(body, `.[]{}()\*+?|^$`) {
		return OpNone, false
	}
	switch {
	case lead && tail:
		return OpContains, true
	case lead:
		return OpEndsWith, true
	case tail:
		return OpStartsWith, true
	}
	return OpEq, true
}
