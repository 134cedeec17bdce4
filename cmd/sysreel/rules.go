package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/scapfile"
)

// ruleVerbs are the verbs below "rules".
var ruleVerbs = []verb{
	{"check", "report every problem of rule files", runRulesCheck},
	{"list", "describe rules, macros and lists", runRulesList},
	{"explain", "tell why a rule fires or not on a capture", runRulesExplain},
	{"diff", "compare the alerts of two versions of rules over captures", runRulesDiff},
	{"schema", "print the JSON schema of rule files, for editors", runRulesSchema},
}

func runRules(e *env, args []string) error {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" {
		w, err := e.stdout, error(nil)
		if len(args) == 0 {
			w, err = e.stderr, exitWith(exitUsage)
		}
		fmt.Fprint(w, "usage: sysreel rules VERB [flags] [arguments]\n\n")
		for _, v := range ruleVerbs {
			fmt.Fprintf(w, "  %-8s %s\n", v.name, v.brief)
		}
		fmt.Fprint(w, "\n'sysreel rules VERB --help' shows flags and examples. The file name 'default' stands for the rules built into sysreel.\n")
		return err
	}
	var names []string
	for _, v := range ruleVerbs {
		if v.name == args[0] {
			return v.run(e, args[1:])
		}
		names = append(names, v.name)
	}
	return usageErrorf("no verb %q below rules%s", args[0], didYouMean(args[0], names))
}

func runRulesCheck(e *env, args []string) error {
	fs := newFlags(e, "rules check [flags] FILE...",
		"Load rule files together, in order, and report every problem with its place\nand a hint. A directory stands for its .yaml and .yml files. Warnings alone do\nnot make a file invalid.",
		"sysreel rules check rules.yaml local/", "sysreel rules check --json rules.yaml | jq '.falco_load_results[].errors'")
	asJSON := fs.Bool("json", false, "the result in the shape of falco -V with JSON output (lines and columns from 0)")
	plain := fs.Bool("no-lint", false, "only what Falco reports, without further advice")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return usageErrorf("no rule file given")
	}
	_, report := rules.Load(rules.LoadOptions{Lint: !*plain}, fs.Args()...)
	if len(report.Files) == 0 {
		return fmt.Errorf("no .yaml or .yml file in %s", strings.Join(fs.Args(), ", "))
	}
	var out []byte
	if *asJSON {
		out = report.AppendJSON(nil)
	} else {
		out = report.AppendText(nil)
	}
	if _, err := e.stdout.Write(out); err != nil {
		return err
	}
	if !report.OK() {
		return exitWith(exitFail)
	}
	return nil
}

func runRulesList(e *env, args []string) error {
	fs := newFlags(e, "rules list [flags] [FILE...]",
		"Describe the rules of files, by default of the built-in ones. With --json also\nmacros and lists, with their expansions, fields and event types.",
		"sysreel rules list", "sysreel rules list -l 'Sensitive file read'", "sysreel rules list --macros rules.yaml", "sysreel rules list -l 'Sensitive file read' --json", "sysreel rules list --tag T1059 rules.yaml")
	name := fs.StringP("rule", "l", "", "describe only the rule of this name, in full")
	tags := fs.StringArray("tag", nil, "only rules with this tag (repeatable)")
	macros := fs.Bool("macros", false, "list the macros with what they stand for")
	lists := fs.Bool("lists", false, "list the lists with their items")
	asJSON := fs.Bool("json", false, "the shape of falco -L with JSON output")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	set, err := loadForListing(fs.Args())
	if err != nil {
		return err
	}
	if *name != "" && set.Rule(*name) == nil {
		return usageErrorf("no rule %q%s", *name, didYouMean(*name, set.Names()))
	}
	d := set.Describe(*name)
	if len(*tags) > 0 {
		d.KeepTags(*tags...)
	}
	const width = 100
	var out []byte
	switch {
	case *asJSON:
		out = d.AppendJSON(nil)
	case *name != "" && len(d.Rules) == 1:
		out = d.Rules[0].AppendText(nil, width)
	case *macros:
		out = d.AppendMacros(nil, width)
	case *lists:
		out = d.AppendLists(nil, width)
	default:
		out = d.AppendText(nil, width)
	}
	_, err = e.stdout.Write(out)
	return err
}

// loadForListing loads rule files, the built-in ones when none is given.
func loadForListing(paths []string) (*rules.Set, error) {
	if len(paths) == 0 {
		paths = []string{"default"}
	}
	set, report := rules.Load(rules.LoadOptions{}, paths...)
	return set, report.Err()
}

func runRulesExplain(e *env, args []string) error {
	fs := newFlags(e, "rules explain [flags] --rule NAME RULES... CAPTURE",
		"Tell over a whole capture which condition most often stopped a rule, which\nexceptions suppressed it and which rule took its events first. With --event the\ncondition as a tree, with the truth and the value of each part on that event.",
		"sysreel rules explain --rule 'Sensitive file read' default out.scap.zst",
		"sysreel rules explain --rule 'Sensitive file read' --event 384 default out.scap.zst")
	name := fs.String("rule", "", "name of the rule")
	event := fs.Uint64("event", 0, "number of the event to explain")
	all := fs.Bool("all-rules", false, "rules do not take events from each other (matching strategy 'all')")
	asJSON := fs.Bool("json", false, "one JSON object")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if *name == "" {
		return usageErrorf("which rule? Name it with --rule; 'sysreel rules list' lists them")
	}
	if fs.NArg() < 2 {
		return usageErrorf("rule files and a capture are needed")
	}
	files, capture := fs.Args()[:fs.NArg()-1], fs.Arg(fs.NArg()-1)
	opts := rules.LoadOptions{}
	if *all {
		opts.Matching = rules.MatchAll
	}
	set, report := rules.Load(opts, files...)
	if err := report.Err(); err != nil {
		return err
	}
	r := set.Rule(*name)
	if r == nil {
		return usageErrorf("no rule %q%s", *name, didYouMean(*name, set.Names()))
	}
	x, err := set.Explainer(r)
	if err != nil {
		return err
	}
	answer, err := explain(e, x, capture, *event)
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(answer)
	}
	_, err = e.stdout.Write(answer.AppendText(nil))
	return err
}

type explanation interface{ AppendText([]byte) []byte }

// explain replays the capture up to the event, or all of it when event is 0.
func explain(e *env, x *rules.Explainer, capture string, event uint64) (explanation, error) {
	src, err := scapfile.Open(capture)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	m := replay.New(src, replay.Options{})
	last := uint64(0)
	for {
		ev, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if e.ctx.Err() != nil {
			return nil, e.ctx.Err()
		}
		if event == 0 {
			x.Study(ev)
			continue
		}
		if last = ev.Num; last == event {
			return x.Event(ev), nil
		}
		if last > event {
			break
		}
	}
	if event != 0 {
		hint := fmt.Sprintf("the capture ends with event %d", last)
		if last > event {
			hint = "it only carries state and is not shown to rules"
		}
		return nil, usageErrorf("%s: there is no event %d to explain: %s", capture, event, hint)
	}
	return x.Findings(), nil
}

func runRulesSchema(e *env, args []string) error {
	fs := newFlags(e, "rules schema",
		"Print the JSON schema of rule files. Editors that know YAML complete and check\nrule files with it.",
		"sysreel rules schema > falco-rules.schema.json")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return usageErrorf("unexpected argument %q", strings.Join(fs.Args(), " "))
	}
	_, err := e.stdout.Write(rules.JSONSchema())
	return err
}
