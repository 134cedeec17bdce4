package scapfile

import (
	"errors"
	"fmt"
	"strings"
)

// What callers of this package branch on.
var (
	// ErrNotCapture: the file is something else, or empty.
	ErrNotCapture = errors.New("not a capture file")
	// ErrUnsupportedVersion: the format is newer than this version reads.
	ErrUnsupportedVersion = errors.New("unsupported capture version")
	// ErrTruncated: the file ends inside a block or a compressed frame. Every
	// whole event before that place has been delivered.
	ErrTruncated = errors.New("capture is truncated")
	// ErrCorrupt: the bytes contradict the format.
	ErrCorrupt = errors.New("capture is corrupt")
	// ErrNoSeek: the input cannot be entered in the middle (a stream, or gzip
	// written by another tool).
	ErrNoSeek = errors.New("capture cannot be entered in the middle")
)

// FormatError says what is wrong with a capture and where. It unwraps to one of
// the package's sentinel errors.
type FormatError struct {
	Path   string // "" or "-" for a stream
	Offset int64  // in the uncompressed stream; -1 unknown
	Block  uint32 // type of the block concerned, 0 if none
	What   string // what is wrong, without the place
	Remedy string // what the user can do, "" if nothing
	Err    error  // sentinel
}

func (f *FormatError) Error() string {
	var b strings.Builder
	switch f.Path {
	case "", "-":
		b.WriteString("capture stream")
	default:
		b.WriteString(f.Path)
	}
	if f.Offset >= 0 {
		fmt.Fprintf(&b, ": at byte %d", f.Offset)
	}
	if f.Block != 0 {
		fmt.Fprintf(&b, " (%s)", blockName(f.Block))
	}
	b.WriteString(": ")
	b.WriteString(f.What)
	if f.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(f.Remedy)
	}
	return b.String()
}

func (f *FormatError) Unwrap() error { return f.Err }
