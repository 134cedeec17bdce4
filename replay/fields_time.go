package replay

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// TimeStyle is how evt.outputtime and the default event line show the time.
type TimeStyle byte

// Time styles, by the letters of sysdig's -t option.
const (
	TimeOfDay     TimeStyle = 0   // time of day with nanoseconds: the default
	TimeHuman     TimeStyle = 'h' // the same
	TimeEpoch     TimeStyle = 'a' // seconds since the epoch
	TimeRelative  TimeStyle = 'r' // seconds since the first event
	TimeDelta     TimeStyle = 'D' // seconds since the previous event
	TimeZeroDelta TimeStyle = 'd' // the delay of the call, always 0
)

// ParseTimeStyle returns the style with that letter.
func ParseTimeStyle(s string) (TimeStyle, error) {
	if len(s) == 1 {
		switch t := TimeStyle(s[0]); t {
		case TimeHuman, TimeEpoch, TimeRelative, TimeDelta, TimeZeroDelta:
			return t, nil
		}
	}
	return 0, fmt.Errorf("unknown time style %q: h (time of day), a (epoch), r (since the first event), D (since the previous event) and d (delay of the call) exist", s)
}

// SetLocation sets the time zone of evt.time, evt.datetime, PT_ABSTIME
// arguments and the default event line. Nil is UTC, the default: the zone of
// the machine that replays is never consulted on its own, so that two machines
// give the same output.
func (m *Machine) SetLocation(loc *time.Location) {
	m.scratch.clock.loc = loc
	m.scratch.clock.filled = false
	m.scratch.renderer.Location = loc
}

// SetTimeStyle sets how evt.outputtime and the default event line show time.
func (m *Machine) SetTimeStyle(s TimeStyle) { m.scratch.style = s }

// timeField is a time shown as text, a number of nanoseconds since the epoch in JSON.
func timeField(name, desc string, f func(*Event, []byte) []byte) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_CHARBUF, Desc: desc},
		bind: func(r *Ref) error {
			r.Str = func(ev *Event) (string, bool) { return ev.close(f(ev, ev.open())) }
			r.JSONInt = func(ev *Event) (int64, bool) { return int64(ev.TS), true }
			return nil
		},
	}
}

// outputTimeField is the time in the style of the machine.
func outputTimeField(name, desc string) row {
	r := textField(name, desc, func(ev *Event) (string, bool) { return ev.close(ev.appendOutputTime(ev.open())) })
	r.PrintOnly = true
	return r
}

func (ev *Event) clock() *clock {
	if ev.M == nil {
		return &clock{}
	}
	return &ev.M.scratch.clock
}

func (ev *Event) sinceStart() uint64 {
	if ev.M == nil || ev.M.scratch.firstTS > ev.TS {
		return 0
	}
	return ev.TS - ev.M.scratch.firstTS
}

func (ev *Event) appendDatetimeS(dst []byte) []byte {
	return append(dst, ev.clock().second(int64(ev.TS/second))...)
}

func (ev *Event) appendDatetime(dst []byte) []byte {
	return appendNano(append(ev.appendDatetimeS(dst), '.'), ev.TS%second)
}

func (ev *Event) appendTimeS(dst []byte) []byte {
	const date = len("2006-01-02 ")
	return append(dst, ev.clock().second(int64(ev.TS / second))[date:]...)
}

func (ev *Event) appendTime(dst []byte) []byte {
	return appendNano(append(ev.appendTimeS(dst), '.'), ev.TS%second)
}

func (ev *Event) appendISO8601(dst []byte) []byte {
	dst = time.Unix(int64(ev.TS/second), 0).UTC().AppendFormat(dst, "2006-01-02T15:04:05.")
	return append(appendNano(dst, ev.TS%second), "+0000"...)
}

// appendOutputTime appends the time in the machine's style.
func (ev *Event) appendOutputTime(dst []byte) []byte {
	style, last := TimeOfDay, uint64(0)
	if ev.M != nil {
		style, last = ev.M.scratch.style, ev.M.scratch.lastTS
	}
	ns := uint64(0)
	switch style {
	case TimeEpoch:
		ns = ev.TS
	case TimeRelative:
		ns = ev.sinceStart()
	case TimeDelta:
		if last != 0 && ev.TS > last {
			ns = ev.TS - last
		}
	case TimeZeroDelta:
	default:
		return ev.appendTime(dst)
	}
	dst = strconv.AppendUint(dst, ns/second, 10)
	return appendNano(append(dst, '.'), ns%second)
}
