package rules

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/sysreel/sysreel/rules/filter"
)

// JSONSchema returns the JSON schema of rule files (draft 2020-12), made from
// the tables that the loader reads files by. Editors check and complete with it.
func JSONSchema() []byte {
	type object = map[string]any
	var item []any
	for _, kind := range []struct {
		name string
		keys []keySpec
	}{{"rule", ruleKeys}, {"macro", macroKeys}, {"list", listKeys}} {
		item = append(item, objectSchema(kind.keys, []string{kind.name}))
	}
	item = append(item,
		objectSchema([]keySpec{{name: "required_engine_version", kind: kindVersion, desc: "lowest version of the engine"}}, []string{"required_engine_version"}),
		objectSchema([]keySpec{{name: "required_plugin_versions", kind: kindPlugins, desc: "plugins that the rules need"}}, []string{"required_plugin_versions"}))
	schema := object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "Falco rules",
		"description": "Rule files of the engine " + EngineVersion,
		"type":        "array",
		"items":       object{"anyOf": item},
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema); err != nil {
		panic(err) // plain data
	}
	return b.Bytes()
}

func objectSchema(keys []keySpec, required []string) map[string]any {
	props := map[string]any{}
	for _, k := range keys {
		p := k.schema(keys)
		p["description"] = k.desc
		props[k.name] = p
	}
	return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": false}
}

func (k *keySpec) schema(siblings []keySpec) map[string]any {
	type object = map[string]any
	scalarType := []string{"string", "number", "boolean"}
	text := object{"type": scalarType}
	switch k.kind {
	case kindBool:
		return object{"type": "boolean"}
	case kindUint:
		return object{"type": "integer", "minimum": 0}
	case kindPriority:
		// Any letter case is accepted: a pattern, with the names as examples.
		var cases []string
		for _, p := range append(priorityNames[1:], "Info") {
			cases = append(cases, anyCase(p))
		}
		return object{"type": "string", "pattern": "^(" + strings.Join(cases, "|") + ")$", "examples": priorityNames[1:]}
	case kindTexts:
		return object{"type": "array", "items": text}
	case kindOneOrMany:
		return object{"anyOf": []any{text, object{"type": "array", "items": text}}}
	case kindComps:
		op := object{"type": "string", "examples": filter.Operators()}
		return object{"anyOf": []any{op, object{"type": "array", "items": op}}}
	case kindValues:
		tuple := object{"type": "array", "items": object{"anyOf": []any{text, object{"type": "array", "items": text}}}}
		return object{"type": "array", "items": object{"anyOf": []any{text, tuple}}}
	case kindExceptions:
		return object{"type": "array", "items": objectSchema(exceptionKeys, []string{"name"})}
	case kindOverride:
		props := object{}
		for _, s := range siblings {
			var ops []string
			if s.append {
				ops = append(ops, "append")
			}
			if s.replace {
				ops = append(ops, "replace")
			}
			if ops != nil {
				props[s.name] = object{"enum": ops}
			}
		}
		return object{"type": "object", "properties": props, "additionalProperties": false}
	case kindVersion:
		return object{"anyOf": []any{object{"type": "integer", "minimum": 0}, object{"type": "string", "pattern": `^[0-9]+(\.[0-9]+\.[0-9]+)?`}}}
	case kindPlugins:
		entry := objectSchema(pluginKeys[:2], []string{"name", "version"})
		if k.name != "alternatives" {
			entry = objectSchema(pluginKeys, []string{"name", "version"})
		}
		return object{"type": "array", "items": entry}
	}
	return text
}

// anyCase returns a pattern for a word in any letter case.
func anyCase(word string) string {
	var b strings.Builder
	for _, c := range word {
		b.WriteString("[" + strings.ToUpper(string(c)) + strings.ToLower(string(c)) + "]")
	}
	return b.String()
}
