package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/sysreel/sysreel/query"
	"golang.org/x/term"
)

// sqlShell reads statements and dot commands and answers them until .quit or
// the end of the input.
type sqlShell struct {
	e     *env
	q     *queryFlags
	ix    *query.Index
	words []string // for completion
}

// lineReader yields the lines of a person or of a script.
type lineReader interface {
	// line returns the next line; more says that a statement has been begun.
	line(more bool) (string, error)
}

const shellHelp = `SQL statements end with a semicolon. Besides:
  .tables           the views and tables
  .schema [NAME]    how they are made, with what every column means
  .reports          the saved queries
  .report NAME ARG  run one
  .count FILTER     how many events match a filter
  .find FILTER      the events that match
  .quit             leave (also Ctrl-D)
`

func (q *queryFlags) runShell(ctx context.Context, e *env, ix *query.Index) error {
	s := &sqlShell{e: e, q: q, ix: ix}
	if err := s.loadWords(ctx); err != nil {
		return err
	}
	var in lineReader = &scriptLines{bufio.NewScanner(e.stdin)}
	if f, ok := e.stdin.(*os.File); ok && e.stdoutTTY && term.IsTerminal(int(f.Fd())) {
		in = newPromptLines(f, e.stdout, s.complete)
		fmt.Fprintf(e.stdout, "%d events. SQL statements end with ;  .help tells more, .quit leaves.\n", ix.Len())
	}
	return s.loop(in)
}

func (s *sqlShell) loop(in lineReader) error {
	var pending strings.Builder
	for {
		line, err := in.line(pending.Len() > 0)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
				if strings.TrimSpace(pending.String()) != "" {
					s.statement(pending.String())
				}
			}
			return err
		}
		trimmed := strings.TrimSpace(line)
		if pending.Len() == 0 && strings.HasPrefix(trimmed, ".") {
			if trimmed == ".quit" || trimmed == ".exit" {
				return nil
			}
			s.say(s.withInterrupt(func(ctx context.Context) error { return s.command(ctx, trimmed) }))
			continue
		}
		pending.WriteString(line + "\n")
		if strings.HasSuffix(trimmed, ";") {
			s.statement(pending.String())
			pending.Reset()
		}
	}
}

// withInterrupt runs f so that Ctrl-C ends f and not the shell.
func (s *sqlShell) withInterrupt(f func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.WithoutCancel(s.e.ctx), os.Interrupt)
	defer stop()
	if s.q.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.q.timeout)
		defer cancel()
	}
	return f(ctx)
}

// say tells an error; the shell goes on.
func (s *sqlShell) say(err error) {
	var xe *exitError
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(s.e.stderr, "interrupted")
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Fprintf(s.e.stderr, "gave up after %v (--timeout)\n", s.q.timeout)
	case errors.As(err, &xe):
		fmt.Fprintln(s.e.stderr, xe.msg)
	default:
		fmt.Fprintln(s.e.stderr, err)
	}
}

func (s *sqlShell) statement(text string) {
	for _, sql := range query.SplitSQL(text) {
		s.say(s.withInterrupt(func(ctx context.Context) error { return s.sql(ctx, sql) }))
	}
}

func (s *sqlShell) sql(ctx context.Context, sql string, args ...any) error {
	res, err := s.ix.SQL(ctx, sql, args...)
	if err != nil {
		return sqlMistake(err)
	}
	return sqlMistake(s.q.write(s.e, res.Columns, res, res.Close))
}

func (s *sqlShell) command(ctx context.Context, line string) error {
	name, arg, _ := strings.Cut(line, " ")
	arg = strings.TrimSpace(arg)
	switch name {
	case ".help":
		fmt.Fprint(s.e.stdout, shellHelp)
		return nil
	case ".tables":
		return s.sql(ctx, "SELECT name, type FROM sqlite_schema WHERE type IN ('view', 'table') ORDER BY type DESC, name")
	case ".schema":
		return s.schema(ctx, arg)
	case ".reports":
		fmt.Fprintln(s.e.stdout, reportList())
		return nil
	case ".report":
		report, rest, _ := strings.Cut(arg, " ")
		if _, err := query.FindReport(report); err != nil {
			return err
		}
		return s.q.report(ctx, s.e, s.ix, report, strings.TrimSpace(rest))
	case ".count", ".find":
		fl, err := query.ParseFilter(arg)
		if err != nil {
			return filterError(err)
		}
		one := *s.q
		one.count = name == ".count"
		return one.find(ctx, s.e, s.ix, fl)
	}
	return fmt.Errorf("no command %s; .help lists them", name)
}

func (s *sqlShell) schema(ctx context.Context, name string) error {
	res, err := s.ix.SQL(ctx, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND (?1 = '' OR name = ?1) ORDER BY type DESC, name", name)
	if err != nil {
		return err
	}
	defer res.Close()
	found := false
	for {
		row, err := res.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(s.e.stdout, "%s;\n", safeLines(fmt.Sprint(row[0])))
	}
	if !found {
		return fmt.Errorf("there is no table or view %q; .tables lists them", name)
	}
	return nil
}

// loadWords collects what may be completed: tables, views, their columns,
// functions, commands.
func (s *sqlShell) loadWords(ctx context.Context) error {
	res, err := s.ix.SQL(ctx, `SELECT name FROM sqlite_schema WHERE type IN ('view', 'table')
UNION SELECT c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type IN ('view', 'table')`)
	if err != nil {
		return err
	}
	defer res.Close()
	for {
		row, err := res.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		s.words = append(s.words, fmt.Sprint(row[0]))
	}
	s.words = append(s.words, "SELECT ", "FROM ", "WHERE ", "GROUP BY ", "ORDER BY ", "LIMIT ", "count(*)", "evt(", "match(", "ip_in(",
		"human_bytes(", "ts(", ".tables", ".schema ", ".reports", ".report ", ".count ", ".find ", ".help", ".quit")
	slices.Sort(s.words)
	s.words = slices.Compact(s.words)
	return nil
}

// complete extends the word before the cursor as far as all words that begin
// with it agree.
func (s *sqlShell) complete(line string, pos int) (string, int, bool) {
	start := pos
	for start > 0 && !strings.ContainsRune(" ,()=<>;", rune(line[start-1])) {
		start--
	}
	prefix := line[start:pos]
	if prefix == "" {
		return "", 0, false
	}
	common := ""
	for _, w := range s.words {
		if len(w) < len(prefix) || !strings.EqualFold(w[:len(prefix)], prefix) {
			continue
		}
		if common == "" {
			common = w
			continue
		}
		n := 0
		for n < len(common) && n < len(w) && common[n] == w[n] {
			n++
		}
		common = common[:n]
	}
	if len(common) <= len(prefix) {
		return "", 0, false
	}
	return line[:start] + common + line[pos:], start + len(common), true
}

// scriptLines are the lines of a pipe.
type scriptLines struct{ s *bufio.Scanner }

func (l *scriptLines) line(bool) (string, error) {
	if l.s.Scan() {
		return l.s.Text(), nil
	}
	if err := l.s.Err(); err != nil {
		return "", err
	}
	return "", io.EOF
}

// promptLines are what a person types, with editing, history and completion.
// The terminal is raw only while a line is read, so that Ctrl-C interrupts a
// statement.
type promptLines struct {
	fd int
	t  *term.Terminal
}

func newPromptLines(in *os.File, out io.Writer, complete func(string, int) (string, int, bool)) *promptLines {
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out}, "sql> ")
	t.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		return complete(line, pos)
	}
	return &promptLines{fd: int(in.Fd()), t: t}
}

func (p *promptLines) line(more bool) (string, error) {
	p.t.SetPrompt("sql> ")
	if more {
		p.t.SetPrompt("  -> ")
	}
	state, err := term.MakeRaw(p.fd)
	if err != nil {
		return "", err
	}
	defer term.Restore(p.fd, state)
	if w, h, err := term.GetSize(p.fd); err == nil && w > 0 {
		// A size that cannot be set leaves the line unwrapped, no more.
		_ = p.t.SetSize(w, h)
	}
	return p.t.ReadLine()
}
