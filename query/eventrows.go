package query

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// rowsChunk is how many events one statement fetches.
const rowsChunk = 256

// EventColumns is the SELECT that Select uses when it is given none: what a
// person wants to see of an event first.
const EventColumns = `SELECT num, time, evt_cpu AS cpu, proc_name AS process, thread_tid AS tid, evt_type AS type, evt_res AS res,
  fd_num AS fd, coalesce(nullif(fd_name, ''), path) AS name FROM events`

// Select returns the events that match, as rows of a SELECT over the view events
// without WHERE, EventColumns when it is empty. Rows come in the order of the
// events and are fetched as they are read.
func (ix *Index) Select(ctx context.Context, selectSQL string, fl *Filter, r Range) (*ReportResult, error) {
	if selectSQL == "" {
		selectSQL = EventColumns
	}
	var failed error
	next, stop := iter.Pull(iter.Seq[[]int64](func(yield func([]int64) bool) {
		failed = ix.Find(ctx, fl, r, func(nums []int64, _ int64) bool {
			for chunk := range slices.Chunk(nums, rowsChunk) {
				if !yield(chunk) {
					return false
				}
			}
			return true
		})
	}))
	return ix.eventRows(ctx, selectSQL, func() ([]int64, error) {
		nums, ok := next()
		if !ok {
			if failed != nil {
				return nil, failed
			}
			return nil, io.EOF
		}
		return nums, nil
	}, stop)
}

// EventRows returns the events with these numbers, which must ascend, as rows
// of a SELECT over the view events without WHERE.
func (ix *Index) EventRows(ctx context.Context, selectSQL string, nums []int64) (*ReportResult, error) {
	return ix.eventRows(ctx, selectSQL, func() ([]int64, error) {
		if len(nums) == 0 {
			return nil, io.EOF
		}
		n := min(len(nums), rowsChunk)
		chunk := nums[:n]
		nums = nums[n:]
		return chunk, nil
	}, func() {})
}

func (ix *Index) eventRows(ctx context.Context, sql string, next func() ([]int64, error), stop func()) (*ReportResult, error) {
	c, err := ix.acquire()
	if err != nil {
		stop()
		return nil, err
	}
	s := &chunkedRows{ctx: ctx, c: c, sql: sql, more: next}
	// An empty result tells the names of the columns.
	r, err := c.query(ctx, sql+" LIMIT 0")
	if err != nil {
		stop()
		ix.release(c)
		return nil, err
	}
	columns := slices.Clone(r.names)
	r.close()
	return &ReportResult{Columns: columns, RowSource: s, close: func() error {
		stop()
		ix.release(c)
		return nil
	}}, nil
}

// chunkedRows fetches rows for one list of numbers after the other.
type chunkedRows struct {
	ctx  context.Context
	c    *conn
	sql  string
	more func() ([]int64, error)
	rows [][]any
}

func (s *chunkedRows) Next() ([]any, error) {
	for len(s.rows) == 0 {
		nums, err := s.more()
		if err != nil {
			return nil, err
		}
		if err := s.fetch(nums); err != nil {
			return nil, err
		}
	}
	row := s.rows[0]
	s.rows = s.rows[1:]
	return row, nil
}

func (s *chunkedRows) fetch(nums []int64) error {
	var q strings.Builder
	q.WriteString(s.sql)
	if n := int64(len(nums)); n > 1 && nums[n-1]-nums[0] == n-1 {
		fmt.Fprintf(&q, " WHERE num BETWEEN %d AND %d", nums[0], nums[n-1])
	} else {
		q.WriteString(" WHERE num IN (")
		for i, n := range nums {
			if i > 0 {
				q.WriteByte(',')
			}
			q.WriteString(strconv.FormatInt(n, 10))
		}
		q.WriteByte(')')
	}
	q.WriteString(" ORDER BY num")
	return s.c.each(s.ctx, q.String(), nil, func(v []driver.Value) error {
		row := make([]any, len(v))
		for i := range v {
			row[i] = v[i]
		}
		s.rows = append(s.rows, row)
		return nil
	})
}
