package safe

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppend(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "/etc/shadow", "/etc/shadow"},
		{"empty", "", ""},
		{"letters", "größe 日本 é", "größe 日本 é"},
		{"terminal escape", "a\x1b]52;c;x\x07b", `a\x1b]52;c;x\x07b`},
		{"lines", "a\nb\r\tc", `a\nb\r\tc`},
		{"delete", "\x7f", `\x7f`},
		{"not UTF-8", "a\xff\xc3", `a\xff\xc3`},
		{"C1 control", "\u009b31m", `\u009b31m`},
		{"bidi override", "a\u202egpj.exe", `a\u202egpj.exe`},
		{"zero width", "a\u200bb\ufeff", `a\u200bb\ufeff`},
		{"tag", "\U000e0041", `\U000e0041`},
		{"replacement character", "\ufffd", "\ufffd"},
		{"backslash", `C:\x`, `C:\x`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(Append(nil, c.in)); got != c.want {
				t.Errorf("Append(%q) = %q, want %q", c.in, got, c.want)
			}
			if got := string(Append(nil, []byte(c.in))); got != c.want {
				t.Errorf("Append of bytes %q = %q, want %q", c.in, got, c.want)
			}
			if got := String(c.in); got != c.want {
				t.Errorf("String(%q) = %q, want %q", c.in, got, c.want)
			}
			if got, want := IsSafe(c.in), c.in == c.want; got != want {
				t.Errorf("IsSafe(%q) = %v", c.in, got)
			}
		})
	}
}

func TestAppendAllocs(t *testing.T) {
	dst := make([]byte, 0, 256)
	s := "plain text with \x1b[31m in it and \u202e too"
	if n := testing.AllocsPerRun(100, func() { dst = Append(dst[:0], s) }); n != 0 {
		t.Errorf("Append allocates %v times, want 0", n)
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("a\x1b[0m\xff\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := Append(nil, s)
		if !utf8.Valid(got) {
			t.Fatalf("Append(%q) = %q is not UTF-8", s, got)
		}
		for _, r := range string(got) {
			if !strconv.IsPrint(r) && r != utf8.RuneError {
				t.Fatalf("Append(%q) = %q holds %U", s, got, r)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = Append(dst[:0], "fd=3(<f>/usr/lib/x86_64-linux-gnu/libc.so.6) dirfd=-100(AT_FDCWD)")
	}
}

// Every control byte at every place of a word and behind it.
func TestAppendEveryByteEverywhere(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 0x80 {
				s := strings.Repeat("~", at) + string(rune(c)) + strings.Repeat(" ", n-at-1)
				if c >= ' ' && c < 0x7f {
					if got := String(s); got != s || !IsSafe(s) {
						t.Fatalf("%q became %q", s, got)
					}
					continue
				}
				if got := String(s); strings.ContainsRune(got, rune(c)) || IsSafe(s) {
					t.Fatalf("%q passed as %q", s, got)
				}
			}
		}
	}
}
