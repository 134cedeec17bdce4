package query

import (
	"fmt"
	"strings"
)

// Schema describes tables, views and functions of the index as Markdown: the
// text of README.md.
func Schema() string {
	var b strings.Builder
	b.WriteString(readmeHead)
	b.WriteString("## Views\n\nWhat questions are asked of. Columns that hold a field of the rule language have its name, with `_` for `.`.\n\n")
	for i := range views {
		v := &views[i]
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", v.name, v.doc)
		b.WriteString("| column | meaning |\n|---|---|\n")
		for _, c := range v.columns {
			fmt.Fprintf(&b, "| `%s` | %s |\n", c.name, cell(c.doc))
		}
		b.WriteByte('\n')
	}
	b.WriteString("## Tables\n\nWhat the views are made of. They join by id.\n\n")
	for _, t := range tables {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", t.name, t.doc)
		b.WriteString("| column | field | meaning |\n|---|---|---|\n")
		for _, c := range t.columns {
			field := ""
			if c.field != "" {
				field = "`" + c.field + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.name, field, cell(c.doc))
		}
		b.WriteByte('\n')
	}
	b.WriteString("## Functions\n\nOn the connection of `sysreel query --sql`; plain `sqlite3` does not have them.\n\n")
	b.WriteString("| function | result |\n|---|---|\n")
	for _, f := range sqlFuncs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.name, cell(f.doc))
	}
	b.WriteString("\n## Reports\n\nSaved queries of `sysreel query --report NAME`.\n\n| report | shows |\n|---|---|\n")
	for _, r := range reports {
		name := r.Name
		if r.Arg != "" {
			name += " " + r.Arg
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(name, "|", "\\|"), cell(r.Doc))
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

const readmeHead = "# The index of a capture\n\n" +
	"<!-- Generated from the schema by go test ./query -run README -update. Do not edit. -->\n\n" +
	"`sysreel query FILE` keeps its index in `FILE.sqlite`, a plain SQLite database that `sqlite3`, Datasette or lnav open as well. " +
	"It belongs to one content of the capture: when size, head, tail or schema version differ, it is built anew. " +
	"The bodies of the events stay in the capture.\n\n" +
	"Times are nanoseconds since the epoch. A failed call has a negative `res`: the error number. " +
	"Strings are the bytes that were captured, whatever they are: escape them before they reach a terminal.\n\n"
