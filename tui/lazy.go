package tui

import (
	"context"
	"sync"
	"time"
)

// reloadEvery is how often a value of a growing capture is loaded anew.
const reloadEvery = time.Second

// lazy holds one value that is slow to get, for the key last asked for. A new
// key cancels the work for the old one. A new version of the same key keeps the
// value that is there until the next one has been loaded.
type lazy[K comparable, V any] struct {
	load    func(ctx context.Context, key K) (V, error)
	changed func()

	mu      sync.Mutex
	started bool
	key     K
	version int64
	loading bool
	ended   time.Time // of the last load
	asked   bool      // a later look at the version is due
	cancel  context.CancelFunc
	ready   bool
	val     V
	err     error
	running sync.WaitGroup
}

func newLazy[K comparable, V any](changed func(), load func(context.Context, K) (V, error)) *lazy[K, V] {
	return &lazy[K, V]{load: load, changed: changed}
}

// get returns the value for key and whether it is there yet; when it is not, it
// is on its way and changed will be called.
func (l *lazy[K, V]) get(key K) (val V, ready bool, err error) { return l.fresh(key, 0) }

// fresh is get for values that change: with another version than before the
// value is loaded again, at most once a second, and the old one returned until then.
func (l *lazy[K, V]) fresh(key K, version int64) (val V, ready bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.started || l.key != key:
		if l.cancel != nil {
			l.cancel()
		}
		var zero V
		l.started, l.key, l.ready, l.val, l.err = true, key, false, zero, nil
		l.start(version)
	case l.version == version || l.loading:
	case time.Since(l.ended) >= reloadEvery:
		l.start(version)
	case !l.asked:
		l.asked = true
		time.AfterFunc(reloadEvery, func() {
			l.mu.Lock()
			l.asked = false
			l.mu.Unlock()
			l.changed() // to be asked again when it is time
		})
	}
	return l.val, l.ready, l.err
}

// start loads in the background. The caller holds the lock.
func (l *lazy[K, V]) start(version int64) {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, l.version, l.loading = cancel, version, true
	key := l.key
	l.running.Add(1)
	safego(func() {
		defer l.running.Done()
		v, err := l.load(ctx, key)
		l.mu.Lock()
		if ctx.Err() != nil {
			l.mu.Unlock()
			return
		}
		l.val, l.err, l.ready = v, err, true
		l.loading, l.ended = false, time.Now()
		l.mu.Unlock()
		cancel()
		l.changed()
	})
}

// stop cancels what is running.
func (l *lazy[K, V]) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
}

// close cancels what is running and waits for it.
func (l *lazy[K, V]) close() {
	l.stop()
	l.running.Wait()
}
