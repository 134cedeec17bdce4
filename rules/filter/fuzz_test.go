package filter

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sysreel/sysreel/replay"
)

// FuzzParse asserts that canonical text parses back to the same tree, that
// Explain, which evaluates as written, agrees with the optimised program, and
// that a condition which matches is one that EventTypes expects to.
func FuzzParse(f *testing.F) {
	for _, c := range filterCases {
		f.Add(c.text)
	}
	for _, c := range errorCases {
		f.Add(c.text)
	}
	events := []*replay.Event{openatEvent(f), writeEvent(f), fsyncEvent(f), asyncEvent(f)}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text, ParseOptions{Macros: true})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("error is not one printable line: %q", err)
			}
			return
		}
		canon := String(n)
		again, err := Parse(canon, ParseOptions{Macros: true, MaxDepth: 2 * RuleMaxDepth})
		if err != nil {
			t.Fatalf("%q prints as %q: %v", text, canon, err)
		}
		if diff := cmp.Diff(n, again, sameTree); diff != "" {
			t.Fatalf("%q prints as %q, which is another tree:\n%s", text, canon, diff)
		}
		if s := String(again); s != canon {
			t.Fatalf("canonical text %q prints as %q", canon, s)
		}
		fl, err := CompileText(text)
		// These count how often they are asked.
		if err != nil || strings.Contains(canon, "util.cnt") || strings.Contains(canon, "evt.deltatime") {
			return
		}
		for _, ev := range events {
			got, trace := fl.Match(ev), fl.Explain(ev)
			if got != trace.Truth {
				t.Fatalf("%q: match %v, explained as %v", text, got, trace.Truth)
			}
			if got && !EventTypes(n).Has(ev.Type) {
				t.Fatalf("%q matches %s, which EventTypes leaves out", text, ev.Type)
			}
			if s := fl.Stopper(fl.st, ev); (s == nil) != got {
				t.Fatalf("%q: match %v, stopped by %v", text, got, s)
			}
		}
	})
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		"%proc.name", "*%10evt.time %fd.name x", `%join(",", (proc.name, 5))`, "%proc.aname[2]%%", `%proc.env["A B"]`, "100%", "%toupper(%proc.name)", "%evt.arg.fd[1]",
	} {
		f.Add(s)
	}
	events := []*replay.Event{openatEvent(f), writeEvent(f), fsyncEvent(f), asyncEvent(f)}
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := ParseTemplate(text)
		if err != nil {
			return
		}
		for _, ev := range events {
			out, ok := tpl.AppendText([]byte("x"), ev)
			if !ok && (tpl.KeepMissing || string(out) != "x") {
				t.Fatalf("%q: suppressed to %q", text, out)
			}
			if j := tpl.AppendJSON(nil, ev); !json.Valid(j) {
				t.Fatalf("%q: invalid JSON %s", text, j)
			}
		}
		tpl.KeepMissing = true
		if _, ok := tpl.AppendText(nil, events[0]); !ok {
			t.Fatalf("%q: suppressed although missing values are kept", text)
		}
	})
}
