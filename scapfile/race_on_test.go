//go:build race

package scapfile

// underRace says that the race detector is on, which makes everything ten times slower:
// tests take samples then, for the detector looks at code, not at data.
const underRace = true
