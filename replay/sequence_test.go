package replay_test

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

func TestSequence(t *testing.T) {
	capture := func(comm string, at uint64, sections ...uint32) *recorded {
		src := &recorded{snap: &scapfile.Snapshot{Threads: []scapfile.Thread{proc(7, 0, comm)}}}
		for i, s := range sections {
			e := scapfile.NewEvent(schema.PPME_SYSCALL_CLOSE_X, at+uint64(i), 7, i64(0), i64(3))
			e.Num, e.Section = uint64(i+1), s
			src.events = append(src.events, e)
		}
		return src
	}
	seq, err := replay.Sequence(capture("second", 200, 0, 0), capture("none", 0), capture("first", 100, 0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	m := replay.New(seq, replay.Options{})
	for i, want := range []string{"first", "first", "first", "second", "second"} {
		ev, err := m.Next()
		if err != nil {
			t.Fatal(err)
		}
		eq(t, "process", ev.Thread.Comm, want)
		eq(t, "number", ev.Num, uint64(i+1))
		eq(t, "section", ev.Section, []uint32{0, 0, 1, 2, 2}[i])
	}
	if _, err := m.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}

	empty, err := replay.Sequence(capture("a", 0), capture("b", 0))
	if err != nil {
		t.Fatal(err)
	}
	if m := replay.New(empty, replay.Options{}); m.Thread(7) == nil {
		t.Error("the state of a capture without events is lost")
	}
	if _, err := replay.Sequence(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the source's error", err)
	}
}

func TestSequenceOfFiles(t *testing.T) {
	dir := sharedCaptures(t)
	seq, err := replay.Sequence(openCapture(t, filepath.Join(dir, "04_write_below_etc.scap")), openCapture(t, filepath.Join(dir, "01_cat_shadow.scap")))
	if err != nil {
		t.Fatal(err)
	}
	m := replay.New(seq, replay.Options{})
	var num, ts uint64
	sections := map[uint32]int{}
	for {
		ev, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if ev.Num <= num || ev.TS+1e9 < ts {
			t.Fatalf("event %d at %d follows %d at %d", ev.Num, ev.TS, num, ts)
		}
		num, ts = ev.Num, ev.TS
		sections[ev.Section]++
	}
	if len(sections) != 2 || sections[0] == 0 || sections[1] == 0 {
		t.Errorf("events by section: got %v, want two sections", sections)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Snapshot() *scapfile.Snapshot   { return nil }
func (broken) Next() (*scapfile.Event, error) { return nil, errBroken }
