package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sysreel/sysreel/query"
)

// SQL implements Store.
func (s *IndexStore) SQL(ctx context.Context, text string) (*Table, error) {
	stmts := query.SplitSQL(text)
	if len(stmts) != 1 {
		return nil, fmt.Errorf("%d statements; one at a time", len(stmts))
	}
	res, err := s.ix.SQL(ctx, stmts[0])
	if err != nil {
		return nil, sqlError(err)
	}
	defer res.Close()
	return readTable(res.Columns, res)
}

// sqlError puts the place of a mistake below its message.
func sqlError(err error) error {
	var se *query.SQLError
	if errors.As(err, &se) && se.Snippet != "" {
		return fmt.Errorf("%w\n%s", err, se.Snippet)
	}
	return err
}

// Saved implements Store: the reports that need no argument.
func (s *IndexStore) Saved() []SavedQuery {
	var out []SavedQuery
	for _, r := range query.Reports() {
		if r.Arg == "" {
			out = append(out, SavedQuery{r.Name, r.Doc})
		}
	}
	return out
}

// Report implements Store.
func (s *IndexStore) Report(ctx context.Context, name string) (*Table, error) {
	r, err := query.FindReport(name)
	if err != nil {
		return nil, err
	}
	res, err := r.Run(ctx, s.ix, query.ReportOptions{})
	if err != nil {
		return nil, err
	}
	defer res.Close()
	return readTable(res.Columns, res)
}

// Views implements Store.
func (s *IndexStore) Views() []string {
	var out []string
	for _, v := range query.Views() {
		out = append(out, v.Name+"("+strings.Join(v.Columns, ", ")+")")
	}
	return out
}

// Words implements Store.
func (s *IndexStore) Words(prefix string) []string {
	var out []string
	for _, v := range query.Views() {
		out = append(out, v.Name)
		out = append(out, v.Columns...)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(w string) bool { return !strings.HasPrefix(w, prefix) || prefix == "" })
}

// readTable reads rows until there are no more or enough of them. Columns that
// name an event, a process or a field make links of it.
func readTable(columns []string, src query.RowSource) (*Table, error) {
	t := new(Table)
	event, proc := -1, -1
	for i, name := range columns {
		c := TableColumn{Title: name, Width: len(name)}
		switch {
		case name == "num" || name == "first_num" && event < 0:
			event = i
		case name == "process_id":
			proc = i
		}
		if field := strings.Replace(name, "_", ".", 1); slices.Contains(fieldNames(), field) {
			c.Field = field
		}
		t.Columns = append(t.Columns, c)
	}
	for {
		row, err := src.Next()
		if err != nil {
			return t, sqlError(ignoreEOF(err))
		}
		if len(t.Rows) == maxTableRows {
			t.Cut = true
			return t, nil
		}
		r := TableRow{Cells: slices.Clone(row)}
		for i, v := range r.Cells {
			c := &t.Columns[i]
			if b, ok := v.([]byte); ok {
				r.Cells[i] = string(b)
			}
			if len(t.Rows) < 1000 {
				c.Width = max(c.Width, min(textWidth(cellText(c, r.Cells[i])), 60))
			}
			switch v.(type) {
			case int64, float64:
				c.Right = true
			}
		}
		if event >= 0 {
			n, _ := row[event].(int64)
			r.Event = uint64(n)
		}
		if proc >= 0 {
			r.Proc, _ = row[proc].(int64)
		}
		t.Rows = append(t.Rows, r)
	}
}
