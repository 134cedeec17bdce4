package tui

// column is a column of a list. A zero width takes what the others leave.
type column struct {
	title string
	width int
	right bool
	from  int // smallest frame width that shows it
}

// layout is a set of columns with their places in a line.
type layout struct {
	cols []column
	at   []int // x of each, -1 when it is not shown
}

// newLayout places columns from column x on in a list of width w; frame is the
// width that decides which are shown.
func newLayout(cols []column, x, w, frame int) layout {
	l := layout{cols: append([]column(nil), cols...), at: make([]int, len(cols))}
	used, rest := 0, -1
	for i, c := range cols {
		if frame < c.from {
			l.at[i] = -1
			continue
		}
		used += c.width + 1
		if c.width == 0 {
			rest = i
		}
	}
	if rest >= 0 {
		l.cols[rest].width = max(w-used, 1)
	}
	for i := range l.cols {
		if l.at[i] < 0 {
			continue
		}
		l.at[i] = x
		x += l.cols[i].width + 1
	}
	return l
}

// draw draws one line; text is called for each column that is shown.
func (l *layout) draw(f *Frame, y int, st Style, text func(i int) string) {
	for i, c := range l.cols {
		switch {
		case l.at[i] < 0:
		case c.right:
			f.putRight(l.at[i], y, c.width, text(i), st)
		default:
			f.putCell(l.at[i], y, c.width, text(i), st)
		}
	}
}

// head draws the titles.
func (l *layout) head(f *Frame, y int) {
	l.draw(f, y, StyleBold, func(i int) string { return l.cols[i].title })
}

// find returns the column at x, -1 when there is none.
func (l *layout) find(x int) int {
	for i, c := range l.cols {
		if l.at[i] >= 0 && x >= l.at[i] && x < l.at[i]+c.width {
			return i
		}
	}
	return -1
}
