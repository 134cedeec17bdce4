package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// eventRow is one event of the reference list in JSON.
type eventRow struct {
	Number uint16     `json:"number"`
	Name   string     `json:"name"`
	Symbol string     `json:"symbol"`
	Old    bool       `json:"old_version"`
	Params []paramRow `json:"params"`
}

type paramRow struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func runEvents(e *env, args []string) error {
	fs := newFlags(e, "events [flags] [NAME...]",
		"List the event types of the capture format with their parameters.\nCaptures of today hold exit events; --all lists the types of older captures too.",
		"sysreel events openat", "sysreel events --json | jq .name")
	all := fs.Bool("all", false, "list the events of older captures too")
	asJSON := fs.Bool("json", false, "one JSON object a line")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if err := knownNames(fs.Args(), eventNames()); err != nil {
		return err
	}
	return printRows(e.stdout, func(w io.Writer, enc *json.Encoder) error {
		for _, ev := range schema.Events() {
			if !listed(&ev, *all, fs.Args()) {
				continue
			}
			if *asJSON {
				row := eventRow{Number: uint16(ev.Type), Name: ev.Name, Symbol: ev.Symbol,
					Old: ev.Flags&schema.EF_OLD_VERSION != 0, Params: []paramRow{}}
				for _, p := range ev.Params {
					row.Params = append(row.Params, paramRow{p.Name, p.Type.String()})
				}
				if err := enc.Encode(row); err != nil {
					return err
				}
				continue
			}
			var b strings.Builder
			for i, p := range ev.Params {
				if i > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "%s %s", strings.TrimPrefix(p.Type.String(), "PT_"), p.Name)
			}
			dir := "<"
			if ev.Type.IsEnter() {
				dir = ">"
			}
			if _, err := fmt.Fprintf(w, "%3d %s %s(%s)\n", ev.Type, dir, ev.Name, b.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

// listed reports whether the reference list shows ev. Enter halves of calls
// are not part of today's model; stand-alone events with even numbers are.
func listed(ev *schema.Event, all bool, names []string) bool {
	if len(names) > 0 {
		found := false
		for _, n := range names {
			found = found || n == ev.Name
		}
		if !found {
			return false
		}
	}
	if all {
		return ev.Flags&schema.EF_UNUSED == 0
	}
	if ev.Flags&(schema.EF_OLD_VERSION|schema.EF_UNUSED) != 0 {
		return false
	}
	if !ev.Type.IsEnter() {
		return true
	}
	exit := schema.Lookup(ev.Type + 1)
	return exit == nil || exit.Name != ev.Name || exit.Flags&schema.EF_UNUSED != 0
}

func eventNames() []string {
	var names []string
	for _, ev := range schema.Events() {
		names = append(names, ev.Name)
	}
	return names
}

// knownNames refuses names that are not in the list, with the nearest one.
func knownNames(got, known []string) error {
	set := make(map[string]bool, len(known))
	for _, k := range known {
		set[k] = true
	}
	for _, g := range got {
		if !set[g] {
			return usageErrorf("nothing is called %q%s", g, didYouMean(g, known))
		}
	}
	return nil
}

// printRows runs print over a buffered writer and reports the first error.
func printRows(w io.Writer, print func(io.Writer, *json.Encoder) error) error {
	bw := bufio.NewWriter(w)
	enc := json.NewEncoder(bw)
	enc.SetEscapeHTML(false)
	if err := print(bw, enc); err != nil {
		return err
	}
	return bw.Flush()
}
