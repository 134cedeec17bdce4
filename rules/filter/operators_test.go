package filter

import (
	"errors"
	"strings"
	"testing"
)

// TestOperatorsByType checks section 5 of the specification: every operator
// against a field of every type, with the operators that the type must allow.
func TestOperatorsByType(t *testing.T) {
	const (
		number   = "= == != < <= > >= in intersects exists"
		equality = "= == != in intersects exists"
		text     = "= == != < <= > >= contains icontains startswith endswith glob iglob pmatch regex in intersects exists"
		bytes    = "= == != contains startswith endswith bcontains bstartswith in intersects exists"
	)
	for _, c := range []struct {
		field, typ, allowed, literal string
	}{
		{"evt.cpu", "INT16", number, "1"},
		{"fd.dev", "INT32", number, "1"},
		{"proc.pid", "INT64", number, "1"},
		{"evt.count", "UINT32", number, "1"},
		{"evt.num", "UINT64", number, "2"},
		{"evt.rawarg.fd", "FD", number, "1"},
		{"evt.rawarg.res", "ERRNO", number, "1"},
		{"evt.rawarg.pid", "PID", number, "1"},
		{"evt.rawarg.ID", "SYSCALLID", number, "1"},
		{"evt.rawarg.nativeID", "UINT16", number, "1"},
		{"evt.rawarg.core", "UINT8", number, "1"},
		{"evt.rawarg.quota_fmt", "FLAGS8", number, "1"},
		{"evt.rawarg.op", "FLAGS16", number, "1"},
		{"evt.rawarg.whence", "ENUMFLAGS8", number, "1"},
		{"evt.rawarg.opcode", "ENUMFLAGS16", number, "1"},
		{"evt.rawarg.sig", "SIGTYPE", number, "1"},
		{"evt.reltime", "RELTIME", number, "1"},
		{"evt.rawtime", "ABSTIME", number, "1"},
		{"fd.sport", "PORT", number, "1"},
		{"evt.rawarg.flags", "FLAGS32", number, "1"},
		{"evt.rawarg.domain", "ENUMFLAGS32", number, "1"},
		{"proc.fdusage", "DOUBLE", number, "1.5"},
		{"evt.failed", "BOOL", equality, "true"},
		{"proc.name", "CHARBUF", text, "1"},
		{"evt.rawarg.path", "FSPATH", text, "1"},
		{"evt.rawarg.pathname", "FSRELPATH", text, "1"},
		{"evt.buffer", "BYTEBUF", bytes, "00"},
		{"fd.sip", "IPADDR", equality, "1.2.3.4"},
		{"fd.ip", "IPADDR", equality, "1.2.3.4"},
		{"fd.snet", "IPNET", equality, "1.2.3.0/24"},
		{"fd.types", "CHARBUF", "in intersects exists", "file"},
		{"evt.rawarg.addr", "SOCKADDR", "exists", "1"},
		{"evt.rawarg.ruid", "UID", "exists", "1"},
		{"evt.rawarg.rgid", "GID", "exists", "1"},
	} {
		t.Run(c.typ+"/"+c.field, func(t *testing.T) {
			s, err := NewCompiler().source(&Field{Name: c.field})
			if err != nil {
				t.Fatal(err)
			}
			if got := typeName(s.typ); got != c.typ {
				t.Errorf("%s has type %s, the table says %s", c.field, got, c.typ)
			}
			allowed := make(map[string]bool)
			for _, op := range strings.Fields(c.allowed) {
				allowed[op] = true
			}
			for _, op := range Operators() {
				rhs := " " + c.literal
				switch {
				case op == "exists":
					rhs = ""
				case OpByName(op).TakesList():
					rhs = " (" + c.literal + ")"
				case OpByName(op) >= OpLt && OpByName(op) <= OpGe:
					rhs = " 1" // the grammar takes numbers only
				}
				_, err := CompileText(c.field + " " + op + rhs)
				var ce *CompileError
				switch {
				case allowed[op] && err != nil:
					t.Errorf("%s: %v", op, err)
				case !allowed[op] && (!errors.As(err, &ce) || ce.Code != ErrCodeOperator):
					t.Errorf("%s: got error %v, want one about the operator", op, err)
				}
			}
		})
	}
}

// TestModifiersByOperator checks section 5.5: which operators take a modifier.
func TestModifiersByOperator(t *testing.T) {
	for _, op := range Operators() {
		_, err := CompileText("proc.name " + op + " anyof (a)")
		if op == "bcontains" || op == "bstartswith" {
			_, err = CompileText("evt.buffer " + op + " anyof (00)")
		}
		o := OpByName(op)
		want := o != OpExists && !o.TakesList() && (o < OpLt || o > OpGe)
		if (err == nil) != want {
			t.Errorf("%s: got %v", op, err)
		}
	}
}

func TestModifierTruth(t *testing.T) {
	ev := openatEvent(t) // proc.name is bash
	for _, c := range []struct {
		items              string
		anyof, allof, once bool
	}{
		{"()", false, false, false},
		{"(bash)", true, true, true},
		{"(sh)", false, false, false},
		{"(bash, sh)", true, false, true},
		{"(bash, bash)", true, true, false},
	} {
		for mod, want := range map[string]bool{"anyof": c.anyof, "allof": c.allof, "oneof": c.once} {
			if got := mustCompile(t, "proc.name = "+mod+" "+c.items).Match(ev); got != want {
				t.Errorf("%s %s: got %v, want %v", mod, c.items, got, want)
			}
		}
	}
}

func TestLargeListsAgree(t *testing.T) {
	ev, sock := openatEvent(t), writeEvent(t)
	list := func(n int, item func(int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(item(i) + ", ")
		}
		return b.String()
	}
	for _, n := range []int{1, 5, 20, 2000} {
		word := list(n, func(i int) string { return "w" + itoa(i) })
		num := list(n, func(i int) string { return itoa(100 + i) })
		addr := list(n, func(i int) string { return "11.0." + itoa(i/250) + "." + itoa(i%250) })
		net := list(n, func(i int) string { return "11." + itoa(i/250) + "." + itoa(i%250) + ".0/24" })
		for text, want := range map[string]bool{
			"proc.name in (" + word + "bash)": true,
			"proc.name in (" + word + "bas)":  false,
			"proc.pid in (" + num + "10)":     true,
			"proc.pid in (" + num + "11)":     false,
		} {
			if got := mustCompile(t, text).Match(ev); got != want {
				t.Errorf("%d items, %.24s...: got %v", n, text, got)
			}
		}
		for text, want := range map[string]bool{
			"fd.sip in (" + addr + "93.184.216.34)":   true,
			"fd.sip in (" + addr + "93.184.216.35)":   false,
			"fd.snet in (" + net + "93.184.216.0/24)": true,
			"fd.snet in (" + net + "93.185.0.0/16)":   false,
			"fd.net in (" + net + "10.0.0.0/24)":      true,
		} {
			if got := mustCompile(t, text).Match(sock); got != want {
				t.Errorf("%d items, %.24s...: got %v", n, text, got)
			}
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		p, s string
		want bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"**", "abc", true}, {"?", "", false},
		{"a*b*c", "aXbYc", true}, {"a*b*c", "aXbY", false}, {"*a*a*a*a*b", strings.Repeat("a", 60), false},
		{"[abc]", "b", true}, {"[!abc]", "b", false}, {"[^abc]", "d", true}, {"[a-c]x", "bx", true},
		{"[]a]", "]", true}, {"[!]a]", "]", false}, {"[a-]", "-", true}, {"[", "[", true}, {"[a", "[a", true},
		{"[[:digit:]]*", "4x", true}, {"[[:upper:]]", "x", false}, {`\*`, "*", true}, {`\*`, "a", false},
		{`[\]]`, "]", true}, {`a\`, `a\`, false}, {"*.log", ".log", true}, {"/a/*", "/a/b/c", true},
		{"?", "\xff", true}, {"a?c", "a/c", true},
	} {
		if got := globMatch(c.p, c.s, false); got != c.want {
			t.Errorf("glob %q on %q: got %v", c.p, c.s, got)
		}
		if got := globTest(c.p, false)(c.s); got != c.want {
			t.Errorf("compiled glob %q on %q: got %v", c.p, c.s, got)
		}
	}
	if !globMatch("[A-C]X*", "bxY", true) || globMatch("[A-C]X*", "bxY", false) {
		t.Error("case folding")
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}
