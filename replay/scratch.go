package replay

import (
	"time"
	"unsafe"

	"github.com/sysreel/sysreel/scapfile"
)

// scratch is what the fields of a machine need beside its state: memory for
// text that is put together on demand, the start of the replay, and the time
// settings. The text stays valid until the next event.
type scratch struct {
	buf     []byte
	firstTS uint64 // of the first event delivered
	lastTS  uint64 // of the event before the current one, 0 on the first
	curTS   uint64
	started bool

	style      TimeStyle
	containers map[string]*containerMeta // parsed container events, by id

	renderer scapfile.Renderer // of arguments; it resolves with the state at current
	current  *Event
	clock    clock
}

// begin prepares for an event: the text of the one before is given up.
func (s *scratch) begin(ts uint64) {
	s.buf = s.buf[:0]
	if !s.started {
		s.started, s.firstTS = true, ts
	} else {
		s.lastTS = s.curTS
	}
	s.curTS = ts
}

const (
	scratchSize = 16 << 10 // what the fields of an event rarely exceed
	scratchRoom = 1 << 10  // what open offers at least
)

// open returns a buffer to append to; close must follow before the next open.
func (ev *Event) open() []byte {
	if ev.M == nil {
		return nil
	}
	s := &ev.M.scratch
	if cap(s.buf)-len(s.buf) < scratchRoom {
		// What earlier text refers to stays alive behind it.
		s.buf = make([]byte, 0, max(scratchSize, 2*cap(s.buf)))
	}
	return s.buf[len(s.buf):]
}

// close ends what open began and returns the appended bytes as text that is
// valid as long as the event.
func (ev *Event) close(b []byte) (string, bool) {
	if len(b) == 0 {
		return "", true
	}
	if ev.M != nil {
		s := &ev.M.scratch
		if n := len(s.buf); cap(s.buf)-n == cap(b) {
			s.buf = s.buf[:n+len(b)] // appended in place
		} else {
			s.buf = b // outgrown
		}
	}
	return unsafe.String(&b[0], len(b)), true
}

// view returns b as text without copying; it lives as long as b stays unchanged.
func view(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

// clock writes times of day; it formats each second once.
type clock struct {
	loc    *time.Location // nil is UTC
	sec    int64
	filled bool
	local  [len("2006-01-02 15:04:05")]byte
}

// second returns the local date and time of a second since the epoch.
func (c *clock) second(sec int64) []byte {
	if !c.filled || c.sec != sec {
		loc := c.loc
		if loc == nil {
			loc = time.UTC
		}
		// Years beyond four digits do not occur: ns since the epoch end in 2554.
		time.Unix(sec, 0).In(loc).AppendFormat(c.local[:0], "2006-01-02 15:04:05")
		c.sec, c.filled = sec, true
	}
	return c.local[:]
}

// appendNano appends the nine digits of the nanoseconds within a second.
func appendNano(dst []byte, ns uint64) []byte {
	n := uint32(ns % second)
	hi, lo := n/10000, n%10000 // five and four digits
	return append(dst,
		byte('0'+hi/10000),
		digits[hi/100%100*2], digits[hi/100%100*2+1],
		digits[hi%100*2], digits[hi%100*2+1],
		digits[lo/100*2], digits[lo/100*2+1],
		digits[lo%100*2], digits[lo%100*2+1])
}

// digits holds 00 to 99.
const digits = "00010203040506070809101112131415161718192021222324252627282930313233343536373839" +
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879" +
	"8081828384858687888990919293949596979899"
