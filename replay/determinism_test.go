package replay_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
)

// TestPoisonedEnvironment replays a capture in a process whose surroundings are
// all different (time zone, language, home, host name, search path, working
// directory) and compares the text of every field on every event.
func TestPoisonedEnvironment(t *testing.T) {
	const key = "REPLAY_TEST_CAPTURE"
	if path := os.Getenv(key); path != "" {
		fmt.Printf("digest %x\n", digest(t, path))
		return
	}
	path, err := filepath.Abs(filepath.Join(sharedCaptures(t), "03_reverse_shell_fake_container.scap"))
	if err != nil {
		t.Fatal(err)
	}
	exe, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("digest %x\n", digest(t, path))
	for _, env := range [][]string{
		{"TZ=Pacific/Kiritimati", "LC_ALL=tr_TR.UTF-8", "HOME=/nonexistent", "USER=nobody", "HOSTNAME=elsewhere", "PATH="},
		{"TZ=:/etc/passwd", "GODEBUG=netdns=cgo", "RES_OPTIONS=timeout:1"},
	} {
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestPoisonedEnvironment$")
		cmd.Env = append(env, key+"="+path)
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got, _, _ := strings.Cut(string(out), "PASS"); got != want {
			t.Errorf("with %v: got %q, want %q", env, got, want)
		}
	}
}

// digest is the hash of all fields' texts on all events of a capture.
func digest(tb testing.TB, path string) []byte {
	r, err := scapfile.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	var refs []*replay.Ref
	for _, f := range replay.Fields() {
		if f.ArgRequired || f.FilterOnly {
			continue
		}
		ref, err := replay.Resolve(f.Name)
		if err != nil {
			tb.Fatal(err)
		}
		refs = append(refs, ref)
	}
	h := sha256.New()
	m := replay.New(r, replay.Options{})
	var line []byte
	for {
		ev, err := m.Next()
		if errors.Is(err, io.EOF) {
			return h.Sum(nil)
		}
		if err != nil {
			tb.Fatal(err)
		}
		line = line[:0]
		for _, ref := range refs {
			line, _ = ref.AppendText(line, ev)
			line = append(line, '\t')
		}
		h.Write(append(line, '\n'))
	}
}
