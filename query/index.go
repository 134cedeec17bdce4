package query

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Index answers questions about one capture. It may be used from many
// goroutines at once, also while it is being built: answers then cover the
// events committed so far, see Progress.
type Index struct {
	capture string
	path    string // of the finished index
	facts   facts  // of the finished index

	mu      sync.Mutex
	idle    []*conn
	file    string // where the tables are now: path, or the partial file
	mode    access
	closed  bool
	temp    string // directory of an index of our own, removed by Close
	details detailCache
	args    argReader
	blocks  blockCache

	progress atomic.Pointer[Progress]
	done     chan struct{} // closed when the build ended or there was none
	buildErr error         // valid once done is closed
	stop     context.CancelFunc
}

// maxIdle is how many connections are kept for the next question.
const maxIdle = 4

// Open opens the index of a capture. It returns ErrNoIndex when there is none
// and ErrStale when it belongs to other content, to another version or was left
// unfinished; both mean that Build, Start or OpenOrBuild is due. With
// Options.Rules, alerts of other rules are found anew before it returns.
func Open(ctx context.Context, capture string, opts Options) (*Index, error) {
	id, err := identify(capture)
	if err != nil {
		return nil, err
	}
	path := opts.Index
	if path == "" {
		path = DefaultIndex(capture)
	}
	ix, err := openFinished(ctx, capture, path, id)
	if errors.Is(err, ErrNoIndex) && opts.Index == "" && path != fallbackIndex(capture) {
		if other, err2 := openFinished(ctx, capture, fallbackIndex(capture), id); err2 == nil {
			ix, err = other, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if ix.alertsStale(opts) {
		if err := ix.UpdateAlerts(ctx, opts); err != nil {
			ix.Close()
			return nil, err
		}
	}
	return ix, nil
}

// alertsStale reports whether the index has the alerts of other rules than those
// asked for.
func (ix *Index) alertsStale(opts Options) bool {
	return opts.Rules != nil && ix.facts["rules_hash"] != rulesHash(opts.Rules)
}

func openFinished(ctx context.Context, capture, path string, id identity) (*Index, error) {
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", capture, ErrNoIndex)
		}
		return nil, err
	}
	ix := &Index{capture: capture, path: path, file: path, mode: readOnly, done: make(chan struct{}), stop: func() {}}
	close(ix.done)
	if !writableDir(dirOf(path)) {
		ix.mode = immutable
	}
	f, err := ix.readFacts(ctx)
	if err == nil {
		err = id.check(f)
	}
	if err != nil {
		ix.Close()
		switch {
		case errors.Is(err, ErrStale):
			return nil, fmt.Errorf("%s: %w", path, err)
		case sqliteKind(err) == kindCorrupt, sqliteKind(err) == kindOther && ctx.Err() == nil:
			// A damaged file, or tables of something else: not to be trusted.
			return nil, fmt.Errorf("%s: %w: %v", path, ErrStale, err)
		}
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	ix.facts = f
	events, _ := f["events"].(int64)
	st, _ := os.Stat(capture)
	p := Progress{Events: events, Done: true}
	if st != nil {
		p.Bytes, p.TotalBytes = st.Size(), st.Size()
	}
	ix.progress.Store(&p)
	return ix, nil
}

// OpenOrBuild opens the index of a capture, building it first when that is due.
// When another process is building it, it waits for that.
func OpenOrBuild(ctx context.Context, capture string, opts Options) (*Index, error) {
	for {
		ix, err := Open(ctx, capture, opts)
		if err == nil || !errors.Is(err, ErrNoIndex) && !errors.Is(err, ErrStale) {
			return ix, err
		}
		err = Build(ctx, capture, opts)
		switch {
		case errors.Is(err, ErrBuilding):
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(200 * time.Millisecond):
			}
		case err != nil:
			return nil, err
		}
	}
}

// Start opens the index of a capture at once: the finished one, or else one that
// grows in the background until the capture is through, ctx ends or Close is
// called; when only the alerts are those of other rules, these are found in the
// background. While another process builds the index, Start builds one of its own in
// the temporary directory and removes it on Close.
func Start(ctx context.Context, capture string, opts Options) (*Index, error) {
	ix, err := Open(ctx, capture, Options{Index: opts.Index})
	if err == nil {
		if ix.alertsStale(opts) {
			ix.background(ctx, func(ctx context.Context) error { return ix.UpdateAlerts(ctx, opts) })
		}
		return ix, nil
	}
	if !errors.Is(err, ErrNoIndex) && !errors.Is(err, ErrStale) {
		return nil, err
	}
	b, err := newBuilder(capture, opts)
	temp := ""
	if errors.Is(err, ErrBuilding) {
		if temp, err = os.MkdirTemp("", "sysreel-index-"); err != nil {
			return nil, err
		}
		opts.Index = filepath.Join(temp, "index"+indexSuffix)
		if b, err = newBuilder(capture, opts); err != nil {
			os.RemoveAll(temp)
		}
	}
	if err != nil {
		return nil, err
	}
	ix = &Index{temp: temp, capture: capture, path: b.index, file: b.lock.path, mode: readOnly}
	ix.progress.Store(&Progress{})
	b.onStep = func(p Progress) { ix.progress.Store(&p) }
	ix.background(ctx, func(ctx context.Context) error {
		err := b.run(ctx)
		if err == nil {
			ix.mu.Lock()
			ix.file = ix.path
			ix.mu.Unlock()
		}
		return err
	})
	return ix, nil
}

// background runs the work that Done and Err tell of; Close stops it.
func (ix *Index) background(ctx context.Context, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	ix.done, ix.stop = make(chan struct{}), cancel
	go func() {
		defer close(ix.done)
		defer cancel()
		ix.buildErr = f(ctx)
	}()
}

// Close stops a build under way and releases the index.
func (ix *Index) Close() error {
	ix.stop()
	<-ix.done
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.closed = true
	ix.details.Lock()
	ix.details.close()
	ix.details.Unlock()
	ix.args.close()
	var err error
	for _, c := range ix.idle {
		err = errors.Join(err, c.close())
	}
	ix.idle = nil
	if ix.temp != "" {
		err = errors.Join(err, os.RemoveAll(ix.temp))
	}
	return err
}

// Path is where the index is, or will be once it is finished.
func (ix *Index) Path() string { return ix.path }

// Capture is the path of the capture.
func (ix *Index) Capture() string { return ix.capture }

// Progress tells how much of the capture the index covers.
func (ix *Index) Progress() Progress { return *ix.progress.Load() }

// Done is closed when the index, alerts included, is finished or that has failed:
// see Err.
func (ix *Index) Done() <-chan struct{} { return ix.done }

// Err is the error that ended the build, nil while it runs and when it succeeded.
func (ix *Index) Err() error {
	select {
	case <-ix.done:
		return ix.buildErr
	default:
		return nil
	}
}

// acquire takes a connection for one question.
func (ix *Index) acquire() (*conn, error) {
	ix.mu.Lock()
	if ix.closed {
		ix.mu.Unlock()
		return nil, os.ErrClosed
	}
	if n := len(ix.idle); n > 0 {
		c := ix.idle[n-1]
		ix.idle = ix.idle[:n-1]
		ix.mu.Unlock()
		return c, nil
	}
	file, mode := ix.file, ix.mode
	ix.mu.Unlock()
	c, err := openConn(file, mode)
	if err != nil {
		// The partial file may just have got its final name.
		if c, err2 := openConn(ix.path, mode); err2 == nil {
			err = ix.setUp(c)
			if err == nil {
				return c, nil
			}
			c.close()
		}
		return nil, err
	}
	if err := ix.setUp(c); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (ix *Index) setUp(c *conn) error {
	for _, sql := range []string{"PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-16384", "PRAGMA mmap_size=1073741824",
		"PRAGMA automatic_index=OFF"} {
		if err := c.exec(sql); err != nil {
			return err
		}
	}
	return registerFuncs(c, ix)
}

// release gives a connection back.
func (ix *Index) release(c *conn) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.closed || len(ix.idle) >= maxIdle {
		c.close()
		return
	}
	ix.idle = append(ix.idle, c)
}

// with runs f with a connection.
func (ix *Index) with(f func(*conn) error) error {
	c, err := ix.acquire()
	if err != nil {
		return err
	}
	defer ix.release(c)
	return f(c)
}

func (ix *Index) readFacts(ctx context.Context) (facts, error) {
	f := make(facts)
	err := ix.with(func(c *conn) error {
		return c.each(ctx, "SELECT key, value FROM meta", nil, func(v []driver.Value) error {
			k, _ := v[0].(string)
			f[k] = v[1]
			return nil
		})
	})
	return f, err
}
