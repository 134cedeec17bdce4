package replay

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Value extracts the field's value, ok=false when the event has none. Fields
// that stand for several values (List, AnyOf) give a list.
func (r *Ref) Value(ev *Event) (Value, bool) {
	if r.typed != nil {
		v, _, ok := r.typed(ev)
		return v, ok
	}
	v := Value{Type: r.Type}
	var ok bool
	switch {
	case r.Int != nil:
		v.Int, ok = r.Int(ev)
	case r.Str != nil:
		v.Str, ok = r.Str(ev)
	case r.IP != nil:
		v.IP, ok = r.IP(ev)
	case r.Float != nil:
		v.Float, ok = r.Float(ev)
	case r.Each != nil:
		v.IsList, ok = true, r.Has(ev)
		if ok {
			r.Each(ev, func(e Value) bool { v.List = append(v.List, e); return true })
		}
	}
	if !ok {
		return Value{}, false
	}
	return v, true
}

// AppendText appends the value as people read it: hexadecimal numbers in upper
// case without prefix, true and false, lists as (a,b), byte buffers with dots
// for what is not printable. The text of the capture is appended as it is;
// whoever shows it on a terminal passes it through package safe. Without a
// value nothing is appended and ok is false: templates show <NA>.
func (r *Ref) AppendText(dst []byte, ev *Event) (text []byte, ok bool) {
	switch {
	case r.FilterOnly:
		return dst, false
	case r.out != nil:
		return r.out.AppendText(dst, ev)
	case r.typed != nil:
		v, format, ok := r.typed(ev)
		if !ok {
			return dst, false
		}
		return v.appendText(dst, format), true
	case r.Int != nil:
		n, ok := r.Int(ev)
		if !ok {
			return dst, false
		}
		return appendInt(dst, n, r.Type, r.Format), true
	case r.Str != nil:
		s, ok := r.Str(ev)
		if !ok {
			return dst, false
		}
		return appendStr(dst, s, r.Type), true
	case r.IP != nil:
		a, ok := r.IP(ev)
		if !ok {
			return dst, false
		}
		return appendAddr(dst, a), true
	case r.Float != nil:
		f, ok := r.Float(ev)
		if !ok {
			return dst, false
		}
		return strconv.AppendFloat(dst, f, 'f', 1, 64), true
	case r.Each != nil && r.Has(ev):
		return r.appendList(dst, ev), true
	}
	return dst, false
}

// appendList appends a list as (a,b), the values of an AnyOf field joined by blanks.
func (r *Ref) appendList(dst []byte, ev *Event) []byte {
	sep := byte(' ')
	if r.List {
		sep = ','
		dst = append(dst, '(')
	}
	first := true
	r.Each(ev, func(v Value) bool {
		if !first {
			dst = append(dst, sep)
		}
		first = false
		dst = v.appendText(dst, r.Format)
		return true
	})
	if r.List {
		dst = append(dst, ')')
	}
	return dst
}

// AppendText appends the value as Ref.AppendText does.
func (v Value) AppendText(dst []byte) []byte { return v.appendText(dst, schema.PF_DEC) }

func (v Value) appendText(dst []byte, format schema.Format) []byte {
	switch {
	case v.IsList:
		dst = append(dst, '(')
		for i, e := range v.List {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.appendText(dst, format)
		}
		return append(dst, ')')
	case v.IP.IsValid():
		return appendAddr(dst, v.IP)
	case v.Type == schema.PT_DOUBLE:
		return strconv.AppendFloat(dst, v.Float, 'f', 1, 64)
	case isText(v.Type):
		return appendStr(dst, v.Str, v.Type)
	}
	return appendInt(dst, v.Int, v.Type, format)
}

// AppendJSON appends the value as JSON: numbers and booleans as such, numbers
// that print in hexadecimal and addresses as text, times of day as nanoseconds
// since the epoch, lists as arrays, null (and ok=false) without a value.
//
// Text is lossless: bytes that are not UTF-8 are written as the escapes \udc80
// to \udcff, which is the convention of Python's surrogateescape. Readers that
// keep lone surrogates get the bytes back; others show U+FFFD.
func (r *Ref) AppendJSON(dst []byte, ev *Event) (json []byte, ok bool) {
	switch {
	case r.FilterOnly:
	case r.out != nil:
		return r.out.AppendJSON(dst, ev)
	case r.typed != nil:
		if v, format, ok := r.typed(ev); ok {
			return v.appendJSON(dst, format), true
		}
	case r.JSONInt != nil:
		if n, ok := r.JSONInt(ev); ok {
			return strconv.AppendInt(dst, n, 10), true
		}
	case r.Int != nil:
		if n, ok := r.Int(ev); ok {
			return appendJSONInt(dst, n, r.Type, r.Format), true
		}
	case r.Str != nil:
		if s, ok := r.Str(ev); ok {
			return appendJSONStr(dst, s, r.Type), true
		}
	case r.IP != nil:
		if a, ok := r.IP(ev); ok {
			return append(appendAddr(append(dst, '"'), a), '"'), true
		}
	case r.Float != nil:
		if f, ok := r.Float(ev); ok {
			return strconv.AppendFloat(dst, f, 'f', -1, 64), true
		}
	case r.List && r.Has(ev):
		return r.appendJSONList(dst, ev), true
	case r.Each != nil && r.Has(ev):
		n := len(dst)
		dst = r.appendList(dst, ev)
		return AppendJSONString(dst[:n], string(dst[n:])), true
	}
	return append(dst, "null"...), false
}

// appendJSONList appends the elements as an array; the empty list is null, as
// in Falco.
func (r *Ref) appendJSONList(dst []byte, ev *Event) []byte {
	n := len(dst)
	dst = append(dst, '[')
	first := true
	r.Each(ev, func(v Value) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = v.appendJSON(dst, r.Format)
		return true
	})
	if first {
		return append(dst[:n], "null"...)
	}
	return append(dst, ']')
}

func (v Value) appendJSON(dst []byte, format schema.Format) []byte {
	switch {
	case v.IP.IsValid():
		return append(appendAddr(append(dst, '"'), v.IP), '"')
	case v.Type == schema.PT_DOUBLE:
		return strconv.AppendFloat(dst, v.Float, 'f', -1, 64)
	case isText(v.Type):
		return appendJSONStr(dst, v.Str, v.Type)
	}
	return appendJSONInt(dst, v.Int, v.Type, format)
}

// isText reports whether values of type t are in Value.Str.
func isText(t schema.ParamType) bool {
	switch t {
	case schema.PT_CHARBUF, schema.PT_FSPATH, schema.PT_FSRELPATH, schema.PT_BYTEBUF, schema.PT_SOCKADDR,
		schema.PT_SOCKTUPLE, schema.PT_FDLIST, schema.PT_DYN, schema.PT_CHARBUFARRAY, schema.PT_CHARBUF_PAIR_ARRAY:
		return true
	}
	return false
}

func appendInt(dst []byte, n int64, t schema.ParamType, format schema.Format) []byte {
	if t == schema.PT_BOOL {
		return strconv.AppendBool(dst, n != 0)
	}
	switch format {
	case schema.PF_HEX:
		return appendHex(dst, bits(n, t))
	case schema.PF_OCT:
		if n != 0 {
			dst = append(dst, '0')
		}
		return strconv.AppendUint(dst, bits(n, t), 8)
	case schema.PF_10_PADDED_DEC:
		if uint64(n) < 1_000_000_000 {
			return appendNano(dst, uint64(n))
		}
	}
	if t.Signed() {
		return strconv.AppendInt(dst, n, 10)
	}
	return strconv.AppendUint(dst, bits(n, t), 10)
}

// bits cuts a sign-extended value to the size of its type.
func bits(n int64, t schema.ParamType) uint64 {
	switch t.Size() {
	case 1:
		return uint64(uint8(n))
	case 2:
		return uint64(uint16(n))
	case 4:
		return uint64(uint32(n))
	}
	return uint64(n)
}

func appendHex(dst []byte, n uint64) []byte {
	const hex = "0123456789ABCDEF"
	var b [16]byte
	i := len(b)
	for {
		i--
		b[i] = hex[n&15]
		if n >>= 4; n == 0 {
			return append(dst, b[i:]...)
		}
	}
}

func appendJSONInt(dst []byte, n int64, t schema.ParamType, format schema.Format) []byte {
	if format == schema.PF_HEX && t != schema.PT_BOOL {
		return append(appendInt(append(dst, '"'), n, t, format), '"')
	}
	return appendInt(dst, n, t, schema.PF_DEC)
}

// isBytes reports whether Value.Str of type t holds bytes that are no text.
func isBytes(t schema.ParamType) bool {
	return isText(t) && t != schema.PT_CHARBUF && t != schema.PT_FSPATH && t != schema.PT_FSRELPATH
}

// appendStr appends text as it is and bytes with dots for what is not printable
// ASCII.
func appendStr(dst []byte, s string, t schema.ParamType) []byte {
	if isBytes(t) {
		return appendDotted(dst, s)
	}
	return append(dst, s...)
}

func appendDotted(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' {
			c = '.'
		}
		dst = append(dst, c)
	}
	return dst
}

func appendJSONStr(dst []byte, s string, t schema.ParamType) []byte {
	if !isBytes(t) {
		return AppendJSONString(dst, s)
	}
	n := len(dst)
	dst = appendDotted(append(dst, '"'), s)
	for i := n + 1; i < len(dst); i++ {
		if dst[i] == '"' || dst[i] == '\\' {
			return AppendJSONString(dst[:n], string(dst[n+1:]))
		}
	}
	return append(dst, '"')
}

// appendAddr appends an address; IPv4 addresses in IPv6 form print as IPv6.
func appendAddr(dst []byte, a netip.Addr) []byte { return a.AppendTo(dst) }

// AppendJSONString appends s as a JSON string, see Ref.AppendJSON for bytes
// that are not UTF-8.
func AppendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	i, start := jsonPlain(s), 0
	for ; i < len(s); i += jsonPlain(s[i:]) {
		c := s[i]
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c < utf8.RuneSelf:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, '\\', 'u', 'd', 'c', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// jsonPlain returns the length of the text that s begins with and that stands for
// itself in JSON: printable ASCII without quotes and backslashes. Eight bytes are
// tested at a time.
func jsonPlain(s string) int {
	const (
		each = 0x0101010101010101
		high = 0x80 * each
	)
	b, i := unsafe.Slice(unsafe.StringData(s), len(s)), 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, slash := x^'"'*each, x^'\\'*each
		// The bytes that do not pass set their high bits, others only when such a
		// byte borrowed from them.
		if ((x-' '*each)|(x+each)|x|((quote-each)&^quote)|((slash-each)&^slash))&high != 0 {
			break
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] < 0x7f && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}
