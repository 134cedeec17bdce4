package scapfile

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"

	"github.com/sysreel/sysreel/scapfile/safe"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// Resolver supplies what the rendering of parameters needs beyond the event: the
// state at that moment. Methods append nothing when they know nothing. They must
// not keep dst or the event.
type Resolver interface {
	// AppendFD appends what descriptor fd of the event's thread refers to, as
	// its type character in angle brackets and its name: "<f>/etc/passwd".
	AppendFD(dst []byte, e *Event, fd int64) []byte
	// FDTypeChar returns the type character of a descriptor, 0 if unknown.
	FDTypeChar(e *Event, fd int64) byte
	// AppendComm appends the command name of a process or thread.
	AppendComm(dst []byte, pid int64) []byte
	// AppendUser and AppendGroup append the name of an id.
	AppendUser(dst []byte, uid uint32) []byte
	AppendGroup(dst []byte, gid uint32) []byte
	// AppendPath appends the absolute path for the relative one in parameter i.
	AppendPath(dst []byte, e *Event, i int) []byte
}

// Renderer writes parameters as sysdig does. The zero value resolves nothing that
// needs state and writes times in UTC.
type Renderer struct {
	Resolver  Resolver       // nil: none
	Location  *time.Location // of absolute times; nil: UTC
	DataLimit int            // bytes of data buffers shown, 0 for all; sysdig shows 80
	// Safe passes the text of the event through package safe, for people to
	// read; otherwise it is written as it is. The Resolver does so on its own
	// account.
	Safe bool
}

// argLabels holds, by event type and parameter, what stands in front of the
// value in argument lists.
var argLabels = func() [][]string {
	events := schema.Events()
	labels := make([][]string, len(events))
	for t := range events {
		l := make([]string, len(events[t].Params))
		for i := range l {
			l[i] = " " + events[t].Params[i].Name + "="
		}
		if len(l) > 0 {
			l[0] = l[0][1:]
		}
		labels[t] = l
	}
	return labels
}()

// AppendArgs appends all parameters: name=raw(resolved) name=raw ... Generic
// events have none to show: their name says it all.
func (r *Renderer) AppendArgs(dst []byte, e *Event) []byte {
	info := e.Info()
	if info == nil || e.Type == schema.PPME_GENERIC_X || e.Type == schema.PPME_GENERIC_E {
		return dst
	}
	off := e.firstParam()
	for i, label := range argLabels[e.Type][:min(e.NumParams(), len(info.Params))] {
		var v []byte
		v, off = e.nextParam(i, off)
		dst = append(dst, label...)
		dst = r.appendBoth(dst, e, i, v, &info.Params[i])
	}
	return dst
}

// appendBoth appends the raw form of a parameter and the resolved one in
// parentheses if there is one.
func (r *Renderer) appendBoth(dst []byte, e *Event, i int, v []byte, p *schema.Param) []byte {
	t := p.Type
	n, number := paramInt(v, t)
	if number {
		dst = r.appendRawInt(dst, n, p, t)
	} else {
		dst = r.appendRaw(dst, e, v, p, t)
	}
	switch t { // which have no resolved form: most
	case schema.PT_UINT8, schema.PT_UINT16, schema.PT_UINT32, schema.PT_UINT64, schema.PT_INT64, schema.PT_INT32,
		schema.PT_CHARBUF, schema.PT_BYTEBUF, schema.PT_ABSTIME, schema.PT_SOCKADDR, schema.PT_SOCKTUPLE:
		return dst
	}
	at := len(dst)
	dst = append(dst, '(')
	if number {
		dst = r.appendResolvedInt(dst, e, n, p, t)
	} else {
		dst = r.appendResolved(dst, e, i, v, p, t)
	}
	if len(dst) == at+1 {
		return dst[:at]
	}
	return append(dst, ')')
}

// AppendArg appends parameter i as it stands in argument lists: the raw form,
// and the resolved one in parentheses if there is one.
func (r *Renderer) AppendArg(dst []byte, e *Event, i int) []byte {
	info := e.Info()
	if info == nil || uint(i) >= uint(len(info.Params)) {
		return append(dst, "<NA>"...)
	}
	return r.appendBoth(dst, e, i, e.Param(i), &info.Params[i])
}

// AppendRaw appends the raw form of parameter i; "<NA>" or, for buffers, "NULL"
// when it is empty or absent.
func (r *Renderer) AppendRaw(dst []byte, e *Event, i int) []byte {
	info := e.Info()
	if info == nil || uint(i) >= uint(len(info.Params)) {
		return append(dst, "<NA>"...)
	}
	return r.appendRaw(dst, e, e.Param(i), &info.Params[i], info.Params[i].Type)
}

// AppendResolved appends the resolved form of parameter i, nothing if it has none.
func (r *Renderer) AppendResolved(dst []byte, e *Event, i int) []byte {
	info := e.Info()
	if info == nil || uint(i) >= uint(len(info.Params)) {
		return dst
	}
	return r.appendResolved(dst, e, i, e.Param(i), &info.Params[i], info.Params[i].Type)
}

// paramInt returns the integer in v, whose size must be that of type t.
func paramInt(v []byte, t schema.ParamType) (int64, bool) {
	if len(v) == 0 || len(v) != t.Size() {
		return 0, false
	}
	signed := t.Signed()
	switch len(v) {
	case 8:
		return int64(binary.LittleEndian.Uint64(v)), true
	case 4:
		u := binary.LittleEndian.Uint32(v)
		if signed {
			return int64(int32(u)), true
		}
		return int64(u), true
	case 2:
		u := binary.LittleEndian.Uint16(v)
		if signed {
			return int64(int16(u)), true
		}
		return int64(u), true
	case 1:
		if signed {
			return int64(int8(v[0])), true
		}
		return int64(v[0]), true
	}
	return 0, false
}

func (r *Renderer) appendRaw(dst []byte, e *Event, v []byte, p *schema.Param, t schema.ParamType) []byte {
	switch t {
	case schema.PT_CHARBUF, schema.PT_FSPATH, schema.PT_FSRELPATH:
		return r.appendText(dst, v)
	case schema.PT_BYTEBUF:
		return r.appendBuffer(dst, v)
	case schema.PT_CHARBUFARRAY, schema.PT_CHARBUF_PAIR_ARRAY:
		return r.appendStrings(dst, v)
	case schema.PT_SOCKADDR:
		return r.appendSockAddr(dst, v)
	case schema.PT_SOCKTUPLE:
		return r.appendSockTuple(dst, v)
	case schema.PT_FDLIST:
		return r.appendFDList(dst, e, v)
	case schema.PT_DYN:
		if len(v) == 0 {
			return append(dst, "NULL"...)
		}
		if int(v[0]) >= len(p.Dyn) {
			return r.appendBuffer(dst, v)
		}
		return r.appendRaw(dst, e, v[1:], p, p.Dyn[v[0]].Type)
	case schema.PT_IPV4ADDR, schema.PT_IPV6ADDR:
		if a, ok := netip.AddrFromSlice(v); ok {
			return a.AppendTo(dst)
		}
		return appendOdd(dst, v)
	case schema.PT_NONE:
		return dst
	}
	n, ok := paramInt(v, t)
	if !ok {
		return appendOdd(dst, v)
	}
	return r.appendRawInt(dst, n, p, t)
}

// appendRawInt appends the raw form of an integer parameter.
func (r *Renderer) appendRawInt(dst []byte, n int64, p *schema.Param, t schema.ParamType) []byte {
	switch t {
	case schema.PT_UID, schema.PT_GID:
		return strconv.AppendInt(dst, int64(int32(n)), 10)
	case schema.PT_ABSTIME:
		return r.appendTime(dst, uint64(n))
	case schema.PT_SIGSET:
		return appendSignals(dst, uint32(n))
	case schema.PT_RELTIME:
		if n == -1 {
			return append(dst, "none"...)
		}
	case schema.PT_ERRNO, schema.PT_FD, schema.PT_PID, schema.PT_FD32, schema.PT_PID32,
		schema.PT_FLAGS8, schema.PT_FLAGS16, schema.PT_FLAGS32,
		schema.PT_ENUMFLAGS8, schema.PT_ENUMFLAGS16, schema.PT_ENUMFLAGS32:
		return strconv.AppendInt(dst, n, 10) // whatever the print format says
	}
	return appendInt(dst, n, p.Format, t.Size())
}

// appendOdd appends what stands for a value that is absent or has a size that its
// type cannot have.
func appendOdd(dst, v []byte) []byte {
	if len(v) == 0 {
		return append(dst, "<NA>"...)
	}
	return append(dst, "<INVALID>"...)
}

// appendInt appends n in a print format. Hexadecimal and octal show the bits of
// the type's size.
func appendInt(dst []byte, n int64, f schema.Format, size int) []byte {
	u := uint64(n)
	if size < 8 {
		u &= 1<<(8*size) - 1
	}
	switch f {
	case schema.PF_HEX:
		at := len(dst)
		dst = strconv.AppendUint(dst, u, 16)
		for i := at; i < len(dst); i++ {
			if dst[i] >= 'a' {
				dst[i] -= 'a' - 'A'
			}
		}
		return dst
	case schema.PF_OCT:
		if u != 0 {
			dst = append(dst, '0')
		}
		return strconv.AppendUint(dst, u, 8)
	case schema.PF_10_PADDED_DEC:
		for limit := int64(100_000_000); n >= 0 && n < limit && limit > 1; limit /= 10 {
			dst = append(dst, '0')
		}
	}
	return strconv.AppendInt(dst, n, 10)
}

func (r *Renderer) appendTime(dst []byte, ns uint64) []byte {
	loc := r.Location
	if loc == nil {
		loc = time.UTC
	}
	const second = 1_000_000_000
	return time.Unix(int64(ns/second), int64(ns%second)).In(loc).AppendFormat(dst, "2006-01-02 15:04:05.000000000")
}

func (r *Renderer) appendResolved(dst []byte, e *Event, i int, v []byte, p *schema.Param, t schema.ParamType) []byte {
	switch t {
	case schema.PT_FSPATH, schema.PT_FSRELPATH:
		if r.Resolver != nil && len(v) > 1 && v[0] != '/' && !isNull(v) {
			return r.Resolver.AppendPath(dst, e, i)
		}
		return dst
	case schema.PT_DYN:
		if len(v) > 0 && int(v[0]) < len(p.Dyn) {
			return r.appendResolved(dst, e, i, v[1:], p, p.Dyn[v[0]].Type)
		}
		return dst
	}
	n, ok := paramInt(v, t)
	if !ok {
		return dst
	}
	return r.appendResolvedInt(dst, e, n, p, t)
}

// appendResolvedInt appends the resolved form of an integer parameter.
func (r *Renderer) appendResolvedInt(dst []byte, e *Event, n int64, p *schema.Param, t schema.ParamType) []byte {
	switch t {
	case schema.PT_ERRNO:
		if n < 0 {
			return append(dst, schema.ErrnoName(-n)...)
		}
	case schema.PT_FD, schema.PT_FD32:
		return r.appendFD(dst, e, n)
	case schema.PT_PID, schema.PT_PID32:
		if r.Resolver != nil && n >= 0 {
			return r.Resolver.AppendComm(dst, n)
		}
	case schema.PT_UID, schema.PT_GID:
		return r.appendID(dst, uint32(n), t)
	case schema.PT_SIGTYPE:
		return append(dst, schema.SignalName(n)...)
	case schema.PT_SYSCALLID:
		if sc := schema.SyscallByCode(uint16(n)); sc != nil {
			return append(dst, sc.Name...)
		}
	case schema.PT_RELTIME:
		if n != -1 {
			dst = strconv.AppendFloat(dst, float64(uint64(n))/1e9, 'g', 6, 64)
			return append(dst, 's')
		}
	case schema.PT_FLAGS8, schema.PT_FLAGS16, schema.PT_FLAGS32:
		return AppendFlags(dst, p.Flags, uint64(n))
	case schema.PT_ENUMFLAGS8, schema.PT_ENUMFLAGS16, schema.PT_ENUMFLAGS32:
		return AppendEnum(dst, p.Flags, uint64(n))
	case schema.PT_MODE:
		return AppendFlags(dst, p.Flags, uint64(n))
	}
	return dst
}

func (r *Renderer) appendFD(dst []byte, e *Event, fd int64) []byte {
	const atFDCWD = -100
	switch {
	case fd == atFDCWD:
		return append(dst, "AT_FDCWD"...)
	case fd < 0:
		return append(dst, schema.ErrnoName(-fd)...)
	case r.Resolver != nil:
		return r.Resolver.AppendFD(dst, e, fd)
	}
	return dst
}

func (r *Renderer) appendID(dst []byte, id uint32, t schema.ParamType) []byte {
	if id == 0xFFFFFFFF {
		return append(dst, "<NONE>"...)
	}
	if r.Resolver == nil {
		return dst
	}
	at := len(dst)
	if t == schema.PT_UID {
		dst = r.Resolver.AppendUser(dst, id)
	} else {
		dst = r.Resolver.AppendGroup(dst, id)
	}
	if len(dst) == at {
		dst = append(dst, "<NA>"...)
	}
	return dst
}

// AppendFlags appends the names of the bits in v, separated by "|". The order of
// the table decides: an entry whose bits were taken by one before it does not
// show, and an entry equal to v ends the search.
func AppendFlags(dst []byte, t *schema.FlagTable, v uint64) []byte {
	if t == nil {
		return dst
	}
	rest, first := v, true
	for i := range t.Entries {
		f := &t.Entries[i]
		if f.Value == 0 {
			if v != 0 {
				continue
			}
		} else if rest == 0 || f.Value&^rest != 0 {
			continue
		}
		if !first {
			dst = append(dst, '|')
		}
		dst, first = append(dst, f.Name...), false
		if f.Value == v {
			break
		}
		rest &^= f.Value
	}
	return dst
}

// AppendEnum appends the names that have exactly the value v, separated by "|".
func AppendEnum(dst []byte, t *schema.FlagTable, v uint64) []byte {
	if t == nil {
		return dst
	}
	first := true
	for i := range t.Entries {
		if t.Entries[i].Value != v {
			continue
		}
		if !first {
			dst = append(dst, '|')
		}
		dst, first = append(dst, t.Entries[i].Name...), false
	}
	return dst
}

func appendSignals(dst []byte, set uint32) []byte {
	first := true
	for n := range int64(32) {
		if set&(1<<n) == 0 {
			continue
		}
		name := schema.SignalName(n + 1)
		if name == "" {
			continue
		}
		if !first {
			dst = append(dst, ' ')
		}
		dst, first = append(dst, name...), false
	}
	return dst
}

func isNull(v []byte) bool { return string(v) == "(NULL)\x00" }

func (r *Renderer) appendText(dst, v []byte) []byte {
	if len(v) == 0 || isNull(v) {
		return append(dst, "<NA>"...)
	}
	if v[len(v)-1] == 0 {
		v = v[:len(v)-1]
	}
	return r.appendCaptured(dst, v)
}

// appendCaptured appends text of the event.
func (r *Renderer) appendCaptured(dst, v []byte) []byte {
	if r.Safe {
		return safe.Append(dst, v)
	}
	return append(dst, v...)
}

// appendStrings appends NUL-separated strings joined with dots.
func (r *Renderer) appendStrings(dst, v []byte) []byte {
	if len(v) == 0 {
		return append(dst, "NULL"...)
	}
	if v[len(v)-1] == 0 {
		v = v[:len(v)-1]
	}
	for {
		i := bytes.IndexByte(v, 0)
		if i < 0 {
			return r.appendCaptured(dst, v)
		}
		dst = append(r.appendCaptured(dst, v[:i]), '.')
		v = v[i+1:]
	}
}

// appendBuffer appends printable bytes as they are and others as dots.
func (r *Renderer) appendBuffer(dst, v []byte) []byte {
	if len(v) == 0 {
		return append(dst, "NULL"...)
	}
	cut := r.DataLimit > 0 && len(v) > r.DataLimit
	if cut {
		v = v[:r.DataLimit]
	}
	at := len(dst)
	dst = append(dst, v...)
	for i, c := range dst[at:] {
		if c < 0x20 || c > 0x7E {
			dst[at+i] = '.'
		}
	}
	if cut {
		dst = append(dst, "..."...)
	}
	return dst
}

func (r *Renderer) appendFDList(dst []byte, e *Event, v []byte) []byte {
	if len(v) < 2 {
		return append(dst, "NULL"...)
	}
	n := int(binary.LittleEndian.Uint16(v))
	v = v[2:]
	for i := 0; i < n && len(v) >= 10; i, v = i+1, v[10:] {
		fd, flags := binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint16(v[8:])
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = strconv.AppendUint(dst, fd, 10)
		dst = append(dst, ':')
		c := byte(0)
		if r.Resolver != nil {
			c = r.Resolver.FDTypeChar(e, int64(fd))
		}
		if c == 0 {
			c = '?'
		}
		dst = append(dst, c)
		dst = strconv.AppendUint(dst, uint64(flags), 16)
	}
	return dst
}
