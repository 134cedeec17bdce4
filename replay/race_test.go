//go:build race

package replay

// raceDetector tells that every memory access is watched, which costs time.
const raceDetector = true
