package query

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// A dimension is a table whose rows decide checks for all events that refer to
// them: what task says about proc.name holds for every event of that task. A
// condition over fields of one dimension is evaluated once a row, with the rule
// language's own compiler, and becomes a set of ids.
type dimension struct {
	table  *table
	event  string // column of event that refers to it
	kind   int    // in the posting table
	fields map[string]string
}

var dimensions = []*dimension{
	newDimension(&taskTable, "task", postTask, nil),
	newDimension(&targetTable, "target", postTarget, map[string]string{
		"fd.net": "fd_ips", "fd.cnet": "fd_cip", "fd.snet": "fd_sip", "fd.lnet": "fd_lip", "fd.rnet": "fd_rip",
	}),
	newDimension(&eventTypeTable, "type", postType, nil),
}

func newDimension(t *table, event string, kind int, more map[string]string) *dimension {
	d := &dimension{table: t, event: event, kind: kind, fields: make(map[string]string)}
	for _, c := range t.columns {
		if c.field != "" {
			d.fields[c.field] = c.name
		}
	}
	for f, c := range more {
		d.fields[f] = c
	}
	return d
}

// dimensionOf returns the dimension that knows every field of n, nil when there
// is none.
func dimensionOf(n filter.Node) *dimension {
	var found *dimension
	ok := true
	filter.WalkFields(n, func(f *filter.Field) {
		if !ok {
			return
		}
		for _, d := range dimensions {
			if _, has := d.fields[f.Text()]; has {
				ok = found == nil || found == d
				found = d
				return
			}
		}
		ok = false
	})
	if !ok {
		return nil
	}
	return found
}

// idSet are the rows of a dimension that satisfy a condition, in order, with the
// number of events that refer to them.
type idSet struct {
	ids    []int64
	events int64
}

// dimRow is the row under evaluation; the fields' functions read it.
type dimRow struct {
	values []driver.Value
	index  map[string]int // column -> position
}

// resolve returns a field that reads its value from the row instead of an event.
func (r *dimRow) resolve(d *dimension, text string) (*replay.Ref, error) {
	ref, err := replay.Resolve(text)
	if err != nil {
		return nil, err
	}
	col, ok := r.index[d.fields[text]]
	if !ok {
		return nil, fmt.Errorf("field %s is not in table %s", text, d.table.name)
	}
	out := *ref
	get := func() driver.Value { return r.values[col] }
	switch {
	case ref.Each != nil:
		out.Has = func(*replay.Event) bool { return get() != nil }
		out.Each = func(_ *replay.Event, f func(replay.Value) bool) { splitEach(ref.Type, textOf(get()), f) }
	case ref.Int != nil:
		out.Int = func(*replay.Event) (int64, bool) { v, ok := get().(int64); return v, ok }
	case ref.Str != nil:
		out.Str = func(*replay.Event) (string, bool) { v := get(); return textOf(v), v != nil }
	case ref.IP != nil:
		out.IP = func(*replay.Event) (netip.Addr, bool) {
			a, err := netip.ParseAddr(textOf(get()))
			return a, err == nil
		}
	}
	return &out, nil
}

func textOf(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// splitEach yields the values that joinEach put together.
func splitEach(t schema.ParamType, s string, f func(replay.Value) bool) {
	if s == "" {
		return
	}
	for part := range strings.SplitSeq(s, ",") {
		v := replay.Value{Type: t}
		if a, err := netip.ParseAddr(part); err == nil {
			v.IP = a
		} else if n, err := strconv.ParseInt(part, 10, 64); err == nil {
			v.Int = n
		}
		if !f(v) {
			return
		}
	}
}

// evaluate returns the rows of d for which n holds.
func (d *dimension) evaluate(ctx context.Context, c *conn, n filter.Node) (*idSet, error) {
	row := &dimRow{index: make(map[string]int)}
	cols := []string{"id", "events"}
	if d.kind == postType {
		cols = append(cols, "evt_type")
		row.index["evt_type"] = 2
	}
	filter.WalkFields(n, func(f *filter.Field) {
		col := d.fields[f.Text()]
		if _, dup := row.index[col]; !dup {
			row.index[col] = len(cols)
			cols = append(cols, col)
		}
	})
	comp := filter.NewCompiler()
	comp.Resolve = func(text string) (*replay.Ref, error) { return row.resolve(d, text) }
	prog, _, err := comp.Compile(n)
	if err != nil {
		return nil, err
	}
	st := comp.NewState()
	ev := &replay.Event{FDNum: -1, M: new(replay.Machine)}
	set := new(idSet)
	pre, args := d.prefilter(n)
	sql := "SELECT " + strings.Join(cols, ", ") + " FROM " + d.table.name + " WHERE " + pre
	err = c.each(ctx, sql, args, func(v []driver.Value) error {
		row.values = v
		id, events := v[0].(int64), v[1].(int64)
		if d.kind == postType {
			ev.Event, ev.Info = typeExample(id, textOf(v[2]))
		}
		st.Begin()
		if prog.Match(st, ev) {
			set.ids = append(set.ids, id)
			set.events += events
		}
		return nil
	})
	slices.Sort(set.ids)
	return set, err
}

// typeExample is an event of a type, for checks that look at the type itself.
func typeExample(id int64, name string) (*scapfile.Event, *schema.Event) {
	t := schema.EventType(id)
	var ev *scapfile.Event
	switch {
	case id >= namedBase:
		t = schema.PPME_ASYNCEVENT_E
		ev = scapfile.NewEvent(t, 0, 0, nil, scapfile.Text(name))
	case id >= genericBase:
		t = schema.PPME_GENERIC_X
		ev = scapfile.NewEvent(t, 0, 0, scapfile.U16(uint16(id-genericBase)))
	default:
		ev = scapfile.NewEvent(t, 0, 0)
	}
	return ev, schema.Lookup(t)
}

// prefilter is SQL that holds for every row for which n holds, so that an index
// of the table can be used. "1" asks nothing.
func (d *dimension) prefilter(n filter.Node) (string, []any) {
	switch n := n.(type) {
	case *filter.And:
		var parts []string
		var args []any
		for _, k := range n.Kids {
			if p, a := d.prefilter(k); p != "1" {
				parts, args = append(parts, p), append(args, a...)
			}
		}
		if len(parts) > 0 {
			return "(" + strings.Join(parts, " AND ") + ")", args
		}
	case *filter.Or:
		var parts []string
		var args []any
		for _, k := range n.Kids {
			p, a := d.prefilter(k)
			if p == "1" {
				return "1", nil
			}
			parts, args = append(parts, p), append(args, a...)
		}
		return "(" + strings.Join(parts, " OR ") + ")", args
	case *filter.Check:
		return d.prefilterCheck(n)
	}
	return "1", nil
}

func (d *dimension) prefilterCheck(n *filter.Check) (string, []any) {
	f, ok := n.Left.(*filter.Field)
	if !ok || n.Right != nil || n.ListRef != "" || n.Mod != filter.ModNone || len(n.Values) == 0 || len(n.Values) > 100 {
		return "1", nil
	}
	col, name := d.fields[f.Text()], f.Text()
	switch {
	case name == "fd.ip" || name == "fd.port" || strings.HasSuffix(name, "net"):
		return "1", nil // several values in one text
	case d.isText(col):
		return prefilterText(n, name, col)
	case n.Op == filter.OpEq || n.Op == filter.OpEqEq || n.Op == filter.OpIn:
		var args []any
		for _, v := range n.Values {
			i, err := strconv.ParseInt(v.Text, 10, 32)
			if err != nil || i < 0 { // true, a service name, what wraps around
				return "1", nil
			}
			args = append(args, i)
		}
		return inParams(col, args), args
	}
	return "1", nil
}

func prefilterText(n *filter.Check, name, col string) (string, []any) {
	p := n.Values[0].Text
	switch n.Op {
	case filter.OpEq, filter.OpEqEq, filter.OpIn:
		if strings.HasSuffix(name, "ip") {
			return "1", nil // addresses have several spellings
		}
		var args []any
		for _, v := range n.Values {
			args = append(args, v.Text)
		}
		return inParams(col, args), args
	case filter.OpStartsWith:
		if end := afterPrefix(p); end != "" {
			return "(" + col + " >= ? AND " + col + " < ?)", []any{p, end}
		}
	case filter.OpContains:
		// SQLite searches in characters, which are bytes only in ASCII.
		if p != "" && strings.IndexFunc(p, func(r rune) bool { return r == 0 || r >= 0x80 }) < 0 {
			return "instr(" + col + ", ?) > 0", []any{p}
		}
	}
	return "1", nil
}

func inParams(col string, args []any) string {
	return col + " IN (" + strings.TrimSuffix(strings.Repeat("?,", len(args)), ",") + ")"
}

func (d *dimension) isText(col string) bool {
	for _, c := range d.table.columns {
		if c.name == col {
			return strings.HasPrefix(c.typ, "TEXT")
		}
	}
	return false
}

// afterPrefix is the least text greater than every text with prefix p, "" when
// there is none.
func afterPrefix(p string) string {
	b := []byte(p)
	for len(b) > 0 {
		if b[len(b)-1]++; b[len(b)-1] != 0 {
			return string(b)
		}
		b = b[:len(b)-1]
	}
	return ""
}
