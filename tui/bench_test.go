package tui

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sysreel/sysreel/query"
	"github.com/sysreel/sysreel/rules"
)

// bigCapture is the benchmark capture beside the checkout.
func bigCapture(b *testing.B) string {
	b.Helper()
	path, err := filepath.Abs("../../shared/captures/big/mixed.scap")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		b.Skipf("the benchmark capture is not there: %v", err)
	}
	return path
}

// openModel opens a capture as the verb does and returns the UI's state.
func openModel(b *testing.B, capture, index string) (m *Model, s *IndexStore, wait func(done func(*Frame) bool), end func()) {
	b.Helper()
	set, report := rules.LoadFiles(rules.LoadOptions{}, rules.Default()...)
	if err := report.Err(); err != nil {
		b.Fatal(err)
	}
	ix, err := query.Start(b.Context(), capture, query.Options{Index: index, Rules: set})
	if err != nil {
		b.Fatal(err)
	}
	s = NewIndexStore(ix, set)
	dirty := make(chan struct{}, 1)
	m, err = NewModel(s, Options{}, func() { signal(dirty) })
	if err != nil {
		b.Fatal(err)
	}
	f := NewFrame(120, 36)
	wait = func(done func(*Frame) bool) {
		for {
			f.reset(120, 36)
			m.Draw(f)
			if done(f) {
				return
			}
			select {
			case <-dirty:
			case <-time.After(10 * time.Second):
				b.Fatalf("nothing changes any more:\n%s", f)
			}
		}
	}
	return m, s, wait, func() { m.Close(); s.Close(); ix.Close() }
}

// BenchmarkOpen measures the time from the start to the first frame with rows,
// without an index and with one.
func BenchmarkOpen(b *testing.B) {
	capture := bigCapture(b)
	rows := func(m *Model) func(*Frame) bool {
		return func(*Frame) bool { _, ok := m.screens[scopeEvents].(*eventsScreen).row(); return ok }
	}
	b.Run("without-index", func(b *testing.B) {
		for b.Loop() {
			m, _, wait, end := openModel(b, capture, filepath.Join(b.TempDir(), "x.sqlite"))
			wait(rows(m))
			b.StopTimer()
			end()
			b.StartTimer()
		}
	})
	b.Run("with-index", func(b *testing.B) {
		index := indexed(b, capture)
		for b.Loop() {
			m, _, wait, end := openModel(b, capture, index)
			wait(rows(m))
			b.StopTimer()
			end()
			b.StartTimer()
		}
	})
}

func indexed(b *testing.B, capture string) string {
	b.Helper()
	index := filepath.Join(b.TempDir(), "mixed.sqlite")
	set, _ := rules.LoadFiles(rules.LoadOptions{}, rules.Default()...)
	if err := query.Build(b.Context(), capture, query.Options{Index: index, Rules: set}); err != nil {
		b.Fatal(err)
	}
	return index
}

// BenchmarkJump measures the time from a key to the frame with the row it leads
// to, in places that were not seen before.
func BenchmarkJump(b *testing.B) {
	capture := bigCapture(b)
	m, s, wait, end := openModel(b, capture, indexed(b, capture))
	defer end()
	for !s.Info().Final {
		time.Sleep(time.Millisecond)
	}
	events := m.screens[scopeEvents].(*eventsScreen)
	wait(func(*Frame) bool { _, ok := events.row(); return ok })
	there := func(num uint64) func(*Frame) bool {
		return func(*Frame) bool { row, ok := events.row(); return ok && m.found == nil && row.Num == num }
	}
	total := uint64(s.Info().Events)
	b.Run("end", func(b *testing.B) {
		for b.Loop() {
			events.load() // forget the pages read
			m.screen().move(-farAway)
			wait(func(*Frame) bool { n, _, _ := events.pager.Len(); return n == int64(total) })
			m.screen().move(farAway)
			wait(there(total))
		}
	})
	b.Run("number", func(b *testing.B) {
		num := uint64(1)
		for b.Loop() {
			num = (num + total/7) % total
			m.gotoEvent(num + 1)
			wait(there(num + 1))
		}
	})
	b.Run("time", func(b *testing.B) {
		in := s.Info()
		at := in.Start
		for b.Loop() {
			at = in.Start + (at-in.Start+(in.End-in.Start)*3/11)%(in.End-in.Start)
			m.gotoTime(at)
			wait(func(*Frame) bool { row, ok := events.row(); return ok && m.found == nil && row.TS >= at })
		}
	})
	b.Run("detail-at-the-end", func(b *testing.B) {
		for b.Loop() {
			for _, num := range []uint64{1, total} {
				if _, err := s.Detail(b.Context(), num); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("filter", func(b *testing.B) {
		for b.Loop() {
			m.setFilter("proc.name = curl and evt.type = connect")
			wait(func(*Frame) bool { _, ok := events.row(); return ok })
			m.setFilter("")
			wait(func(*Frame) bool { _, ok := events.row(); return ok })
		}
	})
}
