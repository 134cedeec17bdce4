package replay

import (
	"path"
	"strings"
	"testing"
)

func TestJoinPath(t *testing.T) {
	for _, c := range []struct{ dir, name, want string }{
		{"/home/", "f", "/home/f"},
		{"/home/", "/f", "/f"},
		{"/home/", "", ""},
		{"/home/", ".", "/home"},
		{"/home/", "..", "/"},
		{"/home/", "../../../x", "/x"},
		{"/home/", "a/./b/../c/", "/home/a/c"},
		{"/home/", "a//b", "/home/a/b"},
		{"/home/", "...", "/home/..."},
		{"/home/", "..x/.y", "/home/..x/.y"},
		{"/", "f", "/f"},
		{"/", "/", "/"},
		{"", "//a///b/", "/a/b"},
		{"", "/..", "/"},
		{"", "/a/..", "/"},
		{"", "rel/../x", "x"},
		{"<UNKNOWN>", "f", "<UNKNOWN>f"},
		{"./", "f", "./f"},
		{"/" + strings.Repeat("d/", 2000), "f", "/" + strings.Repeat("d/", 2000) + "f"},
		{"/home/", "a\x01\xff", "/home/a\x01\xff"},
	} {
		if got := string(joinPath(nil, c.dir, []byte(c.name))); got != c.want {
			t.Errorf("joinPath(%q, %q): got %q, want %q", c.dir, c.name, got, c.want)
		}
		if isClean([]byte(c.name)) && c.name != c.want {
			t.Errorf("isClean(%q) although it becomes %q", c.name, c.want)
		}
	}
}

// FuzzJoinPath: absolute names come out as the standard library cleans them.
func FuzzJoinPath(f *testing.F) {
	for _, s := range []string{"/a/../b", "//", "/./..//x/.", "rel"} {
		f.Add("/home/", s)
	}
	f.Fuzz(func(t *testing.T, dir, name string) {
		got := string(joinPath(nil, dir, []byte(name)))
		if strings.HasPrefix(name, "/") {
			if want := path.Clean(name); got != want {
				t.Errorf("joinPath(%q): got %q, want %q", name, got, want)
			}
		}
		if isClean([]byte(name)) && got != name {
			t.Errorf("isClean(%q) although it becomes %q", name, got)
		}
	})
}
