package capture

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sysreel/sysreel/probe"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

func TestPartPath(t *testing.T) {
	tests := []struct{ path, want string }{
		{"a.scap.zst", "a.00007.scap.zst"},
		{"/x.y/a.scap", "/x.y/a.00007.scap"},
		{"dir/a.b.gz", "dir/a.b.00007.gz"},
		{"dir/plain", "dir/plain.00007"},
		{"dir/.scap", "dir/.scap.00007"},
	}
	for _, tt := range tests {
		if got := partPath(tt.path, 7); got != tt.want {
			t.Errorf("partPath(%q) = %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestDrops(t *testing.T) {
	now := probe.Stats{RingFull: 10, TooLarge: 2, Missed: 1}
	if got := Drops(now, now); got != nil {
		t.Errorf("no losses: %v", got)
	}
	want := map[string]uint64{"ring full": 7, "too large": 2}
	if got := Drops(now, probe.Stats{RingFull: 3, Missed: 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("drops = %v, want %v", got, want)
	}
}

// lossyRing is a fakeRing whose counts grow at every look.
type lossyRing struct {
	fakeRing
	n uint64
}

func (r *lossyRing) Stats() (probe.Stats, error) {
	r.n++
	return probe.Stats{Seen: 100 * r.n, RingFull: r.n}, nil
}

// TestRecorderMeta checks what each file of a rotation says about itself.
func TestRecorderMeta(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.scap")
	r := &lossyRing{}
	for i := range 5 {
		r.last = append(r.last, raw(int64(i), uint64(i)))
	}
	sel := selectNames(t, "close", true)
	s, err := Open(Options{ring: r, Selection: sel, SnapLen: 99})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	meta := scapfile.Meta{Tool: "test"}
	sel.Describe(&meta, true)
	rec, err := NewRecorder(s, RecorderOptions{Path: path, Meta: meta, Rotate: Rotation{Events: 3}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Each(rec.Write); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	if n, _ := rec.Written(); n != 5 || len(rec.Files()) != 2 {
		t.Fatalf("%d events in %v", n, rec.Files())
	}
	for i, f := range rec.Files() {
		n, m := readBack(t, f)
		if want := uint64(3 - i); n != want || m.Events != want {
			t.Errorf("%s: %d events, metadata says %d, want %d", f, n, m.Events, want)
		}
		if m.Seen != 100 || m.Lost() != 1 || !m.Exact || m.SnapLen != 99 || m.Tool != "test" || m.Kernel == "" || m.Arch == "" {
			t.Errorf("%s: metadata %+v", f, m)
		}
		if len(m.Notes) == 2 && strings.HasPrefix(m.Notes[1], "events lost: 1, between ") {
			m.Notes = m.Notes[:1]
		}
		if !reflect.DeepEqual(m.Syscalls, []string{"close"}) || len(m.Notes) != 1 {
			t.Errorf("%s: calls %v, notes %v", f, m.Syscalls, m.Notes)
		}
	}
}

func TestGaps(t *testing.T) {
	start := time.Unix(1000, 0)
	r := &Recorder{looked: start}
	at := func(sec int) time.Time { return start.Add(time.Duration(sec) * time.Second) }
	for i, lost := range []uint64{0, 5, 7, 7, 7, 10} { // by second, from 1
		r.noteLosses(&probe.Stats{RingFull: lost}, at(i+1))
	}
	want := []gap{{at(1), at(3), 7}, {at(5), at(6), 3}}
	if !reflect.DeepEqual(r.gaps, want) {
		t.Errorf("gaps = %v, want %v", r.gaps, want)
	}
	for i := range 1000 {
		r.noteLosses(&probe.Stats{RingFull: uint64(11 + i/2)}, at(10+i))
	}
	if len(r.gaps) != maxGaps {
		t.Errorf("%d gaps, want at most %d", len(r.gaps), maxGaps)
	}
	sum := uint64(0)
	for _, g := range r.gaps {
		sum += g.n
	}
	if sum != r.lost {
		t.Errorf("gaps tell of %d lost events, want %d", sum, r.lost)
	}
}

func TestRecorderLimits(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts RecorderOptions
		flag uint32
		max  int // writes until ErrLimit, 0: never
	}{
		{"events", RecorderOptions{MaxEvents: 3}, 0, 3},
		{"state-only events do not count", RecorderOptions{MaxEvents: 3}, scapfile.FlagStateOnly, 0},
		{"size", RecorderOptions{MaxSize: 1}, 0, sizeCheck},
		{"none", RecorderOptions{}, 0, 0},
	} {
		s := openFake(t, &fakeRing{}, Options{})
		tt.opts.Path = filepath.Join(t.TempDir(), "l.scap")
		rec, err := NewRecorder(s, tt.opts)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for i := range 2 * sizeCheck {
			e := scapfile.NewEvent(schema.PPME_SYSCALL_CLOSE_X, 1, 1)
			e.Flags = tt.flag
			if err := rec.Write(e); err == ErrLimit {
				got = i + 1
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if got != tt.max {
			t.Errorf("%s: limit after %d events, want %d", tt.name, got, tt.max)
		}
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRotationByTime(t *testing.T) {
	s := openFake(t, &fakeRing{}, Options{})
	rec, err := NewRecorder(s, RecorderOptions{
		Path: filepath.Join(t.TempDir(), "t.scap"), Rotate: Rotation{Every: time.Nanosecond, Keep: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // no event at all
		if err := rec.Tick(); err != nil {
			t.Fatal(err)
		}
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	if len(rec.Files()) != 2 || rec.part != 3 {
		t.Errorf("%d parts, kept %v", rec.part+1, rec.Files())
	}
}

// recordBatch returns a session, a recorder and a batch of raw events such as
// a busy host makes.
func recordBatch(tb testing.TB) (*Session, *Recorder, [][]byte) {
	tb.Helper()
	s, err := Open(Options{ring: &fakeRing{}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	rec, err := NewRecorder(s, RecorderOptions{Path: filepath.Join(tb.TempDir(), "b.scap.zst")})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { rec.Close() })
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = scapfile.NewEvent(schema.PPME_SYSCALL_READ_X, uint64(1e18+i*700), int64(1000+i%7),
			scapfile.I64(80), scapfile.I64(int64(i%20)), make([]byte, 80), scapfile.U32(80)).AppendRaw(nil)
	}
	return s, rec, batch
}

// push takes raw events through the same code as Each.
func push(s *Session, rec *Recorder, batch [][]byte) error {
	for _, raw := range batch {
		ok, err := s.accept(0, raw)
		if ok && err == nil {
			err = rec.Write(&s.ev)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestRingToFileAllocatesNothing counts allocations on the way of an event from
// the ring buffer to the file. Pieces handed to the compressor are reused; a few
// allocations for thousands of events are those of its warm-up.
func TestRingToFileAllocatesNothing(t *testing.T) {
	s, rec, batch := recordBatch(t)
	for range 50 {
		if err := push(s, rec, batch); err != nil {
			t.Fatal(err)
		}
	}
	allocs := testing.AllocsPerRun(100, func() {
		if err := push(s, rec, batch); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 1 {
		t.Errorf("%v allocations for %d events, want none", allocs, len(batch))
	}
}

func BenchmarkRingToFile(b *testing.B) {
	s, rec, batch := recordBatch(b)
	size := 0
	for _, raw := range batch {
		size += len(raw)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if err := push(s, rec, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/event")
}
