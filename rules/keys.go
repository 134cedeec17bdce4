package rules

// keySpec is a key of an item: what its value is and how override may use it.
type keySpec struct {
	name     string
	kind     valueKind
	required bool // in a complete definition
	// append and replace tell whether override allows the operation; exempt keys
	// need no mention under override.
	append, replace, exempt bool
	desc                    string
}

type valueKind uint8

const (
	kindText valueKind = iota
	kindBool
	kindUint
	kindPriority
	kindTexts      // sequence of scalars
	kindOneOrMany  // scalar or sequence of scalars
	kindComps      // the same, of operators
	kindValues     // sequence of scalars or tuples
	kindExceptions // sequence of mappings
	kindOverride   // mapping of key to operation
	kindVersion
	kindPlugins
)

// The keys of each item kind. Decoding, override checks, unknown-key warnings
// and the JSON schema follow from these tables.
var (
	listKeys = []keySpec{
		{name: "list", kind: kindText, required: true, exempt: true, desc: "name of the list"},
		{name: "items", kind: kindTexts, required: true, append: true, replace: true, desc: "values; the name of an earlier list stands for its items"},
		{name: "append", kind: kindBool, exempt: true, desc: "deprecated: add the items to the existing list"},
		{name: "override", kind: kindOverride, exempt: true, desc: "change an existing list: key to append or replace"},
	}
	macroKeys = []keySpec{
		{name: "macro", kind: kindText, required: true, exempt: true, desc: "name of the macro"},
		{name: "condition", kind: kindText, required: true, append: true, replace: true, desc: "condition that the name stands for"},
		{name: "append", kind: kindBool, exempt: true, desc: "deprecated: add text to the existing condition"},
		{name: "override", kind: kindOverride, exempt: true, desc: "change an existing macro: key to append or replace"},
	}
	ruleKeys = []keySpec{
		{name: "rule", kind: kindText, required: true, exempt: true, desc: "unique name of the rule"},
		{name: "condition", kind: kindText, required: true, append: true, replace: true, desc: "condition on an event"},
		{name: "desc", kind: kindText, required: true, append: true, replace: true, desc: "what the rule detects and why it matters"},
		{name: "output", kind: kindText, required: true, append: true, replace: true, desc: "template of the message"},
		{name: "priority", kind: kindPriority, required: true, replace: true, desc: "severity"},
		{name: "source", kind: kindText, exempt: true, desc: "event source, syscall by default"},
		{name: "enabled", kind: kindBool, replace: true, desc: "false keeps the rule from being evaluated"},
		{name: "tags", kind: kindTexts, append: true, replace: true, desc: "labels for selection"},
		{name: "exceptions", kind: kindExceptions, append: true, replace: true, desc: "events to leave out"},
		{name: "capture", kind: kindBool, replace: true, desc: "record events when the rule fires"},
		{name: "capture_duration", kind: kindUint, replace: true, desc: "length of the recording in milliseconds"},
		{name: "warn_evttypes", kind: kindBool, replace: true, desc: "false silences LOAD_NO_EVTTYPE"},
		{name: "skip-if-unknown-filter", kind: kindBool, replace: true, desc: "drop the rule when a field is unknown instead of failing"},
		{name: "append", kind: kindBool, exempt: true, desc: "deprecated: add to the condition and exceptions of the existing rule"},
		{name: "override", kind: kindOverride, exempt: true, desc: "change an existing rule: key to append or replace"},
	}
	exceptionKeys = []keySpec{
		{name: "name", kind: kindText, required: true, desc: "name of the exception"},
		{name: "fields", kind: kindOneOrMany, desc: "field, or sequence of fields"},
		{name: "comps", kind: kindComps, desc: "operator, or one operator per field"},
		{name: "values", kind: kindValues, desc: "values, or tuples of values"},
	}
	pluginKeys = []keySpec{
		{name: "name", kind: kindText, required: true, desc: "name of the plugin"},
		{name: "version", kind: kindText, required: true, desc: "lowest version"},
		{name: "alternatives", kind: kindPlugins, desc: "plugins that serve as well"},
	}
)

func findKey(keys []keySpec, name string) *keySpec {
	for i := range keys {
		if keys[i].name == name {
			return &keys[i]
		}
	}
	return nil
}
