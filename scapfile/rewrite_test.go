package scapfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// mixedEvents writes a capture in which a process opens, reads and closes files.
func mixedEvents(t testing.TB, path string, host string, from, n int) {
	t.Helper()
	snap := &Snapshot{Machine: &MachineInfo{Hostname: host}, Threads: []Thread{{TID: int64(from), PID: int64(from), Comm: "p"}, {TID: 1, PID: 1, Comm: path}}}
	w, err := Create(path, snap, WriterOptions{Meta: &Meta{Tool: "test", Drops: map[string]uint64{"full": 3}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		ts := uint64(from + 100*i)
		for _, e := range []*Event{
			NewEvent(schema.PPME_SYSCALL_OPEN_X, ts, int64(from), I64(3), Text("/f"), U32(1), U32(0), U32(0), U64(0)),
			NewEvent(schema.PPME_SYSCALL_READ_X, ts+1, int64(from), I64(1), []byte("x"), I64(3), U32(1)),
			NewEvent(schema.PPME_SYSCALL_CLOSE_X, ts+2, int64(from), I64(0), I64(3)),
		} {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRewriteSlice(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "a.scap.zst"), filepath.Join(dir, "b.scap")
	mixedEvents(t, src, "h", 1000, 10)
	res, err := Rewrite(src, dst, RewriteOptions{FirstNum: 8, LastNum: 11, Writer: WriterOptions{Meta: &Meta{Notes: []string{"slice"}}}})
	if err != nil {
		t.Fatal(err)
	}
	// Events 8 to 11 are read, close, open, read; before them stand five opens and closes.
	if res.Events != 4 || res.StateOnly != 5 {
		t.Errorf("got %+v", res)
	}
	r := open(t, dst, ReaderOptions{})
	var shown, hidden []string
	for {
		e, err := r.Next()
		if err != nil {
			break
		}
		if e.Hidden() {
			hidden = append(hidden, e.Name())
		} else {
			shown = append(shown, e.Name())
		}
	}
	if d := cmp.Diff([]string{"read", "close", "open", "read"}, shown); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"open", "close", "open", "close", "open"}, hidden); d != "" {
		t.Error(d)
	}
	if m := r.Meta(); m.Tool != "test" || m.Lost() != 3 || len(m.Notes) != 1 || m.Converted == "" {
		t.Errorf("metadata %+v", m)
	}
}

// A damaged and cut file is repaired: the result reads without complaint.
func TestRewriteRepairs(t *testing.T) {
	dir := t.TempDir()
	src, dst := filepath.Join(dir, "a.scap"), filepath.Join(dir, "b.scap.zst")
	writeMany(t, src, 20_000, WriterOptions{FrameSize: 32 << 10})
	b, _ := os.ReadFile(src)
	copy(b[len(b)/3:], make([]byte, 50))
	if err := os.WriteFile(src, b[:len(b)*9/10], 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := Rewrite(src, dst, RewriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Damage) != 1 || !errors.Is(res.Truncated, ErrTruncated) || res.Events < 10_000 {
		t.Errorf("got %+v", res)
	}
	r := open(t, dst, ReaderOptions{Strict: true})
	if n := drain(t, r); uint64(n) != res.Events {
		t.Errorf("%d events of %d", n, res.Events)
	}
}

func TestRewriteOntoItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.scap")
	writeMany(t, path, 10, WriterOptions{})
	if _, err := Rewrite(path, path, RewriteOptions{}); err == nil || !strings.Contains(err.Error(), "itself") {
		t.Errorf("got %v", err)
	}
	if n := drain(t, open(t, path, ReaderOptions{})); n != 10 {
		t.Errorf("%d events left", n)
	}
}

// Old captures become current ones for good.
func TestRewriteModernises(t *testing.T) {
	src := filepath.Join(sharedDir, "01_cat_shadow.v021.scap")
	if _, err := os.Stat(src); err != nil {
		t.Skip(err)
	}
	dst := filepath.Join(t.TempDir(), "a.scap.zst")
	if _, err := Rewrite(src, dst, RewriteOptions{}); err != nil {
		t.Fatal(err)
	}
	want := readAll(t, open(t, src, ReaderOptions{}))
	got := readAll(t, open(t, dst, ReaderOptions{Raw: true}))
	if d := cmp.Diff(want.raw, got.raw); d != "" {
		t.Error(d)
	}
	if !open(t, dst, ReaderOptions{}).Indexed() {
		t.Error("the result is not indexed")
	}
}

// A capture of several sections keeps them, and can be entered in each.
func TestRewriteSections(t *testing.T) {
	dir := t.TempDir()
	a, b, both := filepath.Join(dir, "a.scap"), filepath.Join(dir, "b.scap"), filepath.Join(dir, "c.scap")
	mixedEvents(t, a, "h", 1000, 10)
	mixedEvents(t, b, "h", 5000, 10)
	x, _ := os.ReadFile(a)
	y, _ := os.ReadFile(b)
	if err := os.WriteFile(both, append(x, y...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"d.scap", "d.scap.zst", "d.scap.raw"} {
		dst := filepath.Join(dir, name)
		if _, err := Rewrite(both, dst, RewriteOptions{}); err != nil {
			t.Fatal(err)
		}
		r := open(t, dst, ReaderOptions{Strict: true})
		for _, num := range []uint64{45, 3} {
			if err := r.SeekEvent(num); err != nil {
				t.Fatal(err)
			}
			e, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			want := map[uint64]int64{45: 5000, 3: 1000}[num]
			if e.Num != num || e.TID != want || r.Snapshot().Threads[0].TID != want {
				t.Errorf("%s: event %d of thread %d, lists of %d; want thread %d", name, e.Num, e.TID, r.Snapshot().Threads[0].TID, want)
			}
		}
	}
}

func TestMerge(t *testing.T) {
	dir := t.TempDir()
	a, b, c, dst := filepath.Join(dir, "a.scap"), filepath.Join(dir, "b.scap.zst"), filepath.Join(dir, "c.scap"), filepath.Join(dir, "m.scap.zst")
	mixedEvents(t, a, "h", 1050, 10)
	mixedEvents(t, b, "h", 1000, 10)
	mixedEvents(t, c, "other", 1000, 1)
	res, err := Merge(dst, []string{a, b}, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, dst, ReaderOptions{Strict: true})
	last, n := uint64(0), uint64(0)
	for {
		e, err := r.Next()
		if err != nil {
			break
		}
		if e.TS < last {
			t.Errorf("event %d is older than the one before", e.Num)
		}
		last, n = e.TS, n+1
	}
	if n != 60 || res.Events != 60 {
		t.Errorf("%d events, %+v", n, res)
	}
	threads := r.Snapshot().Threads
	if len(threads) != 3 || threads[1].Comm != b {
		t.Errorf("threads %+v", threads)
	}
	if _, err := Merge(dst, []string{a, c}, WriterOptions{}); err == nil || !strings.Contains(err.Error(), "different hosts") {
		t.Errorf("got %v", err)
	}
}

func TestSummarize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.scap.zst")
	mixedEvents(t, path, "h", 1000, 10)
	s, err := Summarize(open(t, path, ReaderOptions{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Events != 30 || s.First != 1000 || s.Last != 1902 || s.Dropped != 3 || s.ByName["read"] != 10 || s.ActiveThreads != 1 || s.Machine.Hostname != "h" {
		t.Errorf("got %+v", s)
	}
}

// The lists of a later capture hold threads that the earlier one shows being
// created: they must not be there before that.
func TestMergeReconciles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, boot uint64, threads []Thread, drops uint64, events ...*Event) string {
		t.Helper()
		path := filepath.Join(dir, name)
		w, err := Create(path, &Snapshot{Machine: &MachineInfo{Hostname: "h", BootTime: boot}, Threads: threads},
			WriterOptions{Meta: &Meta{Seen: 10, Drops: map[string]uint64{"full": drops}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := Thread{TID: 1, PID: 1}
	a := write("a.scap", 1000, []Thread{one}, 3, NewEvent(schema.PPME_SYSCALL_CLONE_20_X, 100, 1, I64(7)))
	b := write("b.scap", 2000, []Thread{one, {TID: 5, PID: 5}, {TID: 7, PID: 7}}, 4, NewEvent(schema.PPME_SYSCALL_CLOSE_X, 200, 7, I64(0), I64(3)))
	c := write("c.scap", 1000+2*bootJitter, []Thread{one}, 0, NewEvent(schema.PPME_SYSCALL_CLOSE_X, 300, 1, I64(0), I64(3)))
	dst := filepath.Join(dir, "m.scap")
	if _, err := Merge(dst, []string{b, a}, WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	r := open(t, dst, ReaderOptions{Strict: true})
	var tids []int64
	for _, th := range r.Snapshot().Threads {
		tids = append(tids, th.TID)
	}
	if d := cmp.Diff([]int64{1, 5}, tids); d != "" {
		t.Error(d)
	}
	if m := r.Meta(); m.Lost() != 7 || m.Seen != 20 {
		t.Errorf("metadata %+v, want the losses of both", m)
	}
	if _, err := Merge(dst, []string{a, c}, WriterOptions{}); err == nil || !strings.Contains(err.Error(), "booted anew") {
		t.Errorf("got %v", err)
	}
}
