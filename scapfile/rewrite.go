package scapfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// RewriteOptions say what Rewrite changes.
type RewriteOptions struct {
	// Raw keeps the events as they are in the source instead of converting old
	// ones to the current model.
	Raw bool
	// FirstNum, LastNum and From, To select events by number and by time
	// (nanoseconds since the epoch), both ends included; 0 is open.
	FirstNum, LastNum uint64
	From, To          uint64
	// Keep selects further; nil keeps all.
	Keep func(*Event) bool
	// Writer options; Meta is added to what the source says.
	Writer WriterOptions
	// Progress, if set, is called now and then with compressed bytes read.
	Progress func(done, total int64)
}

// RewriteResult tells what Rewrite did.
type RewriteResult struct {
	Events    uint64 // selected events written
	StateOnly uint64 // further events written to carry state
	Damage    []Damage
	Truncated error // why the source ended early, nil if it did not
}

// Rewrite copies the capture src to dst, whose name or Writer.Compression decides
// the packing: it converts between compressions and event models, repairs damaged
// files, and cuts slices. Events that are not selected but change the state of
// processes, descriptors or users are written all the same, marked state-only,
// up to the last selected one: every field of a selected event evaluates as in the
// source, except its number.
func Rewrite(src, dst string, opts RewriteOptions) (*RewriteResult, error) {
	if err := differentFiles(src, dst); err != nil {
		return nil, err
	}
	r, err := OpenWith(src, ReaderOptions{Raw: opts.Raw})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	wo := opts.Writer
	wo.Meta = rewriteMeta(r, wo.Meta, "rewritten from "+src)
	w, err := Create(dst, r.Snapshot(), wo)
	if err != nil {
		return nil, err
	}
	res, err := rewrite(r, w, &opts)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	return res, err
}

// differentFiles refuses to overwrite a source.
func differentFiles(src, dst string) error {
	a, err := os.Stat(src)
	if err != nil {
		return nil // opening it says what is wrong
	}
	if b, err := os.Stat(dst); err == nil && os.SameFile(a, b) {
		return fmt.Errorf("%s would be overwritten by itself: name another output", src)
	}
	return nil
}

// rewriteMeta returns what the source says about itself with the changes of edit.
func rewriteMeta(r *Reader, edit *Meta, how string) *Meta {
	var m Meta
	if old := r.Meta(); old != nil {
		m = *old
	}
	if edit != nil {
		m.Notes = append(slices.Clip(m.Notes), edit.Notes...)
		m.Tool = cmp.Or(edit.Tool, m.Tool)
	}
	m.Converted = how
	return &m
}

func rewrite(r *Reader, w *Writer, o *RewriteOptions) (*RewriteResult, error) {
	res := new(RewriteResult)
	defer func() { res.Damage = r.Damage() }()
	section := uint32(0)
	var waiting []*Event // state-only events that nothing selected follows yet
	var n int
	for {
		e, err := r.Next()
		switch {
		case err == io.EOF:
			return res, nil
		case errors.Is(err, ErrTruncated) || errors.Is(err, ErrCorrupt):
			res.Truncated = err
			return res, nil
		case err != nil:
			return res, err
		}
		if n++; n&0xFFFF == 0 && o.Progress != nil {
			o.Progress(r.Pos())
		}
		if e.Section != section {
			section = e.Section
			waiting = waiting[:0]
			if err := w.StartSection(r.Snapshot()); err != nil {
				return res, err
			}
		}
		if o.past(e) {
			return res, nil
		}
		if !o.selects(e) {
			if !changesState(e) {
				continue
			}
			c := e.Clone()
			c.Flags |= FlagStateOnly
			if waiting = append(waiting, c); len(waiting) < maxWaiting {
				continue
			}
		}
		for _, c := range waiting {
			if err := w.Write(c); err != nil {
				return res, err
			}
			res.StateOnly++
		}
		waiting = waiting[:0]
		if !o.selects(e) {
			continue
		}
		if err := w.Write(e); err != nil {
			return res, err
		}
		res.Events++
	}
}

// maxWaiting bounds the memory of state-only events held back: from there on they
// are written whether or not a selected event follows.
const maxWaiting = 4096

// past reports whether nothing behind e can be selected. Times of different CPUs
// overtake each other a little.
func (o *RewriteOptions) past(e *Event) bool {
	const slack = 1_000_000_000
	return o.LastNum != 0 && e.Num > o.LastNum || o.To != 0 && e.TS > o.To+slack && o.To+slack > o.To
}

func (o *RewriteOptions) selects(e *Event) bool {
	return e.Num >= o.FirstNum && (o.LastNum == 0 || e.Num <= o.LastNum) &&
		e.TS >= o.From && (o.To == 0 || e.TS <= o.To) && (o.Keep == nil || o.Keep(e))
}

// changesState reports whether later events may mean something else without e.
func changesState(e *Event) bool {
	info := e.Info()
	if info == nil {
		return false
	}
	const changes = schema.EF_MODIFIES_STATE | schema.EF_CREATES_FD | schema.EF_DESTROYS_FD
	return info.Flags&changes != 0 || info.Category&schema.EC_METAEVENT != 0 || e.Flags&FlagStateOnly != 0
}

// Merge writes the events of several captures of one host to dst, by time. The
// lists are those of the capture that begins first, completed by what only the
// others know: threads that were there all the time and did nothing. Threads that
// one of the captures shows being created are not added, their clone does that.
// The losses that the sources tell are added up. Sources with several sections,
// and captures from before and after a reboot, are refused.
//
// The sources are read twice: they must be files.
func Merge(dst string, srcs []string, wo WriterOptions) (*RewriteResult, error) {
	if len(srcs) == 0 {
		return nil, errors.New("merging captures: no source given")
	}
	res := new(RewriteResult)
	var heads []*mergeHead
	defer func() {
		for _, h := range heads {
			h.r.Close()
		}
	}()
	born := make(map[int64]bool)
	for _, src := range srcs {
		if err := differentFiles(src, dst); err != nil {
			return nil, err
		}
		if err := findBorn(src, born); err != nil {
			return nil, err
		}
		r, err := Open(src)
		if err != nil {
			return nil, err
		}
		h := &mergeHead{r: r, src: src}
		heads = append(heads, h)
		if err := h.advance(res); err != nil {
			return nil, err
		}
		if err := sameHost(heads[0], h); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(heads, func(a, b *mergeHead) int { return cmp.Compare(a.ts(), b.ts()) })
	wo.Meta = rewriteMeta(heads[0].r, wo.Meta, fmt.Sprintf("merged from %d captures", len(srcs)))
	addLosses(wo.Meta, heads[1:])
	w, err := Create(dst, mergeSnapshots(heads, born), wo)
	if err != nil {
		return nil, err
	}
	err = merge(heads, w, res)
	for _, h := range heads {
		res.Damage = append(res.Damage, h.r.Damage()...)
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	return res, err
}

// mergeHead is a source of Merge with its next event; e is nil at its end.
type mergeHead struct {
	r   *Reader
	src string
	e   *Event
}

func (h *mergeHead) ts() uint64 {
	if h.e == nil {
		return ^uint64(0)
	}
	return h.e.TS
}

func (h *mergeHead) advance(res *RewriteResult) error {
	e, err := h.r.Next()
	switch {
	case err == io.EOF:
		h.e = nil
		return nil
	case errors.Is(err, ErrTruncated) || errors.Is(err, ErrCorrupt):
		h.e, res.Truncated = nil, err
		return nil
	case err != nil:
		return err
	case e.Section != 0:
		return fmt.Errorf("%s holds several sections: rewrite it section by section before merging", h.src)
	}
	h.e = e
	return nil
}

// sameHost refuses to mix the processes of different machines.
func sameHost(a, b *mergeHead) error {
	ma, mb := a.r.Snapshot().Machine, b.r.Snapshot().Machine
	if ma == nil || mb == nil {
		return nil
	}
	if ma.Hostname != mb.Hostname {
		return fmt.Errorf("%s was recorded on %q, %s on %q: captures of different hosts cannot be merged", a.src, ma.Hostname, b.src, mb.Hostname)
	}
	if x, y := ma.BootTime, mb.BootTime; x != 0 && y != 0 && max(x, y)-min(x, y) > bootJitter {
		return fmt.Errorf("between %s and %s the host was booted anew: their processes have nothing in common and cannot be merged", a.src, b.src)
	}
	return nil
}

// bootJitter is by how much recorders differ about the time of the same boot: they
// compute it from the clock, which may have been set in between.
const bootJitter = 60_000_000_000

// findBorn adds the threads that the capture shows being created.
func findBorn(src string, born map[int64]bool) error {
	r, err := Open(src)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		e, err := r.Next()
		switch {
		case err == io.EOF, errors.Is(err, ErrTruncated), errors.Is(err, ErrCorrupt):
			return nil
		case err != nil:
			return err
		}
		switch e.Type {
		case schema.PPME_SYSCALL_CLONE_20_X, schema.PPME_SYSCALL_CLONE3_X, schema.PPME_SYSCALL_FORK_20_X, schema.PPME_SYSCALL_VFORK_20_X:
			child, ok := e.Int64(0)
			switch {
			case ok && child > 0:
				born[child] = true
			case ok && child == 0:
				born[e.TID] = true
			}
		}
	}
}

// addLosses adds what the other sources of a merge lost.
func addLosses(m *Meta, others []*mergeHead) {
	m.Drops = maps.Clone(m.Drops)
	for _, h := range others {
		o := h.r.Meta()
		if o == nil {
			continue
		}
		m.Seen += o.Seen
		if m.Drops == nil && len(o.Drops) > 0 {
			m.Drops = make(map[string]uint64)
		}
		for cause, n := range o.Drops {
			m.Drops[cause] += n
		}
	}
}

// merge writes the events in the order of their times. Each source keeps its own
// order: an event that its own capture delivers late is late in the result.
func merge(heads []*mergeHead, w *Writer, res *RewriteResult) error {
	for {
		next := heads[0]
		for _, h := range heads[1:] {
			if h.ts() < next.ts() {
				next = h
			}
		}
		if next.e == nil {
			return nil
		}
		if err := w.Write(next.e); err != nil {
			return err
		}
		res.Events++
		if err := next.advance(res); err != nil {
			return err
		}
	}
}

// mergeSnapshots unites the lists; what the earlier capture says wins.
func mergeSnapshots(heads []*mergeHead, born map[int64]bool) *Snapshot {
	out := *heads[0].r.Snapshot()
	out.Threads, out.Users, out.Groups = slices.Clone(out.Threads), slices.Clone(out.Users), slices.Clone(out.Groups)
	out.Interfaces = slices.Clone(out.Interfaces)
	for _, h := range heads[1:] {
		s := h.r.Snapshot()
		if out.Machine == nil {
			out.Machine = s.Machine
		}
		there := slices.DeleteFunc(slices.Clone(s.Threads), func(t Thread) bool { return born[t.TID] })
		out.Threads = unite(out.Threads, there, func(t *Thread) int64 { return t.TID })
		out.Users = unite(out.Users, s.Users, func(u *User) uint32 { return u.UID })
		out.Groups = unite(out.Groups, s.Groups, func(g *Group) uint32 { return g.GID })
		out.Interfaces = unite(out.Interfaces, s.Interfaces, func(i *Interface) string { return i.Name + i.Addr.String() })
	}
	return &out
}

// unite appends the entries of b whose key a does not have.
func unite[T any, K comparable](a, b []T, key func(*T) K) []T {
	have := make(map[K]bool, len(a))
	for i := range a {
		have[key(&a[i])] = true
	}
	for i := range b {
		if k := key(&b[i]); !have[k] {
			have[k] = true
			a = append(a, b[i])
		}
	}
	return a
}
