// Package tui is the terminal UI: screens over package query that look around
// inside a capture and go back in time. README.md shows it and its measurements.
//
// # Vocabulary
//
// A screen is one lens on the capture: events, processes, files, connections,
// alerts, timeline, SQL, rules. All share a State: a filter in the rule language,
// a time range, the time cursor T and a selection. The view is filter and range,
// the part of the capture that is shown. Drilling in pushes a crumb, Esc pops it.
// A lane is a line of the timeline: a count over time.
//
// # Shape
//
// One Model holds everything there is to know; one goroutine, tview's event
// loop, changes it. A key press finds its action in the registry (keys.go,
// actions.go) and runs it; drawing goes from the Model to a Frame (frame.go), a
// grid of cells, which a single tview primitive copies to the terminal (app.go).
// So every screen is tested as text, without a terminal.
//
// Run shows a Store until the user quits; IndexStore is the Store over a
// query.Index, also while that is being built.
//
// # Data
//
// Nothing here waits for a query. The event list is read through a Pager: rows
// that are not there yet are drawn as "loading" and requested from a worker,
// which marks the frame dirty when they land (pager.go). Values that are slow to
// get are lazy (lazy.go): asked for with every drawing, loaded once, cancelled
// when something else is asked for. What a key starts and takes long runs beside
// (run in seek.go) and stops with Esc.
//
// Strings of a capture are hostile: they become text through safeText and
// nowhere else.
//
// # What it does not do
//
// It reads no capture and no rule file and keeps no index: package query does.
// It does not record.
package tui
