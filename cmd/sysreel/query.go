package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sysreel/sysreel/query"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile/safe"
)

// queryFlags are the flags of query.
type queryFlags struct {
	sql     []string
	script  string
	table   bool
	json    bool
	csv     bool
	rules   []string
	noRules bool
	index   string
	reports []string
	at      string
	explain bool
	count   bool
	rebuild bool
	shell   bool
	start   string
	end     string
	timeout time.Duration
}

func runQuery(e *env, args []string) error {
	var q queryFlags
	fs := newFlags(e, "query FILE [flags] [FILTER]",
		"Answer questions about a capture. The first question builds an index, a SQLite\n"+
			"file beside the capture that later ones reuse. FILTER is a condition in the\n"+
			"language of Falco rules; --sql asks the tables and views of the index; --report\n"+
			"runs a saved query. With none of them the summary is shown.\n\nreports:\n"+reportList(),
		"sysreel query out.scap.zst",
		"sysreel query out.scap.zst proc.name=cat and fd.name startswith /etc",
		"sysreel query out.scap.zst --report execs --report connections",
		"sysreel query out.scap.zst --report top fd.name",
		"sysreel query out.scap.zst --report story /etc/shadow",
		"sysreel query out.scap.zst --shell",
		"sysreel query out.scap.zst -r rules.yaml --report alerts",
		"sysreel query out.scap.zst --sql 'SELECT proc_name, sum(events) FROM processes GROUP BY 1 ORDER BY 2 DESC'")
	fs.StringArrayVar(&q.sql, "sql", nil, "run this SQL statement; may be repeated")
	fs.StringVarP(&q.script, "script", "f", "", "run the SQL statements of this file, - for standard input")
	fs.StringArrayVar(&q.reports, "report", nil, "run this report; may be repeated; 'top' and 'story' take the argument after the file")
	fs.StringVar(&q.at, "at", "", "time of the process tree (RFC 3339, +5s, a time of day, or #N for that of event N)")
	fs.BoolVar(&q.table, "table", false, "print aligned columns (the default)")
	fs.BoolVar(&q.json, "json", false, "print one JSON object a line")
	fs.BoolVar(&q.csv, "csv", false, "print comma-separated values")
	fs.BoolVar(&q.count, "count", false, "print only how many events match the filter")
	fs.BoolVar(&q.explain, "explain", false, "print how the filter would be answered instead of answering")
	fs.StringArrayVarP(&q.rules, "rules", "r", nil, "find the alerts of these rule files or directories and keep them in the index; without it an index\nis built with those of the built-in rules, 'default'")
	fs.BoolVar(&q.noRules, "no-rules", false, "build an index without looking for alerts")
	fs.StringVar(&q.index, "index", "", "keep the index at this path instead of beside the capture")
	fs.BoolVar(&q.rebuild, "rebuild", false, "build the index anew even if it fits the capture")
	fs.BoolVar(&q.shell, "shell", false, "read SQL statements from the terminal, with history and completion, or from a pipe")
	fs.StringVar(&q.start, "start", "", "only events from this number or time on (#N, +5s, 15:04:05.5, RFC 3339)")
	fs.StringVar(&q.end, "end", "", "only events up to this number or time")
	fs.DurationVar(&q.timeout, "timeout", 0, "give up after this long, such as 30s")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	rest := fs.Args()
	if len(rest) == 0 {
		return usageErrorf("which capture? give a file")
	}
	if err := q.check(rest[1:]); err != nil {
		return err
	}
	return q.run(e, rest[0], strings.Join(rest[1:], " "))
}

func reportList() string {
	var b strings.Builder
	for _, r := range query.Reports() {
		name := r.Name
		if r.Arg != "" {
			name += " " + r.Arg
		}
		fmt.Fprintf(&b, "  %-18s %s\n", name, r.Doc)
	}
	return strings.TrimRight(b.String(), "\n")
}

// check reports combinations of flags that make no sense.
func (q *queryFlags) check(words []string) error {
	formats := 0
	for _, on := range []bool{q.table, q.json, q.csv} {
		if on {
			formats++
		}
	}
	if formats > 1 {
		return usageErrorf("--table, --json and --csv exclude each other")
	}
	takesArg := false
	for _, name := range q.reports {
		r, err := query.FindReport(name)
		if err != nil {
			return usageErrorf("%v", err)
		}
		takesArg = takesArg || r.Arg != ""
		if r.Arg != "" && len(words) == 0 {
			return usageErrorf("report %s needs an argument after the file: %s", name, r.Arg)
		}
	}
	asks := len(q.sql) > 0 || q.script != "" || len(q.reports) > 0
	if asks && len(words) > 0 && !takesArg {
		return usageErrorf("a filter does not go with --sql, -f or --report; in SQL, match(num, 'filter') is a condition")
	}
	if (q.explain || q.count || q.start != "" || q.end != "") && asks {
		return usageErrorf("--explain, --count, --start and --end go with a filter only")
	}
	if q.shell && (asks || len(words) > 0 || q.explain || q.count) {
		return usageErrorf("--shell asks for its questions itself: it goes with no filter, SQL or report")
	}
	if q.explain && len(words) == 0 {
		return usageErrorf("--explain needs a filter")
	}
	if q.at != "" && !slices.Contains(q.reports, "tree") {
		return usageErrorf("--at goes with --report tree")
	}
	return nil
}

func (q *queryFlags) run(e *env, file, words string) error {
	ctx := e.ctx
	if q.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.timeout)
		defer cancel()
	}
	err := q.answer(ctx, e, file, words)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("gave up after %v (--timeout)", q.timeout)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("interrupted")
	}
	return err
}

func (q *queryFlags) answer(ctx context.Context, e *env, file, words string) error {
	asks := len(q.sql) > 0 || q.script != "" || len(q.reports) > 0
	var fl *query.Filter
	if words != "" && !asks {
		// A mistake in the filter is told before a long build, not after it.
		var err error
		if fl, err = query.ParseFilter(words); err != nil {
			return filterError(err)
		}
		for _, w := range fl.Warnings() {
			fmt.Fprintf(e.stderr, "sysreel: filter: %s\n", w)
		}
	}
	statements, err := q.statements(e)
	if err != nil {
		return err
	}
	ix, err := q.open(ctx, e, file)
	if err != nil {
		return err
	}
	defer ix.Close()
	if err := tellDamage(ctx, e, ix); err != nil {
		return err
	}
	if q.shell {
		return q.runShell(ctx, e, ix)
	}
	for i, s := range statements {
		if i > 0 && !q.json {
			fmt.Fprintln(e.stdout)
		}
		res, err := ix.SQL(ctx, s)
		if err != nil {
			return sqlMistake(err)
		}
		if err := q.write(e, res.Columns, res, res.Close); err != nil {
			return sqlMistake(err)
		}
	}
	reports := q.reports
	if !asks && fl == nil && !q.count && q.start == "" && q.end == "" {
		reports = []string{"summary"}
	}
	for i, name := range reports {
		if (i > 0 || len(statements) > 0) && !q.json {
			fmt.Fprintln(e.stdout)
		}
		if err := q.report(ctx, e, ix, name, words); err != nil {
			return err
		}
	}
	if len(reports) > 0 || len(statements) > 0 {
		return nil
	}
	return q.find(ctx, e, ix, fl)
}

// statements are those of --sql and of the script.
func (q *queryFlags) statements(e *env) ([]string, error) {
	var out []string
	for _, s := range q.sql {
		out = append(out, query.SplitSQL(s)...)
	}
	if q.script != "" {
		var b []byte
		var err error
		if q.script == "-" {
			b, err = io.ReadAll(e.stdin)
		} else {
			b, err = os.ReadFile(q.script)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, query.SplitSQL(string(b))...)
	}
	if (len(q.sql) > 0 || q.script != "") && len(out) == 0 {
		return nil, usageErrorf("there is no SQL statement in what --sql and -f give")
	}
	return out, nil
}

// open opens the index, building it first where that is due.
func (q *queryFlags) open(ctx context.Context, e *env, file string) (*query.Index, error) {
	if file == "-" {
		return nil, usageErrorf("query reads the capture more than once: save it to a file first")
	}
	opts := query.Options{Index: q.index}
	if len(q.rules) > 0 {
		set, err := loadRules(rules.LoadOptions{}, q.rules)
		if err != nil {
			return nil, err
		}
		opts.Rules = set
	} else if !q.noRules {
		set, err := loadRules(rules.LoadOptions{}, []string{"default"})
		if err != nil {
			return nil, err
		}
		opts.BuildRules = set
	}
	bar := &progressBar{e: e, what: "indexing"}
	opts.Progress = bar.show
	defer bar.clear()
	if q.rebuild {
		if err := query.Build(ctx, file, opts); err != nil {
			return nil, err
		}
	}
	ix, err := query.OpenOrBuild(ctx, file, opts)
	if err == nil && q.index == "" && !strings.HasPrefix(ix.Path(), file) {
		bar.clear()
		fmt.Fprintf(e.stderr, "sysreel: the directory of the capture cannot be written; the index is %s\n", safe.String(ix.Path()))
	}
	return ix, err
}

// tellDamage says on standard error what the capture lacks.
func tellDamage(ctx context.Context, e *env, ix *query.Index) error {
	h, err := ix.Health(ctx)
	if err != nil {
		return err
	}
	for _, d := range h.Damage {
		fmt.Fprintf(e.stderr, "sysreel: %s: damaged: %s\n", safe.String(ix.Capture()), safe.String(d.Message))
	}
	if h.Drops > 0 {
		fmt.Fprintf(e.stderr, "sysreel: %s: the recorder lost %d events\n", safe.String(ix.Capture()), h.Drops)
	}
	return nil
}

func (q *queryFlags) report(ctx context.Context, e *env, ix *query.Index, name, arg string) error {
	r, err := query.FindReport(name)
	if err != nil {
		return err
	}
	o := query.ReportOptions{Arg: arg, Plain: q.json || q.csv}
	if q.at != "" {
		if o.At, err = moment(ctx, ix, q.at); err != nil {
			return err
		}
	}
	res, err := r.Run(ctx, ix, o)
	if err != nil {
		return sqlMistake(err)
	}
	return q.write(e, res.Columns, res, res.Close)
}

// moment is the time that the user means, relative to the capture.
func moment(ctx context.Context, ix *query.Index, s string) (int64, error) {
	first, _, err := ix.Span(ctx)
	if err != nil {
		return 0, err
	}
	num, ts, err := parseMoment(s, uint64(first))
	if err != nil {
		return 0, err
	}
	if num == 0 {
		return int64(ts), nil
	}
	rows, err := ix.RowsOf(ctx, []int64{int64(num)})
	if err != nil {
		return 0, err
	}
	if len(rows) == 0 {
		return 0, fmt.Errorf("the capture has no event %d", num)
	}
	return rows[0].TS, nil
}

func (q *queryFlags) find(ctx context.Context, e *env, ix *query.Index, fl *query.Filter) error {
	r, err := q.window(ctx, ix)
	if err != nil {
		return err
	}
	switch {
	case q.explain:
		text, err := ix.Explain(ctx, fl, r)
		fmt.Fprint(e.stdout, safeLines(text))
		return err
	case q.count:
		n, err := ix.Count(ctx, fl, r)
		if err == nil {
			fmt.Fprintln(e.stdout, n)
		}
		return err
	}
	sel := ""
	if q.json || q.csv {
		sel = "SELECT * FROM events"
	}
	res, err := ix.Select(ctx, sel, fl, r)
	if err != nil {
		return err
	}
	return q.write(e, res.Columns, res, res.Close)
}

func (q *queryFlags) window(ctx context.Context, ix *query.Index) (query.Range, error) {
	var r query.Range
	if q.start == "" && q.end == "" {
		return r, nil
	}
	first, _, err := ix.Span(ctx)
	if err != nil {
		return r, err
	}
	w, err := newWindow(q.start, q.end, uint64(first))
	return query.Range{FromNum: int64(w.startNum), ToNum: int64(w.endNum), FromTS: int64(w.startTS), ToTS: int64(w.endTS)}, err
}

// write writes rows in the format of the flags and closes them.
func (q *queryFlags) write(e *env, columns []string, src query.RowSource, closeRows func() error) error {
	var w query.Writer
	switch {
	case q.json:
		w = &query.JSONWriter{W: e.stdout}
	case q.csv:
		w = &query.CSVWriter{W: e.stdout}
	default:
		t := &query.TableWriter{W: e.stdout}
		if e.stdoutTTY {
			t.MaxCell = 80
		}
		w = t
	}
	_, err := w.Write(columns, src)
	if cerr := closeRows(); err == nil {
		err = cerr
	}
	return err
}

// sqlMistake shows the place of a mistake below the message.
func sqlMistake(err error) error {
	var se *query.SQLError
	if errors.As(err, &se) {
		msg := safe.String(se.Error())
		if se.Snippet != "" {
			msg += "\n" + safeLines(se.Snippet)
		}
		return &exitError{exitFail, strings.TrimRight(msg, "\n")}
	}
	return err
}

// filterError shows a mistake in a filter with its place.
func filterError(err error) error {
	var pe *filter.ParseError
	var ce *filter.CompileError
	snippet := ""
	switch {
	case errors.As(err, &pe):
		snippet = pe.Snippet
	case errors.As(err, &ce):
		snippet = ce.Snippet
	}
	msg := "filter: " + err.Error()
	if snippet != "" {
		msg += "\n" + snippet
	}
	return &exitError{exitUsage, msg}
}

// progressBar shows the progress of a long operation on a terminal, on one line
// that disappears when it ends.
type progressBar struct {
	e     *env
	what  string
	shown bool
	last  time.Time
}

const barWidth = 30

func (b *progressBar) show(p query.Progress) {
	if !b.e.stderrTTY || p.Done || time.Since(b.last) < 100*time.Millisecond {
		return
	}
	b.last, b.shown = time.Now(), true
	full := int(p.Share() * barWidth)
	fmt.Fprintf(b.e.stderr, "\r%s [%s%s] %3.0f%%  %d events", b.what, strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		p.Share()*100, p.Events)
	if r := p.Remaining(); r > time.Second {
		fmt.Fprintf(b.e.stderr, "  %v left", r.Round(time.Second))
	}
	fmt.Fprint(b.e.stderr, "\x1b[K")
}

func (b *progressBar) clear() {
	if b.shown {
		fmt.Fprint(b.e.stderr, "\r\x1b[K")
		b.shown = false
	}
}
