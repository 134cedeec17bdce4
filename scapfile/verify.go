package scapfile

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Verification is the result of Verify.
type Verification struct {
	Info     FileInfo
	Events   uint64 // event blocks in the file
	Problems []string
	// Notes tell what is unusual and no defect: a recording without its own
	// record, small disorder, events of unknown types.
	Notes []string
}

// slackOrder is how far an event may lie before its predecessor. Events of
// several CPUs overtake each other by milliseconds at most; the information that a
// recorder adds about threads it finds late carries the time of the finding.
const slackOrder = uint64(time.Second)

// Verify reads r, which must be at its start and should be raw, to its end and
// reports everything that is not as a recorder leaves it: damage of the compression
// and of blocks (checksums, lengths), an early end, events whose parameters do not
// have the sizes of their types, times that run backwards by more than a second, and
// a number of events other than that recorded at the end. The error is that of
// reading itself. progress is as for Summarize.
func Verify(r *Reader, progress func(done, total int64)) (*Verification, error) {
	v := new(Verification)
	var last, back, worst, unknown, sizes uint64
	var place, firstSize string
	section := uint32(0)
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if errors.Is(err, ErrTruncated) || errors.Is(err, ErrCorrupt) {
			v.Problems = append(v.Problems, problemOf(err))
			break
		}
		if err != nil {
			return nil, err
		}
		if v.Events++; v.Events&0xFFFF == 0 && progress != nil {
			progress(r.Pos())
		}
		if e.Section != section {
			section, last = e.Section, 0
		}
		if e.TS < last {
			back++
			if last-e.TS > worst {
				worst, place = last-e.TS, fmt.Sprintf("event %d, byte %d of the uncompressed stream", e.Num, e.Offset)
			}
		}
		last = max(last, e.TS)
		if e.UnknownType() {
			unknown++
			continue
		}
		if i := wrongSize(e); i >= 0 {
			if sizes++; sizes == 1 {
				firstSize = fmt.Sprintf("event %d (%s), parameter %s has %d bytes", e.Num, e.Name(), e.Info().Params[i].Name, len(e.Param(i)))
			}
		}
	}
	v.Info = r.Info()
	for _, d := range r.Damage() {
		v.Problems = append(v.Problems, d.String())
	}
	if sizes > 0 {
		v.Problems = append(v.Problems, fmt.Sprintf("%d events with a parameter of a size that its type cannot have, first: %s", sizes, firstSize))
	}
	disorder := fmt.Sprintf("%d events are earlier than one before them, by up to %v (%s)", back, time.Duration(worst), place)
	switch {
	case worst > slackOrder:
		v.Problems = append(v.Problems, disorder)
	case worst > 0:
		v.Notes = append(v.Notes, disorder)
	}
	if unknown += r.UnknownEvents(); unknown > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d events of types newer than this version knows", unknown))
	}
	v.checkMeta(r.Meta())
	return v, nil
}

// problemOf is err without the path, which a list of problems does not repeat.
func problemOf(err error) string {
	var fe *FormatError
	if errors.As(err, &fe) {
		bare := *fe
		bare.Path = ""
		return strings.TrimPrefix(bare.Error(), "capture stream: ")
	}
	return err.Error()
}

// wrongSize returns the index of the first parameter whose bytes its type cannot
// have, -1 if there is none.
func wrongSize(e *Event) int {
	info := e.Info()
	for i := range min(e.NumParams(), len(info.Params)) {
		b := e.Param(i)
		if len(b) == 0 {
			continue
		}
		if want := info.Params[i].Type.Size(); want > 0 && len(b) != want {
			return i
		}
	}
	return -1
}

// checkMeta compares what the recorder said at the end with what is there.
func (v *Verification) checkMeta(m *Meta) {
	switch {
	case m == nil:
		return
	case m.Closed.IsZero():
		v.Problems = append(v.Problems, "the recording was not completed: its final record is missing")
	case v.Info.Sections == 1 && m.Events != v.Events && len(v.Problems) == 0:
		v.Problems = append(v.Problems, fmt.Sprintf("%d events were written, %d are there", m.Events, v.Events))
	}
	if n := m.Lost(); n > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("the recorder lost %d events", n))
	}
}
