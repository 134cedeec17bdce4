package query

import (
	"slices"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/safe"
)

// TestRowsEqualScan pages through every event and compares with a replay.
func TestRowsEqualScan(t *testing.T) {
	capture := sharedCapture(t, "03_reverse_shell_fake_container.scap")
	ix := buildIndex(t, capture)
	name, err := replay.Resolve("proc.name")
	if err != nil {
		t.Fatal(err)
	}
	fdName, err := replay.Resolve("fd.name")
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for from := int64(0); from < ix.Len(); from += 100 {
		page, err := ix.Rows(t.Context(), from, 100)
		if err != nil {
			t.Fatal(err)
		}
		if want := min(100, ix.Len()-from); int64(len(page)) != want {
			t.Fatalf("page from %d has %d rows, want %d", from, len(page), want)
		}
		rows = append(rows, page...)
	}
	if past, err := ix.Rows(t.Context(), ix.Len(), 10); err != nil || len(past) != 0 {
		t.Errorf("behind the end: %d rows, %v", len(past), err)
	}
	i := 0
	eachEvent(t, capture, func(ev *replay.Event) {
		r := &rows[i]
		proc, _ := name.Str(ev)
		fd, _ := fdName.Str(ev)
		if r.Num != int64(ev.Num) || r.TS != int64(ev.TS) || r.TID != ev.TID || r.Proc != proc || r.FDName != fd {
			t.Errorf("row %d is %+v, event %d has %q %q", i, r, ev.Num, proc, fd)
		}
		if rank, err := ix.RankOf(t.Context(), r.Num); i%997 == 0 && (err != nil || rank != int64(i)) {
			t.Errorf("rank of %d is %d, %v, want %d", r.Num, rank, err, i)
		}
		i++
	})
	if int64(i) != ix.Len() {
		t.Errorf("index has %d events, the capture %d", ix.Len(), i)
	}
	some := []int64{rows[5].Num, rows[900].Num, 1 << 40}
	got, err := ix.RowsOf(t.Context(), some)
	if err != nil || len(got) != 2 || got[0] != rows[5] || got[1] != rows[900] {
		t.Errorf("RowsOf: %+v, %v", got, err)
	}
}

func TestHistogramAddsUp(t *testing.T) {
	ix := buildIndex(t, sharedCapture(t, "03_reverse_shell_fake_container.scap"))
	for _, text := range []string{"", "evt.type = openat", "proc.aname = timeout", "evt.failed = true"} {
		fl := mustFilter(t, text)
		want, err := ix.Count(t.Context(), fl, Range{})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 7, 120} {
			h, err := ix.Histogram(t.Context(), fl, 0, 0, n)
			if err != nil {
				t.Fatal(err)
			}
			var sum int64
			for _, b := range h {
				sum += b.Events
			}
			if len(h) != n || sum != want {
				t.Errorf("%q in %d buckets: %d events, want %d", text, len(h), sum, want)
			}
		}
	}
}

func TestRanges(t *testing.T) {
	capture := sharedCapture(t, "03_reverse_shell_fake_container.scap")
	ix := buildIndex(t, capture)
	rows, err := ix.Rows(t.Context(), 0, int(ix.Len()))
	if err != nil {
		t.Fatal(err)
	}
	a, b := rows[1000], rows[3000]
	for _, text := range []string{"", "evt.type = close", "proc.aname = timeout"} {
		fl := mustFilter(t, text)
		all := found(t, ix, text)
		for name, r := range map[string]Range{"numbers": {FromNum: a.Num, ToNum: b.Num}, "times": {FromTS: a.TS, ToTS: b.TS}} {
			var got []int64
			if err := ix.Find(t.Context(), fl, r, func(nums []int64, _ int64) bool {
				got = append(got, nums...)
				return true
			}); err != nil {
				t.Fatal(err)
			}
			var want []int64
			for _, n := range all {
				i, _ := slices.BinarySearchFunc(rows, n, func(r Row, n int64) int { return int(r.Num - n) })
				if ts := rows[i].TS; name == "numbers" && n >= a.Num && n <= b.Num || name == "times" && ts >= a.TS && ts <= b.TS {
					want = append(want, n)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q limited by %s: %d events, want %d", text, name, len(got), len(want))
			}
		}
	}
	if num, err := ix.NumAt(t.Context(), a.TS); err != nil || num > a.Num || num < a.Num-5 {
		t.Errorf("event at %d is %d, %v, want %d", a.TS, num, err, a.Num)
	}
}

func TestProcessTree(t *testing.T) {
	ix := buildIndex(t, sharedCapture(t, "03_reverse_shell_fake_container.scap"))
	rows, err := ix.RowsOf(t.Context(), []int64{4050})
	if err != nil || len(rows) != 1 {
		t.Fatal(err)
	}
	at, id := rows[0].TS, rows[0].Process
	nodes, err := ix.TreeAt(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(nodes, func(n TreeNode) bool { return n.ID == id })
	if i < 0 {
		t.Fatalf("process %d is not in the tree", id)
	}
	n := nodes[i]
	if n.Life != Alive || n.PID != 27916 || n.Name != "bash" || n.Start == 0 || n.End < at {
		t.Errorf("node is %+v", n)
	}
	// Its parents stand above it, each one step to the left.
	var names []string
	for depth := n.Depth - 1; depth >= 0 && i > 0; {
		i--
		if nodes[i].Depth == depth {
			names = append(names, nodes[i].Name)
			depth--
		}
	}
	if len(names) < 3 || names[0] != "bash" || names[1] != "timeout" {
		t.Errorf("ancestors are %v", names)
	}
	for _, m := range nodes {
		if m.Life == Alive && (m.Start > at || m.End != 0 && m.End <= at) || m.Life == Later && m.Start <= at {
			t.Errorf("life of %+v at %d", m, at)
		}
	}
	p, err := ix.Process(t.Context(), id)
	if err != nil || p.PID != 27916 || p.Events == 0 {
		t.Errorf("process is %+v, %v", p, err)
	}

	calls, err := ix.Calls(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, c := range calls {
		sum += c.Calls
	}
	if sum != p.Events {
		t.Errorf("calls add up to %d, the process has %d events", sum, p.Events)
	}

	mine := found(t, ix, "proc.pid = 27916")
	next, err := ix.Neighbour(t.Context(), 4050, 0, 1)
	if i := slices.Index(mine, int64(4050)); err != nil || next != mine[i+1] {
		t.Errorf("next event of the process is %d, %v, want %d", next, err, mine[i+1])
	}
	prev, err := ix.Neighbour(t.Context(), mine[0], id, -1)
	if err != nil || prev != 0 {
		t.Errorf("before its first event is %d, %v", prev, err)
	}

	fds, err := ix.OpenAt(t.Context(), 27916, 4052)
	if err != nil {
		t.Fatal(err)
	}
	for _, num := range []int64{0, 1, 2} {
		if !slices.ContainsFunc(fds, func(f OpenFD) bool { return f.Num == num && f.Type == "ipv4" }) {
			t.Errorf("descriptor %d of the reverse shell is no socket: %+v", num, fds)
		}
	}
}

func TestDetail(t *testing.T) {
	capture := sharedCapture(t, "03_reverse_shell_fake_container.scap")
	ix := buildIndex(t, capture)
	args, err := replay.Resolve("evt.args")
	if err != nil {
		t.Fatal(err)
	}
	want := map[int64]string{}
	eachEvent(t, capture, func(ev *replay.Event) {
		b, _ := args.AppendText(nil, ev)
		want[int64(ev.Num)] = string(b)
	})
	// Forwards, backwards, near and far.
	for _, num := range []int64{4048, 4049, 4000, 13000, 1, 4051, 9000} {
		d, err := ix.Detail(t.Context(), num)
		if err != nil {
			t.Fatal(err)
		}
		if d.Num != num || d.Args != want[num] {
			t.Errorf("event %d: args %q, want %q", num, d.Args, want[num])
		}
		if len(d.Params) == 0 || len(d.Fields) < 20 {
			t.Errorf("event %d has %d parameters and %d fields", num, len(d.Params), len(d.Fields))
		}
	}
	if _, err := ix.Detail(t.Context(), 1<<40); err == nil {
		t.Error("an event that does not exist has a detail")
	}
}

// TestArgsEqualReplay compares the arguments shown in lists, made from the index
// and the bare event, with those of a replay.
func TestArgsEqualReplay(t *testing.T) {
	for _, name := range []string{"03_reverse_shell_fake_container.scap", "17_shell_untrusted.v021.scap", "upstream/curl_google.scap"} {
		capture := sharedCapture(t, name)
		ix := buildIndex(t, capture)
		args, err := replay.Resolve("evt.args")
		if err != nil {
			t.Fatal(err)
		}
		want := map[int64]string{}
		eachEvent(t, capture, func(ev *replay.Event) {
			b, _ := args.AppendText(nil, ev)
			want[int64(ev.Num)] = safe.String(string(b))
		})
		// Pages from the end to the beginning: every one means going back.
		other := 0
		for from := ix.Len() / 200 * 200; from >= 0; from -= 200 {
			rows, err := ix.Rows(t.Context(), from, 200)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ix.Args(t.Context(), rows)
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				if got[i] != want[rows[i].Num] {
					if other++; other <= 3 {
						t.Logf("event %d: %q, replayed %q", rows[i].Num, got[i], want[rows[i].Num])
					}
				}
			}
		}
		t.Logf("%s: %d of %d differ", name, other, ix.Len())
		if int64(other) > ix.Len()/12 {
			t.Errorf("%s: %d of %d events differ", name, other, ix.Len())
		}
	}
}
