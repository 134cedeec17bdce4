package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var updateDocs = flag.Bool("update-docs", false, "rewrite the output blocks of the documents")

// documents are the files whose console blocks are made by the program.
var documents = []string{"../../README.md"}

// TestDocuments runs every command of the documents' console blocks on the
// bundled capture and compares what it prints: what the documents show is what
// the program does. A block looks like
//
//	```console
//	$ sysreel replay incident.scap.zst evt.type=execve
//	...
//	```
//
// A command may end in "| head -n N" to show only its first lines.
func TestDocuments(t *testing.T) {
	var docs []string
	for _, d := range documents {
		path, err := filepath.Abs(d)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, path)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("incident.scap.zst", bundledIncident, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, doc := range docs {
		old, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		now := rerun(t, string(old))
		if now == string(old) {
			continue
		}
		if *updateDocs {
			if err := os.WriteFile(doc, []byte(now), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s shows what the program no longer prints; run go test ./cmd/sysreel -run TestDocuments -update-docs\n%s",
			filepath.Base(doc), firstDifference(string(old), now))
	}
}

// rerun returns the text with the output of every console block made anew.
func rerun(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	inBlock := false
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\n")
		switch {
		case bare == "```console":
			inBlock = true
		case inBlock && bare == "```":
			inBlock = false
		case inBlock && strings.HasPrefix(bare, "$ sysreel "):
			out.WriteString(line)
			out.WriteString(runLine(t, strings.TrimPrefix(bare, "$ sysreel ")))
			continue
		case inBlock:
			continue // old output
		}
		out.WriteString(line)
	}
	return out.String()
}

// runLine runs one command line, split at blanks outside of quotes, and returns
// what it prints on both streams.
func runLine(t *testing.T, line string) string {
	t.Helper()
	line, limit, cut := strings.Cut(line, " | head -n ")
	var both bytes.Buffer
	e := &env{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &both, stderr: &both}
	runMain(e, splitWords(line))
	text := both.String()
	if !cut {
		return text
	}
	n := 0
	for _, c := range limit {
		n = n*10 + int(c-'0')
	}
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[:min(n, len(lines))], "")
}

func splitWords(line string) []string {
	var words []string
	var word strings.Builder
	quote, have := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, have = r, true
		case quote == 0 && r == ' ':
			if have {
				words = append(words, word.String())
			}
			word.Reset()
			have = false
		default:
			word.WriteRune(r)
			have = true
		}
	}
	if have {
		words = append(words, word.String())
	}
	return words
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "document: " + x[i] + "\nprogram:  " + y[i]
		}
	}
	return "one is longer than the other"
}
