package slice

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// bundled are captures in the repository: a recorded incident and a synthetic one.
var bundled = []string{"../../cmd/sysreel/demo/incident.scap.zst", "../../query/testdata/incident.scap"}

// captures returns the bundled captures and, where they stand beside the checkout,
// the real ones of both event models.
func captures(t *testing.T) []string {
	t.Helper()
	shared, _ := filepath.Glob("../../../shared/captures/*.scap")
	old, _ := filepath.Glob("../../../shared/captures/upstream/*.scap")
	if shared = append(shared, old...); len(shared) == 0 {
		t.Log("no real captures beside the checkout: only the bundled ones are cut")
	}
	files := append([]string(nil), bundled...)
	for _, f := range shared {
		st, err := os.Stat(f)
		if err == nil && (st.Size() < 30_000 || !testing.Short() && st.Size() < 150_000) {
			files = append(files, f)
		}
	}
	return files
}

// allFields are the fields of the catalogue; those with an argument get some. Some
// count their own evaluations (util.cnt, thread.totexectime): every replay takes
// its own.
func allFields(t *testing.T) []*replay.Ref {
	t.Helper()
	args := map[replay.ArgKind][]string{
		replay.ArgIndex:      {"[1]", "[2]", "[3]"},
		replay.ArgKey:        {"[fd]", "[name]", "[PATH]", "[cpu]"},
		replay.ArgKeyOrIndex: {"[0]", "[1]", "[PATH]", "[name]"},
	}
	var refs []*replay.Ref
	for _, f := range replay.Fields() {
		if f.Name == "evt.num" || f.FilterOnly {
			continue
		}
		texts := []string{f.Name}
		if f.ArgRequired {
			texts = nil
		}
		for _, a := range args[f.Arg] {
			texts = append(texts, f.Name+a)
		}
		for _, text := range texts {
			if r, err := replay.Resolve(text); err == nil {
				refs = append(refs, r)
			}
		}
	}
	if len(refs) < 150 {
		t.Fatalf("only %d fields", len(refs))
	}
	return refs
}

// values returns the fields of ev, a line each.
func values(refs []*replay.Ref, ev *replay.Event) string {
	var b []byte
	for _, r := range refs {
		b = append(append(b, r.Text...), '=')
		b, _ = r.AppendJSON(b, ev)
		b = append(b, '\n')
	}
	return string(b)
}

// firstDifferences compares two results of values and returns some lines that
// differ and are not in except.
func firstDifferences(got, want string, except map[string]bool) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	var out []string
	for i := range w {
		field, _, _ := strings.Cut(w[i], "=")
		if g[i] != w[i] && !except[field] && len(out) < 5 {
			out = append(out, fmt.Sprintf("%s, want %s", g[i], w[i]))
		}
	}
	return strings.Join(out, "; ")
}

// selections are ways to cut; n is the number of events.
func selections(n uint64) map[string]func(*replay.Event) bool {
	return map[string]func(*replay.Event) bool{
		"middle": func(ev *replay.Event) bool { return ev.Num >= n/3 && ev.Num < n/3+n/10+5 },
		"end":    func(ev *replay.Event) bool { return ev.Num > n-n/10-1 },
		"sparse": func(ev *replay.Event) bool { return ev.Num%17 == 0 && !ev.Hidden() },
		"type": func(ev *replay.Event) bool {
			return ev.Type == schema.PPME_SYSCALL_READ_X || ev.Type == schema.PPME_SYSCALL_CLOSE_X || ev.Type == schema.PPME_SYSCALL_EXECVE_19_X
		},
		"one": func(ev *replay.Event) bool { return ev.Num == n/2 },
	}
}

func replayFile(t *testing.T, path string, f func(*replay.Event)) {
	t.Helper()
	r, err := scapfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m := replay.New(r, replay.Options{Hidden: true})
	m.SetTimeStyle(replay.TimeDelta) // evt.outputtime is the time since the previous event
	for {
		ev, err := m.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, scapfile.ErrTruncated) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		f(ev)
	}
}

// Every field of every event of a slice has the value that it has in the whole
// capture.
func TestSliceKeepsFields(t *testing.T) {
	for _, path := range captures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			var n uint64
			replayFile(t, path, func(ev *replay.Event) { n = ev.Num })
			for name, sel := range selections(n) {
				compare(t, path, name, Options{Select: sel}, nil)
			}
		})
	}
}

// compare cuts and compares the values of all selected events.
func compare(t *testing.T, path, name string, o Options, except map[string]bool) {
	t.Helper()
	dst := filepath.Join(t.TempDir(), name+".scap.zst")
	res, err := Copy(path, dst, o)
	if errors.Is(err, ErrNothing) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	var nums []uint64
	refs := allFields(t)
	replayFile(t, path, func(ev *replay.Event) {
		if o.Select(ev) {
			want, nums = append(want, values(refs, ev)), append(nums, ev.Num)
		}
	})
	if res.Events != uint64(len(want)) {
		t.Errorf("%s: %d events, want %d", name, res.Events, len(want))
	}
	i, wrong := 0, 0
	refs = allFields(t)
	replayFile(t, dst, func(ev *replay.Event) {
		if ev.Flags&scapfile.FlagStateOnly != 0 {
			return
		}
		if i < len(want) {
			if d := firstDifferences(values(refs, ev), want[i], except); d != "" {
				if wrong++; wrong <= 3 {
					t.Errorf("%s: event %d %s: %s", name, nums[i], ev.Info.Name, d)
				}
			}
		}
		i++
	})
	if i != len(want) {
		t.Errorf("%s: %d events in the slice, want %d", name, i, len(want))
	}
}

// inexact are the fields that a compact slice cannot keep.
var inexact = map[string]bool{
	// Times count from the first event.
	"evt.outputtime": true, "evt.reltime": true, "evt.reltime.s": true, "evt.reltime.ns": true,
	// The lists do not tell when clone and execve were.
	"proc.duration": true, "proc.pid.ts": true, "proc.ppid.duration": true, "proc.ppid.ts": true, "proc.exe_ino.ctime_duration_proc_start": true,
	// Nor how the program named its file.
	"fd.nameraw": true,
}

// A compact slice carries no event before its first, and differs only in what the
// lists of a capture have no place for.
func TestCompact(t *testing.T) {
	except := make(map[string]bool)
	for _, f := range []string{
		"evt.reltime", "evt.reltime.s", "evt.reltime.ns", "evt.deltatime", "evt.deltatime.s", "evt.deltatime.ns", // count from the first event
		"proc.duration", "proc.pid.ts", "proc.ppid.duration", "proc.ppid.ts", // times of clone and execve
		"fd.nameraw", // as the program gave it
	} {
		except[f] = true
	}
	path := bundled[0]
	sel := func(ev *replay.Event) bool { return ev.Num > 1400 && ev.Num < 1660 }
	compare(t, path, "compact", Options{Select: sel, Compact: true}, inexact)
	dst := filepath.Join(t.TempDir(), "a.scap.zst")
	res, err := Copy(path, dst, Options{Select: sel, Compact: true})
	if err != nil {
		t.Fatal(err)
	}
	if res.StateOnly != 0 {
		t.Errorf("%d events carry state, want none", res.StateOnly)
	}
}

// A slice of a capture of several sections begins with the right lists.
func TestSections(t *testing.T) {
	a, err := os.ReadFile(bundled[1])
	if err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(t.TempDir(), "both.scap")
	if err := os.WriteFile(both, append(a, a...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, compact := range []bool{false, true} {
		for name, sel := range map[string]func(*replay.Event) bool{
			"second": func(ev *replay.Event) bool { return ev.Section == 1 && ev.Num%31 > 20 },
			"each":   func(ev *replay.Event) bool { return ev.Num%31 == 20 },
			"start":  func(ev *replay.Event) bool { return ev.Num == 32 },
		} {
			var except map[string]bool
			if compact {
				except = inexact
			}
			compare(t, both, name, Options{Select: sel, Compact: compact}, except)
		}
	}
}

func TestNothing(t *testing.T) {
	dst := filepath.Join(t.TempDir(), "a.scap")
	_, err := Copy(bundled[1], dst, Options{Select: func(*replay.Event) bool { return false }})
	if !errors.Is(err, ErrNothing) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dst); err == nil {
		t.Error("a file was written")
	}
}
