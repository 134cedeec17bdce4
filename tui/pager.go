package tui

import (
	"context"
	"sync"
)

// pageSize is the number of rows that are read at once, maxPages how many pages
// a list keeps: some 16,000 rows whatever the size of the capture.
const (
	pageSize = 256
	maxPages = 64
)

// pageSource reads rows of one list. Both methods may be slow; they run on the
// pager's worker and must return soon after ctx is done.
type pageSource[R any] interface {
	// count returns how many rows are known so far and whether that is final.
	// It is asked again until it is.
	count(ctx context.Context) (n int64, final bool, err error)
	// page returns up to n rows from row from on.
	page(ctx context.Context, from int64, n int) ([]R, error)
}

// Pager gives a list without waiting: rows come from cached pages, unknown ones
// are requested from a worker which calls changed when they landed.
type Pager[R any] struct {
	src     pageSource[R]
	changed func()
	cancel  context.CancelFunc
	wake    chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	n       int64
	final   bool
	err     error
	pages   map[int64][]R
	used    map[int64]uint64 // page -> tick of last use, for eviction
	tick    uint64
	wanted  []int64 // page requests, newest last
	pending map[int64]bool
}

// NewPager starts the worker of a list. Close it when the list is left.
func newPager[R any](src pageSource[R], changed func()) *Pager[R] {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Pager[R]{src: src, changed: changed, cancel: cancel,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		pages: make(map[int64][]R), used: make(map[int64]uint64), pending: make(map[int64]bool)}
	safego(func() { p.work(ctx) })
	return p
}

// Close stops the worker and waits for it.
func (p *Pager[R]) Close() {
	p.cancel()
	<-p.done
}

// Len returns the rows known so far, whether that number is final, and the
// error that ended reading.
func (p *Pager[R]) Len() (n int64, final bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n, p.final, p.err
}

// Row returns row i and whether it is there; when it is not, it is on its way.
func (p *Pager[R]) Row(i int64) (R, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	no := i / pageSize
	if pg, ok := p.pages[no]; ok {
		p.tick++
		p.used[no] = p.tick
		if at := int(i % pageSize); at < len(pg) {
			return pg[at], true
		}
		if p.final {
			var zero R
			return zero, false
		}
		// The list has grown behind a page that was its last one.
	}
	if i >= 0 && i < p.n && !p.pending[no] {
		p.pending[no] = true
		p.wanted = append(p.wanted, no)
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
	var zero R
	return zero, false
}

func (p *Pager[R]) work(ctx context.Context) {
	defer close(p.done)
	for ctx.Err() == nil {
		no, ok := p.take()
		if ok {
			p.fetch(ctx, no)
			continue
		}
		if _, final, err := p.Len(); !final && err == nil {
			n, final, err := p.src.count(ctx)
			if ctx.Err() != nil {
				return
			}
			p.mu.Lock()
			grown := n != p.n || final != p.final || err != nil
			p.n, p.final, p.err = n, final, err
			p.mu.Unlock()
			if grown {
				p.changed()
			}
			if !final && err == nil {
				continue
			}
		}
		select {
		case <-p.wake:
		case <-ctx.Done():
		}
	}
}

// take returns the newest request: where the user looks now, not where they
// scrolled past.
func (p *Pager[R]) take() (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.wanted)
	if n == 0 {
		return 0, false
	}
	no := p.wanted[n-1]
	p.wanted = p.wanted[:n-1]
	return no, true
}

func (p *Pager[R]) fetch(ctx context.Context, no int64) {
	rows, err := p.src.page(ctx, no*pageSize, pageSize)
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	delete(p.pending, no)
	if err != nil {
		p.err = err
	} else {
		p.tick++
		p.pages[no], p.used[no] = rows, p.tick
		if len(p.pages) > maxPages {
			p.evict()
		}
	}
	p.mu.Unlock()
	p.changed()
}

// evict drops the page that was not looked at for longest.
func (p *Pager[R]) evict() {
	oldest, at := int64(-1), p.tick+1
	for no, t := range p.used {
		if t < at {
			oldest, at = no, t
		}
	}
	delete(p.pages, oldest)
	delete(p.used, oldest)
}
