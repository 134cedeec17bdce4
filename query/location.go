package query

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// indexSuffix is appended to the capture's name.
const indexSuffix = ".sqlite"

// DefaultIndex returns where the index of a capture is kept: beside it, or, when
// that directory cannot be written, in the user's cache under a name made from
// the capture's absolute path. An index that exists beside the capture is used
// wherever it is.
func DefaultIndex(capture string) string {
	beside := capture + indexSuffix
	if _, err := os.Stat(beside); err == nil || writableDir(filepath.Dir(capture)) {
		return beside
	}
	return fallbackIndex(capture)
}

func fallbackIndex(capture string) string {
	abs, err := filepath.Abs(capture)
	if err != nil {
		abs = capture
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	sum := sha256.Sum256([]byte(abs))
	return filepath.Join(dir, "sysreel", filepath.Base(capture)+"."+hex.EncodeToString(sum[:6])+indexSuffix)
}

func writableDir(dir string) bool { return unix.Access(dir, unix.W_OK) == nil }

// lock is the exclusive right to build an index. It is a lock on the partial
// file, so it ends with the process, and a file left by a crash does not hold it.
type lock struct {
	path string
	f    *os.File
}

// partialPath is where an index is built before it gets its name.
func partialPath(index string) string { return index + ".partial" }

// lockPartial takes the right to build index and leaves an empty partial file.
// It returns ErrBuilding when somebody else has it.
//
// The file may be read by those who may read the capture: perm are the capture's
// permissions.
func lockPartial(index string, perm os.FileMode) (*lock, error) {
	path := partialPath(index)
	perm = perm&0o666 | 0o600
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, perm)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, ErrBuilding
			}
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		// The file may have been renamed or removed between opening and locking.
		mine, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err1 != nil || err2 != nil || !os.SameFile(mine, there) {
			f.Close()
			continue
		}
		err = errors.Join(f.Truncate(0), f.Chmod(perm))
		if err != nil {
			f.Close()
			return nil, err
		}
		os.Remove(path + "-journal")
		return &lock{path: path, f: f}, nil
	}
}

// finish gives the built file its name.
func (l *lock) finish(index string) error {
	if err := os.Rename(l.path, index); err != nil {
		return err
	}
	return l.f.Close()
}

// abandon removes the partial file.
func (l *lock) abandon() {
	os.Remove(l.path)
	l.f.Close()
}

func dirOf(path string) string { return filepath.Dir(path) }
