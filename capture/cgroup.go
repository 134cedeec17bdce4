package capture

import (
	"bytes"
	"os"
	"path"
	"strings"
)

// cgroupSubsystems are the controllers that captures carry, in their order, with
// their names in /proc and in captures. Version 1 calls the last but one "blkio";
// the kernel, and therefore the probe's events, call it "io".
var cgroupSubsystems = []string{"cpuset", "cpu", "cpuacct", "io", "memory"}

// cgroupNamer turns cgroup files of /proc into the lists that captures hold.
type cgroupNamer struct {
	lists       map[string][]string // by content of the file
	controllers map[string][]string // controllers enabled in a version 2 directory
	unified     string              // mount point of the version 2 hierarchy
}

func newCgroupNamer() *cgroupNamer {
	n := &cgroupNamer{lists: map[string][]string{}, controllers: map[string][]string{}}
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(dir + "/cgroup.controllers"); err == nil {
			n.unified = dir
			break
		}
	}
	return n
}

// names returns "subsystem=/path" for every controller, from the content of
// /proc/PID/cgroup. Processes in the same groups share one list.
func (n *cgroupNamer) names(file []byte) []string {
	if l, ok := n.lists[string(file)]; ok {
		return l
	}
	v1 := map[string]string{}
	v2, hasV2 := "", false
	for line := range strings.Lines(string(file)) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		if f[0] == "0" && f[1] == "" {
			v2, hasV2 = f[2], true
			continue
		}
		for _, c := range strings.Split(f[1], ",") {
			if c == "blkio" {
				c = "io"
			}
			v1[c] = f[2]
		}
	}
	var list []string
	for _, c := range cgroupSubsystems {
		p, ok := v1[c]
		if !ok && hasV2 {
			p, ok = n.v2Path(v2, c), true
		}
		if ok {
			list = append(list, c+"="+p)
		}
	}
	n.lists[string(file)] = list
	return list
}

// v2Path returns the group whose controller state applies to a member of dir: the
// nearest ancestor for which the controller is enabled. The probe sees the same,
// because a task's state of a controller is that of that ancestor. Without a
// mounted hierarchy, or for a directory that cannot be read from here, it is dir.
func (n *cgroupNamer) v2Path(dir, controller string) string {
	if n.unified == "" {
		return dir
	}
	for d := path.Clean(dir); d != "/"; d = path.Dir(d) {
		have, ok := n.controllers[d]
		if !ok {
			b, err := os.ReadFile(n.unified + d + "/cgroup.controllers")
			if err != nil {
				return dir
			}
			have = strings.Fields(string(bytes.TrimSpace(b)))
			n.controllers[d] = have
		}
		for _, c := range have {
			if c == controller {
				return d
			}
		}
	}
	return "/"
}
