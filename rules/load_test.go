package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// good is a rule that loads without warnings, for tests about something else.
const good = `
- rule: good
  desc: d
  condition: evt.type = open
  output: o %proc.name
  priority: info
`

// conformance has a row for every LOAD_ code and cause of the specification
// (../shared/spec/rules-language.md; the section is named).
var conformance = []struct {
	name string
	spec string
	yaml string
	code Code
	at   string // line:column
	msg  string // part of the message
}{
	{"not yaml", "8.1", "- rule: [a\n", ErrYAMLParse, "", "did not find expected"},
	{"tab indentation", "8.1", "- rule: x\n\tdesc: y\n", ErrYAMLParse, "", "tab character"},
	{"not a sequence", "1", "rule: x\n", ErrYAMLValidate, "1:1", "rules content is a mapping, expected a sequence"},
	{"item is text", "1", "- hello\n", ErrYAMLValidate, "1:3", "rules content item is a scalar, expected a mapping"},
	{"unknown item", "1", "- rulez: x\n", WarnUnknownItem, "1:3", "unknown top level item 'rulez'"},
	{"unknown key", "1", good + "  colour: red\n", WarnUnknownKey, "7:3", "unknown key 'colour' in rule"},
	{"unknown key in exception", "6", good + "  exceptions: [{name: e, fields: proc.name, value: [a]}]\n", WarnUnknownKey, "7:45", "unknown key 'value' in exception"},
	{"missing condition", "2.1", "- rule: r\n  desc: d\n  output: o\n  priority: info\n", ErrYAMLValidate, "1:3", "no mapping for key 'condition'"},
	{"missing priority", "2.1", "- rule: r\n  desc: d\n  output: o\n  condition: evt.type=open\n  priorty: info\n", ErrYAMLValidate, "1:3", "no mapping for key 'priority'"},
	{"empty condition", "2.1", "- rule: r\n  desc: d\n  output: o\n  priority: info\n  condition: ''\n", ErrYAMLValidate, "5:14", "value of 'condition' is empty"},
	{"null output", "2.1", "- rule: r\n  desc: d\n  output:\n  priority: info\n  condition: evt.type=open\n", ErrYAMLValidate, "", "value of 'output' is a null, expected text"},
	{"condition is a list", "2.1", "- rule: r\n  desc: d\n  output: o\n  priority: info\n  condition: [a]\n", ErrYAMLValidate, "5:14", "value of 'condition' is a sequence"},
	{"bad priority", "2.1", "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: o\n  priority: urgent\n", ErrYAMLValidate, "5:13", `unknown priority "urgent"`},
	{"bad bool", "2.1", good + "  enabled: maybe\n", ErrYAMLValidate, "7:12", "value of 'enabled' is not true or false"},
	{"bad duration", "2.1", good + "  capture_duration: -1\n", ErrYAMLValidate, "7:21", "not an unsigned number"},
	{"tags not a list", "2.1", good + "  tags: a\n", ErrYAMLValidate, "7:9", "value of 'tags' is a scalar, expected a sequence"},
	{"empty name", "2.1", "- rule: ''\n  desc: d\n", ErrYAMLValidate, "1:9", "value of 'rule' is empty"},
	{"macro without condition", "2.2", "- macro: m\n", ErrYAMLValidate, "1:3", "no mapping for key 'condition'"},
	{"macro name", "2.2", "- macro: a-b\n  condition: evt.type=open\n", WarnInvalidMacroName, "1:3", "macro has an invalid name 'a-b'"},
	{"list without items", "2.3", "- list: l\n", ErrYAMLValidate, "1:3", "no mapping for key 'items'"},
	{"list items not a sequence", "2.3", "- list: l\n  items: a\n", ErrYAMLValidate, "2:10", "value of 'items' is a scalar"},
	{"list of lists", "2.3", "- list: l\n  items: [[a]]\n", ErrYAMLValidate, "2:11", "element of 'items' is a sequence"},
	{"list name", "2.3", "- list: a b\n  items: [x]\n", WarnInvalidListName, "1:3", "list has an invalid name 'a b'"},
	{"engine too old", "2.4", "- required_engine_version: 99\n", ErrValidate, "1:28", "require engine version 0.99.0"},
	{"engine other major", "2.4", "- required_engine_version: 1.2.3\n", ErrValidate, "1:28", "require engine version 1.2.3"},
	{"engine not a version", "2.4", "- required_engine_version: new\n", ErrYAMLValidate, "1:28", "unable to parse engine version"},
	{"plugin missing", "2.5", "- required_plugin_versions:\n    - name: k8saudit\n      version: 0.1.0\n", ErrValidate, "2:7", "plugin 'k8saudit' version 0.1.0 is required"},
	{"plugin too new", "2.5", "- required_plugin_versions: [{name: container, version: 0.99.0}]\n", ErrValidate, "1:30", "plugin 'container' version 0.99.0 is required"},
	{"plugin version text", "2.5", "- required_plugin_versions: [{name: container, version: new}]\n", ErrValidate, "1:30", "unable to parse version of plugin 'container'"},
	{"plugin named twice", "2.5", "- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: [{name: a, version: 2.0.0}]}]\n", ErrValidate, "1:71", "named more than once"},
	{"source change", "3", good + strings.Replace(good, "desc: d", "desc: d\n  source: k8s_audit", 1), ErrValidate, "8:3", "cannot be redefined with source 'k8s_audit'"},
	{"undefined macro in rule", "3.1", strings.Replace(good, "evt.type = open", "evt.type = open and shels", 1), ErrValidate, "4:34", `undefined macro "shels"`},
	{"macro defined later", "3.1", "- macro: a\n  condition: b\n- macro: b\n  condition: evt.type=open\n" + good, ErrValidate, "2:14", `undefined macro "b"`},
	{"macro refers to itself", "3.1", "- macro: a\n  condition: a or evt.type=open\n", ErrValidate, "2:14", "refers to itself"},
	{"macro loop", "3.1", "- macro: a\n  condition: evt.type=open\n- macro: b\n  condition: a\n- macro: a\n  condition: b\n", ErrValidate, "", "refers to itself"},
	{"append: true", "4", "- list: l\n  items: [a]\n- list: l\n  items: [b]\n  append: true\n", WarnDeprecatedItem, "5:11", "'append' key is deprecated"},
	{"enabled only", "4", good + "- rule: good\n  enabled: false\n", WarnDeprecatedItem, "7:3", "'enabled' as the only key is deprecated"},
	{"evt.dir in condition", "4", strings.Replace(good, "evt.type = open", "evt.type = open and evt.dir = <", 1), WarnDeprecatedItem, "4:34", "evt.dir"},
	{"container.info in output", "4", strings.Replace(good, "%proc.name", "%proc.name %container.info", 1), WarnDeprecatedItem, "5:24", "container.info"},
	{"override not a mapping", "5.1", good + "- rule: good\n  desc: x\n  override: replace\n", ErrYAMLValidate, "9:13", "value of 'override' is a scalar"},
	{"override operation", "5.1", good + "- rule: good\n  desc: x\n  override: {desc: remove}\n", ErrYAMLValidate, "9:14", "invalid override operation 'remove'"},
	{"override append of priority", "5.1", good + "- rule: good\n  priority: error\n  override: {priority: append}\n", ErrYAMLValidate, "9:14", "key 'priority' cannot be appended to"},
	{"override key without content", "5.1", good + "- rule: good\n  override: {desc: append}\n", ErrYAMLValidate, "8:14", "override of 'desc' has no content"},
	{"content without override key", "5.1", good + "- rule: good\n  desc: x\n  output: y\n  override: {desc: append}\n", ErrYAMLValidate, "9:11", "key 'output' is given but not listed under 'override'"},
	{"override of unknown key", "5.1", good + "- rule: good\n  override: {colour: append}\n", ErrYAMLValidate, "8:14", "key 'colour' cannot be overridden"},
	{"override without target", "5.1", "- rule: r\n  desc: x\n  override: {desc: append}\n", ErrValidate, "1:3", "no rule by that name exists"},
	{"append to missing list", "5.1", "- list: l\n  items: [a]\n  override: {items: append}\n", ErrValidate, "1:3", "no list by that name exists"},
	{"append to missing macro", "5.1", "- macro: m\n  condition: evt.type=open\n  override: {condition: append}\n", ErrValidate, "1:3", "no macro by that name exists"},
	{"append and override", "5.2", "- list: l\n  items: [a]\n- list: l\n  items: [b]\n  append: true\n  override: {items: append}\n", ErrYAMLValidate, "6:13", "cannot be combined"},
	{"append: true without target", "5.2", "- rule: r\n  condition: and evt.num=1\n  append: true\n", ErrValidate, "1:3", "no rule by that name exists"},
	{"enabled without target", "5.3", "- rule: r\n  enabled: false\n", ErrValidate, "1:3", "no rule by that name exists"},
	{"rule with nothing", "5.3", "- rule: r\n  tags: [a]\n", ErrYAMLValidate, "1:3", "neither a definition nor 'enabled'"},
	{"exception without name", "6.1", good + "  exceptions: [{fields: proc.name}]\n", ErrYAMLValidate, "7:16", "no mapping for key 'name'"},
	{"exception without fields", "6.1", good + "  exceptions: [{name: e, values: [a]}]\n", ErrYAMLValidate, "7:16", "no mapping for key 'fields'"},
	{"exception names equal", "6.1", good + "  exceptions: [{name: e, fields: proc.name}, {name: e, fields: fd.name}]\n", WarnExceptionNameNotUnique, "7:46", "multiple definitions of exception 'e'"},
	{"exception shapes differ", "6.1", good + "  exceptions: [{name: e, fields: [proc.name], comps: in}]\n", ErrValidate, "7:54", "differ in shape"},
	{"exception lengths differ", "6.1", good + "  exceptions: [{name: e, fields: [proc.name, fd.name], comps: [=]}]\n", ErrValidate, "7:16", "2 fields but 1 comps"},
	{"exception single operator", "6.1", good + "  exceptions: [{name: e, fields: proc.name, comps: =}]\n", ErrValidate, "7:52", "takes one value"},
	{"exception operator", "6.1", good + "  exceptions: [{name: e, fields: [proc.name], comps: [like]}]\n", ErrValidate, "7:55", "'like' is not an operator"},
	{"exception field", "6.1", good + "  exceptions: [{name: e, fields: [proc.nam]}]\n", ErrValidate, "7:35", "'proc.nam' is not a field"},
	{"exception tuple length", "6.2", good + "  exceptions: [{name: e, fields: [proc.name, fd.name], values: [[a]]}]\n", ErrValidate, "7:65", "2 fields, 1 value"},
	{"exception plain value for tuple", "6.2", good + "  exceptions: [{name: e, fields: [proc.name], values: [a]}]\n", ErrValidate, "7:56", "1 fields, one plain value"},
	{"exception list for single form", "6.2", good + "  exceptions: [{name: e, fields: proc.name, values: [[a]]}]\n", ErrValidate, "7:54", "is a list, but 'fields' is one field"},
	{"exception append of fields", "6.3", good + "  exceptions: [{name: e, fields: proc.name}]\n- rule: good\n  exceptions: [{name: e, fields: proc.name, values: [a]}]\n  override: {exceptions: append}\n", ErrValidate, "9:16", "cannot append fields or comps"},
	{"exception append without values", "6.3", good + "  exceptions: [{name: e, fields: proc.name}]\n- rule: good\n  exceptions: [{name: e}]\n  override: {exceptions: append}\n", WarnAppendNoValues, "9:16", "with no values"},
	{"exception append new without fields", "6.3", good + "- rule: good\n  exceptions: [{name: e, values: [a]}]\n  override: {exceptions: append}\n", ErrValidate, "8:16", "a new one needs fields"},
	{"exception replace without fields", "6.3", good + "- rule: good\n  exceptions: [{name: e, values: [a]}]\n  override: {exceptions: replace}\n", ErrYAMLValidate, "8:16", "no mapping for key 'fields'"},
	{"unknown source", "7", strings.Replace(good, "desc: d", "desc: d\n  source: k8s_audit", 1), WarnUnknownSource, "2:3", "unknown source 'k8s_audit'"},
	{"syntax", "8.1", strings.Replace(good, "evt.type = open", "evt.type = open and (proc.name = a", 1), ErrCompileCondition, "4:48", ""},
	{"unknown field", "8.1", strings.Replace(good, "evt.type = open", "evt.type = open and proc.nme = a", 1), ErrCompileCondition, "4:34", "proc.nme"},
	{"unknown event type", "8.1", strings.Replace(good, "evt.type = open", "evt.type = opem", 1), ErrCompileCondition, "4:25", "opem"},
	{"bad literal", "8.1", strings.Replace(good, "evt.type = open", "evt.type = open and proc.pid = x", 1), ErrCompileCondition, "4:45", "x"},
	{"output field", "8.1", strings.Replace(good, "%proc.name", "%proc.nme", 1), ErrCompileOutput, "5:14", "proc.nme"},
	{"no event type", "8.2", strings.Replace(good, "evt.type = open", "proc.name = a", 1), WarnNoEvttype, "4:14", "matches too many event types"},
	{"skip unknown field", "8.3", strings.Replace(good, "evt.type = open", "evt.type = open and proc.nme = a", 1) + "  skip-if-unknown-filter: true\n", WarnUnknownFilter, "4:34", "proc.nme"},
	{"skip unknown output field", "8.3", strings.Replace(good, "%proc.name", "%proc.nme", 1) + "  skip-if-unknown-filter: true\n", WarnUnknownFilter, "5:14", "proc.nme"},
	{"unused macro", "8.2", "- macro: m\n  condition: evt.type=open\n", WarnUnusedMacro, "1:3", "macro 'm' is not used"},
	{"unused list", "8.2", "- list: l\n  items: [a]\n", WarnUnusedList, "1:3", "list 'l' is not used"},
	{"field as text", "8.2", strings.Replace(good, "evt.type = open", "evt.type = open and proc.name = proc.pname", 1), WarnCompileCondition, "", "proc.pname"},
}

func TestConformance(t *testing.T) {
	seen := map[Code]bool{}
	for _, tt := range conformance {
		seen[tt.code] = true
		t.Run(tt.name, func(t *testing.T) {
			set, rep := LoadFiles(LoadOptions{}, File{Name: "r.yaml", Data: []byte(tt.yaml)})
			if (set == nil) == rep.OK() {
				t.Errorf("set is nil: %v, report OK: %v", set == nil, rep.OK())
			}
			list := rep.Files[0].Warnings
			if tt.code.IsError() {
				list = rep.Files[0].Errors
			} else if !rep.OK() {
				t.Errorf("a warning must not make the file invalid: %v", rep.Err())
			}
			for _, p := range list {
				at := fmt.Sprintf("%d:%d", p.At().Line, p.At().Column)
				if p.Code == tt.code && strings.Contains(p.Message, tt.msg) && (tt.at == "" || tt.at == at) {
					return
				}
			}
			t.Errorf("no %s at %s with %q in:\n%s", tt.code, tt.at, tt.msg, rep.AppendText(nil))
		})
	}
	// Codes that no input can raise here, with the reason.
	unreachable := map[Code]string{
		ErrFileRead:       "TestFileRead",
		ErrExtension:      "reserved by Falco",
		WarnExtension:     "reserved by Falco",
		WarnUnsafeNACheck: "concerns ka.* and jevt.* fields, which belong to sources that are unknown here",
	}
	for _, c := range codeTable {
		if strings.HasPrefix(string(c.code), "LOAD_") && !seen[c.code] && unreachable[c.code] == "" {
			t.Errorf("no row for %s", c.code)
		}
	}
}

func TestFileRead(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ path, msg string }{
		{filepath.Join(dir, "none.yaml"), "no such file or directory"},
		{filepath.Join(dir, "sub"), ""},
	} {
		if tt.msg == "" {
			if err := os.Mkdir(tt.path, 0o755); err != nil {
				t.Fatal(err)
			}
			_, rep := Load(LoadOptions{}, tt.path)
			if !rep.OK() {
				t.Errorf("empty directory: %v", rep.Err())
			}
			continue
		}
		set, rep := Load(LoadOptions{}, tt.path)
		if set != nil || len(rep.Files) != 1 || len(rep.Files[0].Errors) != 1 {
			t.Fatalf("report: %s", rep.AppendText(nil))
		}
		p := rep.Files[0].Errors[0]
		if p.Code != ErrFileRead || !strings.Contains(p.Message, tt.msg) {
			t.Errorf("got %v", p)
		}
	}
}
