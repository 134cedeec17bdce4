package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/replay"
)

// Rules implements Store.
func (s *IndexStore) Rules(ctx context.Context) ([]Rule, error) {
	if s.set == nil {
		return nil, nil
	}
	hits := make(map[string]int64)
	err := s.each(ctx, "SELECT rule, count(*) FROM alerts GROUP BY rule", func(row []any) bool {
		name, _ := row[0].(string)
		hits[name], _ = row[1].(int64)
		return true
	})
	if err != nil {
		return nil, err
	}
	var out []Rule
	for _, r := range s.set.Rules() {
		out = append(out, Rule{Name: r.Name, Priority: r.Priority.String(), Desc: r.Desc, Condition: r.Condition, Expanded: r.CompiledCondition(),
			Place: fmt.Sprintf("%s:%d", r.File, r.Line), Tags: r.Tags, Enabled: r.Enabled, Hits: hits[r.Name]})
	}
	return out, nil
}

// Study implements Store.
func (s *IndexStore) Study(ctx context.Context, rule string) ([]string, error) {
	x, err := s.explainer(rule)
	if err != nil {
		return nil, err
	}
	if err := s.ix.Replay(ctx, func(ev *replay.Event) error { x.Study(ev); return nil }); err != nil {
		return nil, err
	}
	text := string(x.Findings().AppendText(nil))
	_, text, _ = strings.Cut(text, "\n") // the name of the rule
	return strings.Split(strings.TrimRight(text, "\n"), "\n"), nil
}
