package query

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/rules/filter"
)

// A plan is a condition made ready to run on the index: a tree in which
// negation has been pushed down to the checks, so that each node yields both
// SQL and the blocks that can hold a match.
type plan struct {
	root     planNode
	residual []string // checks that only the capture can decide
}

// planNode is a node of a plan.
type planNode interface {
	// sql is an expression over event e that is 1 exactly when the node holds;
	// where it is residual, 1 whenever the node may hold.
	sql(p *planSQL) string
	// blocks returns the blocks that can hold a match.
	blocks(b *blockFinder) (blockSet, error)
	// explain adds lines that describe the node.
	explain(w *strings.Builder, indent string)
}

type (
	planAnd struct{ kids []planNode }
	planOr  struct{ kids []planNode }
	// planSet is a condition decided by a dimension: event.column IN ids, or NOT
	// IN them.
	planSet struct {
		dim  *dimension
		text string
		not  bool
		set  *idSet
	}
	// planCompare is a comparison of an event's own number.
	planCompare struct {
		text string
		not  bool
		expr string
		// lo and hi bound num or ts when the comparison does.
		column string
		lo, hi int64
	}
	// planResidual is what only the decoded event can tell.
	planResidual struct{ text string }
)

// planner turns conditions into plans.
type planner struct {
	ctx   context.Context
	c     *conn
	first int64 // time of the first event
	plan  *plan
}

func (p *planner) node(n filter.Node, not bool) (planNode, error) {
	if d := dimensionOf(n); d != nil {
		set, err := d.evaluate(p.ctx, p.c, n)
		if err != nil {
			return nil, err
		}
		return &planSet{dim: d, text: filter.String(n), not: not, set: set}, nil
	}
	switch n := n.(type) {
	case *filter.Not:
		return p.node(n.Kid, !not)
	case *filter.And:
		return p.group(n.Kids, not, not)
	case *filter.Or:
		return p.group(n.Kids, !not, not)
	case *filter.MacroRef:
		if n.Body != nil {
			return p.node(n.Body, not)
		}
	case *filter.Check:
		if c := p.compare(n); c != nil {
			c.not = not
			return c, nil
		}
	}
	text := filter.String(n)
	if not {
		text = "not " + text
	}
	p.plan.residual = append(p.plan.residual, text)
	return &planResidual{text: text}, nil
}

// group joins kids by or, else by and. Kids of one dimension are decided
// together.
func (p *planner) group(kids []filter.Node, or, not bool) (planNode, error) {
	byDim := make(map[*dimension][]filter.Node)
	var out []planNode
	add := func(n filter.Node) error {
		k, err := p.node(n, not)
		out = append(out, k)
		return err
	}
	for _, k := range kids {
		if d := dimensionOf(k); d != nil {
			byDim[d] = append(byDim[d], k)
			continue
		}
		if err := add(k); err != nil {
			return nil, err
		}
	}
	// Kids as written are joined by and when the group, after negation, is or.
	writtenOr := or != not
	for _, d := range dimensions {
		list := byDim[d]
		if len(list) == 0 {
			continue
		}
		n := list[0]
		if len(list) > 1 {
			if writtenOr {
				n = &filter.Or{At: n.Pos(), Kids: list}
			} else {
				n = &filter.And{At: n.Pos(), Kids: list}
			}
		}
		if err := add(n); err != nil {
			return nil, err
		}
	}
	if len(out) == 1 {
		return out[0], nil
	}
	if or {
		return &planOr{out}, nil
	}
	return &planAnd{out}, nil
}

// planSQL collects what the SQL of a plan needs.
type planSQL struct {
	temps [][]int64 // contents of the temporary tables, in order
}

// inlineIDs is up to how many ids stand in the statement itself.
const inlineIDs = 8

// in returns column IN ids.
func (p *planSQL) in(column string, ids []int64) string {
	switch {
	case len(ids) == 0:
		return "0"
	case len(ids) == 1:
		return column + "=" + strconv.FormatInt(ids[0], 10)
	case len(ids) <= inlineIDs:
		var b strings.Builder
		b.WriteString(column + " IN (")
		for i, id := range ids {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatInt(id, 10))
		}
		return b.String() + ")"
	case ids[len(ids)-1]-ids[0] == int64(len(ids)-1):
		return fmt.Sprintf("%s BETWEEN %d AND %d", column, ids[0], ids[len(ids)-1])
	}
	p.temps = append(p.temps, ids)
	return fmt.Sprintf("%s IN (SELECT id FROM temp.plan%d)", column, len(p.temps))
}

func (n *planAnd) sql(p *planSQL) string { return joinSQL(p, n.kids, " AND ") }
func (n *planOr) sql(p *planSQL) string  { return joinSQL(p, n.kids, " OR ") }

func joinSQL(p *planSQL, kids []planNode, op string) string {
	parts := make([]string, len(kids))
	for i, k := range kids {
		parts[i] = k.sql(p)
	}
	return "(" + strings.Join(parts, op) + ")"
}

func (n *planSet) sql(p *planSQL) string {
	s := p.in("e."+n.dim.event, n.set.ids)
	if n.not {
		return "NOT (" + s + ")"
	}
	return s
}

func (n *planCompare) sql(*planSQL) string {
	if n.not {
		return "NOT (" + n.expr + ")"
	}
	return "(" + n.expr + ")"
}

func (*planResidual) sql(*planSQL) string { return "1" }

// blockFinder finds the blocks that can hold matches.
type blockFinder struct {
	ctx  context.Context
	c    *conn
	list []blockInfo
}

func (n *planAnd) blocks(b *blockFinder) (blockSet, error) {
	out := fullBlockSet(len(b.list))
	for _, k := range n.kids {
		s, err := k.blocks(b)
		if err != nil {
			return nil, err
		}
		out.and(s)
	}
	return out, nil
}

func (n *planOr) blocks(b *blockFinder) (blockSet, error) {
	out := newBlockSet(len(b.list))
	for _, k := range n.kids {
		s, err := k.blocks(b)
		if err != nil {
			return nil, err
		}
		out.or(s)
	}
	return out, nil
}

func (n *planResidual) blocks(b *blockFinder) (blockSet, error) {
	return fullBlockSet(len(b.list)), nil
}

func (n *planSet) blocks(b *blockFinder) (blockSet, error) {
	if len(b.list) == 0 {
		return newBlockSet(0), nil
	}
	last := &b.list[len(b.list)-1]
	total := last.rank + last.events
	// Where most blocks match anyway, looking them up costs more than it saves.
	if n.not || n.set.events > total/8 {
		return fullBlockSet(len(b.list)), nil
	}
	out := newBlockSet(len(b.list))
	for chunk := range slices.Chunk(n.set.ids, 500) {
		var q strings.Builder
		fmt.Fprintf(&q, "SELECT DISTINCT block FROM posting WHERE kind=%d AND id IN (", n.dim.kind)
		for i, id := range chunk {
			if i > 0 {
				q.WriteByte(',')
			}
			q.WriteString(strconv.FormatInt(id, 10))
		}
		q.WriteByte(')')
		err := b.c.each(b.ctx, q.String(), nil, func(v []driver.Value) error {
			if i, ok := blockOfNum(b.list, v[0].(int64)<<blockShift); ok {
				out.add(i)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (n *planCompare) blocks(b *blockFinder) (blockSet, error) {
	if n.column == "" || n.not {
		return fullBlockSet(len(b.list)), nil
	}
	out := newBlockSet(len(b.list))
	for i := range b.list {
		x := &b.list[i]
		lo, hi := x.id<<blockShift, x.id<<blockShift+1<<blockShift-1
		if n.column == "ts" {
			lo, hi = x.minTS, x.maxTS
		}
		if hi >= n.lo && lo <= n.hi {
			out.add(i)
		}
	}
	return out, nil
}

func (n *planAnd) explain(w *strings.Builder, indent string) {
	explainKids(w, indent, "all of", n.kids)
}
func (n *planOr) explain(w *strings.Builder, indent string) { explainKids(w, indent, "any of", n.kids) }

func explainKids(w *strings.Builder, indent, head string, kids []planNode) {
	fmt.Fprintf(w, "%s%s\n", indent, head)
	for _, k := range kids {
		k.explain(w, indent+"  ")
	}
}

func (n *planSet) explain(w *strings.Builder, indent string) {
	not := ""
	if n.not {
		not = "not "
	}
	fmt.Fprintf(w, "%s%s%s: decided by table %s, %d rows, %d events\n", indent, not, n.text, n.dim.table.name, len(n.set.ids), n.set.events)
}

func (n *planCompare) explain(w *strings.Builder, indent string) {
	not := ""
	if n.not {
		not = "not "
	}
	fmt.Fprintf(w, "%s%s%s: decided by table event: %s\n", indent, not, n.text, n.expr)
}

func (n *planResidual) explain(w *strings.Builder, indent string) {
	fmt.Fprintf(w, "%s%s: not in the index, decided by replaying the capture\n", indent, n.text)
}
