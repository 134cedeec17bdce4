package query

import "errors"

// What callers of this package branch on.
var (
	// ErrNoIndex: there is no usable index of this capture yet.
	ErrNoIndex = errors.New("the capture has no index")
	// ErrStale: the index belongs to other content or another version.
	ErrStale = errors.New("the index is out of date")
	// ErrBuilding: another process builds this index now.
	ErrBuilding = errors.New("another process is building the index")
	// ErrNoSQLite: the program was built without cgo.
	ErrNoSQLite = errors.New("this build has no SQLite; rebuild sysreel with CGO_ENABLED=1 and a C compiler")
	// ErrNoEvent: no event has that number.
	ErrNoEvent = errors.New("no such event")
	// ErrReadOnly: the SQL would change something.
	ErrReadOnly = errors.New("the index is read-only here")
)

// errorKind is what an error of SQLite means to the user.
type errorKind int

const (
	kindOther errorKind = iota
	kindFull
	kindUnwritable
	kindBusy
	kindCorrupt
	kindDenied
	kindInterrupted
)
