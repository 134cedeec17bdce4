package probe

import (
	"errors"
	"time"
)

// Errors that callers branch on. Errors returned by New and Start wrap them.
var (
	// ErrNoPrivilege means that the kernel refused for lack of a capability.
	ErrNoPrivilege = errors.New("not enough privilege")
	// ErrUnsupported means that the kernel lacks a feature the probe needs.
	ErrUnsupported = errors.New("not supported by this kernel")
	// ErrClosed is returned by every method of a closed Probe.
	ErrClosed = errors.New("probe closed")
)

// Config chooses what is recorded. The zero value records every system call of
// every task but the recorder's own.
type Config struct {
	Syscalls   []uint16 // PPM_SC codes to record, tracepoints included; nil: all system calls and procexit
	Switch     bool     // also record context switches
	PageFaults bool     // also record page faults (x86 only)
	Signals    bool     // also record signal deliveries

	SnapLen int // bytes kept of each data buffer, 0: 80, at most 65000
	Buffer  int // bytes of all ring buffers together, 0: 8 MiB per CPU; rounded up to powers of two

	Tree       bool // record only tasks added with Follow, and their descendants
	DropFailed bool // do not record calls that failed

	UIDs    []uint32 // record only tasks with one of these real user ids
	Comms   []string // record only tasks with one of these names (the first 15 bytes count)
	Cgroups []uint64 // record only tasks in one of these cgroup v2 ids

	BootTime uint64 // nanoseconds from the epoch to boot, added to the boot clock; 0: measured by New
}

// Stats counts events since Start.
type Stats struct {
	Seen     uint64 // events that should have been recorded
	Written  uint64 // events handed to the ring buffers
	RingFull uint64 // lost: no room in the ring buffer
	TooLarge uint64 // lost: larger than 64 KiB
	Missed   uint64 // lost: the kernel refused to run a program inside itself
	// Faults counts parameters left empty because user memory could not be
	// read; their events are not lost.
	Faults   uint64
	Syscalls []SyscallStats // by PPM_SC code, only those seen
}

// Lost returns the number of lost events.
func (s *Stats) Lost() uint64 { return s.RingFull + s.TooLarge + s.Missed }

// SyscallStats counts the events of one system call or tracepoint.
type SyscallStats struct {
	Code       uint16 // PPM_SC code
	Seen, Lost uint64
	Faults     uint64
}

// Probe records events. Its methods may be called from several goroutines, but
// only one at a time may be in Read.
type Probe struct{}

// New loads the programs that cfg needs. Nothing is attached yet. Errors name
// the missing capability or kernel feature and wrap ErrNoPrivilege or
// ErrUnsupported.
func New(cfg Config) (*Probe, error) { return nil, ErrUnsupported }

// BootTime returns what is added to the boot clock to get event times,
// nanoseconds from the epoch to boot.
func (p *Probe) BootTime() uint64 { return 0 }

// Follow adds a process with all its threads and existing descendants to the
// recorded tree. New descendants are added by the kernel side before they run
// their first instruction.
func (p *Probe) Follow(pid int) error { return ErrClosed }

// Start attaches the programs: events are recorded from now on.
func (p *Probe) Start() error { return ErrClosed }

// Read drains the ring buffers until deadline, calling f for each event in time
// order. raw is one event in the libs' layout: 26-byte header (version 2),
// length array, parameters. It is valid during the call only. Read returns nil
// at the deadline, the error of f, or ErrClosed after Close. After Stop it
// returns nil as soon as nothing is left.
func (p *Probe) Read(deadline time.Time, f func(cpu uint16, raw []byte) error) error {
	return ErrClosed
}

// Stats returns the counts so far.
func (p *Probe) Stats() (Stats, error) { return Stats{}, ErrClosed }

// Update replaces the selection of system calls while recording. nil selects all.
func (p *Probe) Update(syscalls []uint16) error { return ErrClosed }

// Stop detaches the programs. What is in the buffers can still be read.
func (p *Probe) Stop() error { return ErrClosed }

// Close detaches and releases everything. It may be called more than once.
func (p *Probe) Close() error { return nil }

// Feature is one thing that recording depends on.
type Feature struct {
	Name   string // "kernel BTF", "tp_btf sys_exit", ...
	OK     bool
	Detail string // what was found
	Remedy string // what to do when it is missing, empty when OK
}

// Check looks at what this host offers, without changing anything on it.
func Check() []Feature { return nil }
