package replay

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sysreel/sysreel/scapfile"
)

// Sequence returns a source that plays several captures one after the other, in
// the order of their first events: the files of a rotated recording, in
// whatever order they are named. Every capture is a section of its own, so that
// its snapshot resets the state; event numbers go on. Captures without events
// are left out.
//
// Captures of several hosts, or that overlap in time, are not woven together: a
// machine has the state of one host at a time.
func Sequence(sources ...scapfile.Source) (scapfile.Source, error) {
	s := &sequence{}
	for i, src := range sources {
		first, err := src.Next()
		switch {
		case errors.Is(err, io.EOF):
			continue
		case err != nil:
			return nil, fmt.Errorf("first event of capture %d: %w", i+1, err)
		}
		s.parts = append(s.parts, part{src, first})
	}
	if len(s.parts) == 0 && len(sources) > 0 {
		return sources[0], nil
	}
	slices.SortStableFunc(s.parts, func(a, b part) int { return cmp.Compare(a.first.TS, b.first.TS) })
	return s, nil
}

type part struct {
	src   scapfile.Source
	first *scapfile.Event // read ahead, nil once delivered
}

type sequence struct {
	parts   []part
	section uint32 // of the first section of parts[0]
	events  uint64 // delivered by the parts before
	last    scapfile.Event
}

func (s *sequence) Snapshot() *scapfile.Snapshot {
	if len(s.parts) == 0 {
		return nil
	}
	return s.parts[0].src.Snapshot()
}

func (s *sequence) Next() (*scapfile.Event, error) {
	if len(s.parts) == 0 {
		return nil, io.EOF
	}
	p := &s.parts[0]
	e := p.first
	p.first = nil
	if e == nil {
		var err error
		if e, err = p.src.Next(); errors.Is(err, io.EOF) && len(s.parts) > 1 {
			s.parts = s.parts[1:]
			s.section, s.events = s.last.Section+1, s.last.Num
			return s.Next()
		} else if err != nil {
			return nil, err
		}
	}
	// A copy: the source counts on in its own event.
	s.last = *e
	s.last.Num += s.events
	s.last.Section += s.section
	return &s.last, nil
}
