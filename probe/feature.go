package probe

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// memlockHint is what cilium/ebpf adds to every EPERM.
var memlockHint = regexp.MustCompile(` \(MEMLOCK may be too low[^)]*\)`)

// refusedError is ErrNoPrivilege with its cause.
type refusedError struct {
	msg   string
	cause error
}

func (e *refusedError) Error() string   { return e.msg }
func (e *refusedError) Unwrap() []error { return []error{ErrNoPrivilege, e.cause} }

// explain turns an error of loading or attaching into one that says what is
// missing and what to do.
func explain(err error) error {
	var verifier *ebpf.VerifierError
	if (errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)) && !errors.As(err, &verifier) {
		// The library guesses at the memory limit whenever it is refused;
		// whyRefused knows better.
		return &refusedError{fmt.Sprintf("%v: %s (%s)", ErrNoPrivilege, whyRefused(), memlockHint.ReplaceAllString(err.Error(), "")), err}
	}
	if _, btfErr := os.Stat(kernelBTF); btfErr != nil {
		return fmt.Errorf("%w: the kernel has no type information (%s); it needs CONFIG_DEBUG_INFO_BTF (%w)", ErrUnsupported, kernelBTF, err)
	}
	return fmt.Errorf("%w: run \"sysreel doctor\" to see what is missing (%w)", ErrUnsupported, err)
}

// whyRefused guesses why bpf(2) is refused.
func whyRefused() string {
	if caps := missingCapabilities(); caps != "" {
		return "recording needs " + caps + ": run it as root"
	}
	if mode := lockdown(); mode == "confidentiality" {
		return "the kernel is locked down (confidentiality), which forbids BPF programs to read memory"
	}
	return "the kernel refuses BPF though the capabilities are there: a container's seccomp filter or a security module forbids it"
}

const (
	kernelBTF = "/sys/kernel/btf/vmlinux"

	capPerfmon  = 38
	capBPF      = 39
	capSysAdmin = 21
)

// effectiveCapabilities returns the effective capability set of this process.
func effectiveCapabilities() (uint64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("reading capabilities: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "CapEff:"); ok {
			return strconv.ParseUint(strings.TrimSpace(v), 16, 64)
		}
	}
	return 0, errors.New("reading capabilities: no CapEff in /proc/self/status")
}

// missingCapabilities names the capabilities that recording needs and this
// process lacks, "" if it has them.
func missingCapabilities() string {
	set, err := effectiveCapabilities()
	if err != nil || set&(1<<capSysAdmin) != 0 {
		return ""
	}
	var names []string
	if set&(1<<capBPF) == 0 {
		names = append(names, "CAP_BPF")
	}
	if set&(1<<capPerfmon) == 0 {
		names = append(names, "CAP_PERFMON")
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, " and ") + " (or CAP_SYS_ADMIN)"
}

// lockdown returns the kernel's lockdown mode, "none" without it.
func lockdown() string {
	b, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil {
		return "none"
	}
	_, rest, ok := strings.Cut(string(b), "[")
	mode, _, ok2 := strings.Cut(rest, "]")
	if !ok || !ok2 {
		return "none"
	}
	return mode
}

// Feature is one thing that recording depends on.
type Feature struct {
	Name   string // "kernel BTF", "hook tp_btf/sys_exit", ...
	OK     bool
	Detail string // what was found
	Remedy string // what to do when it is missing, empty when OK
}

// Check looks at what this host offers, without changing anything on it. What
// cannot be asked for is tried: the hooks are attached for a moment, with a
// program that does nothing.
func Check() []Feature {
	return []Feature{
		checkArch(),
		checkKernel(),
		checkCapabilities(),
		checkLockdown(),
		checkBTF(),
		checkMap("BPF ring buffer", ebpf.RingBuf, "Linux 5.8 or newer"),
		checkHelper("boot-time clock for BPF", asm.FnKtimeGetBootNs, "Linux 5.8 or newer"),
		checkHook("tp_btf", "sys_exit"),
		checkHook("raw_tp", "sys_exit"),
		checkHook("tp_btf", "sched_process_exec"),
		checkHook("tp_btf", "sched_process_fork"),
		checkHook("tp_btf", "sched_process_exit"),
		checkHook("tp_btf", "signal_deliver"),
		checkHook("tp_btf", "sched_switch"),
		checkJIT(),
		checkMemlock(),
		checkPidNamespace(),
		checkProbe(),
	}
}

func checkArch() Feature {
	f := Feature{Name: "architecture", Detail: runtime.GOARCH, OK: runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"}
	if !f.OK {
		f.Remedy = "record on amd64 or arm64; captures can be read anywhere"
	}
	return f
}

func checkKernel() Feature {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Feature{Name: "kernel", Detail: err.Error()}
	}
	return Feature{Name: "kernel", OK: true, Detail: unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])}
}

func checkCapabilities() Feature {
	f := Feature{Name: "capabilities", OK: true, Detail: "CAP_BPF and CAP_PERFMON"}
	set, err := effectiveCapabilities()
	switch missing := missingCapabilities(); {
	case err != nil:
		f.OK, f.Detail, f.Remedy = false, err.Error(), "mount /proc"
	case missing != "":
		f.OK, f.Detail, f.Remedy = false, "missing: "+missing, "run as root, or grant them with setcap or the container's security context"
	case set&(1<<capSysAdmin) != 0:
		f.Detail = "CAP_SYS_ADMIN"
	}
	return f
}

func checkLockdown() Feature {
	mode := lockdown()
	f := Feature{Name: "kernel lockdown", OK: mode != "confidentiality", Detail: mode}
	if !f.OK {
		f.Remedy = "boot without lockdown=confidentiality"
	}
	return f
}

func checkBTF() Feature {
	f := Feature{Name: "kernel BTF", Detail: kernelBTF}
	if _, err := btf.LoadKernelSpec(); err != nil {
		f.Detail, f.Remedy = err.Error(), "use a kernel built with CONFIG_DEBUG_INFO_BTF"
		return f
	}
	f.OK = true
	return f
}

// fromFeature translates the answer of package features: no error is yes,
// ErrNotSupported is no, anything else means that it could not be found out.
func fromFeature(name string, err error, remedy string) Feature {
	switch {
	case err == nil:
		return Feature{Name: name, OK: true, Detail: "available"}
	case errors.Is(err, ebpf.ErrNotSupported):
		return Feature{Name: name, Detail: "missing", Remedy: remedy}
	default:
		return Feature{Name: name, Detail: "could not be found out: " + err.Error(), Remedy: "run as root"}
	}
}

func checkMap(name string, t ebpf.MapType, remedy string) Feature {
	return fromFeature(name, features.HaveMapType(t), remedy)
}

func checkHelper(name string, fn asm.BuiltinFunc, remedy string) Feature {
	return fromFeature(name, features.HaveProgramHelper(ebpf.RawTracepoint, fn), remedy)
}

func checkHook(kind, hook string) Feature {
	f := Feature{Name: "hook " + kind + "/" + hook, Detail: "attached and detached"}
	if err := tryHook(kind, hook); err != nil {
		f.Detail, f.Remedy = err.Error(), "use a kernel with tracepoints (CONFIG_FTRACE, CONFIG_BPF_EVENTS) that permits them to this process"
		return f
	}
	f.OK = true
	return f
}

// tryHook attaches an empty program for a moment.
func tryHook(kind, hook string) error {
	spec := &ebpf.ProgramSpec{
		Name:         "sysreel_check",
		Type:         ebpf.RawTracepoint,
		License:      "Dual MIT/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	}
	if kind == "tp_btf" {
		spec.Type, spec.AttachType, spec.AttachTo = ebpf.Tracing, ebpf.AttachTraceRawTp, hook
	}
	prog, err := ebpf.NewProgram(spec)
	if err != nil {
		return fmt.Errorf("loading: %w", err)
	}
	defer prog.Close()
	var l link.Link
	if kind == "tp_btf" {
		l, err = link.AttachTracing(link.TracingOptions{Program: prog})
	} else {
		l, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: hook, Program: prog})
	}
	if err != nil {
		return fmt.Errorf("attaching: %w", err)
	}
	return l.Close()
}

func checkJIT() Feature {
	f := Feature{Name: "BPF JIT compiler", OK: true, Detail: "on"}
	b, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	switch {
	case err != nil:
		f.Detail = "always on, or not visible here"
	case strings.TrimSpace(string(b)) == "0":
		f.OK, f.Detail, f.Remedy = false, "off: recording works, but slowly", "sysctl net.core.bpf_jit_enable=1"
	}
	return f
}

func checkMemlock() Feature {
	f := Feature{Name: "locked memory", OK: true}
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r); err != nil {
		return Feature{Name: f.Name, Detail: err.Error()}
	}
	if r.Cur == unix.RLIM_INFINITY {
		f.Detail = "unlimited"
	} else {
		f.Detail = fmt.Sprintf("%d KiB; counts on kernels before 5.11 only", r.Cur>>10)
	}
	return f
}

// hostPidNamespace is the inode of the initial pid namespace (PROC_PID_INIT_INO).
const hostPidNamespace = "pid:[4026531836]"

func inHostPidNamespace() bool {
	ns, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && ns == hostPidNamespace
}

func checkPidNamespace() Feature {
	f := Feature{Name: "pid namespace", OK: inHostPidNamespace(), Detail: "the host's"}
	if !f.OK {
		f.Detail = "a container's: process numbers differ from those in events"
		f.Remedy = "run in the host's pid namespace (docker run --pid=host, hostPID: true)"
	}
	return f
}

// checkProbe loads the probe itself, with the programs that every capture needs.
func checkProbe() Feature {
	f := Feature{Name: "sysreel probe"}
	p, err := New(Config{Syscalls: []uint16{codeProcexit}})
	if err != nil {
		f.Detail, f.Remedy = err.Error(), "see the lines above"
		return f
	}
	defer p.Close()
	f.OK, f.Detail = true, "loads with "+p.Hook()+" hooks"
	return f
}
