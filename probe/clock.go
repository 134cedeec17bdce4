package probe

import (
	"math"

	"golang.org/x/sys/unix"
)

func clock(id int32) uint64 {
	var ts unix.Timespec
	// CLOCK_BOOTTIME and CLOCK_REALTIME exist on every kernel the probe runs on.
	_ = unix.ClockGettime(id, &ts)
	return uint64(ts.Nano())
}

// measureBootTime returns the time from the epoch to boot: of several readings
// of both clocks the one taken in the shortest time.
func measureBootTime() uint64 {
	var boot uint64
	best := uint64(math.MaxUint64)
	for range 16 {
		before := clock(unix.CLOCK_BOOTTIME)
		real := clock(unix.CLOCK_REALTIME)
		after := clock(unix.CLOCK_BOOTTIME)
		if after-before < best {
			best = after - before
			boot = real - (before + best/2)
		}
	}
	return boot
}
