package capture

import (
	"slices"
	"testing"

	"github.com/sysreel/sysreel/probe"
)

func TestReady(t *testing.T) {
	features := probe.Check()
	for i := range features {
		features[i].OK = true
	}
	if !Ready(features) {
		t.Fatalf("not ready although all is there: has a feature been renamed? %v", features)
	}
	for i := range features {
		some := slices.Clone(features)
		some[i].OK = false
		vital := some[i].Name == featureProbe || some[i].Name == featurePidns
		if Ready(some) == vital {
			t.Errorf("without %s: ready %v", some[i].Name, !vital)
		}
	}
}

func TestFacts(t *testing.T) {
	got := map[string]string{}
	for _, f := range Facts() {
		got[f.Name] = f.Value
	}
	for _, name := range []string{"processors", "memory", "user", "cgroups", "/proc"} {
		if got[name] == "" {
			t.Errorf("no %s among %v", name, got)
		}
	}
}
