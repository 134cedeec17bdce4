package rules

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestHostileFiles: files made to exhaust the loader end in a clear error, or
// load, quickly.
func TestHostileFiles(t *testing.T) {
	bombRow := "[" + strings.TrimSuffix(strings.Repeat("*v, ", 1000), ", ") + "]"
	bomb := "- list: seed\n  items: &v [" + strings.TrimSuffix(strings.Repeat("x, ", 1000), ", ") + "]\n" +
		rule("r", "evt.type=open", "exceptions:", "  - name: e", "    fields: [proc.name]", "    values: [&w "+bombRow+"]",
			"  - name: f", "    fields: [proc.name]", "    values: ["+strings.TrimSuffix(strings.Repeat("*w, ", 1000), ", ")+"]")

	var doubling strings.Builder
	doubling.WriteString("- macro: m0\n  condition: (proc.name=a)\n")
	for i := 1; i <= 40; i++ {
		fmt.Fprintf(&doubling, "- macro: m%d\n  condition: (m%d and fd.name=b or m%d)\n", i, i-1, i-1)
	}
	doubling.WriteString(rule("r", "evt.type=open and m40"))

	var chain strings.Builder
	chain.WriteString("- macro: m0\n  condition: (proc.name=a)\n")
	for i := 1; i <= 20000; i++ {
		fmt.Fprintf(&chain, "- macro: m%d\n  condition: (m%d)\n", i, i-1)
	}
	chain.WriteString(rule("r", "evt.type=open and m20000"))

	var cycle strings.Builder
	for range 2 {
		for i := range 50 {
			fmt.Fprintf(&cycle, "- macro: c%d\n  condition: (c%d or evt.type=open)\n", i, (i+1)%50)
		}
	}

	huge := "- list: l\n  items: [" + strings.TrimSuffix(strings.Repeat("an-item, ", 200_000), ", ") + "]\n" + rule("r", "evt.type=open and proc.name in (l)")

	for _, tt := range []struct{ name, yaml, want string }{
		{"alias bomb", bomb, "more than 2097152 values"},
		{"self-containing alias", "- list: l\n  items: &a [x, *a]\n", "element of 'items' is a sequence"},
		{"self-containing exception", rule("r", "evt.type=open", "exceptions: &a [{name: e, fields: [proc.name], values: *a}]"), "exception value is a mapping"},
		{"doubling macros", doubling.String(), "too large after macro expansion"},
		{"long chain of macros", chain.String(), "too large after macro expansion"},
		{"cyclic macros", cycle.String(), "refers to itself"},
		{"huge list", huge, ""},
		{"deep parentheses", rule("r", "evt.type=open and "+strings.Repeat("(", 5000)+"proc.name=a"+strings.Repeat(")", 5000)), "nested deeper"},
		{"many nots", rule("r", "evt.type=open and "+strings.Repeat("not ", 100_001)+"proc.name=a"), ""},
		{"deep yaml", strings.Repeat("[", 20000), "exceeded max depth"},
		{"binary", "\x00\x01\x02", "control characters are not allowed"},
		{"invalid UTF-8", "- rule: \xff\xfe\n", "invalid"},
		{"only comments", "# nothing\n", ""},
		{"empty", "", ""},
		{"null documents", "---\n---\n~\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, rep := loadTexts(LoadOptions{Lint: true}, tt.yaml)
			got := ""
			if !rep.OK() {
				got = rep.Files[0].Errors[0].Message
			}
			if (tt.want == "") != rep.OK() || !strings.Contains(got, tt.want) {
				t.Errorf("got %.300q, want %q", got, tt.want)
			}
		})
	}
}

// TestLongLine: a snippet of a very long line is a window around the place.
func TestLongLine(t *testing.T) {
	_, rep := loadTexts(LoadOptions{}, rule("r", "evt.type=open and "+strings.Repeat("proc.name=a and ", 500)+"proc.nme=b"))
	p := rep.Files[0].Errors[0]
	lines := strings.Split(p.Snippet, "\n")
	if len(lines[0]) > 200 || !strings.Contains(lines[0], "proc.nme") || strings.Index(lines[0], "proc.nme") != strings.Index(lines[1], "^") {
		t.Errorf("snippet:\n%s", p.Snippet)
	}
}

// TestPlaces: errors inside scalars of every YAML style point at the right
// character of the file.
func TestPlaces(t *testing.T) {
	for _, tt := range []struct{ name, cond, at string }{
		{"plain", "evt.type=open and proc.nme=a", "3:32"},
		{"plain over lines", "evt.type=open and\n     proc.nme=a", "4:6"},
		{"single quotes", "'evt.type=open and proc.name=\"it''s\" and proc.nme=a'", "3:55"},
		{"double quotes", `"evt.type=open and proc.name=\"a\x41\u00e9\" and proc.nme=a"`, "3:63"},
		{"double quotes, folded", "\"evt.type=open\n     and \\\n     proc.nme=a\"", "5:6"},
		{"folded", ">\n    evt.type=open\n\n      and proc.nme=a", "6:11"},
		{"literal", "|\n    evt.type=open\n    and proc.nme=a", "5:9"},
		{"literal, indentation indicator", "|2-  # comment\n      evt.type=open\n      and proc.nme=a", "5:11"},
		{"anchor", "&c evt.type=open and proc.nme=a", "3:35"},
		{"after non-ASCII", "'evt.type=open and proc.name=é€ and proc.nme=a'", "3:50"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, rep := loadTexts(LoadOptions{}, "- rule: r\n  desc: d\n  condition: "+tt.cond+"\n  output: o\n  priority: info\n")
			if rep.OK() || len(rep.Files[0].Errors) != 1 {
				t.Fatalf("%s", rep.AppendText(nil))
			}
			at := rep.Files[0].Errors[0].At()
			if got := fmt.Sprintf("%d:%d", at.Line, at.Column); got != tt.at {
				t.Errorf("got %s, want %s\n%s", got, tt.at, rep.AppendText(nil))
			}
		})
	}
}

// TestPlacesAcrossTexts: errors in macros, list items, appended texts and
// exception values are shown where they stand, not where they are used.
func TestPlacesAcrossTexts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files []string
		at    string
	}{
		{"macro", []string{"- macro: m\n  condition: (evt.type=open and proc.nme=a)\n" + rule("r", "m")}, "a.yaml:2:33"},
		{"macro of an earlier file", []string{"- macro: m\n  condition: (proc.nme=a)\n", rule("r", "evt.type=open and m")}, "a.yaml:2:15"},
		{"second document", []string{"# comment\n---\n" + rule("q", "evt.type=open") + "---\n" + rule("r", "evt.type=open and proc.nme=a")}, "a.yaml:11:32"},
		{"Windows line ends", []string{strings.ReplaceAll("- rule: r\n  desc: d\n  condition: >\n    evt.type=open\n    and proc.nme=a\n  output: o\n  priority: info\n", "\n", "\r\n")}, "a.yaml:5:9"},
		{"alias", []string{"- macro: m\n  condition: &c evt.type=open and proc.nme=a\n- macro: n\n  condition: *c\n" + rule("r", "m or n")}, "a.yaml:2:35"},
		{"list item", []string{"- list: l\n  items:\n    - 1\n    - x\n" + rule("r", "evt.type=open and proc.pid in (l)")}, "a.yaml:4:7"},
		{"appended condition", []string{rule("r", "evt.type=open"), "- rule: r\n  condition: and proc.nme=a\n  override: {condition: append}\n"}, "b.yaml:2:18"},
		{"appended output", []string{rule("r", "evt.type=open"), "- rule: r\n  output: more %no.such\n  override: {output: append}\n"}, "b.yaml:2:17"},
		{"exception value", []string{rule("r", "evt.type=open", "exceptions:", "  - {name: e, fields: [proc.pid], values: [[1], [x]]}")}, "a.yaml:7:53"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, rep := loadTexts(LoadOptions{}, tt.files...)
			if rep.OK() {
				t.Fatal("no error")
			}
			for _, f := range rep.Files {
				for _, p := range f.Errors {
					at := p.At()
					if got := fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Column); got != tt.at {
						t.Errorf("got %s, want %s\n%s", got, tt.at, rep.AppendText(nil))
					}
				}
			}
		})
	}
}

// TestLint: one row per advice.
func TestLint(t *testing.T) {
	for _, tt := range []struct {
		name string
		code Code // "": no advice at all
		yaml string
	}{
		{"contradictory values", LintContradiction, rule("r", "evt.type=open and proc.name=a and proc.name=b")},
		{"contradiction through a macro", LintContradiction, "- macro: m\n  condition: (proc.name in (a, b))\n" + rule("r", "evt.type=open and m and not proc.name in (b, a)")},
		{"value and absence", LintContradiction, rule("r", "evt.type=open and not fd.name exists and fd.name contains x")},
		{"several values allowed", "", rule("r", "evt.type=open and proc.aname=a and proc.aname=b")},
		{"alternatives", "", rule("r", "evt.type=open and (proc.name=a or proc.name=b)")},
		{"no event type left", LintNeverMatches, rule("r", "evt.type=open and (evt.type=close or evt.type=read)")},
		{"empty list", LintNeverMatches, "- list: l\n  items: []\n" + rule("r", "evt.type=open and proc.name in (l)")},
		{"empty list negated", "", "- list: l\n  items: []\n" + rule("r", "evt.type=open and not proc.name in (l)")},
		{"never true on purpose", "", "- macro: never_true\n  condition: (evt.num=0)\n" + rule("r", "evt.type=open and never_true")},
		{"shadowed", LintShadowed, rule("a", "evt.type=open") + rule("b", "evt.type=open and proc.name=x")},
		{"not shadowed", "", rule("a", "evt.type=open and proc.name=x") + rule("b", "evt.type=open")},
		{"not shadowed by a disabled rule", "", rule("a", "evt.type=open", "enabled: false") + rule("b", "evt.type=open and proc.name=x")},
		{"repeated exception values", LintDupException, rule("r", "evt.type=open", "exceptions: [{name: e, fields: [proc.name], values: [[a], [b], [a]]}]")},
		{"repeated item", LintDupItem, "- list: l\n  items: [a, a]\n" + rule("r", "evt.type=open and proc.name in (l)")},
		{"repeated key", LintDupKey, rule("r", "evt.type=open", "desc: again")},
		{"list defined later", LintNestedListText, "- list: l\n  items: [k]\n- list: k\n  items: [a]\n" + rule("r", "evt.type=open and proc.name in (l, k)")},
		{"list two levels deep", LintNestedListText, "- list: a\n  items: [x]\n- list: b\n  items: [a]\n- list: c\n  items: [b]\n" + rule("r", "evt.type=open and proc.name in (a, b, c)")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, rep := loadTexts(LoadOptions{Lint: true}, tt.yaml)
			var codes []Code
			for _, p := range rep.Files[0].Warnings {
				codes = append(codes, p.Code)
			}
			if !rep.OK() || fmt.Sprint(codes) != fmt.Sprint([]Code{tt.code}) && !(tt.code == "" && len(codes) == 0) {
				t.Errorf("got %v, want %q:\n%s", codes, tt.code, rep.AppendText(nil))
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	for _, tt := range conformance {
		f.Add(tt.yaml)
	}
	for _, tt := range vectors {
		f.Add(strings.Join(tt.files, "---\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, rep := loadTexts(LoadOptions{Lint: true}, text)
		if (set != nil) != rep.OK() {
			t.Fatalf("set %v, report OK %v", set != nil, rep.OK())
		}
		for _, p := range append(rep.Files[0].Errors, rep.Files[0].Warnings...) {
			at := p.At()
			if at.File != "a.yaml" || at.Line < 1 || at.Column < 1 || at.Offset < 0 || at.Offset > len(text) {
				t.Errorf("place of %q: %+v", p.Message, at)
			}
			if codeIndex[p.Code] == nil {
				t.Errorf("unknown code %q", p.Code)
			}
		}
		if js := rep.AppendJSON(nil); !json.Valid(js) {
			t.Errorf("report is not JSON: %s", js)
		}
		if strings.ContainsAny(string(rep.AppendText(nil)), "\x1b\r\x00") {
			t.Error("control characters in the report")
		}
		if set != nil {
			if !json.Valid(set.Describe("").AppendJSON(nil)) {
				t.Error("description is not JSON")
			}
			fired(t, set, open(10, "/etc/shadow"))
		}
	})
}
