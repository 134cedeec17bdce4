package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
)

// manyTypes is the number of event types above which a rule counts as having no
// event-type restriction (Falco's limit).
const manyTypes = 100

// compiled is a rule after compilation. node and prog are nil after an error.
type compiled struct {
	def  *ruleDef
	cond filter.Node // without exceptions
	node filter.Node // with them
	prog *filter.Program
	// types are the event types on which the condition can hold.
	types *filter.TypeSet
	out   *output
	// skipped is set for rules dropped by skip-if-unknown-filter.
	skipped bool
}

// compile compiles everything defined so far and reports what is wrong. After
// the last file it also gives the warnings that need to know all, and makes the
// set when nothing failed.
func (l *loader) compile(last bool) {
	res := newResolver(l)
	comp := filter.NewCompiler()
	var rules []*compiled
	for _, d := range l.defs.rules.all {
		if !d.unknownSource {
			rules = append(rules, l.compileRule(res, comp, d))
		}
	}
	if !last {
		return
	}
	l.warnUnused(res)
	if l.opts.Lint {
		l.lint(res, rules)
	}
	if l.report.OK() {
		l.set = newSet(&l.defs, l.opts, res, comp, rules)
	}
}

func (l *loader) compileRule(res *resolver, comp *filter.Compiler, d *ruleDef) *compiled {
	r := &compiled{def: d}
	// The bare condition first: its errors are clearer without exceptions around it.
	node := res.condition(d.cond, d.condAt)
	r.cond = node
	if node == nil {
		l.otherErrors(res, comp, r)
	}
	if t := l.withExceptions(d); node == nil || t == nil {
		node = nil
	} else if t != d.cond {
		node = res.condition(t, d.condAt)
	}
	if node != nil {
		l.compileCondition(res, comp, r, node)
	}
	r.out = l.compileOutput(r)
	return r
}

func (l *loader) compileCondition(res *resolver, comp *filter.Compiler, r *compiled, node filter.Node) {
	d := r.def
	const kind = "condition expression"
	prog, warnings, err := comp.Compile(node)
	if err == nil {
		err = filter.CheckEventTypes(node)
	}
	if err != nil {
		l.conditionErrors(res, comp, r, node, err)
		return
	}
	for _, w := range warnings {
		res.report(d.condAt, kind, w.Offset, WarnCompileCondition, w.Hint, w.Msg)
	}
	l.warnDeprecated(res, r, node)
	r.node, r.prog, r.types = node, prog, filter.EventTypes(node)
	if d.warnEvttypes && r.types.Len() > manyTypes {
		l.fail(d.condAt, WarnNoEvttype, "rule '%s' matches too many event types (%d): it costs time on every event", d.name, r.types.Len())
	}
}

// otherErrors reports the checks that do not compile in a condition whose macros
// could not be expanded: the undefined macro shall not hide them.
func (l *loader) otherErrors(res *resolver, comp *filter.Compiler, r *compiled) {
	t := r.def.cond
	n, err := filter.Parse(t.s, filter.ParseOptions{Macros: true, MaxDepth: filter.RuleMaxDepth})
	if err != nil {
		return // reported already
	}
	shift(n, res.span(t, nil))
	filter.Walk(n, func(n filter.Node) bool {
		check, ok := n.(*filter.Check)
		if !ok {
			return true
		}
		x, err := filter.Expand(check, nil, res.list)
		if err == nil {
			_, _, err = comp.Compile(x)
		}
		if err != nil {
			l.conditionError(res, r, err)
		}
		return true
	})
}

// conditionErrors reports every check of a condition that does not compile:
// the compiler stops at the first, an author wants to know all.
func (l *loader) conditionErrors(res *resolver, comp *filter.Compiler, r *compiled, node filter.Node, first error) {
	l.conditionError(res, r, first)
	filter.Walk(node, func(n filter.Node) bool {
		if check, ok := n.(*filter.Check); ok {
			if _, _, err := comp.Compile(check); err != nil {
				l.conditionError(res, r, err)
			}
		}
		return true
	})
}

func (l *loader) conditionError(res *resolver, r *compiled, err error) {
	d := r.def
	var ce *filter.CompileError
	if !errors.As(err, &ce) {
		l.fail(d.condAt, ErrCompileCondition, "%v", err)
		return
	}
	code := ErrCompileCondition
	unknown := errors.Is(err, replay.ErrUnknownField) || errors.Is(err, filter.ErrUnknownEventType)
	if d.skipUnknown && unknown {
		code, r.skipped = WarnUnknownFilter, true
	}
	res.report(d.condAt, "condition expression", ce.Offset, code, ce.Hint, ce.Msg)
}

// warnDeprecated reports deprecated fields of a condition, each once.
func (l *loader) warnDeprecated(res *resolver, r *compiled, node filter.Node) {
	seen := map[string]bool{}
	filter.WalkFields(node, func(f *filter.Field) {
		if hint, ok := deprecatedFields[f.Name]; ok && !seen[f.Name] {
			seen[f.Name] = true
			res.report(r.def.condAt, "condition expression", f.At.Offset, WarnDeprecatedItem, hint,
				fmt.Sprintf("usage of deprecated field '%s'", f.Name))
		}
	})
}

// deprecatedFields are the fields that Falco reports as LOAD_DEPRECATED_ITEM.
var deprecatedFields = map[string]string{
	"evt.dir":           "events are exit events only; remove the check",
	"evt.latency":       "without enter events there is no latency",
	"evt.latency.s":     "without enter events there is no latency",
	"evt.latency.ns":    "without enter events there is no latency",
	"evt.latency.human": "without enter events there is no latency",
	"evt.wait_latency":  "without enter events there is no latency",
}

// warnUnused reports macros and lists that nothing refers to, in the file that
// defines them.
func (l *loader) warnUnused(res *resolver) {
	for _, d := range l.defs.macros.all {
		if !res.usedMacros[d.name] {
			l.reportFor(d.at.src.name).add(d.at.problem(WarnUnusedMacro, "", fmt.Sprintf("macro '%s' is not used", d.name)))
		}
	}
	for _, d := range l.defs.lists.all {
		if !res.usedLists[d.name] {
			l.reportFor(d.at.src.name).add(d.at.problem(WarnUnusedList, "", fmt.Sprintf("list '%s' is not used", d.name)))
		}
	}
}

func (l *loader) reportFor(file string) *FileReport {
	if f := l.memo[file]; f != nil {
		return f
	}
	return l.cur
}

// isOperator, isModifier, takesModifier and checkOperand answer for exceptions
// what the filter language allows.

func isOperator(s string) bool { return filter.OpByName(s) != filter.OpNone }

func isModifier(s string) bool { return s == "oneof" || s == "anyof" || s == "allof" }

func takesModifier(op string) bool {
	switch o := filter.OpByName(op); o {
	case filter.OpLt, filter.OpLe, filter.OpGt, filter.OpGe, filter.OpExists:
		return false
	default:
		return !o.TakesList()
	}
}

// checkOperand tests that s is a field or a transformed field.
func checkOperand(s string) error {
	if !strings.Contains(s, "(") {
		_, err := replay.Resolve(s)
		return err
	}
	n, err := filter.Parse(s+" exists", filter.ParseOptions{})
	if err != nil {
		return err
	}
	_, _, err = filter.NewCompiler().Compile(n)
	return err
}
