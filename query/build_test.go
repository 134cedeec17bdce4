package query

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedCaptures is the folder of real captures, which is not part of the
// repository.
const sharedCaptures = "../../shared/captures"

func sharedCapture(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(sharedCaptures, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not here", path)
	}
	return path
}

// buildIndex builds an index of a capture in a temporary directory.
func buildIndex(t testing.TB, capture string) *Index {
	t.Helper()
	opts := Options{Index: filepath.Join(t.TempDir(), "index.sqlite")}
	if err := Build(t.Context(), capture, opts); err != nil {
		t.Fatal(err)
	}
	ix, err := Open(t.Context(), capture, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	return ix
}

func TestBuildSmall(t *testing.T) {
	ix := buildIndex(t, sharedCapture(t, "01_cat_shadow.scap"))
	t.Log(ix.Len(), ix.facts)
}
