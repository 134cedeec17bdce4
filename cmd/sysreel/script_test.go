package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/sysreel/sysreel/capture"
)

func TestMain(m *testing.M) {
	capture.RunGate()
	testscript.Main(m, map[string]func(){"sysreel": func() { os.Exit(realMain()) }})
}

// TestScript runs the scripts of testdata/script: one script is the
// specification of one verb or feature, as a user types it. Conditions:
//
//	[root]      running as root
//	[exec:tool] the tool is installed (built in)
//	[shared]    the interoperability captures stand beside the checkout; they
//	            are $SHARED
//
// $INCIDENT is the capture that package query bundles, $BUNDLED the demo's incident.
// UPDATE_SCRIPTS=1 rewrites expected output in the scripts.
func TestScript(t *testing.T) {
	shared, err := filepath.Abs("../../../shared/captures")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(shared); err != nil {
		shared = ""
	}
	incident, err := filepath.Abs("../../query/testdata/incident.scap")
	if err != nil {
		t.Fatal(err)
	}
	bundled, err := filepath.Abs("demo/incident.scap.zst")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SHARED", shared)
			e.Setenv("BUNDLED", bundled)
			e.Setenv("INCIDENT", incident)
			e.Setenv("TZ", "UTC")
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "shared":
				return shared != "", nil
			case "tshark":
				_, err := exec.LookPath("tshark")
				return err == nil, nil
			}
			return false, nil
		},
	})
}
