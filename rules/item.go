package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// keySpec is a key of an item: what its value is and how override may use it.
type keySpec struct {
	name     string
	kind     valueKind
	required bool // in a complete definition
	// append and replace tell whether override allows the operation; exempt keys
	// need no mention under override.
	append, replace, exempt bool
	desc                    string
}

type valueKind uint8

const (
	kindText valueKind = iota
	kindBool
	kindUint
	kindPriority
	kindTexts      // sequence of scalars
	kindOneOrMany  // scalar or sequence of scalars
	kindComps      // the same, of operators
	kindValues     // sequence of scalars or tuples
	kindExceptions // sequence of mappings
	kindOverride   // mapping of key to operation
	kindVersion
	kindPlugins
)

// The keys of each item kind. Decoding, override checks, unknown-key warnings
// and the JSON schema follow from these tables.
var (
	listKeys = []keySpec{
		{name: "list", kind: kindText, required: true, exempt: true, desc: "name of the list"},
		{name: "items", kind: kindTexts, required: true, append: true, replace: true, desc: "values; the name of an earlier list stands for its items"},
		{name: "append", kind: kindBool, exempt: true, desc: "deprecated: add the items to the existing list"},
		{name: "override", kind: kindOverride, exempt: true, desc: "change an existing list: key to append or replace"},
	}
	macroKeys = []keySpec{
		{name: "macro", kind: kindText, required: true, exempt: true, desc: "name of the macro"},
		{name: "condition", kind: kindText, required: true, append: true, replace: true, desc: "condition that the name stands for"},
		{name: "append", kind: kindBool, exempt: true, desc: "deprecated: add text to the existing condition"},
		{name: "override", kind: kindOverride, exempt: true, desc: "change an existing macro: key to append or replace"},
	}
	ruleKeys = []keySpec{
		{name: "rule", kind: kindText, required: true, exempt: true, desc: "unique name of the rule"},
		{name: "condition", kind: kindText, required: true, append: true, replace: true, desc: "condition on an event"},
		{name: "desc", kind: kindText, required: true, append: true, replace: true, desc: "what the rule detects and why it matters"},
		{name: "output", kind: kindText, required: true, append: true, replace: true, desc: "template of the message"},
		{name: "priority", kind: kindPriority, required: true, replace: true, desc: "severity"},
		{name: "source", kind: kindText, exempt: true, desc: "event source, syscall by default"},
		{name: "enabled", kind: kindBool, replace: true, desc: "false keeps the rule from being evaluated"},
		{name: "tags", kind: kindTexts, append: true, replace: true, desc: "labels for selection"},
		{name: "exceptions", kind: kindExceptions, append: true, replace: true, desc: "events to leave out"},
		{name: "capture", kind: kindBool, replace: true, desc: "record events when the rule fires"},
		{name: "capture_duration", kind: kindUint, replace: true, desc: "length of the recording in milliseconds"},
		{name: "warn_evttypes", kind: kindBool, replace: true, desc: "false silences LOAD_NO_EVTTYPE"},
		{name: "skip-if-unknown-filter", kind: kindBool, replace: true, desc: "drop the rule when a field is unknown instead of failing"},
		{name: "append", kind: kindBool, exempt: true, desc: "deprecated: add to the condition and exceptions of the existing rule"},
		{name: "override", kind: kindOverride, exempt: true, desc: "change an existing rule: key to append or replace"},
	}
	exceptionKeys = []keySpec{
		{name: "name", kind: kindText, required: true, desc: "name of the exception"},
		{name: "fields", kind: kindOneOrMany, desc: "field, or sequence of fields"},
		{name: "comps", kind: kindComps, desc: "operator, or one operator per field"},
		{name: "values", kind: kindValues, desc: "values, or tuples of values"},
	}
	pluginKeys = []keySpec{
		{name: "name", kind: kindText, required: true, desc: "name of the plugin"},
		{name: "version", kind: kindText, required: true, desc: "lowest version"},
		{name: "alternatives", kind: kindPlugins, desc: "plugins that serve as well"},
	}
)

func findKey(keys []keySpec, name string) *keySpec {
	for i := range keys {
		if keys[i].name == name {
			return &keys[i]
		}
	}
	return nil
}

// mapping is a decoded view of a YAML mapping.
type mapping struct {
	l    *loader
	at   *ctx
	keys []keySpec
	val  map[string]*yaml.Node
}

// mapping reads n's keys and warns of unknown ones. The first of a repeated key
// counts, as in Falco.
func (l *loader) mapping(c *ctx, n *yaml.Node, what string, keys []keySpec) mapping {
	m := mapping{l: l, at: c, keys: keys, val: make(map[string]*yaml.Node, len(n.Content)/2)}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if findKey(keys, k.Value) == nil {
			l.failHint(c.child(what, "", k), WarnUnknownKey, suggestKey(k.Value, keys),
				"unknown key '%s' in %s", k.Value, what)
			continue
		}
		if _, dup := m.val[k.Value]; dup {
			if l.opts.Lint {
				l.failHint(c.child(what, "", k), LintDupKey, "", "key '%s' is given more than once, the first counts", k.Value)
			}
			continue
		}
		m.val[k.Value] = deref(n.Content[i+1])
	}
	return m
}

// suggestKey returns a hint that names the most similar key.
func suggestKey(got string, keys []keySpec) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	if best := nearest(got, names); best != "" {
		return "did you mean '" + best + "'?"
	}
	return ""
}

func (m *mapping) has(key string) bool { _, ok := m.val[key]; return ok }

// str reads a text value; ok is false when the key is absent or, after an
// error was reported, has the wrong shape.
func (m *mapping) str(key string) (string, bool) {
	n, ok := m.val[key]
	if !ok {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		m.l.fail(m.at.child("value for", key, n), ErrYAMLValidate, "value of '%s' is a %s, expected text", key, kindName(n))
		return "", false
	}
	return n.Value, true
}

// filled is str for values that may not be empty.
func (m *mapping) filled(key string) (string, bool) {
	s, ok := m.str(key)
	if ok && strings.TrimSpace(s) == "" {
		m.l.fail(m.at.child("value for", key, m.val[key]), ErrYAMLValidate, "value of '%s' is empty", key)
		return "", false
	}
	return s, ok
}

// text is filled for conditions and outputs, with the place of every byte.
func (m *mapping) text(key string) *text {
	if _, ok := m.filled(key); !ok {
		return nil
	}
	return newText(m.at.src, m.val[key])
}

func (m *mapping) boolean(key string, dst *bool) {
	n, ok := m.val[key]
	if !ok {
		return
	}
	if n.Kind == yaml.ScalarNode {
		switch strings.ToLower(n.Value) {
		case "true", "yes", "on", "y":
			*dst = true
			return
		case "false", "no", "off", "n":
			*dst = false
			return
		}
	}
	m.l.fail(m.at.child("value for", key, n), ErrYAMLValidate, "value of '%s' is not true or false", key)
}

func (m *mapping) uint(key string, dst *uint64) {
	n, ok := m.val[key]
	if !ok {
		return
	}
	var v uint64
	if n.Kind != yaml.ScalarNode || n.Decode(&v) != nil {
		m.l.fail(m.at.child("value for", key, n), ErrYAMLValidate, "value of '%s' is not an unsigned number", key)
		return
	}
	*dst = v
}

// seq returns the elements of a sequence value.
func (m *mapping) seq(key string) ([]*yaml.Node, bool) {
	n, ok := m.val[key]
	if !ok {
		return nil, false
	}
	if n.Kind != yaml.SequenceNode {
		m.l.fail(m.at.child("value for", key, n), ErrYAMLValidate, "value of '%s' is a %s, expected a sequence", key, kindName(n))
		return nil, false
	}
	return n.Content, true
}

// scalars reads a sequence of scalars.
func (m *mapping) scalars(key, itemKind string) ([]scalar, bool) {
	nodes, ok := m.seq(key)
	if !ok || !m.l.spend(m.at, len(nodes)) {
		return nil, false
	}
	out := make([]scalar, 0, len(nodes))
	for _, n := range nodes {
		d := deref(n)
		if d.Kind != yaml.ScalarNode {
			m.l.fail(m.at.child(itemKind, "", d), ErrYAMLValidate, "element of '%s' is a %s, expected a plain value", key, kindName(d))
			ok = false
			continue
		}
		out = append(out, scalar{d.Value, m.at.src, d})
	}
	return out, ok
}

// spend takes n from the scalars that may still be read from a file.
func (l *loader) spend(c *ctx, n int) bool {
	if l.left < 0 {
		return false
	}
	if l.left -= n; l.left < 0 {
		l.failHint(c, ErrYAMLValidate, "look for aliases that repeat large sequences", "the file holds more than %d values", maxScalars)
		return false
	}
	return true
}

// require reports the absent required keys.
func (m *mapping) require() bool {
	ok := true
	for _, k := range m.keys {
		if k.required && !m.has(k.name) {
			m.l.fail(m.at, ErrYAMLValidate, "item has no mapping for key '%s'", k.name)
			ok = false
		}
	}
	return ok
}

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

func (l *loader) engineVersion(c *ctx, n *yaml.Node) {
	m := l.mapping(c, n, "required_engine_version", []keySpec{{name: "required_engine_version"}})
	c = c.child("required_engine_version", "", m.val["required_engine_version"])
	s, ok := m.str("required_engine_version")
	if !ok {
		return
	}
	v, err := parseEngineVersion(s)
	if err != nil {
		l.fail(c, ErrYAMLValidate, "unable to parse engine version: %v", err)
		return
	}
	if !mustVersion(EngineVersion).satisfies(v) {
		l.fail(c, ErrValidate, "rules require engine version %s, but engine version is %s", v, EngineVersion)
		return
	}
	if l.defs.engineVersion.less(v) {
		l.defs.engineVersion = v
	}
}

func (l *loader) pluginVersions(c *ctx, n *yaml.Node) {
	m := l.mapping(c, n, "required_plugin_versions", []keySpec{{name: "required_plugin_versions"}})
	nodes, ok := m.seq("required_plugin_versions")
	if !ok {
		return
	}
	c = c.child("required plugin versions", "", m.val["required_plugin_versions"])
	for _, e := range nodes {
		e = deref(e)
		need, ok := l.pluginNeed(c.child("required plugin versions entry", "", e), e)
		if !ok {
			continue
		}
		l.defs.plugins = append(l.defs.plugins, need)
		l.checkPlugin(c.child("required plugin versions entry", need.Name, e), need)
	}
}

// pluginNeed reads an entry with its alternatives.
func (l *loader) pluginNeed(c *ctx, n *yaml.Node) (pluginNeed, bool) {
	need, m, ok := l.pluginEntry(c, n, pluginKeys)
	if !ok || !m.has("alternatives") {
		return need, ok
	}
	nodes, ok := m.seq("alternatives")
	if !ok {
		return need, false
	}
	for _, a := range nodes {
		a = deref(a)
		ac := c.child("required plugin versions alternative", "", a)
		alt, _, ok := l.pluginEntry(ac, a, pluginKeys[:2])
		if !ok {
			return need, false
		}
		if alt.Name == need.Name || slices.ContainsFunc(need.Alternatives, func(p pluginNeed) bool { return p.Name == alt.Name }) {
			l.fail(ac, ErrValidate, "plugin '%s' is named more than once in one entry", alt.Name)
			return need, false
		}
		need.Alternatives = append(need.Alternatives, alt)
	}
	return need, true
}

func (l *loader) pluginEntry(c *ctx, n *yaml.Node, keys []keySpec) (pluginNeed, *mapping, bool) {
	if n.Kind != yaml.MappingNode {
		l.fail(c, ErrYAMLValidate, "plugin requirement is a %s, expected a mapping", kindName(n))
		return pluginNeed{}, nil, false
	}
	m := l.mapping(c, n, c.kind, keys)
	if !m.require() {
		return pluginNeed{}, nil, false
	}
	name, ok1 := m.filled("name")
	ver, ok2 := m.filled("version")
	if !ok1 || !ok2 {
		return pluginNeed{}, nil, false
	}
	if _, err := parseVersion(ver); err != nil {
		l.fail(c, ErrValidate, "unable to parse version of plugin '%s': %v", name, err)
		return pluginNeed{}, nil, false
	}
	return pluginNeed{Name: name, Version: ver}, &m, true
}

func (l *loader) checkPlugin(c *ctx, need pluginNeed) {
	for _, p := range append([]pluginNeed{need}, need.Alternatives...) {
		if have, ok := builtinPlugins[p.Name]; ok && mustVersion(have).satisfies(mustVersion(p.Version)) {
			return
		}
	}
	if have, ok := builtinPlugins[need.Name]; ok {
		l.fail(c, ErrValidate, "plugin '%s' version %s is required, the built-in fields follow version %s", need.Name, need.Version, have)
		return
	}
	l.failHint(c, ErrValidate, "remove the requirement and the rules that need the plugin; only the fields of plugin 'container' are built in",
		"plugin '%s' version %s is required, plugins are not supported", need.Name, need.Version)
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

// changes is what an item does to an earlier one of its name.
type changes struct {
	legacy bool // append: true
	ops    map[string]string
	at     *ctx
}

func (o *changes) appends(key string) bool  { return o.legacy || o.ops[key] == "append" }
func (o *changes) replaces(key string) bool { return o.ops[key] == "replace" }

// override reads append and override and checks them against the item's keys.
func (m *mapping) override() (changes, bool) {
	o := changes{at: m.at}
	l := m.l
	errs := len(l.cur.Errors)
	m.boolean("append", &o.legacy)
	if o.legacy {
		l.failHint(m.at.child("value for", "append", m.val["append"]), WarnDeprecatedItem, m.overrideHint(), "'append' key is deprecated, use 'override'")
	}
	n, ok := m.val["override"]
	if !ok {
		return o, len(l.cur.Errors) == errs
	}
	o.at = m.at.child("overrides", "", n)
	if n.Kind != yaml.MappingNode {
		l.fail(o.at, ErrYAMLValidate, "value of 'override' is a %s, expected a mapping of keys to append or replace", kindName(n))
		return o, false
	}
	if o.legacy {
		l.failHint(o.at, ErrYAMLValidate, "remove 'append'", "'append' and 'override' cannot be combined")
	}
	o.ops = map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], deref(n.Content[i+1])
		o.ops[k.Value] = v.Value
		m.checkOverride(o.at.child("overrides", k.Value, k), k.Value, v.Value)
	}
	for _, k := range m.keys {
		if _, listed := o.ops[k.name]; m.has(k.name) && !k.exempt && !listed {
			l.failHint(m.at.child("value for", k.name, m.val[k.name]), ErrYAMLValidate,
				fmt.Sprintf("add '%s: replace' or another allowed operation under 'override'", k.name),
				"key '%s' is given but not listed under 'override'", k.name)
		}
	}
	return o, len(l.cur.Errors) == errs
}

func (m *mapping) checkOverride(c *ctx, key, op string) {
	k := findKey(m.keys, key)
	if k == nil || k.exempt || !(k.append || k.replace) {
		m.l.fail(c, ErrYAMLValidate, "key '%s' cannot be overridden", key)
		return
	}
	switch {
	case op != "append" && op != "replace":
		m.l.failHint(c, ErrYAMLValidate, "use append or replace", "invalid override operation '%s' for key '%s'", op, key)
	case op == "append" && !k.append:
		m.l.failHint(c, ErrYAMLValidate, "use replace", "key '%s' cannot be appended to", key)
	}
	if !m.has(key) {
		m.l.fail(c, ErrYAMLValidate, "override of '%s' has no content: the item has no key '%s'", key, key)
	}
}

// overrideHint shows the override that an item with append: true stands for.
func (m *mapping) overrideHint() string {
	var parts []string
	for _, k := range m.keys {
		if k.append && m.has(k.name) {
			parts = append(parts, k.name+": append")
		}
	}
	return "write 'override: {" + strings.Join(parts, ", ") + "}'"
}
