package tui

import (
	"context"
	"fmt"
	"strings"
)

// Bucket is what happened in one of the equal parts of a stretch of time.
type Bucket struct{ Events, Failed, Alerts int64 }

// stretch is the part of the capture that a lane counts, in n buckets. from = to
// = 0 is all of it.
type stretch struct {
	view     view
	from, to uint64
	n        int
}

// lane is one line of the timeline: a count of each bucket.
type lane struct {
	title string
	term  string // narrows the filter
	value func(*Bucket) int64
	load  *lazy[stretch, []Bucket]
	last  []Bucket // of the stretch before, while the next is loaded
}

func countEvents(b *Bucket) int64 { return b.Events }

// timelineScreen shows lanes over one axis of time, the picked one large. The
// cursor is T.
type timelineScreen struct {
	m        *Model
	lanes    []*lane
	list     list   // picked lane
	from, to uint64 // stretch shown, 0: the whole capture
	at       int    // bucket under the cursor
	n        int    // buckets
	mark     uint64 // first end of a range being marked, 0 none
	lanesY   int
	graphX   int
}

// termed lanes are those with a filter of their own.
var termedLanes = []struct{ title, term string }{
	{"execve", "evt.type in (execve, execveat)"},
	{"connect", "evt.type in (connect, accept, accept4)"},
	{"written", "evt.is_io_write = true"},
}

func newTimelineScreen(m *Model) *timelineScreen {
	s := &timelineScreen{m: m}
	s.add("events", "", countEvents)
	s.add("failed", "", func(b *Bucket) int64 { return b.Failed })
	for _, t := range termedLanes {
		s.add(t.title, t.term, countEvents)
	}
	s.add("alerts", "", func(b *Bucket) int64 { return b.Alerts })
	return s
}

func (s *timelineScreen) add(title, term string, value func(*Bucket) int64) {
	s.lanes = append(s.lanes, &lane{title: title, term: term, value: value, load: newLazy(s.m.changed, func(ctx context.Context, st stretch) ([]Bucket, error) {
		return s.m.store.Lane(ctx, st, term)
	})})
}

func (s *timelineScreen) close() {
	for _, l := range s.lanes {
		l.load.close()
	}
}

func (s *timelineScreen) changed() {}

// span is the stretch shown.
func (s *timelineScreen) span() (from, to uint64) {
	in := s.m.store.Info()
	if s.from == 0 && s.to == 0 {
		return in.Start, in.End
	}
	return s.from, s.to
}

// bucketOf is the bucket of a time, which may lie outside of what is shown.
func (s *timelineScreen) bucketOf(ts uint64) int {
	from, to := s.span()
	if to <= from || s.n == 0 {
		return 0
	}
	return int(float64(int64(ts)-int64(from)) / float64(to-from) * float64(s.n))
}

// timeOf is when a bucket begins.
func (s *timelineScreen) timeOf(bucket int) uint64 {
	from, to := s.span()
	if s.n == 0 {
		return from
	}
	return from + uint64(float64(to-from)*float64(bucket)/float64(s.n))
}

const laneTitle = 20

func (s *timelineScreen) draw(f *Frame, y, h int) {
	s.graphX = laneTitle
	s.n = f.w - laneTitle - 1
	from, to := s.span()
	if to <= from {
		f.putCell(1, y+1, f.w-1, "no events yet", StyleDim)
		return
	}
	if t := s.m.st.T; t != 0 {
		s.at = max(min(s.bucketOf(t), s.n-1), 0)
	}
	note := ""
	if s.mark != 0 {
		note = "   range from " + clockMilli(s.mark) + ": move, then r again"
	}
	f.putCell(0, y, f.w, fmt.Sprintf("%s .. %s   bucket %s%s", clockMilli(from), clockMilli(to), span((to-from)/uint64(s.n)), note), StylePlain)
	big := max(h-len(s.lanes)-5, 3)
	s.drawBig(f, y+1, big)
	s.drawAxis(f, y+1+big)
	s.lanesY = y + big + 3
	for i, l := range s.lanes {
		s.drawLane(f, s.lanesY+i, i, l)
	}
}

// buckets returns the buckets of a lane, empty until they are there.
func (s *timelineScreen) buckets(l *lane) ([]Bucket, error) {
	from, to := s.from, s.to
	b, ready, err := l.load.fresh(stretch{s.m.st.view(), from, to, s.n}, s.m.store.Info().Version)
	if ready && err == nil {
		l.last = b
	}
	return l.last, err
}

// drawBig draws the picked lane as bars of h lines.
func (s *timelineScreen) drawBig(f *Frame, y, h int) {
	l := s.lanes[s.list.cur]
	b, err := s.buckets(l)
	if err != nil {
		f.putCell(0, y, f.w, "error: "+safeText(err.Error()), ColorRed)
		return
	}
	var most int64 = 1
	for i := range b {
		most = max(most, l.value(&b[i]))
	}
	f.putCell(0, y, laneTitle-1, cut(safeText(l.title), laneTitle-12), StyleBold)
	f.putRight(laneTitle-11, y, 10, count(most), StyleDim)
	for row := range h {
		f.put(laneTitle-1, y+row, 1, f.glyph(glyphBar), StyleDim)
		for i := range min(len(b), s.n) {
			v := l.value(&b[i])
			// Eighths of a line that the bar has above the bottom of this one.
			part := int(v*int64(h*8)/most) - (h-1-row)*8
			if row == h-1 && v > 0 {
				part = max(part, 1)
			}
			if part > 0 {
				f.put(laneTitle+i, y+row, 1, f.level(min(part, 8)), s.style(i, l))
			}
		}
	}
}

func (s *timelineScreen) style(bucket int, l *lane) Style {
	st := ColorCyan
	switch l.title {
	case "failed":
		st = ColorYellow
	case "alerts":
		st = ColorRed
	}
	if bucket == s.at && s.m.st.T != 0 {
		st |= StyleReverse
	}
	return st
}

// drawAxis draws the times, T and the range.
func (s *timelineScreen) drawAxis(f *Frame, y int) {
	f.put(laneTitle-1, y, s.n+1, strings.Repeat(f.glyph(glyphLine), s.n+1), StyleDim)
	const step = 20
	for i := 0; i+14 <= s.n; i += step {
		f.put(laneTitle+i, y, 1, "+", StyleDim)
		f.put(laneTitle+i, y+1, 13, clockMilli(s.timeOf(i)), StyleDim)
	}
	mark := func(ts uint64, text string, st Style) {
		if b := s.bucketOf(ts); ts != 0 && b >= 0 && b < s.n {
			f.put(laneTitle+b, y, 1, text, st)
		}
	}
	if r := s.m.st.Range; !r.all() {
		mark(r.A, "[", StyleBold)
		mark(r.B, "]", StyleBold)
	}
	mark(s.mark, "[", StyleBold|ColorGreen)
	mark(s.m.st.T, "^", StyleBold|StyleReverse)
}

func (s *timelineScreen) drawLane(f *Frame, y, i int, l *lane) {
	st := StylePlain
	if int64(i) == s.list.cur {
		st = StyleReverse
		f.put(0, y, 1, ">", StyleBold)
	}
	b, err := s.buckets(l)
	if err != nil {
		f.putCell(1, y, f.w-1, safeText(l.title)+"  "+safeText(err.Error()), ColorRed)
		return
	}
	var most int64
	counts := make([]int64, len(b))
	for i := range b {
		counts[i] = l.value(&b[i])
		most = max(most, counts[i])
	}
	f.putCell(1, y, laneTitle-9, safeText(l.title), st)
	f.putRight(laneTitle-8, y, 6, count(most), StyleDim)
	f.put(laneTitle-1, y, 1, f.glyph(glyphBar), StyleDim)
	f.put(laneTitle, y, s.n, f.density(counts), s.style(-1, l))
	if s.m.st.T != 0 {
		f.restyle(laneTitle+s.at, y, 1, StyleReverse)
	}
}

func (s *timelineScreen) move(n int64) {
	switch {
	case n <= -farAway:
		s.setT(s.timeOf(0))
	case n >= farAway:
		s.setT(s.timeOf(s.n - 1))
	case n <= -int64(s.page()) || n >= int64(s.page()):
		s.pan(n > 0)
	default:
		s.list.move(n, int64(len(s.lanes)))
	}
}

// page is larger than any number of lanes: a page is a stretch of time here.
func (s *timelineScreen) page() int { return 1000 }

// pan moves the stretch by three quarters of itself.
func (s *timelineScreen) pan(right bool) {
	from, to := s.span()
	in := s.m.store.Info()
	w := to - from
	if right {
		to = min(to+w*3/4, in.End)
		from = to - w
	} else {
		from = max(from-min(from, w*3/4), in.Start)
		to = from + w
	}
	s.show(from, to)
	s.setT(s.timeOf(s.at))
}

// show sets the stretch; all of the capture is kept as such while it grows.
func (s *timelineScreen) show(from, to uint64) {
	in := s.m.store.Info()
	from, to = max(from, in.Start), min(to, in.End)
	if from == in.Start && to == in.End {
		from, to = 0, 0
	}
	s.from, s.to = from, to
}

// zoom changes the stretch around T by a factor: 0 shows all.
func (s *timelineScreen) zoom(factor float64) {
	from, to := s.span()
	if factor == 0 || s.n == 0 {
		s.show(0, 1<<62)
		return
	}
	w := max(float64(to-from)*factor, float64(s.n)*1000) // a microsecond a bucket
	if s.m.st.T == 0 {
		s.setT(s.timeOf(s.n / 2))
	}
	t := float64(s.m.st.T-min(s.m.st.T, from)) / float64(to-from)
	start := float64(s.m.st.T) - w*t
	s.show(uint64(max(start, 0)), uint64(max(start, 0)+w))
}

// pick moves the cursor by a bucket and takes T along.
func (s *timelineScreen) pick(dir int) {
	at := max(min(s.at+dir, s.n-1), 0)
	if s.m.st.T == 0 {
		at = s.at
	}
	s.setT(s.timeOf(at))
	// The time of a bucket may round into the one before.
	for s.n > 0 && s.bucketOf(s.m.st.T) < at {
		s.m.st.T++
	}
}

// peak goes to the next bucket, in a direction, that is higher than its
// neighbours and than a quarter of the highest.
func (s *timelineScreen) peak(dir int) {
	l := s.lanes[s.list.cur]
	value := func(i int) int64 {
		if i < 0 || i >= len(l.last) {
			return 0
		}
		return l.value(&l.last[i])
	}
	var most int64
	for i := range l.last {
		most = max(most, value(i))
	}
	for i := s.at + dir; i >= 0 && i < s.n; i += dir {
		if v := value(i); v > 0 && v*4 >= most && v >= value(i-1) && v > value(i+1) {
			s.at = i - 1
			if s.m.st.T == 0 {
				s.at = i
			}
			s.pick(1)
			return
		}
	}
	s.m.say("no further peak of %s in that direction", safeText(l.title))
}

func (s *timelineScreen) setT(ts uint64) {
	s.m.st.T = ts
	s.m.st.Event = 0
}

// markRange sets one end of the range at T, then the other.
func (s *timelineScreen) markRange() {
	t := s.m.st.T
	if t == 0 {
		s.m.say("move to where the range shall begin first")
		return
	}
	if s.mark == 0 {
		s.mark = t
		return
	}
	st := s.m.st
	st.Range = Range{min(s.mark, t), max(s.mark, t)}
	s.mark = 0
	s.m.change(st)
}

// addLane asks for the filter of a new lane.
func (s *timelineScreen) addLane() {
	s.m.prompt = newPrompt("lane: ", "", s.m.filters, func(text string) {
		text = strings.TrimSpace(text)
		if err := s.m.store.Check(text); err != nil || text == "" {
			s.m.say("no lane: %s", safeText(fmt.Sprint(err)))
			return
		}
		s.add(text, text, countEvents)
		s.m.lanes = append(s.m.lanes, text)
		s.list.cur = int64(len(s.lanes)) - 1
	})
	s.m.prompt.complete = s.m.completeField
}

// dropLane removes a lane that was added.
func (s *timelineScreen) dropLane() {
	fixed := len(s.lanes) - len(s.m.lanes)
	i := int(s.list.cur)
	if i < fixed {
		s.m.say("only lanes added with a can be dropped")
		return
	}
	s.lanes[i].load.stop()
	s.lanes = append(s.lanes[:i:i], s.lanes[i+1:]...)
	s.m.lanes = append(s.m.lanes[:i-fixed:i-fixed], s.m.lanes[i-fixed+1:]...)
	s.list.cur = min(s.list.cur, int64(len(s.lanes))-1)
}

// enter shows the events from T on.
func (s *timelineScreen) enter() {
	if s.m.st.T == 0 {
		s.m.say("move to a moment first")
		return
	}
	st := s.m.st
	st.Screen = scopeEvents
	s.m.drill("timeline", st)
	s.m.gotoTime(st.T)
}

func (s *timelineScreen) click(x, y int) {
	if y >= s.lanesY && y < s.lanesY+len(s.lanes) {
		s.list.cur = int64(y - s.lanesY)
	}
	if b := x - s.graphX; b >= 0 && b < s.n {
		s.at = b - 1
		s.m.st.T = max(s.m.st.T, 1)
		s.pick(1)
	}
}

func (s *timelineScreen) status() string {
	in := s.m.store.Info()
	text := clockDate(max(s.m.st.T, in.Start))
	l := s.lanes[s.list.cur]
	if s.at < len(l.last) && s.m.st.T != 0 {
		text += fmt.Sprintf("   %s here: %s", safeText(l.title), thousands(l.value(&l.last[s.at])))
	}
	return text
}
