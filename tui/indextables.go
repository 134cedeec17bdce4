package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/query"
)

var fileColumns = []TableColumn{
	{Title: "PATH", Field: "fd.name"},
	{Title: "TYPE", Width: 10, From: 110, Field: "fd.type"},
	{Title: "OPENS", Width: 7, Right: true, Kind: CellCount},
	{Title: "READ", Width: 10, Right: true, Kind: CellBytes},
	{Title: "WRITTEN", Width: 10, Right: true, Kind: CellBytes},
	{Title: "EVENTS", Width: 9, Right: true, Kind: CellCount},
	{Title: "FAILED", Width: 7, Right: true, Kind: CellCount, From: 100},
	{Title: "FIRST", Width: 12, From: 110, Kind: CellTime},
	{Title: "LAST", Width: 12, From: 140, Kind: CellTime},
}

const (
	filePath   = 0
	fileEvents = 5
	fileFailed = 6
)

// Files implements Store.
func (s *IndexStore) Files(ctx context.Context, v view) (*Table, error) {
	t := &Table{Columns: fileColumns}
	byName := make(map[string]*query.Tally)
	if !v.all() {
		var err error
		if byName, err = s.filesMatching(ctx, v); err != nil {
			return nil, err
		}
	}
	err := s.each(ctx, "SELECT path, type, opens, bytes_read, bytes_written, events, failed, first_ts, last_ts FROM files", func(row []any) bool {
		r := TableRow{Cells: append([]any(nil), row...)}
		name, _ := row[filePath].(string)
		if !v.all() {
			n := byName[name]
			if n == nil {
				return true
			}
			r.Cells[fileEvents], r.Cells[fileFailed] = n.Events, n.Failed
		}
		r.Path = name
		t.Cut = len(t.Rows) == maxTableRows
		if !t.Cut {
			t.Rows = append(t.Rows, r)
		}
		return !t.Cut
	})
	return t, err
}

// maxEvents is how many event numbers a filter lists.
const maxEvents = 200

// FileFilter implements Store. Calls that name a path and make no descriptor for
// it have no field that holds the resolved path of all of them: they are listed.
func (s *IndexStore) FileFilter(ctx context.Context, path string) (string, error) {
	var terms []string
	known := false
	err := s.each(ctx, "SELECT 1 FROM target WHERE fd_name = ? LIMIT 1", func([]any) bool { known = true; return false }, path)
	if err != nil {
		return "", err
	}
	if known {
		terms = append(terms, "fd.name = "+quoteValue(path))
	}
	var nums []string
	const sql = `SELECT e.num FROM path p CROSS JOIN posting x ON x.kind = 3 AND x.id = p.id
  CROSS JOIN event e ON e.num BETWEEN x.block << 7 AND (x.block << 7) + 127 AND e.path = p.id WHERE p.name = ?1
UNION SELECT s.num FROM path p JOIN second_path s ON s.path = p.id WHERE p.name = ?1 ORDER BY 1 LIMIT ?2`
	err = s.each(ctx, sql, func(row []any) bool {
		nums = append(nums, fmt.Sprint(row[0]))
		return true
	}, path, maxEvents+1)
	switch {
	case err != nil:
		return "", err
	case len(nums) > maxEvents:
		terms = append(terms, fmt.Sprintf("fs.path.name = %[1]s or fs.path.target = %[1]s", quoteValue(path)))
	case len(nums) > 0:
		terms = append(terms, "evt.num in ("+strings.Join(nums, ", ")+")")
	}
	return strings.Join(terms, " or "), nil
}

// filesMatching counts the matching events of each path.
func (s *IndexStore) filesMatching(ctx context.Context, v view) (map[string]*query.Tally, error) {
	fl, err := query.ParseFilter(v.filter)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*query.Tally)
	for _, d := range []struct {
		of  func(context.Context, *query.Filter, query.Range) (map[int64]*query.Tally, error)
		sql string
	}{
		{s.ix.TargetsOf, "SELECT id, fd_name FROM target WHERE fd_name IS NOT NULL"},
		{s.ix.PathsOf, "SELECT id, name FROM path"},
	} {
		byID, err := d.of(ctx, fl, v.rng.query())
		if err != nil {
			return nil, err
		}
		err = s.each(ctx, d.sql, func(row []any) bool {
			id, _ := row[0].(int64)
			name, _ := row[1].(string)
			if n := byID[id]; n != nil {
				if out[name] == nil {
					out[name] = new(query.Tally)
				}
				out[name].Events += n.Events
				out[name].Failed += n.Failed
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

var connColumns = []TableColumn{
	{Title: "PROTO", Width: 5},
	{Title: "ROLE", Width: 6},
	{Title: "CONNECTION", Field: "fd.name"},
	{Title: "PROCESS", Width: 12, Field: "proc.name"},
	{Title: "PID", Width: 7, Right: true, From: 100, Field: "proc.pid"},
	{Title: "START", Width: 12, From: 110, Kind: CellTime},
	{Title: "LASTED", Width: 9, Right: true, From: 140, Kind: CellSpan},
	{Title: "IN", Width: 9, Right: true, Kind: CellBytes},
	{Title: "OUT", Width: 9, Right: true, Kind: CellBytes},
	{Title: "EVENTS", Width: 8, Right: true, Kind: CellCount, From: 100},
}

const connEvents = 9

// Conns implements Store.
func (s *IndexStore) Conns(ctx context.Context, v view) (*Table, error) {
	t := &Table{Columns: connColumns}
	var byID map[int64]*query.Tally
	if !v.all() {
		fl, err := query.ParseFilter(v.filter)
		if err != nil {
			return nil, err
		}
		if byID, err = s.ix.TargetsOf(ctx, fl, v.rng.query()); err != nil {
			return nil, err
		}
	}
	const sql = `SELECT proto, role, name, proc_name, proc_pid, start_ts, duration_ns, bytes_in, bytes_out, events, id, process_id, first_num
FROM connections ORDER BY proto NOT IN ('tcp', 'udp'), start_ts`
	err := s.each(ctx, sql, func(row []any) bool {
		n := len(connColumns)
		r := TableRow{Cells: append([]any(nil), row[:n]...)}
		id, _ := row[n].(int64)
		if !v.all() {
			if byID[id] == nil {
				return true
			}
			r.Cells[connEvents] = byID[id].Events
		}
		name, _ := row[2].(string)
		r.Filter = "fd.name = " + quoteValue(name)
		r.Proc, _ = row[n+1].(int64)
		first, _ := row[n+2].(int64)
		r.Event = uint64(first)
		t.Cut = len(t.Rows) == maxTableRows
		if !t.Cut {
			t.Rows = append(t.Rows, r)
		}
		return !t.Cut
	})
	return t, err
}

// each calls f with the rows of a statement until it returns false.
func (s *IndexStore) each(ctx context.Context, sql string, f func([]any) bool, args ...any) error {
	res, err := s.ix.SQL(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer res.Close()
	for {
		row, err := res.Next()
		if err != nil {
			return ignoreEOF(err)
		}
		if !f(row) {
			return nil
		}
	}
}
