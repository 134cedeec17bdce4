package filter

import (
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
)

func buildGetopt(call *Call, args []*source) (*source, error) {
	list, opts := args[0], args[1]
	if !list.isList || list.group != groupText {
		return nil, wrongInput(call, 0, list, "a list of texts and an option string")
	}
	if !isText(opts) {
		return nil, wrongInput(call, 1, opts, "a list of texts and an option string")
	}
	if !call.HasSel {
		return &source{typ: schema.PT_CHARBUF, group: groupText, isList: true, list: func(st *State, ev *replay.Event) ([]replay.Value, bool) {
			words, spec, ok := getoptInput(st, ev, list, opts)
			if !ok {
				return nil, false
			}
			n := len(st.vals)
			g := optScanner{words: words, spec: spec}
			for g.next() {
				st.vals = append(st.vals, replay.Value{Type: schema.PT_CHARBUF, Str: g.opt})
				if g.takesValue {
					st.vals = append(st.vals, replay.Value{Type: schema.PT_CHARBUF, Str: g.val})
				}
			}
			return st.vals[n:len(st.vals):len(st.vals)], true
		}}, nil
	}
	if len(call.Sel) != 1 {
		return nil, compileErr(ErrCodeTransformer, call.At, "getopt() selects one option letter, not %s", Quote(call.Sel))
	}
	sel := call.Sel
	return &source{typ: schema.PT_CHARBUF, group: groupText, str: func(st *State, ev *replay.Event) (string, bool) {
		words, spec, ok := getoptInput(st, ev, list, opts)
		if !ok {
			return "", false
		}
		found, val := false, ""
		for g := (optScanner{words: words, spec: spec}); g.next(); {
			if g.opt != sel {
				continue
			}
			if found, val = true, g.opt; g.takesValue {
				val = g.val
			}
		}
		return val, found
	}}, nil
}

func getoptInput(st *State, ev *replay.Event, list, opts *source) (words []replay.Value, spec string, ok bool) {
	if words, ok = list.list(st, ev); !ok {
		return nil, "", false
	}
	spec, ok = opts.getText(st, ev)
	return words, spec, ok
}

// optScanner walks words as getopt(3) does, without permuting them.
type optScanner struct {
	words []replay.Value
	spec  string // option letters, each followed by : when it takes a value

	cluster string // letters of the current word not looked at

	opt, val   string // the current option, "?" for letters not in spec
	takesValue bool
}

func (g *optScanner) next() bool {
	for g.cluster == "" {
		if len(g.words) == 0 {
			return false
		}
		w := g.words[0].Str
		if w == "--" || len(w) < 2 || w[0] != '-' {
			return false
		}
		g.words = g.words[1:]
		if w[1] != '-' { // long options are skipped
			g.cluster = w[1:]
		}
	}
	g.opt, g.val, g.takesValue = g.cluster[:1], "", false
	g.cluster = g.cluster[1:]
	at := strings.Index(g.spec, g.opt)
	if at < 0 || g.opt == ":" {
		g.opt = "?"
		return true
	}
	if at+1 >= len(g.spec) || g.spec[at+1] != ':' {
		return true
	}
	g.takesValue = true
	switch {
	case g.cluster != "":
		g.val, g.cluster = g.cluster, ""
	case len(g.words) > 0:
		g.val = g.words[0].Str
		g.words = g.words[1:]
	}
	return true
}
