package filter

import "strings"

// pathSet answers pmatch: whether one of its paths is a prefix of another path,
// part by part. It is a trie over path parts; empty parts do not count.
type pathSet struct {
	end   bool // a path of the set ends here
	next  map[string]*pathSet
	globs []globPart
}

type globPart struct {
	pattern string
	next    *pathSet
}

func (t *pathSet) add(path string) {
	for path != "" {
		var part string
		if part, path = cutPart(path); part == "" {
			break
		}
		t = t.child(part)
	}
	t.end = true
}

func (t *pathSet) child(part string) *pathSet {
	if strings.ContainsAny(part, "*?[") {
		for i := range t.globs {
			if t.globs[i].pattern == part {
				return t.globs[i].next
			}
		}
		next := &pathSet{}
		t.globs = append(t.globs, globPart{part, next})
		return next
	}
	next := t.next[part]
	if next == nil {
		if t.next == nil {
			t.next = make(map[string]*pathSet)
		}
		next = &pathSet{}
		t.next[part] = next
	}
	return next
}

// match reports whether a path of the set is a prefix of path.
func (t *pathSet) match(path string) bool {
	for {
		if t.end {
			return true
		}
		var part string
		if part, path = cutPart(path); part == "" {
			return false
		}
		for i := range t.globs {
			if g := &t.globs[i]; globMatch(g.pattern, part, false) && g.next.match(path) {
				return true
			}
		}
		if t = t.next[part]; t == nil {
			return false
		}
	}
}

// cutPart returns the first non-empty part of path and what follows it.
func cutPart(path string) (part, rest string) {
	for path != "" && path[0] == '/' {
		path = path[1:]
	}
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return path, ""
}
