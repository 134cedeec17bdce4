package query

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
)

// Neighbour returns the next (dir > 0) or previous event of a process after or
// before event num; process 0 means that of the event. It returns 0 when there
// is none.
func (ix *Index) Neighbour(ctx context.Context, num, process int64, dir int) (int64, error) {
	var out int64
	err := ix.with(func(c *conn) error {
		if process == 0 {
			v, err := c.one(ctx, "SELECT t.process FROM event e JOIN task t ON t.id = e.task WHERE e.num = ?", num)
			if err != nil {
				return err
			}
			if v == nil {
				return fmt.Errorf("event %d: %w", num, ErrNoEvent)
			}
			process = intOf(v)
		}
		s, err := ix.processSearch(ctx, c, process)
		if err != nil {
			return err
		}
		defer s.close()
		out, err = s.next(num, dir)
		return err
	})
	return out, err
}

// processSearch is a search for the events of a process.
func (ix *Index) processSearch(ctx context.Context, c *conn, process int64) (*search, error) {
	s := &search{ix: ix, c: c, ctx: ctx, plan: new(plan)}
	var err error
	if s.list, err = ix.blockList(ctx, c); err != nil {
		return nil, err
	}
	set := new(idSet)
	if err := c.each(ctx, "SELECT id, events FROM task WHERE process = ? ORDER BY id", []any{process}, func(v []driver.Value) error {
		set.ids = append(set.ids, intOf(v[0]))
		set.events += intOf(v[1])
		return nil
	}); err != nil {
		return nil, err
	}
	node := &planSet{dim: dimensions[0], set: set}
	var q planSQL
	s.where = node.sql(&q)
	if err := s.fill(q.temps); err != nil {
		return nil, err
	}
	s.set, err = node.blocks(&blockFinder{ctx, c, s.list})
	return s, err
}

// next returns the match nearest to num in a direction.
func (s *search) next(num int64, dir int) (int64, error) {
	i, _ := blockOfNum(s.list, num)
	step, cond, order := 1, "e.num > ?", "ASC"
	if dir < 0 {
		step, cond, order = -1, "e.num < ?", "DESC"
		i = min(i, len(s.list)-1)
	}
	for ; i >= 0 && i < len(s.list); i += step {
		if !s.set.has(i) {
			continue
		}
		first := s.list[i].id << blockShift
		v, err := s.c.one(s.ctx, "SELECT e.num FROM event e WHERE e.num BETWEEN ? AND ? AND "+cond+" AND "+s.where+
			" ORDER BY e.num "+order+" LIMIT 1", first, first+1<<blockShift-1, num)
		if err != nil || v != nil {
			return intOf(v), err
		}
	}
	return 0, nil
}

// CallCount is how often a process made a call.
type CallCount struct {
	Type          string
	Calls, Failed int64
}

// Calls returns the calls of a process, most frequent first.
func (ix *Index) Calls(ctx context.Context, process int64) ([]CallCount, error) {
	counts := make(map[int64]*CallCount)
	names := make(map[int64]string)
	err := ix.with(func(c *conn) error {
		s, err := ix.processSearch(ctx, c, process)
		if err != nil {
			return err
		}
		defer s.close()
		if err := s.spansGrouped("SELECT e.type, count(*), sum(e.res < 0) FROM event e", " GROUP BY e.type", func(v []driver.Value) bool {
			id := intOf(v[0])
			if counts[id] == nil {
				counts[id] = new(CallCount)
			}
			counts[id].Calls += intOf(v[1])
			counts[id].Failed += intOf(v[2])
			return true
		}); err != nil {
			return err
		}
		return c.each(ctx, "SELECT id, evt_type FROM event_type", nil, func(v []driver.Value) error {
			names[intOf(v[0])] = textOf(v[1])
			return nil
		})
	})
	var out []CallCount
	for id, n := range counts {
		n.Type = names[id]
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b CallCount) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), strings.Compare(a.Type, b.Type))
	})
	return out, err
}
