package query

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
)

// Tally is how many events there are of something, and how many of them failed.
type Tally struct{ Events, Failed int64 }

func (t *Tally) add(events, failed int64) {
	t.Events += events
	t.Failed += failed
}

// ProcessesOf counts the matching events of each process that has any, by
// process id of the index.
func (ix *Index) ProcessesOf(ctx context.Context, fl *Filter, r Range) (map[int64]*Tally, error) {
	var out map[int64]*Tally
	err := ix.with(func(c *conn) error {
		byTask, err := ix.tally(ctx, c, fl, r, "e.task")
		if err != nil {
			return err
		}
		out = make(map[int64]*Tally)
		return c.each(ctx, "SELECT id, process FROM task", nil, func(v []driver.Value) error {
			if t := byTask[intOf(v[0])]; t != nil {
				sum(out, intOf(v[1])).add(t.Events, t.Failed)
			}
			return nil
		})
	})
	return out, err
}

// TargetsOf counts the matching events of each file or connection that has any,
// by id of the table target.
func (ix *Index) TargetsOf(ctx context.Context, fl *Filter, r Range) (map[int64]*Tally, error) {
	return ix.tallyOf(ctx, fl, r, "e.target")
}

// PathsOf counts the matching events of each path that a call without
// descriptor names, by id of the table path.
func (ix *Index) PathsOf(ctx context.Context, fl *Filter, r Range) (map[int64]*Tally, error) {
	return ix.tallyOf(ctx, fl, r, "e.path")
}

// tallyOf is tally without the events that have none.
func (ix *Index) tallyOf(ctx context.Context, fl *Filter, r Range, column string) (map[int64]*Tally, error) {
	var out map[int64]*Tally
	err := ix.with(func(c *conn) (err error) {
		out, err = ix.tally(ctx, c, fl, r, column)
		delete(out, 0)
		return err
	})
	return out, err
}

// ValueCount is how often a field had a value.
type ValueCount struct {
	Value string
	Null  bool // the field had no value
	Tally
}

// ValuesOf counts the values that an indexed field has in the matching events,
// most frequent first. IndexedFields lists the fields.
func (ix *Index) ValuesOf(ctx context.Context, fl *Filter, r Range, field string) ([]ValueCount, error) {
	counts := make(map[driver.Value]*Tally)
	err := ix.with(func(c *conn) error {
		for _, d := range dimensions {
			col := d.fields[field]
			if col == "" {
				continue
			}
			byID, err := ix.tally(ctx, c, fl, r, "e."+d.event)
			if err != nil {
				return err
			}
			return c.each(ctx, "SELECT id, "+col+" FROM "+d.table.name, nil, func(v []driver.Value) error {
				if t := byID[intOf(v[0])]; t != nil {
					if b, ok := v[1].([]byte); ok {
						v[1] = string(b) // to be a key
					}
					sum(counts, v[1]).add(t.Events, t.Failed)
				}
				return nil
			})
		}
		for _, col := range eventTable.columns {
			if col.field == field {
				byValue, err := ix.tallyValues(ctx, c, fl, r, "e."+col.name)
				counts = byValue
				return err
			}
		}
		return fmt.Errorf("%s is not a field of the index; it has %s", field, strings.Join(IndexedFields(), ", "))
	})
	out := make([]ValueCount, 0, len(counts))
	for v, t := range counts {
		vc := ValueCount{Null: v == nil, Tally: *t}
		if v != nil {
			vc.Value = fmt.Sprint(v)
		}
		out = append(out, vc)
	}
	slices.SortFunc(out, func(a, b ValueCount) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), strings.Compare(a.Value, b.Value))
	})
	return out, err
}

func sum[K comparable](m map[K]*Tally, k K) *Tally {
	t := m[k]
	if t == nil {
		t = new(Tally)
		m[k] = t
	}
	return t
}

// tally groups the matching events by a column of ids.
func (ix *Index) tally(ctx context.Context, c *conn, fl *Filter, r Range, column string) (map[int64]*Tally, error) {
	byValue, err := ix.tallyValues(ctx, c, fl, r, column)
	out := make(map[int64]*Tally, len(byValue))
	for v, t := range byValue {
		out[intOf(v)] = t
	}
	return out, err
}

func (ix *Index) tallyValues(ctx context.Context, c *conn, fl *Filter, r Range, column string) (map[driver.Value]*Tally, error) {
	out := make(map[driver.Value]*Tally)
	s, err := ix.newSearch(ctx, c, fl, r)
	if err != nil {
		return nil, err
	}
	defer s.close()
	add := func(v []driver.Value) bool {
		sum(out, v[0]).add(intOf(v[1]), intOf(v[2]))
		return true
	}
	if len(s.plan.residual) == 0 {
		return out, s.spansGrouped("SELECT "+column+", count(*), sum(e.res < 0) FROM event e", " GROUP BY "+column, add)
	}
	st, err := c.prepare("SELECT " + column + ", 1, e.res < 0 FROM event e WHERE e.num = ?")
	if err != nil {
		return nil, err
	}
	var fail error
	err = s.runResidual(func(nums []int64, _ int64) bool {
		for _, n := range nums {
			rows, err := st.query(ctx, n)
			if err != nil {
				fail = err
				return false
			}
			if v, err := rows.next(); err == nil {
				add(v)
			}
			rows.close()
		}
		return true
	})
	return out, cmp.Or(err, fail)
}
