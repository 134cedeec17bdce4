package replay

import (
	"encoding/json"
	"strings"
)

const (
	fullContainerID  = 64 // hex digits of an OCI container id
	shownContainerID = 12 // as the engines' tools and Falco show it
)

// ociLayouts are the last path components that container engines give to a
// container's cgroup, with the id between prefix and suffix. Any component of
// just 64 hex digits is a container too (docker, containerd and cri-o with the
// cgroupfs driver, Kubernetes pods below /kubepods).
var ociLayouts = []struct{ prefix, suffix string }{
	{"libpod-", ".scope"},         // podman
	{"libpod-", ""},               // podman without systemd
	{"docker-", ".scope"},         // docker, cri-dockerd
	{"cri-containerd-", ".scope"}, // containerd
	{"crio-", ".scope"},           // cri-o
	{"crio-", ""},                 // cri-o without systemd
	{"nerdctl-", ".scope"},
	{"", ""},
}

// containerFromCgroup returns the id of the container that a cgroup path
// belongs to: 12 hex digits for OCI containers, the name for LXC, libvirt,
// systemd-nspawn and BPM ones.
func containerFromCgroup(path string) (id string, ok bool) {
	last := path[strings.LastIndexByte(path, '/')+1:]
	if last == "container" { // podman splits a container's scope
		if rest, ok := strings.CutSuffix(path, ".scope/container"); ok {
			last = rest[strings.LastIndexByte(rest, '/')+1:] + ".scope"
		}
	}
	if i := strings.LastIndex(last, ":cri-containerd:"); i >= 0 { // containerd without SystemdCgroup
		last = last[i+len(":cri-containerd:"):]
	}
	for _, l := range ociLayouts {
		s, ok := strings.CutPrefix(last, l.prefix)
		if !ok {
			continue
		}
		if s, ok = strings.CutSuffix(s, l.suffix); ok && isContainerID(s) {
			return s[:shownContainerID], true
		}
	}
	// The namespaces that containerd's own clients use; others cannot be told
	// from ordinary two-part paths.
	for _, ns := range []string{"/default/", "/k8s.io/", "/moby/"} {
		if s, ok := strings.CutPrefix(path, ns); ok && s != "" && !strings.ContainsAny(s, "/.") {
			return s[:min(len(s), shownContainerID)], true
		}
	}
	for _, match := range []func(string) string{lxcName, libvirtName, nspawnName, bpmName} {
		if id := match(path); id != "" {
			return id, true
		}
	}
	return "", false
}

func isContainerID(s string) bool {
	if len(s) != fullContainerID {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}

func lxcName(path string) string {
	for _, mark := range []string{"/lxc/", "/lxc.payload/", "/lxc.payload."} {
		if _, rest, ok := strings.Cut(path, mark); ok {
			name, _, _ := strings.Cut(rest, "/")
			return name
		}
	}
	return ""
}

func libvirtName(path string) string {
	if s, ok := strings.CutSuffix(path, ".libvirt-lxc"); ok {
		return s[strings.LastIndexByte(s, '/')+1:]
	}
	// systemd: /machine.slice/machine-lxc\x2d<pid>\x2d<name>.scope
	if _, s, ok := strings.Cut(path, `-lxc\x2d`); ok {
		if name, ok := strings.CutSuffix(strings.TrimSuffix(s, "/libvirt"), ".scope"); ok {
			return name
		}
	}
	_, s, _ := strings.Cut(path, "/libvirt/lxc/")
	return s
}

// nspawnName recognises the two units under which systemd runs a machine:
// machine-<name>.scope and systemd-nspawn@<name>.service.
func nspawnName(path string) string {
	s := strings.TrimPrefix(path, "/")
	s, ok := strings.CutPrefix(s, "machine.slice/")
	if !ok {
		return ""
	}
	unit, _, _ := strings.Cut(s, "/")
	if n, ok := strings.CutPrefix(unit, "systemd-nspawn@"); ok {
		if n, ok = strings.CutSuffix(n, ".service"); ok {
			return strings.ReplaceAll(n, `\x2d`, "-")
		}
	}
	if n, ok := strings.CutPrefix(unit, "machine-"); ok && !strings.HasPrefix(n, "qemu") {
		if n, ok = strings.CutSuffix(n, ".scope"); ok {
			return strings.ReplaceAll(n, `\x2d`, "-")
		}
	}
	return ""
}

func bpmName(path string) string {
	i := strings.Index(path, "bpm-")
	if i < 0 {
		return ""
	}
	name, _, _ := strings.Cut(path[i+len("bpm-"):], ".scope")
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-", c) >= 0) {
			return ""
		}
	}
	return name
}

// PodUID returns the uid of the Kubernetes pod that the thread's cgroups name,
// "" when there is none.
func (t *Thread) PodUID() string {
	for _, c := range t.Cgroups {
		for part := range strings.SplitSeq(c, "/") {
			part = strings.TrimSuffix(part, ".slice")
			i := strings.LastIndex(part, "pod")
			if i < 0 || i > 0 && part[i-1] != '-' {
				continue
			}
			uid := strings.ReplaceAll(part[i+len("pod"):], "_", "-") // systemd's escape
			if len(uid) == 36 && strings.Count(uid, "-") == 4 || len(uid) == 32 && strings.Count(uid, "-") == 0 {
				return uid
			}
		}
	}
	return ""
}

// containerEvent is what this package reads of a container's metadata. The
// id stands below "container" in the events of the libs and of Falco's
// container plugin, and at the top in converted older ones.
type containerEvent struct {
	ID        string `json:"id"`
	Container struct {
		ID string `json:"id"`
	} `json:"container"`
}

// containerID returns the id of the container that metadata describes, "" when
// the text is no such JSON.
func containerID(text []byte) string {
	var c containerEvent
	if json.Unmarshal(text, &c) != nil {
		return ""
	}
	if c.Container.ID != "" {
		return c.Container.ID
	}
	return c.ID
}
