package rules

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sysreel/sysreel/rules/filter"
)

// Description describes rules, macros and lists in the shape of Falco's -L and
// -l with JSON output.
type Description struct {
	RequiredEngineVersion  string       `json:"required_engine_version"`
	RequiredPluginVersions []pluginNeed `json:"required_plugin_versions"`
	Rules                  []RuleDesc   `json:"rules"`
	Macros                 []MacroDesc  `json:"macros"`
	Lists                  []ListDesc   `json:"lists"`
}

// RuleDesc describes a rule.
type RuleDesc struct {
	Info struct {
		Name            string   `json:"name"`
		Condition       string   `json:"condition"`
		Priority        string   `json:"priority"`
		Output          string   `json:"output"`
		Description     string   `json:"description"`
		Enabled         bool     `json:"enabled"`
		Source          string   `json:"source"`
		Capture         bool     `json:"capture"`
		CaptureDuration int64    `json:"capture_duration"` // milliseconds
		Tags            []string `json:"tags"`
	} `json:"info"`
	Details struct {
		usage
		OutputFields       []string `json:"output_fields"`
		ExceptionNames     []string `json:"exception_names"`
		ExceptionOperators []string `json:"exception_operators"`
		ExceptionFields    []string `json:"exception_fields"`
		Events             []string `json:"events"`
		ConditionCompiled  string   `json:"condition_compiled"`
		OutputCompiled     string   `json:"output_compiled"`
		Plugins            []string `json:"plugins"`
		ExtraFields        []string `json:"extra_output_formatted_fields,omitempty"`
	} `json:"details"`
}

// MacroDesc describes a macro.
type MacroDesc struct {
	Info struct {
		Name      string `json:"name"`
		Condition string `json:"condition"`
	} `json:"info"`
	Details struct {
		usage
		Used              bool     `json:"used"`
		Events            []string `json:"events"`
		ConditionCompiled string   `json:"condition_compiled"`
		Plugins           []string `json:"plugins"`
	} `json:"details"`
}

// ListDesc describes a list.
type ListDesc struct {
	Info struct {
		Name  string   `json:"name"`
		Items []string `json:"items"`
	} `json:"info"`
	Details struct {
		Used          bool     `json:"used"`
		Lists         []string `json:"lists"`
		ItemsCompiled []string `json:"items_compiled"`
		Plugins       []string `json:"plugins"`
	} `json:"details"`
}

// usage is what a condition names itself, not what its macros name.
type usage struct {
	Macros    []string `json:"macros"`
	Lists     []string `json:"lists"`
	Operators []string `json:"condition_operators"`
	Fields    []string `json:"condition_fields"`
}

// Describe describes the whole set, or only the rule of that name when name is
// not empty; nil if there is no such rule.
func (s *Set) Describe(name string) *Description {
	d := &Description{
		RequiredPluginVersions: []pluginNeed{}, Rules: []RuleDesc{}, Macros: []MacroDesc{}, Lists: []ListDesc{},
	}
	if s.defs.engineVersion != (version{}) {
		d.RequiredEngineVersion = s.defs.engineVersion.String()
	}
	d.RequiredPluginVersions = append(d.RequiredPluginVersions, s.defs.plugins...)
	if name != "" {
		r := s.Rule(name)
		if r == nil {
			return nil
		}
		d.Rules = append(d.Rules, s.describeRule(r))
		return d
	}
	for _, r := range s.rules {
		d.Rules = append(d.Rules, s.describeRule(r))
	}
	for _, m := range s.defs.macros.all {
		d.Macros = append(d.Macros, s.describeMacro(m))
	}
	for _, l := range s.defs.lists.all {
		d.Lists = append(d.Lists, s.describeList(l))
	}
	return d
}

func (s *Set) describeRule(r *Rule) RuleDesc {
	var d RuleDesc
	i := &d.Info
	i.Name, i.Condition, i.Priority, i.Output, i.Description = r.Name, r.Condition, r.Priority.String(), r.Output, r.Desc
	i.Enabled, i.Source, i.Capture, i.CaptureDuration = r.Enabled, r.Source, r.Capture, r.CaptureDuration.Milliseconds()
	i.Tags = unique(r.Tags)
	t := &d.Details
	t.usage = s.usage(r.Condition)
	out := s.outs[r.index]
	var fields, names, ops, ofields []string
	for _, f := range out.tmpl.Fields() {
		fields = append(fields, f.Key)
	}
	for _, x := range r.Exceptions {
		names, ops, ofields = append(names, x.Name), append(ops, x.Comps...), append(ofields, x.Fields...)
	}
	t.OutputFields, t.ExceptionNames, t.ExceptionOperators, t.ExceptionFields = unique(fields), unique(names), unique(ops), unique(ofields)
	t.Events = eventNames(r.types)
	t.ConditionCompiled, t.OutputCompiled, t.Plugins = r.CompiledCondition(), out.text, []string{}
	for _, x := range out.extra {
		t.ExtraFields = append(t.ExtraFields, x.Name)
	}
	return d
}

func (s *Set) describeMacro(m *macroDef) MacroDesc {
	var d MacroDesc
	d.Info.Name, d.Info.Condition = m.name, m.cond.s
	t := &d.Details
	t.usage = s.usage(m.cond.s)
	t.Used, t.Plugins, t.Events = s.res.usedMacros[m.name], []string{}, []string{}
	if n := s.res.macros[m.name].node; n != nil {
		t.Events = eventNames(filter.EventTypes(n))
		t.ConditionCompiled = filter.String(n)
	}
	return d
}

func (s *Set) describeList(l *listDef) ListDesc {
	var d ListDesc
	d.Info.Name, d.Info.Items = l.name, values(l.items)
	t := &d.Details
	t.Used, t.Plugins = s.res.usedLists[l.name], []string{}
	var refs []string
	for _, it := range l.items {
		if ref := s.defs.lists.byName[it.value]; ref != nil && ref != l && ref.first < l.latest {
			refs = append(refs, it.value)
		}
	}
	t.Lists = unique(refs)
	t.ItemsCompiled = values(s.res.lists[l.name].items)
	return d
}

// usage reads a condition again, unexpanded.
func (s *Set) usage(cond string) usage {
	var macros, lists, ops, fields []string
	n, err := filter.Parse(cond, filter.ParseOptions{Macros: true, MaxDepth: filter.RuleMaxDepth})
	if err == nil {
		filter.Walk(n, func(n filter.Node) bool {
			switch n := n.(type) {
			case *filter.MacroRef:
				macros = append(macros, n.Name)
			case *filter.Check:
				ops = append(ops, strings.TrimSpace(n.Op.String()+" "+n.Mod.String()))
				if s.res.lists[n.ListRef] != nil {
					lists = append(lists, n.ListRef)
				}
				for _, v := range n.Values {
					if !v.Quoted && s.res.lists[v.Text] != nil {
						lists = append(lists, v.Text)
					}
				}
			}
			return true
		})
		filter.WalkFields(n, func(f *filter.Field) { fields = append(fields, f.Text()) })
	}
	return usage{Macros: unique(macros), Lists: unique(lists), Operators: unique(ops), Fields: unique(fields)}
}

// eventNames lists what Falco lists: the names of the types, and asyncevent,
// which is tried on every rule.
func eventNames(t *filter.TypeSet) []string { return unique(append(t.Names(), "asyncevent")) }

// unique returns a sorted copy without repetitions, never nil.
func unique(list []string) []string {
	return sortedUnique(append([]string{}, list...))
}

// KeepTags removes the rules that have none of the tags, and the macros and lists.
func (d *Description) KeepTags(tags ...string) {
	d.Rules = slices.DeleteFunc(d.Rules, func(r RuleDesc) bool {
		return !slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(r.Info.Tags, t) })
	})
	d.Macros, d.Lists = []MacroDesc{}, []ListDesc{}
}

// AppendJSON appends the description as one line of JSON.
func (d *Description) AppendJSON(dst []byte) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		panic(err) // plain data
	}
	return append(dst, b.Bytes()...)
}

// Names returns the names of all rules, for suggestions.
func (s *Set) Names() []string {
	names := make([]string, len(s.rules))
	for i, r := range s.rules {
		names[i] = r.Name
	}
	return slices.Clip(names)
}
