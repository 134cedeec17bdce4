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
)

// comparison counts the values compared, and the differences by field.
type comparison struct {
	events, values, different int
	extra                     int // events that only we have
	fields                    map[string]*fieldDiff
	known                     []*difference
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

// run compares one capture with the rows of a file beside it.
func (c *comparison) run(t *testing.T, capture string, rows *rows) {
	src, err := scapfile.Open(capture)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m := New(src, Options{Hidden: true})
	refs := make(map[string]*Ref)
	shift := uint64(0) // how far our numbers are ahead
	for rows.next() {
		ev, err := m.Next()
		if errors.Is(err, io.EOF) {
			t.Errorf("the capture ends before event %d", rows.num)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		noteGroup(ev)
		if string(rows.values["evt.rawtime"]) > strconv.FormatUint(ev.TS, 10) && ev.Num-shift >= rows.num {
			c.extra++ // an event that the library lost
			shift++
		}
		for ; ev.Num-shift > rows.num; rows.take() {
			c.note("evt.num", fmt.Sprintf("event %d (%s) is not delivered", rows.num, rows.values["evt.type"]))
		}
		for ev.Num-shift == rows.num && rows.next() {
			c.events++
			for name, value := range rows.values {
				c.compare(t, filepath.Base(capture), ev, refs, name, value)
			}
			rows.take()
		}
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
	for _, d := range c.known {
		if d.covers(name) && strings.HasPrefix(capture, d.capture) && d.applies(ev, g, w) {
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

// rows reads the values of Falco, an event a line.
type rows struct {
	t       *testing.T
	sc      *bufio.Scanner
	alerts  bool // the values are in output_fields
	pending bool // a row was read and not taken
	num     uint64
	values  map[string]json.RawMessage
}

func openRows(t *testing.T, path string) *rows {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	v := &rows{t: t, alerts: !strings.HasSuffix(path, ".gz")}
	if v.alerts {
		v.sc = bufio.NewScanner(f)
	} else {
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		v.sc = bufio.NewScanner(z)
	}
	v.sc.Buffer(nil, 16<<20)
	return v
}

// next makes sure that a row is there and reports whether one was left.
func (v *rows) next() bool {
	if v.pending {
		return true
	}
	if !v.sc.Scan() {
		if err := v.sc.Err(); err != nil {
			v.t.Fatal(err)
		}
		v.num = 0
		return false
	}
	v.values = make(map[string]json.RawMessage)
	var alert struct {
		Fields map[string]json.RawMessage `json:"output_fields"`
	}
	into := any(&v.values)
	if v.alerts {
		into = &alert
	}
	if err := json.Unmarshal(v.sc.Bytes(), into); err != nil {
		v.t.Fatal(err)
	}
	if v.alerts {
		v.values = alert.Fields
	}
	n, err := strconv.ParseUint(string(v.values["evt.num"]), 10, 64)
	if err != nil {
		v.t.Fatal(err)
	}
	v.num, v.pending = n, true
	return true
}

// take ends the use of the row and reads the one after it.
func (v *rows) take() {
	v.pending = false
	v.next()
}
