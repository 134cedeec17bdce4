package rules

import (
	"time"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// Matching is the strategy for events that several rules match.
type Matching uint8

// Strategies.
const (
	MatchFirst Matching = iota // only the first rule in order fires
	MatchAll                   // every rule fires, in order
)

// Rule is a loaded rule. Treat it as immutable.
type Rule struct {
	Name      string
	Desc      string
	Condition string // as written, appends joined, without exceptions
	Output    string // template as written
	Priority  Priority
	Tags      []string // sorted
	Source    string
	// Enabled tells whether the rule is evaluated: by its file, the selections
	// and the minimum priority.
	Enabled         bool
	Capture         bool          // record events when the rule fires
	CaptureDuration time.Duration // 0: the configured default
	Exceptions      []Exception
	File            string // where the rule is defined, or was last changed
	Line            int    // from 1

	index int
	cond  filter.Node // without exceptions
	node  filter.Node
	prog  *filter.Program
	types *filter.TypeSet
	def   *ruleDef
}

// Exception describes a named exception of a rule.
type Exception struct {
	Name   string
	Fields []string
	Comps  []string
	File   string
	Line   int
}

// EventTypes returns the event types on which the condition can hold.
func (r *Rule) EventTypes() *filter.TypeSet { return r.types }

// Set is a compiled set of rules. Eval keeps state: a Set serves one goroutine
// at a time, Clone makes another for a second one.
type Set struct {
	rules    []*Rule
	defs     *definitions
	res      *resolver
	comp     *filter.Compiler
	matching Matching

	index [][]*Rule // by event type, enabled rules in order
	state *filter.State
	outs  []*output // by Rule.index
	match Match
}

func newSet(defs *definitions, opts LoadOptions, res *resolver, comp *filter.Compiler, list []*compiled) *Set {
	s := &Set{defs: defs, res: res, comp: comp, matching: opts.Matching}
	for _, c := range list {
		if c.skipped {
			continue
		}
		r := newRule(c)
		r.index = len(s.rules)
		for _, sel := range opts.Select {
			if sel.matches(r) {
				r.Enabled = sel.Enable
			}
		}
		if opts.MinPriority != 0 && r.Priority > opts.MinPriority {
			r.Enabled = false
		}
		s.rules = append(s.rules, r)
		s.outs = append(s.outs, c.out)
	}
	s.index = make([][]*Rule, len(schema.Events()))
	for _, r := range s.rules {
		if !r.Enabled {
			continue
		}
		for _, t := range r.types.Types() {
			s.index[t] = append(s.index[t], r)
		}
	}
	s.state = comp.NewState()
	return s
}

func newRule(c *compiled) *Rule {
	d := c.def
	r := &Rule{
		Name: d.name, Desc: d.desc, Condition: d.cond.s, Output: d.output.s, Priority: d.priority, Tags: d.tags,
		Source: d.source, Enabled: d.enabled, Capture: d.capture, CaptureDuration: time.Duration(d.captureMS) * time.Millisecond,
		File: d.at.src.name, Line: d.at.node.Line,
		cond: c.cond, node: c.node, prog: c.prog, types: c.types, def: d,
	}
	for _, x := range d.exceptions {
		r.Exceptions = append(r.Exceptions, Exception{
			Name: x.name, Fields: values(x.fields), Comps: values(x.comps), File: x.at.src.name, Line: x.at.node.Line,
		})
	}
	return r
}

// CompiledCondition returns the canonical text of the effective condition, with
// macros, lists and exceptions in place.
func (r *Rule) CompiledCondition() string { return filter.String(r.node) }

// Expr returns the condition as a tree with macros and lists in place, without
// exceptions. Treat it as immutable.
func (r *Rule) Expr() filter.Node { return r.cond }

// Rules returns all rules in evaluation order, disabled ones included.
func (s *Set) Rules() []*Rule { return s.rules }

// Rule returns the rule of that name, nil if there is none.
func (s *Set) Rule(name string) *Rule {
	for _, r := range s.rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// EventTypes returns the event types that some enabled rule can match.
func (s *Set) EventTypes() *filter.TypeSet {
	var t filter.TypeSet
	for _, r := range s.rules {
		if r.Enabled {
			t.Unite(r.types)
		}
	}
	return &t
}

// Syscalls returns the system calls that the enabled rules are about: what a
// capture for them must record, besides the calls that state needs.
func (s *Set) Syscalls() *filter.SyscallSet {
	var t filter.SyscallSet
	for _, r := range s.rules {
		if r.Enabled {
			t.Unite(filter.Syscalls(r.node))
		}
	}
	return &t
}

// Clone returns a Set over the same rules for use by another goroutine.
func (s *Set) Clone() *Set {
	c := *s
	c.state = s.comp.NewState()
	c.match = Match{}
	c.outs = make([]*output, len(s.outs))
	for i, o := range s.outs {
		c.outs[i] = o.clone()
	}
	return &c
}

// Match is a rule that holds on an event. It is valid during the call it is
// handed to.
type Match struct {
	Rule  *Rule
	Event *replay.Event

	set *Set
}

func (m *Match) output() *output { return m.set.outs[m.Rule.index] }

// Eval evaluates the rules on ev and calls f for each that holds: the first one,
// or all, in order, as the matching strategy says. Events that only keep state up
// to date are not evaluated. Without a match it does not allocate.
func (s *Set) Eval(ev *replay.Event, f func(*Match)) {
	list := s.index[ev.Type]
	if len(list) == 0 || ev.Flags&scapfile.FlagStateOnly != 0 {
		return
	}
	s.state.Begin()
	for _, r := range list {
		if !r.prog.Match(s.state, ev) {
			continue
		}
		s.match = Match{Rule: r, Event: ev, set: s}
		f(&s.match)
		if s.matching == MatchFirst {
			return
		}
	}
}
