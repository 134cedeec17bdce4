package query

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
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

// OpenFD is a descriptor that a process had open.
type OpenFD struct {
	Num  int64
	Type string // file, ipv4, unix, pipe...
	Name string
}

// OpenAt returns what a process had open right after an event, by replaying the
// capture up to it; it is empty when the process is not known then.
func (ix *Index) OpenAt(ctx context.Context, pid, num int64) ([]OpenFD, error) {
	r, err := scapfile.Open(ix.capture)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m := replay.New(r, replay.Options{})
	for n := 0; ; n++ {
		ev, err := m.Next()
		if err == io.EOF || err != nil && isDamage(err) {
			break
		}
		if err != nil {
			return nil, err
		}
		if int64(ev.Num) >= num {
			break
		}
		if n&0xffff == 0xffff && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	t := m.Thread(pid)
	if t == nil {
		return nil, nil
	}
	typ, err := replay.Resolve("fd.type")
	if err != nil {
		return nil, err
	}
	var out []OpenFD
	info := schema.Lookup(schema.PPME_SYSCALL_CLOSE_X)
	t.FDs(func(fd *replay.FD) bool {
		ev := replay.Event{Event: scapfile.NewEvent(info.Type, 0, pid), Info: info, Thread: t, FDNum: fd.Num, FD: fd, M: m}
		name, _ := typ.Str(&ev)
		out = append(out, OpenFD{Num: fd.Num, Type: strings.Clone(name), Name: strings.Clone(fd.Name)})
		return true
	})
	slices.SortFunc(out, func(a, b OpenFD) int { return cmp.Compare(a.Num, b.Num) })
	return out, nil
}
