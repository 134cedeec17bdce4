package filter

import (
	"github.com/sysreel/sysreel/replay"
)

// Trace is the evaluation of a condition on one event, as a tree of the shape
// that the condition was written in. Every node is evaluated, also those that
// matching would not have looked at.
type Trace struct {
	Kind string `json:"kind"` // and, or, not, macro, check
	// Text is the canonical text of a check, the name of a macro, else empty.
	Text  string   `json:"text,omitempty"`
	Truth bool     `json:"truth"`
	Left  *Reading `json:"left,omitempty"`  // of checks
	Right *Reading `json:"right,omitempty"` // of comparisons of two values
	Kids  []*Trace `json:"kids,omitempty"`
	Node  Node     `json:"-"`
}

// Reading is a value as found on the event.
type Reading struct {
	Text    string `json:"text"` // the field or call
	Value   string `json:"value,omitempty"`
	Present bool   `json:"present"` // false: missing, hence the check is false
}

// Explain evaluates the condition on ev and tells how each part came out. Values
// are captured text, to be made safe before they are shown.
func (p *Program) Explain(ev *replay.Event) *Trace {
	return p.trace(p.c.NewState(), ev, p.node)
}

func (p *Program) trace(st *State, ev *replay.Event, n Node) *Trace {
	t := &Trace{Node: n}
	switch n := n.(type) {
	case *And:
		t.Kind, t.Truth = "and", true
		for _, k := range n.Kids {
			kid := p.trace(st, ev, k)
			t.Kids = append(t.Kids, kid)
			t.Truth = t.Truth && kid.Truth
		}
	case *Or:
		t.Kind = "or"
		for _, k := range n.Kids {
			kid := p.trace(st, ev, k)
			t.Kids = append(t.Kids, kid)
			t.Truth = t.Truth || kid.Truth
		}
	case *Not:
		kid := p.trace(st, ev, n.Kid)
		t.Kind, t.Kids, t.Truth = "not", []*Trace{kid}, !kid.Truth
	case *MacroRef:
		kid := p.trace(st, ev, n.Body)
		t.Kind, t.Text, t.Kids, t.Truth = "macro", n.Name, []*Trace{kid}, kid.Truth
	case *Check:
		e := p.c.nodes[n]
		t.Kind, t.Text = "check", String(n)
		t.Truth = e.run(st, ev)
		t.Left, t.Right = reading(st, ev, e.leaf.left), reading(st, ev, e.leaf.right)
	}
	return t
}

func reading(st *State, ev *replay.Event, s *source) *Reading {
	if s == nil {
		return nil
	}
	r := &Reading{Text: s.text}
	if s.ref != nil && !s.isAny && !s.ref.FilterOnly {
		var b []byte
		b, r.Present = s.ref.AppendText(nil, ev)
		r.Value = string(b)
		return r
	}
	v, ok := s.value(st, ev)
	if r.Present = ok; ok {
		r.Value = string(v.AppendText(nil))
	}
	return r
}

// Stopper returns the part of the condition that kept it from holding on ev: in
// a conjunction the first part that is false, as written; of a disjunction or a
// negation the whole of it. It is nil when the condition holds. st is used as in
// Match.
func (p *Program) Stopper(st *State, ev *replay.Event) Node {
	if p.Match(st, ev) {
		return nil
	}
	n := p.node
	for {
		next := n
		switch x := n.(type) {
		case *And:
			for _, k := range x.Kids {
				if !p.c.nodes[k].eval(st, ev) {
					next = k
					break
				}
			}
		case *MacroRef:
			next = x.Body
		}
		if next == n {
			return n
		}
		n = next
	}
}
