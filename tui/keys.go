package tui

import (
	"fmt"
	"strings"

	"github.com/gdamore/tcell/v2"
)

// scope tells where an action is available: everywhere or on one screen.
type scope uint8

// Scopes. The screens are numbered as their keys.
const (
	scopeGlobal scope = iota
	scopeEvents
	scopeProcs
	scopeFiles
	scopeConns
	scopeAlerts
	scopeTimeline
	scopeSQL
	scopeRules
	numScopes
)

// screenNames are the tabs, by scope.
var screenNames = [numScopes]string{"", "Events", "Procs", "Files", "Conns", "Alerts", "Timeline", "SQL", "Rules"}

// action is one thing that a key does. The hint line, the help overlay and the
// palette are made from the registry, so a key exists only with its description.
type action struct {
	name  string   // unique, as in the palette: "filter"
	keys  []string // canonical key names (keyName), the first is shown
	scope scope
	hint  string // few words for the hint line, "" keeps it out of there
	desc  string // a sentence for help and palette
	run   func(*Model)
}

// registry indexes actions by scope and key.
type registry struct {
	actions []action
	byKey   [numScopes]map[string]int
}

// newRegistry builds the index; a clash within a scope, between a screen and
// the global keys, or an action without description is an error.
func newRegistry(actions []action) (*registry, error) {
	r := &registry{actions: actions}
	for i := range r.byKey {
		r.byKey[i] = make(map[string]int)
	}
	names := make(map[string]bool)
	for i, a := range actions {
		if a.desc == "" || a.name == "" || a.run == nil {
			return nil, fmt.Errorf("action %q of scope %d is incomplete", a.name, a.scope)
		}
		id := fmt.Sprintf("%d %s", a.scope, a.name)
		if names[id] {
			return nil, fmt.Errorf("action %q exists twice", a.name)
		}
		names[id] = true
		for _, k := range a.keys {
			if j, ok := r.byKey[a.scope][k]; ok {
				return nil, fmt.Errorf("key %s means both %q and %q", k, actions[j].name, a.name)
			}
			r.byKey[a.scope][k] = i
		}
	}
	for s := scopeGlobal + 1; s < numScopes; s++ {
		for k, i := range r.byKey[s] {
			if j, ok := r.byKey[scopeGlobal][k]; ok {
				return nil, fmt.Errorf("key %s of %q is reserved for %q", k, actions[i].name, actions[j].name)
			}
		}
	}
	return r, nil
}

// find returns the action of a key on a screen, nil if it has none.
func (r *registry) find(s scope, key string) *action {
	if i, ok := r.byKey[s][key]; ok {
		return &r.actions[i]
	}
	if i, ok := r.byKey[scopeGlobal][key]; ok {
		return &r.actions[i]
	}
	return nil
}

// hints returns the hint line of a screen: its own keys first.
func (r *registry) hints(s scope) string {
	var b strings.Builder
	for _, sc := range []scope{s, scopeGlobal} {
		for _, a := range r.actions {
			if a.scope != sc || a.hint == "" || len(a.keys) == 0 {
				continue
			}
			if b.Len() > 0 {
				b.WriteString("  ")
			}
			b.WriteString(a.keys[0])
			b.WriteByte(' ')
			b.WriteString(a.hint)
		}
		if sc == scopeGlobal {
			break
		}
	}
	return b.String()
}

var specialKeys = map[tcell.Key]string{
	tcell.KeyEnter: "Enter", tcell.KeyEscape: "Esc", tcell.KeyTab: "Tab", tcell.KeyBacktab: "S-Tab",
	tcell.KeyBackspace: "Backspace", tcell.KeyBackspace2: "Backspace", tcell.KeyDelete: "Del",
	tcell.KeyUp: "Up", tcell.KeyDown: "Down", tcell.KeyLeft: "Left", tcell.KeyRight: "Right",
	tcell.KeyPgUp: "PgUp", tcell.KeyPgDn: "PgDn", tcell.KeyHome: "Home", tcell.KeyEnd: "End",
}

// keyName returns the canonical name of a key: "a", "A", "^F", "F4", "Enter",
// "A-space".
func keyName(ev *tcell.EventKey) string {
	if n, ok := specialKeys[ev.Key()]; ok {
		if ev.Modifiers()&tcell.ModShift != 0 && n != "S-Tab" && n != "Backspace" {
			return "S-" + n
		}
		return n
	}
	switch k := ev.Key(); {
	case k == tcell.KeyRune:
		n := string(ev.Rune())
		if n == " " {
			n = "space"
		}
		if ev.Modifiers()&tcell.ModAlt != 0 {
			n = "A-" + n
		}
		return n
	case k >= tcell.KeyCtrlA && k <= tcell.KeyCtrlZ:
		return "^" + string(rune('A'+k-tcell.KeyCtrlA))
	case k >= tcell.KeyF1 && k <= tcell.KeyF12:
		return fmt.Sprintf("F%d", k-tcell.KeyF1+1)
	}
	return ""
}
