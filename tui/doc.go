// Package tui is the terminal UI: screens over package query that look around
// inside a capture and go back in time.
//
// # Shape
//
// One Model holds everything there is to know; one goroutine, tview's event
// loop, changes it. A key press finds its action in the registry (keys.go) and
// runs it; drawing is a pure function from the Model to a Frame (frame.go), a
// grid of cells, which a single tview primitive copies to the screen (app.go).
// So every screen can be tested as text, without a terminal.
//
// # State
//
// All screens share a filter in the rule language, a time range, a time cursor
// T and a selection; drilling in pushes a crumb, Esc pops it (state.go).
//
// # Data
//
// Nothing here waits for a query. Lists are read through a Pager: rows that are
// not there yet are drawn as "loading" and requested from a worker, which marks
// the frame dirty when they land (pager.go).
//
// Strings of a capture are hostile: they become text through safeText and
// nowhere else.
package tui
