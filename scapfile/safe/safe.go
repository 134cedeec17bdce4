// Package safe makes captured strings harmless for people.
//
// Every string of a capture was chosen by somebody, perhaps an attacker: it can
// hold terminal escape sequences, newlines that forge lines, bidirectional
// overrides that reorder what is read, and bytes that are no UTF-8. Whatever a
// person reads on a terminal or in a report passes through here; machine
// formats (JSON, SQL) encode the bytes losslessly instead and must not.
package safe

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

const hex = "0123456789abcdef"

// Append appends s to dst with everything that is not printable replaced by a
// visible escape: \n \r \t, \xHH for other control bytes and for bytes that are
// not UTF-8, \uHHHH or \UHHHHHHHH for unprintable runes such as C1 controls,
// bidirectional overrides and zero-width characters. A backslash stays as it
// is, so the result is for reading, not for decoding.
func Append[T string | []byte](dst []byte, s T) []byte {
	switch s := any(s).(type) {
	case string:
		return appendSafe(dst, s)
	case []byte:
		return appendSafe(dst, unsafe.String(unsafe.SliceData(s), len(s))) // not kept
	}
	return dst
}

func appendSafe(dst []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		if n := printable(s[i:]); n > 0 {
			i += n
			continue
		}
		size := 1
		if s[i] >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError && strconv.IsPrint(r) || r == utf8.RuneError && size == 3 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, s[i:i+size])
		i += size
		start = i
	}
	return append(dst, s[start:]...)
}

// String returns s made safe; s itself when it already is.
func String(s string) string {
	if IsSafe(s) {
		return s
	}
	return string(Append(nil, s))
}

// IsSafe reports whether Append would leave s unchanged.
func IsSafe(s string) bool {
	for i := 0; i < len(s); {
		if n := printable(s[i:]); n > 0 {
			i += n
			continue
		}
		if s[i] < utf8.RuneSelf {
			return false
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || !strconv.IsPrint(r) && r != utf8.RuneError {
			return false
		}
		i += size
	}
	return true
}

// printable returns the length of the printable ASCII text that s begins with.
// Eight bytes are tested at a time: whole event lines pass through here.
func printable(s string) int {
	const (
		each = 0x0101010101010101
		high = 0x80 * each
	)
	b, i := unsafe.Slice(unsafe.StringData(s), len(s)), 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		// A byte below ' ' or above '~' sets its high bit; others do only when
		// such a byte borrowed from them.
		if ((x-' '*each)|(x+each)|x)&high != 0 {
			break
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7f {
		i++
	}
	return i
}

func appendEscape(dst []byte, s string) []byte {
	if len(s) == 1 {
		switch c := s[0]; c {
		case '\n':
			return append(dst, `\n`...)
		case '\r':
			return append(dst, `\r`...)
		case '\t':
			return append(dst, `\t`...)
		default:
			return append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	r, _ := utf8.DecodeRuneInString(s)
	if r < 0x10000 {
		dst = append(dst, '\\', 'u')
		for shift := 12; shift >= 0; shift -= 4 {
			dst = append(dst, hex[r>>shift&15])
		}
		return dst
	}
	dst = append(dst, '\\', 'U')
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, hex[r>>shift&15])
	}
	return dst
}
