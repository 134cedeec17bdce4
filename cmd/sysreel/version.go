package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// version is the release; CHANGELOG.md says what is in it.
const version = "0.1.0"

func runVersion(e *env, args []string) error {
	fs := newFlags(e, "version", "Print the version of sysreel, of the event schema it writes, and of its build.")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "sysreel %s, event schema %s, %s %s/%s%s\n",
		version, schema.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, revision())
	return nil
}

// revision returns ", commit abc" for builds from a checkout.
func revision() string {
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range bi.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return ", commit " + s.Value[:12]
		}
	}
	return ""
}
