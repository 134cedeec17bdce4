package rules

import (
	"fmt"
	"sort"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
)

// Explainer tells why a rule does or does not fire: on single events (Event) and
// over a capture (Study, then Summary). It is for one goroutine.
type Explainer struct {
	set  *Set
	rule *Rule

	prog       *filter.Program // the condition without exceptions
	st         *filter.State
	exceptions []exceptionTest
	earlier    []*Rule // rules tried before, under first-match
	sum        Findings
	stops      map[filter.Node]*Stop
	hits       map[*exceptionTest]*Suppression
	shadows    map[*Rule]*Shadow
}

// exceptionTest is one value of one exception.
type exceptionTest struct {
	name string
	text string
	at   Location
	prog *filter.Program
}

// Explainer returns an explainer for a rule of the set.
func (s *Set) Explainer(r *Rule) (*Explainer, error) {
	comp := filter.NewCompiler()
	x := &Explainer{
		set: s.Clone(), rule: r, stops: map[filter.Node]*Stop{},
		hits: map[*exceptionTest]*Suppression{}, shadows: map[*Rule]*Shadow{},
	}
	var err error
	if x.prog, _, err = comp.Compile(r.cond); err != nil {
		return nil, fmt.Errorf("compiling rule %q: %w", r.Name, err)
	}
	for _, e := range r.def.exceptions {
		for _, v := range e.values {
			t := e.valueText(v)
			n, err := filter.Parse(t.s, filter.ParseOptions{MaxDepth: filter.RuleMaxDepth})
			if err == nil {
				n, err = filter.Expand(n, nil, s.res.list)
			}
			if err != nil {
				return nil, fmt.Errorf("reading exception %q: %w", e.name, err)
			}
			p, _, err := comp.Compile(n)
			if err != nil {
				return nil, fmt.Errorf("compiling exception %q: %w", e.name, err)
			}
			at := Location{Kind: "exception value", Name: e.name, File: v.src.name, Line: v.node.Line, Column: v.node.Column}
			x.exceptions = append(x.exceptions, exceptionTest{e.name, t.s, at, p})
		}
	}
	if s.matching == MatchFirst {
		for _, q := range s.rules[:r.index] {
			if q.Enabled {
				x.earlier = append(x.earlier, q)
			}
		}
	}
	x.st = comp.NewState()
	x.sum = Findings{Rule: r.Name, Enabled: r.Enabled}
	return x, nil
}

// Outcome is how an event fared with a rule.
type Outcome string

// Outcomes, in the order in which they are decided.
const (
	OutcomeOtherType  Outcome = "other event type"        // the rule is not about events of this type
	OutcomeStopped    Outcome = "stopped by a condition"  // the condition is false
	OutcomeSuppressed Outcome = "suppressed by exception" // an exception applies
	OutcomeShadowed   Outcome = "shadowed"                // an earlier rule took the event
	OutcomeDisabled   Outcome = "rule is disabled"
	OutcomeFired      Outcome = "fired"
)

// Explanation is the verdict on one event.
type Explanation struct {
	Rule       string        `json:"rule"`
	Event      uint64        `json:"event"`
	Type       string        `json:"type"`
	Outcome    Outcome       `json:"outcome"`
	Trace      *filter.Trace `json:"condition"` // without exceptions
	Exceptions []Suppression `json:"exceptions,omitempty"`
	ShadowedBy string        `json:"shadowed_by,omitempty"`
}

// Findings is the verdict over many events.
type Findings struct {
	Rule    string `json:"rule"`
	Enabled bool   `json:"enabled"`
	// Events counts the events seen, Candidates those of the types that the rule
	// is about.
	Events     uint64 `json:"events"`
	Candidates uint64 `json:"candidates"`
	Fired      uint64 `json:"fired"`
	Disabled   uint64 `json:"disabled,omitempty"` // would have fired were the rule enabled
	FirstFired uint64 `json:"first_fired,omitempty"`
	// Stops are the conditions that kept candidates from matching, most
	// frequent first.
	Stops      []Stop        `json:"stops,omitempty"`
	Exceptions []Suppression `json:"exceptions,omitempty"`
	Shadows    []Shadow      `json:"shadows,omitempty"`
}

// Stop is a part of the condition that was false.
type Stop struct {
	Text  string `json:"text"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	Count uint64 `json:"count"`
	Event uint64 `json:"event"` // the last one
}

// Suppression is an exception value that applied.
type Suppression struct {
	Exception string `json:"exception"`
	Text      string `json:"text"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Count     uint64 `json:"count"`
	Event     uint64 `json:"event"`
}

// Shadow is an earlier rule that took events which the rule matches too.
type Shadow struct {
	Rule  string `json:"rule"`
	Count uint64 `json:"count"`
	Event uint64 `json:"event"`
}

// outcome decides how ev fares. hits are the exceptions that apply.
func (x *Explainer) outcome(ev *replay.Event) (o Outcome, stop filter.Node, hits []*exceptionTest, shadow *Rule) {
	if !x.rule.types.Has(ev.Type) || ev.Flags&scapfile.FlagStateOnly != 0 {
		return OutcomeOtherType, nil, nil, nil
	}
	x.st.Begin()
	if stop = x.prog.Stopper(x.st, ev); stop != nil {
		return OutcomeStopped, stop, nil, nil
	}
	for i := range x.exceptions {
		if x.exceptions[i].prog.Match(x.st, ev) {
			hits = append(hits, &x.exceptions[i])
		}
	}
	if len(hits) > 0 {
		return OutcomeSuppressed, nil, hits, nil
	}
	x.set.state.Begin()
	for _, q := range x.earlier {
		if q.types.Has(ev.Type) && q.prog.Match(x.set.state, ev) {
			return OutcomeShadowed, nil, nil, q
		}
	}
	if !x.rule.Enabled {
		return OutcomeDisabled, nil, nil, nil
	}
	return OutcomeFired, nil, nil, nil
}

// Event explains one event, which must be current in its machine.
func (x *Explainer) Event(ev *replay.Event) *Explanation {
	o, _, hits, shadow := x.outcome(ev)
	e := &Explanation{Rule: x.rule.Name, Event: ev.Num, Type: ev.TypeName(), Outcome: o, Trace: x.prog.Explain(ev)}
	for _, h := range hits {
		e.Exceptions = append(e.Exceptions, Suppression{Exception: h.name, Text: h.text, File: h.at.File, Line: h.at.Line, Count: 1, Event: ev.Num})
	}
	if shadow != nil {
		e.ShadowedBy = shadow.Name
	}
	return e
}

// Study takes an event into account for Findings.
func (x *Explainer) Study(ev *replay.Event) {
	x.sum.Events++
	o, stop, hits, shadow := x.outcome(ev)
	if o != OutcomeOtherType {
		x.sum.Candidates++
	}
	switch o {
	case OutcomeStopped:
		x.stopped(stop, ev.Num)
	case OutcomeSuppressed:
		for _, h := range hits {
			s := x.hits[h]
			if s == nil {
				s = &Suppression{Exception: h.name, Text: h.text, File: h.at.File, Line: h.at.Line}
				x.hits[h] = s
			}
			s.Count++
			s.Event = ev.Num
		}
	case OutcomeShadowed:
		s := x.shadows[shadow]
		if s == nil {
			s = &Shadow{Rule: shadow.Name}
			x.shadows[shadow] = s
		}
		s.Count++
		s.Event = ev.Num
	case OutcomeDisabled:
		x.sum.Disabled++
	case OutcomeFired:
		if x.sum.Fired++; x.sum.Fired == 1 {
			x.sum.FirstFired = ev.Num
		}
	}
}

func (x *Explainer) stopped(n filter.Node, event uint64) {
	s := x.stops[n]
	if s == nil {
		src, at, _ := x.set.res.place(n.Pos().Offset)
		line, _ := src.lineCol(at)
		s = &Stop{Text: filter.String(n), File: src.name, Line: line}
		x.stops[n] = s
	}
	s.Count++
	s.Event = event
}

// Findings returns what Study found so far.
func (x *Explainer) Findings() *Findings {
	f := x.sum
	for _, s := range x.stops {
		f.Stops = append(f.Stops, *s)
	}
	for _, s := range x.hits {
		f.Exceptions = append(f.Exceptions, *s)
	}
	for _, s := range x.shadows {
		f.Shadows = append(f.Shadows, *s)
	}
	sort.Slice(f.Stops, func(i, j int) bool { return more(f.Stops[i].Count, f.Stops[j].Count, f.Stops[i].Text, f.Stops[j].Text) })
	sort.Slice(f.Exceptions, func(i, j int) bool {
		return more(f.Exceptions[i].Count, f.Exceptions[j].Count, f.Exceptions[i].Text, f.Exceptions[j].Text)
	})
	sort.Slice(f.Shadows, func(i, j int) bool {
		return more(f.Shadows[i].Count, f.Shadows[j].Count, f.Shadows[i].Rule, f.Shadows[j].Rule)
	})
	return &f
}

func more(a, b uint64, s, t string) bool {
	if a != b {
		return a > b
	}
	return s < t
}
