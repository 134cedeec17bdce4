//go:build race

package query

// raceEnabled keeps tests over millions of events out of race runs, which are
// ten times slower.
const raceEnabled = true
