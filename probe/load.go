package probe

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// hookMode is how the programs are attached.
type hookMode int

const (
	hookBTF hookMode = iota // tp_btf: typed arguments
	hookRaw                 // raw_tp: untyped, for kernels that refuse the former
)

func (m hookMode) String() string {
	if m == hookRaw {
		return "raw_tp"
	}
	return "tp_btf"
}

func (m hookMode) dispatcher() string {
	if m == hookRaw {
		return "dispatch_raw"
	}
	return "dispatch_btf"
}

// load loads maps and programs for the first kind of hook that works.
func (p *Probe) load(modes ...hookMode) error {
	var first error
	for _, mode := range modes {
		spec, err := loadProbe()
		if err != nil {
			return fmt.Errorf("reading the embedded BPF object: %w", err)
		}
		if err = p.loadMode(spec, mode); err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return explain(first)
}

func (p *Probe) loadMode(spec *ebpf.CollectionSpec, mode hookMode) error {
	p.mode = mode
	cpus := ringCount()
	if err := p.configure(spec, cpus); err != nil {
		return err
	}
	p.spec = spec.Copy()
	keep := map[string]bool{mode.dispatcher(): true}
	for _, name := range p.sel.programs {
		keep[name] = true
	}
	for _, name := range p.sel.tracepoints(p.numbers, p.cfg.Tree) {
		keep[name] = true
	}
	coll, err := newCollection(spec, keep, mode, nil)
	if err != nil {
		return err
	}
	p.coll = coll
	if err := p.fill(cpus); err != nil {
		return errors.Join(err, p.release())
	}
	return nil
}

// configure sets the sizes of maps and the constants of the programs.
func (p *Probe) configure(spec *ebpf.CollectionSpec, cpus int) error {
	possible, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("counting CPUs: %w", err)
	}
	spec.Maps["scratches"].MaxEntries = uint32(2 * possible)
	rings := spec.Maps["rings"]
	rings.MaxEntries = uint32(cpus)
	rings.InnerMap.MaxEntries = p.cfg.ringSize(cpus)

	flag := func(b bool) uint8 {
		if b {
			return 1
		}
		return 0
	}
	shift := 0
	for 1<<shift < os.Getpagesize() {
		shift++
	}
	for name, v := range map[string]any{
		"boot_time":     p.bootTime,
		"self_tgid":     ownTgid(),
		"snaplen":       p.cfg.snapLen(),
		"ring_count":    uint32(cpus),
		"page_shift":    uint32(shift),
		"drop_failed":   flag(p.cfg.DropFailed),
		"only_tree":     flag(p.cfg.Tree),
		"only_uids":     flag(p.cfg.UIDs != nil),
		"only_comms":    flag(p.cfg.Comms != nil),
		"only_cgroups":  flag(p.cfg.Cgroups != nil),
		"code_of":       p.numbers.code,
		"compat_nr":     p.numbers.compat,
		"selected":      p.sel.selected,
		"selected_slot": p.sel.slots,
	} {
		if err := spec.Variables[name].Set(v); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return nil
}

// recordSelf makes the recorder record itself, for measurements of its cost.
var recordSelf bool

// ownTgid returns the number of this process as the kernel side sees it, that
// is in the host's pid namespace: a program that is run in this process tells.
func ownTgid() uint32 {
	if recordSelf {
		return 0
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name:    "sysreel_self",
		Type:    ebpf.RawTracepoint,
		License: "Dual MIT/GPL",
		Instructions: asm.Instructions{
			asm.FnGetCurrentPidTgid.Call(),
			asm.RSh.Imm(asm.R0, 32),
			asm.Return(),
		},
	})
	if err != nil {
		return uint32(os.Getpid())
	}
	defer prog.Close()
	tgid, err := prog.Run(nil)
	if err != nil || tgid == 0 { // before 5.10
		return uint32(os.Getpid())
	}
	return tgid
}

// newCollection loads the programs named in keep. maps are those of a collection
// loaded before, to which the programs belong too.
func newCollection(spec *ebpf.CollectionSpec, keep map[string]bool, mode hookMode, maps map[string]*ebpf.Map) (*ebpf.Collection, error) {
	for name, prog := range spec.Programs {
		if !keep[name] {
			delete(spec.Programs, name)
			continue
		}
		if mode == hookRaw {
			prog.Type = ebpf.RawTracepoint
			prog.AttachType = ebpf.AttachNone
			prog.AttachTo = ""
		}
		delete(keep, name)
	}
	for name := range keep {
		return nil, fmt.Errorf("the BPF object has no program %s", name)
	}
	opts := ebpf.CollectionOptions{MapReplacements: maps}
	coll, err := ebpf.NewCollectionWithOptions(spec, opts)
	if errors.Is(err, unix.EPERM) && raiseMemlock() {
		coll, err = ebpf.NewCollectionWithOptions(spec, opts)
	}
	return coll, err
}

// raiseMemlock lifts the limit that kernels before 5.11 charge maps to. It
// reports whether it changed anything; being refused is no error by itself.
func raiseMemlock() bool {
	var old unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &old) != nil || old.Cur == unix.RLIM_INFINITY {
		return false
	}
	all := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if unix.Setrlimit(unix.RLIMIT_MEMLOCK, &all) == nil {
		return true
	}
	most := unix.Rlimit{Cur: old.Max, Max: old.Max}
	return old.Cur < old.Max && unix.Setrlimit(unix.RLIMIT_MEMLOCK, &most) == nil
}

// fill creates the ring buffers and fills the maps that the programs look into.
func (p *Probe) fill(cpus int) error {
	size := p.cfg.ringSize(cpus)
	for cpu := range cpus {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "ring", Type: ebpf.RingBuf, MaxEntries: size})
		if err != nil {
			return fmt.Errorf("creating a ring buffer of %d bytes: %w", size, err)
		}
		p.ringMaps = append(p.ringMaps, m)
		if err := p.coll.Maps["rings"].Put(uint32(cpu), m); err != nil {
			return fmt.Errorf("installing the ring buffer of cpu %d: %w", cpu, err)
		}
		r, err := newRing(cpu, m.FD(), size)
		if err != nil {
			return err
		}
		p.rings = append(p.rings, r)
	}
	if err := p.installPrograms(p.sel); err != nil {
		return err
	}
	for _, uid := range p.cfg.UIDs {
		if err := p.coll.Maps["uids"].Put(uid, uint8(1)); err != nil {
			return fmt.Errorf("selecting user %d: %w", uid, err)
		}
	}
	for _, id := range p.cfg.Cgroups {
		if err := p.coll.Maps["cgroups"].Put(id, uint8(1)); err != nil {
			return fmt.Errorf("selecting cgroup %d: %w", id, err)
		}
	}
	for _, name := range p.cfg.Comms {
		var comm [16]byte
		copy(comm[:15], name)
		if err := p.coll.Maps["comms"].Put(comm, uint8(1)); err != nil {
			return fmt.Errorf("selecting the name %q: %w", name, err)
		}
	}
	return nil
}

func (p *Probe) installPrograms(sel *selection) error {
	for nr, name := range sel.programs {
		if err := p.coll.Maps["programs"].Put(uint32(nr), p.coll.Programs[name]); err != nil {
			return fmt.Errorf("installing the program %s: %w", name, err)
		}
	}
	return nil
}

// apply changes the selection: programs first, so that no selected call is
// without its program, and what is no longer wanted last.
func (p *Probe) apply(sel *selection) error {
	missing := map[string]bool{}
	for _, name := range sel.programs {
		if p.coll.Programs[name] == nil {
			missing[name] = true
		}
	}
	for _, name := range sel.tracepoints(p.numbers, p.cfg.Tree) {
		if p.coll.Programs[name] == nil {
			missing[name] = true
		}
	}
	if len(missing) > 0 {
		more, err := newCollection(p.spec.Copy(), missing, p.mode, p.coll.Maps)
		if err != nil {
			return explain(err)
		}
		for name := range more.Programs {
			p.coll.Programs[name] = more.DetachProgram(name)
		}
		more.Close()
	}
	if err := p.installPrograms(sel); err != nil {
		return err
	}
	p.sel = sel
	if err := p.coll.Variables["selected_slot"].Set(sel.slots); err != nil {
		return fmt.Errorf("selecting tracepoints: %w", err)
	}
	if err := p.coll.Variables["selected"].Set(sel.selected); err != nil {
		return fmt.Errorf("selecting system calls: %w", err)
	}
	if !p.started || p.stopped.Load() {
		return nil
	}
	return p.attachTracepoints()
}

// attach attaches a program to its hook, if it is not yet.
func (p *Probe) attach(name string) error {
	if p.links[name] != nil {
		return nil
	}
	prog := p.coll.Programs[name]
	var l link.Link
	var err error
	if p.mode == hookRaw {
		hook := name
		if name == p.mode.dispatcher() {
			hook = "sys_exit"
		}
		l, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: hook, Program: prog})
	} else {
		l, err = link.AttachTracing(link.TracingOptions{Program: prog})
	}
	if err != nil {
		return explain(fmt.Errorf("attaching %s: %w", name, err))
	}
	p.links[name] = l
	return nil
}

// parseCPUList counts the CPUs of a list like "0-3,8".
func parseCPUList(s string) (int, error) {
	n := 0
	for part := range strings.SplitSeq(strings.TrimSpace(s), ",") {
		first, last, isRange := strings.Cut(part, "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			return 0, fmt.Errorf("CPU list %q: %w", s, err)
		}
		b := a
		if isRange {
			if b, err = strconv.Atoi(last); err != nil {
				return 0, fmt.Errorf("CPU list %q: %w", s, err)
			}
		}
		n += b - a + 1
	}
	return n, nil
}
