package query

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules"
)

// ruleAlerts returns the indexer's hook that turns alerts into rows.
func ruleAlerts(set *rules.Set) func(*replay.Event, *indexer) {
	return func(ev *replay.Event, ix *indexer) {
		set.Eval(ev, func(m *rules.Match) {
			ix.nAlert++
			ix.out.alerts = append(ix.out.alerts, record{ix.nAlert, int64(ev.Num), int64(ev.TS), m.Rule.Name, m.Rule.Priority.String(),
				int64(m.Rule.Priority - rules.PriorityEmergency), m.Rule.Source, strings.Join(m.Rule.Tags, ","),
				string(m.AppendMessage(nil)), string(m.AppendFields(nil))})
		})
	}
}

// rulesHash identifies what a set finds and how it tells it: other rules, other
// hash.
func rulesHash(set *rules.Set) string {
	if set == nil {
		return ""
	}
	h := sha256.New()
	for _, r := range set.Rules() {
		if r.Enabled {
			fmt.Fprintf(h, "%q %q %q %d %q %q\n", r.Name, r.CompiledCondition(), r.Output, r.Priority, r.Source, r.Tags)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
