package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/sysreel/sysreel/fixtures"
	"github.com/sysreel/sysreel/scapfile"
)

// fixtureVerbs are the verbs below "fixtures".
var fixtureVerbs = []verb{
	{"run", "replay cases through their rules and compare the alerts", runFixturesRun},
	{"record", "record a command live and write a case with its alerts", runFixturesRecord},
	{"minimise", "cut a capture down to what its alerts need", runFixturesMinimise},
	{"mutate", "change rules bit by bit and tell what no case notices", runFixturesMutate},
	{"compile", "make a capture from a scenario", runFixturesCompile},
	{"decompile", "write a capture as a scenario", runFixturesDecompile},
	{"schema", "print the JSON schema of case files, for editors", runFixturesSchema},
}

func runFixtures(e *env, args []string) error {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" {
		w, err := e.stdout, error(nil)
		if len(args) == 0 {
			w, err = e.stderr, exitWith(exitUsage)
		}
		fmt.Fprint(w, "usage: sysreel fixtures VERB [flags] [arguments]\n\nTests for detection rules: cases with the alerts they must raise.\n\n")
		for _, v := range fixtureVerbs {
			fmt.Fprintf(w, "  %-10s %s\n", v.name, v.brief)
		}
		fmt.Fprint(w, "\n'sysreel fixtures VERB --help' shows flags and examples.\n")
		return err
	}
	var names []string
	for _, v := range fixtureVerbs {
		if v.name == args[0] {
			return v.run(e, args[1:])
		}
		names = append(names, v.name)
	}
	return usageErrorf("no verb %q below fixtures%s", args[0], didYouMean(args[0], names))
}

// runFlags are the flags of fixtures run.
type runFlags struct {
	rules     []string
	run       string
	workers   int
	strict    bool
	verbose   bool
	all       bool
	json      bool
	tap       bool
	junit     string
	update    bool
	coverage  bool
	open      bool
	threshold int
}

func runFixturesRun(e *env, args []string) error {
	fs := newFlags(e, "fixtures run [flags] [PATH...]",
		"Run the cases of files and of directories, which are searched for case.yaml and\nNAME.case.yaml; by default the current directory. A failed case shows its first\ndifference; for a rule that did not fire also the event that came nearest and\nwhich parts of the condition were false on it.",
		"sysreel fixtures run", "sysreel fixtures run --rules rules/my_rules.yaml tests/", "sysreel fixtures run --run 'shadow|sudoers' -v tests/",
		"sysreel fixtures run --junit report.xml tests/", "sysreel fixtures run --coverage --threshold 90 tests/", "sysreel fixtures run --update tests/new.case.yaml")
	var f runFlags
	fs.StringArrayVarP(&f.rules, "rules", "r", nil, "rule file or directory for cases that name none (repeatable); default: the built-in rules")
	fs.StringVar(&f.run, "run", "", "only cases whose name matches this regular expression")
	fs.IntVarP(&f.workers, "jobs", "j", 0, "cases run at the same time; 0: one per CPU")
	fs.BoolVar(&f.strict, "strict", false, "every alert that a case does not expect is a failure")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "list passed cases too")
	fs.BoolVar(&f.all, "all", false, "show all differences of a case, not only the first")
	fs.BoolVar(&f.json, "json", false, "one JSON object for each case and one with the totals")
	fs.BoolVar(&f.tap, "tap", false, "Test Anything Protocol")
	fs.StringVar(&f.junit, "junit", "", "write a JUnit XML report to this file too")
	fs.BoolVar(&f.update, "update", false, "change the expectations of failed cases to what was raised")
	fs.BoolVar(&f.coverage, "coverage", false, "show which rules fired and how many branches of their conditions were taken")
	fs.BoolVar(&f.open, "uncovered", false, "with the branches that were not (implies --coverage)")
	fs.IntVar(&f.threshold, "threshold", 0, "fail unless every rule fired and this per cent of branches were taken (implies --coverage)")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if f.json && f.tap {
		return usageErrorf("--json and --tap exclude each other")
	}
	if f.threshold < 0 || f.threshold > 100 {
		return usageErrorf("--threshold is a percentage from 0 to 100, not %d", f.threshold)
	}
	f.coverage = f.coverage || f.open || f.threshold > 0
	opts := fixtures.RunOptions{Rules: f.rules, Workers: f.workers, Strict: f.strict, Coverage: f.coverage}
	if f.workers < 0 {
		return usageErrorf("--jobs wants a number from 0 on")
	}
	if f.run != "" {
		re, err := regexp.Compile(f.run)
		if err != nil {
			return usageErrorf("--run: %v", err)
		}
		opts.Match = re
	}
	paths := fs.Args()
	if len(paths) == 0 {
		paths = []string{"."}
	}
	cases, err := fixtures.LoadCases(paths...)
	if err != nil {
		return &exitError{exitUsage, err.Error()} // not a failed case: nothing ran
	}
	rep, err := fixtures.Run(e.ctx, cases, opts)
	if err != nil {
		return err
	}
	if len(rep.Results) == 0 {
		return usageErrorf("--run %q selects none of the %d cases", f.run, len(cases))
	}
	return f.finish(e, rep)
}

// finish writes the reports and turns them into the exit code.
func (f *runFlags) finish(e *env, rep *fixtures.Report) error {
	var out []byte
	switch {
	case f.json:
		out = rep.AppendJSON(nil)
	case f.tap:
		out = rep.AppendTAP(nil)
	default:
		out = rep.AppendText(nil, f.verbose, f.all)
	}
	if _, err := e.stdout.Write(out); err != nil {
		return err
	}
	if f.junit != "" {
		if err := os.WriteFile(f.junit, rep.AppendJUnit(nil), 0o644); err != nil {
			return fmt.Errorf("writing JUnit report: %w", err)
		}
	}
	if f.update && rep.Failed() > 0 {
		files, err := fixtures.Update(rep)
		if err != nil {
			return err
		}
		for _, name := range files {
			fmt.Fprintf(e.stderr, "updated %s\n", name)
		}
		for i := range rep.Results {
			if rep.Results[i].Err != nil {
				return exitWith(exitFail)
			}
		}
		return nil
	}
	failed := rep.Failed() > 0
	if c := rep.Coverage; c != nil {
		w := e.stdout
		if f.json || f.tap {
			w = e.stderr // the results are for machines
		}
		if _, err := w.Write(c.AppendText(nil, f.open)); err != nil {
			return err
		}
		fired, all := c.Fired()
		covered, branches := c.Branches()
		if f.threshold > 0 && (fired < all || covered*100 < f.threshold*branches) {
			fmt.Fprintf(e.stderr, "coverage is below the threshold: every rule must fire and %d%% of branches be taken\n", f.threshold)
			failed = true
		}
	}
	if failed {
		return exitWith(exitFail)
	}
	return nil
}

func runFixturesCompile(e *env, args []string) error {
	fs := newFlags(e, "fixtures compile [flags] -w CAPTURE SCENARIO",
		"Make a capture from a scenario. Every scap tool opens it; the name decides the\ncompression as for sysreel capture.",
		"sysreel fixtures compile -w shadow.scap shadow.scenario", "sysreel fixtures compile -w shadow.scap.zst -", "sysreel fixtures compile --check shadow.scenario")
	out := fs.StringP("write", "w", "", "capture to write")
	check := fs.Bool("check", false, "only look for mistakes")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return usageErrorf("one scenario is needed, - for the standard input")
	}
	if (*out == "") != *check {
		return usageErrorf("name the capture with -w, or give --check")
	}
	var s *fixtures.Scenario
	var err error
	if name := fs.Arg(0); name == "-" {
		text, rerr := io.ReadAll(e.stdin)
		if rerr != nil {
			return fmt.Errorf("reading scenario: %w", rerr)
		}
		s, err = fixtures.Compile("-", text)
	} else {
		s, err = fixtures.CompileFile(name)
	}
	if err != nil {
		return err
	}
	if !*check {
		if err := s.WriteFile(*out); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.stderr, "%d events\n", s.Events())
	return nil
}

func runFixturesDecompile(e *env, args []string) error {
	fs := newFlags(e, "fixtures decompile CAPTURE",
		"Write a capture as a scenario that compiles to the same events. Old captures are\nconverted to today's events first, as everywhere.",
		"sysreel fixtures decompile out.scap.zst > out.scenario", "sysreel fixtures decompile out.scap | grep openat | head")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return usageErrorf("one capture is needed%s", strings.Repeat(", not several", min(1, fs.NArg()/2)))
	}
	r, err := scapfile.Open(fs.Arg(0))
	if err != nil {
		return err
	}
	defer r.Close()
	w := bufio.NewWriterSize(e.stdout, 1<<16)
	if err := fixtures.Decompile(w, r); err != nil {
		w.Flush()
		return err
	}
	return w.Flush()
}

func runFixturesSchema(e *env, args []string) error {
	fs := newFlags(e, "fixtures schema", "Print the JSON schema of case files. Editors that know YAML complete and check\ncases with it.",
		"sysreel fixtures schema > case.schema.json")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return usageErrorf("unexpected argument %q", strings.Join(fs.Args(), " "))
	}
	_, err := e.stdout.Write(fixtures.CaseSchema())
	return err
}
