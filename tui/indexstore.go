package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sysreel/sysreel/query"
	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/rules/filter"
)

// pollTime is how often a growing index is looked at.
const pollTime = 150 * time.Millisecond

// IndexStore is the Store over an index, also while it is being built.
type IndexStore struct {
	ix     *query.Index
	set    *rules.Set // what found the alerts; nil: those of the index as it is
	info   atomic.Pointer[Info]
	notify atomic.Value // func()

	mu   sync.Mutex
	grew chan struct{} // closed and replaced when Info changes

	cancel context.CancelFunc
	done   chan struct{}
}

// NewIndexStore returns a store over an index and the rules that find its
// alerts, which may be nil. Close it before the index.
func NewIndexStore(ix *query.Index, set *rules.Set) *IndexStore {
	ctx, cancel := context.WithCancel(context.Background())
	s := &IndexStore{ix: ix, set: set, cancel: cancel, done: make(chan struct{}), grew: make(chan struct{})}
	s.notify.Store(func() {})
	s.info.Store(&Info{Name: filepath.Base(ix.Capture())})
	safego(func() { s.watch(ctx) })
	return s
}

// Close stops watching the index.
func (s *IndexStore) Close() {
	s.cancel()
	<-s.done
}

// watch keeps Info up to date until the index is finished, then looks only
// whether the capture is still there.
func (s *IndexStore) watch(ctx context.Context) {
	defer close(s.done)
	for {
		final := false
		select {
		case <-s.ix.Done():
			final = true
		default:
		}
		s.look(ctx, final)
		wait := pollTime
		if final {
			wait = 2 * time.Second
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// look makes a new Info when something has changed.
func (s *IndexStore) look(ctx context.Context, final bool) {
	old := s.info.Load()
	in := *old
	p := s.ix.Progress()
	in.Events, in.Percent, in.Final, in.Err = p.Events, int(p.Share()*100), final, s.ix.Err()
	if _, err := os.Stat(s.ix.Capture()); err != nil && in.Err == nil {
		in.Err = fmt.Errorf("the capture is gone: %w", err)
	}
	if in.Events != old.Events || final != old.Final {
		if first, last, err := s.ix.Span(ctx); err == nil {
			in.Start, in.End = uint64(first), uint64(last)
		}
		if h, err := s.ix.Health(ctx); err == nil {
			in.Drops = h.Drops
			if len(h.Damage) > 0 {
				in.Damage = h.Damage[0].Message
			}
		}
	}
	if ctx.Err() != nil || sameInfo(&in, old) {
		return
	}
	in.Version++
	s.info.Store(&in)
	s.mu.Lock()
	close(s.grew)
	s.grew = make(chan struct{})
	s.mu.Unlock()
	s.notify.Load().(func())()
}

func sameInfo(a, b *Info) bool {
	x, y := *a, *b
	x.Err, y.Err = nil, nil
	return x == y && (a.Err == nil) == (b.Err == nil)
}

// more returns a channel that is closed at the next change of Info.
func (s *IndexStore) more() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grew
}

// Notify implements Store.
func (s *IndexStore) Notify(f func()) { s.notify.Store(f) }

// Info implements Store.
func (s *IndexStore) Info() Info { return *s.info.Load() }

// Check implements Store.
func (s *IndexStore) Check(text string) error {
	_, err := query.ParseFilter(text)
	var pe *filter.ParseError
	if errors.As(err, &pe) && pe.Incomplete {
		return incomplete{err}
	}
	return err
}

var fieldNames = sync.OnceValue(func() []string {
	var names []string
	for _, f := range replay.Fields() {
		if !f.Hidden && !f.Deprecated && !f.PrintOnly {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
})

// Fields implements Store.
func (s *IndexStore) Fields() []string { return fieldNames() }

func (r Range) query() query.Range { return query.Range{FromTS: int64(r.A), ToTS: int64(r.B)} }

// EventAt implements Store.
func (s *IndexStore) EventAt(ctx context.Context, ts uint64) (moment, error) {
	num, err := s.ix.NumAt(ctx, int64(ts))
	return s.moment(ctx, num, err)
}

// Neighbour implements Store.
func (s *IndexStore) Neighbour(ctx context.Context, from uint64, proc int64, dir int) (moment, error) {
	num, err := s.ix.Neighbour(ctx, int64(from), proc, dir)
	return s.moment(ctx, num, err)
}

var errNone = errors.New("there is none")

// moment adds the time to an event number, 0 being none.
func (s *IndexStore) moment(ctx context.Context, num int64, err error) (moment, error) {
	if err != nil {
		return moment{}, err
	}
	rows, err := s.ix.RowsOf(ctx, []int64{num})
	if err == nil && len(rows) == 0 {
		err = errNone
	}
	if err != nil {
		return moment{}, err
	}
	return moment{uint64(num), uint64(rows[0].TS)}, nil
}

// Lane implements Store.
func (s *IndexStore) Lane(ctx context.Context, st stretch, term string) ([]Bucket, error) {
	fl, err := query.ParseFilter(joinFilters(st.view.filter, term))
	if err != nil {
		return nil, err
	}
	list, err := s.ix.Histogram(ctx, fl, int64(st.from), int64(st.to), st.n)
	out := make([]Bucket, len(list))
	for i, b := range list {
		if r := st.view.rng; !r.all() && (uint64(b.To) <= r.A || uint64(b.From) > r.B) {
			continue
		}
		out[i] = Bucket{b.Events, b.Failed, b.Alerts}
	}
	return out, err
}

// severityLetter is priorityLetter for a severity as the index has it.
func severityLetter(severity int) byte {
	switch {
	case severity < 0:
		return 0
	case severity <= 2:
		return 'C'
	case severity == 3:
		return 'E'
	case severity == 4:
		return 'W'
	}
	return 'N'
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
