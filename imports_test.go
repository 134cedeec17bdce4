package sysreel

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sysreel/sysreel"

// rooms are the packages of the house in the order of the data's way: a
// package may import rooms named before its own, and its own subpackages.
var rooms = []string{"scapfile", "probe", "capture", "replay", "rules", "query", "tui", "fixtures", "cmd"}

// forbidden are edges that the order alone would allow.
var forbidden = map[string][]string{
	"replay":   {"probe", "capture"}, // a replay must not depend on the kernel side
	"rules":    {"probe", "capture"},
	"query":    {"probe", "capture"},
	"fixtures": {"tui"},
}

// pure are the rooms that must build without cgo, so that the recorder is one
// static binary.
var pure = []string{"scapfile", "probe", "capture", "replay", "rules"}

// offline are the rooms that work on files alone: opening a capture must link
// nothing that talks to bpf(2) or looks at the host.
var offline = []string{"scapfile", "replay", "rules"}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// roomOf returns the room of an import path, "" for packages outside the house
// and for its root.
func roomOf(path string) string {
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	room, _, _ := strings.Cut(rest, "/")
	return room
}

func listPackages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Stderr = nil
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestImportDirection(t *testing.T) {
	pkgs := listPackages(t)
	if len(pkgs) < 3 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		from := roomOf(p.ImportPath)
		if from == "" {
			continue
		}
		at := slices.Index(rooms, from)
		if at < 0 {
			t.Errorf("%s stands in no room of the house; add it to rooms in its place", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			to := roomOf(imp)
			if to == "" || to == from {
				continue
			}
			if slices.Index(rooms, to) > at || slices.Contains(forbidden[from], to) {
				t.Errorf("%s imports %s: against the direction of the data", p.ImportPath, imp)
			}
		}
		if slices.Contains(pure, from) && slices.Contains(p.Deps, "runtime/cgo") && !cgoFromStdlib(p) {
			t.Errorf("%s depends on cgo", p.ImportPath)
		}
		for _, dep := range p.Deps {
			if slices.Contains(offline, from) && strings.HasPrefix(dep, "github.com/cilium/ebpf") {
				t.Errorf("%s links %s: opening a file must not touch bpf(2)", p.ImportPath, dep)
			}
			if from != "query" && from != "tui" && from != "cmd" && from != "fixtures" && strings.Contains(dep, "sqlite") {
				t.Errorf("%s links %s: SQLite belongs to query and what stands behind it", p.ImportPath, dep)
			}
		}
	}
}

// cgoFromStdlib reports whether runtime/cgo comes in only through net or
// os/user of the standard library, which fall back to pure Go by themselves.
func cgoFromStdlib(p pkg) bool {
	return slices.Contains(p.Deps, "net") || slices.Contains(p.Deps, "os/user")
}
