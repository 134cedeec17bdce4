package scapfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A frame or member cut within its first compressed block decodes to nothing:
// the reader must say so, not take the piece before for the end of the file.
func TestCutFirstBlockIsTold(t *testing.T) {
	const recording = "../cmd/sysreel/demo/incident.scap.zst"
	for _, name := range []string{"a.scap.zst", "a.scap"} {
		path := filepath.Join(t.TempDir(), name)
		if _, err := Rewrite(recording, path, RewriteOptions{}); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// The last bytes are metadata and seek table, which may be missing.
		for n := 2000; n < len(file)*9/10; n += 500 {
			wantTruncated(t, name, file[:n])
		}
	}
}

func wantTruncated(t *testing.T, name string, file []byte) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), ReaderOptions{})
	if err != nil {
		t.Fatalf("%s, %d bytes: %v", name, len(file), err)
	}
	defer r.Close()
	for err == nil {
		_, err = r.Next()
	}
	if err == io.EOF || !errors.Is(err, ErrTruncated) {
		t.Errorf("%s, %d bytes: the reader ends with %v, want ErrTruncated", name, len(file), err)
	}
}
