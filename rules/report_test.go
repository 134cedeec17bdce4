package rules

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReportJSON: the shape of Falco's -V with JSON output, with lines and columns
// from 0.
func TestReportJSON(t *testing.T) {
	_, rep := loadTexts(LoadOptions{}, rule("r", "evt.type=open and proc.nme=a", "colour: red"), "- list: l\n  items: [a]\n")
	var got any
	if err := json.Unmarshal(rep.AppendJSON(nil), &got); err != nil {
		t.Fatal(err)
	}
	var want any
	loc := func(kind, name string, line, col, off string) string {
		return `{"item_type": "` + kind + `", "item_name": "` + name + `", "position": {"name": "a.yaml", "line": ` + line + `, "column": ` + col + `, "offset": ` + off + `}}`
	}
	err := json.Unmarshal([]byte(`{"falco_load_results": [
{"name": "a.yaml", "successful": false,
 "errors": [{"code": "LOAD_ERR_COMPILE_CONDITION", "codedesc": "Error compiling condition", "message": "nonexistent field \"proc.nme\"", "hint": "did you mean proc.name?",
  "context": {"locations": [`+loc("rules content", "", "0", "0", "0")+`,`+loc("rule", "r", "0", "2", "2")+`,`+loc("rule condition", "", "2", "13", "33")+`,`+
		loc("condition expression", "proc.nme=a", "2", "31", "51")+`], "snippet": "  condition: evt.type=open and proc.nme=a\n                               ^\n"}}],
 "warnings": [{"code": "LOAD_UNKNOWN_KEY", "codedesc": "Unknown key in item definition", "message": "unknown key 'colour' in rule", "hint": "the key is ignored; check its spelling",
  "context": {"locations": [`+loc("rules content", "", "0", "0", "0")+`,`+loc("rules content item", "", "0", "2", "2")+`,`+loc("rule", "", "5", "2", "104")+`], "snippet": "  colour: red\n  ^\n"}}]},
{"name": "b.yaml", "successful": true, "errors": [], "warnings": [{"code": "LOAD_UNUSED_LIST", "codedesc": "Unused list", "message": "list 'l' is not used",
  "hint": "remove it, or use it in a condition", "context": {"locations": [
  {"item_type": "rules content", "item_name": "", "position": {"name": "b.yaml", "line": 0, "column": 0, "offset": 0}},
  {"item_type": "list", "item_name": "l", "position": {"name": "b.yaml", "line": 0, "column": 2, "offset": 2}}], "snippet": "- list: l\n  ^\n"}}]}]}`), &want)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("report differs (-want +got):\n%s", d)
	}
}

// TestManyProblems: a file reports so many problems of a kind and counts the rest.
func TestManyProblems(t *testing.T) {
	text := ""
	for range maxPerCode + 7 {
		text += "- unknown: x\n"
	}
	_, rep := loadTexts(LoadOptions{}, text)
	if f := rep.Files[0]; len(f.Warnings) != maxPerCode || f.Omitted != 7 {
		t.Errorf("%d warnings, %d omitted", len(f.Warnings), f.Omitted)
	}
}
