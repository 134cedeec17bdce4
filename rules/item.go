package rules

import (
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// item reads one item of a file.
func (l *loader) item(c *ctx, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		l.failHint(c, ErrYAMLValidate, "begin each item with '- rule:', '- macro:' or '- list:'",
			"rules content item is a %s, expected a mapping", kindName(n))
		return
	}
	kinds := []struct {
		key  string
		read func(*ctx, *yaml.Node)
	}{
		{"required_engine_version", l.engineVersion},
		{"required_plugin_versions", l.pluginVersions},
		{"list", l.list},
		{"macro", l.macro},
		{"rule", l.rule},
	}
	for _, k := range kinds {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == k.key {
				k.read(c, n)
				return
			}
		}
	}
	name := ""
	if len(n.Content) > 0 {
		name = n.Content[0].Value
	}
	l.fail(c, WarnUnknownItem, "unknown top level item '%s'", name)
}

var (
	macroName = regexp.MustCompile(`^[a-zA-Z]+[a-zA-Z0-9_]*$`)
	listName  = regexp.MustCompile(`^[^()"'=, \t\r\n]+$`)
)

func (l *loader) list(c *ctx, n *yaml.Node) {
	m := l.mapping(c, n, "list", listKeys)
	name, ok := m.filled("list")
	if !ok {
		return
	}
	c = c.parent.child("list", name, n)
	m.at = c
	if !listName.MatchString(name) {
		l.fail(c, WarnInvalidListName, "list has an invalid name '%s'", name)
	}
	ov, ok := m.override()
	if !ok || !m.require() {
		return
	}
	items, ok := m.scalars("items", "list item")
	if !ok {
		return
	}
	prev := l.defs.lists.byName[name]
	switch {
	case ov.appends("items"):
		if prev == nil {
			l.failHint(c, ErrValidate, "define the list first, or remove append", "list '%s' is to be appended to, but no list by that name exists", name)
			return
		}
		prev.items = append(slices.Clip(prev.items), items...)
		prev.latest, prev.at = l.defs.next(), c
	case prev != nil:
		prev.items, prev.latest, prev.at = items, l.defs.next(), c
	default:
		seq := l.defs.next()
		l.defs.lists.put(name, &listDef{order: order{seq, seq}, name: name, items: items, at: c})
	}
}

func (l *loader) macro(c *ctx, n *yaml.Node) {
	m := l.mapping(c, n, "macro", macroKeys)
	name, ok := m.filled("macro")
	if !ok {
		return
	}
	c = c.parent.child("macro", name, n)
	m.at = c
	if !macroName.MatchString(name) {
		l.fail(c, WarnInvalidMacroName, "macro has an invalid name '%s'", name)
	}
	ov, ok := m.override()
	if !ok || !m.require() {
		return
	}
	cond := m.text("condition")
	if cond == nil {
		return
	}
	prev := l.defs.macros.byName[name]
	switch {
	case ov.appends("condition"):
		if prev == nil {
			l.failHint(c, ErrValidate, "define the macro first, or remove append", "macro '%s' is to be appended to, but no macro by that name exists", name)
			return
		}
		prev.cond = prev.cond.join(" ", cond)
		prev.latest, prev.at = l.defs.next(), c
	case prev != nil:
		prev.cond, prev.latest, prev.at = cond, l.defs.next(), c
	default:
		seq := l.defs.next()
		l.defs.macros.put(name, &macroDef{order: order{seq, seq}, name: name, cond: cond, at: c})
	}
}
