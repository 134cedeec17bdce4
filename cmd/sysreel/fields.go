package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sysreel/sysreel/replay"
)

// fieldRow is one field of the reference list in JSON.
type fieldRow struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Class      string `json:"class"`
	Arg        string `json:"arg"`
	List       bool   `json:"list"`
	AnyOf      bool   `json:"any_of"`
	FilterOnly bool   `json:"filter_only"`
	Deprecated bool   `json:"deprecated"`
	Desc       string `json:"desc"`
}

// argText writes what a field takes in brackets.
func argText(f *replay.Field) string {
	text := map[replay.ArgKind]string{replay.ArgIndex: "[N]", replay.ArgKey: "[KEY]", replay.ArgKeyOrIndex: "[KEY or N]"}[f.Arg]
	if text != "" && !f.ArgRequired {
		text += "?"
	}
	return text
}

func runFields(e *env, args []string) error {
	fs := newFlags(e, "fields [flags] [TEXT...]",
		"List the fields that filters, rules and output templates use: name, type,\nargument in brackets (? where it may be left out) and meaning. TEXT selects\nfields whose name contains it.",
		"sysreel fields proc.a", "sysreel fields --json fd. | jq .name", "sysreel fields --markdown > fields.md")
	asJSON := fs.Bool("json", false, "one JSON object a line")
	markdown := fs.Bool("markdown", false, "a Markdown table per class")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	var found []*replay.Field
	for _, f := range replay.Fields() {
		if f.Hidden {
			continue
		}
		ok := fs.NArg() == 0
		for _, text := range fs.Args() {
			ok = ok || strings.Contains(f.Name, text)
		}
		if ok {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return usageErrorf("no field's name contains %q", strings.Join(fs.Args(), " "))
	}
	return printRows(e.stdout, func(w io.Writer, enc *json.Encoder) error {
		class := ""
		for _, f := range found {
			typ := strings.TrimPrefix(f.Type.String(), "PT_")
			if f.List {
				typ = "LIST(" + typ + ")"
			}
			var err error
			switch {
			case *asJSON:
				err = enc.Encode(fieldRow{f.Name, typ, f.Class, argText(f), f.List, f.AnyOf, f.FilterOnly, f.Deprecated, f.Desc})
			case *markdown:
				if f.Class != class {
					fmt.Fprintf(w, "\n## %s\n\n| field | type | meaning |\n|---|---|---|\n", f.Class)
				}
				_, err = fmt.Fprintf(w, "| `%s%s` | %s | %s |\n", f.Name, argText(f), typ, strings.ReplaceAll(f.Desc, "|", `\|`))
			default:
				if f.Class != class {
					fmt.Fprintf(w, "\n%s\n", f.Class)
				}
				_, err = fmt.Fprintf(w, "  %-30s %-14s %s\n", f.Name+argText(f), typ, f.Desc)
			}
			if err != nil {
				return err
			}
			class = f.Class
		}
		return nil
	})
}
