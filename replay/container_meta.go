package replay

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// containerMeta is what a container event tells about a container, in the JSON
// of the libs and of Falco's container plugin.
type containerMeta struct {
	ID          string            `json:"id"`
	FullID      string            `json:"full_id"`
	Name        string            `json:"name"`
	Image       string            `json:"image"`
	ImageID     string            `json:"imageid"`
	ImageRepo   string            `json:"imagerepo"`
	ImageTag    string            `json:"imagetag"`
	ImageDigest string            `json:"imagedigest"`
	Type        json.Number       `json:"type"`
	Privileged  bool              `json:"privileged"`
	HostPID     bool              `json:"host_pid"`
	HostNetwork bool              `json:"host_network"`
	HostIPC     bool              `json:"host_ipc"`
	IP          string            `json:"ip"`
	CNI         string            `json:"cni_json"`
	Created     int64             `json:"created_time"` // seconds since the epoch
	Mounts      []containerMount  `json:"Mounts"`
	Labels      map[string]string `json:"labels"`
	PodSandbox  string            `json:"pod_sandbox_id"`
	PodLabels   map[string]string `json:"pod_sandbox_labels"`
	IsSandbox   bool              `json:"is_pod_sandbox"`
	Probes      []containerProbe  `json:"Healthprobes"`

	labelText, podLabelText string // key:value joined by commas, in order of the keys

	// raw is the text this was parsed from, to notice a newer one.
	raw *byte
	// host marks the stand-in for everything outside containers.
	host bool
}

type containerMount struct {
	Source      string `json:"Source"`
	Dest        string `json:"Destination"`
	Mode        string `json:"Mode"`
	RW          bool   `json:"RW"`
	Propagation string `json:"Propagation"`
}

type containerProbe struct {
	Type string   `json:"type"`
	Exe  string   `json:"exe"`
	Args []string `json:"args"`
}

// containerTypes are the names of the engines by their number in the JSON.
var containerTypes = [...]string{
	"docker", "lxc", "libvirt-lxc", "mesos", "rkt", "custom", "cri", "containerd", "cri-o", "bpm", "static", "podman",
}

// hostMeta stands for the host: its name is host, its other texts are empty.
var hostMeta = &containerMeta{ID: hostID, FullID: hostID, Name: hostID, host: true}

const hostID = "host"

// containerOf returns the metadata of the thread's container, hostMeta on the
// host, nil when the capture tells nothing about the container.
func (ev *Event) containerOf() *containerMeta {
	t := ev.Thread
	if t == nil {
		return nil
	}
	if t.ContainerID == "" {
		return hostMeta
	}
	if ev.M == nil {
		return nil
	}
	raw := ev.M.Container(t.ContainerID)
	if len(raw) == 0 {
		return nil
	}
	s := &ev.M.scratch
	if c := s.containers[t.ContainerID]; c != nil && c.raw == &raw[0] {
		return c
	}
	c := parseContainer(raw)
	c.raw = &raw[0]
	if s.containers == nil {
		s.containers = make(map[string]*containerMeta)
	}
	s.containers[t.ContainerID] = c
	return c
}

// parseContainer reads the text of a container event. Parts that do not fit
// stay empty: a field is missing then, the replay goes on.
func parseContainer(raw []byte) *containerMeta {
	var outer struct {
		Container json.RawMessage `json:"container"`
	}
	body := raw
	if json.Unmarshal(raw, &outer) == nil && len(outer.Container) > 0 {
		body = outer.Container
	}
	c := new(containerMeta)
	_ = json.Unmarshal(body, c) // a part of the wrong type leaves the others
	c.labelText, c.podLabelText = joinLabels(c.Labels), joinLabels(c.PodLabels)
	return c
}

func joinLabels(labels map[string]string) string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, k+":"+labels[k])
	}
	return strings.Join(pairs, ",")
}

// typeName returns the name of the container's engine.
func (c *containerMeta) typeName() string {
	if c.host {
		return hostID
	}
	if n, err := strconv.Atoi(c.Type.String()); err == nil && n >= 0 && n < len(containerTypes) {
		return containerTypes[n]
	}
	return ""
}

// mount finds a mount by number or by the path that key returns; the path
// given may be a shell pattern.
func (c *containerMeta) mount(arg string, key func(*containerMount) string) *containerMount {
	if n, err := strconv.Atoi(arg); err == nil {
		if n >= 0 && n < len(c.Mounts) {
			return &c.Mounts[n]
		}
		return nil
	}
	for i := range c.Mounts {
		if matchPattern(arg, key(&c.Mounts[i])) {
			return &c.Mounts[i]
		}
	}
	return nil
}

// text is a mount as container.mounts shows it.
func (m *containerMount) append(dst []byte) []byte {
	dst = append(append(dst, m.Source...), ':')
	dst = append(append(dst, m.Dest...), ':')
	dst = append(append(dst, m.Mode...), ':')
	dst = append(strconv.AppendBool(dst, m.RW), ':')
	return append(dst, m.Propagation...)
}

// matchPattern reports whether a shell pattern of * and ? matches s; unlike
// path.Match both also match slashes.
func matchPattern(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// scopeValue finds key=value in the scope of a legacy docker event.
func scopeValue(scope, key string) (string, bool) {
	i := strings.Index(scope, key)
	if i < 0 {
		return "", false
	}
	v := scope[i+len(key):]
	if end := strings.IndexAny(v, " ;"); end >= 0 {
		v = v[:end]
	}
	v = strings.Trim(v, `"'`)
	return shownID(v), true
}

// shownID is a container id as engines and Falco show it.
func shownID(id string) string {
	if id == "" {
		return hostID
	}
	if isContainerID(id) {
		return id[:shownContainerID]
	}
	return id
}
