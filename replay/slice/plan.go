package slice

import (
	"errors"
	"io"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// plan says what becomes of each event of the source, by its place among the
// events that the reader delivers, from 0.
type plan struct {
	selected, carried bits
	end               int          // behind the last selected event
	first             map[int]bool // first selected event of each section
}

// bits is a set of small numbers. It is dense: two bits an event are 1.2 MB for
// five million.
type bits []uint64

func (b *bits) set(i int) {
	for len(*b) <= i/64 {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}

func (b bits) has(i int) bool { return i/64 < len(b) && b[i/64]&(1<<(i%64)) != 0 }

// clear removes the numbers from, from+1 ... to-1.
func (b bits) clear(from, to int) {
	for i := from; i < to && i/64 < len(b); i++ {
		b[i/64] &^= 1 << (i % 64)
	}
}

// counted is a source that knows the place of its last event.
type counted struct {
	*scapfile.Reader
	at int // -1 before the first event
}

func (c *counted) Next() (*scapfile.Event, error) {
	e, err := c.Reader.Next()
	if err == nil {
		c.at++
	}
	return e, err
}

// planner walks through the source with full state and decides.
type planner struct {
	plan
	src      *counted
	m        *replay.Machine
	section  uint32
	begin    int  // place of the section's first event
	any      bool // something is selected in the section
	invented uint64
	latest   map[latestKey]int
}

// latestKey names a value that events overwrite again and again: only the last
// before a selected event matters.
type latestKey struct {
	kind byte // 'm' memory of a thread, 's' switch of a thread, 'p' of a process
	id   int64
}

func newPlan(r *scapfile.Reader, o *Options) (*plan, error) {
	src := &counted{Reader: r, at: -1}
	p := &planner{src: src, m: replay.New(src, replay.Options{Hidden: true}), latest: make(map[latestKey]int)}
	p.first = make(map[int]bool)
	for {
		ev, err := p.m.Next()
		if err == io.EOF || errors.Is(err, scapfile.ErrTruncated) || errors.Is(err, scapfile.ErrCorrupt) {
			break // the second reading tells
		}
		if err != nil {
			return nil, err
		}
		if src.at&0xFFFF == 0 && o.Progress != nil {
			o.Progress(r.Pos())
		}
		if o.Past != nil && o.Past(ev) {
			break
		}
		p.event(ev, o)
	}
	if p.end == 0 {
		return nil, ErrNothing
	}
	p.carried.clear(p.end, len(p.carried)*64)
	return &p.plan, nil
}

func (p *planner) event(ev *replay.Event, o *Options) {
	at := p.src.at
	if ev.Section != p.section {
		p.dropSection(at)
		p.section, p.begin, p.any = ev.Section, at, false
		clear(p.latest)
	}
	invented := p.m.Stats().Invented
	isNew := invented != p.invented
	p.invented = invented
	p.inherit(ev)
	if o.Select(ev) {
		p.choose(ev, at)
		return
	}
	switch {
	case isNew:
		p.carried.set(at)
	case p.overwrites(ev, at):
	case ev.ChangesState() || ev.Flags&scapfile.FlagStateOnly != 0:
		p.carried.set(at)
	}
}

// choose selects an event and takes along what its fields need.
func (p *planner) choose(ev *replay.Event, at int) {
	p.selected.set(at)
	p.end = at + 1
	if !p.any {
		p.any = true
		p.first[at] = true
	}
	p.carried.set(0) // where relative times count from
	if at > 0 {
		p.carried.set(at - 1) // where the time since the previous event counts from
	}
	if ev.Thread != nil {
		p.take(ev.Thread)
	}
}

// take carries the latest values of a thread and its process.
func (p *planner) take(t *replay.Thread) {
	for _, k := range [...]latestKey{{'m', t.TID}, {'m', t.PID}, {'s', t.TID}, {'s', t.PID}, {'p', t.PID}} {
		if at, ok := p.latest[k]; ok {
			p.carried.set(at)
			delete(p.latest, k)
		}
	}
}

// inherit carries the latest values of a parent before its child copies them.
func (p *planner) inherit(ev *replay.Event) {
	switch ev.Type {
	case schema.PPME_SYSCALL_CLONE_20_X, schema.PPME_SYSCALL_CLONE3_X, schema.PPME_SYSCALL_FORK_20_X, schema.PPME_SYSCALL_VFORK_20_X:
	default:
		return
	}
	if t := ev.Thread; t != nil {
		p.take(t)
		if parent := t.Parent(); parent != nil {
			p.take(parent)
		}
		if main := t.Main(); main != nil {
			if parent := main.Parent(); parent != nil {
				p.take(parent)
			}
		}
	}
}

// overwrites notes an event whose whole effect a later one of its kind replaces.
func (p *planner) overwrites(ev *replay.Event, at int) bool {
	switch ev.Type {
	case schema.PPME_SYSCALL_BRK_4_X, schema.PPME_SYSCALL_MMAP_X, schema.PPME_SYSCALL_MMAP2_X, schema.PPME_SYSCALL_MUNMAP_X:
		for i := 1; i <= 3; i++ {
			if _, ok := ev.Int(i); !ok {
				return false
			}
		}
		p.latest[latestKey{'m', ev.TID}] = at
		return true
	case schema.PPME_SCHEDSWITCH_6_E:
		if ev.Thread == nil {
			return true
		}
		for i := 1; i <= 5; i++ {
			if _, ok := ev.Int(i); !ok {
				return false
			}
		}
		p.latest[latestKey{'s', ev.TID}] = at
		p.latest[latestKey{'p', ev.Thread.PID}] = at
		return true
	}
	return false
}

// dropSection forgets what a section without selected events would carry.
func (p *planner) dropSection(end int) {
	if !p.any {
		p.carried.clear(p.begin, end)
	}
}
