package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// File names and arguments are quoted in errors, and may hold what steers a
// terminal.
func TestErrorsNeutraliseNames(t *testing.T) {
	evil := "bad\x1b[31m\x07.scap"
	damaged := filepath.Join(t.TempDir(), evil)
	if err := os.WriteFile(damaged, []byte("not a capture"), 0o600); err != nil {
		t.Fatal(err)
	}
	recording, err := os.ReadFile("demo/incident.scap.zst")
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), evil)
	if err := os.WriteFile(cut, recording[:len(recording)*19/20], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{evil},
		{"replay", "--" + evil},
		{"replay", evil},
		{"replay", damaged},
		{"replay", cut, "-n", "1000000"},
		{"replay", damaged, evil + "=1"},
		{"replay", damaged, "-r", evil},
		{"rules", "check", evil},
		{"capture", "-w", filepath.Join(evil, "x.scap"), "--", "true"},
	} {
		var stdout, stderr bytes.Buffer
		e := &env{ctx: context.Background(), stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
		runMain(e, args)
		if stderr.Len()+stdout.Len() == 0 {
			t.Errorf("%q: no message", args)
		}
		if out := stdout.String() + stderr.String(); strings.ContainsAny(out, "\x1b\x07") {
			t.Errorf("%q: control characters reach the terminal: %q", args, out)
		}
	}
}
