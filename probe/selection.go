package probe

import (
	"fmt"
	"runtime"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Sizes and bits shared with probe/bpf/event.h.
const (
	maxSyscall = 512 // native numbers are below this

	selNative     = 1
	selCompat     = 2
	selFailedOnly = 4

	slotProcexit        = maxSyscall
	slotSwitch          = maxSyscall + 1
	slotPageFaultUser   = maxSyscall + 2
	slotPageFaultKernel = maxSyscall + 3
	slotSignal          = maxSyscall + 4
	slotCount           = maxSyscall + 8
	counterCount        = 1024
)

// Codes of what is not a system call.
const (
	codeProcexit        = 396 // PPM_SC_SCHED_PROCESS_EXIT
	codeSwitch          = 397
	codePageFaultUser   = 398
	codePageFaultKernel = 399
	codeSignal          = 400
)

var tracepointSlots = map[uint16]int{
	codeProcexit:        slotProcexit,
	codeSwitch:          slotSwitch,
	codePageFaultUser:   slotPageFaultUser,
	codePageFaultKernel: slotPageFaultKernel,
	codeSignal:          slotSignal,
}

const ia32Socketcall = 102

// ia32Extra maps 32-bit x86 system calls whose x86_64 counterpart the libs'
// table leaves out, though it does the same: without it a program could hide
// from the recording by calling them.
var ia32Extra = map[int]string{
	193: "truncate", 194: "ftruncate", 198: "lchown", 203: "setreuid", 204: "setregid",
	205: "getgroups", 206: "setgroups", 207: "fchown", 212: "chown", 215: "setfsuid",
	216: "setfsgid", 268: "statfs", 269: "fstatfs", 272: "fadvise64", 300: "newfstatat",
	403: "clock_gettime", 404: "clock_settime", 405: "clock_adjtime", 406: "clock_getres",
	407: "clock_nanosleep", 408: "timer_gettime", 409: "timer_settime", 410: "timerfd_gettime",
	411: "timerfd_settime", 412: "utimensat", 413: "pselect6", 416: "io_pgetevents",
	417: "recvmmsg", 418: "mq_timedsend", 419: "mq_timedreceive", 420: "semtimedop",
	421: "rt_sigtimedwait", 422: "futex", 423: "sched_rr_get_interval", 142: "select",
	67: "rt_sigaction", 72: "rt_sigsuspend", 73: "rt_sigpending", 126: "rt_sigprocmask",
}

// nativeNumber returns the number of s on this architecture, -1 if it has none.
func nativeNumber(s *schema.Syscall) int {
	switch runtime.GOARCH {
	case "amd64":
		return int(s.X86_64)
	case "arm64":
		return int(s.AArch64)
	}
	return -1
}

// numbers holds the mapping between native numbers and codes.
type numbers struct {
	code   [maxSyscall]uint16 // native number to code
	known  [maxSyscall]bool
	compat [maxSyscall]int16 // 32-bit number to native number, -1 if none
}

func newNumbers() *numbers {
	n := &numbers{}
	byName := map[string]int{}
	for i := range schema.Syscalls() {
		s := &schema.Syscalls()[i]
		if nr := nativeNumber(s); nr >= 0 && nr < maxSyscall {
			n.code[nr], n.known[nr] = s.Code, true
			byName[s.Name] = nr
		}
	}
	for nr := range n.compat {
		n.compat[nr] = -1
		if runtime.GOARCH != "amd64" {
			continue
		}
		if m := schema.IA32Number(nr); m >= 0 {
			n.compat[nr] = int16(m)
		} else if m, ok := byName[ia32Extra[nr]]; ok {
			n.compat[nr] = int16(m)
		}
	}
	return n
}

// selection is what is recorded, in the form that the kernel side uses.
type selection struct {
	selected [maxSyscall]uint8
	slots    [slotCount - maxSyscall]uint8
	programs map[int]string // native number to program
}

// selection translates codes; nil stands for all system calls and procexit.
func (n *numbers) selection(codes []uint16, cfg *Config) (*selection, error) {
	s := &selection{programs: map[int]string{}}
	if codes == nil {
		for nr, ok := range n.known {
			if ok {
				s.add(n, nr)
			}
		}
		s.slots[slotProcexit-maxSyscall] = 1
	}
	for _, code := range codes {
		if slot, ok := tracepointSlots[code]; ok {
			s.slots[slot-maxSyscall] = 1
			continue
		}
		call := schema.SyscallByCode(code)
		if call == nil {
			return nil, fmt.Errorf("system call code %d is not known", code)
		}
		// A call that this architecture does not have is never made.
		if nr := nativeNumber(call); nr >= 0 && nr < maxSyscall {
			s.add(n, nr)
		}
	}
	if cfg.Switch {
		s.slots[slotSwitch-maxSyscall] = 1
	}
	if cfg.Signals {
		s.slots[slotSignal-maxSyscall] = 1
	}
	if cfg.PageFaults {
		s.slots[slotPageFaultUser-maxSyscall] = 1
		s.slots[slotPageFaultKernel-maxSyscall] = 1
	}
	for nr, native := range n.compat {
		if native >= 0 && s.selected[native]&selNative != 0 {
			s.selected[nr] |= selCompat
		}
	}
	if runtime.GOARCH == "amd64" {
		for nr := range s.programs {
			if call := schema.SyscallByCode(n.code[nr]); call.Flags&schema.ScNet != 0 {
				s.selected[ia32Socketcall] |= selCompat
			}
		}
	}
	return s, nil
}

func (s *selection) add(n *numbers, nr int) {
	s.selected[nr] |= selNative
	call := schema.SyscallByCode(n.code[nr])
	switch call.Exit {
	case schema.PPME_SYSCALL_EXECVE_19_X, schema.PPME_SYSCALL_EXECVEAT_X:
		s.selected[nr] |= selFailedOnly
	}
	s.programs[nr] = programName(call.Exit)
}

// programName returns the name of the BPF program that records an event.
func programName(t schema.EventType) string {
	return fmt.Sprintf("%s_x%d", schema.Lookup(t).Name, t)
}

// has reports whether the system call with a native number is recorded.
func (s *selection) has(n *numbers, name string) bool {
	call := schema.SyscallByName(name)
	if call == nil {
		return false
	}
	nr := nativeNumber(call)
	return nr >= 0 && s.selected[nr]&selNative != 0
}

// tracepoints returns the programs on other hooks that the selection needs, with
// the names of their hooks.
func (s *selection) tracepoints(n *numbers, tree bool) []string {
	var names []string
	forks := runtime.GOARCH != "amd64" && (s.has(n, "clone") || s.has(n, "clone3"))
	for _, t := range []struct {
		name string
		on   bool
	}{
		// The order in which they are attached: the tree grows before it is read.
		{"sched_process_fork", tree || forks},
		{"sched_process_exit", tree || s.slots[slotProcexit-maxSyscall] != 0},
		{"sched_process_free", tree},
		{"sched_process_exec", s.has(n, "execve")},
		{"sched_switch", s.slots[slotSwitch-maxSyscall] != 0},
		{"signal_deliver", s.slots[slotSignal-maxSyscall] != 0},
		{"page_fault_user", s.slots[slotPageFaultUser-maxSyscall] != 0 && runtime.GOARCH == "amd64"},
		{"page_fault_kernel", s.slots[slotPageFaultKernel-maxSyscall] != 0 && runtime.GOARCH == "amd64"},
	} {
		if t.on {
			names = append(names, t.name)
		}
	}
	return names
}
