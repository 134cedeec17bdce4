package query

import (
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
)

// scan finds the matches of filters the plain way: one replay, every filter on
// every event.
func scan(t testing.TB, capture string, filters []*filter.Filter) [][]int64 {
	t.Helper()
	out := make([][]int64, len(filters))
	eachEvent(t, capture, func(ev *replay.Event) {
		for i, f := range filters {
			if f.Match(ev) {
				out[i] = append(out[i], int64(ev.Num))
			}
		}
	})
	return out
}

func eachEvent(t testing.TB, capture string, f func(*replay.Event)) {
	t.Helper()
	r, err := scapfile.Open(capture)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m := replay.New(r, replay.Options{})
	for {
		ev, err := m.Next()
		if err == io.EOF || err != nil && isDamage(err) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if ev.Flags&scapfile.FlagStateOnly == 0 {
			f(ev)
		}
	}
}

func found(t testing.TB, ix *Index, text string) []int64 {
	t.Helper()
	fl, err := ParseFilter(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var out []int64
	if err := ix.Find(t.Context(), fl, Range{}, func(nums []int64, _ int64) bool {
		out = append(out, nums...)
		return true
	}); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

// filterFields are the fields that random filters are made of: those that the
// index decides in every way it has, and some that it does not know.
var filterFields = []string{
	"evt.num", "evt.rawtime", "evt.reltime", "evt.cpu", "evt.type", "syscall.type", "evt.is_io", "evt.is_io_read", "evt.is_io_write",
	"evt.io_dir", "evt.is_wait", "evt.rawres", "evt.res", "evt.failed", "fd.num", "evt.dir",
	"thread.tid", "proc.pid", "proc.ppid", "proc.vpid", "proc.sid", "proc.name", "proc.exe", "proc.exepath", "proc.args", "proc.cmdline",
	"proc.cwd", "proc.pname", "proc.pexe", "proc.pcmdline", "proc.is_exe_writable", "user.uid", "user.name", "user.loginuid", "group.gid",
	"group.name", "container.id", "fd.type", "fd.typechar", "fd.name", "fd.nameraw", "fd.directory", "fd.filename", "fd.ino", "fd.dev",
	"fd.l4proto", "fd.sockfamily", "fd.cip", "fd.cport", "fd.sip", "fd.sport", "fd.lip", "fd.rip", "fd.lport", "fd.rport", "fd.is_server",
	"fd.ip", "fd.port", "proc.aname[2]", "proc.duration", "evt.arg.flags", "evt.category", "proc.nthreads", "fd.connected",
}

// randomFilters makes filters whose literals are values that occur.
type randomFilters struct {
	rng  *rand.Rand
	refs map[string]*replay.Ref
	vals map[string][]string
}

func newRandomFilters(t testing.TB, capture string, seed, sample uint64) *randomFilters {
	g := &randomFilters{rng: rand.New(rand.NewPCG(seed, 1)), refs: map[string]*replay.Ref{}, vals: map[string][]string{}}
	for _, f := range filterFields {
		r, err := replay.Resolve(f)
		if err != nil {
			t.Fatal(err)
		}
		g.refs[f] = r
	}
	seen := map[string]bool{}
	eachEvent(t, capture, func(ev *replay.Event) {
		if ev.Num%sample != 0 {
			return
		}
		for f, r := range g.refs {
			v := ""
			switch {
			case r.Each != nil:
				if s, ok := joinEach(r, ev).(string); ok && s != "" {
					v, _, _ = strings.Cut(s, ",")
				}
			default:
				if x := value(r, ev); x != nil {
					v = fmt.Sprint(x)
				}
			}
			if r.Type.String() == "PT_BOOL" {
				v = []string{"true", "false"}[g.rng.IntN(2)]
			}
			if v == "" || strings.ContainsRune(v, 0) || seen[f+"="+v] || len(g.vals[f]) >= 200 {
				continue
			}
			seen[f+"="+v] = true
			g.vals[f] = append(g.vals[f], v)
		}
	})
	return g
}

func (g *randomFilters) value(f string) string {
	if v := g.vals[f]; len(v) > 0 {
		return v[g.rng.IntN(len(v))]
	}
	if strings.HasSuffix(f, "ip") || f == "fd.ip" {
		return "10.0.0.1"
	}
	return "0"
}

func quoted(s string) string {
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, "\\x%02x", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + "\""
}

func (g *randomFilters) leaf() string {
	f := filterFields[g.rng.IntN(len(filterFields))]
	text := g.refs[f].Str != nil
	ops := []string{"=", "!=", "in", "exists", "<", ">="}
	switch {
	case text:
		ops = []string{"=", "!=", "in", "exists", "contains", "startswith", "endswith", "icontains", "glob", "pmatch"}
	case g.refs[f].IP != nil || strings.HasSuffix(f, "ip"):
		ops = []string{"=", "!=", "in", "exists"}
	case g.refs[f].Type.String() == "PT_BOOL":
		ops = []string{"=", "!=", "exists"}
	}
	v := g.value(f)
	switch op := ops[g.rng.IntN(len(ops))]; op {
	case "exists":
		return f + " exists"
	case "in", "pmatch":
		if op == "pmatch" && f == "evt.type" {
			op = "in"
		}
		return fmt.Sprintf("%s %s (%s, %s)", f, op, quoted(v), quoted(g.value(f)))
	case "contains", "startswith", "endswith", "icontains", "glob":
		n := len(v)
		if n > 1 {
			a := g.rng.IntN(n)
			switch op {
			case "contains", "icontains":
				v = v[a:min(n, a+4)]
			case "startswith":
				v = v[:a+1]
			case "endswith":
				v = v[a:]
			case "glob":
				v = v[:a] + "*"
			}
		}
		return fmt.Sprintf("%s %s %s", f, op, quoted(v))
	default:
		if !text || op == "=" || op == "!=" {
			return fmt.Sprintf("%s %s %s", f, op, quoted(v))
		}
		return f + " exists"
	}
}

func (g *randomFilters) filter(depth int) string {
	switch n := g.rng.IntN(10); {
	case depth == 0 || n < 3:
		return g.leaf()
	case n < 5:
		return "not (" + g.filter(depth-1) + ")"
	case n < 8:
		return "(" + g.filter(depth-1) + " and " + g.filter(depth-1) + ")"
	default:
		return "(" + g.filter(depth-1) + " or " + g.filter(depth-1) + " or " + g.filter(depth-1) + ")"
	}
}

// TestFindEqualsScan compares the index with a full scan on random filters over
// every shared capture.
func TestFindEqualsScan(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(sharedCaptures, "*.scap"))
	more, _ := filepath.Glob(filepath.Join(sharedCaptures, "upstream", "*.scap"))
	files = append(files, more...)
	if len(files) == 0 {
		t.Skip("the shared captures are not here")
	}
	per := 500/len(files) + 1
	if testing.Short() {
		per = 4
	} else if !raceEnabled {
		big, _ := filepath.Glob(filepath.Join(sharedCaptures, "big", "*.scap"))
		files = append(files, big...)
	}
	for i, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			per, sample := per, uint64(1)
			if strings.Contains(file, "/big/") {
				per, sample = 12, 997 // a replay of some seconds for every residual filter
			}
			ix := buildIndex(t, file)
			g := newRandomFilters(t, file, uint64(i), sample)
			var texts []string
			var filters []*filter.Filter
			for len(texts) < per {
				text := g.filter(3)
				f, err := filter.CompileText(text)
				if err != nil {
					if len(texts) == 0 || !strings.Contains(err.Error(), "unknown event type") {
						t.Logf("not a filter: %s: %v", text, err)
					}
					continue
				}
				texts, filters = append(texts, text), append(filters, f)
			}
			want := scan(t, file, filters)
			for j, text := range texts {
				got := found(t, ix, text)
				if !slices.Equal(got, want[j]) {
					fl, _ := ParseFilter(text)
					plan, _ := ix.Explain(t.Context(), fl, Range{})
					t.Errorf("%s: index finds %d events, scan %d; first difference at %s\n%s", text, len(got), len(want[j]),
						firstDifference(got, want[j]), plan)
				}
				n, err := ix.Count(t.Context(), mustFilter(t, text), Range{})
				if err != nil || n != int64(len(want[j])) {
					t.Errorf("%s: count is %d, %v, want %d", text, n, err, len(want[j]))
				}
			}
		})
	}
}

func mustFilter(t testing.TB, text string) *Filter {
	f, err := ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func firstDifference(a, b []int64) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return fmt.Sprintf("event %d, which only the scan finds", b[i])
		case i >= len(b):
			return fmt.Sprintf("event %d, which only the index finds", a[i])
		case a[i] != b[i]:
			return fmt.Sprintf("events %d and %d", a[i], b[i])
		}
	}
	return "nowhere"
}
