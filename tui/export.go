package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sysreel/sysreel/query"
)

// exporter is a screen that has rows of its own to write.
type exporter interface{ rowTable() *Table }

func exportAction(m *Model) {
	name := strings.ToLower(screenNames[m.st.Screen]) + ".csv"
	m.prompt = newPrompt("export what is shown to (.jsonl, .csv or .txt): ", name, nil, func(path string) {
		if err := export(m, strings.TrimSpace(path)); err != nil {
			m.say("not exported: %s", safeText(err.Error()))
		}
	})
}

// export writes what the screen shows, all of it, in the background.
func export(m *Model, path string) error {
	if path == "" {
		return errors.New("no file was named")
	}
	w, err := rowWriter(path)
	if err != nil {
		return err
	}
	v := m.st.view()
	source := func(ctx context.Context) ([]string, query.RowSource, func() error, error) {
		return m.store.Export(ctx, v)
	}
	if s, ok := m.screen().(exporter); ok {
		t := s.rowTable()
		if t == nil {
			return errors.New("this screen has nothing to write yet")
		}
		source = func(context.Context) ([]string, query.RowSource, func() error, error) {
			names, rows := t.source()
			return names, rows, func() error { return nil }, nil
		}
	} else if m.st.Screen != scopeEvents {
		return fmt.Errorf("the %s screen has no rows to write", screenNames[m.st.Screen])
	}
	m.work("exporting to "+path+"...", func(ctx context.Context) (string, error) {
		n, err := writeRows(ctx, path, w, source)
		return fmt.Sprintf("%s rows written to %s", thousands(n), path), err
	})
	return nil
}

// rowWriter returns the writer of the format that a file's name asks for.
func rowWriter(path string) (func(io.Writer) query.Writer, error) {
	switch filepath.Ext(path) {
	case ".jsonl", ".json", ".ndjson":
		return func(w io.Writer) query.Writer { return &query.JSONWriter{W: w} }, nil
	case ".csv":
		return func(w io.Writer) query.Writer { return &query.CSVWriter{W: w} }, nil
	case ".txt":
		return func(w io.Writer) query.Writer { return &query.TableWriter{W: w} }, nil
	}
	return nil, fmt.Errorf("%s: the name must end in .jsonl, .csv or .txt", path)
}

// writeRows writes a new file, whole or not at all; one that exists is left alone.
func writeRows(ctx context.Context, path string, w func(io.Writer) query.Writer,
	source func(context.Context) ([]string, query.RowSource, func() error, error)) (n int64, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			os.Remove(path)
		}
	}()
	names, rows, done, err := source(ctx)
	if err != nil {
		return 0, err
	}
	n, err = w(file).Write(names, rows)
	return n, errors.Join(err, done())
}

// source gives the rows of a table to a writer.
func (t *Table) source() ([]string, query.RowSource) {
	var names []string
	for _, c := range t.Columns {
		names = append(names, strings.ToLower(c.Title))
	}
	return names, &tableRows{rows: t.Rows}
}

type tableRows struct{ rows []TableRow }

// Next implements query.RowSource.
func (s *tableRows) Next() ([]any, error) {
	if len(s.rows) == 0 {
		return nil, io.EOF
	}
	r := s.rows[0].Cells
	s.rows = s.rows[1:]
	return r, nil
}

// rowTable is the table with its rows in the order shown.
func (s *tableScreen) rowTable() *Table {
	if s.table == nil {
		return nil
	}
	t := &Table{Columns: s.table.Columns}
	for _, i := range s.order {
		t.Rows = append(t.Rows, s.table.Rows[i])
	}
	return t
}

func (s *sqlScreen) rowTable() *Table {
	if !s.showing {
		return nil
	}
	return s.result.rowTable()
}

func (s *alertsScreen) rowTable() *Table {
	t := &Table{Columns: []TableColumn{{Title: "num"}, {Title: "ts"}, {Title: "priority"}, {Title: "rule"}, {Title: "proc_name"}, {Title: "proc_pid"}, {Title: "output"}, {Title: "tags"}}}
	for _, a := range s.built {
		t.Rows = append(t.Rows, TableRow{Cells: []any{int64(a.Event), int64(a.TS), a.Priority, a.Rule, a.Proc, a.PID, a.Output, strings.Join(a.Tags, ",")}})
	}
	return t
}

func (s *procsScreen) rowTable() *Table {
	t := &Table{Columns: []TableColumn{{Title: "depth"}, {Title: "pid"}, {Title: "name"}, {Title: "cmdline"}, {Title: "user"}, {Title: "start"}, {Title: "end"}, {Title: "events"}, {Title: "alerts"}}}
	for _, r := range s.rows {
		p := r.p
		var start, end any
		if p.Start != 0 {
			start = int64(p.Start)
		}
		if p.End != 0 {
			end = int64(p.End)
		}
		t.Rows = append(t.Rows, TableRow{Cells: []any{int64(r.depth), p.PID, p.Name, p.Cmdline, p.User, start, end, p.Events, p.Alerts}})
	}
	return t
}
