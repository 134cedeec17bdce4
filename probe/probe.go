package probe

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
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

// How long Read waits when the buffers were empty, and how far behind the clock
// it stays so that events of different CPUs can be put in order.
const (
	pollInterval = 2 * time.Millisecond
	// When nothing happens it waits longer, if the buffers are large enough for
	// what may come in the meantime.
	idleInterval = 10 * time.Millisecond
	idleRing     = 4 << 20
	orderWindow  = uint64(time.Millisecond)
)

// Probe records events. Its methods may be called from several goroutines, but
// only one at a time may be in Read.
type Probe struct {
	cfg      Config
	numbers  *numbers
	bootTime uint64

	reading sync.Mutex // held by Read

	mu       sync.Mutex // guards what follows
	spec     *ebpf.CollectionSpec
	coll     *ebpf.Collection
	ringMaps []*ebpf.Map
	rings    []*ring
	mode     hookMode
	sel      *selection
	links    map[string]closer // by program
	followed []int             // roots of the tree
	started  bool

	stopped atomic.Bool
	closed  atomic.Bool
}

type closer interface{ Close() error }

// New loads the programs that cfg needs. Nothing is attached yet. Errors name
// the missing capability or kernel feature and wrap ErrNoPrivilege or
// ErrUnsupported.
func New(cfg Config) (*Probe, error) {
	return newProbe(cfg, hookBTF, hookRaw)
}

func newProbe(cfg Config, modes ...hookMode) (*Probe, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	p := &Probe{cfg: cfg, numbers: newNumbers(), bootTime: cfg.BootTime, links: map[string]closer{}}
	if p.bootTime == 0 {
		p.bootTime = measureBootTime()
	}
	sel, err := p.numbers.selection(cfg.Syscalls, &cfg)
	if err != nil {
		return nil, err
	}
	p.sel = sel
	if err := p.load(modes...); err != nil {
		return nil, err
	}
	return p, nil
}

// BootTime returns what is added to the boot clock to get event times:
// nanoseconds from the epoch to boot.
func (p *Probe) BootTime() uint64 { return p.bootTime }

// Hook returns the kind of hook in use: "tp_btf" or "raw_tp".
func (p *Probe) Hook() string { return p.mode.String() }

// Start attaches the programs: events are recorded from now on.
func (p *Probe) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return ErrClosed
	}
	if p.started {
		return nil
	}
	if err := p.attachTracepoints(); err != nil {
		p.detach()
		return err
	}
	// Children born before the fork hook was there.
	for _, pid := range p.followed {
		if err := p.follow(pid); err != nil {
			p.detach()
			return err
		}
	}
	if err := p.attach(p.mode.dispatcher()); err != nil {
		p.detach()
		return err
	}
	p.started = true
	return nil
}

// Read drains the ring buffers until deadline, calling f for each event in time
// order. raw is one event in the libs' layout: 26-byte header (version 2),
// length array, parameters. It is valid during the call only. Read returns nil
// at the deadline, the error of f, or ErrClosed after Close. After Stop it
// returns nil as soon as nothing is left.
func (p *Probe) Read(deadline time.Time, f func(cpu uint16, raw []byte) error) error {
	p.reading.Lock()
	defer p.reading.Unlock()
	for {
		if p.closed.Load() {
			return ErrClosed
		}
		stopped := p.stopped.Load()
		before := uint64(math.MaxUint64)
		if !stopped {
			before = clock(unix.CLOCK_BOOTTIME) + p.bootTime - orderWindow
		}
		n, busy, err := merge(p.rings, before, f)
		if err != nil {
			return err
		}
		if stopped && n == 0 {
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil
		}
		if !busy && !stopped {
			wait := pollInterval
			if n == 0 && p.rings[0].mask >= idleRing-1 {
				wait = idleInterval
			}
			time.Sleep(min(left, wait))
		}
	}
}

// Update replaces the selection of system calls while recording. nil selects all.
func (p *Probe) Update(syscalls []uint16) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return ErrClosed
	}
	sel, err := p.numbers.selection(syscalls, &p.cfg)
	if err != nil {
		return err
	}
	return p.apply(sel)
}

// Stop detaches the programs. What is in the buffers can still be read.
func (p *Probe) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return ErrClosed
	}
	err := p.detach()
	if p.started {
		waitForPrograms()
	}
	p.stopped.Store(true)
	return err
}

// membarrierGlobal is MEMBARRIER_CMD_GLOBAL: wait for an RCU grace period.
const membarrierGlobal = 1

// waitForPrograms waits until the programs that were running when they were
// detached have finished: they run inside RCU read-side sections.
func waitForPrograms() {
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

// Close detaches and releases everything. It may be called more than once.
func (p *Probe) Close() error {
	if !p.closed.CompareAndSwap(false, true) {
		return nil
	}
	p.reading.Lock()
	defer p.reading.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.detach()
	return errors.Join(err, p.release())
}

func (p *Probe) release() error {
	var errs []error
	for _, r := range p.rings {
		errs = append(errs, r.close())
	}
	for _, m := range p.ringMaps {
		errs = append(errs, m.Close())
	}
	p.rings, p.ringMaps = nil, nil
	if p.coll != nil {
		p.coll.Close()
	}
	return errors.Join(errs...)
}

func (p *Probe) detach() error {
	var errs []error
	for name, l := range p.links {
		if err := l.Close(); err != nil {
			errs = append(errs, fmt.Errorf("detaching %s: %w", name, err))
		}
	}
	clear(p.links)
	return errors.Join(errs...)
}

// hooks returns the names of the programs that are attached to a hook.
func (p *Probe) hooks() []string {
	return append(p.sel.tracepoints(p.numbers, p.cfg.Tree), p.mode.dispatcher())
}

// attachTracepoints makes the attached programs on other hooks than sys_exit
// those that the selection needs.
func (p *Probe) attachTracepoints() error {
	want := p.sel.tracepoints(p.numbers, p.cfg.Tree)
	for _, name := range want {
		if err := p.attach(name); err != nil {
			return err
		}
	}
	for name, l := range p.links {
		if name == p.mode.dispatcher() || slices.Contains(want, name) {
			continue
		}
		if err := l.Close(); err != nil {
			return fmt.Errorf("detaching %s: %w", name, err)
		}
		delete(p.links, name)
	}
	return nil
}

// ringCount returns the number of ring buffers: one for each CPU that is online.
func ringCount() int { return max(runtime.NumCPU(), onlineCPUs()) }

// onlineCPUs counts the CPUs of the host, of which the recorder may be allowed
// to use only some.
func onlineCPUs() int {
	b, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return 1
	}
	n, err := parseCPUList(string(b))
	if err != nil {
		return 1
	}
	return n
}
