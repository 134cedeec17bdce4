package filter

import (
	"sync"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// asyncNames are the names of asynchronous events, which show as their evt.type:
// those of the container plugin.
var asyncNames = []string{"container"}

// typeInfo is what one name may stand for in evt.type.
type typeInfo struct {
	exact    bitset // event types that always show this name
	possible bitset // event types that can show it: those, and generic and asynchronous events
	codes    bitset // system calls whose events show it
	named    bitset // system calls of that name: their generic events show it
	async    bool
}

// typeNames holds a typeInfo for every name that evt.type can have, by name, and
// for the names of system calls whose events are called otherwise.
var typeNames = sync.OnceValue(func() map[string]*typeInfo {
	names := make(map[string]*typeInfo)
	get := func(name string) *typeInfo {
		if names[name] == nil {
			names[name] = &typeInfo{}
		}
		return names[name]
	}
	events := schema.Events()
	for i := range events {
		switch t := events[i].Type; t {
		case schema.PPME_GENERIC_E, schema.PPME_GENERIC_X, schema.PPME_ASYNCEVENT_E:
			get(events[i].Name) // legal, but shown under the name of the call or event inside
		default:
			info := get(events[i].Name)
			info.exact.add(i)
			info.possible.add(i)
		}
	}
	for _, sc := range schema.Syscalls() {
		info := get(sc.Name)
		info.named.add(int(sc.Code))
		if sc.Generic() {
			info.codes.add(int(sc.Code))
			info.possible.add(int(schema.PPME_GENERIC_E))
			info.possible.add(int(schema.PPME_GENERIC_X))
		} else {
			get(events[sc.Exit].Name).codes.add(int(sc.Code))
		}
	}
	for _, name := range asyncNames {
		info := get(name)
		info.async = true
		info.possible.add(int(schema.PPME_ASYNCEVENT_E))
	}
	return names
})

// typeMatch tests the type of an event against names without making its text.
type typeMatch struct {
	types bitset // events that show one of the names always
	codes bitset // generic events by system call
	async []string
}

func newTypeMatch(names []string) *typeMatch {
	m := &typeMatch{}
	for _, name := range names {
		info := typeNames()[name]
		if info == nil {
			continue
		}
		m.types.unite(&info.exact)
		m.codes.unite(&info.named)
		if info.async {
			m.async = append(m.async, name)
		}
	}
	return m
}

func (m *typeMatch) match(ev *replay.Event) bool {
	switch ev.Type {
	case schema.PPME_GENERIC_E, schema.PPME_GENERIC_X:
		p := ev.Param(0)
		return len(p) == 2 && m.codes.has(int(p[0])|int(p[1])<<8)
	case schema.PPME_ASYNCEVENT_E:
		name, ok := ev.Text(1)
		for _, n := range m.async {
			if ok && string(name) == n {
				return true
			}
		}
		return false
	}
	return m.types.has(int(ev.Type))
}

// typeLeaf compiles a check of evt.type or syscall.type against literals. Where
// the operator tests for equality the names must exist.
func typeLeaf(chk *Check, s *source) (*leaf, error) {
	member := chk.Op == OpIn || chk.Op == OpIntersects
	if !member && chk.Op != OpEq && chk.Op != OpEqEq && chk.Op != OpNe {
		return scalarLeaf(chk, s)
	}
	var names []string
	for _, v := range chk.literals() {
		if typeNames()[v.Text] == nil {
			e := compileErr(ErrCodeUnknownEventType, v.At, "%s %s", ErrUnknownEventType, Quote(v.Text))
			e.Err = ErrUnknownEventType
			e.Hint = "'sysreel events' and 'sysreel syscalls' list the names"
			return nil, e
		}
		names = append(names, v.Text)
	}
	if len(names) == 0 || chk.Mod != ModNone || s.text != "evt.type" {
		return scalarLeaf(chk, s)
	}
	m, want := newTypeMatch(names), chk.Op != OpNe
	return &leaf{cost: costType - s.cost, test: func(_ *State, ev *replay.Event) bool {
		return m.match(ev) == want
	}}, nil
}

// eventNumber recognises checks of evt.num that do not depend on the event, as
// events count from 1: rule files spell "never" as evt.num=0.
func eventNumber(chk *Check) (always, ok bool) {
	f, isField := chk.Left.(*Field)
	if !isField || f.Name != "evt.num" || f.HasArg || len(chk.Values) != 1 || chk.Mod != ModNone {
		return false, false
	}
	n, err := literalNumber(chk.Values[0], schema.PT_UINT64)
	if err != nil {
		return false, false
	}
	zero, one := n == 0, n == 1
	switch chk.Op {
	case OpEq, OpEqEq, OpIn, OpIntersects:
		return false, zero
	case OpNe:
		return true, zero
	case OpLt:
		return false, zero || one
	case OpLe:
		return false, zero
	case OpGt:
		return true, zero
	case OpGe:
		return true, zero || one
	}
	return false, false
}
