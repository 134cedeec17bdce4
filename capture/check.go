package capture

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/sysreel/sysreel/probe"
	"golang.org/x/sys/unix"
)

// Fact is something about this host that helps to judge a report from it.
type Fact struct {
	Name  string
	Value string
}

// Facts describes this host.
func Facts() []Fact {
	facts := []Fact{{"architecture", runtime.GOARCH}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, Fact{name, value})
		}
	}
	add("kernel", KernelRelease())
	add("system", OSName())
	m := machineInfo(BootTime())
	add("processors", fmt.Sprintf("%d online of %d possible to this process", m.NumCPUs, runtime.NumCPU()))
	add("memory", fmt.Sprintf("%d MiB", m.MemoryB>>20))
	add("clock source", fileLine("/sys/devices/system/clocksource/clocksource0/current_clocksource"))
	add("user", fmt.Sprintf("uid %d", os.Geteuid()))
	add("capabilities", fmt.Sprintf("%#x", ownCapabilities()))
	add("locked memory limit", lockedMemory())
	add("/proc", procAccess())
	add("cgroups", cgroupMode())
	add("security modules", fileLine("/sys/kernel/security/lsm"))
	return facts
}

// KernelRelease returns the kernel's release as "uname -r".
func KernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// OSName returns the name of the distribution, "" when it does not say.
func OSName() string {
	b, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return ""
}

// Check says what a recording on this host depends on: what the probe needs of
// the kernel, and what the host snapshot needs of /proc.
func Check() []probe.Feature {
	return append(probe.Check(), checkPidns())
}

// checkPidns: the probe numbers tasks as the first pid namespace does, the
// snapshot as this process' one.
func checkPidns() probe.Feature {
	f := probe.Feature{Name: "host pid namespace"}
	ns := namespaceOf(newProcfs("/proc"), unix.AT_FDCWD, "/proc/self/ns/pid")
	f.OK = ns == initPidnsNo
	f.Detail = fmt.Sprintf("pid:[%d]", ns)
	if !f.OK {
		f.Remedy = "run in the host's pid namespace (docker run --pid=host, kubernetes hostPID: true): process numbers of events and of the snapshot differ otherwise"
	}
	return f
}

// procAccess tells of how many processes the snapshot can read the executable and
// the descriptors. It falls short without CAP_SYS_PTRACE, under hidepid, and of
// processes that the kernel protects.
func procAccess() string {
	p := newProcfs("/proc")
	dir, err := p.open(-1, "")
	if err != nil {
		return err.Error()
	}
	defer unix.Close(dir)
	readable, all := 0, 0
	err = p.numbers(dir, func(_ int, name string) {
		switch _, err := p.readlink(dir, name+"/exe"); err {
		case nil:
			readable++
			all++
		case unix.EACCES, unix.EPERM:
			all++
		}
		// A kernel thread has no executable, a process may be gone.
	})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d of %d processes are readable", readable, all)
}

func ownCapabilities() uint64 {
	var caps uint64
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	colonLines(b, func(key, v []byte) {
		if string(key) == "CapEff" {
			caps = hexadecimal(v)
		}
	})
	return caps
}

func lockedMemory() string {
	var l unix.Rlimit
	switch err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &l); {
	case err != nil:
		return ""
	case l.Cur == unix.RLIM_INFINITY:
		return "unlimited"
	}
	return fmt.Sprintf("%d KiB", l.Cur>>10)
}

func cgroupMode() string {
	switch n := newCgroupNamer(); n.unified {
	case "":
		return "version 1, or not mounted"
	case "/sys/fs/cgroup":
		return "version 2"
	}
	return "version 1 and 2"
}

// fileLine returns the first line of a file, "" when it cannot be read.
func fileLine(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	return string(line)
}
