package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/sysreel/sysreel/replay"
)

// window is a part of a capture by event number or time. Zero ends are open.
type window struct {
	startNum, endNum uint64
	startTS, endTS   uint64
}

// newWindow reads --start and --end; first is the time of the first event,
// from which relative times and times of day count.
func newWindow(start, end string, first uint64) (window, error) {
	var w window
	var err error
	if start != "" {
		if w.startNum, w.startTS, err = parseMoment(start, first); err != nil {
			return w, usageErrorf("--start: %v", err)
		}
	}
	if end != "" {
		if w.endNum, w.endTS, err = parseMoment(end, first); err != nil {
			return w, usageErrorf("--end: %v", err)
		}
	}
	return w, nil
}

func (w *window) before(ev *replay.Event) bool {
	return ev.Num < w.startNum || ev.TS < w.startTS
}

func (w *window) after(ev *replay.Event) bool {
	return w.endNum != 0 && ev.Num > w.endNum || w.endTS != 0 && ev.TS > w.endTS
}

// parseMoment reads an event number (#N or N), an offset from the first event
// (+5s), a time of day on the UTC day of the first event, or an RFC 3339 time.
func parseMoment(s string, first uint64) (num, ts uint64, err error) {
	if n, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 10, 64); err == nil {
		return n, 0, nil
	}
	if strings.HasPrefix(s, "+") {
		d, err := time.ParseDuration(s[1:])
		if err == nil && d >= 0 {
			return 0, first + uint64(d), nil
		}
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return 0, uint64(t.UnixNano()), nil
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			day := time.Unix(0, int64(first)).UTC().Truncate(24 * time.Hour)
			since := t.Sub(t.Truncate(24 * time.Hour))
			return 0, uint64(day.Add(since).UnixNano()), nil
		}
	}
	return 0, 0, usageErrorf("%q is neither an event number (#42), an offset (+5s), a time of day (15:04:05.5) nor an RFC 3339 time", s)
}
