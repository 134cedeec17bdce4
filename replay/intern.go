package replay

import (
	"bytes"
	"strings"
)

// maxInterned bounds the text that each table of an interner holds, in bytes. A
// table that reaches it is emptied: strings in use stay alive through the
// records that hold them.
const maxInterned = 8 << 20

// interner keeps one copy of each text of a capture: paths, names, argument
// lists, environments and cgroup lists repeat so often that most events find
// their text here and allocate nothing.
type interner struct {
	texts   internTable[string]
	lists   internTable[[]string]
	cgroups internTable[*cgroupSet]
}

// internTable maps texts to what was made of them.
type internTable[V any] struct {
	m     map[string]V
	bytes int // of the keys
}

func (t *internTable[V]) add(key string, v V) V {
	if t.bytes += len(key); t.bytes > maxInterned {
		t.bytes = len(key)
		clear(t.m)
	}
	t.m[key] = v
	return v
}

// cgroupSet is a thread's cgroup list and what follows from it.
type cgroupSet struct {
	list        []string
	containerID string
}

func newInterner() (in interner) {
	in.texts.m = make(map[string]string)
	in.lists.m = make(map[string][]string)
	in.cgroups.m = make(map[string]*cgroupSet)
	return in
}

// text returns b as a string.
func (in *interner) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := in.texts.m[string(b)]; ok {
		return s
	}
	s := string(b)
	return in.texts.add(s, s)
}

// cstr is text without a terminating NUL.
func (in *interner) cstr(b []byte) string { return in.text(trimNUL(b)) }

// list splits NUL-separated strings: args and env. The result is shared and
// must not be changed.
func (in *interner) list(b []byte) []string {
	b = trimNUL(b)
	if len(b) == 0 {
		return nil
	}
	if l, ok := in.lists.m[string(b)]; ok {
		return l
	}
	key := string(b)
	return in.lists.add(key, strings.Split(key, "\x00"))
}

// cgroupSet splits a cgroup list and finds the container it names.
func (in *interner) cgroupSet(b []byte) *cgroupSet {
	b = trimNUL(b)
	if c, ok := in.cgroups.m[string(b)]; ok {
		return c
	}
	key := string(b)
	return in.cgroups.add(key, newCgroupSet(strings.Split(key, "\x00")))
}

// newCgroupSet normalises the controllers' names as the libs do.
func newCgroupSet(items []string) *cgroupSet {
	c := &cgroupSet{list: make([]string, 0, len(items))}
	for _, item := range items {
		name, path, ok := strings.Cut(item, "=")
		if !ok {
			break // the libs give up at an item without a path
		}
		switch name = strings.Replace(name, "_cgroup", "", 1); name {
		case "perf":
			name = "perf_event"
		case "mem":
			name = "memory"
		case "io":
			name = "blkio" // its name in cgroup v1
		}
		c.list = append(c.list, name+"="+path)
		if c.containerID == "" {
			c.containerID, _ = containerFromCgroup(path)
		}
	}
	return c
}

func trimNUL(b []byte) []byte { return bytes.TrimSuffix(b, []byte{0}) }
