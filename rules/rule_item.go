package rules

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

const sourceSyscall = "syscall"

func (l *loader) rule(c *ctx, n *yaml.Node) {
	m := l.mapping(c, n, "rule", ruleKeys)
	name, ok := m.filled("rule")
	if !ok {
		return
	}
	c = c.parent.child("rule", name, n)
	m.at = c
	ov, ok := m.override()
	if !ok {
		return
	}
	switch {
	case ov.ops != nil:
		l.overrideRule(name, &m, &ov)
	case ov.legacy:
		l.appendRule(name, &m, &ov)
	case !m.has("condition") && !m.has("output") && !m.has("desc") && !m.has("priority"):
		l.switchRule(name, &m)
	default:
		l.defineRule(name, &m)
	}
}

// switchRule handles an item that only carries "enabled".
func (l *loader) switchRule(name string, m *mapping) {
	c := m.at
	if !m.has("enabled") {
		l.failHint(c, ErrYAMLValidate, "a rule needs condition, desc, output and priority",
			"rule '%s' has neither a definition nor 'enabled'", name)
		return
	}
	l.failHint(c, WarnDeprecatedItem, "write 'override: {enabled: replace}' next to 'enabled'",
		"'enabled' as the only key is deprecated, use 'override'")
	prev := l.defs.rules.byName[name]
	if prev == nil {
		l.failHint(c, ErrValidate, "define the rule first", "rule '%s' has 'enabled' only, but no rule by that name exists", name)
		return
	}
	m.boolean("enabled", &prev.enabled)
}

// defineRule handles a complete definition, new or replacing an earlier one.
func (l *loader) defineRule(name string, m *mapping) {
	c := m.at
	r := &ruleDef{name: name, source: sourceSyscall, enabled: true, warnEvttypes: true, at: c}
	errs := len(l.cur.Errors)
	m.require()
	l.ruleContent(r, m, func(string) bool { return true })
	if s, ok := m.filled("source"); ok {
		r.source = s
	}
	prev := l.defs.rules.byName[name]
	if prev != nil && prev.source != r.source {
		l.fail(c, ErrValidate, "rule '%s' has source '%s' and cannot be redefined with source '%s'", name, prev.source, r.source)
	}
	if r.source != sourceSyscall {
		r.unknownSource = true
		l.fail(c, WarnUnknownSource, "unknown source '%s', skipping", r.source)
	}
	for _, x := range r.exceptions {
		l.checkException(r, x)
	}
	l.warnSameName(r.exceptions)
	if len(l.cur.Errors) > errs {
		if r.cond == nil || r.output == nil {
			return
		}
		// The rule cannot be used, but what else is wrong in it shall be told
		// in the same run, and later items may refer to it.
		r.exceptions = nil
	}
	seq := l.defs.next()
	r.order = order{seq, seq}
	if prev != nil {
		r.first = prev.first
		*prev = *r
		return
	}
	l.defs.rules.put(name, r)
}

// ruleContent stores the item's keys that want accepts into r.
func (l *loader) ruleContent(r *ruleDef, m *mapping, want func(key string) bool) {
	c := m.at
	for _, k := range ruleKeys {
		n, given := m.val[k.name]
		if !given || !want(k.name) {
			continue
		}
		switch k.name {
		case "condition":
			if t := m.text("condition"); t != nil {
				r.cond, r.condAt = t, c.child("rule condition", "", n)
			}
		case "output":
			if t := m.text("output"); t != nil {
				r.output, r.outputAt = t, c.child("rule output", "", n)
			}
		case "desc":
			if s, ok := m.filled("desc"); ok {
				r.desc = s
			}
		case "priority":
			l.rulePriority(r, m)
		case "tags":
			if tags, ok := m.scalars("tags", "value for"); ok {
				r.tags = sortedUnique(values(tags))
			}
		case "exceptions":
			r.exceptions, _ = l.exceptions(m, false)
		case "enabled":
			m.boolean(k.name, &r.enabled)
		case "capture":
			m.boolean(k.name, &r.capture)
		case "capture_duration":
			m.uint(k.name, &r.captureMS)
		case "warn_evttypes":
			m.boolean(k.name, &r.warnEvttypes)
		case "skip-if-unknown-filter":
			m.boolean(k.name, &r.skipUnknown)
		}
	}
}

func (l *loader) rulePriority(r *ruleDef, m *mapping) {
	s, ok := m.filled("priority")
	if !ok {
		return
	}
	p, err := ParsePriority(s)
	if err != nil {
		l.fail(m.at.child("rule priority", "", m.val["priority"]), ErrYAMLValidate, "invalid priority: %v", err)
		return
	}
	r.priority = p
}

// overrideRule handles override: appends first, then replaces.
func (l *loader) overrideRule(name string, m *mapping, o *changes) {
	prev := l.target(name, m, "override")
	if prev == nil {
		return
	}
	errs := len(l.cur.Errors)
	next := *prev
	l.appendContent(&next, m, o.appends)
	l.ruleContent(&next, m, o.replaces)
	if o.replaces("exceptions") {
		for _, x := range next.exceptions {
			l.checkException(&next, x)
		}
		l.warnSameName(next.exceptions)
	}
	if len(l.cur.Errors) > errs {
		return
	}
	next.latest = l.defs.next()
	*prev = next
}

// appendRule handles append: true, which knows conditions and exceptions only.
func (l *loader) appendRule(name string, m *mapping, o *changes) {
	prev := l.target(name, m, "append")
	if prev == nil {
		return
	}
	errs := len(l.cur.Errors)
	next := *prev
	l.appendContent(&next, m, func(key string) bool { return key == "condition" || key == "exceptions" })
	if len(l.cur.Errors) > errs {
		return
	}
	next.latest = l.defs.next()
	*prev = next
}

// target finds the rule that an item changes.
func (l *loader) target(name string, m *mapping, what string) *ruleDef {
	prev := l.defs.rules.byName[name]
	if prev == nil {
		l.failHint(m.at, ErrValidate, "define the rule first, in this file or an earlier one",
			"rule '%s' is the target of '%s', but no rule by that name exists", name, what)
		return nil
	}
	if s, ok := m.val["source"]; ok && s.Value != "" && s.Value != prev.source {
		l.fail(m.at.child("value for", "source", s), ErrValidate, "rule '%s' has source '%s', it cannot be changed to '%s'", name, prev.source, s.Value)
		return nil
	}
	return prev
}

func (l *loader) appendContent(r *ruleDef, m *mapping, want func(key string) bool) {
	if m.has("condition") && want("condition") {
		if t := m.text("condition"); t != nil && r.cond != nil {
			r.cond = r.cond.join(" ", t)
		}
	}
	if m.has("output") && want("output") {
		if t := m.text("output"); t != nil && r.output != nil {
			r.output = r.output.join(" ", t)
		}
	}
	if m.has("desc") && want("desc") {
		if s, ok := m.filled("desc"); ok {
			r.desc += " " + s
		}
	}
	if m.has("tags") && want("tags") {
		if tags, ok := m.scalars("tags", "value for"); ok {
			r.tags = sortedUnique(append(slices.Clone(r.tags), values(tags)...))
		}
	}
	if m.has("exceptions") && want("exceptions") {
		if list, ok := l.exceptions(m, true); ok {
			l.appendExceptions(r, list)
		}
	}
}

func values(list []scalar) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s.value
	}
	return out
}
