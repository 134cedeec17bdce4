package replay

import (
	"encoding/json"
	"strings"
	"testing"
)

// Every byte at every place of a word and behind it, against the standard
// library's reading of the result.
func TestAppendJSONString(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 0x80 {
				s := strings.Repeat("~", at) + string(rune(c)) + strings.Repeat(" ", n-at-1)
				var back string
				if err := json.Unmarshal(AppendJSONString(nil, s), &back); err != nil || back != s {
					t.Fatalf("%q became %q: %v", s, back, err)
				}
			}
		}
	}
	for in, want := range map[string]string{
		"":                       `""`,
		"\xff\xc3":               `"\udcff\udcc3"`,
		"größe 日本 \x7f":          `"größe 日本 \u007f"`,
		"a\"b\\c\n\t\r\x01":      `"a\"b\\c\n\t\r\u0001"`,
		"12345678\"12345678\x00": `"12345678\"12345678\u0000"`,
	} {
		if got := string(AppendJSONString(nil, in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
