package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/sysreel/sysreel/capture"
	"github.com/sysreel/sysreel/probe"
)

// doctorFeature is one requirement in JSON; doctorFact is one fact.
type doctorFeature struct {
	Feature string `json:"feature"`
	OK      bool   `json:"ok"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy,omitempty"`
}

type doctorFact struct {
	Fact  string `json:"fact"`
	Value string `json:"value"`
}

func runDoctor(e *env, args []string) error {
	fs := newFlags(e, "doctor [flags]",
		"Tell whether this host is ready to record, and what to do about what is missing.\nNothing on the host is changed. Exit code 1: a capture cannot work here.",
		"sysreel doctor", "sysreel doctor --json | jq 'select(.ok == false)'")
	asJSON := fs.Bool("json", false, "one JSON object a line")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return usageErrorf("unexpected argument %q", fs.Arg(0))
	}
	features, facts := probe.Check(), capture.Facts()
	err := printRows(e.stdout, func(w io.Writer, enc *json.Encoder) error {
		if *asJSON {
			return doctorJSON(enc, features, facts)
		}
		return doctorText(w, features, facts)
	})
	if err != nil {
		return err
	}
	if !capture.Ready(features) {
		return exitWith(exitFail)
	}
	return nil
}

func doctorJSON(enc *json.Encoder, features []probe.Feature, facts []capture.Fact) error {
	for _, f := range facts {
		if err := enc.Encode(doctorFact{f.Name, f.Value}); err != nil {
			return err
		}
	}
	for _, f := range features {
		if err := enc.Encode(doctorFeature{f.Name, f.OK, f.Detail, f.Remedy}); err != nil {
			return err
		}
	}
	return nil
}

func doctorText(w io.Writer, features []probe.Feature, facts []capture.Fact) error {
	width := 0
	for _, f := range features {
		width = max(width, len(f.Name))
	}
	for _, f := range facts {
		width = max(width, len(f.Name))
	}
	for _, f := range facts {
		fmt.Fprintf(w, "      %-*s  %s\n", width, f.Name, f.Value)
	}
	missing := 0
	for _, f := range features {
		mark := "ok"
		if !f.OK {
			mark = "FAIL"
			missing++
		}
		fmt.Fprintf(w, "%-4s  %-*s  %s\n", mark, width, f.Name, f.Detail)
		if !f.OK && f.Remedy != "" {
			fmt.Fprintf(w, "      %-*s  remedy: %s\n", width, "", f.Remedy)
		}
	}
	switch {
	case missing == 0:
		fmt.Fprintln(w, "\nThis host is ready to record: sysreel capture -w a.scap.zst -- ls")
	case capture.Ready(features):
		fmt.Fprintln(w, "\nThis host is ready to record; there are substitutes for what is missing.")
	default:
		fmt.Fprintf(w, "\nThis host cannot record: %d of %d requirements are not met.\n", missing, len(features))
	}
	return nil
}
