package main

import (
	"encoding/json"
	"fmt"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
)

func runVerify(e *env, args []string) error {
	var asJSON, quiet bool
	fs := newFlags(e, "verify FILE... [flags]",
		"Read captures to their end and tell what is not as a recorder leaves it: damaged\n"+
			"checksums, lengths that contradict each other, an early end, parameters of a\n"+
			"size that their type cannot have, times that run backwards by more than a\n"+
			"second, a number of events other than recorded. Prints OK, or each problem on a\n"+
			"line of its own. - is standard input.",
		"sysreel verify out.scap.zst",
		"sysreel verify evidence/*.scap* && echo all sound")
	fs.BoolVarP(&asJSON, "json", "j", false, "one JSON object a line, one for each file")
	fs.BoolVarP(&quiet, "quiet", "q", false, "print nothing for files without problems")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return usageErrorf("which capture? give files, or - for standard input")
	}
	unreadable, bad := false, false
	for _, path := range fs.Args() {
		v, err := verifyFile(e, path)
		if e.ctx.Err() != nil {
			return fmt.Errorf("interrupted")
		}
		if err != nil {
			// A file that is no capture at all is a problem like the others; those
			// behind it are looked at all the same.
			fmt.Fprintf(e.stderr, "sysreel verify: %s\n", safe.String(err.Error()))
			unreadable = true
			continue
		}
		bad = bad || len(v.Problems) > 0
		if quiet && len(v.Problems) == 0 {
			continue
		}
		if asJSON {
			err = json.NewEncoder(e.stdout).Encode(struct {
				File     string   `json:"file"`
				OK       bool     `json:"ok"`
				Events   uint64   `json:"events"`
				Problems []string `json:"problems,omitempty"`
				Notes    []string `json:"notes,omitempty"`
			}{path, len(v.Problems) == 0, v.Events, v.Problems, v.Notes})
		} else {
			err = printVerification(e, path, v)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case unreadable:
		return exitWith(exitFail)
	case bad:
		return exitWith(exitLoss)
	}
	return nil
}

func verifyFile(e *env, path string) (*scapfile.Verification, error) {
	r, err := openCapture(e, path, scapfile.ReaderOptions{Raw: true})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	bar := &progressBar{e: e, what: "verifying"}
	defer bar.clear()
	return untilInterrupt(e, func() (*scapfile.Verification, error) { return scapfile.Verify(r, bar.progress()) })
}

func printVerification(e *env, path string, v *scapfile.Verification) error {
	name := safe.String(path)
	if len(v.Problems) == 0 {
		if _, err := fmt.Fprintf(e.stdout, "%s: OK, %d events\n", name, v.Events); err != nil {
			return err
		}
	}
	for _, p := range v.Problems {
		if _, err := fmt.Fprintf(e.stdout, "%s: %s\n", name, safe.String(p)); err != nil {
			return err
		}
	}
	for _, n := range v.Notes {
		if _, err := fmt.Fprintf(e.stdout, "%s: note: %s\n", name, safe.String(n)); err != nil {
			return err
		}
	}
	return nil
}

// untilInterrupt returns the result of f, or at once when the user interrupts: f
// then goes on until the program ends, which is soon.
func untilInterrupt[T any](e *env, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-e.ctx.Done():
		var none T
		return none, e.ctx.Err()
	}
}
