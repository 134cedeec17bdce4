package scapfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// captures returns the shared real captures, or skips.
func captures(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.scap", "upstream/*.scap"} {
		m, err := filepath.Glob(filepath.Join(sharedDir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, m...)
	}
	if len(files) == 0 {
		t.Skipf("no real captures in %s", sharedDir)
	}
	if underRace || testing.Short() {
		files = slices.DeleteFunc(files, func(f string) bool {
			st, err := os.Stat(f)
			return err != nil || st.Size() > 25_000
		})
	}
	return files
}

const sharedDir = "../../shared/captures"

func open(t testing.TB, path string, opts ReaderOptions) *Reader {
	t.Helper()
	r, err := OpenWith(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// drain reads r to its end and returns the number of events.
func drain(t testing.TB, r *Reader) (n int) {
	t.Helper()
	for {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatalf("after %d events: %v", n, err)
		}
		n++
	}
}

// Every real capture decodes to its end without damage.
func TestCapturesDecode(t *testing.T) {
	for _, f := range captures(t) {
		for _, raw := range []bool{false, true} {
			r := open(t, f, ReaderOptions{Raw: raw})
			if n := drain(t, r); n == 0 {
				t.Errorf("%s: no events", f)
			}
			if d := r.Damage(); len(d) != 0 || r.UnknownEvents() != 0 {
				t.Errorf("%s: damage %v, %d unknown events", f, d, r.UnknownEvents())
			}
			if len(r.Snapshot().Threads) == 0 || r.Snapshot().Machine == nil {
				t.Errorf("%s: no threads or machine info", f)
			}
		}
	}
}
