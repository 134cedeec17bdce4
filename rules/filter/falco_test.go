package filter

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// falcoRules are the conditions of Falco's stable rules, macros and lists
// expanded as a rule set does.
type falcoRules struct {
	names, outputs []string
	nodes          []Node
}

const falcoRulesFile = "../../../shared/captures/falco_rules.yaml"

func loadFalcoRules(t testing.TB) falcoRules {
	t.Helper()
	text, err := os.ReadFile(falcoRulesFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs ../shared/captures beside the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	var items []ruleItem
	if err := yaml.Unmarshal(text, &items); err != nil {
		t.Fatal(err)
	}
	lists, macros := map[string][]Literal{}, map[string]Node{}
	for _, it := range items {
		if it.List != "" {
			lists[it.List] = it.literals(t, lists)
		}
	}
	condition := func(it ruleItem) Node {
		n, err := Parse(it.Condition, ParseOptions{Macros: true, MaxDepth: RuleMaxDepth})
		if err == nil {
			n, err = Expand(n,
				func(name string) (Node, bool) { m, ok := macros[name]; return m, ok },
				func(name string) ([]Literal, bool) { l, ok := lists[name]; return l, ok })
		}
		if err != nil {
			t.Fatalf("%s%s: %v", it.Macro, it.Rule, err)
		}
		return n
	}
	for _, it := range items {
		if it.Macro != "" {
			macros[it.Macro] = condition(it)
		}
	}
	var rules falcoRules
	for _, it := range items {
		if it.Rule != "" {
			rules.names = append(rules.names, it.Rule)
			rules.outputs = append(rules.outputs, it.Output)
			rules.nodes = append(rules.nodes, condition(it))
		}
	}
	return rules
}

type ruleItem struct {
	Rule, Macro, List, Condition, Output string
	Items                                []string
}

func (it *ruleItem) literals(t testing.TB, lists map[string][]Literal) []Literal {
	values := []Literal{}
	for _, v := range it.Items {
		if inner, ok := lists[v]; ok {
			values = append(values, inner...)
			continue
		}
		l, err := ParseItem(v)
		if err != nil {
			t.Fatalf("list %s: %v", it.List, err)
		}
		values = append(values, l)
	}
	return values
}

// TestFalcoRules compiles Falco's own rules: no errors, no warnings, event types
// narrowed down, and canonical text that means the same.
func TestFalcoRules(t *testing.T) {
	rules := loadFalcoRules(t)
	if len(rules.nodes) < 20 {
		t.Fatalf("only %d rules", len(rules.nodes))
	}
	c := NewCompiler()
	st, ev := c.NewState(), openatEvent(t)
	for i, n := range rules.nodes {
		name := rules.names[i]
		p, warnings, err := c.Compile(n)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, w := range warnings {
			t.Errorf("%s: warning: %v", name, w)
		}
		if types := EventTypes(n); types.Len() == 0 || types.Len() > 100 {
			t.Errorf("%s: %d event types", name, types.Len())
		}
		if Syscalls(n).All() {
			t.Errorf("%s: needs all system calls", name)
		}
		again, err := Parse(String(n), ParseOptions{MaxDepth: RuleMaxDepth})
		if err != nil || !Equal(n, again) {
			t.Errorf("%s: canonical text is another condition: %v", name, err)
		}
		if _, err := ParseTemplate(strings.TrimSpace(rules.outputs[i])); err != nil {
			t.Errorf("%s: output: %v", name, err)
		}
		st.Begin()
		if p.Match(st, ev) != p.Explain(ev).Truth {
			t.Errorf("%s: matching and explaining disagree", name)
		}
	}
}
