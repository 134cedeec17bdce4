package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// compare translates a check of an event's own number, nil when it is no such
// check or has a literal that SQL would read differently.
func (p *planner) compare(n *filter.Check) *planCompare {
	f, ok := n.Left.(*filter.Field)
	if !ok || n.Right != nil || n.ListRef != "" || n.Mod != filter.ModNone {
		return nil
	}
	c := &planCompare{text: filter.String(n)}
	var present, column string
	unsigned := false
	base := int64(0) // added to literals
	switch f.Text() {
	case "evt.num":
		column, unsigned = "e.num", true
	case "evt.rawtime":
		column, unsigned = "e.ts", true
	case "evt.reltime":
		column, unsigned, base = "e.ts", true, p.first
	case "evt.cpu":
		column = "e.cpu"
	case "fd.num":
		column, present = "e.fd", "e.fd IS NOT NULL"
	case "evt.rawres":
		column, present = "e.res", "e.res IS NOT NULL"
	case "evt.failed":
		return compareFailed(n, c)
	case "evt.res":
		return compareRes(n, c)
	default:
		return nil
	}
	if n.Op == filter.OpExists {
		c.expr = orTrue(present)
		return c
	}
	var vals []int64
	for _, l := range n.Values {
		v, err := strconv.ParseInt(l.Text, 10, 64)
		if err != nil || unsigned && v < 0 || v > math.MaxInt64-base {
			return nil
		}
		vals = append(vals, v+base)
	}
	expr, ok := compareSQL(column, n.Op, vals)
	if !ok {
		return nil
	}
	if present != "" {
		expr = present + " AND " + expr
	}
	c.expr = expr
	if column == "e.num" || column == "e.ts" {
		c.column = column[2:]
		c.lo, c.hi = bounds(n.Op, vals)
	}
	return c
}

func orTrue(s string) string {
	if s == "" {
		return "1"
	}
	return s
}

func compareSQL(column string, op filter.Op, vals []int64) (string, bool) {
	one := func(o string) (string, bool) {
		if len(vals) != 1 {
			return "", false
		}
		return fmt.Sprintf("%s %s %d", column, o, vals[0]), true
	}
	switch op {
	case filter.OpEq, filter.OpEqEq:
		return one("=")
	case filter.OpNe:
		return one("<>")
	case filter.OpLt:
		return one("<")
	case filter.OpLe:
		return one("<=")
	case filter.OpGt:
		return one(">")
	case filter.OpGe:
		return one(">=")
	case filter.OpIn, filter.OpIntersects:
		if len(vals) == 0 {
			return "0", true
		}
		return inList(column, vals), true
	}
	return "", false
}

func inList(column string, vals []int64) string {
	parts := make([]string, len(vals))
	for i, v := range vals {
		parts[i] = strconv.FormatInt(v, 10)
	}
	return column + " IN (" + strings.Join(parts, ",") + ")"
}

// bounds are the least and greatest values that can satisfy op.
func bounds(op filter.Op, vals []int64) (lo, hi int64) {
	lo, hi = math.MinInt64, math.MaxInt64
	switch op {
	case filter.OpEq, filter.OpEqEq:
		return vals[0], vals[0]
	case filter.OpLt, filter.OpLe:
		hi = vals[0]
	case filter.OpGt, filter.OpGe:
		lo = vals[0]
	case filter.OpIn, filter.OpIntersects:
		lo, hi = math.MaxInt64, math.MinInt64
		for _, v := range vals {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	return lo, hi
}

func compareFailed(n *filter.Check, c *planCompare) *planCompare {
	if n.Op == filter.OpExists {
		c.expr = "e.res IS NOT NULL"
		return c
	}
	if len(n.Values) != 1 || n.Op == filter.OpIn || n.Op == filter.OpIntersects {
		return nil
	}
	want := n.Values[0].Text == "true"
	if n.Op == filter.OpNe {
		want = !want
	}
	if want {
		c.expr = "e.res IS NOT NULL AND e.res < 0"
	} else {
		c.expr = "e.res IS NOT NULL AND e.res >= 0"
	}
	return c
}

// resultNames maps the text of evt.res to the return value; "SUCCESS" is 0 and
// stands for all that are not negative.
var resultNames = sync.OnceValue(func() map[string]int64 {
	names := make(map[string]int64)
	ref, err := replay.Resolve("evt.res")
	if err != nil || ref.Str == nil {
		return names
	}
	for v := int64(0); v >= -200; v-- {
		t := schema.PPME_SYSCALL_CLOSE_X
		ev := scapfile.NewEvent(t, 0, 0, scapfile.I64(v))
		if s, ok := ref.Str(&replay.Event{Event: ev, Info: schema.Lookup(t), FDNum: -1, M: new(replay.Machine)}); ok {
			if _, dup := names[s]; !dup {
				names[s] = v
			}
		}
	}
	return names
})

// resultName is the name of a failed call's error, "" when it has none.
func resultName(res int64) string { return resultTexts()[res] }

var resultTexts = sync.OnceValue(func() map[int64]string {
	out := make(map[int64]string)
	for name, v := range resultNames() {
		if v < 0 {
			out[v] = name
		}
	}
	return out
})

func compareRes(n *filter.Check, c *planCompare) *planCompare {
	if n.Op == filter.OpExists {
		c.expr = "e.res IS NOT NULL"
		return c
	}
	var parts []string
	for _, l := range n.Values {
		v, ok := resultNames()[l.Text]
		switch {
		case !ok:
			return nil
		case v == 0:
			parts = append(parts, "e.res >= 0")
		default:
			parts = append(parts, fmt.Sprintf("e.res = %d", v))
		}
	}
	expr := strings.Join(parts, " OR ")
	switch n.Op {
	case filter.OpEq, filter.OpEqEq, filter.OpIn:
		if expr == "" {
			expr = "0"
		}
		c.expr = "e.res IS NOT NULL AND (" + expr + ")"
	case filter.OpNe:
		c.expr = "e.res IS NOT NULL AND NOT (" + expr + ")"
	default:
		return nil
	}
	return c
}
