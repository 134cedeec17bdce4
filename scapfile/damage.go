package scapfile

import (
	"fmt"
	"math"
)

// Damage is a place of a capture that could not be read and was passed over.
type Damage struct {
	// Offset is the place in the file: in compressed bytes when the compression
	// layer is damaged, else in the uncompressed stream (InStream).
	Offset   int64
	InStream bool
	Bytes    int64  // bytes passed over, at Offset
	Lost     int64  // uncompressed bytes lost, 0 if unknown
	Events   int64  // events lost, 0 if unknown
	Reason   string // what is wrong there
	Places   int    // number of damaged places told in one, 0 counts as 1
}

// String returns one line for people.
func (d Damage) String() string {
	in := "file"
	if d.InStream {
		in = "uncompressed stream"
	}
	s := fmt.Sprintf("%d bytes skipped at byte %d of the %s: %s", d.Bytes, d.Offset, in, d.Reason)
	if d.Events > 0 {
		s += fmt.Sprintf(" (%d events lost)", d.Events)
	}
	if d.Places > 1 {
		s += fmt.Sprintf(" (%d places)", d.Places)
	}
	return s
}

// joinDamage returns a and b told as one; either may be nil.
func joinDamage(a, b *Damage) *Damage {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	j := *a
	j.Bytes = satAdd(a.Bytes, b.Bytes)
	j.Lost = satAdd(a.Lost, b.Lost)
	j.Events = satAdd(a.Events, b.Events)
	j.Places = max(a.Places, 1) + max(b.Places, 1)
	return &j
}

func satAdd(a, b int64) int64 {
	if s := a + b; s >= a {
		return s
	}
	return math.MaxInt64
}
