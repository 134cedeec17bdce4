package scapfile

import (
	"encoding/binary"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// maxParams is the largest number of parameters an event may have
// (PPM_MAX_EVENT_PARAMS of the libs).
const maxParams = 32

// Event flags as stored in "event with flags" blocks.
const (
	FlagStateOnly = schema.SCAP_DF_STATE_ONLY // keeps state up to date, is not shown to the user
)

// Event is one event: a header and a view of its parameters. It and every slice
// taken from it are valid until the next call of Next on the Source it came
// from; copy what must live longer (Clone).
//
// Behind a Source every event is in the current model (exit events carrying all
// parameters) and little-endian, whatever the file holds.
type Event struct {
	Num     uint64           // number in the capture, from 1, counted after conversion
	TS      uint64           // nanoseconds since the epoch
	TID     int64            // thread in the host's pid namespace, -1 if none
	Type    schema.EventType // row of the schema table
	CPU     uint16           // ring the event came from
	Flags   uint32           // FlagStateOnly
	Section uint32           // section of the file, from 0; a new one resets all state
	Offset  int64            // place of its block in the uncompressed stream, -1 if there is none

	data  []byte // length array and parameters
	end   uint32 // of the last parameter in data
	count uint32 // entries of the length array
	n     uint8  // parameters that the schema knows, at most maxParams
	wide  bool   // 32-bit length array
}

// Info returns the schema row of the event, nil when the type is unknown.
func (e *Event) Info() *schema.Event { return schema.Lookup(e.Type) }

// Syscall returns the system call of a generic event, nil for other events and
// when it is unknown. Old producers recorded some calls by their native number
// only; it is taken as one of x86_64.
func (e *Event) Syscall() *schema.Syscall {
	if e.Type != schema.PPME_GENERIC_X && e.Type != schema.PPME_GENERIC_E {
		return nil
	}
	id := e.Param(0)
	if len(id) != 2 {
		return nil
	}
	if code := binary.LittleEndian.Uint16(id); code != 0 {
		return schema.SyscallByCode(code)
	}
	if nr := e.Param(1); len(nr) == 2 {
		return schema.SyscallByNumber(int(binary.LittleEndian.Uint16(nr)))
	}
	return nil
}

// Name returns what users know as evt.type: the name of the event's row, for
// generic events that of the system call.
func (e *Event) Name() string {
	if sc := e.Syscall(); sc != nil {
		return sc.Name
	}
	return e.Type.String()
}

// NumParams returns how many parameters the event carries.
func (e *Event) NumParams() int { return int(e.n) }

// Param returns the bytes of parameter i. It is empty (nil) when the parameter
// is absent or empty, which is how captures say "not available".
//
// Where a parameter stands is computed when it is asked for: most events of a
// stream are never looked into.
func (e *Event) Param(i int) []byte {
	if uint(i) >= uint(e.n) {
		return nil
	}
	if e.wide {
		return e.wideParam(i)
	}
	off := 2*e.count + sumLengths(e.data, i)
	size := uint32(binary.LittleEndian.Uint16(e.data[2*i:]))
	if size == 0 {
		return nil
	}
	return e.data[off : off+size : off+size]
}

func (e *Event) wideParam(i int) []byte {
	off := 4 * e.count
	for k := range i {
		off += binary.LittleEndian.Uint32(e.data[4*k:])
	}
	size := binary.LittleEndian.Uint32(e.data[4*i:])
	if size == 0 {
		return nil
	}
	return e.data[off : off+size : off+size]
}

// firstParam returns the place of the first parameter.
func (e *Event) firstParam() uint32 {
	if e.wide {
		return 4 * e.count
	}
	return 2 * e.count
}

// nextParam returns parameter i, which must exist and stand at off, and the place
// of the one behind it: the way to all of them in order.
func (e *Event) nextParam(i int, off uint32) ([]byte, uint32) {
	var size uint32
	if e.wide {
		size = binary.LittleEndian.Uint32(e.data[4*i:])
	} else {
		size = uint32(binary.LittleEndian.Uint16(e.data[2*i:]))
	}
	return e.data[off : off+size : off+size], off + size
}

// Int returns the integer in parameter i, sign-extended according to its type,
// and whether the parameter is present with a size that an integer has.
func (e *Event) Int(i int) (int64, bool) {
	p := e.Param(i)
	signed := false
	if info := e.Info(); info != nil && i < len(info.Params) {
		signed = info.Params[i].Type.Signed()
	}
	switch len(p) {
	case 8:
		return int64(binary.LittleEndian.Uint64(p)), true
	case 4:
		v := binary.LittleEndian.Uint32(p)
		if signed {
			return int64(int32(v)), true
		}
		return int64(v), true
	case 2:
		v := binary.LittleEndian.Uint16(p)
		if signed {
			return int64(int16(v)), true
		}
		return int64(v), true
	case 1:
		if signed {
			return int64(int8(p[0])), true
		}
		return int64(p[0]), true
	}
	return 0, false
}

// Int64 returns the 64-bit integer in parameter i: the fast form for the return
// value, descriptors and pids.
func (e *Event) Int64(i int) (int64, bool) {
	p := e.Param(i)
	if len(p) != 8 {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint64(p)), true
}

// Uint32 returns the 32-bit integer in parameter i.
func (e *Event) Uint32(i int) (uint32, bool) {
	p := e.Param(i)
	if len(p) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(p), true
}

// Text returns parameter i without its terminating NUL, and whether it is
// present. The legacy text "(NULL)" counts as absent.
func (e *Event) Text(i int) ([]byte, bool) {
	p := e.Param(i)
	if len(p) == 0 {
		return nil, false
	}
	if p[len(p)-1] == 0 {
		p = p[:len(p)-1]
	}
	if string(p) == "(NULL)" {
		return nil, false
	}
	return p, true
}

// Hidden reports whether e exists to keep state up to date and is not shown to
// people: state-only events, the library's internal ones, user and group
// announcements, and enter events, whose content the exit event repeats.
func (e *Event) Hidden() bool {
	return e.Flags&FlagStateOnly != 0 || int(e.Type) < len(hiddenTypes) && hiddenTypes[e.Type]
}

var hiddenTypes = makeHiddenTypes()

func makeHiddenTypes() []bool {
	t := make([]bool, len(schema.Events()))
	for i, e := range schema.Events() {
		t[i] = e.Category&schema.EC_INTERNAL != 0
	}
	for _, typ := range []schema.EventType{
		schema.PPME_USER_ADDED_E, schema.PPME_USER_DELETED_E, schema.PPME_GROUP_ADDED_E, schema.PPME_GROUP_DELETED_E,
		schema.PPME_SYSCALL_OPEN_E, schema.PPME_SYSCALL_CREAT_E, schema.PPME_SYSCALL_OPENAT_2_E,
		schema.PPME_SYSCALL_OPENAT2_E, schema.PPME_SOCKET_CONNECT_E,
		schema.PPME_SYSCALL_EXECVE_19_E, schema.PPME_SYSCALL_EXECVEAT_E,
	} {
		t[typ] = true
	}
	return t
}

// Clone returns a copy that does not share memory with e.
func (e *Event) Clone() *Event {
	c := *e
	c.data = append([]byte(nil), e.data...)
	return &c
}

// Source yields events in capture order. File readers, the live probe and
// synthetic captures implement it.
type Source interface {
	// Snapshot returns the state of the host at the start of the current
	// section: before the first Next that of the first section, afterwards that
	// of the section of the event last returned.
	Snapshot() *Snapshot
	// Next returns the next event, valid until the following call. It returns
	// io.EOF at the clean end; any other error is final too, and says what and
	// where.
	Next() (*Event, error)
}
