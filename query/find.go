package query

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
)

// Filter is a condition in the rule language, checked and ready to be used on
// any index. The empty condition matches every event.
type Filter struct {
	text string
	node filter.Node    // nil for the empty condition
	prog *filter.Filter // of the whole condition
}

// ParseFilter checks a condition. Errors are *filter.ParseError or
// *filter.CompileError, with the place of the mistake.
func ParseFilter(text string) (*Filter, error) {
	f := &Filter{text: text}
	if strings.TrimSpace(text) == "" {
		return f, nil
	}
	prog, err := filter.CompileText(text)
	if err != nil {
		return nil, err
	}
	f.prog, f.node = prog, prog.Node()
	return f, nil
}

// String returns the condition as it was given.
func (f *Filter) String() string { return f.text }

// Empty reports whether the filter matches every event.
func (f *Filter) Empty() bool { return f == nil || f.node == nil }

// Warnings are what the compiler finds suspicious about the condition.
func (f *Filter) Warnings() []string {
	if f.Empty() {
		return nil
	}
	var out []string
	for _, w := range f.prog.Warnings {
		out = append(out, fmt.Sprint(w))
	}
	return out
}

// Range limits a question to a part of the capture. The zero value is all of it.
type Range struct {
	FromNum, ToNum int64 // event numbers, ToNum included; 0 for no limit
	FromTS, ToTS   int64 // nanoseconds since the epoch, ToTS included; 0 for no limit
}

// Find calls f with the numbers of the matching events in ascending order, some
// at a time; scanned is the number up to which the search has come. It ends
// early without error when f returns false. An index that grows is searched as
// far as it was when Find began.
func (ix *Index) Find(ctx context.Context, fl *Filter, r Range, f func(nums []int64, scanned int64) bool) error {
	return ix.with(func(c *conn) error {
		s, err := ix.newSearch(ctx, c, fl, r)
		if err != nil {
			return err
		}
		defer s.close()
		if len(s.plan.residual) == 0 {
			return s.run(f)
		}
		return s.runResidual(f)
	})
}

// Count returns how many events match.
func (ix *Index) Count(ctx context.Context, fl *Filter, r Range) (int64, error) {
	var n int64
	err := ix.with(func(c *conn) error {
		s, err := ix.newSearch(ctx, c, fl, r)
		if err != nil {
			return err
		}
		defer s.close()
		if len(s.plan.residual) > 0 {
			return s.runResidual(func(nums []int64, _ int64) bool { n += int64(len(nums)); return true })
		}
		if set, ok := s.plan.root.(*planSet); ok && r == (Range{}) {
			if n = set.set.events; set.not {
				n = s.total() - n
			}
			return nil
		}
		if s.plan.root == nil && r == (Range{}) {
			n = s.total()
			return nil
		}
		return s.spans("SELECT count(*) FROM event e", func(v []driver.Value) bool { n += v[0].(int64); return true })
	})
	return n, err
}

// Explain describes how a filter is answered: which parts by which tables, which
// by replaying the capture, and how much of it is looked at.
func (ix *Index) Explain(ctx context.Context, fl *Filter, r Range) (string, error) {
	var b strings.Builder
	err := ix.with(func(c *conn) error {
		s, err := ix.newSearch(ctx, c, fl, r)
		if err != nil {
			return err
		}
		defer s.close()
		if s.plan.root == nil {
			b.WriteString("every event\n")
		} else {
			s.plan.root.explain(&b, "")
		}
		fmt.Fprintf(&b, "blocks to read: %d of %d\n", s.set.len(), len(s.list))
		fmt.Fprintf(&b, "sql: SELECT num FROM event e WHERE num BETWEEN :first AND :last AND %s\n", s.where)
		if len(s.plan.residual) > 0 {
			fmt.Fprintf(&b, "then replay the capture and test the candidates for: %s\n", strings.Join(s.plan.residual, "; "))
		}
		return nil
	})
	return b.String(), err
}

// search is one filter on its way through one index.
type search struct {
	ix    *Index
	c     *conn
	ctx   context.Context
	fl    *Filter
	plan  *plan
	list  []blockInfo
	set   blockSet
	where string
	temps int
}

func (ix *Index) newSearch(ctx context.Context, c *conn, fl *Filter, r Range) (*search, error) {
	s := &search{ix: ix, c: c, ctx: ctx, fl: fl, plan: new(plan), where: "1"}
	var err error
	// The list of blocks comes first: rows committed later are not looked at.
	if s.list, err = ix.blockList(ctx, c); err != nil {
		return nil, err
	}
	s.set = fullBlockSet(len(s.list))
	if !fl.Empty() {
		p := &planner{ctx: ctx, c: c, plan: s.plan}
		if len(s.list) > 0 {
			if p.first, err = ix.firstTS(ctx, c); err != nil {
				return nil, err
			}
		}
		if s.plan.root, err = p.node(fl.node, false); err != nil {
			return nil, err
		}
		var q planSQL
		s.where = s.plan.root.sql(&q)
		if err := s.fill(q.temps); err != nil {
			return nil, err
		}
		if s.set, err = s.plan.root.blocks(&blockFinder{ctx, c, s.list}); err != nil {
			return nil, err
		}
	}
	s.limit(r)
	return s, nil
}

// firstTS is the time of the first event, to which evt.reltime is relative.
func (ix *Index) firstTS(ctx context.Context, c *conn) (int64, error) {
	v, err := c.one(ctx, "SELECT ts FROM event ORDER BY num LIMIT 1")
	n, _ := v.(int64)
	return n, err
}

// fill puts the longer id lists into temporary tables.
func (s *search) fill(lists [][]int64) error {
	for i, ids := range lists {
		name := "temp.plan" + strconv.Itoa(i+1)
		if err := s.c.exec("CREATE TABLE IF NOT EXISTS " + name + "(id INTEGER PRIMARY KEY)"); err != nil {
			return err
		}
		s.temps = i + 1
		if err := s.c.exec("DELETE FROM " + name); err != nil {
			return err
		}
		for len(ids) > 0 {
			n := min(len(ids), 500)
			var q strings.Builder
			q.WriteString("INSERT INTO " + name + " VALUES ")
			for j, id := range ids[:n] {
				if j > 0 {
					q.WriteByte(',')
				}
				fmt.Fprintf(&q, "(%d)", id)
			}
			if err := s.c.exec(q.String()); err != nil {
				return err
			}
			ids = ids[n:]
		}
	}
	return nil
}

func (s *search) close() {
	for i := range s.temps {
		// Emptying is housekeeping: the next search empties the table again.
		_ = s.c.exec("DELETE FROM temp.plan" + strconv.Itoa(i+1))
	}
}

// limit leaves the blocks of a range.
func (s *search) limit(r Range) {
	if r == (Range{}) {
		return
	}
	hi := Range{FromNum: r.FromNum, ToNum: r.ToNum, FromTS: r.FromTS, ToTS: r.ToTS}
	if hi.ToNum == 0 {
		hi.ToNum = math.MaxInt64
	}
	if hi.ToTS == 0 {
		hi.ToTS = math.MaxInt64
	}
	keep := newBlockSet(len(s.list))
	for i := range s.list {
		b := &s.list[i]
		if b.firstNum <= hi.ToNum && b.id<<blockShift+(1<<blockShift-1) >= hi.FromNum && b.minTS <= hi.ToTS && b.maxTS >= hi.FromTS {
			keep.add(i)
		}
	}
	s.set.and(keep)
	if r.FromNum != 0 || r.ToNum != 0 {
		s.where += fmt.Sprintf(" AND e.num BETWEEN %d AND %d", hi.FromNum, hi.ToNum)
	}
	if r.FromTS != 0 || r.ToTS != 0 {
		s.where += fmt.Sprintf(" AND e.ts BETWEEN %d AND %d", hi.FromTS, hi.ToTS)
	}
}

func (s *search) total() int64 {
	if len(s.list) == 0 {
		return 0
	}
	b := &s.list[len(s.list)-1]
	return b.rank + b.events
}

// spanBlocks bounds how many blocks one statement reads, so that results and
// cancellation do not wait for the whole scan.
const spanBlocks = 512

// eachSpan calls f for every run of neighbouring blocks in the set.
func (s *search) eachSpan(f func(first, last int64) error) error {
	for i := 0; i < len(s.list); i++ {
		if !s.set.has(i) {
			continue
		}
		j := i
		for j+1 < len(s.list) && s.set.has(j+1) && j+1-i < spanBlocks {
			j++
		}
		if err := f(s.list[i].id<<blockShift, s.list[j].id<<blockShift+(1<<blockShift-1)); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// spans runs a statement over every span, with the filter as its condition.
func (s *search) spans(sql string, f func([]driver.Value) bool) error {
	st, err := s.c.compile(sql + " WHERE e.num BETWEEN ? AND ? AND " + s.where)
	if err != nil {
		return err
	}
	defer st.close()
	err = s.eachSpan(func(first, last int64) error {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		r, err := st.query(s.ctx, first, last)
		if err != nil {
			return err
		}
		defer r.close()
		for {
			v, err := r.next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if !f(v) {
				return errStop
			}
		}
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// errStop ends a scan that the caller has seen enough of.
var errStop = errors.New("stopped")

// run delivers the matches of a plan without residual.
func (s *search) run(f func([]int64, int64) bool) error {
	st, err := s.c.compile("SELECT e.num FROM event e WHERE e.num BETWEEN ? AND ? AND " + s.where + " ORDER BY e.num")
	if err != nil {
		return err
	}
	defer st.close()
	nums := make([]int64, 0, spanBlocks<<blockShift)
	err = s.eachSpan(func(first, last int64) error {
		nums = nums[:0]
		r, err := st.query(s.ctx, first, last)
		if err != nil {
			return err
		}
		defer r.close()
		for {
			v, err := r.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			nums = append(nums, v[0].(int64))
		}
		if !f(nums, last) {
			return errStop
		}
		return nil
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// runResidual replays the capture up to the last candidate and tests the
// candidates with the whole condition.
func (s *search) runResidual(f func([]int64, int64) bool) error {
	cand := newNumSet(s.list)
	var last int64
	if err := s.run(func(nums []int64, _ int64) bool {
		for _, n := range nums {
			cand.add(n)
			last = n
		}
		return true
	}); err != nil {
		return err
	}
	if last == 0 {
		return nil
	}
	r, err := scapfile.Open(s.ix.capture)
	if err != nil {
		return err
	}
	defer r.Close()
	m := replay.New(r, replay.Options{})
	prog := s.fl.prog.Clone()
	nums := make([]int64, 0, 1024)
	for n := 0; ; n++ {
		ev, err := m.Next()
		if err != nil {
			if err != io.EOF && !isDamage(err) {
				return err
			}
			break
		}
		num := int64(ev.Num)
		if num > last {
			break
		}
		if cand.has(num) && prog.Match(ev) {
			nums = append(nums, num)
		}
		if n&0xffff == 0xffff || len(nums) == cap(nums) {
			if err := s.ctx.Err(); err != nil {
				return err
			}
			if !f(nums, num) {
				return nil
			}
			nums = nums[:0]
		}
	}
	f(nums, last)
	return nil
}

func isDamage(err error) bool {
	var fe *scapfile.FormatError
	return errors.As(err, &fe)
}

// numSet is a set of event numbers: a bit for each up to the last.
type numSet []uint64

func newNumSet(list []blockInfo) numSet {
	if len(list) == 0 {
		return nil
	}
	top := (list[len(list)-1].id + 1) << blockShift
	return make(numSet, top/64+1)
}

func (s numSet) add(n int64)      { s[n>>6] |= 1 << (n & 63) }
func (s numSet) has(n int64) bool { return int(n>>6) < len(s) && s[n>>6]&(1<<(n&63)) != 0 }
