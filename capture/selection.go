package capture

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Selection is what a session records: a set of system calls, and whether calls
// were added to it because state cannot be kept without them.
type Selection struct {
	// Codes are the PPM_SC codes of the system calls to record on this
	// architecture, ascending.
	Codes []uint16
	// Added are the names of the calls among them that nobody asked for, in the
	// order of their codes.
	Added []string
	// Unreliable are fields (and families of fields, as "fd.*") that a replay of
	// the recording cannot be trusted in, because calls that change them are not
	// recorded. Only an exact selection has any.
	Unreliable []string

	// Opt-in tracepoints.
	Switch     bool // sched_switch: every context switch
	PageFaults bool // page_fault_user, page_fault_kernel
	Signals    bool // signal_deliver
}

// UnknownNameError says that something the user named does not exist. Known lists
// what exists, for a suggestion.
type UnknownNameError struct {
	Kind  string // "system call" or "set"
	Name  string
	Known []string
}

func (e *UnknownNameError) Error() string {
	return fmt.Sprintf("no %s is called %q", e.Kind, e.Name)
}

// ParseSyscalls returns the PPM_SC codes of the calls in a list of names,
// separated by commas or white space. A name is that of a system call ("pread64"),
// or of an event ("pread", "procexit"), which stands for every call that appears
// as this event. The error is an *UnknownNameError.
func ParseSyscalls(list string) ([]uint16, error) {
	var codes []uint16
	for _, name := range splitList(list) {
		c := callsNamed(name)
		if c == nil {
			return nil, &UnknownNameError{Kind: "system call", Name: name, Known: SyscallNames()}
		}
		codes = append(codes, c...)
	}
	return sortedSet(codes), nil
}

// callsNamed returns the codes that name stands for, nil if none.
func callsNamed(name string) []uint16 {
	if s := schema.SyscallByName(name); s != nil && s.Code != 0 {
		return []uint16{s.Code}
	}
	var codes []uint16
	for i := range schema.Syscalls() {
		s := &schema.Syscalls()[i]
		if s.Generic() || s.Code == 0 {
			continue
		}
		if e := schema.Lookup(s.Exit); e != nil && e.Name == name {
			codes = append(codes, s.Code)
		}
	}
	return codes
}

// ParseSets returns the PPM_SC codes of the calls in any of the named sets. The
// error is an *UnknownNameError.
func ParseSets(list string) ([]uint16, error) {
	var codes []uint16
	for _, name := range splitList(list) {
		c := setNamed(strings.TrimPrefix(name, "%")) // strace's spelling
		if c == nil {
			return nil, &UnknownNameError{Kind: "set", Name: name, Known: SetNames()}
		}
		codes = append(codes, c...)
	}
	return sortedSet(codes), nil
}

func setNamed(name string) []uint16 {
	switch name {
	case "all":
		return callsWhere(func(s *schema.Syscall) bool { return !optIn(s) })
	case "state":
		return callsWhere(func(s *schema.Syscall) bool {
			return s.Flags&(schema.ScState|schema.ScRepair) != 0
		})
	case "net":
		name = "network"
	}
	for _, t := range setTables {
		if t.name == name {
			codes, err := ParseSyscalls(t.calls)
			if err != nil {
				panic("capture: set " + name + ": " + err.Error()) // a test reads every table
			}
			return codes
		}
	}
	return nil
}

// SetNames lists the selection sets.
func SetNames() []string {
	var names []string
	for _, t := range setTables {
		names = append(names, t.name)
	}
	return append(names, "net", "state", "all")
}

// SyscallNames lists the names that ParseSyscalls understands as system calls.
func SyscallNames() []string {
	var names []string
	for _, s := range schema.Syscalls() {
		if s.Code != 0 {
			names = append(names, s.Name)
		}
	}
	return names
}

// NewSelection makes a selection of the calls that a user chose. Unless exact is
// set it adds the calls that keep the state which the chosen ones need to be
// understood: whose process it is, what a descriptor refers to, as whom it runs.
// Calls that this architecture does not have are left out; the error says that
// nothing is left.
func NewSelection(chosen []uint16, exact bool) (Selection, error) {
	var sel Selection
	want := map[uint16]bool{}
	for _, c := range chosen {
		if s := schema.SyscallByCode(c); s != nil && present(s) {
			want[c] = true
		}
	}
	if len(want) == 0 {
		return sel, fmt.Errorf("none of the selected system calls exists on %s", runtime.GOARCH)
	}
	need := stateCalls(chosen)
	if exact {
		sel.Unreliable = unreliable(want)
	}
	for i := range schema.Syscalls() {
		s := &schema.Syscalls()[i]
		switch {
		case want[s.Code]:
		case !exact && need[s.Code] && present(s):
			sel.Added = append(sel.Added, s.Name)
		default:
			continue
		}
		switch s.Symbol {
		case "PPM_SC_SCHED_SWITCH":
			sel.Switch = true
		case "PPM_SC_PAGE_FAULT_USER", "PPM_SC_PAGE_FAULT_KERNEL":
			sel.PageFaults = true
		case "PPM_SC_SIGNAL_DELIVER":
			sel.Signals = true
		}
		sel.Codes = append(sel.Codes, s.Code)
	}
	slices.Sort(sel.Codes)
	return sel, nil
}

// stateCalls returns the calls that keep the state which the chosen calls need.
// Processes, directories and ids are always needed; descriptors when any chosen
// call works on one (also as the directory a path starts from). Calls that move
// data are not added although the libs count some of them as state: what they
// tell of a socket stands in their own event, and their rate would be the cost.
func stateCalls(chosen []uint16) map[uint16]bool {
	need := map[uint16]bool{}
	add := func(f func(*schema.Syscall) bool) {
		for _, c := range callsWhere(f) {
			need[c] = true
		}
	}
	add(func(s *schema.Syscall) bool { return s.Flags&schema.ScRepair != 0 })
	onFD, onNet := false, false
	for _, c := range chosen {
		s := schema.SyscallByCode(c)
		if s == nil {
			continue
		}
		onFD = onFD || usesFD(s)
		onNet = onNet || slices.Contains(networkCalls, c)
	}
	if onFD {
		add(func(s *schema.Syscall) bool {
			return s.Flags&schema.ScState != 0 && s.Flags&schema.ScIo == 0 &&
				s.Name != "getsockopt" && s.Name != "shutdown"
		})
	}
	if onNet { // the outcome of a connect that did not block
		add(func(s *schema.Syscall) bool { return s.Name == "getsockopt" })
	}
	return need
}

var (
	networkCalls = setNamed("network")
	descCalls    = setNamed("desc")
	execCalls    = setNamed("exec")
)

// usesFD reports whether a call takes or returns descriptors.
func usesFD(s *schema.Syscall) bool {
	if slices.Contains(descCalls, s.Code) || slices.Contains(networkCalls, s.Code) {
		return true
	}
	e := schema.Lookup(s.Exit)
	return e != nil && e.Flags&(schema.EF_USES_FD|schema.EF_CREATES_FD|schema.EF_DESTROYS_FD) != 0
}

// stateGroups say which fields depend on which calls.
var stateGroups = []struct{ calls, fields string }{
	{"clone clone3 fork vfork sched_process_exit", "proc.* thread.*"},
	{"execve execveat", "proc.name proc.exe proc.exepath proc.args proc.cmdline proc.env"},
	{"open openat openat2 creat open_by_handle_at close close_range dup dup2 dup3 fcntl pipe pipe2 socketpair " +
		"eventfd2 epoll_create1 timerfd_create signalfd4 memfd_create pidfd_open io_uring_setup inotify_init1", "fd.*"},
	{"socket bind connect accept accept4", "fd.sip fd.cip fd.sport fd.cport fd.l4proto fd.is_server"},
	{"chdir fchdir chroot", "proc.cwd fs.path.*"},
	{"setuid setresuid setreuid", "user.*"},
	{"setgid setresgid setregid", "group.*"},
	{"setsid setpgid", "proc.sid proc.vpgid"},
	{"capset", "thread.cap_*"},
}

// unreliable lists the fields that a recording of these calls alone gets wrong.
func unreliable(want map[uint16]bool) []string {
	var fields []string
	for _, g := range stateGroups {
		codes, err := ParseSyscalls(g.calls)
		if err != nil {
			panic("capture: state group: " + err.Error()) // a test reads the table
		}
		for _, c := range codes {
			if !want[c] && present(schema.SyscallByCode(c)) {
				fields = append(fields, strings.Fields(g.fields)...)
				break
			}
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// optIn reports whether s is a tracepoint that is recorded only when named: its
// rate has nothing to do with what programs ask of the kernel.
func optIn(s *schema.Syscall) bool {
	return s.Flags&schema.ScTracepoint != 0 && s.Symbol != "PPM_SC_SCHED_PROCESS_EXIT"
}

// present reports whether a call exists on this architecture.
func present(s *schema.Syscall) bool {
	if s.Flags&schema.ScTracepoint != 0 {
		return s.Code != 0
	}
	if runtime.GOARCH == "arm64" {
		return s.AArch64 >= 0
	}
	return s.X86_64 >= 0
}

func callsWhere(f func(*schema.Syscall) bool) []uint16 {
	var codes []uint16
	for i := range schema.Syscalls() {
		if s := &schema.Syscalls()[i]; s.Code != 0 && f(s) {
			codes = append(codes, s.Code)
		}
	}
	return codes
}

func splitList(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}

func sortedSet(codes []uint16) []uint16 {
	slices.Sort(codes)
	return slices.Compact(codes)
}
