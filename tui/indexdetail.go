package tui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sysreel/sysreel/query"
	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/rules/filter"
)

// Brief implements Store with what the index knows and the event itself tells.
func (s *IndexStore) Brief(ctx context.Context, num uint64) (*Detail, error) {
	rows, err := s.ix.RowsOf(ctx, []int64{int64(num)})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("event %d: %w", num, query.ErrNoEvent)
	}
	out, err := s.head(ctx, &rows[0])
	if err != nil {
		return nil, err
	}
	args, err := s.ix.Args(ctx, rows)
	if err != nil {
		return nil, err
	}
	out.Sections = append(out.Sections, Section{Title: "Arguments", Fields: []DetailField{{"args", args[0], ""}}},
		Section{Title: "Process", Fields: []DetailField{{"name", rows[0].Proc, "proc.name"}, {"pid", fmt.Sprint(rows[0].PID), "proc.pid"},
			{"user", rows[0].User, "user.name"}}})
	return out, nil
}

// head is a detail with what the index knows of an event and its alerts.
func (s *IndexStore) head(ctx context.Context, row *query.Row) (*Detail, error) {
	alerts, err := s.ix.AlertsOf(ctx, row.Num)
	if err != nil {
		return nil, err
	}
	out := &Detail{Num: uint64(row.Num), TS: uint64(row.TS), ProcID: row.Process, PID: row.PID, Title: row.Type}
	head := Section{Title: "Event", Fields: []DetailField{
		{"time", clockDate(out.TS), ""},
		{"type", row.Type, "evt.type"},
	}}
	if row.HasRes {
		head.Fields = append(head.Fields, DetailField{"result", resultText(row), ""})
	}
	if row.FDName != "" {
		head.Fields = append(head.Fields, DetailField{"fd", fmt.Sprintf("%d <%s> %s", row.FD, row.FDChar, row.FDName), ""})
	}
	out.Sections = append(out.Sections, head)
	if len(alerts) > 0 {
		sec := Section{Title: "Alerts"}
		for _, a := range alerts {
			sec.Fields = append(sec.Fields, DetailField{a.Priority, a.Rule, ""})
		}
		out.Sections = append(out.Sections, sec)
	}
	return out, nil
}

// Detail implements Store.
func (s *IndexStore) Detail(ctx context.Context, num uint64) (*Detail, error) {
	rows, err := s.ix.RowsOf(ctx, []int64{int64(num)})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("event %d: %w", num, query.ErrNoEvent)
	}
	d, err := s.ix.Detail(ctx, int64(num))
	if err != nil {
		return nil, err
	}
	out, err := s.head(ctx, &rows[0])
	if err != nil {
		return nil, err
	}
	out.Data = payload(d)
	args := Section{Title: "Arguments"}
	for _, p := range d.Params {
		args.Fields = append(args.Fields, DetailField{p.Name, p.Text, "evt.arg." + p.Name})
	}
	if len(args.Fields) > 0 {
		out.Sections = append(out.Sections, args)
	}
	out.Sections = append(out.Sections, fieldSections(d.Fields)...)
	return out, nil
}

func resultText(row *query.Row) string {
	if row.Failed() {
		return strings.TrimPrefix((&query.Row{FD: -1, HasRes: true, Res: row.Res}).Summary(), "res=")
	}
	return fmt.Sprint(row.Res)
}

// payload is what an event transferred, or failing that its arguments as bytes.
func payload(d *query.Detail) []byte {
	for _, name := range []string{"data", "args"} {
		for _, p := range d.Params {
			if p.Name == name && len(p.Raw) > 0 {
				return p.Raw
			}
		}
	}
	return nil
}

// sectionTitles are the classes of fields in the order in which the detail
// shows them.
var sectionTitles = []struct{ class, title string }{
	{"proc", "Process"}, {"fd", "Descriptor"}, {"fs", "Paths"}, {"user", "User"}, {"group", "Group"}, {"thread", "Thread"}, {"container", "Container"}, {"evt", "Event, more"},
}

// firstFields come first in their sections; the others keep the order of the
// catalogue.
var firstFields = []string{
	"proc.name", "proc.pid", "proc.cmdline", "proc.exepath", "proc.cwd", "proc.pname", "proc.ppid", "proc.pcmdline", "proc.aname",
	"fd.name", "fd.type", "fd.num", "user.name", "user.uid", "user.loginname", "user.loginuid",
}

// fieldSections groups fields by the first part of their names.
func fieldSections(fields []query.Value) []Section {
	fields = slices.Clone(fields)
	rank := func(v query.Value) int {
		if i := slices.Index(firstFields, v.Field); i >= 0 {
			return i
		}
		return len(firstFields)
	}
	slices.SortStableFunc(fields, func(a, b query.Value) int { return cmp.Compare(rank(a), rank(b)) })
	by := make(map[string]*Section)
	var order []*Section
	for _, t := range sectionTitles {
		by[t.class] = &Section{Title: t.title}
		order = append(order, by[t.class])
	}
	for _, v := range fields {
		class, name, _ := strings.Cut(v.Field, ".")
		sec := by[class]
		if sec == nil {
			sec = &Section{Title: class}
			by[class] = sec
			order = append(order, sec)
		}
		if v.Text != "" {
			sec.Fields = append(sec.Fields, DetailField{name, v.Text, v.Field})
		}
	}
	var out []Section
	for _, sec := range order {
		if len(sec.Fields) > 0 {
			out = append(out, *sec)
		}
	}
	return out
}

// Why implements Store.
func (s *IndexStore) Why(ctx context.Context, event uint64, rule string) ([]TraceLine, error) {
	x, err := s.explainer(rule)
	if err != nil {
		return nil, err
	}
	var out []TraceLine
	err = s.ix.At(ctx, int64(event), func(ev *replay.Event) error {
		e := x.Event(ev)
		out = traceLines(nil, e.Trace, 0)
		for _, sup := range e.Exceptions {
			out = append(out, TraceLine{Text: "exception " + sup.Exception + ": " + sup.Text, Truth: "true"})
		}
		return nil
	})
	return out, err
}

func (s *IndexStore) explainer(rule string) (*rules.Explainer, error) {
	if s.set == nil || s.set.Rule(rule) == nil {
		return nil, fmt.Errorf("the rule is not among those loaded; name its file with -r")
	}
	return s.set.Explainer(s.set.Rule(rule))
}

func traceLines(out []TraceLine, t *filter.Trace, depth int) []TraceLine {
	line := TraceLine{Depth: depth, Truth: fmt.Sprint(t.Truth), Text: t.Text}
	switch t.Kind {
	case "check":
		var vals []string
		for _, r := range []*filter.Reading{t.Left, t.Right} {
			switch {
			case r == nil:
			case r.Present:
				vals = append(vals, filter.Quote(r.Value))
			default:
				vals = append(vals, r.Text+" has no value")
			}
		}
		line.Value = strings.Join(vals, ", ")
	case "macro":
		line.Text = "macro " + t.Text
	default:
		line.Text = t.Kind
	}
	out = append(out, line)
	for _, k := range t.Kids {
		out = traceLines(out, k, depth+1)
	}
	return out
}

// Alerts implements Store.
func (s *IndexStore) Alerts(ctx context.Context, v view) ([]Alert, error) {
	list, err := s.ix.Alerts(ctx, 0, maxAlerts)
	if err != nil {
		return nil, err
	}
	if !v.all() {
		if list, err = s.onMatching(ctx, list, v); err != nil {
			return nil, err
		}
	}
	out := make([]Alert, len(list))
	for i := range list {
		a := &list[i]
		out[i] = Alert{Event: uint64(a.Num), TS: uint64(a.TS), Priority: a.Priority, Rule: a.Rule, Proc: a.Proc, PID: a.PID,
			ProcID: a.Process, Output: a.Output, Tags: a.Tags}
	}
	slices.SortStableFunc(out, func(a, b Alert) int { return cmp.Compare(a.TS, b.TS) })
	return out, nil
}

// onMatching returns the alerts, which are in the order of their events, that
// are on events which match.
func (s *IndexStore) onMatching(ctx context.Context, list []query.Alert, v view) ([]query.Alert, error) {
	if len(list) == 0 {
		return list, nil
	}
	fl, err := query.ParseFilter(v.filter)
	if err != nil {
		return nil, err
	}
	r := v.rng.query()
	r.FromNum, r.ToNum = list[0].Num, list[len(list)-1].Num
	var out []query.Alert
	i := 0
	err = s.ix.Find(ctx, fl, r, func(nums []int64, _ int64) bool {
		for _, n := range nums {
			for i < len(list) && list[i].Num < n {
				i++
			}
			for ; i < len(list) && list[i].Num == n; i++ {
				out = append(out, list[i])
			}
		}
		return i < len(list)
	})
	return out, err
}
