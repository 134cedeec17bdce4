package query

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Report is a saved query.
type Report struct {
	Name string
	Doc  string
	Arg  string // what its argument is, "" when it takes none
	sql  string
	// run makes reports that are more than a statement.
	run func(ctx context.Context, ix *Index, o ReportOptions) (*ReportResult, error)
}

// ReportOptions are the arguments of a report.
type ReportOptions struct {
	Arg string // PID, path or address for story; field for top
	At  int64  // time for tree, 0 for the end
	// Plain leaves sizes as numbers of bytes, for machines.
	Plain bool
}

// ReportResult are the rows of a report.
type ReportResult struct {
	Columns []string
	RowSource
	close func() error
}

// Close releases the rows.
func (r *ReportResult) Close() error {
	if r.close == nil {
		return nil
	}
	return r.close()
}

// Reports lists the reports.
func Reports() []Report { return reports }

var reports []Report

func init() {
	reports = []Report{
		{Name: "summary", Doc: "the capture at a glance", run: summaryReport},
		{Name: "processes", Doc: "every process with its life and what it did", sql: `
SELECT pid, ppid, proc_name AS name, user_name AS user, ts(start_ts) AS start, ts(end_ts) AS "end", events, failed, execs,
  human_bytes(bytes_read) AS "read", human_bytes(bytes_written) AS written, proc_cmdline AS command
FROM processes WHERE events > 0 ORDER BY first_num`},
		{Name: "tree", Doc: "the processes as a tree, at a time with --at", run: treeReport},
		{Name: "files", Doc: "every file that was used, most written first", sql: `
SELECT path, type, opens, reads, writes, human_bytes(bytes_read) AS "read", human_bytes(bytes_written) AS written, events, failed
FROM files ORDER BY bytes_written DESC, bytes_read DESC, events DESC, path`},
		{Name: "connections", Doc: "every connection, in order", sql: `
SELECT ts(start_ts) AS start, proto, role, name, proc_name AS process, proc_pid AS pid, human_bytes(bytes_in) AS "in",
  human_bytes(bytes_out) AS out, duration_ns / 1000000 AS ms, CASE WHEN end_ts IS NULL THEN 'open' ELSE 'closed' END AS state
FROM connections ORDER BY first_num`},
		{Name: "listening", Doc: "sockets that wait for connections, and who holds them", sql: `
SELECT DISTINCT proto, server_ip AS ip, server_port AS port, proc_name AS process, proc_pid AS pid
FROM connections WHERE client_port IS NULL AND server_port > 0 ORDER BY port, ip, pid`},
		{Name: "execs", Doc: "every program start, in order", sql: `
SELECT num, time, proc_pid AS pid, proc_pname AS parent, user_name AS user, proc_exepath AS executable, proc_cmdline AS command
FROM execs ORDER BY num`},
		{Name: "users", Doc: "who acted, and how much", sql: `
SELECT user_uid AS uid, user_name AS user, user_loginname AS login, container_id AS container, processes, events
FROM users ORDER BY events DESC`},
		{Name: "alerts", Doc: "what the rules found", sql: `
SELECT num, time, priority, rule, proc_name AS process, proc_pid AS pid, output FROM alerts ORDER BY num`},
		{Name: "errors", Doc: "failed calls by call, error and process", run: errorsReport},
		{Name: "top", Doc: "most frequent values of a field", Arg: "FIELD", run: topReport},
		{Name: "timeline", Doc: "events, failures, program starts and alerts over time", run: timelineReport},
		{Name: "story", Doc: "everything about a process, a file or an address, in order", Arg: "PID|PATH|IP", run: storyReport},
	}
}

// FindReport returns the report of that name; the error lists them.
func FindReport(name string) (*Report, error) {
	var names []string
	for i := range reports {
		if reports[i].Name == name {
			return &reports[i], nil
		}
		names = append(names, reports[i].Name)
	}
	return nil, fmt.Errorf("no report %q; there are %s", name, strings.Join(names, ", "))
}

// Run makes the report.
func (r *Report) Run(ctx context.Context, ix *Index, o ReportOptions) (*ReportResult, error) {
	if r.Arg != "" && o.Arg == "" {
		return nil, fmt.Errorf("report %s needs an argument: %s", r.Name, r.Arg)
	}
	if r.run != nil {
		return r.run(ctx, ix, o)
	}
	sql := r.sql
	if o.Plain {
		sql = strings.ReplaceAll(sql, "human_bytes(", "(")
	}
	return ix.report(ctx, sql)
}

func (ix *Index) report(ctx context.Context, sql string, args ...any) (*ReportResult, error) {
	res, err := ix.SQL(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return &ReportResult{Columns: res.Columns, RowSource: res, close: res.Close}, nil
}

func summaryReport(ctx context.Context, ix *Index, _ ReportOptions) (*ReportResult, error) {
	return ix.report(ctx, `
WITH m(k, v) AS (SELECT key, value FROM meta)
SELECT 'capture' AS what, (SELECT v FROM m WHERE k = 'capture_path') AS value
UNION ALL SELECT 'host', (SELECT v FROM m WHERE k = 'hostname')
UNION ALL SELECT 'first event', ts((SELECT v FROM m WHERE k = 'first_ts'))
UNION ALL SELECT 'last event', ts((SELECT v FROM m WHERE k = 'last_ts'))
UNION ALL SELECT 'seconds', round(((SELECT v FROM m WHERE k = 'last_ts') - (SELECT v FROM m WHERE k = 'first_ts')) / 1e9, 3)
UNION ALL SELECT 'events', (SELECT v FROM m WHERE k = 'events')
UNION ALL SELECT 'failed calls', (SELECT sum(failed) FROM event_type)
UNION ALL SELECT 'events lost by the recorder', (SELECT v FROM m WHERE k = 'drops')
UNION ALL SELECT 'processes active', (SELECT count(*) FROM process WHERE events > 0)
UNION ALL SELECT 'processes started', (SELECT count(*) FROM process WHERE start_ts >= (SELECT v FROM m WHERE k = 'first_ts'))
UNION ALL SELECT 'program starts', (SELECT sum(execs) FROM process)
UNION ALL SELECT 'files', (SELECT count(*) FROM files)
UNION ALL SELECT 'connections', (SELECT count(*) FROM connections WHERE proto IN ('tcp', 'udp'))
UNION ALL SELECT 'alerts', (SELECT count(*) FROM alert)
UNION ALL SELECT * FROM (SELECT 'most events: ' || evt_type, events FROM event_type ORDER BY events DESC LIMIT 5)
UNION ALL SELECT * FROM (SELECT 'busiest: ' || proc_name, sum(events) FROM task WHERE process > 0 GROUP BY proc_name ORDER BY 2 DESC LIMIT 5)
UNION ALL SELECT 'damage', message FROM damage`)
}

func errorsReport(ctx context.Context, ix *Index, _ ReportOptions) (*ReportResult, error) {
	var cases strings.Builder
	names := resultNames()
	list := make([]string, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b string) int { return int(names[b] - names[a]) })
	for _, n := range list {
		if names[n] < 0 {
			fmt.Fprintf(&cases, " WHEN %d THEN '%s'", names[n], n)
		}
	}
	return ix.report(ctx, `
SELECT count(*) AS n, evt_type AS call, CASE evt_res`+cases.String()+` ELSE evt_res END AS error, proc_name AS process,
  max(coalesce(nullif(fd_name, ''), path)) AS example
FROM events WHERE evt_res < 0 GROUP BY evt_type, evt_res, proc_name ORDER BY n DESC, call, process`)
}

// topReport counts the values of a field: by the counters of its dimension when
// it has one, else over the events.
func topReport(ctx context.Context, ix *Index, o ReportOptions) (*ReportResult, error) {
	field := o.Arg
	for _, d := range dimensions {
		if col := d.fields[field]; col != "" {
			return ix.report(ctx, fmt.Sprintf(`
SELECT %[1]s AS %[2]s, sum(events) AS events, round(100.0 * sum(events) / (SELECT sum(events) FROM %[3]s), 2) AS percent
FROM %[3]s WHERE events > 0 GROUP BY %[1]s ORDER BY events DESC, %[1]s LIMIT 100`, col, quoteIdent(field), d.table.name))
		}
	}
	for _, c := range eventTable.columns {
		if c.field == field {
			return ix.report(ctx, fmt.Sprintf(`
SELECT %[1]s AS %[2]s, count(*) AS events, round(100.0 * count(*) / (SELECT count(*) FROM event), 2) AS percent
FROM event GROUP BY %[1]s ORDER BY events DESC, %[1]s LIMIT 100`, c.name, quoteIdent(field)))
		}
	}
	return nil, fmt.Errorf("top: %s is not a field of the index; it has %s", field, strings.Join(IndexedFields(), ", "))
}

func quoteIdent(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// IndexedFields are the fields that the index answers without the capture.
func IndexedFields() []string {
	var out []string
	for _, d := range dimensions {
		for f := range d.fields {
			out = append(out, f)
		}
	}
	for _, c := range eventTable.columns {
		if c.field != "" {
			out = append(out, c.field)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func timelineReport(ctx context.Context, ix *Index, _ ReportOptions) (*ReportResult, error) {
	const buckets = 60
	all, err := ix.Histogram(ctx, nil, 0, 0, buckets)
	if err != nil {
		return nil, err
	}
	execs, err := ParseFilter("evt.type in (execve, execveat) and evt.rawres = 0")
	if err != nil {
		return nil, err
	}
	starts, err := ix.Histogram(ctx, execs, 0, 0, buckets)
	if err != nil {
		return nil, err
	}
	var most int64 = 1
	for _, b := range all {
		most = max(most, b.Events)
	}
	var rows sliceRows
	for i, b := range all {
		rows = append(rows, []any{FormatTime(b.From), b.Events, b.Failed, starts[i].Events, b.Alerts,
			strings.Repeat("#", int((b.Events*40+most-1)/most))})
	}
	return &ReportResult{Columns: []string{"from", "events", "failed", "execs", "alerts", "chart"}, RowSource: &rows}, nil
}

// tellingCalls are those that say what a process did rather than how.
const tellingCalls = "execve, execveat, clone, clone3, fork, vfork, procexit, open, openat, openat2, creat, unlink, unlinkat, rename, renameat, " +
	"renameat2, link, linkat, symlink, symlinkat, mkdir, mkdirat, rmdir, chmod, fchmod, fchmodat, chown, fchown, lchown, fchownat, chdir, fchdir, " +
	"chroot, mount, umount, umount2, connect, accept, accept4, bind, listen, kill, tkill, tgkill, ptrace, setuid, setgid, setresuid, setresgid, " +
	"setsid, memfd_create, init_module, finit_module, bpf, unshare, setns, dup2, dup3"

// storyReport lists what concerns one thing: for a process its starts, exits,
// files and connections rather than each read and write; for a file or an
// address every event.
func storyReport(ctx context.Context, ix *Index, o ReportOptions) (*ReportResult, error) {
	cols := `SELECT num, time, proc_name AS process, proc_pid AS pid, evt_type AS call, evt_res AS res,
  coalesce(nullif(fd_name, ''), path || coalesce(' -> ' || path2, ''), CASE WHEN evt_type IN ('execve', 'execveat') THEN proc_cmdline END) AS about FROM events `
	var fl string
	switch {
	case isNumberText(o.Arg):
		fl = "(proc.pid = " + o.Arg + " or proc.ppid = " + o.Arg + " and evt.type in (execve, execveat, procexit)) and evt.type in (" + tellingCalls + ")"
	case isAddress(o.Arg):
		fl = "fd.ip = " + o.Arg
	default:
		q := quoteLiteral(o.Arg)
		fl = "fd.name = " + q + " or proc.exepath = " + q + " and evt.type in (execve, execveat) or evt.type in (rename, renameat, renameat2, " +
			"link, linkat, symlink, symlinkat) and (fs.path.source = " + q + " or fs.path.target = " + q + ") or fs.path.name = " + q
	}
	f, err := ParseFilter(fl)
	if err != nil {
		return nil, err
	}
	return ix.rowsReport(ctx, cols, f)
}

// rowsReport runs a statement over the view events for the events of a filter.
func (ix *Index) rowsReport(ctx context.Context, sql string, f *Filter) (*ReportResult, error) {
	var nums []int64
	if err := ix.Find(ctx, f, Range{}, func(n []int64, _ int64) bool { nums = append(nums, n...); return true }); err != nil {
		return nil, err
	}
	return ix.EventRows(ctx, sql, nums)
}

func isNumberText(s string) bool { _, err := strconv.ParseUint(s, 10, 31); return err == nil }

func isAddress(s string) bool { _, err := netip.ParseAddr(s); return err == nil }

// quoteLiteral writes text as a literal of the rule language.
func quoteLiteral(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, "\\x%02x", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
