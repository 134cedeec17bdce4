package tui

import (
	"context"
	"sync"
)

// lazy holds one value that is slow to get, for the key last asked for. A new
// key cancels the work for the old one.
type lazy[K comparable, V any] struct {
	load    func(ctx context.Context, key K) (V, error)
	changed func()

	mu      sync.Mutex
	started bool
	key     K
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
func (l *lazy[K, V]) get(key K) (val V, ready bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started && l.key == key {
		return l.val, l.ready, l.err
	}
	if l.cancel != nil {
		l.cancel()
	}
	ctx, cancel := context.WithCancel(context.Background())
	var zero V
	l.started, l.key, l.cancel, l.ready, l.val, l.err = true, key, cancel, false, zero, nil
	l.running.Add(1)
	safego(func() {
		defer l.running.Done()
		v, err := l.load(ctx, key)
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		if l.key == key {
			l.val, l.err, l.ready = v, err, true
		}
		l.mu.Unlock()
		l.changed()
	})
	return zero, false, nil
}

// close cancels what is running and waits for it.
func (l *lazy[K, V]) close() {
	l.mu.Lock()
	if l.cancel != nil {
		l.cancel()
	}
	l.mu.Unlock()
	l.running.Wait()
}
