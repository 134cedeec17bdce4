package main

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules"
)

// ruleFlags are the flags of every verb that evaluates rules.
type ruleFlags struct {
	files        []string
	tags         []string
	noTags       []string
	disable      []string
	minPriority  string
	all          bool
	appendOutput []string
	plainOutput  bool
	iso          bool
	noSummary    bool
}

// register adds the flags to fs; usage is that of -r.
func (rf *ruleFlags) register(fs *pflag.FlagSet, usage string) {
	fs.StringArrayVarP(&rf.files, "rules", "r", nil, usage)
	fs.StringSliceVar(&rf.tags, "tag", nil, "only rules with one of these tags")
	fs.StringSliceVarP(&rf.noTags, "exclude-tag", "T", nil, "no rules with one of these tags")
	fs.StringArrayVarP(&rf.disable, "disable", "D", nil, "no rules with this text in their name, may be given again")
	fs.StringVar(&rf.minPriority, "min-priority", "", "no rules less severe than this: emergency ... debug")
	fs.BoolVar(&rf.all, "all-rules", false, "report every rule that matches an event, not only the first")
	fs.StringArrayVar(&rf.appendOutput, "append-output", nil, "add this template to the output of every rule")
	fs.BoolVar(&rf.plainOutput, "no-suggested-output", false, "do not add container and Kubernetes fields to outputs, as Falco's configuration does by default")
	fs.BoolVar(&rf.iso, "iso-time", false, "alerts begin with the ISO 8601 time")
	fs.BoolVar(&rf.noSummary, "no-summary", false, "leave out the summary after the alerts")
}

func (rf *ruleFlags) any() bool { return len(rf.files) > 0 }

// load reads the rule files with the selection of the flags.
func (rf *ruleFlags) load() (*rules.Set, error) {
	opts := rules.LoadOptions{}
	if rf.all {
		opts.Matching = rules.MatchAll
	}
	if rf.minPriority != "" {
		p, err := rules.ParsePriority(rf.minPriority)
		if err != nil {
			return nil, usageErrorf("--min-priority: %v", err)
		}
		opts.MinPriority = p
	}
	opts.Select = append(opts.Select, rules.WithoutNames(rf.disable...)...)
	opts.Select = append(opts.Select, rules.WithoutTags(rf.noTags...)...)
	if len(rf.tags) > 0 {
		opts.Select = append(opts.Select, rules.OnlyTags(rf.tags...)...)
	}
	if !rf.plainOutput {
		opts.Append = append(opts.Append, rules.AppendOutput{Suggested: true})
	}
	for _, text := range rf.appendOutput {
		opts.Append = append(opts.Append, rules.AppendOutput{Text: text})
	}
	return loadRules(opts, rf.files)
}

// loadRules reads rule files for verbs that only use them; their first problem
// is the error.
func loadRules(opts rules.LoadOptions, paths []string) (*rules.Set, error) {
	set, report := rules.Load(opts, paths...)
	if err := report.Err(); err != nil {
		return nil, fmt.Errorf("%w; 'sysreel rules check' tells all", err)
	}
	return set, nil
}

// alertPrinter evaluates rules and writes their alerts.
type alertPrinter struct {
	set   *rules.Set
	fmt   rules.Formatter
	json  bool
	sum   rules.Summary
	quiet bool

	dst []byte // being appended to by found
	n   int64
	cb  func(*rules.Match)
}

func newAlertPrinter(rf *ruleFlags, json bool) (*alertPrinter, error) {
	set, err := rf.load()
	if err != nil {
		return nil, err
	}
	p := &alertPrinter{set: set, json: json, quiet: rf.noSummary}
	p.fmt.ISOTime = rf.iso
	p.cb = p.found // one closure for all events
	return p, nil
}

// append appends the alerts on ev, a line each, and returns how many there are.
func (p *alertPrinter) append(dst []byte, ev *replay.Event) ([]byte, int64) {
	p.dst, p.n = dst, 0
	p.set.Eval(ev, p.cb)
	return p.dst, p.n
}

func (p *alertPrinter) found(m *rules.Match) {
	p.n++
	p.sum.Add(m.Rule)
	if p.json {
		p.dst = p.fmt.AppendJSON(p.dst, m)
	} else {
		p.dst = p.fmt.AppendText(p.dst, m)
	}
	p.dst = append(p.dst, '\n')
}

// summary writes what Falco prints at the end of a run. In JSON the lines are
// alerts only, so there it stays away.
func (p *alertPrinter) summary(w io.Writer) {
	if p.quiet || p.json {
		return
	}
	w.Write(p.sum.AppendText(nil, p.set))
}
