package pace

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPacer(t *testing.T) {
	const base = 1_700_000_000_000_000_000
	events := []uint64{base, base + 1e9, base + 5e8, base + 10e9} // the third is out of order
	for _, c := range []struct {
		speed float64
		want  []time.Duration // since the start
	}{
		{0, []time.Duration{0, 0, 0, 0}},
		{-1, []time.Duration{0, 0, 0, 0}},
		{1, []time.Duration{0, time.Second, time.Second, 10 * time.Second}},
		{4, []time.Duration{0, 250 * time.Millisecond, 250 * time.Millisecond, 2500 * time.Millisecond}},
		{0.5, []time.Duration{0, 2 * time.Second, 2 * time.Second, 20 * time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := Pacer{Speed: c.speed}
			start := time.Now()
			for i, ts := range events {
				if err := p.Wait(t.Context(), ts); err != nil {
					t.Fatal(err)
				}
				if got := time.Since(start); got != c.want[i] {
					t.Errorf("speed %v, event %d: after %v, want %v", c.speed, i, got, c.want[i])
				}
			}
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := Pacer{Speed: 1}
		if err := p.Wait(ctx, 1); err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(ctx, 1+60e9); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if err := p.Wait(ctx, 1); err == nil {
			t.Error("got no error after the end of the context")
		}
	})
}
