package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// syscallRow is one system call of the reference list in JSON. Numbers are null
// where the architecture does not have the call.
type syscallRow struct {
	Name    string `json:"name"`
	Code    uint16 `json:"ppm_sc"`
	X86_64  *int16 `json:"x86_64"`
	AArch64 *int16 `json:"aarch64"`
	Event   string `json:"event"`
	Generic bool   `json:"generic"`
	State   bool   `json:"keeps_state"`
}

func runSyscalls(e *env, args []string) error {
	fs := newFlags(e, "syscalls [flags] [NAME...]",
		"List the system calls: number per architecture, and whether the call has an\nevent with parameters of its own or appears as the generic event.",
		"sysreel syscalls openat connect", "sysreel syscalls --json | jq 'select(.keeps_state).name'")
	asJSON := fs.Bool("json", false, "one JSON object a line")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	var known []string
	for _, s := range schema.Syscalls() {
		known = append(known, s.Name)
	}
	if err := knownNames(fs.Args(), known); err != nil {
		return err
	}
	want := make(map[string]bool)
	for _, n := range fs.Args() {
		want[n] = true
	}
	return printRows(e.stdout, func(w io.Writer, enc *json.Encoder) error {
		if !*asJSON {
			fmt.Fprintf(w, "%-26s %7s %8s  %s\n", "NAME", "x86_64", "aarch64", "EVENT")
		}
		for _, s := range schema.Syscalls() {
			if len(want) > 0 && !want[s.Name] || s.X86_64 < 0 && s.AArch64 < 0 {
				continue
			}
			row := syscallRow{Name: s.Name, Code: s.Code, X86_64: number(s.X86_64), AArch64: number(s.AArch64),
				Event: s.Exit.String(), Generic: s.Generic(), State: s.Flags&schema.ScState != 0}
			if *asJSON {
				if err := enc.Encode(row); err != nil {
					return err
				}
				continue
			}
			event := "own parameters"
			if row.Generic {
				event = "generic"
			}
			if row.State {
				event += ", keeps state"
			}
			if _, err := fmt.Fprintf(w, "%-26s %7s %8s  %s\n", s.Name, dash(row.X86_64), dash(row.AArch64), event); err != nil {
				return err
			}
		}
		return nil
	})
}

func number(n int16) *int16 {
	if n < 0 {
		return nil
	}
	return &n
}

func dash(n *int16) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
