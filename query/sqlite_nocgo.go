//go:build !cgo

package query

import (
	"context"
	"database/sql/driver"
)

// conn is the stand-in of builds without cgo, in which there is no SQLite.
type conn struct{}

type access int

const (
	readOnly access = iota
	readWrite
	create
	immutable
)

func openConn(string, access) (*conn, error) { return nil, ErrNoSQLite }

func (*conn) close() error                                              { return nil }
func (*conn) exec(string, ...any) error                                 { return ErrNoSQLite }
func (*conn) prepare(string) (*stmt, error)                             { return nil, ErrNoSQLite }
func (*conn) compile(string) (*stmt, error)                             { return nil, ErrNoSQLite }
func (*conn) query(context.Context, string, ...any) (*rows, error)      { return nil, ErrNoSQLite }
func (*conn) one(context.Context, string, ...any) (driver.Value, error) { return nil, ErrNoSQLite }
func (*conn) register(string, any, bool) error                          { return ErrNoSQLite }
func (*conn) confine() error                                            { return ErrNoSQLite }

func (*conn) each(context.Context, string, []any, func([]driver.Value) error) error {
	return ErrNoSQLite
}

type stmt struct{}

func (*stmt) close() error                                 { return nil }
func (*stmt) exec([]driver.NamedValue) error               { return ErrNoSQLite }
func (*stmt) query(context.Context, ...any) (*rows, error) { return nil, ErrNoSQLite }

type rows struct{ names []string }

func (*rows) next() ([]driver.Value, error) { return nil, ErrNoSQLite }
func (*rows) close() error                  { return nil }

func sqliteKind(error) errorKind { return kindOther }
