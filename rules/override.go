package rules

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

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
