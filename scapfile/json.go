package scapfile

import (
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strconv"
	"unicode/utf8"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// AppendJSON appends parameter i as a JSON value that holds all of it: integers
// as numbers, booleans, text as strings, lists of strings as arrays, addresses
// as {"addr":"10.0.0.1","port":80} or {"path":"/run/x"}, connections as
// {"src":...,"dst":...}, polled descriptors as [{"fd":3,"events":1}]. Text and
// buffers that are not valid UTF-8 are {"base64":"..."}, as are values whose size
// their type cannot have. Empty and absent parameters are null.
func (e *Event) AppendJSON(dst []byte, i int) []byte {
	info := e.Info()
	v := e.Param(i)
	if len(v) == 0 {
		return append(dst, "null"...)
	}
	if info == nil || i >= len(info.Params) {
		return appendBase64(dst, v)
	}
	return appendJSON(dst, v, &info.Params[i], info.Params[i].Type)
}

func appendJSON(dst, v []byte, p *schema.Param, t schema.ParamType) []byte {
	switch t {
	case schema.PT_CHARBUF, schema.PT_FSPATH, schema.PT_FSRELPATH:
		if isNull(v) {
			return append(dst, "null"...)
		}
		if v[len(v)-1] != 0 {
			return appendBase64(dst, v)
		}
		return appendJSONText(dst, v[:len(v)-1])
	case schema.PT_BYTEBUF:
		switch p.Name {
		case "args", "env", "cgroups": // lists of strings, whatever the table says
			return appendJSONStrings(dst, v)
		}
		return appendJSONText(dst, v)
	case schema.PT_CHARBUFARRAY, schema.PT_CHARBUF_PAIR_ARRAY:
		return appendJSONStrings(dst, v)
	case schema.PT_SOCKADDR:
		s, ok := ParseSockAddr(v)
		switch {
		case !ok:
			return appendBase64(dst, v)
		case s.Family == schema.PPM_AF_UNIX:
			dst = append(dst, `{"path":`...)
			return append(appendJSONText(dst, s.Path), '}')
		}
		return appendJSONAddr(dst, s.Dst)
	case schema.PT_SOCKTUPLE:
		return appendJSONTuple(dst, v)
	case schema.PT_FDLIST:
		return appendJSONFDList(dst, v)
	case schema.PT_DYN:
		if len(v) > 1 && int(v[0]) < len(p.Dyn) {
			return appendJSON(dst, v[1:], p, p.Dyn[v[0]].Type)
		}
		return appendBase64(dst, v)
	case schema.PT_IPV4ADDR, schema.PT_IPV6ADDR:
		if a, ok := netip.AddrFromSlice(v); ok {
			dst = append(dst, '"')
			return append(a.AppendTo(dst), '"')
		}
		return appendBase64(dst, v)
	}
	n, ok := paramInt(v, t)
	switch {
	case !ok:
		return appendBase64(dst, v)
	case t == schema.PT_BOOL:
		return strconv.AppendBool(dst, n != 0)
	case t.Signed() || t.Size() < 8:
		return strconv.AppendInt(dst, n, 10)
	}
	return strconv.AppendUint(dst, uint64(n), 10)
}

func appendBase64(dst, v []byte) []byte {
	dst = append(dst, `{"base64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, v)
	return append(dst, `"}`...)
}

// appendJSONText appends v as a JSON string, or in base64 when it is not UTF-8.
func appendJSONText(dst, v []byte) []byte {
	if !utf8.Valid(v) {
		return appendBase64(dst, v)
	}
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range v {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < 0x20 || c == 0x7F:
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func appendJSONStrings(dst, v []byte) []byte {
	if v[len(v)-1] == 0 {
		v = v[:len(v)-1]
	}
	dst = append(dst, '[')
	for start, i := 0, 0; i <= len(v); i++ {
		if i < len(v) && v[i] != 0 {
			continue
		}
		if start > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONText(dst, v[start:i])
		start = i + 1
	}
	return append(dst, ']')
}

func appendJSONAddr(dst []byte, a netip.AddrPort) []byte {
	dst = append(dst, `{"addr":"`...)
	dst = a.Addr().AppendTo(dst)
	dst = append(dst, `","port":`...)
	dst = strconv.AppendUint(dst, uint64(a.Port()), 10)
	return append(dst, '}')
}

func appendJSONTuple(dst, v []byte) []byte {
	s, ok := ParseSockTuple(v)
	switch {
	case !ok:
		return appendBase64(dst, v)
	case s.Family == schema.PPM_AF_UNIX:
		dst = append(dst, `{"src":"`...)
		dst = strconv.AppendUint(dst, s.UnixSrc, 16)
		dst = append(dst, `","dst":"`...)
		dst = strconv.AppendUint(dst, s.UnixDst, 16)
		dst = append(dst, `","path":`...)
		return append(appendJSONText(dst, s.Path), '}')
	}
	dst = append(dst, `{"src":`...)
	dst = appendJSONAddr(dst, s.Src)
	dst = append(dst, `,"dst":`...)
	dst = appendJSONAddr(dst, s.Dst)
	return append(dst, '}')
}

func appendJSONFDList(dst, v []byte) []byte {
	if len(v) < 2 {
		return appendBase64(dst, v)
	}
	n := int(binary.LittleEndian.Uint16(v))
	if len(v) != 2+10*n {
		return appendBase64(dst, v)
	}
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		item := v[2+10*i:]
		dst = append(dst, `{"fd":`...)
		dst = strconv.AppendInt(dst, int64(binary.LittleEndian.Uint64(item)), 10)
		dst = append(dst, `,"events":`...)
		dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint16(item[8:])), 10)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}
