package query

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
)

// Process is a process from its start to its end.
type Process struct {
	ID      int64 // identity in the index
	PID     int64
	PPID    int64 // of the parent it had at first, -1 unknown
	Parent  int64 // ID of that parent, 0 unknown
	Start   int64 // nanoseconds since the epoch, 0: before the capture
	End     int64 // 0: it outlived the capture
	Status  int64 // exit status, valid with End
	First   int64 // first event, 0: none
	Last    int64
	Events  int64
	Failed  int64
	Execs   int64
	Read    int64 // bytes read or received
	Written int64 // bytes written or sent
	Alerts  int64
	// Identity, of the last state unless the function that returns it says
	// otherwise.
	Name, ExePath, Cmdline, User, Container string
	CWD                                     string
	SID                                     int64
}

const processSQL = `SELECT p.id, p.pid, p.ppid, p.parent, p.start_ts, p.end_ts, p.exit_status, p.first_num, p.last_num, p.events, p.failed,
  p.execs, p.bytes_read, p.bytes_written,
  (SELECT count(*) FROM alert a JOIN event e ON e.num = a.num JOIN task x ON x.id = e.task WHERE x.process = p.id),
  t.proc_name, t.proc_exepath, t.proc_cmdline, t.user_name, t.container_id, t.proc_cwd, t.proc_sid
FROM process p LEFT JOIN task t ON t.id = p.task `

func scanProcess(v []driver.Value) Process {
	return Process{ID: intOf(v[0]), PID: intOf(v[1]), PPID: intOr(v[2], -1), Parent: intOf(v[3]), Start: intOf(v[4]), End: intOf(v[5]),
		Status: intOf(v[6]), First: intOf(v[7]), Last: intOf(v[8]), Events: intOf(v[9]), Failed: intOf(v[10]), Execs: intOf(v[11]),
		Read: intOf(v[12]), Written: intOf(v[13]), Alerts: intOf(v[14]), Name: textOf(v[15]), ExePath: textOf(v[16]),
		Cmdline: textOf(v[17]), User: textOf(v[18]), Container: textOf(v[19]), CWD: textOf(v[20]), SID: intOr(v[21], -1)}
}

// Process returns a process by its identity, as its last state shows it.
func (ix *Index) Process(ctx context.Context, id int64) (*Process, error) {
	var out *Process
	err := ix.with(func(c *conn) error {
		return c.each(ctx, processSQL+"WHERE p.id = ?", []any{id}, func(v []driver.Value) error {
			p := scanProcess(v)
			out = &p
			return nil
		})
	})
	if err == nil && out == nil {
		err = fmt.Errorf("process %d: %w", id, ErrNoEvent)
	}
	return out, err
}

// Processes returns all processes in the order in which they appeared.
func (ix *Index) Processes(ctx context.Context) ([]Process, error) {
	var out []Process
	err := ix.with(func(c *conn) error {
		alerts, err := alertsByProcess(ctx, c)
		if err != nil {
			return err
		}
		sql := strings.Replace(processSQL,
			"(SELECT count(*) FROM alert a JOIN event e ON e.num = a.num JOIN task x ON x.id = e.task WHERE x.process = p.id)", "0", 1)
		return c.each(ctx, sql+"WHERE p.id > 0 ORDER BY p.id", nil, func(v []driver.Value) error {
			p := scanProcess(v)
			p.Alerts = alerts[p.ID]
			out = append(out, p)
			return nil
		})
	})
	return out, err
}

func alertsByProcess(ctx context.Context, c *conn) (map[int64]int64, error) {
	out := make(map[int64]int64)
	err := c.each(ctx, "SELECT t.process, count(*) FROM alert a JOIN event e ON e.num = a.num JOIN task t ON t.id = e.task GROUP BY 1", nil,
		func(v []driver.Value) error {
			out[intOf(v[0])] = intOf(v[1])
			return nil
		})
	return out, err
}

// Life is where a process stands at a moment.
type Life int

// Lives.
const (
	Alive  Life = iota
	Exited      // ended before
	Later       // not yet started
)

// TreeNode is a process in the tree, parents before children.
type TreeNode struct {
	Process
	Depth int
	Life  Life
	Kids  int // number of direct children
}

// TreeAt returns the process tree at a time (nanoseconds since the epoch, 0 for
// the end of the capture): every process of the capture in depth-first order,
// each with its life at that time and named as it was then.
func (ix *Index) TreeAt(ctx context.Context, ts int64) ([]TreeNode, error) {
	if ts == 0 {
		_, last, err := ix.Span(ctx)
		if err != nil {
			return nil, err
		}
		ts = last
	}
	list, err := ix.Processes(ctx)
	if err != nil {
		return nil, err
	}
	if err := ix.nameAt(ctx, list, ts); err != nil {
		return nil, err
	}
	kids := make(map[int64][]int)
	known := make(map[int64]bool, len(list))
	for i := range list {
		known[list[i].ID] = true
	}
	for i := range list {
		parent := list[i].Parent
		if !known[parent] || parent == list[i].ID {
			parent = 0
		}
		kids[parent] = append(kids[parent], i)
	}
	out := make([]TreeNode, 0, len(list))
	seen := make([]bool, len(list))
	var walk func(i, depth int)
	walk = func(i, depth int) {
		if seen[i] { // a loop of parents, in a damaged capture
			return
		}
		seen[i] = true
		p := &list[i]
		out = append(out, TreeNode{Process: *p, Depth: depth, Life: lifeAt(p, ts), Kids: len(kids[p.ID])})
		for _, k := range kids[p.ID] {
			walk(k, depth+1)
		}
	}
	for _, i := range kids[0] {
		walk(i, 0)
	}
	for i := range list {
		walk(i, 0)
	}
	return out, nil
}

func lifeAt(p *Process, ts int64) Life {
	switch {
	case p.Start > ts:
		return Later
	case p.End != 0 && p.End <= ts:
		return Exited
	}
	return Alive
}

// nameAt gives the processes the identity that their main thread had at a time.
func (ix *Index) nameAt(ctx context.Context, list []Process, ts int64) error {
	num, err := ix.NumAt(ctx, ts)
	if err != nil {
		return err
	}
	byID := make(map[int64]*Process, len(list))
	for i := range list {
		byID[list[i].ID] = &list[i]
	}
	return ix.with(func(c *conn) error {
		return c.each(ctx, `SELECT process, proc_name, proc_exepath, proc_cmdline, user_name, container_id, proc_cwd FROM task
WHERE thread_tid = proc_pid AND coalesce(first_num, 0) <= ? ORDER BY id`, []any{num}, func(v []driver.Value) error {
			if p := byID[intOf(v[0])]; p != nil && p.Start <= ts {
				p.Name, p.ExePath, p.Cmdline, p.User, p.Container, p.CWD = textOf(v[1]), textOf(v[2]), textOf(v[3]), textOf(v[4]), textOf(v[5]), textOf(v[6])
			}
			return nil
		})
	})
}

func treeReport(ctx context.Context, ix *Index, o ReportOptions) (*ReportResult, error) {
	nodes, err := ix.TreeAt(ctx, o.At)
	if err != nil {
		return nil, err
	}
	var rows sliceRows
	for _, n := range nodes {
		if n.Life == Later || o.At != 0 && n.Life == Exited {
			continue
		}
		what := n.Cmdline
		if what == "" {
			what = n.Name
		}
		var start, end any
		if n.Start != 0 {
			start = FormatTime(n.Start)
		}
		if n.End != 0 {
			end = FormatTime(n.End)
		}
		rows = append(rows, []any{n.PID, n.User, start, end, n.Events, n.Alerts, strings.Repeat("  ", n.Depth) + what})
	}
	return &ReportResult{Columns: []string{"pid", "user", "start", "end", "events", "alerts", "process"}, RowSource: &rows}, nil
}
