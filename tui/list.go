package tui

// list is the cursor and the window of a scrolled list of n rows.
type list struct {
	cur, top int64
	h        int // rows shown last
}

// move moves the cursor by d rows within n.
func (l *list) move(d, n int64) {
	l.cur = clamp(l.cur+d, 0, n-1)
}

// jump puts the cursor on row i, in the middle of the window if it was outside.
func (l *list) jump(i int64) {
	l.cur = i
	if i < l.top || i >= l.top+int64(l.h) {
		l.top = max(i-int64(l.h)/2, 0)
	}
}

// window scrolls so that the cursor is visible in h rows and returns the first.
func (l *list) window(n int64, h int) int64 {
	l.h = h
	l.cur = clamp(l.cur, 0, n-1)
	if l.cur < l.top {
		l.top = l.cur
	}
	if l.cur >= l.top+int64(h) {
		l.top = l.cur - int64(h) + 1
	}
	l.top = clamp(l.top, 0, max(n-int64(h), 0))
	return l.top
}

// listHeight is the height of a list of n rows and its heading above a detail
// pane, both in h lines: what it needs, but from two to three fifths of them.
func listHeight(n, h int) int { return max(min(n+2, h*3/5), h*2/5) }

func clamp(v, lo, hi int64) int64 { return max(min(v, hi), lo) }

// farAway moves to an end of any list.
const farAway = int64(1) << 50
