package scapfile

import (
	"encoding/binary"
	"net/netip"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// NewEvent returns a synthetic event of type t with the given encoded parameters
// (see Text, I64, SockTuple and their kin); nil stands for an empty one.
// Parameters missing at the end are empty. It panics when there are more than
// the schema has, or when one is too long for the event's length array: both
// are mistakes of the program that builds the event.
func NewEvent(t schema.EventType, ts uint64, tid int64, params ...[]byte) *Event {
	e := &Event{TS: ts, TID: tid, Type: t, Offset: -1}
	info := schema.Lookup(t)
	n := len(params)
	if info != nil {
		n = len(info.Params)
	}
	if len(params) > n || n > maxParams {
		panic("scapfile: too many parameters for event " + t.String())
	}
	width := t.LengthWidth()
	var data []byte
	for i := range n {
		var p []byte
		if i < len(params) {
			p = params[i]
		}
		switch {
		case width == 4:
			data = binary.LittleEndian.AppendUint32(data, uint32(len(p)))
		case len(p) > 0xFFFF:
			panic("scapfile: parameter too long for event " + t.String())
		default:
			data = binary.LittleEndian.AppendUint16(data, uint16(len(p)))
		}
	}
	for _, p := range params {
		data = append(data, p...)
	}
	if err := e.setData(uint32(n), data); err != nil {
		panic("scapfile: " + err.Error()) // the lengths above are right by construction
	}
	return e
}

// Text encodes a string parameter: the text and a NUL.
func Text(s string) []byte { return append([]byte(s), 0) }

// Texts encodes strings that stand one after the other, each with a NUL: args,
// env, cgroups.
func Texts(list ...string) []byte {
	var b []byte
	for _, s := range list {
		b = append(append(b, s...), 0)
	}
	return b
}

// U8 encodes an 8-bit parameter.
func U8(v uint8) []byte { return []byte{v} }

// U16 encodes a 16-bit parameter.
func U16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }

// U32 encodes an unsigned 32-bit parameter: flags, ids, modes.
func U32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// I32 encodes a signed 32-bit parameter.
func I32(v int32) []byte { return U32(uint32(v)) }

// U64 encodes an unsigned 64-bit parameter.
func U64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// I64 encodes a signed 64-bit parameter: return values, descriptors, pids.
func I64(v int64) []byte { return U64(uint64(v)) }

// SockAddr encodes an address parameter (PT_SOCKADDR).
func SockAddr(a netip.AddrPort) []byte {
	b := append([]byte{inetFamily(a.Addr())}, a.Addr().AsSlice()...)
	return binary.LittleEndian.AppendUint16(b, a.Port())
}

// UnixAddr encodes the address of a unix socket (PT_SOCKADDR).
func UnixAddr(path string) []byte {
	return append(append([]byte{schema.PPM_AF_UNIX}, path...), 0)
}

// SockTuple encodes a connection (PT_SOCKTUPLE). Both addresses are of one family.
func SockTuple(src, dst netip.AddrPort) []byte {
	b := append([]byte{inetFamily(src.Addr())}, src.Addr().AsSlice()...)
	b = binary.LittleEndian.AppendUint16(b, src.Port())
	b = append(b, dst.Addr().AsSlice()...)
	return binary.LittleEndian.AppendUint16(b, dst.Port())
}

// UnixTuple encodes a unix connection (PT_SOCKTUPLE): the kernel's pointers of
// source and destination, and a path.
func UnixTuple(src, dst uint64, path string) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{schema.PPM_AF_UNIX}, src)
	b = binary.LittleEndian.AppendUint64(b, dst)
	return append(append(b, path...), 0)
}

func inetFamily(a netip.Addr) byte {
	if a.Is4() {
		return schema.PPM_AF_INET
	}
	return schema.PPM_AF_INET6
}

// PollFD is one descriptor of a PT_FDLIST parameter.
type PollFD struct {
	FD     int64
	Events int16 // PPM_POLL bits
}

// FDList encodes the descriptors of a poll (PT_FDLIST).
func FDList(list ...PollFD) []byte {
	b := U16(uint16(len(list)))
	for _, p := range list {
		b = binary.LittleEndian.AppendUint64(b, uint64(p.FD))
		b = binary.LittleEndian.AppendUint16(b, uint16(p.Events))
	}
	return b
}

// Dyn encodes a parameter with variants (PT_DYN): the variant's index and a value
// of its type.
func Dyn(variant uint8, value []byte) []byte { return append([]byte{variant}, value...) }
