package query

import (
	"context"
	"errors"
	"testing"

	"github.com/sysreel/sysreel/replay"
)

// TestReplay sees every event that the index has, and ends when told to.
func TestReplay(t *testing.T) {
	ix := buildIndex(t, copyCapture(t, "testdata/incident.scap"))
	var n int64
	if err := ix.Replay(t.Context(), func(*replay.Event) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	if n != ix.Len() {
		t.Errorf("%d events replayed, the index has %d", n, ix.Len())
	}
	stop := errors.New("enough")
	if err := ix.Replay(context.Background(), func(*replay.Event) error { return stop }); err != stop {
		t.Errorf("an error of the caller came back as %v", err)
	}
}
