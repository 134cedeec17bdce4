package filter

import (
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// group is a group of value types that share operators and literals.
type group uint8

const (
	groupNone   group = iota // exists only
	groupInt                 // signed
	groupUint                // unsigned
	groupDouble              // bits of a float64 in the integer
	groupBool
	groupText
	groupBytes
	groupAddr
	groupNet
)

var groupNames = [...]string{"values of this type", "numbers", "numbers", "numbers", "booleans", "text", "byte buffers", "addresses", "networks"}

func (g group) String() string { return groupNames[g] }

func (g group) number() bool { return g >= groupInt && g <= groupDouble }

// groupOf returns the group of t and, for integers, the size in bits.
func groupOf(t schema.ParamType) (g group, bits int) {
	switch t {
	case schema.PT_CHARBUF, schema.PT_FSPATH, schema.PT_FSRELPATH:
		return groupText, 0
	case schema.PT_BYTEBUF:
		return groupBytes, 0
	case schema.PT_BOOL:
		return groupBool, 0
	case schema.PT_DOUBLE:
		return groupDouble, 0
	case schema.PT_IPADDR, schema.PT_IPV4ADDR, schema.PT_IPV6ADDR:
		return groupAddr, 0
	case schema.PT_IPNET, schema.PT_IPV4NET, schema.PT_IPV6NET:
		return groupNet, 0
	case schema.PT_INT8, schema.PT_INT16, schema.PT_INT32, schema.PT_INT64, schema.PT_ERRNO,
		schema.PT_FD, schema.PT_PID, schema.PT_FD32, schema.PT_PID32:
		return groupInt, 8 * t.Size()
	case schema.PT_UINT8, schema.PT_UINT16, schema.PT_UINT32, schema.PT_UINT64,
		schema.PT_SYSCALLID, schema.PT_SIGTYPE, schema.PT_RELTIME, schema.PT_ABSTIME, schema.PT_PORT,
		schema.PT_FLAGS8, schema.PT_FLAGS16, schema.PT_FLAGS32, schema.PT_MODE,
		schema.PT_ENUMFLAGS8, schema.PT_ENUMFLAGS16, schema.PT_ENUMFLAGS32:
		return groupUint, 8 * t.Size()
	}
	return groupNone, 0
}

// typeName is the name of t in messages.
func typeName(t schema.ParamType) string { return strings.TrimPrefix(t.String(), "PT_") }

// literalNumber reads a literal for a number type; for DOUBLE the result is the
// bits of the float64.
//
// Beyond Falco hex integers and fractions for DOUBLE are read, and integers too
// large for the type are errors. A negative literal for an unsigned type wraps
// around as it does there: rules write -1 for "no such id".
func literalNumber(l Literal, t schema.ParamType) (int64, error) {
	g, bits := groupOf(t)
	if g == groupDouble {
		f, err := strconv.ParseFloat(l.Text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return 0, compileErr(ErrCodeLiteral, l.At, "%s is not a number", Quote(l.Text))
		}
		return int64(math.Float64bits(f)), nil
	}
	if t == schema.PT_PORT && !startsNumber(l.Text) {
		return literalService(l)
	}
	mag, neg, err := parseInteger(l.Text)
	if err != nil {
		if isRange(err) {
			return 0, outOfRange(l, t)
		}
		return 0, compileErr(ErrCodeLiteral, l.At, "%s is not an integer, which %s needs", Quote(l.Text), typeName(t)).
			withHint("decimal digits with optional sign, or 0x and hex digits")
	}
	limit := uint64(1)<<(bits-1) - 1 // largest positive value
	if g == groupUint {
		limit = limit<<1 | 1
	}
	switch {
	case !neg && mag <= limit:
		return int64(mag), nil
	case neg && g == groupInt && mag <= limit+1:
		return -int64(mag), nil
	case neg && g == groupUint && mag <= limit:
		return int64(-mag & limit), nil
	}
	return 0, outOfRange(l, t)
}

func outOfRange(l Literal, t schema.ParamType) error {
	return compileErr(ErrCodeLiteral, l.At, "%s does not fit %s", l.Text, typeName(t))
}

func startsNumber(s string) bool {
	return s != "" && (isDigit(s[0]) || s[0] == '-' || s[0] == '+')
}

func parseInteger(s string) (mag uint64, neg bool, err error) {
	switch {
	case strings.HasPrefix(s, "-"):
		s, neg = s[1:], true
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	base := 10
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		s, base = s[2:], 16
	}
	if s == "" || s[0] == '+' || s[0] == '-' || s[0] == '_' {
		return 0, false, strconv.ErrSyntax
	}
	mag, err = strconv.ParseUint(s, base, 64)
	return mag, neg, err
}

func isRange(err error) bool {
	ne, ok := err.(*strconv.NumError)
	return ok && ne.Err == strconv.ErrRange
}

func literalService(l Literal) (int64, error) {
	if l.Text == "" {
		return 0, nil
	}
	port, ok := services[l.Text]
	if !ok {
		return 0, compileErr(ErrCodeLiteral, l.At, "%s is neither a port number nor a known service name", Quote(l.Text))
	}
	return int64(port), nil
}

func literalBool(l Literal) (int64, error) {
	switch l.Text {
	case "true":
		return 1, nil
	case "false":
		return 0, nil
	}
	return 0, compileErr(ErrCodeLiteral, l.At, "%s is not a boolean", Quote(l.Text)).withHint("write true or false")
}

// literalAddr reads an address; text with a dot must be IPv4.
func literalAddr(l Literal) (netip.Addr, error) {
	a, err := netip.ParseAddr(l.Text)
	if err == nil && a.Zone() == "" && a.Is4() == strings.Contains(l.Text, ".") {
		return a, nil
	}
	e := compileErr(ErrCodeLiteral, l.At, "%s is not an IP address", Quote(l.Text))
	switch {
	case err == nil && a.Is4In6():
		return netip.Addr{}, e.withHint("write the IPv4 address %s", a.Unmap())
	case strings.Contains(l.Text, "/"):
		return netip.Addr{}, e.withHint("networks are compared with the net fields, such as fd.snet")
	}
	return netip.Addr{}, e
}

// literalNet reads a network in the form address/length.
func literalNet(l Literal) (netip.Prefix, error) {
	addr, _, slash := strings.Cut(l.Text, "/")
	if !slash {
		return netip.Prefix{}, compileErr(ErrCodeLiteral, l.At, "%s is not a network", Quote(l.Text)).
			withHint("write address/length, as in 10.0.0.0/8")
	}
	p, err := netip.ParsePrefix(l.Text)
	if err == nil && p.Addr().Is4() == strings.Contains(addr, ".") && (p.Addr().Is4() || p.Bits() > 0) {
		return p.Masked(), nil
	}
	return netip.Prefix{}, compileErr(ErrCodeLiteral, l.At, "%s is not a network", Quote(l.Text)).
		withHint("the length is 0 to 32 for IPv4 and 1 to 128 for IPv6")
}

func literalText(l Literal) (string, error) {
	if i := strings.IndexByte(l.Text, 0); i >= 0 {
		return "", compileErr(ErrCodeLiteral, l.At, "text literals cannot hold a NUL byte")
	}
	return l.Text, nil
}

func literalHex(l Literal) (string, error) {
	bad := func(why string) (string, error) {
		return "", compileErr(ErrCodeLiteral, l.At, "%s is not a run of bytes in hex: %s", Quote(l.Text), why)
	}
	if len(l.Text)%2 != 0 {
		return bad("odd number of digits")
	}
	if strings.HasPrefix(l.Text, "0x") || strings.HasPrefix(l.Text, "0X") {
		return bad("the prefix 0x is not used here")
	}
	b := make([]byte, 0, len(l.Text)/2)
	for i := 0; i < len(l.Text); i += 2 {
		if !isHex(l.Text[i]) || !isHex(l.Text[i+1]) {
			return bad("digits are 0-9 and a-f")
		}
		b = append(b, hexVal(l.Text[i])<<4|hexVal(l.Text[i+1]))
	}
	return string(b), nil
}
