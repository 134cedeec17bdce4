package query

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"
)

// identitySpan is how much of the head and of the tail of a capture is hashed.
const identitySpan = 64 * 1024

// identity ties an index to the content of a capture. Path and times are left
// out: evidence is copied and touched.
type identity struct {
	perm os.FileMode // of the capture; not part of the identity
	size int64
	head string // hash of the first bytes
	tail string // hash of the last bytes
}

func identify(path string) (identity, error) {
	f, err := os.Open(path)
	if err != nil {
		return identity{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return identity{}, err
	}
	if !st.Mode().IsRegular() {
		return identity{}, fmt.Errorf("%s: not a regular file; an index needs a file that can be read again", path)
	}
	id := identity{size: st.Size(), perm: st.Mode().Perm()}
	if id.head, err = hashSpan(f, 0, min(id.size, identitySpan)); err != nil {
		return id, err
	}
	id.tail, err = hashSpan(f, max(0, id.size-identitySpan), min(id.size, identitySpan))
	return id, err
}

func hashSpan(f *os.File, off, n int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, off, n)); err != nil {
		return "", fmt.Errorf("reading %s: %w", f.Name(), err)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// schemaHash tells apart schemas that forgot to change their version.
var schemaHash = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(schemaSQL()))
	return hex.EncodeToString(sum[:8])
})

// facts are the rows of meta.
type facts map[string]any

func (id identity) facts() facts {
	return facts{"capture_size": id.size, "capture_head": id.head, "capture_tail": id.tail}
}

// check returns ErrStale, with the reason, unless the facts of an index are
// those of this capture and of this program.
func (id identity) check(f facts) error {
	stale := func(why string) error { return fmt.Errorf("%w: %s", ErrStale, why) }
	switch {
	case f["schema_version"] != int64(SchemaVersion):
		return stale(fmt.Sprintf("it has schema version %v, this program has %d", f["schema_version"], SchemaVersion))
	case f["schema_hash"] != schemaHash():
		return stale("its tables are not those of this program")
	case f["complete"] != int64(1):
		return stale("its build was interrupted")
	case f["capture_size"] != id.size:
		return stale(fmt.Sprintf("the capture has %d bytes, it was made for %v", id.size, f["capture_size"]))
	case f["capture_head"] != id.head || f["capture_tail"] != id.tail:
		return stale("the capture has other content")
	}
	return nil
}
