package capture

import (
	"time"

	"golang.org/x/sys/unix"
)

// clockTick is the unit of times in /proc, USER_HZ: 100 on every architecture
// that the probe runs on.
const clockTick = int64(time.Second / 100)

// BootTime returns when the host booted, in nanoseconds since the epoch: the
// number that turns the probe's clock (CLOCK_BOOTTIME, which counts suspended time)
// into wall-clock time. It is exact to some hundred nanoseconds, where the
// kernel's own "btime" knows seconds only.
func BootTime() uint64 {
	// The narrowest of a few attempts: between the two readings nothing else ran.
	best, boot := int64(1<<62), int64(0)
	for range 8 {
		var a, real, b unix.Timespec
		if unix.ClockGettime(unix.CLOCK_BOOTTIME, &a) != nil ||
			unix.ClockGettime(unix.CLOCK_REALTIME, &real) != nil ||
			unix.ClockGettime(unix.CLOCK_BOOTTIME, &b) != nil {
			return 0
		}
		if gap := b.Nano() - a.Nano(); gap < best {
			best, boot = gap, real.Nano()-a.Nano()-gap/2
		}
	}
	return uint64(boot)
}
