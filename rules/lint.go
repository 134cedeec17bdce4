package rules

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
)

// lint gives advice beyond Falco's warnings on everything that was loaded.
func (l *loader) lint(res *resolver, rules []*compiled) {
	for _, d := range l.defs.lists.all {
		l.lintList(d, res)
	}
	for _, r := range rules {
		l.lintRule(res, r)
	}
	if l.opts.Matching == MatchFirst {
		l.lintShadowed(rules)
	}
}

// lintList reports repeated items and names of lists that stay text.
func (l *loader) lintList(d *listDef, res *resolver) {
	seen := make(map[string]bool, len(d.items))
	for _, it := range d.items {
		c := &ctx{parent: d.at, kind: "list item", name: it.value, src: it.src, node: it.node}
		if seen[it.value] {
			l.fail(c, LintDupItem, "list '%s' holds '%s' more than once", d.name, it.value)
		}
		seen[it.value] = true
		ref := l.defs.lists.byName[it.value]
		switch {
		case ref == nil || ref == d:
		case ref.first >= d.latest:
			l.failHint(c, LintNestedListText, "define list '"+it.value+"' before list '"+d.name+"'",
				"'%s' is the name of a list defined later and stays text here", it.value)
		default:
			for _, inner := range ref.items {
				if deep := l.defs.lists.byName[inner.value]; deep != nil && deep != ref {
					l.failHint(c, LintNestedListText, "name list '"+inner.value+"' here as well",
						"lists are expanded one level deep: '%s' inside '%s' stays text here", inner.value, it.value)
				}
			}
		}
	}
}

func (l *loader) lintRule(res *resolver, r *compiled) {
	for _, x := range r.def.exceptions {
		seen := map[string]bool{}
		for _, v := range x.values {
			key := v.key()
			if seen[key] {
				c := x.at.child("exception value", "", v.node)
				c.src = v.src
				l.fail(c, LintDupException, "exception '%s' has the same values more than once", x.name)
			}
			seen[key] = true
		}
	}
	if r.node == nil {
		return
	}
	f := facts{}
	for _, n := range conjuncts(nil, r.node) {
		if msg := f.add(n); msg != "" {
			res.report(r.def.condAt, "condition expression", n.Pos().Offset, LintContradiction,
				"the rule can never match: conditions joined by 'and' must hold at once", msg)
			return
		}
	}
	l.lintNever(r)
}

// lintNever reports a rule that cannot match any event. A test of evt.num is
// how rule files spell "never" on purpose.
func (l *loader) lintNever(r *compiled) {
	onPurpose := false
	filter.WalkFields(r.node, func(f *filter.Field) { onPurpose = onPurpose || f.Name == "evt.num" })
	if onPurpose {
		return
	}
	value, constant := r.prog.Constant()
	switch {
	case constant && !value:
		l.failHint(r.def.condAt, LintNeverMatches, "a list in it may be empty", "the condition of rule '%s' is false on every event", r.def.name)
	case r.types.Len() == 0:
		l.failHint(r.def.condAt, LintNeverMatches, "the checks of evt.type exclude each other", "no event type satisfies the condition of rule '%s'", r.def.name)
	}
}

func (v excValue) key() string {
	if !v.isList {
		return v.value
	}
	parts := make([]string, len(v.items))
	for i, e := range v.items {
		parts[i] = e.key()
	}
	return "(" + strings.Join(parts, "\x00") + ")"
}

// conjuncts appends the expressions that must all hold for n to hold.
func conjuncts(dst []filter.Node, n filter.Node) []filter.Node {
	switch n := n.(type) {
	case *filter.MacroRef:
		if n.Body != nil {
			return conjuncts(dst, n.Body)
		}
	case *filter.And:
		for _, k := range n.Kids {
			dst = conjuncts(dst, k)
		}
		return dst
	case *filter.Not:
		// not (a or b) is not a and not b.
		kid := n.Kid
		for {
			m, ok := kid.(*filter.MacroRef)
			if !ok || m.Body == nil {
				break
			}
			kid = m.Body
		}
		if or, ok := kid.(*filter.Or); ok {
			for _, k := range or.Kids {
				dst = conjuncts(dst, &filter.Not{At: k.Pos(), Kid: k})
			}
			return dst
		}
		return append(dst, &filter.Not{At: n.At, Kid: kid})
	}
	return append(dst, n)
}

// facts is what a conjunction says of each single-valued field.
type facts map[string]*fact

type fact struct {
	allowed map[string]bool // nil: everything
	denied  map[string]bool
	absent  bool
	present bool
}

// add takes in one more conjunct and explains the contradiction, if it makes
// one.
func (f facts) add(n filter.Node) string {
	negated := false
	if not, ok := n.(*filter.Not); ok {
		negated, n = true, not.Kid
	}
	c, ok := n.(*filter.Check)
	if !ok {
		return ""
	}
	field, ok := c.Left.(*filter.Field)
	if !ok || c.Right != nil || c.Mod != filter.ModNone || c.ListRef != "" {
		return ""
	}
	ref, err := replay.Resolve(field.Text())
	if err != nil || ref.AnyOf || ref.List {
		return ""
	}
	name := ref.Text
	ft := f[name]
	if ft == nil {
		ft = &fact{denied: map[string]bool{}}
		f[name] = ft
	}
	switch c.Op {
	case filter.OpExists:
		ft.absent = ft.absent || negated
		ft.present = ft.present || !negated
	case filter.OpEq, filter.OpEqEq, filter.OpIn:
		if len(c.Values) == 0 {
			return "" // an empty list is told by lintNever
		}
		ft.restrict(c.Values, negated)
	case filter.OpNe:
		if negated {
			return ""
		}
		ft.present = true
		ft.restrict(c.Values, true)
	default:
		ft.present = ft.present || !negated
	}
	switch {
	case ft.absent && (ft.present || ft.allowed != nil):
		return fmt.Sprintf("'%s' must have a value and have none", name)
	case ft.allowed != nil && len(ft.allowed) == 0:
		return fmt.Sprintf("no value of '%s' satisfies this and the conditions before it", name)
	}
	return ""
}

// restrict intersects what is allowed with the literals, or removes them.
func (ft *fact) restrict(lits []filter.Literal, deny bool) {
	set := make(map[string]bool, len(lits))
	for _, v := range lits {
		set[literalKey(v.Text)] = true
	}
	switch {
	case deny:
		for k := range set {
			ft.denied[k] = true
		}
	case ft.allowed == nil:
		ft.allowed = set
	default:
		for k := range ft.allowed {
			if !set[k] {
				delete(ft.allowed, k)
			}
		}
	}
	for k := range ft.allowed {
		if ft.denied[k] {
			delete(ft.allowed, k)
		}
	}
}

// literalKey makes different spellings of a number equal.
func literalKey(s string) string {
	if n, err := strconv.ParseInt(s, 0, 64); err == nil && s != "" && (s[0] != '0' || len(s) == 1 || s[1] == 'x') {
		return strconv.FormatInt(n, 10)
	}
	return s
}

// lintShadowed reports rules whose condition implies that of an earlier rule:
// under the strategy "first" they never see their events. Implication is tested
// on conjuncts by their canonical text, which misses cases but invents none.
func (l *loader) lintShadowed(rules []*compiled) {
	type shape struct {
		r     *compiled
		parts map[string]bool
	}
	var earlier []shape
	for _, r := range rules {
		if r.node == nil || !r.def.enabled {
			continue
		}
		parts := map[string]bool{}
		for _, n := range conjuncts(nil, r.node) {
			parts[filter.String(n)] = true
		}
		for _, e := range earlier {
			if subset(e.parts, parts) {
				l.failHint(r.def.at, LintShadowed, "move the more specific rule before the general one, or use the matching strategy 'all'",
					"every event that rule '%s' matches is taken by rule '%s' before it", r.def.name, e.r.def.name)
				break
			}
		}
		earlier = append(earlier, shape{r, parts})
	}
}

func subset(a, b map[string]bool) bool {
	if len(a) > len(b) {
		return false
	}
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return true
}
