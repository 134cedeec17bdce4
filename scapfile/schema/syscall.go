package schema

// ScFlags are the sets a system call belongs to in the libs' tables.
type ScFlags uint16

// System call sets. The strace-style sets of the command line are in package capture.
const (
	ScState      ScFlags = 1 << iota // needed to keep process and descriptor state
	ScRepair                         // always added by the libs' state repair
	ScSimple                         // enforced for simple consumers
	ScNeverDrop                      // never sampled away
	ScTracepoint                     // a kernel tracepoint, not a system call
	ScFile
	ScNet
	ScIo
	ScIoOther
	ScProcess
	ScSys
)

// Syscall describes one system call, independent of the architecture.
type Syscall struct {
	Code    uint16    // PPM_SC code, parameter 0 of generic events
	Symbol  string    // PPM_SC name
	Name    string    // as users write it
	X86_64  int16     // number on x86_64, -1 if it has none
	AArch64 int16     // number on aarch64, -1 if it has none
	Exit    EventType // event of its return; PPME_GENERIC_X if it has no dedicated one
	Flags   ScFlags
}

// Syscalls returns the table of system calls, ordered by code. Do not modify it.
func Syscalls() []Syscall { return syscalls[:] }

// Generic reports whether s has no dedicated event.
func (s *Syscall) Generic() bool { return s.Exit == PPME_GENERIC_X }

// SyscallByCode returns the system call with a PPM_SC code, nil if unknown.
func SyscallByCode(code uint16) *Syscall {
	if int(code) < len(syscalls) && syscalls[code].Code == code {
		return &syscalls[code]
	}
	for i := range syscalls {
		if syscalls[i].Code == code {
			return &syscalls[i]
		}
	}
	return nil
}

// SyscallByName returns the system call that users call name, nil if unknown.
func SyscallByName(name string) *Syscall {
	for i := range syscalls {
		if syscalls[i].Name == name {
			return &syscalls[i]
		}
	}
	return nil
}

// IA32Number maps a 32-bit x86 system call number to the x86_64 number of the
// same call, -1 if there is none.
func IA32Number(nr int) int {
	if nr < 0 || nr >= len(ia32) {
		return -1
	}
	return int(ia32[nr])
}
