package tui

import (
	"context"
	"slices"
	"sync"
)

// pageSize is the number of rows that are read at once, maxPages how many pages
// a list keeps: some 16,000 rows whatever the size of the capture. maxWanted
// bounds the requests of a user who scrolls faster than pages come.
const (
	pageSize  = 64
	maxPages  = 256
	maxWanted = 8
)

// pageSource reads rows of one list. All methods may be slow; they run on the
// pager's workers and must return soon after ctx is done.
type pageSource[R any] interface {
	// grow calls report with the number of rows known so far each time there are
	// more, and returns when that number is final.
	grow(ctx context.Context, report func(n int64)) error
	// page returns up to n rows from row from on.
	page(ctx context.Context, from int64, n int) ([]R, error)
	// refine returns the rows with what takes longer to find out; they are shown
	// as page returned them until then.
	refine(ctx context.Context, rows []R) ([]R, error)
}

// Pager gives a list without waiting: rows come from cached pages, unknown ones
// are requested from a worker which calls changed when they landed.
type Pager[R any] struct {
	src     pageSource[R]
	changed func()
	cancel  context.CancelFunc
	ctx     context.Context
	wake    chan struct{}
	workers sync.WaitGroup

	mu      sync.Mutex
	n       int64
	final   bool
	err     error
	pages   map[int64]*page[R]
	tick    uint64
	wanted  []int64 // page requests, newest last
	pending map[int64]bool
	coarse  []int64 // pages to be refined, newest last
	rough   chan struct{}
}

type page[R any] struct {
	rows  []R
	used  uint64 // tick of the last use, for eviction
	whole bool   // the list was final when it was read: there is no more to come
}

// newPager starts the workers of a list. Close it when the list is left.
func newPager[R any](src pageSource[R], changed func()) *Pager[R] {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Pager[R]{src: src, changed: changed, cancel: cancel, ctx: ctx,
		wake: make(chan struct{}, 1), rough: make(chan struct{}, 1),
		pages: make(map[int64]*page[R]), pending: make(map[int64]bool)}
	for _, f := range []func(){p.grow, p.fetchAll, p.refineAll} {
		p.workers.Add(1)
		safego(func() {
			defer p.workers.Done()
			f()
		})
	}
	return p
}

// Close stops the workers; it does not wait, since the event loop calls it.
func (p *Pager[R]) Close() { p.cancel() }

// wait waits for the workers to have ended after Close.
func (p *Pager[R]) wait() { p.workers.Wait() }

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
	var zero R
	no := i / pageSize
	if pg, ok := p.pages[no]; ok {
		p.tick++
		pg.used = p.tick
		if at := int(i % pageSize); at < len(pg.rows) {
			return pg.rows[at], true
		}
		if pg.whole {
			return zero, false
		}
		// The list has grown behind a page that was its last one.
	}
	if i >= 0 && i < p.n && !p.pending[no] {
		p.pending[no] = true
		p.wanted = append(p.wanted, no)
		if len(p.wanted) > maxWanted {
			delete(p.pending, p.wanted[0])
			p.wanted = slices.Delete(p.wanted, 0, 1)
		}
		signal(p.wake)
	}
	return zero, false
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *Pager[R]) grow() {
	err := p.src.grow(p.ctx, func(n int64) {
		p.mu.Lock()
		grown := n != p.n
		p.n = n
		p.mu.Unlock()
		if grown {
			p.changed()
		}
	})
	if p.ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	p.final = err == nil
	if err != nil {
		p.err = err
	}
	p.mu.Unlock()
	p.changed()
}

// newest takes the newest request of a list: where the user looks now, not
// where they scrolled past. It waits until there is one.
func (p *Pager[R]) newest(list *[]int64, wake chan struct{}) (int64, bool) {
	for {
		p.mu.Lock()
		if n := len(*list); n > 0 {
			no := (*list)[n-1]
			*list = (*list)[:n-1]
			p.mu.Unlock()
			return no, true
		}
		p.mu.Unlock()
		select {
		case <-wake:
		case <-p.ctx.Done():
			return 0, false
		}
	}
}

func (p *Pager[R]) fetchAll() {
	for p.ctx.Err() == nil {
		no, ok := p.newest(&p.wanted, p.wake)
		if !ok {
			return
		}
		_, final, _ := p.Len()
		rows, err := p.src.page(p.ctx, no*pageSize, pageSize)
		if p.ctx.Err() != nil {
			return
		}
		p.mu.Lock()
		delete(p.pending, no)
		if err != nil {
			p.err = err
		} else {
			p.tick++
			p.pages[no] = &page[R]{rows, p.tick, final}
			if len(p.pages) > maxPages {
				p.evict()
			}
			p.coarse = append(p.coarse, no)
			if len(p.coarse) > maxWanted {
				p.coarse = slices.Delete(p.coarse, 0, 1)
			}
			signal(p.rough)
		}
		p.mu.Unlock()
		p.changed()
	}
}

func (p *Pager[R]) refineAll() {
	for p.ctx.Err() == nil {
		no, ok := p.newest(&p.coarse, p.rough)
		if !ok {
			return
		}
		p.mu.Lock()
		pg := p.pages[no]
		p.mu.Unlock()
		if pg == nil {
			continue
		}
		rows, err := p.src.refine(p.ctx, pg.rows)
		if p.ctx.Err() != nil {
			return
		}
		if err != nil {
			continue // the rows stay as they are; what is missing is in the detail
		}
		p.mu.Lock()
		if p.pages[no] == pg {
			pg.rows = rows
		}
		p.mu.Unlock()
		p.changed()
	}
}

// evict drops the page that was not looked at for longest.
func (p *Pager[R]) evict() {
	oldest, at := int64(-1), p.tick+1
	for no, pg := range p.pages {
		if pg.used < at {
			oldest, at = no, pg.used
		}
	}
	delete(p.pages, oldest)
}
