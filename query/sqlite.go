//go:build cgo

package query

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// conn is one SQLite connection, used by one goroutine at a time. It sits below
// database/sql because the builder binds a thousand values a call and the
// readers need the rows as they are.
type conn struct {
	c     *sqlite3.SQLiteConn
	stmts map[string]*stmt // prepared once per connection
}

// access is how a database is opened.
type access int

const (
	readOnly access = iota
	readWrite
	create
	immutable // on media that cannot be written: no locks, no journal
)

func openConn(path string, a access) (*conn, error) {
	q := url.Values{"_busy_timeout": {"5000"}}
	switch a {
	case readOnly:
		q.Set("mode", "ro")
	case readWrite:
		q.Set("mode", "rw")
	case create:
		q.Set("mode", "rwc")
	case immutable:
		q.Set("mode", "ro")
		q.Set("immutable", "1")
	}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
	dc, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return &conn{c: dc.(*sqlite3.SQLiteConn), stmts: make(map[string]*stmt)}, nil
}

// close closes the connection and its statements.
func (c *conn) close() error {
	for _, s := range c.stmts {
		s.s.Close()
	}
	return c.c.Close()
}

// exec runs statements without results.
func (c *conn) exec(sql string, args ...any) error {
	_, err := c.c.ExecContext(context.Background(), sql, namedValues(args))
	return err
}

// prepare returns the statement for sql, prepared once per connection.
func (c *conn) prepare(sql string) (*stmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	s, err := c.compile(sql)
	if err == nil {
		c.stmts[sql] = s
	}
	return s, err
}

// compile prepares a statement that the caller closes.
func (c *conn) compile(sql string) (*stmt, error) {
	ds, err := c.c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	return &stmt{s: ds.(*sqlite3.SQLiteStmt)}, nil
}

// query runs a statement with rows.
func (c *conn) query(ctx context.Context, sql string, args ...any) (*rows, error) {
	s, err := c.compile(sql)
	if err != nil {
		return nil, err
	}
	r, err := s.query(ctx, args...)
	if err != nil {
		s.close()
		return nil, err
	}
	r.own = s
	return r, nil
}

// each calls f with every row of a statement; the values are valid for the call.
func (c *conn) each(ctx context.Context, sql string, args []any, f func([]driver.Value) error) error {
	r, err := c.query(ctx, sql, args...)
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
		if err := f(v); err != nil {
			return err
		}
	}
}

// one returns the first column of the first row, nil when there is no row.
func (c *conn) one(ctx context.Context, sql string, args ...any) (driver.Value, error) {
	var out driver.Value
	err := c.each(ctx, sql, args, func(v []driver.Value) error { out = v[0]; return io.EOF })
	if err == io.EOF {
		err = nil
	}
	return out, err
}

// register adds an SQL function.
func (c *conn) register(name string, f any, pure bool) error { return c.c.RegisterFunc(name, f, pure) }

// confine makes the connection harmless whatever SQL runs on it: no writing, no
// other files, no extensions, no settings. It cannot be undone.
func (c *conn) confine() error {
	if err := c.exec("PRAGMA query_only=ON"); err != nil {
		return err
	}
	c.c.SetLimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
	c.c.RegisterAuthorizer(func(op int, arg1, arg2, _ string) int {
		switch op {
		case sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqliteRecursive:
			return sqlite3.SQLITE_OK
		case sqlite3.SQLITE_FUNCTION:
			if arg2 != "load_extension" {
				return sqlite3.SQLITE_OK
			}
		case sqlite3.SQLITE_PRAGMA:
			switch arg1 {
			case "table_info", "table_xinfo", "table_list", "index_list", "index_info", "user_version", "schema_version",
				"page_count", "page_size", "function_list", "compile_options":
				return sqlite3.SQLITE_OK
			}
		}
		return sqlite3.SQLITE_DENY
	})
	return nil
}

// sqliteRecursive is SQLITE_RECURSIVE, the authorizer's code for a recursive
// common table expression, which the driver does not name.
const sqliteRecursive = 33

// stmt is a prepared statement.
type stmt struct {
	s   *sqlite3.SQLiteStmt
	buf []driver.Value
}

func (s *stmt) close() error { return s.s.Close() }

// exec runs the statement with arguments already in the driver's form.
func (s *stmt) exec(args []driver.NamedValue) error {
	_, err := s.s.ExecContext(context.Background(), args)
	return err
}

func (s *stmt) query(ctx context.Context, args ...any) (*rows, error) {
	r, err := s.s.QueryContext(ctx, namedValues(args))
	if err != nil {
		return nil, err
	}
	names := r.Columns()
	if len(s.buf) != len(names) {
		s.buf = make([]driver.Value, len(names))
	}
	return &rows{r: r, names: names, buf: s.buf}, nil
}

// rows is a result set.
type rows struct {
	r     driver.Rows
	own   *stmt
	names []string
	buf   []driver.Value
}

// next returns the next row, valid until the following call; io.EOF at the end.
// Values are nil, int64, float64, string or []byte.
func (r *rows) next() ([]driver.Value, error) {
	if err := r.r.Next(r.buf); err != nil {
		return nil, err
	}
	return r.buf, nil
}

func (r *rows) close() error {
	err := r.r.Close()
	if r.own != nil {
		r.own.close()
	}
	return err
}

func namedValues(args []any) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case int:
			a = int64(v)
		case uint64:
			a = int64(v)
		}
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return out
}

// sqliteKind sorts errors of SQLite by what the user can do about them.
func sqliteKind(err error) errorKind {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return kindOther
	}
	switch e.Code {
	case sqlite3.ErrFull:
		return kindFull
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return kindUnwritable
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return kindBusy
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return kindCorrupt
	case sqlite3.ErrAuth:
		return kindDenied
	case sqlite3.ErrInterrupt:
		return kindInterrupted
	case sqlite3.ErrIoErr:
		if e.SystemErrno == 28 { // ENOSPC
			return kindFull
		}
	}
	return kindOther
}
