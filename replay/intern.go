package replay

import (
	"bytes"
	"strings"
)

// maxInterned bounds each table of an interner. A table that reaches it is
// emptied: strings in use stay alive through the records that hold them.
const maxInterned = 1 << 16

// interner keeps one copy of each text of a capture: paths, names, argument
// lists, environments and cgroup lists repeat so often that most events find
// their text here and allocate nothing.
type interner struct {
	texts   map[string]string
	lists   map[string][]string
	cgroups map[string]*cgroupSet
}

// cgroupSet is a thread's cgroup list and what follows from it.
type cgroupSet struct {
	list        []string
	containerID string
}

func newInterner() interner {
	return interner{
		texts:   make(map[string]string),
		lists:   make(map[string][]string),
		cgroups: make(map[string]*cgroupSet),
	}
}

// text returns b as a string.
func (in *interner) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := in.texts[string(b)]; ok {
		return s
	}
	if len(in.texts) >= maxInterned {
		clear(in.texts)
	}
	s := string(b)
	in.texts[s] = s
	return s
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
	if l, ok := in.lists[string(b)]; ok {
		return l
	}
	if len(in.lists) >= maxInterned {
		clear(in.lists)
	}
	key := string(b)
	l := strings.Split(key, "\x00")
	in.lists[key] = l
	return l
}

// cgroupSet splits a cgroup list and finds the container it names.
func (in *interner) cgroupSet(b []byte) *cgroupSet {
	b = trimNUL(b)
	if c, ok := in.cgroups[string(b)]; ok {
		return c
	}
	if len(in.cgroups) >= maxInterned {
		clear(in.cgroups)
	}
	key := string(b)
	c := newCgroupSet(strings.Split(key, "\x00"))
	in.cgroups[key] = c
	return c
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
