package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/fixtures"
)

// elapsed are the times in output, which differ from run to run.
var elapsed = regexp.MustCompile(`\([0-9.]+(ms|µs|s)\)`)

// TestRuleTestingDocument makes the files that docs/rule-testing.md shows, those of
// yaml blocks that begin with a comment with their name, runs its commands in order and
// compares the output. The statements that it explains must compile.
func TestRuleTestingDocument(t *testing.T) {
	doc, err := filepath.Abs("../../docs/rule-testing.md")
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var out strings.Builder
	var scenario strings.Builder // the examples of statements, which belong together
	blocks := strings.Split(string(old), "```")
	for i, b := range blocks {
		if i > 0 {
			out.WriteString("```")
		}
		if i%2 == 1 && strings.HasPrefix(b, "\n") {
			scenario.WriteString(b)
		}
		switch name, isFile := strings.CutPrefix(b, "yaml\n# "); {
		case i%2 == 1 && isFile:
			name, text, _ := strings.Cut(name, "\n")
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		case i%2 == 1 && strings.HasPrefix(b, "console\n"):
			b = strings.TrimSuffix(strings.TrimPrefix(rerun(t, "```"+b+"```"), "```"), "```")
			b = elapsed.ReplaceAllString(b, "(1ms)")
		}
		out.WriteString(b)
	}
	if s, err := fixtures.Compile("the examples of docs/rule-testing.md", []byte(scenario.String())); err != nil || s.Events() < 14 {
		t.Errorf("%d bytes of examples: %v", scenario.Len(), err)
	}
	if out.String() == string(old) {
		return
	}
	if *updateDocs {
		if err := os.WriteFile(doc, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("docs/rule-testing.md shows what the program no longer prints; run go test ./cmd/sysreel -run RuleTesting -update-docs\n%s", firstDifference(string(old), out.String()))
}
