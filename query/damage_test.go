package query

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestDamagedBytes indexes captures with random bytes broken and asks them: no
// damage may stop the index from answering what it has.
func TestDamagedBytes(t *testing.T) {
	whole, err := os.ReadFile(incidentCapture)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	answered := 0
	for i := range 80 {
		// Compressed, damage costs a piece; plain, it reaches the events.
		b := bytes.Clone(plain)
		if i%4 == 0 {
			b = bytes.Clone(whole)
		}
		for range 1 + rng.IntN(4) {
			b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255))
		}
		path := filepath.Join(t.TempDir(), "x.scap")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		opts := Options{Index: path + indexSuffix}
		if err := Build(t.Context(), path, opts); err != nil {
			continue // the head is broken: no capture any more
		}
		ix, err := Open(t.Context(), path, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range Reports() {
			res, err := r.Run(t.Context(), ix, ReportOptions{Arg: "fd.name"})
			if err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			if _, err := (&JSONWriter{W: io.Discard}).Write(res.Columns, res); err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			res.Close()
		}
		for _, f := range []string{"proc.aname = nginx", "fd.name exists", "not proc.name = cat"} {
			found(t, ix, f)
		}
		ix.Close()
		answered++
	}
	if answered == 0 {
		t.Error("no damaged capture could be indexed")
	}
}
