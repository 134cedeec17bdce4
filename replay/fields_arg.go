package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// argNames lists every argument name of the current events, longest first.
var argNames = func() []string {
	seen := make(map[string]bool)
	var names []string
	for i := range schema.Events() {
		for _, p := range schema.Events()[i].Params {
			if !seen[p.Name] {
				seen[p.Name] = true
				names = append(names, p.Name)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return names
}()

// argIndex returns where each event type has the argument with that name, -1
// where it has none.
func argIndex(name string) []int8 {
	events := schema.Events()
	idx := make([]int8, len(events))
	for i := range events {
		idx[i] = int8(events[i].ParamIndex(name))
	}
	return idx
}

func unknownArg(r *Ref) error {
	hint := ""
	best := 3
	for _, n := range argNames {
		if d := editDistance(r.Arg, n, best); d < best {
			best, hint = d, fmt.Sprintf("; did you mean %s?", n)
		}
	}
	return badArgument(r, "no event has an argument %q%s", r.Arg, hint)
}

// bindArg is evt.arg.NAME and evt.arg[N].
func bindArg(r *Ref) error {
	if n, err := strconv.ParseUint(r.Arg, 10, 8); err == nil {
		r.Str = func(ev *Event) (string, bool) {
			if int(n) >= len(ev.Info.Params) {
				return "", false
			}
			return ev.argText(int(n))
		}
		return nil
	}
	if !slices.Contains(argNames, r.Arg) {
		return unknownArg(r)
	}
	idx := argIndex(r.Arg)
	r.Str = func(ev *Event) (string, bool) {
		i := idx[ev.Type]
		if i < 0 {
			return "", false
		}
		return ev.argText(int(i))
	}
	return nil
}

// rawArgField is evt.rawarg.NAME: the argument as it is in the event. Its type
// is that of the first event that has it; an event may have another, which
// counts in output.
func rawArgField(name, desc string) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_DYN, Arg: ArgKey, ArgRequired: true, Desc: desc},
		bind: func(r *Ref) error {
			idx := argIndex(r.Arg)
			first := slices.IndexFunc(idx, func(i int8) bool { return i >= 0 })
			if first < 0 {
				return unknownArg(r)
			}
			p := schema.Events()[first].Params[idx[first]]
			f := *r.Field
			f.Type, f.Format = p.Type, p.Format
			r.Field, r.Type = &f, p.Type
			r.typed = func(ev *Event) (Value, schema.Format, bool) {
				i := int(idx[ev.Type])
				if i < 0 {
					return Value{}, 0, false
				}
				q := &ev.Info.Params[i]
				v, ok := Value{Type: q.Type}, false
				if isText(q.Type) {
					v.Str, ok = rawText(ev, i)
				} else {
					v.Int, ok = ev.Int(i)
				}
				return v, q.Format, ok
			}
			if isText(p.Type) {
				r.Str = func(ev *Event) (string, bool) { return rawText(ev, int(idx[ev.Type])) }
			} else {
				r.Int = func(ev *Event) (int64, bool) {
					i := int(idx[ev.Type])
					if i < 0 {
						return 0, false
					}
					return ev.Int(i)
				}
			}
			return nil
		},
	}.dotOnly().plainOnly()
}

// rawText is the bytes of a parameter, strings without their NUL.
func rawText(ev *Event, i int) (string, bool) {
	if i < 0 {
		return "", false
	}
	switch ev.Info.Params[i].Type {
	case schema.PT_CHARBUF, schema.PT_FSPATH, schema.PT_FSRELPATH:
		s, ok := ev.Text(i)
		return view(s), ok
	}
	p := ev.Param(i)
	return view(p), p != nil
}

// argText is the text of a parameter: the resolved form, else the raw one. An
// empty parameter shows as <NA> or NULL, it is not missing.
func (ev *Event) argText(i int) (string, bool) {
	if i >= ev.NumParams() {
		return "", false
	}
	r, b := ev.renderer(false), ev.open()
	if b = r.AppendResolved(b, ev.Event, i); len(b) == 0 {
		b = r.AppendRaw(b, ev.Event, i)
	}
	return ev.close(b)
}

// evtArgs is the list of all arguments.
func evtArgs(ev *Event) (string, bool) {
	return ev.close(ev.renderer(false).AppendArgs(ev.open(), ev.Event))
}
