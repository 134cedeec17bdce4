package rules

import (
	"fmt"
	"strconv"
	"strings"
)

// EngineVersion is the version of Falco's engine that this package follows.
const EngineVersion = "0.63.0"

// builtinPlugins are the plugins whose fields are built in here, with the
// version whose behaviour they follow.
var builtinPlugins = map[string]string{"container": "0.7.1"}

type version struct{ major, minor, patch int }

// parseVersion reads x.y.z; what follows a dash (a pre-release) is ignored.
func parseVersion(s string) (version, error) {
	core, _, _ := strings.Cut(s, "-")
	parts := strings.Split(core, ".")
	var n [3]int
	if len(parts) != 3 {
		return version{}, fmt.Errorf("%q is not a version of the form x.y.z", s)
	}
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 31)
		if err != nil {
			return version{}, fmt.Errorf("%q is not a version of the form x.y.z", s)
		}
		n[i] = int(v)
	}
	return version{n[0], n[1], n[2]}, nil
}

// parseEngineVersion also reads a single number n, which means 0.n.0.
func parseEngineVersion(s string) (version, error) {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return version{minor: int(n)}, nil
	}
	return parseVersion(s)
}

// satisfies tells whether v can stand for need: the same major version and not
// older.
func (v version) satisfies(need version) bool {
	return v.major == need.major && !v.less(need)
}

func (v version) less(w version) bool {
	if v.major != w.major {
		return v.major < w.major
	}
	if v.minor != w.minor {
		return v.minor < w.minor
	}
	return v.patch < w.patch
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }

func mustVersion(s string) version {
	v, err := parseVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}
