package query

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Row is an event as a list shows it: what the index knows without the capture.
type Row struct {
	Num, TS   int64
	CPU       int64
	TID, PID  int64 // -1 unknown
	Proc      string
	Type      string
	FD        int64 // -1 none
	FDType    string
	FDChar    string // letter of the type and, for sockets, of the protocol: f, 4t, u
	FDName    string
	Path      string // of a call without descriptor
	Res       int64  // valid with HasRes
	HasRes    bool
	User      string
	Container string
	Process   int64 // Process(id)
	Task      int64
	Target    int64 // File or connection
	Alerts    int   // alerts on this event
	Severity  int   // of the worst of them: 0 Emergency ... 7 Debug, -1 none
}

// Failed reports whether the call returned an error.
func (r *Row) Failed() bool { return r.HasRes && r.Res < 0 }

// Summary is what the index knows of the arguments, as a list shows them while
// the event itself is not decoded: descriptor, path, result. Captured text in it
// is as it was captured.
func (r *Row) Summary() string {
	var b []byte
	if r.FD >= 0 || r.FDName != "" {
		b = append(b, "fd="...)
		b = strconv.AppendInt(b, r.FD, 10)
		if r.FDName != "" {
			b = append(b, '(')
			b = append(b, r.FDName...)
			b = append(b, ')')
		}
	}
	if r.Path != "" {
		b = append(b, " path="...)
		b = append(b, r.Path...)
	}
	if r.HasRes {
		b = append(b, " res="...)
		b = strconv.AppendInt(b, r.Res, 10)
		if name := resultName(r.Res); name != "" {
			b = append(b, '(')
			b = append(b, name...)
			b = append(b, ')')
		}
	}
	return strings.TrimPrefix(string(b), " ")
}

const rowSQL = `SELECT e.num, e.ts, e.cpu, t.thread_tid, t.proc_pid, t.proc_name, y.evt_type, e.fd, g.fd_type, g.fd_name, p.name,
  e.res, t.user_name, t.container_id, t.process, e.task, e.target, (SELECT count(*) FROM alert a WHERE a.num = e.num), (SELECT min(severity) FROM alert a WHERE a.num = e.num),
  g.fd_typechar || CASE g.fd_l4proto WHEN 'tcp' THEN 't' WHEN 'udp' THEN 'u' WHEN 'icmp' THEN 'i' WHEN 'raw' THEN 'r' ELSE '' END
FROM event e LEFT JOIN event_type y ON y.id = e.type LEFT JOIN task t ON t.id = e.task
  LEFT JOIN target g ON g.id = e.target LEFT JOIN path p ON p.id = e.path `

func scanRow(v []driver.Value) Row {
	r := Row{Num: intOf(v[0]), TS: intOf(v[1]), CPU: intOf(v[2]), TID: intOr(v[3], -1), PID: intOr(v[4], -1), Proc: textOf(v[5]),
		Type: textOf(v[6]), FD: intOr(v[7], -1), FDType: textOf(v[8]), FDName: textOf(v[9]), Path: textOf(v[10]), User: textOf(v[12]),
		Container: textOf(v[13]), Process: intOf(v[14]), Task: intOf(v[15]), Target: intOf(v[16]), Alerts: int(intOf(v[17])), Severity: int(intOr(v[18], -1)), FDChar: textOf(v[19])}
	r.Res, r.HasRes = v[11].(int64)
	return r
}

func intOf(v driver.Value) int64 { return intOr(v, 0) }

func intOr(v driver.Value, none int64) int64 {
	if n, ok := v.(int64); ok {
		return n
	}
	return none
}

// Len returns how many events are indexed so far. Event i, counted from 0, is
// row i of the unfiltered list; its number may be larger where the capture holds
// events that are not shown.
func (ix *Index) Len() int64 { return ix.Progress().Events }

// Rows returns up to n events from row from on, without a filter. It reads only
// the rows it returns, wherever they are.
func (ix *Index) Rows(ctx context.Context, from int64, n int) ([]Row, error) {
	var out []Row
	err := ix.with(func(c *conn) error {
		list, err := ix.blockList(ctx, c)
		if err != nil {
			return err
		}
		i, ok := blockOfRank(list, from)
		if !ok || from < 0 || n <= 0 {
			return nil
		}
		skip := from - list[i].rank // at most a block
		return c.each(ctx, rowSQL+"WHERE e.num >= ? ORDER BY e.num LIMIT ? OFFSET ?", []any{list[i].firstNum, n, skip},
			func(v []driver.Value) error { out = append(out, scanRow(v)); return nil })
	})
	return out, err
}

// RowsOf returns the events with these numbers, in this order; numbers that do
// not exist are left out.
func (ix *Index) RowsOf(ctx context.Context, nums []int64) ([]Row, error) {
	out := make([]Row, 0, len(nums))
	err := ix.with(func(c *conn) error {
		s, err := c.prepare(rowSQL + "WHERE e.num = ?")
		if err != nil {
			return err
		}
		for _, n := range nums {
			r, err := s.query(ctx, n)
			if err != nil {
				return err
			}
			v, err := r.next()
			if err == nil {
				out = append(out, scanRow(v))
			}
			r.close()
			if err != nil && err != io.EOF {
				return err
			}
		}
		return nil
	})
	return out, err
}

// RankOf returns the row that event num has in the unfiltered list, or that of
// the first event after it.
func (ix *Index) RankOf(ctx context.Context, num int64) (int64, error) {
	var rank int64
	err := ix.with(func(c *conn) error {
		list, err := ix.blockList(ctx, c)
		if err != nil || len(list) == 0 {
			return err
		}
		i, _ := blockOfNum(list, num)
		if i == len(list) {
			last := &list[i-1]
			rank = last.rank + last.events
			return nil
		}
		v, err := c.one(ctx, "SELECT count(*) FROM event WHERE num >= ? AND num < ?", list[i].firstNum, num)
		rank = list[i].rank + intOf(v)
		return err
	})
	return rank, err
}

// NumAt returns the number of the first event at or after a time, the last
// event when there is none. 0 means that there are no events.
func (ix *Index) NumAt(ctx context.Context, ts int64) (int64, error) {
	var num int64
	err := ix.with(func(c *conn) error {
		list, err := ix.blockList(ctx, c)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if list[i].maxTS >= ts {
				v, err := c.one(ctx, "SELECT num FROM event WHERE num >= ? AND ts >= ? ORDER BY num LIMIT 1", list[i].firstNum, ts)
				num = intOf(v)
				return err
			}
		}
		v, err := c.one(ctx, "SELECT max(num) FROM event")
		num = intOf(v)
		return err
	})
	return num, err
}

// Span returns the times of the first and last event.
func (ix *Index) Span(ctx context.Context) (first, last int64, err error) {
	err = ix.with(func(c *conn) error {
		list, err := ix.blockList(ctx, c)
		for i := range list {
			if i == 0 || list[i].minTS < first {
				first = list[i].minTS
			}
			last = max(last, list[i].maxTS)
		}
		return err
	})
	return first, last, err
}

// Bucket is one bar of a histogram.
type Bucket struct {
	From, To int64 // nanoseconds since the epoch, To excluded
	Events   int64
	Failed   int64
	Alerts   int64
}

// Histogram counts the matching events in n buckets of equal width over a time
// range; from = to = 0 means all of the capture.
func (ix *Index) Histogram(ctx context.Context, fl *Filter, from, to int64, n int) ([]Bucket, error) {
	if n <= 0 {
		return nil, fmt.Errorf("histogram: %d buckets", n)
	}
	if from == 0 && to == 0 {
		var err error
		if from, to, err = ix.Span(ctx); err != nil {
			return nil, err
		}
	}
	h := newHistogram(from, to, n)
	err := ix.with(func(c *conn) error {
		if err := ix.histogramAlerts(ctx, c, h); err != nil {
			return err
		}
		s, err := ix.newSearch(ctx, c, fl, Range{FromTS: from, ToTS: to})
		if err != nil {
			return err
		}
		defer s.close()
		if len(s.plan.residual) > 0 {
			return ix.histogramOf(ctx, c, s, h)
		}
		if fl.Empty() {
			// Blocks that lie within one bucket need not be read.
			for i := range s.list {
				if s.set.has(i) && h.whole(&s.list[i]) {
					s.set.remove(i)
				}
			}
		}
		sql := fmt.Sprintf("SELECT (e.ts - %d) / %d AS b, count(*), sum(e.res < 0) FROM event e", from, h.width)
		return s.spansGrouped(sql, " GROUP BY b", func(v []driver.Value) bool {
			h.add(intOf(v[0]), intOf(v[1]), intOf(v[2]))
			return true
		})
	})
	return h.buckets, err
}

type histogram struct {
	from, width int64
	buckets     []Bucket
}

func newHistogram(from, to int64, n int) *histogram {
	h := &histogram{from: from, width: max(1, (to-from)/int64(n)+1), buckets: make([]Bucket, n)}
	for i := range h.buckets {
		h.buckets[i].From = from + int64(i)*h.width
		h.buckets[i].To = h.buckets[i].From + h.width
	}
	return h
}

func (h *histogram) at(i int64) *Bucket {
	if i < 0 || i >= int64(len(h.buckets)) {
		return nil
	}
	return &h.buckets[i]
}

func (h *histogram) add(i, events, failed int64) {
	if b := h.at(i); b != nil {
		b.Events += events
		b.Failed += failed
	}
}

// whole adds a block that lies in one bucket and reports whether it does.
func (h *histogram) whole(b *blockInfo) bool {
	if b.minTS < h.from || b.maxTS >= h.from+h.width*int64(len(h.buckets)) {
		return false
	}
	first, last := (b.minTS-h.from)/h.width, (b.maxTS-h.from)/h.width
	if first != last {
		return false
	}
	h.add(first, b.events, b.failed)
	return true
}

func (ix *Index) histogramAlerts(ctx context.Context, c *conn, h *histogram) error {
	return c.each(ctx, "SELECT ts FROM alert", nil, func(v []driver.Value) error {
		if d := intOf(v[0]) - h.from; d >= 0 {
			if b := h.at(d / h.width); b != nil {
				b.Alerts++
			}
		}
		return nil
	})
}

// histogramOf counts matches that only a replay finds.
func (ix *Index) histogramOf(ctx context.Context, c *conn, s *search, h *histogram) error {
	st, err := c.prepare("SELECT ts, res FROM event WHERE num = ?")
	if err != nil {
		return err
	}
	var fail error
	err = s.runResidual(func(nums []int64, _ int64) bool {
		for _, n := range nums {
			r, err := st.query(ctx, n)
			if err != nil {
				fail = err
				return false
			}
			if v, err := r.next(); err == nil {
				failed := int64(0)
				if intOf(v[1]) < 0 {
					failed = 1
				}
				h.add((intOf(v[0])-h.from)/h.width, 1, failed)
			}
			r.close()
		}
		return true
	})
	if err == nil {
		err = fail
	}
	return err
}

// spansGrouped is spans with a clause behind the condition.
func (s *search) spansGrouped(sql, clause string, f func([]driver.Value) bool) error {
	where := s.where
	s.where = where + strings.TrimRight(clause, " ")
	defer func() { s.where = where }()
	return s.spans(sql, f)
}
