package filter

import "strings"

// globMatch reports whether the whole of s matches the shell pattern p: * any
// text, ? any byte, [set] one byte of a set with ranges, classes and ! or ^ for
// its complement, \ quotes. Slashes and leading dots are ordinary. With fold
// ASCII letter case does not count. It works on bytes, in time at most
// len(p)*len(s), without allocation.
func globMatch(p, s string, fold bool) bool {
	pi, si := 0, 0
	star, mark := -1, 0 // after the last *, and where in s its match ends
	for {
		switch {
		case pi < len(p) && p[pi] == '*':
			pi++
			star, mark = pi, si
			continue
		case si == len(s):
			if pi == len(p) {
				return true
			}
		case pi < len(p):
			if n := globOne(p[pi:], s[si], fold); n > 0 {
				pi += n
				si++
				continue
			}
		}
		// No match here: let the last * take one byte more.
		if star < 0 || mark >= len(s) {
			return false
		}
		mark++
		pi, si = star, mark
	}
}

// globOne matches one byte against the pattern element at the start of p and
// returns the length of the element, 0 if it does not match.
func globOne(p string, c byte, fold bool) int {
	switch p[0] {
	case '?':
		return 1
	case '[':
		if ok, n := globSet(p, c, fold); n > 0 {
			if ok {
				return n
			}
			return 0
		}
	case '\\':
		if len(p) > 1 && sameByte(p[1], c, fold) {
			return 2
		}
		return 0
	}
	if sameByte(p[0], c, fold) {
		return 1
	}
	return 0
}

// globSet matches c against the set at the start of p. A length of 0 means that
// the set is not closed, which makes the bracket an ordinary byte.
func globSet(p string, c byte, fold bool) (ok bool, n int) {
	i := 1
	negate := i < len(p) && (p[i] == '!' || p[i] == '^')
	if negate {
		i++
	}
	for first := true; ; first = false {
		if i >= len(p) {
			return false, 0
		}
		if p[i] == ']' && !first {
			return ok != negate, i + 1
		}
		if name, ok2 := className(p[i:]); ok2 {
			ok = ok || inClass(name, c) || fold && (inClass(name, lower(c)) || inClass(name, upper(c)))
			i += len(name) + 4
			continue
		}
		lo, w := setByte(p[i:])
		if w == 0 {
			return false, 0
		}
		i += w
		hi := lo
		if i+1 < len(p) && p[i] == '-' && p[i+1] != ']' {
			if hi, w = setByte(p[i+1:]); w == 0 {
				return false, 0
			}
			i += 1 + w
		}
		ok = ok || lo <= c && c <= hi
		if fold {
			ok = ok || lo <= lower(c) && lower(c) <= hi || lo <= upper(c) && upper(c) <= hi
		}
	}
}

func setByte(p string) (c byte, width int) {
	if p[0] != '\\' {
		return p[0], 1
	}
	if len(p) < 2 {
		return 0, 0
	}
	return p[1], 2
}

// className returns the name of the character class [:name:] at the start of p.
func className(p string) (string, bool) {
	if !strings.HasPrefix(p, "[:") {
		return "", false
	}
	end := strings.Index(p[2:], ":]")
	if end < 0 {
		return "", false
	}
	return p[2 : 2+end], true
}

func inClass(name string, c byte) bool {
	switch name {
	case "alpha":
		return isLetter(c)
	case "digit":
		return isDigit(c)
	case "alnum":
		return isLetter(c) || isDigit(c)
	case "upper":
		return c >= 'A' && c <= 'Z'
	case "lower":
		return c >= 'a' && c <= 'z'
	case "xdigit":
		return isHex(c)
	case "space":
		return c == ' ' || c >= '\t' && c <= '\r'
	case "blank":
		return c == ' ' || c == '\t'
	case "cntrl":
		return c < ' ' || c == 0x7f
	case "print":
		return c >= ' ' && c < 0x7f
	case "graph":
		return c > ' ' && c < 0x7f
	case "punct":
		return c > ' ' && c < 0x7f && !isLetter(c) && !isDigit(c)
	}
	return false
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

func sameByte(a, b byte, fold bool) bool {
	return a == b || fold && lower(a) == lower(b)
}

// globTest returns a test for the pattern p, a plain comparison where its shape
// allows one.
func globTest(p string, fold bool) func(string) bool {
	if body, ok := strings.CutSuffix(p, "*"); !fold && ok && !hasGlob(body) {
		return func(s string) bool { return strings.HasPrefix(s, body) }
	}
	if body, ok := strings.CutPrefix(p, "*"); !fold && ok && !hasGlob(body) {
		return func(s string) bool { return strings.HasSuffix(s, body) }
	}
	if len(p) > 2 && p[0] == '*' && p[len(p)-1] == '*' && !fold && !hasGlob(p[1:len(p)-1]) {
		body := p[1 : len(p)-1]
		return func(s string) bool { return strings.Contains(s, body) }
	}
	if !fold && !hasGlob(p) {
		return func(s string) bool { return s == p }
	}
	return func(s string) bool { return globMatch(p, s, fold) }
}

// hasGlob reports whether p holds a byte that is special in patterns.
func hasGlob(p string) bool { return strings.ContainsAny(p, `*?[\`) }
