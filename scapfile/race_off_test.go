//go:build !race

package scapfile

const underRace = false
