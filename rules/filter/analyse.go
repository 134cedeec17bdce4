package filter

import (
	"github.com/sysreel/sysreel/scapfile/schema"
)

// EventTypes returns the event types on which n can be true: and intersects, or
// unites, not exchanges the types where a check can be true with those where it
// can be false. Only checks of evt.type and syscall.type by equality, and checks
// of evt.num that are always or never true, restrict anything. The set may be
// empty. Macros must be expanded; those that are not restrict nothing.
func EventTypes(n Node) *TypeSet {
	all := bitset{}
	for i := range schema.Events() {
		all.add(i)
	}
	can, _ := reach(n, &all, func(c *Check, names []string) (can, cannot bitset) {
		var exact bitset
		for _, name := range names {
			if info := typeNames()[name]; info != nil {
				can.unite(&info.possible)
				exact.unite(&info.exact)
			}
		}
		return can, minus(&all, &exact)
	})
	return &TypeSet{can}
}

// Syscalls returns the system calls without which n cannot be true, or rather
// whose events it can be true on: what a capture for this condition must record.
func Syscalls(n Node) *SyscallSet {
	all := bitset{}
	for _, sc := range schema.Syscalls() {
		all.add(int(sc.Code))
	}
	can, _ := reach(n, &all, func(c *Check, names []string) (can, cannot bitset) {
		for _, name := range names {
			if info := typeNames()[name]; info != nil {
				can.unite(&info.codes)
			}
		}
		return can, minus(&all, &can)
	})
	return &SyscallSet{can}
}

// CheckEventTypes reports checks that keep EventTypes from seeing which events a
// rule is for: evt.type compared with another value or transformed. Falco rejects
// them in rules, and so do rule files here.
func CheckEventTypes(n Node) error {
	var err error
	Walk(n, func(n Node) bool {
		c, ok := n.(*Check)
		if !ok || err != nil {
			return err == nil
		}
		if isTypeField(c.Left) && c.Right != nil {
			err = compileErr(ErrCodeOperator, c.Right.Pos(), "in rules evt.type can be compared with names only")
		}
		for _, o := range []Operand{c.Left, c.Right} {
			if call, ok := o.(*Call); ok {
				walkOperand(call, func(f *Field) {
					if isTypeField(f) && err == nil {
						err = compileErr(ErrCodeTransformer, f.At, "in rules evt.type cannot be transformed")
					}
				})
			}
		}
		return true
	})
	return err
}

func isTypeField(o Operand) bool {
	f, ok := o.(*Field)
	return ok && f.Name == "evt.type" && !f.HasArg
}

// reach returns where n can be true and where it can be false, within all.
func reach(n Node, all *bitset, named func(*Check, []string) (can, cannot bitset)) (can, cannot bitset) {
	switch n := n.(type) {
	case *And:
		can = *all
		for _, k := range n.Kids {
			kc, kn := reach(k, all, named)
			can.intersect(&kc)
			cannot.unite(&kn)
		}
		return can, cannot
	case *Or:
		cannot = *all
		for _, k := range n.Kids {
			kc, kn := reach(k, all, named)
			can.unite(&kc)
			cannot.intersect(&kn)
		}
		return can, cannot
	case *Not:
		can, cannot = reach(n.Kid, all, named)
		return cannot, can
	case *MacroRef:
		if n.Body != nil {
			return reach(n.Body, all, named)
		}
	case *Check:
		return reachCheck(n, all, named)
	}
	return *all, *all
}

func reachCheck(c *Check, all *bitset, named func(*Check, []string) (can, cannot bitset)) (can, cannot bitset) {
	if always, ok := eventNumber(c); ok {
		if always {
			return *all, bitset{}
		}
		return bitset{}, *all
	}
	f, ok := c.Left.(*Field)
	if !ok || f.HasArg || f.Name != "evt.type" && f.Name != "syscall.type" || c.Right != nil || c.Mod != ModNone {
		return *all, *all
	}
	switch c.Op {
	case OpEq, OpEqEq, OpNe, OpIn, OpIntersects:
	default:
		return *all, *all
	}
	var names []string
	for _, v := range c.literals() {
		names = append(names, v.Text)
	}
	can, cannot = named(c, names)
	if f.Name == "syscall.type" {
		// Missing, hence false, on events that are no calls; so are != and in.
		cannot = *all
	}
	if c.Op == OpNe {
		if f.Name == "syscall.type" {
			return *all, *all
		}
		can, cannot = cannot, can
	}
	return can, cannot
}

func minus(all, b *bitset) bitset {
	out := *all
	for i := range out {
		out[i] &^= b[i]
	}
	return out
}
