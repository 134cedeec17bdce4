package filter

import (
	"strings"
	"sync"

	"github.com/sysreel/sysreel/replay"
)

// warn returns the warnings about a check.
func warn(c *Check) []Warning {
	var out []Warning
	add := func(v Literal, code WarningCode, msg, hint string) {
		out = append(out, Warning{Position: v.At, Code: code, Msg: msg, Hint: hint})
	}
	for _, v := range c.Values {
		switch {
		case isFieldText(v.Text):
			add(v, WarnFieldAsText, Quote(v.Text)+" is the name of a field, but compared as text", "val("+v.Text+") compares with the field")
		case isCallText(v.Text):
			add(v, WarnCallAsText, Quote(v.Text)+" looks like a call, but is compared as text", "remove the quotes to call it")
		}
		if c.Op == OpRegex {
			if op, plain := plainRegex(v.Text); plain {
				add(v, WarnPlainRegex, "the regular expression "+Quote(v.Text)+" has nothing special in it", "the operator "+op.String()+" is faster")
			}
		}
		if isTypeField(c.Left) && c.Right == nil {
			if info := typeNames()[v.Text]; info != nil && info.possible == (bitset{}) {
				add(v, WarnSyscallAlias, "no event has the type "+Quote(v.Text), "events of this call have another name; 'sysreel syscalls' tells which")
			}
		}
	}
	return out
}

// isCallText reports whether s looks like the call of a transformer.
func isCallText(s string) bool {
	name, _, ok := strings.Cut(s, "(")
	return ok && strings.HasSuffix(s, ")") && (name == "val" || transformerByName(name) != nil)
}

// isFieldText reports whether s is the text of a known field.
func isFieldText(s string) bool {
	n := fieldNameLen(s)
	if n == 0 || n < len(s) && s[n] != '[' {
		return false
	}
	class, _, _ := strings.Cut(s, ".")
	if !fieldClasses()[class] { // spares Resolve, which looks for similar names
		return false
	}
	_, err := replay.Resolve(s)
	return err == nil
}

// fieldClasses are the first parts of field names: evt, proc, fd, ...
var fieldClasses = sync.OnceValue(func() map[string]bool {
	m := make(map[string]bool)
	for _, f := range replay.Fields() {
		class, _, _ := strings.Cut(f.Name, ".")
		m[class] = true
	}
	return m
})
