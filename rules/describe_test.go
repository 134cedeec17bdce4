package rules

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDescribe(t *testing.T) {
	set := mustLoad(t, LoadOptions{}, "- required_engine_version: 0.57.0\n- list: l\n  items: [a, b]\n- list: k\n  items: [l, c]\n- macro: m\n  condition: (proc.name in (k))\n"+
		rule("r", "evt.type=open and m and not fd.name startswith anyof (l)", "exceptions: [{name: e, fields: [proc.pname], values: [[x]]}]", "tags: [t]"))
	var got map[string]any
	if err := json.Unmarshal(set.Describe("").AppendJSON(nil), &got); err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	err := json.Unmarshal([]byte(`{
"required_engine_version": "0.57.0", "required_plugin_versions": [],
"rules": [{"info": {"name": "r", "condition": "evt.type=open and m and not fd.name startswith anyof (l)", "priority": "Informational",
 "output": "o %proc.name", "description": "d", "enabled": true, "source": "syscall", "capture": false, "capture_duration": 0, "tags": ["t"]},
 "details": {"macros": ["m"], "lists": ["l"], "condition_operators": ["=", "startswith anyof"], "condition_fields": ["evt.type", "fd.name"],
 "output_fields": ["proc.name"], "exception_names": ["e"], "exception_operators": ["="], "exception_fields": ["proc.pname"],
 "events": ["asyncevent", "open"], "condition_compiled": "((evt.type = open and proc.name in (a, b, c) and not fd.name startswith anyof (a, b)) and not proc.pname = x)",
 "output_compiled": "o %proc.name", "plugins": []}}],
"macros": [{"info": {"name": "m", "condition": "(proc.name in (k))"}, "details": {"used": true, "macros": [], "lists": ["k"], "condition_operators": ["in"],
 "condition_fields": ["proc.name"], "condition_compiled": "proc.name in (a, b, c)", "plugins": []}}],
"lists": [{"info": {"name": "l", "items": ["a", "b"]}, "details": {"used": true, "lists": [], "items_compiled": ["a", "b"], "plugins": []}},
 {"info": {"name": "k", "items": ["l", "c"]}, "details": {"used": true, "lists": ["l"], "items_compiled": ["a", "b", "c"], "plugins": []}}]}`), &want)
	if err != nil {
		t.Fatal(err)
	}
	delete(got["macros"].([]any)[0].(map[string]any)["details"].(map[string]any), "events") // every event
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("description differs (-want +got):\n%s", d)
	}
	if set.Describe("none") != nil {
		t.Error("description of an unknown rule")
	}
	text := string(set.Describe("r").AppendText(nil, 80))
	if text != "Rule  Description\n----  -----------\nr     d\n" {
		t.Errorf("text: %q", text)
	}
}

func TestWrap(t *testing.T) {
	got := string(appendColumns(nil, "name", strings.Repeat("word ", 20), 6, 80))
	for line := range strings.Lines(got) {
		if len(line) > 81 {
			t.Errorf("line of %d bytes: %q", len(line), line)
		}
	}
}
