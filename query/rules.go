package query

import (
	"strings"

	"github.com/sysreel/sysreel/replay"
)

// ruleAlerts returns the indexer's hook that turns alerts into rows.
func ruleAlerts(rules RuleSet) func(*replay.Event, *indexer) {
	return func(ev *replay.Event, ix *indexer) {
		rules.Eval(ev, func(a RuleAlert) {
			ix.nAlert++
			ix.out.alerts = append(ix.out.alerts, record{ix.nAlert, int64(ev.Num), int64(ev.TS), a.Rule, a.Priority,
				int64(a.Severity), a.Source, strings.Join(a.Tags, ","), a.Output})
		})
	}
}
