package query

import (
	"context"
	"database/sql/driver"
	"strings"
)

// Alert is what a rule found on an event.
type Alert struct {
	ID       int64
	Num, TS  int64
	Rule     string
	Priority string
	Severity int // 0 Emergency ... 7 Debug
	Tags     []string
	Output   string
	Fields   string // JSON object of the output fields
	PID      int64  // -1 unknown
	Proc     string
	Process  int64
	FDName   string
}

const alertSQL = `SELECT a.id, a.num, a.ts, a.rule, a.priority, a.severity, a.tags, a.output, a.fields, t.proc_pid, t.proc_name, t.process, g.fd_name
FROM alert a LEFT JOIN event e ON e.num = a.num LEFT JOIN task t ON t.id = e.task LEFT JOIN target g ON g.id = e.target `

// NumAlerts returns how many alerts there are so far.
func (ix *Index) NumAlerts(ctx context.Context) (int64, error) {
	var n int64
	err := ix.with(func(c *conn) error {
		v, err := c.one(ctx, "SELECT count(*) FROM alert")
		n = intOf(v)
		return err
	})
	return n, err
}

// Alerts returns up to n alerts from position from on, in the order of the
// events.
func (ix *Index) Alerts(ctx context.Context, from int64, n int) ([]Alert, error) {
	return ix.alerts(ctx, "ORDER BY a.id LIMIT ? OFFSET ?", n, from)
}

// AlertsOf returns the alerts on one event.
func (ix *Index) AlertsOf(ctx context.Context, num int64) ([]Alert, error) {
	return ix.alerts(ctx, "WHERE a.num = ? ORDER BY a.id", num)
}

func (ix *Index) alerts(ctx context.Context, clause string, args ...any) ([]Alert, error) {
	var out []Alert
	err := ix.with(func(c *conn) error {
		return c.each(ctx, alertSQL+clause, args, func(v []driver.Value) error {
			a := Alert{ID: intOf(v[0]), Num: intOf(v[1]), TS: intOf(v[2]), Rule: textOf(v[3]), Priority: textOf(v[4]), Severity: int(intOf(v[5])),
				Output: textOf(v[7]), Fields: textOf(v[8]), PID: intOr(v[9], -1), Proc: textOf(v[10]), Process: intOf(v[11]), FDName: textOf(v[12])}
			if tags := textOf(v[6]); tags != "" {
				a.Tags = strings.Split(tags, ",")
			}
			out = append(out, a)
			return nil
		})
	})
	return out, err
}
