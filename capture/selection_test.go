package capture

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

func names(codes []uint16) []string {
	var list []string
	for _, c := range codes {
		list = append(list, schema.SyscallByCode(c).Name)
	}
	return list
}

func TestSetTables(t *testing.T) {
	for _, set := range setTables {
		codes, err := ParseSyscalls(set.calls)
		if err != nil {
			t.Errorf("set %s: %v", set.name, err)
		}
		list := strings.Fields(set.calls)
		if !slices.IsSorted(list) && set.name != "exec" {
			t.Errorf("set %s is not sorted", set.name)
		}
		// A set names system calls, never events: one code a name.
		if len(codes) != len(list) {
			t.Errorf("set %s: %d names stand for %d calls", set.name, len(list), len(codes))
		}
	}
	for _, g := range stateGroups {
		if _, err := ParseSyscalls(g.calls); err != nil {
			t.Errorf("state group %q: %v", g.fields, err)
		}
	}
}

func TestSetsMeanWhatStraceMeans(t *testing.T) {
	tests := []struct {
		set     string
		in, out string
	}{
		{"file", "openat stat unlink execve mount chmod", "read write close fchmod connect"},
		{"process", "clone execve exit_group wait4 kill sched_process_exit", "open ptrace"},
		{"network", "socket connect accept4 sendto recvmsg shutdown", "read write"},
		{"net", "socket connect", "read"},
		{"desc", "read write close dup3 openat mmap epoll_wait", "socket unlink"},
		{"signal", "kill rt_sigaction pause signalfd4", "wait4"},
		{"ipc", "shmget msgsnd semop", "pipe"},
		{"memory", "mmap mprotect brk", "read"},
		{"creds", "setuid capset prctl setgroups", "setsid"},
		{"exec", "execve execveat", "clone"},
		{"%file,exec", "openat execveat", "read"},
		{"state", "clone execve openat close setuid sched_process_exit", "read write getpid"},
		{"all", "getpid read io_uring_enter sched_process_exit", "sched_switch page_fault_user signal_deliver"},
	}
	for _, tt := range tests {
		codes, err := ParseSets(tt.set)
		if err != nil {
			t.Errorf("set %s: %v", tt.set, err)
			continue
		}
		got := names(codes)
		for _, n := range strings.Fields(tt.in) {
			if !slices.Contains(got, n) {
				t.Errorf("set %s lacks %s", tt.set, n)
			}
		}
		for _, n := range strings.Fields(tt.out) {
			if slices.Contains(got, n) {
				t.Errorf("set %s has %s", tt.set, n)
			}
		}
	}
}

func TestParseSyscalls(t *testing.T) {
	tests := []struct{ list, want string }{
		{"openat", "openat"},
		{"connect,openat connect", "openat connect"},
		{"pread", "pread64"}, // the event's name
		{"umount2", "umount2"},
		{"procexit", "sched_process_exit"},
		{"open,\topenat\n", "open openat"},
		{"", ""},
	}
	for _, tt := range tests {
		codes, err := ParseSyscalls(tt.list)
		if got := strings.Join(names(codes), " "); err != nil || got != tt.want {
			t.Errorf("ParseSyscalls(%q) = %q, %v; want %q", tt.list, got, err, tt.want)
		}
	}
	for _, list := range []string{"opnat", "open,unknown", "read;write"} {
		_, err := ParseSyscalls(list)
		var unknown *UnknownNameError
		if !errors.As(err, &unknown) || !slices.Contains(unknown.Known, "openat") {
			t.Errorf("ParseSyscalls(%q) error = %v, want an UnknownNameError", list, err)
		}
	}
	if _, err := ParseSets("files"); err == nil || !strings.Contains(err.Error(), `no set is called "files"`) {
		t.Errorf("ParseSets(files) error = %v", err)
	}
}

func selectNames(t *testing.T, list string, exact bool) Selection {
	t.Helper()
	codes, err := ParseSyscalls(list)
	if err != nil {
		t.Fatal(err)
	}
	sel, err := NewSelection(codes, exact)
	if err != nil {
		t.Fatal(err)
	}
	return sel
}

func TestSelectionAddsState(t *testing.T) {
	tests := []struct{ list, added, notAdded string }{
		// A program's start says nothing of descriptors.
		{"execve", "clone clone3 execveat sched_process_exit chdir setuid setsid capset", "openat close dup3 socket execve"},
		{"kill", "execve clone", "openat"},
		{"read", "openat close dup3 pipe2 socket connect accept4 fcntl clone execve", "read sendto recvmsg getsockopt"},
		{"openat", "close dup3 chdir", "openat write"}, // a directory descriptor starts paths
		{"connect", "socket close getsockopt bind", "connect sendmsg"},
	}
	for _, tt := range tests {
		sel := selectNames(t, tt.list, false)
		for _, n := range strings.Fields(tt.added) {
			s := schema.SyscallByName(n)
			if !slices.Contains(sel.Added, n) || !slices.Contains(sel.Codes, s.Code) {
				t.Errorf("%s: %s is not added", tt.list, n)
			}
		}
		for _, n := range strings.Fields(tt.notAdded) {
			if slices.Contains(sel.Added, n) {
				t.Errorf("%s: %s is added", tt.list, n)
			}
		}
		if len(sel.Unreliable) != 0 {
			t.Errorf("%s: unreliable fields %v", tt.list, sel.Unreliable)
		}
		if !slices.IsSorted(sel.Codes) {
			t.Errorf("%s: codes are not sorted", tt.list)
		}
	}
}

func TestExactSelection(t *testing.T) {
	sel := selectNames(t, "read", true)
	if got := strings.Join(names(sel.Codes), " "); got != "read" || sel.Added != nil {
		t.Errorf("codes = %s, added %v; want read alone", got, sel.Added)
	}
	for _, f := range []string{"fd.*", "proc.*", "user.*", "proc.cwd"} {
		if !slices.Contains(sel.Unreliable, f) {
			t.Errorf("unreliable fields %v lack %s", sel.Unreliable, f)
		}
	}
	all, err := ParseSets("all")
	if err != nil {
		t.Fatal(err)
	}
	if sel, err = NewSelection(all, true); err != nil || len(sel.Unreliable) != 0 {
		t.Errorf("exact selection of all calls: unreliable %v, %v", sel.Unreliable, err)
	}
	if sel.Switch || sel.PageFaults || sel.Signals {
		t.Errorf("all calls switch opt-in tracepoints on: %+v", sel)
	}
}

func TestOptInTracepoints(t *testing.T) {
	sel := selectNames(t, "sched_switch,signaldeliver,page_fault_user", true)
	if !sel.Switch || !sel.PageFaults || !sel.Signals {
		t.Errorf("tracepoints named are off: %+v", sel)
	}
}

func TestSelectionOfNothing(t *testing.T) {
	codes, err := ParseSyscalls("s390_sthyi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewSelection(codes, false); err == nil {
		t.Error("a selection of calls that no machine here has is accepted")
	}
	if _, err := NewSelection(nil, false); err == nil {
		t.Error("an empty selection is accepted")
	}
}
