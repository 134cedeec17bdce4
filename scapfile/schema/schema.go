// Package schema describes the event model of a capture once, as tables: event
// types with their parameters, parameter types, flag tables and system calls.
// Decoding, printing, the field catalogue and the probe all follow from these
// tables.
//
// Names and numbers are those of falcosecurity/libs, event schema 4.5.1; they
// are part of the file format and never change meaning. To add an event is to
// add a row to events.go, a constant to event_types.go and a test.
package schema

// EventType is the on-disk number of an event.
type EventType uint16

// Category tells what an event is about and where it comes from: one of the
// low values below, or-ed with source bits from EC_SYSCALL on.
type Category uint16

// Event categories, low part. Values below EC_IO_READ exclude each other.
const (
	EC_UNKNOWN    Category = 0
	EC_OTHER      Category = 1
	EC_FILE       Category = 2
	EC_NET        Category = 3
	EC_IPC        Category = 4
	EC_MEMORY     Category = 5
	EC_PROCESS    Category = 6
	EC_SLEEP      Category = 7
	EC_SYSTEM     Category = 8
	EC_SIGNAL     Category = 9
	EC_USER       Category = 10
	EC_TIME       Category = 11
	EC_PROCESSING Category = 12
	EC_IO_READ    Category = 32
	EC_IO_WRITE   Category = 33
	EC_IO_OTHER   Category = 34
	EC_WAIT       Category = 64
	EC_SCHEDULER  Category = 128
)

// Event categories, source bits.
const (
	EC_INTERNAL   Category = 256
	EC_SYSCALL    Category = 512
	EC_TRACEPOINT Category = 1024
	EC_PLUGIN     Category = 2048
	EC_METAEVENT  Category = 4096
	EC_ITER       Category = 8192
)

// EventFlags are the EF_ bits of an event.
type EventFlags uint16

// Event flags.
const (
	EF_CREATES_FD        EventFlags = 1    // the return value is a new descriptor
	EF_DESTROYS_FD       EventFlags = 2    // closes its descriptor
	EF_USES_FD           EventFlags = 4    // operates on a descriptor
	EF_READS_FROM_FD     EventFlags = 8    // reads data from it
	EF_WRITES_TO_FD      EventFlags = 16   // writes data to it
	EF_MODIFIES_STATE    EventFlags = 32   // changes process, descriptor or user state
	EF_UNUSED            EventFlags = 64   // number no longer used
	EF_WAITS             EventFlags = 128  // may block
	EF_SKIPPARSERESET    EventFlags = 256  // does not touch parser state
	EF_OLD_VERSION       EventFlags = 512  // replaced by a newer event, only in old captures
	EF_LARGE_PAYLOAD     EventFlags = 2048 // parameter lengths are 32 bits wide
	EF_CONVERTER_MANAGED EventFlags = 4096 // old forms of it are converted while reading
)

// Format is the print format of integer parameters.
type Format uint8

// Print formats.
const (
	PF_NA Format = iota
	PF_DEC
	PF_HEX // upper case, no prefix
	PF_10_PADDED_DEC
	PF_ID
	PF_DIR
	PF_OCT // leading 0
)

// Param describes one parameter of an event.
type Param struct {
	Name   string
	Type   ParamType
	Format Format
	Flags  *FlagTable // names of the bits or values, nil if none
	Dyn    []Param    // variants of a PT_DYN parameter, by index byte
	DirFD  uint8      // for PT_FSRELPATH: index of the directory descriptor
}

// Event describes one event type.
type Event struct {
	Type     EventType
	Name     string // as users write it in evt.type
	Symbol   string // as the libs name the constant
	Category Category
	Flags    EventFlags
	Params   []Param
}

// Flag is one named bit set or value.
type Flag struct {
	Name  string
	Value uint64
}

// FlagTable names the bits or values of a flags parameter.
type FlagTable struct {
	Name    string
	Entries []Flag
}

// Lookup returns the description of t, nil for a type newer than this table.
func Lookup(t EventType) *Event {
	if int(t) >= len(events) {
		return nil
	}
	return &events[t]
}

// Events returns the event table, indexed by event type. Do not modify it.
func Events() []Event { return events[:] }

// IsEnter reports whether t is the enter half of a call, or one of the
// stand-alone events with an even number.
func (t EventType) IsEnter() bool { return t&1 == 0 }

// String returns the name of the event, or its number when unknown.
func (t EventType) String() string {
	if e := Lookup(t); e != nil {
		return e.Name
	}
	return "event" + utoa(uint(t))
}

// LengthWidth returns the size in bytes of each entry of the parameter length
// array of events of type t: 4 with EF_LARGE_PAYLOAD, else 2.
func (t EventType) LengthWidth() int {
	if e := Lookup(t); e != nil && e.Flags&EF_LARGE_PAYLOAD != 0 {
		return 4
	}
	return 2
}

// ParamIndex returns the index of the named parameter, -1 if there is none.
func (e *Event) ParamIndex(name string) int {
	for i := range e.Params {
		if e.Params[i].Name == name {
			return i
		}
	}
	return -1
}

// String returns the PT_ name of p.
func (p ParamType) String() string {
	if int(p) < len(paramTypeNames) {
		return paramTypeNames[p]
	}
	return "PT_" + utoa(uint(p))
}

// Size returns the size in bytes of a non-empty value of type p, 0 if it varies.
func (p ParamType) Size() int {
	switch p {
	case PT_INT8, PT_UINT8, PT_SIGTYPE, PT_L4PROTO, PT_SOCKFAMILY, PT_FLAGS8, PT_ENUMFLAGS8:
		return 1
	case PT_INT16, PT_UINT16, PT_SYSCALLID, PT_PORT, PT_FLAGS16, PT_ENUMFLAGS16:
		return 2
	case PT_INT32, PT_UINT32, PT_BOOL, PT_IPV4ADDR, PT_FLAGS32, PT_UID, PT_GID, PT_SIGSET, PT_MODE,
		PT_ENUMFLAGS32, PT_FD32, PT_PID32:
		return 4
	case PT_INT64, PT_UINT64, PT_ERRNO, PT_FD, PT_PID, PT_RELTIME, PT_ABSTIME, PT_DOUBLE:
		return 8
	case PT_IPV6ADDR:
		return 16
	}
	return 0
}

// Signed reports whether integers of type p are signed.
func (p ParamType) Signed() bool {
	switch p {
	case PT_INT8, PT_INT16, PT_INT32, PT_INT64, PT_ERRNO, PT_FD, PT_PID, PT_FD32, PT_PID32:
		return true
	}
	return false
}

func utoa(u uint) string {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + u%10)
		if u /= 10; u == 0 {
			return string(b[i:])
		}
	}
}

// Version is the version of the event schema these tables hold (libs' SCHEMA_VERSION).
const Version = "4.5.1"
