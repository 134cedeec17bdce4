package rules

import "testing"

// TestEveryProblem: one run tells all that is wrong in a rule, not only the
// first thing.
func TestEveryProblem(t *testing.T) {
	const file = `- rule: x
  desc: d
  condition: evt.type=opnat and proc.nam=cat
  output: o %proc.nme
  priority: warn
- rule: y
  desc: d
  condition: foo.bar=1 and no_such_macro
  output: o
  priority: notice
`
	set, report := LoadFiles(LoadOptions{}, File{Name: "x.yaml", Data: []byte(file)})
	if set != nil {
		t.Error("a broken file gave a set")
	}
	type problem struct {
		code         Code
		line, column int
	}
	var got []problem
	for _, p := range report.Files[0].Errors {
		got = append(got, problem{p.Code, p.At().Line, p.At().Column})
	}
	want := []problem{
		{ErrYAMLValidate, 5, 13},
		{ErrCompileCondition, 3, 23},
		{ErrCompileCondition, 3, 33},
		{ErrCompileOutput, 4, 14},
		{ErrValidate, 8, 28},
		{ErrCompileCondition, 8, 14},
	}
	if len(got) != len(want) {
		t.Fatalf("problems %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("problem %d: %v, want %v", i, got[i], want[i])
		}
	}
}
