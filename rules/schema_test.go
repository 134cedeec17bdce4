package rules

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite generated files")

// TestSchemaIsFresh: the schema that editors fetch from the repository is the one
// that the loader's tables make; go test ./rules -run Schema -update rewrites it.
func TestSchemaIsFresh(t *testing.T) {
	const name = "schema/falco-rules.schema.json"
	want := JSONSchema()
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale; run go test ./rules -run Schema -update", name)
	}
}
