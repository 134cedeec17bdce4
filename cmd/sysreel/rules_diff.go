package main

import (
	"encoding/json"

	"github.com/sysreel/sysreel/fixtures"
	"github.com/sysreel/sysreel/rules"
)

func runRulesDiff(e *env, args []string) error {
	fs := newFlags(e, "rules diff [flags] OLD NEW CAPTURE...",
		"Replay captures through two versions of rules and show the alerts that are gained,\nlost and changed, with the part of the rule that is responsible. OLD and NEW are\nrule files, directories, or the word default.",
		"sysreel rules diff rules.yaml rules.new.yaml week/*.scap.zst", "sysreel rules diff --fail default mine/ incident.scap")
	limit := fs.IntP("limit", "n", 5, "show at most this many of each kind for a rule; 0: all")
	all := fs.Bool("all-rules", false, "rules do not take events from each other (matching strategy 'all')")
	asJSON := fs.Bool("json", false, "one JSON object for each difference and one with the totals")
	fail := fs.Bool("fail", false, "exit with 1 when there is a difference")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() < 3 {
		return usageErrorf("old rules, new rules and at least one capture are needed")
	}
	opts := rules.LoadOptions{}
	if *all {
		opts.Matching = rules.MatchAll
	}
	before, err := loadRules(opts, fs.Args()[:1])
	if err != nil {
		return err
	}
	after, err := loadRules(opts, fs.Args()[1:2])
	if err != nil {
		return err
	}
	b, err := fixtures.Compare(e.ctx, before, after, fs.Args()[2:]...)
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetEscapeHTML(false)
		for i := range b.Deltas {
			if err := enc.Encode(&b.Deltas[i]); err != nil {
				return err
			}
		}
		err = enc.Encode(b)
	} else {
		_, err = e.stdout.Write(b.AppendText(nil, *limit))
	}
	if err == nil && *fail && len(b.Deltas) > 0 {
		return exitWith(exitFail)
	}
	return err
}
