package replay

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Errors of Resolve. Both come wrapped in a *FieldError.
var (
	// ErrUnknownField means that no field of the catalogue accounts for the
	// whole text. Rules with skip-if-unknown-filter are skipped on it.
	ErrUnknownField = errors.New("nonexistent field")
	// ErrFieldArgument means that the field exists and its argument is missing,
	// not allowed or malformed.
	ErrFieldArgument = errors.New("bad field argument")
)

// FieldError is the error of Resolve.
type FieldError struct {
	Text string // the field as written
	Err  error  // ErrUnknownField or ErrFieldArgument
	Hint string // what is wrong or what was probably meant, may be empty
}

// Error returns one line with the field, the problem and the remedy.
func (e *FieldError) Error() string {
	msg := e.Err.Error() + " " + strconv.Quote(e.Text)
	if e.Hint != "" {
		msg += ": " + e.Hint
	}
	return msg
}

// Unwrap returns the sentinel.
func (e *FieldError) Unwrap() error { return e.Err }

// row is a line of the catalogue: a field and what binds it to its argument,
// that is, sets the extraction functions of the Ref.
type row struct {
	Field
	bind func(*Ref) error
	// dot allows the argument in the form name.ARG; brackets then need
	// Arg to allow them as usual.
	dot bool
	// noBracket rejects the bracket form: evt.rawarg, evt.type.is, thread.cgroup.
	noBracket bool
}

// catalogue holds the rows in listing order, byName finds them.
var (
	catalogue []*row
	byName    map[string]*row
	fieldList []*Field
)

func init() {
	for _, class := range []struct {
		name string
		rows []row
	}{
		{"evt", evtFields},
		{"process", procFields},
		{"user", userFields},
		{"group", groupFields},
		{"fd", fdFields},
		{"fs.path", fsPathFields},
		{"util", utilFields},
		{"fdlist", fdlistFields},
		{"container", containerFields},
	} {
		for i := range class.rows {
			r := &class.rows[i]
			r.Class = class.name
			catalogue = append(catalogue, r)
			fieldList = append(fieldList, &r.Field)
		}
	}
	byName = make(map[string]*row, len(catalogue))
	for _, r := range catalogue {
		byName[r.Name] = r
	}
}

// Fields returns the catalogue in listing order. Do not modify it.
func Fields() []*Field { return fieldList }

// Resolve finds the field that text names and binds it to the argument in text:
// proc.aname[2], evt.arg.name, evt.arg[0], proc.env[HOME], thread.cgroup.cpu.
//
// The longest known name that text starts with is taken, and the argument must
// account for the rest. The error is a *FieldError that wraps ErrUnknownField
// or ErrFieldArgument.
func Resolve(text string) (*Ref, error) {
	row := longestName(text)
	if row == nil {
		return nil, unknownField(text)
	}
	r := &Ref{Field: &row.Field, Text: text, Type: row.Type}
	if rest := text[len(row.Name):]; rest != "" {
		arg, ok := row.argument(rest)
		if !ok {
			return nil, unknownField(text)
		}
		r.Arg, r.HasArg = arg, true
	}
	if err := row.checkArgument(r); err != nil {
		return nil, err
	}
	if err := row.bind(r); err != nil {
		return nil, err
	}
	return r, nil
}

// longestName returns the row with the longest name that text begins with,
// followed by its end, a dot or a bracket.
func longestName(text string) *row {
	for n := len(text); n > 0; n-- {
		if n < len(text) && text[n] != '.' && text[n] != '[' {
			continue
		}
		if r := byName[text[:n]]; r != nil {
			return r
		}
	}
	return nil
}

// argument takes the argument out of what follows the name: ".ARG" or "[ARG]",
// the latter also with quotes inside the brackets.
func (r *row) argument(rest string) (string, bool) {
	if r.Arg == ArgNone {
		return "", false
	}
	if rest[0] == '.' {
		return rest[1:], r.dot && len(rest) > 1 && !strings.ContainsAny(rest[1:], "[]")
	}
	if r.noBracket || len(rest) < 3 || rest[len(rest)-1] != ']' {
		return "", false
	}
	arg := rest[1 : len(rest)-1]
	if q := arg[0]; (q == '"' || q == '\'') && len(arg) >= 2 && arg[len(arg)-1] == q {
		return arg[1 : len(arg)-1], true
	}
	return arg, !strings.ContainsAny(arg, "[]")
}

// checkArgument tells a missing argument and one that must be a number.
func (r *row) checkArgument(ref *Ref) error {
	if !ref.HasArg {
		if r.ArgRequired {
			return badArgument(ref, "the field needs an argument, for example %s", r.example())
		}
		return nil
	}
	if r.Arg == ArgIndex {
		if _, err := strconv.ParseUint(ref.Arg, 10, 64); err != nil {
			return badArgument(ref, "the argument must be a number, for example %s", r.example())
		}
	}
	return nil
}

// example shows how the argument of the field is written.
func (r *row) example() string {
	switch {
	case r.noBracket:
		return r.Name + ".NAME"
	case r.Arg == ArgIndex:
		return r.Name + "[1]"
	}
	return r.Name + "[NAME]"
}

func badArgument(r *Ref, format string, args ...any) error {
	return &FieldError{Text: r.Text, Err: ErrFieldArgument, Hint: fmt.Sprintf(format, args...)}
}

func unknownField(text string) error {
	e := &FieldError{Text: text, Err: ErrUnknownField}
	if s := similarField(text); s != "" {
		e.Hint = "did you mean " + s + "?"
	} else {
		e.Hint = "'sysreel fields' lists the fields"
	}
	return e
}

// similarField returns the listed field whose name is closest to text without
// its argument, "" when none is close.
func similarField(text string) string {
	name, _, _ := strings.Cut(text, "[")
	if len(name) > 64 {
		return ""
	}
	best, bestDist := "", 1+len(name)/4
	for _, r := range catalogue {
		if r.Hidden || r.Deprecated {
			continue
		}
		if d := editDistance(name, r.Name, bestDist); d < bestDist {
			best, bestDist = r.Name, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, substitutions and swaps of
// neighbours between a and b; it gives up with limit when there are as many.
func editDistance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		low := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, prev2[j-2]+1)
			}
			cur[j] = d
			low = min(low, d)
		}
		if low >= limit {
			return limit
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return min(prev[len(b)], limit)
}

// The constructors below keep the tables to one line per field.

// textField is a field whose value is text.
func textField(name, desc string, f func(*Event) (string, bool)) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_CHARBUF, Desc: desc},
		bind:  func(r *Ref) error { r.Str = f; return nil },
	}
}

// numField is an integer field.
func numField(name string, t schema.ParamType, desc string, f func(*Event) (int64, bool)) row {
	return row{
		Field: Field{Name: name, Type: t, Format: schema.PF_DEC, Desc: desc},
		bind:  func(r *Ref) error { r.Int = f; return nil },
	}
}

// boolField is a field that is true or false.
func boolField(name, desc string, f func(*Event) (int64, bool)) row {
	return numField(name, schema.PT_BOOL, desc, f)
}

// ipField is an address field.
func ipField(name string, t schema.ParamType, desc string, f func(*Event) (netip.Addr, bool)) row {
	return row{
		Field: Field{Name: name, Type: t, Desc: desc},
		bind:  func(r *Ref) error { r.IP = f; return nil },
	}
}

// argField is a text field with an argument; bind sets the functions.
func argField(name string, kind ArgKind, required bool, desc string, bind func(*Ref) error) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_CHARBUF, Arg: kind, ArgRequired: required, Desc: desc},
		bind:  bind,
	}
}

func (r row) deprecated() row { r.Deprecated = true; return r }
func (r row) hidden() row     { r.Hidden = true; return r }
func (r row) suggested() row  { r.Suggested = true; return r }

// as sets the print format.
func (r row) as(f schema.Format) row { r.Format = f; return r }

// plainOnly marks a field that stands neither on the right of a comparison nor
// in a transformer.
func (r row) plainOnly() row { r.NoRHS, r.NoTransform = true, true; return r }

// filterOnly marks a field that tests several values and prints none.
func (r row) filterOnly() row { r.FilterOnly = true; return r.plainOnly() }

// withDot allows the argument after a dot.
func (r row) withDot() row { r.dot = true; return r }

// dotOnly allows the argument after a dot and nowhere else.
func (r row) dotOnly() row { r.dot, r.noBracket = true, true; return r }

// b2i is the value of a boolean field that is present.
func b2i(b bool) (int64, bool) {
	if b {
		return 1, true
	}
	return 0, true
}
