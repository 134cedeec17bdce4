package scapfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// What a recorder leaves has no problems; each kind of defect is told.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, events ...*Event) string {
		t.Helper()
		path := filepath.Join(dir, name)
		w, err := Create(path, nil, WriterOptions{Meta: &Meta{Drops: map[string]uint64{"full": 2}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	edit := func(name, from string, f func([]byte) []byte) string {
		t.Helper()
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, f(b), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	closing := func(ts uint64) *Event { return NewEvent(schema.PPME_SYSCALL_CLOSE_X, ts, 1, I64(0), I64(3)) }
	good := write("good.scap.raw", closing(10), closing(20), closing(30))
	size := blockOverhead + 2 + closing(10).RawSize()
	size += -size & 3
	lastFrame := func(b []byte) int { return bytes.LastIndex(b, []byte{0x28, 0xB5, 0x2F, 0xFD}) }
	for _, c := range []struct {
		path, problem, note string
	}{
		{path: good, note: "the recorder lost 2 events"},
		{path: write("swap.scap", closing(20), closing(10)), note: "1 events are earlier"},
		{path: write("back.scap", closing(20_000_000_000), closing(10)), problem: "by up to 19.99999999s (event 2"},
		{path: write("size.scap.raw", closing(10), NewEvent(schema.PPME_SYSCALL_CLOSE_X, 20, 1, I64(0), I32(3))),
			problem: "event 2 (close), parameter fd has 4 bytes"},
		{path: edit("cut.scap.raw", good, func(b []byte) []byte { return b[:len(b)-9] }), problem: "in the middle of a block"},
		{path: edit("less.scap.raw", good, func(b []byte) []byte { return b[:len(b)-size] }), problem: "3 events were written"},
		{path: edit("flip.scap.raw", good, func(b []byte) []byte { b[len(b)-1] ^= 4; return b }), problem: "lengths at its two ends differ"},
		{path: edit("flip.scap.zst", write("z.scap.zst", closing(10)), func(b []byte) []byte { b[lastFrame(b)+12] ^= 4; return b }), problem: "at byte"},
	} {
		v, err := Verify(open(t, c.path, ReaderOptions{Raw: true}), nil)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		problems, notes := strings.Join(v.Problems, "\n"), strings.Join(v.Notes, "\n")
		if c.problem == "" && problems != "" || !strings.Contains(problems, c.problem) || !strings.Contains(notes, c.note) {
			t.Errorf("%s: problems %q, notes %q; want %q, %q", filepath.Base(c.path), problems, notes, c.problem, c.note)
		}
	}
}

// Real captures have no problems, whoever recorded them.
func TestVerifyCaptures(t *testing.T) {
	for _, f := range captures(t) {
		v, err := Verify(open(t, f, ReaderOptions{Raw: true}), nil)
		if err != nil {
			t.Error(err)
		} else if len(v.Problems) > 0 {
			t.Errorf("%s: %q", f, v.Problems)
		} else if len(v.Notes) > 0 {
			t.Logf("%s: %q", filepath.Base(f), v.Notes)
		}
	}
}
