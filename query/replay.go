package query

import (
	"context"
	"io"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
)

// Replay replays the whole capture and calls f with each of its events, those
// that only keep state up to date left out, until f returns an error. What
// damage makes unreadable is left out, as in the index.
func (ix *Index) Replay(ctx context.Context, f func(*replay.Event) error) error {
	r, err := scapfile.Open(ix.capture)
	if err != nil {
		return err
	}
	defer r.Close()
	m := replay.New(r, replay.Options{})
	for n := 0; ; n++ {
		ev, err := m.Next()
		switch {
		case err == io.EOF || err != nil && isDamage(err):
			return nil
		case err != nil:
			return err
		case n&0xffff == 0xffff && ctx.Err() != nil:
			return ctx.Err()
		case ev.Flags&scapfile.FlagStateOnly != 0:
			continue
		}
		if err := f(ev); err != nil {
			return err
		}
	}
}
