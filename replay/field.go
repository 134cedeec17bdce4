package replay

import (
	"net/netip"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// ArgKind tells what a field takes in brackets.
type ArgKind uint8

// Kinds of field arguments.
const (
	ArgNone       ArgKind = iota
	ArgIndex              // a decimal number: proc.aname[2]
	ArgKey                // a name: proc.env[HOME], evt.arg.fd
	ArgKeyOrIndex         // either: evt.arg[0], evt.arg[fd]
)

// Field is a row of the field catalogue.
type Field struct {
	Name        string
	Type        schema.ParamType // element type for lists; PT_DYN: taken from the argument
	Format      schema.Format    // how integers print
	Class       string           // group in listings: evt, process, user, group, fd, ...
	Arg         ArgKind
	ArgRequired bool
	List        bool // the value is a list: only in, intersects and exists apply
	// AnyOf marks a field that stands for several values of which one must
	// satisfy the check: fd.ip, fd.port, proc.aname without argument, ...
	AnyOf       bool
	FilterOnly  bool // yields no value in output
	PrintOnly   bool
	Deprecated  bool
	Hidden      bool // not listed
	NoRHS       bool // may not stand on the right of a comparison
	NoTransform bool // rejects transformers
	Suggested   bool // appended to outputs by Falco's suggested output
	Desc        string
}

// Ref is a field bound to its argument, ready to be extracted. Which function
// is set follows from the field's type and shape; the others are nil.
//
// The functions return ok=false when the field has no value on that event. Text
// they return may be a view into the event: it is valid as long as the event.
type Ref struct {
	*Field
	Text   string // as written: "proc.aname[2]"
	Arg    string // argument text
	HasArg bool
	Type   schema.ParamType // type of the value; for evt.rawarg that of the first event with the argument

	Int   func(*Event) (int64, bool)      // integers, flags, times, booleans (0/1), pids, ports
	Str   func(*Event) (string, bool)     // text and byte buffers
	IP    func(*Event) (netip.Addr, bool) // addresses and networks
	Float func(*Event) (float64, bool)    // PT_DOUBLE
	Each  func(*Event, func(Value) bool)  // List and AnyOf fields: every value until false is returned
	// Has, for List and AnyOf fields, reports whether the field exists on the
	// event (Each may yield nothing although it does).
	Has func(*Event) bool
	// JSONInt is set for fields whose text form is not their JSON form:
	// evt.time and its kin are epoch nanoseconds in JSON.
	JSONInt func(*Event) (int64, bool)

	// out takes the place of the values of an AnyOf field in output.
	out *Ref
	// typed extracts a value whose type and print format depend on the event:
	// evt.rawarg.
	typed func(*Event) (Value, schema.Format, bool)
}

// Value is an extracted value of any type.
type Value struct {
	Type  schema.ParamType
	Int   int64      // integers, booleans, times; unsigned 64-bit ones as their bits
	Float float64    // PT_DOUBLE
	Str   string     // text and byte buffers
	IP    netip.Addr // addresses
	List  []Value    // elements; used when IsList
	// IsList distinguishes the empty list from a scalar.
	IsList bool
}
