package rules

import (
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/scapfile/safe"
)

// AppendText appends two columns, rule names and their descriptions wrapped to
// width, at least 80 characters.
func (d *Description) AppendText(dst []byte, width int) []byte {
	var rows [][2]string
	for _, r := range d.Rules {
		desc := r.Info.Description
		if !r.Info.Enabled {
			desc = "(disabled) " + desc
		}
		rows = append(rows, [2]string{r.Info.Name, desc})
	}
	return appendTable(dst, "Rule", "Description", rows, width)
}

// AppendMacros appends two columns, macro names and what they stand for with
// macros and lists in place.
func (d *Description) AppendMacros(dst []byte, width int) []byte {
	var rows [][2]string
	for _, m := range d.Macros {
		rows = append(rows, [2]string{m.Info.Name + unused(m.Details.Used), m.Details.ConditionCompiled})
	}
	return appendTable(dst, "Macro", "Condition", rows, width)
}

// AppendLists appends two columns, list names and their items with lists in
// place.
func (d *Description) AppendLists(dst []byte, width int) []byte {
	var rows [][2]string
	for _, l := range d.Lists {
		rows = append(rows, [2]string{l.Info.Name + unused(l.Details.Used), strings.Join(l.Details.ItemsCompiled, ", ")})
	}
	return appendTable(dst, "List", "Items", rows, width)
}

func unused(used bool) string {
	if used {
		return ""
	}
	return " (unused)"
}

// AppendText appends everything about one rule.
func (r *RuleDesc) AppendText(dst []byte, width int) []byte {
	i, t := &r.Info, &r.Details
	rows := [][2]string{
		{"Rule", i.Name}, {"Description", i.Description}, {"Priority", i.Priority},
		{"Tags", strings.Join(i.Tags, ", ")}, {"Source", i.Source}, {"Enabled", fmt.Sprint(i.Enabled)},
		{"Events", strings.Join(t.Events, ", ")}, {"Fields", strings.Join(t.Fields, ", ")},
		{"Macros", strings.Join(t.Macros, ", ")}, {"Lists", strings.Join(t.Lists, ", ")},
		{"Exceptions", strings.Join(t.ExceptionNames, ", ")},
		{"Condition", i.Condition}, {"Compiled", t.ConditionCompiled}, {"Output", i.Output},
	}
	for _, row := range rows {
		if row[1] != "" {
			dst = appendColumns(dst, row[0], safe.String(strings.Join(strings.Fields(row[1]), " ")), 11, width)
		}
	}
	return dst
}

func appendTable(dst []byte, left, right string, rows [][2]string, width int) []byte {
	names := len(left)
	for i := range rows {
		rows[i][0] = safe.String(rows[i][0])
		rows[i][1] = safe.String(strings.Join(strings.Fields(rows[i][1]), " "))
		names = max(names, len([]rune(rows[i][0])))
	}
	names = min(names, 50)
	dst = appendColumns(dst, left, right, names, width)
	dst = appendColumns(dst, strings.Repeat("-", len(left)), strings.Repeat("-", len(right)), names, width)
	for _, row := range rows {
		dst = appendColumns(dst, row[0], row[1], names, width)
	}
	return dst
}

// appendColumns appends a name and beside it text wrapped to width.
func appendColumns(dst []byte, name, text string, names, width int) []byte {
	width = max(width, 80)
	pad := func(n int) { dst = append(dst, strings.Repeat(" ", max(n, 0))...) }
	dst = append(dst, name...)
	n := len([]rune(name))
	if n > names {
		dst = append(dst, '\n')
		n = 0
	}
	pad(names + 2 - n)
	col := 0
	for i, w := range strings.Fields(text) {
		size := len([]rune(w))
		switch {
		case i > 0 && col+1+size > width-names-2:
			dst = append(dst, '\n')
			pad(names + 2)
			col = 0
		case i > 0:
			dst = append(dst, ' ')
			col++
		}
		dst = append(dst, w...)
		col += size
	}
	return append(dst, '\n')
}
