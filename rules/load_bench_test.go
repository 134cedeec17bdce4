package rules

import (
	"fmt"
	"strings"
	"testing"
)

// ruleSet makes a rule file of the size of a large production set.
func ruleSet(rules, macros, lists int) string {
	var b strings.Builder
	for i := range lists {
		fmt.Fprintf(&b, "- list: list_%d\n  items: [", i)
		for j := range 20 {
			fmt.Fprintf(&b, "name-%d-%d, ", i, j)
		}
		b.WriteString("\"two words\"]\n\n")
	}
	for i := range macros {
		fmt.Fprintf(&b, "- macro: macro_%d\n  condition: >\n    (proc.name in (list_%d, extra%d) or\n     proc.pname = p%d and fd.name startswith \"/dir/%d\"", i, i%lists, i, i, i)
		if i > 2 {
			fmt.Fprintf(&b, " and not macro_%d", i%3)
		}
		b.WriteString(")\n\n")
	}
	for i := range rules {
		fmt.Fprintf(&b, "- rule: Rule number %d\n  desc: a rule\n  condition: >\n    evt.type in (open, openat, openat2)\n    and evt.is_open_read = true\n    and fd.name pmatch (/etc, /d%d)\n", i, i)
		for j := range 7 {
			fmt.Fprintf(&b, "    and not macro_%d\n", (i*7+j)%macros)
		}
		fmt.Fprintf(&b, "  output: File read | file=%%fd.name user=%%user.name process=%%proc.name parent=%%proc.pname command=%%proc.cmdline number=%d\n", i)
		b.WriteString("  priority: WARNING\n  tags: [host, container, filesystem]\n\n")
	}
	return b.String()
}

// BenchmarkLoad: 100 rules with 350 macros and 160 lists should load in less than
// 50 ms of CPU.
func BenchmarkLoad(b *testing.B) {
	data := []byte(ruleSet(100, 350, 160))
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, rep := LoadFiles(LoadOptions{}, File{Name: "r.yaml", Data: data}); !rep.OK() {
			b.Fatalf("%s", rep.AppendText(nil))
		}
	}
}

func BenchmarkLoadFalcoStable(b *testing.B) {
	files := captureFiles(b, "falco_rules.yaml")
	b.ReportAllocs()
	for b.Loop() {
		if _, rep := Load(LoadOptions{}, files[0]); !rep.OK() {
			b.Fatal(rep.Err())
		}
	}
}

func BenchmarkLoadDefault(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, rep := LoadFiles(LoadOptions{}, Default()...); !rep.OK() {
			b.Fatal(rep.Err())
		}
	}
}
