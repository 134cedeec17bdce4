package tui

import (
	"fmt"
	"strings"
	"time"
)

// Smallest frame that shows anything; below, one line asks for room.
const (
	minWidth  = 60
	minHeight = 15
)

// tallHeight is the height from which the strip and the status line are shown.
const tallHeight = 30

// Draw draws the UI.
func (m *Model) Draw(f *Frame) {
	if m.found != nil {
		m.found()
	}
	m.w, m.h, m.stripW = f.w, f.h, 0
	m.alerts().known() // { and } shall have them when they are pressed
	if f.w < minWidth || f.h < minHeight {
		f.put(0, f.h/2, f.w, fmt.Sprintf("sysreel needs %dx%d, this is %dx%d", minWidth, minHeight, f.w, f.h), StylePlain)
		return
	}
	tall := f.h >= tallHeight
	y, bottom := 2, f.h-2
	if tall {
		y, bottom = 3, f.h-3
	}
	m.bodyY, m.bodyH = y, bottom-y
	// The body comes first: drawing it settles what the lines around it tell.
	m.screen().draw(f, y, bottom-y)
	m.drawTop(f, 0)
	if tall {
		m.drawStrip(f, 1)
		m.drawStatus(f, bottom)
	}
	m.drawFilter(f, y-1)
	if text := m.said(); !tall && text != "" {
		f.putCell(0, bottom-1, f.w, text, StyleReverse)
	}
	f.putCell(0, f.h-2, f.w, m.reg.hints(m.st.Screen), StyleDim)
	m.drawTabs(f, f.h-1)
	if m.prompt != nil && m.prompt.label != filterLabel {
		f.fill(0, f.h-2, f.w, StylePlain)
		m.prompt.draw(f, 0, f.h-2, f.w)
		m.prompt.drawHints(f, len(m.prompt.label), f.h-3, -1)
	}
	if m.overlay != nil {
		m.overlay.draw(f)
	}
}

func (m *Model) drawTop(f *Frame, y int) {
	in := m.store.Info()
	right := fmt.Sprintf("%s  %s ev  drop %d  ", span(in.End-in.Start), count(in.Events), in.Drops)
	if in.Final {
		right += "idx 100%"
	} else {
		right += fmt.Sprintf("idx %d%%", in.Percent)
	}
	st := StylePlain
	if in.Damage != "" {
		right = "DAMAGED: " + safeText(in.Damage) + "  " + right
	}
	if in.Drops > 0 || in.Damage != "" {
		st = ColorYellow
	}
	if in.Err != nil {
		right, st = "error: "+safeText(in.Err.Error()), ColorRed
	}
	room := f.w - min(textWidth(right), f.w*2/3) - 2
	crumbs := safeText(in.Name)
	for _, c := range m.hist.crumbs {
		crumbs += " > " + safeText(c.title)
	}
	if !m.st.Range.all() {
		write := clock
		if m.st.Range.B-m.st.Range.A < 10e9 {
			write = clockMilli
		}
		crumbs += " > range " + write(m.st.Range.A) + ".." + write(m.st.Range.B)
	}
	f.putCell(0, y, room, crumbs, StyleBold)
	f.putRight(room, y, f.w-room, right, st)
}

// column is the place of a time in w columns for the whole capture.
func (in *Info) column(ts uint64, w int) int {
	if ts <= in.Start || in.End <= in.Start {
		return 0
	}
	return min(int(float64(ts-in.Start)/float64(in.End-in.Start)*float64(w)), w-1)
}

// drawStrip draws the whole capture as one line: density of events, the range
// in brackets, T as '^', alerts as '!'.
func (m *Model) drawStrip(f *Frame, y int) {
	in := m.store.Info()
	left, right := clock(in.Start)+" ", " "+clock(in.End)
	n := f.w - len(left) - len(right)
	f.put(0, y, f.w, left, StyleDim)
	f.put(f.w-len(right), y, len(right), right, StyleDim)
	if n < 10 || in.End <= in.Start {
		return
	}
	buckets, _, err := m.strip.fresh(n, in.Version)
	if err != nil {
		f.put(len(left), y, n, safeText(err.Error()), ColorRed)
		return
	}
	counts := make([]int64, len(buckets))
	for i := range buckets {
		counts[i] = buckets[i].Events
	}
	f.put(len(left), y, n, f.density(counts), StylePlain)
	at := func(ts uint64) int { return in.column(ts, n) }
	for i := range buckets {
		if buckets[i].Alerts > 0 {
			f.put(len(left)+i, y, 1, "!", ColorRed|StyleBold)
		}
	}
	m.stripX, m.stripW = len(left), n
	if !m.st.Range.all() {
		f.put(len(left)+at(m.st.Range.A), y, 1, "[", StyleBold)
		f.put(len(left)+at(m.st.Range.B), y, 1, "]", StyleBold)
	}
	if m.st.T != 0 {
		f.put(len(left)+at(m.st.T), y, 1, "^", StyleBold|StyleReverse)
	}
}

const filterLabel = " Filter: "

func (m *Model) drawFilter(f *Frame, y int) {
	if m.prompt != nil && m.prompt.label == filterLabel {
		text, st := m.verdict(m.prompt.String())
		room := min(textWidth(text)+2, f.w/2)
		m.prompt.draw(f, 0, y, f.w-room)
		f.putRight(f.w-room, y, room, text, st)
		m.prompt.drawHints(f, len(filterLabel), y+1, 1)
		return
	}
	text := m.st.Filter
	st := StylePlain
	if text == "" {
		text, st = "(none: / sets one)", StyleDim
	}
	right := "F4 history"
	if s, ok := m.screen().(interface{ counts() string }); ok {
		right = s.counts() + "   " + right
	}
	n := f.put(0, y, f.w, filterLabel, StyleBold)
	f.putCell(n, y, f.w-n-len(right)-1, safeText(text), st)
	f.putRight(f.w-len(right)-1, y, len(right)+1, right, StyleDim)
}

// said is the line about the last action, or about what goes on.
func (m *Model) said() string {
	if m.message == "" {
		return safeText(m.working)
	}
	return m.message
}

func (m *Model) drawStatus(f *Frame, y int) {
	if text := m.said(); text != "" {
		f.putCell(0, y, f.w, text, StyleReverse)
		return
	}
	left := m.screen().status()
	if len(m.marks) > 0 {
		left += "   marks:"
		for _, mk := range m.marks {
			left += fmt.Sprintf(" %s=%d", mk.Letter, mk.Event)
		}
	}
	f.putCell(0, y, f.w, left, StyleDim)
}

func (m *Model) drawTabs(f *Frame, y int) {
	x := 0
	for s := scopeEvents; s < numScopes; s++ {
		if m.screens[s] == nil {
			continue
		}
		if s == m.st.Screen {
			x += f.put(x, y, f.w-x, fmt.Sprintf("[%d %s]", s, screenNames[s]), StyleBold)
		} else {
			x += f.put(x, y, f.w-x, fmt.Sprintf(" %d %s ", s, screenNames[s]), StylePlain)
		}
	}
	f.putRight(x, y, f.w-x, ":cmd  ?help  q quit", StyleDim)
}

// clickTab goes to the screen whose tab is at column x.
func (m *Model) clickTab(x int) {
	at := 0
	for s := scopeEvents; s < numScopes; s++ {
		if m.screens[s] == nil {
			continue
		}
		w := len(screenNames[s]) + 4
		if x >= at && x < at+w {
			m.goScreen(s)
			return
		}
		at += w
	}
}

func (m *Model) goScreen(s scope) {
	if m.screens[s] == nil || s == m.st.Screen {
		return
	}
	st := m.st
	st.Screen = s
	m.change(st)
}

// clock returns the time of day of ts in UTC.
func clock(ts uint64) string {
	if ts == 0 {
		return "--:--:--"
	}
	return time.Unix(0, int64(ts)).UTC().Format("15:04:05")
}

// clockMicro is clock with microseconds.
func clockMicro(ts uint64) string {
	if ts == 0 {
		return "(before)"
	}
	return time.Unix(0, int64(ts)).UTC().Format("15:04:05.000000")
}

// clockMilli is clock with milliseconds.
func clockMilli(ts uint64) string { return time.Unix(0, int64(ts)).UTC().Format("15:04:05.000") }

// clockDate is clockMicro with the date and all digits.
func clockDate(ts uint64) string {
	return time.Unix(0, int64(ts)).UTC().Format("2006-01-02 15:04:05.000000000 UTC")
}

// span writes a duration in nanoseconds shortly: 41m17s, 12.3s, 850ms.
func span(ns uint64) string {
	d := time.Duration(ns)
	switch {
	case d >= time.Minute:
		text := d.Round(time.Second).String()
		if strings.HasSuffix(text, "m0s") {
			text = text[:len(text)-2]
		}
		return text
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// count writes a number of things shortly and exactly enough: 9310, 61.2k, 4.71M.
func count(n int64) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	case n >= 1_000_000:
		return fmt.Sprintf("%.2fM", float64(n)/1e6)
	case n >= 100_000:
		return fmt.Sprintf("%.0fk", float64(n)/1e3)
	}
	return thousands(n)
}

// thousands writes n with commas.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
