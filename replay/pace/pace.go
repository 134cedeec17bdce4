// Package pace holds a replay back to the speed of the recording, or a multiple
// of it. It is apart from package replay because it is the only part that looks
// at a clock: the state and the fields of a replay never depend on one.
package pace

import (
	"context"
	"time"
)

// Pacer delays events. The zero value does not.
type Pacer struct {
	// Speed is how many seconds of the recording pass in one second of ours: 1
	// is as recorded, 10 ten times as fast, 0 or less without any delay.
	Speed float64

	first   uint64
	started time.Time
}

// Wait returns when it is time for the event recorded at ts (nanoseconds since
// the epoch), at once for the first one and for those that are late. The error
// is that of ctx when it ends first.
func (p *Pacer) Wait(ctx context.Context, ts uint64) error {
	if p.Speed <= 0 {
		return ctx.Err()
	}
	if p.started.IsZero() {
		p.first, p.started = ts, time.Now()
	}
	// Signed: events of several CPUs may stand slightly out of order.
	recorded := time.Duration(int64(ts - p.first))
	wait := time.Until(p.started.Add(time.Duration(float64(recorded) / p.Speed)))
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
