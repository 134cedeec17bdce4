package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/query"
)

// Procs implements Store.
func (s *IndexStore) Procs(ctx context.Context) ([]Proc, error) {
	list, err := s.ix.Processes(ctx)
	if err != nil {
		return nil, err
	}
	worst, err := s.worst(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Proc, len(list))
	for i := range list {
		p := &list[i]
		out[i] = Proc{ID: p.ID, Parent: p.Parent, PID: p.PID, Name: p.Name, Cmdline: p.Cmdline, User: p.User,
			Start: uint64(p.Start), End: uint64(p.End), Events: p.Events, Alerts: p.Alerts}
		if p.Alerts > 0 {
			out[i].Worst = worst[p.ID]
		}
	}
	return out, nil
}

// Matching implements Store.
func (s *IndexStore) Matching(ctx context.Context, v view) (map[int64]int64, error) {
	fl, err := query.ParseFilter(v.filter)
	if err != nil {
		return nil, err
	}
	tallies, err := s.ix.ProcessesOf(ctx, fl, v.rng.query())
	out := make(map[int64]int64, len(tallies))
	for id, t := range tallies {
		out[id] = t.Events
	}
	return out, err
}

// worst returns the letter of the worst alert of each process that has any.
func (s *IndexStore) worst(ctx context.Context) (map[int64]byte, error) {
	out := make(map[int64]byte)
	err := s.each(ctx, "SELECT process_id, min(severity) FROM alerts GROUP BY process_id", func(row []any) bool {
		id, _ := row[0].(int64)
		sev, _ := row[1].(int64)
		out[id] = severityLetter(int(sev))
		return true
	})
	return out, err
}

// maxCalls is how many kinds of calls the detail of a process lists.
const maxCalls = 12

// ProcDetail implements Store.
func (s *IndexStore) ProcDetail(ctx context.Context, id int64) ([]Section, error) {
	p, err := s.ix.Process(ctx, id)
	if err != nil {
		return nil, err
	}
	what := Section{Title: "Process"}
	add := func(name, value, field string) {
		if value != "" {
			what.Fields = append(what.Fields, DetailField{name, value, field})
		}
	}
	add("exe", p.ExePath, "proc.exepath")
	add("cmdline", p.Cmdline, "proc.cmdline")
	add("cwd", p.CWD, "proc.cwd")
	add("user", p.User, "user.name")
	add("container", p.Container, "container.id")
	if p.Parent != 0 {
		if up, err := s.ix.Process(ctx, p.Parent); err == nil {
			add("parent", fmt.Sprintf("%s %d", up.Name, up.PID), "")
		}
	}
	if p.End != 0 {
		add("exit status", exitText(p.Status), "")
	}
	did := Section{Title: "Did", Fields: []DetailField{{"events", fmt.Sprintf("%s, %s failed", thousands(p.Events), thousands(p.Failed)), ""}}}
	did.Fields = append(did.Fields, DetailField{"read, written", query.HumanBytes(p.Read) + ", " + query.HumanBytes(p.Written), ""})
	calls, err := s.ix.Calls(ctx, id)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, c := range calls {
		if i == maxCalls {
			fmt.Fprintf(&b, "  and %d more kinds", len(calls)-i)
			break
		}
		fmt.Fprintf(&b, "%s %d", c.Type, c.Calls)
		if c.Failed > 0 {
			fmt.Fprintf(&b, " (%d failed)", c.Failed)
		}
		b.WriteString("  ")
	}
	did.Fields = append(did.Fields, DetailField{"calls", strings.TrimSpace(b.String()), ""})
	return []Section{what, did}, nil
}

// exitText writes a status as wait reports it.
func exitText(status int64) string {
	if sig := status & 0x7f; sig != 0 {
		return fmt.Sprintf("killed by signal %d", sig)
	}
	return fmt.Sprint(status >> 8 & 0xff)
}

// OpenFDs implements Store.
func (s *IndexStore) OpenFDs(ctx context.Context, pid int64, at uint64) ([]DetailField, error) {
	num, err := s.ix.NumAt(ctx, int64(at))
	if err != nil {
		return nil, err
	}
	fds, err := s.ix.OpenAt(ctx, pid, num)
	var out []DetailField
	for _, fd := range fds {
		name := fd.Name
		if name == "" {
			name = fd.Type
		}
		out = append(out, DetailField{fmt.Sprint(fd.Num), name, "fd.name"})
	}
	return out, err
}
