package tui

import (
	"context"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/sysreel/sysreel/query"
)

// Events implements Store.
func (s *IndexStore) Events(v view, columns []string) EventList {
	if v.all() {
		return &allEvents{s, columns}
	}
	return &matchingEvents{s: s, view: v, columns: columns, looked: make(chan struct{})}
}

// eventFieldColumns maps fields to the columns of the view events that hold them.
var eventFieldColumns = sync.OnceValue(func() map[string]string {
	out := make(map[string]string)
	for _, v := range query.Views() {
		if v.Name != "events" {
			continue
		}
		for _, c := range v.Columns {
			if f := strings.Replace(c, "_", ".", 1); slices.Contains(fieldNames(), f) {
				out[f] = c
			}
		}
	}
	return out
})

// ColumnFields implements Store.
func (s *IndexStore) ColumnFields() []string {
	return slices.Sorted(maps.Keys(eventFieldColumns()))
}

// Values implements Store.
func (s *IndexStore) Values(ctx context.Context, v view, field string) ([]ValueCount, error) {
	fl, err := query.ParseFilter(v.filter)
	if err != nil {
		return nil, err
	}
	list, err := s.ix.ValuesOf(ctx, fl, v.rng.query(), field)
	out := make([]ValueCount, len(list))
	for i, c := range list {
		out[i] = ValueCount{c.Value, c.Null, c.Events, c.Failed}
	}
	return out, err
}

// Export implements Store.
func (s *IndexStore) Export(ctx context.Context, v view) ([]string, query.RowSource, func() error, error) {
	fl, err := query.ParseFilter(v.filter)
	if err != nil {
		return nil, nil, nil, err
	}
	res, err := s.ix.Select(ctx, "SELECT * FROM events", fl, v.rng.query())
	if err != nil {
		return nil, nil, nil, err
	}
	return res.Columns, res, res.Close, nil
}

// allEvents is the list without a filter: row i is the i-th event.
type allEvents struct {
	s       *IndexStore
	columns []string
}

func (l *allEvents) grow(ctx context.Context, report func(int64)) error {
	for {
		more := l.s.more()
		in := l.s.Info()
		report(in.Events)
		if in.Final {
			return in.Err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *allEvents) page(ctx context.Context, from int64, n int) ([]EventRow, error) {
	rows, err := l.s.ix.Rows(ctx, from, n)
	return eventRows(rows), err
}

func (l *allEvents) refine(ctx context.Context, rows []EventRow) ([]EventRow, error) {
	return l.s.refine(ctx, rows, l.columns)
}

// IndexOf implements EventList.
func (l *allEvents) IndexOf(ctx context.Context, num uint64) (int64, error) {
	return l.s.ix.RankOf(ctx, int64(num))
}

// eventRows makes rows with what the index knows of the arguments.
func eventRows(rows []query.Row) []EventRow {
	out := make([]EventRow, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = EventRow{Num: uint64(r.Num), TS: uint64(r.TS), CPU: uint16(r.CPU), Proc: r.Proc, PID: r.PID, ProcID: r.Process, Type: r.Type,
			Args: r.Summary(), Failed: r.Failed(), Alert: severityLetter(r.Severity), src: r}
	}
	return out
}

// refine returns rows with the arguments as the capture has them, and further
// columns.
func (s *IndexStore) refine(ctx context.Context, rows []EventRow, columns []string) ([]EventRow, error) {
	src := make([]query.Row, len(rows))
	for i := range rows {
		src[i] = *rows[i].src
	}
	args, err := s.ix.Args(ctx, src)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(rows)
	for i := range out {
		out[i].Args = args[i]
	}
	if len(columns) == 0 {
		return out, nil
	}
	return out, s.readColumns(ctx, out, columns)
}

func (s *IndexStore) readColumns(ctx context.Context, rows []EventRow, columns []string) error {
	sql := "SELECT num"
	for _, f := range columns {
		c := eventFieldColumns()[f]
		if c == "" {
			c = "NULL"
		}
		sql += ", " + c
	}
	nums := make([]int64, len(rows))
	at := make(map[int64]int, len(rows))
	for i := range rows {
		nums[i] = int64(rows[i].Num)
		at[nums[i]] = i
	}
	res, err := s.ix.EventRows(ctx, sql+" FROM events", nums)
	if err != nil {
		return err
	}
	defer res.Close()
	for {
		row, err := res.Next()
		if err != nil {
			return ignoreEOF(err)
		}
		num, _ := row[0].(int64)
		extra := make([]string, len(columns))
		for i, v := range row[1:] {
			extra[i] = cellText(&TableColumn{}, v)
		}
		rows[at[num]].Extra = extra
	}
}

// matchingEvents is the list of the events that match a filter. Their numbers
// are collected in the background, the first ones can be shown at once.
type matchingEvents struct {
	s       *IndexStore
	view    view
	columns []string

	mu      sync.Mutex
	nums    numList
	scanned int64         // up to where the search has come
	looked  chan struct{} // closed and replaced when scanned grows
}

func (l *matchingEvents) grow(ctx context.Context, report func(int64)) error {
	fl, err := query.ParseFilter(l.view.filter)
	if err != nil {
		return err
	}
	r := l.view.rng.query()
	for {
		more := l.s.more()
		in := l.s.Info()
		began := time.Now()
		err := l.s.ix.Find(ctx, fl, r, func(nums []int64, scanned int64) bool {
			r.FromNum = scanned + 1
			report(l.found(nums, scanned))
			return ctx.Err() == nil
		})
		if err != nil || ctx.Err() != nil {
			return err
		}
		if in.Final {
			l.found(nil, math.MaxInt64)
			return in.Err
		}
		// A filter that has to replay the capture starts from its beginning every
		// time: the index may grow for as long as that took.
		select {
		case <-time.After(time.Since(began)):
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// found adds numbers to the list and returns its length.
func (l *matchingEvents) found(nums []int64, scanned int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range nums {
		l.nums.add(n)
	}
	l.scanned = scanned
	close(l.looked)
	l.looked = make(chan struct{})
	return l.nums.len()
}

func (l *matchingEvents) page(ctx context.Context, from int64, n int) ([]EventRow, error) {
	l.mu.Lock()
	nums := l.nums.slice(from, n)
	l.mu.Unlock()
	rows, err := l.s.ix.RowsOf(ctx, nums)
	return eventRows(rows), err
}

func (l *matchingEvents) refine(ctx context.Context, rows []EventRow) ([]EventRow, error) {
	return l.s.refine(ctx, rows, l.columns)
}

// IndexOf implements EventList. It waits until the search has come to num.
func (l *matchingEvents) IndexOf(ctx context.Context, num uint64) (int64, error) {
	for {
		l.mu.Lock()
		at, there, looked := l.nums.search(int64(num)), l.scanned >= int64(num), l.looked
		l.mu.Unlock()
		if there {
			return max(at, 0), nil
		}
		select {
		case <-looked:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// numList is a growing list of ascending numbers in four bytes each.
type numList struct {
	chunks []numChunk
	n      int64
}

// numChunk holds up to chunkSize numbers as distances from the first.
type numChunk struct {
	first int64 // number
	at    int64 // place in the list
	dist  []uint32
}

const chunkSize = 8192

func (l *numList) len() int64 { return l.n }

func (l *numList) add(num int64) {
	i := len(l.chunks) - 1
	if i < 0 || len(l.chunks[i].dist) == chunkSize || num-l.chunks[i].first > 1<<32-1 {
		l.chunks = append(l.chunks, numChunk{first: num, at: l.n})
		i++
	}
	c := &l.chunks[i]
	c.dist = append(c.dist, uint32(num-c.first))
	l.n++
}

// slice returns up to n numbers from place from on.
func (l *numList) slice(from int64, n int) []int64 {
	if from < 0 || from >= l.n {
		return nil
	}
	out := make([]int64, 0, n)
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].at > from }) - 1
	for ; i < len(l.chunks) && len(out) < n; i++ {
		c := &l.chunks[i]
		for j := max(from-c.at, 0); j < int64(len(c.dist)) && len(out) < n; j++ {
			out = append(out, c.first+int64(c.dist[j]))
		}
	}
	return out
}

// search returns the place of the first number that is at least num, the last
// place when there is none.
func (l *numList) search(num int64) int64 {
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].first > num }) - 1
	if i < 0 {
		return 0
	}
	c := &l.chunks[i]
	j := sort.Search(len(c.dist), func(j int) bool { return c.first+int64(c.dist[j]) >= num })
	return min(c.at+int64(j), l.n-1)
}
