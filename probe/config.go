package probe

import (
	"fmt"
	"math/bits"
	"os"
)

const (
	defaultSnapLen   = 80
	maxSnapLen       = 65000
	defaultRing      = 8 << 20 // bytes of ring buffer per CPU
	minRing          = 128 << 10
	maxRing          = 1 << 30
	maxSelectedNames = 1024 // entries of the maps for UIDs, Comms and Cgroups
)

// Config chooses what is recorded. The zero value records every system call of
// every task but the recorder's own.
type Config struct {
	Syscalls   []uint16 // PPM_SC codes to record, tracepoints included; nil: all system calls and procexit
	Switch     bool     // also record context switches
	PageFaults bool     // also record page faults (x86 only)
	Signals    bool     // also record signal deliveries

	SnapLen int // bytes kept of each data buffer, 0: 80, at most 65000
	// Buffer is the size in bytes of all ring buffers together, 0: 8 MiB per CPU.
	// Each CPU gets its share, rounded up to a power of two, at least 128 KiB.
	Buffer int

	Tree       bool // record only tasks added with Follow, and their descendants
	DropFailed bool // do not record calls that failed

	UIDs    []uint32 // record only tasks with one of these real user ids
	Comms   []string // record only tasks with one of these names (the first 15 bytes count)
	Cgroups []uint64 // record only tasks in one of these cgroup v2 ids

	BootTime uint64 // nanoseconds from the epoch to boot, added to the boot clock; 0: measured by New
}

func (c *Config) validate() error {
	if c.SnapLen < 0 || c.SnapLen > maxSnapLen {
		return fmt.Errorf("snaplen %d: not between 0 and %d", c.SnapLen, maxSnapLen)
	}
	if c.Buffer < 0 {
		return fmt.Errorf("buffer size %d: negative", c.Buffer)
	}
	for _, n := range []int{len(c.UIDs), len(c.Comms), len(c.Cgroups)} {
		if n > maxSelectedNames {
			return fmt.Errorf("%d users, names or cgroups to select: at most %d", n, maxSelectedNames)
		}
	}
	return nil
}

func (c *Config) snapLen() uint32 {
	if c.SnapLen == 0 {
		return defaultSnapLen
	}
	return uint32(c.SnapLen)
}

// ringSize returns the size of the ring buffer of one CPU: a power of two and a
// multiple of the page size, as the kernel wants it.
func (c *Config) ringSize(cpus int) uint32 {
	if c.Buffer == 0 {
		return defaultRing
	}
	n := max((c.Buffer+cpus-1)/cpus, minRing, os.Getpagesize())
	n = 1 << bits.Len(uint(n-1))
	return uint32(min(n, maxRing))
}
