package filter

import "strings"

// charClass says which bytes may stand in a run of bare text.
type charClass [256]bool

var (
	// valueClass is bare literal text. Blanks end it; so do vertical tab and
	// form feed, which are not blanks either.
	valueClass = classWithout("()\"'=, \t\b\r\n\v\f")
	// argClass is a bare argument in brackets.
	argClass = classWithout("[]\"' \t\b\r\n\v\f")
)

func classWithout(chars string) *charClass {
	var c charClass
	for i := range c {
		c[i] = strings.IndexByte(chars, byte(i)) < 0
	}
	return &c
}

// bareLen returns the length of the run of class c at the start of s.
func bareLen(s string, c *charClass) int {
	i := 0
	for i < len(s) && c[s[i]] {
		i++
	}
	return i
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n'
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdent(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

// identLen returns the length of the identifier at the start of s, 0 if there
// is none.
func identLen(s string) int {
	if s == "" || !isLetter(s[0]) {
		return 0
	}
	i := 1
	for i < len(s) && isIdent(s[i]) {
		i++
	}
	return i
}

// fieldNameLen returns the length of the dotted name at the start of s, 0 if
// there is none. A plain identifier is no field name.
func fieldNameLen(s string) int {
	n, dots := identLen(s), 0
	for n > 0 && n < len(s) && s[n] == '.' {
		k := identLen(s[n+1:])
		if k == 0 {
			break
		}
		n += 1 + k
		dots++
	}
	if dots == 0 {
		return 0
	}
	return n
}

// numberLen returns the length of the number at the start of s, 0 if there is
// none: decimal with optional sign, fraction and signed exponent, or hex.
func numberLen(s string) int {
	i := 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	if i == 0 && len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' && isHex(s[2]) {
		for i = 3; i < len(s) && isHex(s[i]); i++ {
		}
		return i
	}
	d := digits(s[i:])
	if d == 0 {
		return 0
	}
	i += d
	if i < len(s) && s[i] == '.' {
		if d := digits(s[i+1:]); d > 0 {
			i += 1 + d
		}
	}
	if i+1 < len(s) && s[i]|0x20 == 'e' && (s[i+1] == '+' || s[i+1] == '-') {
		if d := digits(s[i+2:]); d > 0 {
			i += 2 + d
		}
	}
	return i
}

func digits(s string) int {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func hexVal(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// unquote reads the quoted literal at the start of s, which begins with a quote.
// It returns the text and the length of the literal. When the literal is faulty,
// msg says why, n is the offset of the fault and open whether the text ended
// before the literal did.
func unquote(s string) (text string, n int, msg string, open bool) {
	quote := s[0]
	i := 1
	for i < len(s) && s[i] != quote && s[i] != '\\' {
		i++
	}
	if i < len(s) && s[i] == quote { // the common case has no escapes
		return s[1:i], i + 1, "", false
	}
	b := []byte(s[1:i])
	for i < len(s) {
		c := s[i]
		if c == quote {
			return string(b), i + 1, "", false
		}
		if c != '\\' {
			b = append(b, c)
			i++
			continue
		}
		v, w, msg := unescape(s[i:], quote)
		if msg != "" {
			return "", i, msg, false
		}
		if w == 0 {
			break
		}
		b = append(b, v)
		i += w
	}
	return "", 0, "quoted text has no end", true
}

// unescape reads the escape sequence at the start of s. A width of 0 means that
// s ends inside it.
func unescape(s string, quote byte) (v byte, width int, msg string) {
	if len(s) < 2 {
		return 0, 0, ""
	}
	switch c := s[1]; c {
	case '\\', '/':
		return c, 2, ""
	case quote:
		return c, 2, ""
	case 'b':
		return '\b', 2, ""
	case 'f':
		return '\f', 2, ""
	case 'n':
		return '\n', 2, ""
	case 'r':
		return '\r', 2, ""
	case 't':
		return '\t', 2, ""
	case ' ': // an old rule needs it: the backslash stays, the blank goes
		return '\\', 2, ""
	case 'x':
		if len(s) >= 4 && isHex(s[2]) && isHex(s[3]) {
			return hexVal(s[2])<<4 | hexVal(s[3]), 4, ""
		}
		if len(s) < 4 && (len(s) < 3 || isHex(s[2])) {
			return 0, 0, ""
		}
		return 0, 0, `escape \x needs two hex digits`
	case '"', '\'':
		return 0, 0, "only the quote that encloses the text may be escaped"
	}
	return 0, 0, "unknown escape sequence " + Quote(s[:2])
}
