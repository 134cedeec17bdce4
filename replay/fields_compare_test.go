package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

const sharedCaptures = "../../shared/captures"

// difference is a value of ours that differs from that of Falco's library and
// stays so, with the reason.
type difference struct {
	capture string // prefix of the file name, "" for all
	field   string // prefix of the field name, "" for all
	applies func(ev *Event, got, want string) bool
	reason  string
	count   int
}

var differences = []*difference{
	{
		reason: "Falco replaces control characters and invalid UTF-8 in output by U+FFFD, which cannot be undone; ours keeps them and every output decides",
		applies: func(_ *Event, got, want string) bool {
			return strings.Contains(want, "\ufffd") && replaced(got) == want
		},
	},
	{
		capture: "09_memfd_fileless.v021",
		reason:  "the libs lose an execve that follows an execveat in an old capture (Falco stops there); ours has it",
		applies: func(ev *Event, _, _ string) bool { return ev.Num >= 694 },
	},
	{
		field:   "fd.",
		reason:  "for an openat relative to a descriptor Falco shows that descriptor's file instead of the one opened",
		applies: func(ev *Event, _, _ string) bool { return relativeOpen(ev) },
	},
	{
		field:   "fs.path.name",
		reason:  "for an openat relative to a descriptor Falco shows that descriptor's file instead of the one opened",
		applies: func(ev *Event, _, _ string) bool { return relativeOpen(ev) },
	},
	{
		field:   "fs.path.name",
		reason:  "Falco gives up on the relative path of a failed open and of unlinkat; ours makes it absolute as fd.name and evt.abspath do",
		applies: func(_ *Event, _, want string) bool { return strings.HasPrefix(want, `"<UNKNOWN>`) },
	},
	{
		field:  "fd.is_server",
		reason: "Falco takes all of the /64 of an interface for local, so :: of an unconnected socket is on lo",
		applies: func(ev *Event, _, want string) bool {
			return ev.FD != nil && int(ev.FD.Type) == schema.SCAP_FD_IPV6_SOCK && !ev.FD.Sock.Connected && want == "true"
		},
	},
	{
		reason:  "after dup2 of an unknown descriptor the new one is unknown too; Falco keeps what stood there before, which is closed",
		applies: func(ev *Event, _, _ string) bool { return usesUnknown(ev) },
	},
	{
		field:   "proc.",
		reason:  "Falco does not follow setpgid, nor the new process group of setsid; ours does",
		applies: func(ev *Event, got, want string) bool { return ev.Thread != nil && regrouped(ev.Thread) },
	},
}

// moved holds the processes that a setpgid or setsid put into another group.
var moved = map[*Machine]map[int64]bool{}

// noteGroup remembers the process that a setpgid or setsid moved.
func noteGroup(ev *Event) {
	res, _ := ev.Return()
	if ev.Thread == nil || res < 0 {
		return
	}
	pid := ev.Thread.PID
	switch ev.Type {
	case schema.PPME_SYSCALL_SETSID_X:
	case schema.PPME_SYSCALL_SETPGID_X:
		// The number is one of the caller's pid namespace.
		if n, _ := ev.Int(1); n != 0 && !ev.Thread.InPIDNamespace() {
			pid = n
		}
	default:
		return
	}
	if moved[ev.M] == nil {
		moved[ev.M] = make(map[int64]bool)
	}
	moved[ev.M][pid] = true
}

// regrouped reports whether t or an ancestor was moved to another group.
func regrouped(t *Thread) bool {
	found := moved[t.Machine()][t.PID]
	ancestors(t, func(p *Thread) bool {
		found = found || moved[t.Machine()][p.PID]
		return !found
	})
	return found
}

// relativeOpen reports an open relative to a directory descriptor.
func relativeOpen(ev *Event) bool {
	if ev.Type != schema.PPME_SYSCALL_OPENAT_2_X {
		return false
	}
	dirfd, _ := ev.Int(1)
	name, _ := ev.Text(2)
	return dirfd != schema.PPM_AT_FDCWD && len(name) > 0 && name[0] != '/'
}

// usesUnknown reports whether the event's descriptor, or a standard one of its
// process, is open and of unknown kind.
func usesUnknown(ev *Event) bool {
	if ev.Thread == nil {
		return false
	}
	for _, num := range []int64{ev.FDNum, 0, 1, 2} {
		if fd := ev.Thread.FD(num); fd != nil && fd.Type == schema.SCAP_FD_UNKNOWN {
			return true
		}
	}
	return ev.FD != nil && ev.FD.Type == schema.SCAP_FD_UNKNOWN
}

// replaced is a quoted value with what the libs replace in output.
func replaced(quoted string) string {
	s, err := strconv.Unquote(quoted)
	if err != nil {
		return quoted
	}
	var b strings.Builder
	for _, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			r = '\uFFFD'
		}
		b.WriteRune(r)
	}
	return strconv.Quote(b.String())
}

// TestFieldsAgainstFalco computes every field that Falco's library computed for
// the shared captures, on every event, and compares.
func TestFieldsAgainstFalco(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.fields.jsonl.gz", "upstream/*.fields.jsonl.gz"} {
		m, _ := filepath.Glob(filepath.Join(sharedCaptures, pattern))
		files = append(files, m...)
	}
	if len(files) == 0 {
		t.Skipf("no captures with values of Falco's library in %s", sharedCaptures)
	}
	total := newComparison()
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".fields.jsonl.gz"), func(t *testing.T) {
			c := newComparison()
			c.run(t, f)
			total.add(c)
			for _, line := range c.report() {
				t.Error(line)
			}
		})
	}
	t.Logf("%d events, %d values, %d different; %d events that the library lost", total.events, total.values, total.different, total.extra)
	for _, line := range total.report() {
		t.Log(line)
	}
	for _, d := range differences {
		t.Logf("%8d values of %s differ because %s", d.count, d.field, d.reason)
		if d.count == 0 && !testing.Short() {
			t.Errorf("the difference %s %s (%s) does not occur any more", d.capture, d.field, d.reason)
		}
	}
}

// comparison counts the values compared, and the differences by field.
type comparison struct {
	events, values, different int
	extra                     int // events that only we have
	fields                    map[string]*fieldDiff
}

type fieldDiff struct {
	n       int
	samples []string
}

func newComparison() *comparison { return &comparison{fields: make(map[string]*fieldDiff)} }

func (c *comparison) add(o *comparison) {
	c.events += o.events
	c.values += o.values
	c.different += o.different
	c.extra += o.extra
	for name, d := range o.fields {
		for _, s := range d.samples {
			c.note(name, s)
		}
		c.fields[name].n += d.n - len(d.samples)
	}
}

func (c *comparison) note(field, sample string) {
	d := c.fields[field]
	if d == nil {
		d = new(fieldDiff)
		c.fields[field] = d
	}
	d.n++
	if len(d.samples) < 4 {
		d.samples = append(d.samples, sample)
	}
}

// report lists the fields with differences, most first.
func (c *comparison) report() []string {
	names := make([]string, 0, len(c.fields))
	for name := range c.fields {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := c.fields[b].n - c.fields[a].n; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var lines []string
	for _, name := range names {
		d := c.fields[name]
		lines = append(lines, fmt.Sprintf("%6d differences of %s, for example\n\t%s", d.n, name, strings.Join(d.samples, "\n\t")))
	}
	return lines
}

// run compares one capture with the values in the file beside it.
func (c *comparison) run(t *testing.T, fieldsFile string) {
	capture := strings.TrimSuffix(fieldsFile, ".fields.jsonl.gz") + ".scap"
	src, err := scapfile.Open(capture)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m := New(src, Options{Hidden: true})
	want := openValues(t, fieldsFile)
	row, ok := want.next()
	refs := make(map[string]*Ref)
	shift := uint64(0) // how far our numbers are ahead
	for ok {
		ev, err := m.Next()
		if errors.Is(err, io.EOF) {
			t.Errorf("the capture ends before event %d", row.num)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		noteGroup(ev)
		if ev.Num-shift < row.num {
			continue
		}
		if ts := string(row.values["evt.rawtime"]); ts > strconv.FormatUint(ev.TS, 10) {
			// An event that the library lost.
			c.extra++
			shift++
			continue
		}
		if ev.Num-shift > row.num {
			c.note("evt.num", fmt.Sprintf("event %d (%s) is not delivered", row.num, row.values["evt.type"]))
			row, ok = want.next()
			continue
		}
		c.events++
		for name, value := range row.values {
			c.compare(t, filepath.Base(capture), ev, refs, name, value)
		}
		row, ok = want.next()
	}
}

func (c *comparison) compare(t *testing.T, capture string, ev *Event, refs map[string]*Ref, name string, value json.RawMessage) {
	r := refs[name]
	if r == nil {
		var err error
		if r, err = Resolve(name); err != nil {
			t.Fatal(err)
		}
		refs[name] = r
	}
	got, _ := r.AppendJSON(nil, ev)
	c.values++
	if bytes.Equal(got, value) {
		return
	}
	g, w := plainJSON(got), plainJSON(value)
	if g == w || r.List && sameElements(got, value) {
		return
	}
	for _, d := range differences {
		if strings.HasPrefix(name, d.field) && strings.HasPrefix(capture, d.capture) && d.applies(ev, g, w) {
			d.count++
			return
		}
	}
	c.different++
	c.note(name, fmt.Sprintf("%s %d %s: got %s, want %s", capture, ev.Num, ev.TypeName(), g, w))
}

// plainJSON returns a JSON value in one spelling.
func plainJSON(b []byte) string {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if json.Unmarshal(b, &s) == nil {
			return strconv.Quote(s)
		}
	}
	return string(b)
}

// sameElements reports whether two lists differ in their order only.
func sameElements(a, b []byte) bool {
	var x, y []string
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y) && (x == nil) == (y == nil)
}

// values reads the values of Falco's library.
type values struct {
	t   *testing.T
	sc  *bufio.Scanner
	row valuesRow
}

type valuesRow struct {
	num    uint64
	values map[string]json.RawMessage
}

func openValues(t *testing.T, path string) *values {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	v := &values{t: t, sc: bufio.NewScanner(z)}
	v.sc.Buffer(nil, 16<<20)
	return v
}

func (v *values) next() (valuesRow, bool) {
	if !v.sc.Scan() {
		if err := v.sc.Err(); err != nil {
			v.t.Fatal(err)
		}
		return valuesRow{}, false
	}
	row := valuesRow{values: make(map[string]json.RawMessage)}
	if err := json.Unmarshal(v.sc.Bytes(), &row.values); err != nil {
		v.t.Fatal(err)
	}
	n, err := strconv.ParseUint(string(row.values["evt.num"]), 10, 64)
	if err != nil {
		v.t.Fatal(err)
	}
	row.num = n
	return row, true
}
