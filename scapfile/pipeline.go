package scapfile

import (
	"io"
	"runtime"
	"sync"
)

// A job is one piece of a compressed capture on its way through the pipeline.
type job struct {
	slab  *slab
	comp  []byte // compressed bytes
	off   int64  // place of comp in the file
	size  int    // uncompressed size, known before decoding
	piece piece  // what the piece says about itself; zero for foreign pieces
	// partial marks a piece that the file cuts short: what can be decoded is
	// delivered.
	partial bool
	ready   bool // slab holds the bytes already, there is nothing to decode
	done    chan struct{}
	err     error // of decoding
}

// A splitter cuts a compressed stream into pieces that decompress independently.
type splitter interface {
	// split fills j with the next piece. Errors are final; io.EOF is the clean
	// end. idle reports whether the reader waits, so that a splitter that
	// decompresses by itself hands over what it has.
	split(j *job, idle func() bool) error
	// decoder returns a function that decodes j.comp into j.slab. Every worker
	// has its own.
	decoder() func(j *job) error
	// end is the compressed position after the last piece.
	end() int64
}

// pipeline is the input for compressed captures: one goroutine splits, workers
// decode, next collects in order.
type pipeline struct {
	order chan *job // in file order
	work  chan *job
	free  chan *job
	quit  chan struct{}
	once  sync.Once
	wg    sync.WaitGroup
	err   error // of splitting, set before order is closed

	// The splitter takes one credit for each piece. At first next grants one for
	// each it wants, so that looking at one place of a file reads no more than that
	// place; a reader that goes on is read ahead for.
	credit chan struct{}
	calls  int
	ahead  int // pieces granted beyond those asked for

	stream bool // the source may block: close does not wait

	byS map[*slab]*job
	gap *Damage // pieces that could not be decoded, to be told with the next slab
}

// slowStart is the number of pieces after which reading ahead begins.
const slowStart = 3

func startPipeline(sp splitter, stream bool) *pipeline {
	workers := runtime.GOMAXPROCS(0)
	depth := 2*workers + 1
	p := &pipeline{
		order: make(chan *job, depth),
		work:  make(chan *job, depth),
		free:  make(chan *job, depth+workers+2),
		quit:  make(chan struct{}),
		byS:   make(map[*slab]*job),

		stream: stream,
		credit: make(chan struct{}, 2*depth),
	}
	p.wg.Go(func() {
		defer close(p.order)
		defer close(p.work)
		p.err = p.split(sp)
	})
	for range workers {
		p.wg.Go(func() {
			decode := sp.decoder()
			for j := range p.work {
				j.err = decode(j)
				j.done <- struct{}{}
			}
		})
	}
	return p
}

func (p *pipeline) split(sp splitter) error {
	idle := func() bool { return len(p.order) == 0 }
	for {
		select {
		case <-p.credit:
		case <-p.quit:
			return io.ErrClosedPipe
		}
		var j *job
		select {
		case j = <-p.free:
			*j = job{slab: j.slab, comp: j.comp[:0], done: j.done}
			*j.slab = slab{buf: j.slab.buf[:0]}
		default:
			j = &job{slab: new(slab), done: make(chan struct{}, 1)}
		}
		if err := sp.split(j, idle); err != nil {
			return err
		}
		j.slab.end = sp.end()
		j.slab.first, j.slab.numbered = j.piece.first, j.piece.flags&pieceCurrent != 0
		if j.ready {
			j.done <- struct{}{}
		} else {
			select {
			case p.work <- j:
			case <-p.quit:
				return io.ErrClosedPipe
			}
		}
		select {
		case p.order <- j:
		case <-p.quit:
			return io.ErrClosedPipe
		}
	}
}

// grant lets the splitter go on.
func (p *pipeline) grant() {
	n := 1
	if p.calls++; p.calls > slowStart && p.ahead < cap(p.order) {
		p.ahead++
		n = 2
	}
	for range n {
		select {
		case p.credit <- struct{}{}:
		default: // only when the splitter is gone
		}
	}
}

func (p *pipeline) next() (*slab, error) {
	for {
		p.grant()
		j, ok := <-p.order
		if !ok {
			if p.gap != nil { // nothing readable follows the damage
				s := &slab{buf: make([]byte, headroom), gap: p.gap}
				p.gap = nil
				return s, nil
			}
			return nil, p.err
		}
		<-j.done
		if j.err != nil {
			d := &Damage{Offset: j.off, Bytes: int64(len(j.comp)), Lost: int64(j.size), Events: int64(j.piece.events), Reason: j.err.Error()}
			p.gap = joinDamage(p.gap, joinDamage(j.slab.gap, d))
			p.recycle(j)
			continue
		}
		j.slab.gap = joinDamage(p.gap, j.slab.gap)
		p.gap = nil
		p.byS[j.slab] = j
		return j.slab, nil
	}
}

func (p *pipeline) release(s *slab) {
	if j := p.byS[s]; j != nil {
		delete(p.byS, s)
		p.recycle(j)
	}
}

func (p *pipeline) recycle(j *job) {
	select {
	case p.free <- j:
	default:
	}
}

func (p *pipeline) close() {
	p.once.Do(func() { close(p.quit) })
	if p.stream {
		return // a read from a silent pipe may last for ever; the goroutines end with it
	}
	for range p.order { // unblocks the splitter, whatever it waits for
	}
	p.wg.Wait()
}
