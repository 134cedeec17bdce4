package rules

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

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
