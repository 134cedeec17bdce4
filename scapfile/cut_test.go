package scapfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
)

// A zstd frame cut within its first compressed block decodes to nothing: the
// reader must say so, not take the frame before for the end of the file.
func TestCutFirstBlockIsTold(t *testing.T) {
	file, err := os.ReadFile("../cmd/sysreel/demo/incident.scap.zst")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{3000, 9000, 14440, 18000, 19000} {
		r, err := NewReader(bytes.NewReader(file[:n]), ReaderOptions{})
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if err == io.EOF || !errors.Is(err, ErrTruncated) {
			t.Errorf("%d bytes: the reader ends with %v, want ErrTruncated", n, err)
		}
		r.Close()
	}
}
