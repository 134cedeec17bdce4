package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// SQLError is a mistake in an SQL statement.
type SQLError struct {
	Message string // what SQLite says
	Line    int    // place in the statement, from 1; 0 unknown
	Column  int
	Snippet string // the line with a mark below the place, "" when it is unknown
	Err     error
}

// Error returns one line: place and message.
func (e *SQLError) Error() string {
	if e.Line == 0 {
		return "sql: " + e.Message
	}
	return fmt.Sprintf("sql: line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Unwrap returns SQLite's error, or ErrReadOnly.
func (e *SQLError) Unwrap() error { return e.Err }

// Result are the rows of an SQL statement. It holds a connection until Close.
type Result struct {
	Columns []string
	c       *conn
	rows    *rows
	sql     string
}

// Next returns the next row, valid until the following call: nil, int64,
// float64, string or []byte each. At the end it returns io.EOF.
func (r *Result) Next() ([]any, error) {
	if r.rows == nil {
		return nil, io.EOF
	}
	v, err := r.rows.next()
	if err != nil {
		if err != io.EOF {
			err = sqlError(r.sql, err)
		}
		return nil, err
	}
	out := make([]any, len(v))
	for i := range v {
		out[i] = v[i]
	}
	return out, nil
}

// Close ends the query.
func (r *Result) Close() error {
	if r.rows != nil {
		r.rows.close()
	}
	return r.c.close()
}

// SQL runs one statement on a connection that can do nothing but read this
// index: the file is opened read-only, and attaching, settings and extensions
// are refused. Besides the tables and views of README.md there are the functions
// evt, match, ts, human_bytes and ip_in. Errors are *SQLError.
func (ix *Index) SQL(ctx context.Context, sql string, args ...any) (*Result, error) {
	ix.mu.Lock()
	file, mode := ix.file, ix.mode
	ix.mu.Unlock()
	c, err := openConn(file, mode)
	if err != nil {
		return nil, err
	}
	res, err := ix.runSQL(ctx, c, sql, args)
	if err != nil {
		c.close()
		return nil, err
	}
	return res, nil
}

func (ix *Index) runSQL(ctx context.Context, c *conn, sql string, args []any) (*Result, error) {
	if err := ix.setUp(c); err != nil {
		return nil, err
	}
	if err := c.confine(); err != nil {
		return nil, err
	}
	if strings.TrimSpace(stripComments(sql)) == "" {
		return &Result{c: c}, nil
	}
	r, err := c.query(ctx, sql, args...)
	if err != nil {
		return nil, sqlError(sql, err)
	}
	return &Result{Columns: r.names, c: c, rows: r, sql: sql}, nil
}

var nearToken = regexp.MustCompile(`near "((?:[^"]|"")*)"`)
var noSuch = regexp.MustCompile(`no such (column|table|function): (.+)`)

// sqlError says where in the statement the mistake is, as far as SQLite's
// message tells.
func sqlError(sql string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &SQLError{Message: err.Error(), Err: err}
	if sqliteKind(err) == kindDenied || strings.Contains(e.Message, "readonly database") {
		e.Message = "not allowed: the index can only be read here"
		e.Err = ErrReadOnly
		return e
	}
	at := -1
	if m := nearToken.FindStringSubmatch(e.Message); m != nil {
		at = tokenAt(sql, strings.ReplaceAll(m[1], `""`, `"`))
	} else if m := noSuch.FindStringSubmatch(e.Message); m != nil {
		name := m[2]
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			name = name[i+1:]
		}
		at = tokenAt(sql, name)
		if m[1] == "table" {
			e.Message += "; '.tables' in sqlite3 and README.md of package query list them"
		}
	} else if strings.Contains(e.Message, "incomplete input") {
		at = len(strings.TrimRight(sql, " \t\r\n"))
	}
	if at >= 0 {
		e.place(sql, at)
	}
	return e
}

func (e *SQLError) place(sql string, at int) {
	start := strings.LastIndexByte(sql[:at], '\n') + 1
	end := len(sql)
	if i := strings.IndexByte(sql[start:], '\n'); i >= 0 {
		end = start + i
	}
	e.Line, e.Column = strings.Count(sql[:at], "\n")+1, at-start+1
	e.Snippet = sql[start:end] + "\n" + strings.Repeat(" ", at-start) + "^"
}

// tokenAt finds a word of the statement, -1 when it is not there or the message
// may mean another one.
func tokenAt(sql, token string) int {
	if token == "" {
		return -1
	}
	re, err := regexp.Compile(`(?i)` + boundary(token[0]) + regexp.QuoteMeta(token) + boundary(token[len(token)-1]))
	if err != nil {
		return -1
	}
	if m := re.FindStringIndex(sql); m != nil {
		return m[0]
	}
	return -1
}

func boundary(c byte) string {
	if c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
		return `\b`
	}
	return ""
}

// SplitSQL cuts a script into its statements, at semicolons outside of quotes
// and comments. Statements of nothing but comments are left out.
func SplitSQL(script string) []string {
	var out []string
	start := 0
	flush := func(end int) {
		if s := script[start:end]; strings.TrimSpace(stripComments(s)) != "" {
			out = append(out, strings.TrimSpace(s))
		}
	}
	for i := 0; i < len(script); {
		if n := skipQuoted(script[i:]); n > 0 {
			i += n
			continue
		}
		if script[i] == ';' {
			flush(i)
			start = i + 1
		}
		i++
	}
	flush(len(script))
	return out
}

// skipQuoted returns the length of the quoted text or comment that s begins
// with, 0 when it begins with neither.
func skipQuoted(s string) int {
	end := func(from int, mark string) int {
		if i := strings.Index(s[from:], mark); i >= 0 {
			return from + i + len(mark)
		}
		return len(s)
	}
	switch {
	case s[0] == '\'' || s[0] == '"' || s[0] == '`':
		return end(1, s[:1])
	case s[0] == '[':
		return end(1, "]")
	case strings.HasPrefix(s, "--"):
		return end(2, "\n")
	case strings.HasPrefix(s, "/*"):
		return end(2, "*/")
	}
	return 0
}

func stripComments(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		n := skipQuoted(s[i:])
		switch {
		case n == 0:
			b.WriteByte(s[i])
			i++
		case s[i] == '-' || s[i] == '/':
			b.WriteByte(' ')
			i += n
		default:
			b.WriteString(s[i : i+n])
			i += n
		}
	}
	return b.String()
}
