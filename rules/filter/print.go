package filter

import (
	"unicode/utf8"
)

// String returns the canonical text of n. Parsing it gives a tree Equal to n.
// Expanded macros print as their body.
func String(n Node) string { return string(AppendNode(nil, n)) }

// AppendNode appends the canonical text of n to dst.
func AppendNode(dst []byte, n Node) []byte {
	switch n := n.(type) {
	case *And:
		return appendGroup(dst, " and ", n.Kids)
	case *Or:
		return appendGroup(dst, " or ", n.Kids)
	case *Not:
		return AppendNode(append(dst, "not "...), n.Kid)
	case *MacroRef:
		if n.Body != nil {
			return AppendNode(dst, n.Body)
		}
		return append(dst, n.Name...)
	case *Check:
		return appendCheck(dst, n)
	}
	return dst
}

func appendGroup(dst []byte, sep string, kids []Node) []byte {
	dst = append(dst, '(')
	for i, k := range kids {
		if i > 0 {
			dst = append(dst, sep...)
		}
		dst = AppendNode(dst, k)
	}
	return append(dst, ')')
}

func appendCheck(dst []byte, c *Check) []byte {
	dst = AppendOperand(dst, c.Left)
	dst = append(dst, ' ')
	dst = append(dst, c.Op.String()...)
	if c.Op == OpExists {
		return dst
	}
	dst = append(dst, ' ')
	if c.Mod != ModNone {
		dst = append(dst, c.Mod.String()...)
		dst = append(dst, ' ')
	}
	switch {
	case c.Right != nil:
		if f, ok := c.Right.(*Field); ok {
			return append(appendField(append(dst, "val("...), f), ')')
		}
		return AppendOperand(dst, c.Right)
	case c.ListRef != "":
		return append(dst, c.ListRef...)
	case c.Op.TakesList() || c.Mod != ModNone:
		return appendValues(dst, c.Values)
	}
	for _, v := range c.Values {
		dst = appendValue(dst, v.Text)
	}
	return dst
}

func appendValues(dst []byte, vs []Literal) []byte {
	dst = append(dst, '(')
	for i, v := range vs {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendValue(dst, v.Text)
	}
	return append(dst, ')')
}

// AppendOperand appends the canonical text of o to dst.
func AppendOperand(dst []byte, o Operand) []byte {
	switch o := o.(type) {
	case *Field:
		return appendField(dst, o)
	case *Literal:
		if o.Number {
			return append(dst, o.Text...)
		}
		return appendQuoted(dst, o.Text)
	case *CallList:
		dst = append(dst, '(')
		dst = appendOperands(dst, o.Items)
		return append(dst, ')')
	case *Call:
		dst = append(dst, o.Func...)
		dst = append(dst, '(')
		dst = appendOperands(dst, o.Args)
		dst = append(dst, ')')
		if o.HasSel {
			dst = appendArg(dst, o.Sel)
		}
	}
	return dst
}

func appendOperands(dst []byte, os []Operand) []byte {
	for i, o := range os {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendOperand(dst, o)
	}
	return dst
}

func appendField(dst []byte, f *Field) []byte {
	dst = append(dst, f.Name...)
	if f.HasArg {
		dst = appendArg(dst, f.Arg)
	}
	return dst
}

func appendArg(dst []byte, arg string) []byte {
	dst = append(dst, '[')
	if arg != "" && bareLen(arg, argClass) == len(arg) && printable(arg) {
		dst = append(dst, arg...)
	} else {
		dst = appendQuoted(dst, arg)
	}
	return append(dst, ']')
}

// appendValue writes a literal, quoted only where bare text would not do.
func appendValue(dst []byte, s string) []byte {
	if s == "" || !bareValue(s) {
		return appendQuoted(dst, s)
	}
	return append(dst, s...)
}

func bareValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			return false
		}
	}
	return bareLen(s, valueClass) == len(s) && printable(s)
}

// printable reports whether s is valid UTF-8 without control characters.
func printable(s string) bool {
	for i, r := range s {
		if r < ' ' || r == 0x7f {
			return false
		}
		if r == utf8.RuneError {
			if _, w := utf8.DecodeRuneInString(s[i:]); w == 1 {
				return false
			}
		}
	}
	return true
}

// Quote returns s as a quoted literal.
func Quote(s string) string { return string(appendQuoted(nil, s)) }

func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, w := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || w > 1 {
				dst = append(dst, s[i:i+w]...)
				i += w
				continue
			}
		}
		switch e := shortEscape(c); {
		case e != 0:
			dst = append(dst, '\\', e)
		case c < ' ' || c >= 0x7f:
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}

// shortEscape returns the letter that stands for c after a backslash, 0 if none.
func shortEscape(c byte) byte {
	switch c {
	case '\\', '"':
		return c
	case '\b':
		return 'b'
	case '\f':
		return 'f'
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	}
	return 0
}

// Equal reports whether a and b are the same expression: the same shape,
// operators and texts. Places and quoting do not count, and an expanded macro
// equals its body.
func Equal(a, b Node) bool {
	// Canonical text is injective by construction (every composite is
	// delimited, every literal that could be read otherwise is quoted).
	return String(a) == String(b)
}
