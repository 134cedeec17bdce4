// Package slice cuts pieces out of captures. A slice holds the selected events and
// the state that they were recorded in: every field of every one of them evaluates
// as in the whole capture, except its number.
//
// The state travels as events, not as new lists at the start: the lists of a capture
// have no place for some of what a replay knows, such as when a process was started
// or how a program named the file it opened. So the slice begins with the lists of
// the whole capture, and carries of the events between those that change the state,
// marked as state-only, which other tools hide. Options.Compact trades a little
// exactness for size.
//
// Captures are read twice: once with state, to decide, and once to copy.
package slice

import (
	"errors"
	"fmt"
	"io"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
)

// ErrNothing: no event was selected, and no slice was written.
var ErrNothing = errors.New("no event is selected")

// Options say what a slice holds.
type Options struct {
	// Select reports whether the event belongs to the slice. It is called for
	// every event in order, for hidden enter halves too.
	Select func(*replay.Event) bool
	// Past, if set, reports that neither this event nor one behind it is selected.
	Past func(*replay.Event) bool
	// Compact lets each section begin with the state before its first selected
	// event as lists, and leaves out the events before it. Missing is then what
	// replay.Machine.Checkpoint names, and the address of a socket that is bound and
	// has no port yet; times count from the slice's first event.
	Compact bool
	// Writer options; Meta.Notes are added to what the source says.
	Writer scapfile.WriterOptions
	// Progress, if set, is called now and then with compressed bytes read, in
	// each of the two readings.
	Progress func(done, total int64)
}

// Copy writes a slice of the capture src to dst.
func Copy(src, dst string, o Options) (*scapfile.RewriteResult, error) {
	r, err := scapfile.Open(src)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(r, &o)
	r.Close()
	if err != nil {
		return nil, err
	}
	if o.Compact {
		p.compact()
	}
	if r, err = scapfile.Open(src); err != nil {
		return nil, err
	}
	defer r.Close()
	c := &copier{plan: p, o: &o, src: &counted{Reader: r, at: -1}, path: src, dst: dst, res: new(scapfile.RewriteResult)}
	if o.Compact {
		c.m = replay.New(c.src, replay.Options{Hidden: true})
	}
	err = c.run()
	if c.w != nil {
		if cerr := c.w.Close(); err == nil {
			err = cerr
		}
	}
	c.res.Damage = r.Damage()
	return c.res, err
}

// compact forgets the events carried before the first selected one of a section.
func (p *plan) compact() {
	begin := 0
	for at := range p.end {
		if p.first[at] {
			p.carried.clear(begin, at)
		}
		if p.selected.has(at) {
			begin = at + 1
		}
	}
}

// copier is the second reading.
type copier struct {
	*plan
	o       *Options
	src     *counted
	m       *replay.Machine // with Compact only
	path    string
	dst     string
	w       *scapfile.Writer
	section uint32 // of the events written last
	reading uint32 // of the events read last
	res     *scapfile.RewriteResult
}

func (c *copier) run() error {
	for c.src.at+1 < c.end {
		var before *scapfile.Snapshot
		if c.m != nil && c.first[c.src.at+1] {
			before = c.m.Checkpoint()
		}
		e, err := c.next()
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, scapfile.ErrTruncated) || errors.Is(err, scapfile.ErrCorrupt) {
			c.res.Truncated = err
			return nil
		}
		if err != nil {
			return err
		}
		at := c.src.at
		if at&0xFFFF == 0 && c.o.Progress != nil {
			c.o.Progress(c.src.Pos())
		}
		// The state before the first event of a section is that of the section
		// before it; its own lists hold then.
		if e.Section != c.reading || at == 0 {
			c.reading, before = e.Section, nil
		}
		selected := c.selected.has(at)
		if !selected && !c.carried.has(at) {
			continue
		}
		if err := c.begin(e, before); err != nil {
			return err
		}
		if selected {
			c.res.Events++
		} else {
			c.res.StateOnly++
			e.Flags |= scapfile.FlagStateOnly
		}
		if err := c.w.Write(e); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) next() (*scapfile.Event, error) {
	if c.m == nil {
		return c.src.Next()
	}
	ev, err := c.m.Next()
	if err != nil {
		return nil, err
	}
	return ev.Event, nil
}

// begin makes sure that the section of e is the one being written. A section starts
// with its own lists or, if it is not nil, with the state before.
func (c *copier) begin(e *scapfile.Event, before *scapfile.Snapshot) error {
	if c.w != nil && e.Section == c.section {
		return nil
	}
	c.section = e.Section
	snap := c.src.Snapshot()
	if before != nil {
		snap = before
	}
	if c.w != nil {
		return c.w.StartSection(snap)
	}
	wo := c.o.Writer
	wo.Meta = c.meta()
	var err error
	c.w, err = scapfile.Create(c.dst, snap, wo)
	return err
}

// meta is what the source says about itself, with the origin of the slice.
func (c *copier) meta() *scapfile.Meta {
	var m scapfile.Meta
	if old := c.src.Meta(); old != nil {
		m = *old
	}
	if edit := c.o.Writer.Meta; edit != nil {
		m.Notes = append(append([]string(nil), m.Notes...), edit.Notes...)
	}
	m.Converted = fmt.Sprintf("a slice of %s", c.path)
	return &m
}
