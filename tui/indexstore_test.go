package tui

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysreel/sysreel/query"
	"github.com/sysreel/sysreel/rules"
)

// openStore opens a copy of the capture that package query bundles while its
// index is being built.
func openStore(t *testing.T) *IndexStore {
	t.Helper()
	b, err := os.ReadFile("../query/testdata/incident.scap")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "incident.scap")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	set, report := rules.LoadFiles(rules.LoadOptions{}, rules.Default()...)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	ix, err := query.Start(t.Context(), path, query.Options{Rules: set})
	if err == query.ErrNoSQLite {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	s := NewIndexStore(ix, set)
	t.Cleanup(s.Close)
	return s
}

// final waits until the index is complete.
func final(t *testing.T, s *IndexStore) Info {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if in := s.Info(); in.Final {
			if in.Err != nil {
				t.Fatal(in.Err)
			}
			return in
		}
	}
	t.Fatal("the index was never complete")
	return Info{}
}

// all reads a list to its end.
func all(t *testing.T, l EventList) []EventRow {
	t.Helper()
	var n int64
	if err := l.grow(t.Context(), func(k int64) { n = k }); err != nil {
		t.Fatal(err)
	}
	var out []EventRow
	for int64(len(out)) < n {
		rows, err := l.page(t.Context(), int64(len(out)), 100)
		if err != nil {
			t.Fatal(err)
		}
		if rows, err = l.refine(t.Context(), rows); err != nil || len(rows) == 0 {
			t.Fatalf("page at %d of %d: %d rows, %v", len(out), n, len(rows), err)
		}
		out = append(out, rows...)
	}
	return out
}

// TestStoreEvents compares a filtered list with what the unfiltered one holds,
// both begun before the index is complete.
func TestStoreEvents(t *testing.T) {
	s := openStore(t)
	every := all(t, s.Events(view{}, nil))
	in := final(t, s)
	if int64(len(every)) != in.Events || len(every) == 0 {
		t.Fatalf("%d events listed, the index has %d", len(every), in.Events)
	}
	if in.Start != every[0].TS || in.End < in.Start {
		t.Errorf("the capture spans %d..%d, its first event is at %d", in.Start, in.End, every[0].TS)
	}
	const typ = "openat"
	matching := s.Events(view{filter: "evt.type = " + typ}, []string{"proc.cmdline", "user.name"})
	var want, got []uint64
	for _, e := range every {
		if e.Type == typ {
			want = append(want, e.Num)
		}
	}
	for i, e := range all(t, matching) {
		got = append(got, e.Num)
		if len(e.Extra) != 2 || e.Extra[0] == "" || !strings.Contains(e.Args, "name=") {
			t.Errorf("row %d has columns %q and arguments %q", i, e.Extra, e.Args)
		}
		if at, err := matching.IndexOf(t.Context(), e.Num); err != nil || at != int64(i) {
			t.Errorf("event %d is on row %d (%v), want %d", e.Num, at, err, i)
		}
	}
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("filter lists %d events, %d are of the type", len(got), len(want))
	}
	half := Range{in.Start, every[len(every)/2].TS}
	for _, e := range all(t, s.Events(view{rng: half}, nil)) {
		if e.TS > half.B {
			t.Errorf("event %d is outside of the range", e.Num)
		}
	}
}

// TestStoreAnswers asks everything that the screens ask, on every alert.
func TestStoreAnswers(t *testing.T) {
	s := openStore(t)
	in := final(t, s)
	ctx := t.Context()
	alerts, err := s.Alerts(ctx, view{})
	if err != nil || len(alerts) == 0 {
		t.Fatalf("%d alerts, %v", len(alerts), err)
	}
	procs, err := s.Procs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	byID := make(map[int64]Proc)
	for _, p := range procs {
		byID[p.ID] = p
	}
	for _, a := range alerts {
		d, err := s.Detail(ctx, a.Event)
		if err != nil {
			t.Fatal(err)
		}
		if d.Num != a.Event || d.ProcID != a.ProcID || !hasField(d.Sections, "Alerts", a.Rule) || !hasField(d.Sections, "Process", a.Proc) {
			t.Errorf("the detail of event %d lacks its alert or its process: %+v", a.Event, d)
		}
		brief, err := s.Brief(ctx, a.Event)
		if err != nil || !hasField(brief.Sections, "Alerts", a.Rule) || !hasField(brief.Sections, "Process", a.Proc) {
			t.Errorf("the brief of event %d: %+v, %v", a.Event, brief, err)
		}
		why, err := s.Why(ctx, a.Event, a.Rule)
		if err != nil || len(why) < 2 || why[0].Truth != "true" {
			t.Errorf("why %s fired on %d: %v, %v", a.Rule, a.Event, why, err)
		}
		p := byID[a.ProcID]
		if p.Alerts == 0 || p.Worst == 0 || p.PID != a.PID {
			t.Errorf("process of alert on %d: %+v", a.Event, p)
		}
		if _, err := s.ProcDetail(ctx, a.ProcID); err != nil {
			t.Error(err)
		}
		fds, err := s.OpenFDs(ctx, a.PID, a.TS)
		if err != nil {
			t.Errorf("descriptors of %d: %v, %v", a.PID, fds, err)
		}
		same, err := s.Alerts(ctx, view{filter: "proc.pid = " + d.pid()})
		if err != nil || len(same) == 0 || len(same) > len(alerts) || same[0].PID != a.PID {
			t.Errorf("alerts of process %d: %v, %v", a.PID, same, err)
		}
		match, err := s.Matching(ctx, view{filter: "proc.pid = " + d.pid()})
		if err != nil || match[a.ProcID] == 0 {
			t.Errorf("events of process %d: %v, %v", a.PID, match, err)
		}
	}
	var total int64
	lane, err := s.Lane(ctx, stretch{n: 50}, "")
	for _, b := range lane {
		total += b.Events
	}
	if err != nil || total != in.Events {
		t.Errorf("the lane counts %d events of %d, %v", total, in.Events, err)
	}
	list, err := s.Rules(ctx)
	if err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	var hits int64
	for _, r := range list {
		hits += r.Hits
	}
	if hits != int64(len(alerts)) {
		t.Errorf("the rules have %d hits, there are %d alerts", hits, len(alerts))
	}
	if text, err := s.Study(ctx, alerts[0].Rule); err != nil || !strings.Contains(strings.Join(text, "\n"), "fired") {
		t.Errorf("study: %q, %v", text, err)
	}
}

func (d *Detail) pid() string {
	for _, s := range d.Sections {
		for _, f := range s.Fields {
			if f.Filter == "proc.pid" {
				return f.Value
			}
		}
	}
	return ""
}

func hasField(secs []Section, title, value string) bool {
	for _, s := range secs {
		for _, f := range s.Fields {
			if s.Title == title && f.Value == value {
				return true
			}
		}
	}
	return false
}

// TestStoreTables checks that what a row of a table leads to are its events.
func TestStoreTables(t *testing.T) {
	s := openStore(t)
	final(t, s)
	for _, c := range []struct {
		name   string
		load   func(context.Context, view) (*Table, error)
		events int
	}{{"files", s.Files, fileEvents}, {"connections", s.Conns, connEvents}} {
		whole, err := c.load(t.Context(), view{})
		if err != nil || len(whole.Rows) == 0 {
			t.Fatalf("%s: %d rows, %v", c.name, len(whole.Rows), err)
		}
		for _, r := range whole.Rows[:min(len(whole.Rows), 40)] {
			if r.Path != "" {
				if r.Filter, err = s.FileFilter(t.Context(), r.Path); err != nil {
					t.Fatal(err)
				}
			}
			if len(r.Cells) != len(whole.Columns) {
				t.Fatalf("%s: %d cells for %d columns", c.name, len(r.Cells), len(whole.Columns))
			}
			v := view{filter: r.Filter}
			n := len(all(t, s.Events(v, nil)))
			if want := int(r.Cells[c.events].(int64)); n < want {
				t.Errorf("%s: %v leads to %d events, want at least %d", c.name, r.Cells, n, want)
			}
			part, err := c.load(t.Context(), v)
			if err != nil || len(part.Rows) == 0 || len(part.Rows) > len(whole.Rows) {
				t.Errorf("%s narrowed by %s: %d rows, %v", c.name, r.Filter, len(part.Rows), err)
			}
		}
	}
	for _, q := range s.Saved() {
		if tb, err := s.Report(t.Context(), q.Name); err != nil || len(tb.Columns) == 0 {
			t.Errorf("saved query %s: %v", q.Name, err)
		}
	}
	tb, err := s.SQL(t.Context(), "SELECT num, proc_name, process_id FROM events WHERE num = 5")
	if err != nil || len(tb.Rows) != 1 || tb.Rows[0].Event != 5 || tb.Columns[1].Field != "proc.name" {
		t.Errorf("links of a result: %+v, %v", tb, err)
	}
	if _, err := s.SQL(t.Context(), "DELETE FROM event"); err == nil || !strings.Contains(err.Error(), "can only be read") {
		t.Errorf("a statement that writes: %v", err)
	}
	for _, f := range s.ColumnFields() {
		if !slices.Contains(query.IndexedFields(), f) {
			continue
		}
		if vals, err := s.Values(t.Context(), view{filter: "evt.type = openat"}, f); err != nil || len(vals) == 0 {
			t.Errorf("values of %s: %v", f, err)
		}
	}
}

// TestCaptureGone: a capture that was deleted is reported, not crashed on.
func TestCaptureGone(t *testing.T) {
	s := openStore(t)
	final(t, s)
	if err := os.Remove(s.ix.Capture()); err != nil {
		t.Fatal(err)
	}
	s.look(t.Context(), true)
	if in := s.Info(); in.Err == nil || !strings.Contains(in.Err.Error(), "capture is gone") {
		t.Errorf("the error is %v", in.Err)
	}
	if _, err := s.Detail(t.Context(), 40); err == nil {
		t.Error("the detail of an event of a deleted capture had no error")
	}
}

func TestNumList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var l numList
	var want []int64
	n := int64(1)
	for range 3*chunkSize + 17 {
		n += 1 + rng.Int64N(3)
		if rng.IntN(9000) == 0 {
			n += 1 << 33 // beyond what a chunk can hold
		}
		l.add(n)
		want = append(want, n)
	}
	if l.len() != int64(len(want)) {
		t.Fatalf("%d numbers, want %d", l.len(), len(want))
	}
	for _, at := range []int{0, 1, chunkSize - 3, chunkSize, 2*chunkSize + 5, len(want) - 10} {
		if got := l.slice(int64(at), 20); !slices.Equal(got, want[at:min(at+20, len(want))]) {
			t.Errorf("slice at %d: %v", at, got)
		}
		for _, d := range []int64{0, 1} {
			if got := l.search(want[at] - 1 + d); got != int64(at) && want[got] < want[at]-1+d {
				t.Errorf("search for %d: row %d", want[at]-1+d, got)
			}
		}
	}
	if got := l.search(n + 5); got != l.len()-1 {
		t.Errorf("search beyond the end: row %d, want the last", got)
	}
	if l.slice(l.len(), 5) != nil || l.slice(-1, 5) != nil {
		t.Error("a slice outside of the list is not empty")
	}
}
