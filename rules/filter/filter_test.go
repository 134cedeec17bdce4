package filter

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sysreel/sysreel/replay"
)

// sameTree compares trees without places and the kind of quoting.
var sameTree = cmp.Options{
	cmpopts.IgnoreTypes(Position{}),
	cmpopts.IgnoreFields(Literal{}, "Quoted"),
}

func mustParse(t testing.TB, text string) Node {
	t.Helper()
	n, err := Parse(text, ParseOptions{Macros: true})
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return n
}

func mustCompile(t testing.TB, text string) *Filter {
	t.Helper()
	f, err := CompileText(text)
	if err != nil {
		t.Fatalf("CompileText(%q): %v", text, err)
	}
	return f
}

func TestCases(t *testing.T) {
	events := map[string]*replay.Event{
		"": openatEvent(t), "write": writeEvent(t), "fsync": fsyncEvent(t), "async": asyncEvent(t),
	}
	for _, c := range filterCases {
		t.Run(c.spec+"/"+c.text, func(t *testing.T) {
			n := mustParse(t, c.text)
			canon := c.canon
			if canon == "" {
				canon = c.text
			}
			if got := String(n); got != canon {
				t.Errorf("canonical text\ngot  %s\nwant %s", got, canon)
			}
			again := mustParse(t, String(n))
			if diff := cmp.Diff(n, again, sameTree); diff != "" {
				t.Errorf("parsing the canonical text gives another tree:\n%s", diff)
			}
			f := mustCompile(t, c.text)
			if got := f.Match(events[c.on]); got != c.want {
				t.Errorf("got %v, want %v; %+v", got, c.want, f.Explain(events[c.on]))
			}
			if got := f.Explain(events[c.on]).Truth; got != c.want {
				t.Errorf("Explain says %v, want %v", got, c.want)
			}
			var warned WarningCode
			for _, w := range f.Warnings {
				warned = w.Code
			}
			if warned != c.warn {
				t.Errorf("got warning %d, want %d: %v", warned, c.warn, f.Warnings)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, c := range errorCases {
		t.Run(c.spec+"/"+c.text, func(t *testing.T) {
			_, err := CompileText(c.text)
			if err == nil {
				t.Fatal("no error")
			}
			if err.Error() != c.msg {
				t.Errorf("\ngot  %s\nwant %s", err, c.msg)
			}
		})
	}
}

func TestErrorIdentity(t *testing.T) {
	_, err := CompileText("proc.name = x or no.such = y")
	var ce *CompileError
	if !errors.As(err, &ce) || !errors.Is(err, replay.ErrUnknownField) || ce.Code != ErrCodeUnknownField {
		t.Errorf("unknown field: got %#v", err)
	}
	if want := "proc.name = x or no.such = y\n                 ^"; ce.Snippet != want {
		t.Errorf("snippet:\n%s\nwant:\n%s", ce.Snippet, want)
	}
	_, err = CompileText("evt.type = nothing")
	if !errors.Is(err, ErrUnknownEventType) || !errors.As(err, &ce) || ce.Code != ErrCodeUnknownEventType {
		t.Errorf("unknown event type: got %#v", err)
	}
	n := mustParse(t, "some_macro")
	if _, _, err = NewCompiler().Compile(n); !errors.As(err, &ce) || ce.Code != ErrCodeMacro {
		t.Errorf("macro: got %#v", err)
	}
}

func TestIncomplete(t *testing.T) {
	for text, want := range map[string]bool{
		"":                          true,
		"proc":                      true,
		"proc.":                     true,
		"proc.name":                 true,
		"proc.name sta":             true,
		"proc.name startswith":      true,
		"proc.name = ":              true,
		"proc.name = 'a":            true,
		`proc.name = "a\`:           true,
		"proc.name in (a":           true,
		"proc.name in (a,":          true,
		"(proc.name = a":            true,
		"proc.name = a an":          true,
		"proc.name = a and":         true,
		"proc.name = a and not":     true,
		"proc.name = val(":          true,
		"proc.name = val(proc.name": true,
		"tolower(":                  true,
		"proc.aname[":               true,
		"proc.aname[2":              true,
		"proc.name foo x":           false,
		"proc.name = a)":            false,
		"proc.name = a b":           false,
		"proc.name in (a,)":         false,
		`proc.name = "\q"`:          false,
		"abc = 3":                   false,
	} {
		_, err := Parse(text, ParseOptions{})
		var pe *ParseError
		if !errors.As(err, &pe) {
			t.Errorf("%q: got %v, want a ParseError", text, err)
		} else if pe.Incomplete != want {
			t.Errorf("%q: incomplete %v, want %v: %v", text, pe.Incomplete, want, pe)
		}
	}
}

func TestNestingLimit(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "proc.name = a" + strings.Repeat(")", n) }
	for _, c := range []struct {
		depth, limit int
		ok           bool
	}{{100, 0, true}, {101, 0, false}, {1000, RuleMaxDepth, true}, {1001, RuleMaxDepth, false}} {
		if _, err := Parse(deep(c.depth), ParseOptions{MaxDepth: c.limit}); (err == nil) != c.ok {
			t.Errorf("depth %d, limit %d: got %v", c.depth, c.limit, err)
		}
	}
	calls := strings.Repeat("tolower(", 200) + "proc.name" + strings.Repeat(")", 200) + " = a"
	if _, err := Parse(calls, ParseOptions{}); err == nil {
		t.Error("200 nested calls: no error")
	}
	if _, err := Parse(strings.Repeat("not ", 5000)+"proc.name = a", ParseOptions{}); err != nil {
		t.Errorf("many nots: %v", err)
	}
}

func TestPositions(t *testing.T) {
	n := mustParse(t, "evt.type = open and\n  not (proc.name in (a,\n b) or some_macro)")
	var got []string
	Walk(n, func(n Node) bool {
		got = append(got, n.Pos().String())
		if c, ok := n.(*Check); ok {
			got = append(got, c.OpPos.String())
			for _, v := range c.Values {
				got = append(got, v.At.String())
			}
		}
		return true
	})
	want := []string{"1:1", "1:1", "1:10", "1:12", "2:3", "2:8", "2:8", "2:18", "2:22", "3:2", "3:8"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("positions (-want +got):\n%s", diff)
	}
}

func TestSnippet(t *testing.T) {
	long := strings.Repeat("x", 100) + "HERE" + strings.Repeat("y", 100)
	got := Snippet("first\n"+long+"\nlast", 6+100)
	want := "..." + strings.Repeat("x", 60) + "HERE" + strings.Repeat("y", 56) + "...\n" + strings.Repeat(" ", 63) + "^"
	if got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	if got := Snippet("a\x1b[31mé = x", 9); got != "a?[31mé = x\n        ^" {
		t.Errorf("got %q", got)
	}
}
