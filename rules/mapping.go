package rules

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

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
