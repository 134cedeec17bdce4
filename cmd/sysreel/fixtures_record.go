package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sysreel/sysreel/fixtures"
	"github.com/sysreel/sysreel/rules"
)

func runFixturesRecord(e *env, args []string) error {
	fs := newFlags(e, "fixtures record [flags] NAME -- COMMAND [ARGUMENT...]",
		"Record a command live, replay it through the rules and write a case with the\nalerts that it raised, for you to edit: DIR/NAME.case.yaml and its capture, cut\ndown to what the alerts need. A command that raises no alert makes a case that\nexpects silence; its capture stays whole.",
		"sysreel fixtures record 'cat of shadow' -- cat /etc/shadow", "sysreel fixtures record --rules rules/ -o tests 'nightly backup' -- ./backup.sh")
	files := fs.StringArrayP("rules", "r", nil, "rule file or directory (repeatable); default: the built-in rules")
	dir := fs.StringP("output", "o", ".", "directory for the case and its capture")
	whole := fs.Bool("whole", false, "do not cut the capture down")
	snaplen := fs.Uint32P("snaplen", "s", 80, "bytes of read and written data to keep")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	dash := fs.ArgsLenAtDash()
	if dash != 1 || fs.NArg() < 2 {
		return usageErrorf("name the case and the command: sysreel fixtures record NAME -- COMMAND")
	}
	name, command := fs.Arg(0), fs.Args()[1:]
	base := fixtures.FileName(name)
	if base == "" {
		return usageErrorf("the name %q has no letter or digit to name files by", name)
	}
	caseFile := filepath.Join(*dir, base+".case.yaml")
	captureFile := filepath.Join(*dir, base+".scap")
	for _, f := range []string{caseFile, captureFile} {
		if _, err := os.Lstat(f); err == nil {
			return fmt.Errorf("%s exists: choose another name or remove it", f)
		}
	}
	paths := *files
	if len(paths) == 0 {
		paths = []string{"default"}
	}
	set, err := loadRules(rules.LoadOptions{}, paths)
	if err != nil {
		return err
	}
	argv := []string{"-q", "-w", captureFile, "-s", fmt.Sprint(*snaplen), "--"}
	if err := runCapture(e, append(argv, command...)); err != nil {
		var exit *exitError
		if !errors.As(err, &exit) || exit.msg != "" {
			return err
		}
		fmt.Fprintf(e.stderr, "the command ended with status %d\n", exit.code) // a case all the same
	}
	s, err := fixtures.ReadScenario(captureFile)
	if err != nil {
		return err
	}
	before := s.Events()
	alerts, err := s.Alerts(e.ctx, set)
	if err != nil {
		return err
	}
	if len(alerts) > 0 && !*whole {
		if s, err = fixtures.Minimise(e.ctx, s, set); err != nil {
			return err
		}
		if err := s.WriteFile(captureFile); err != nil {
			return err
		}
	}
	draft := fixtures.Draft{Name: name, About: "Recorded from: " + shellLine(command), Capture: filepath.Base(captureFile), Alerts: alerts}
	for _, p := range *files {
		rel, err := relativeTo(*dir, p)
		if err != nil {
			return err
		}
		draft.Rules = append(draft.Rules, rel)
	}
	text, err := fixtures.DraftCase(draft)
	if err != nil {
		return err
	}
	if err := os.WriteFile(caseFile, text, 0o644); err != nil {
		return fmt.Errorf("writing case: %w", err)
	}
	fmt.Fprintf(e.stderr, "%d alerts; %d of %d events kept in %s\n", len(alerts), s.Events(), before, captureFile)
	fmt.Fprintf(e.stdout, "%s\n", caseFile)
	return nil
}

// relativeTo returns path as seen from dir.
func relativeTo(dir, path string) (string, error) {
	a, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	b, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.Rel(a, b)
}

func runFixturesMinimise(e *env, args []string) error {
	fs := newFlags(e, "fixtures minimise [flags] -w OUT CAPTURE",
		"Cut a capture to the fewest events and the least state that still give the same\nalerts at the same times with the same messages.",
		"sysreel fixtures minimise -w small.scap big.scap.zst", "sysreel fixtures minimise -r rules.yaml -w small.scap big.scap.zst")
	files := fs.StringArrayP("rules", "r", nil, "rule file or directory (repeatable); default: the built-in rules")
	out := fs.StringP("write", "w", "", "capture to write, or a .scenario")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() != 1 || *out == "" {
		return usageErrorf("a capture and an output (-w) are needed")
	}
	paths := *files
	if len(paths) == 0 {
		paths = []string{"default"}
	}
	set, err := loadRules(rules.LoadOptions{}, paths)
	if err != nil {
		return err
	}
	s, err := fixtures.ReadScenario(fs.Arg(0))
	if err != nil {
		return err
	}
	small, err := fixtures.Minimise(e.ctx, s, set)
	if err != nil {
		return fmt.Errorf("%s: %w", fs.Arg(0), err)
	}
	if strings.HasSuffix(*out, ".scenario") {
		err = writeScenario(*out, small)
	} else {
		err = small.WriteFile(*out)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "%d of %d events kept\n", small.Events(), s.Events())
	return nil
}

func writeScenario(path string, s *fixtures.Scenario) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing scenario: %w", err)
	}
	err = fixtures.Decompile(f, s.Source())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func runFixturesMutate(e *env, args []string) error {
	fs := newFlags(e, "fixtures mutate [flags] [PATH...]",
		"Change the conditions of the rules one part at a time, run the cases each time and\nshow the changes that none of them notices: what no test holds in place. Each\npart is negated, and taken away from the and or or that it stands in.",
		"sysreel fixtures mutate tests/", "sysreel fixtures mutate --rule 'Sensitive file read' tests/", "sysreel fixtures mutate --whole --threshold 100 tests/")
	files := fs.StringArrayP("rules", "r", nil, "rule file or directory for cases that name none (repeatable); default: the built-in rules")
	rule := fs.String("rule", "", "only this rule")
	whole := fs.Bool("whole", false, "only the opposite of each whole condition")
	threshold := fs.Int("threshold", 0, "fail unless this per cent of the changes are noticed")
	asJSON := fs.Bool("json", false, "one JSON object for each change")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if *threshold < 0 || *threshold > 100 {
		return usageErrorf("--threshold is a percentage from 0 to 100, not %d", *threshold)
	}
	paths := fs.Args()
	if len(paths) == 0 {
		paths = []string{"."}
	}
	cases, err := fixtures.LoadCases(paths...)
	if err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	opts := fixtures.MutateOptions{Run: fixtures.RunOptions{Rules: *files}, Rule: *rule, Whole: *whole}
	rep, err := fixtures.Run(e.ctx, cases, opts.Run)
	if err != nil {
		return err
	}
	if rep.Failed() > 0 {
		return fmt.Errorf("%d of %d cases fail as it is; 'sysreel fixtures run' tells why", rep.Failed(), len(cases))
	}
	list, err := fixtures.Mutate(e.ctx, cases, opts)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return usageErrorf("no enabled rule %q in the rule files", *rule)
	}
	if *asJSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetEscapeHTML(false)
		for i := range list {
			if err := enc.Encode(&list[i]); err != nil {
				return err
			}
		}
	} else if _, err := e.stdout.Write(fixtures.AppendMutants(nil, list)); err != nil {
		return err
	}
	if killed, valid := fixtures.CountMutants(list); killed*100 < *threshold*valid {
		return exitWith(exitFail)
	}
	return nil
}
