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
	var facts []Fact
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, Fact{name, value})
		}
	}
	add("system", OSName())
	m := machineInfo(BootTime())
	add("processors", fmt.Sprintf("%d online of %d possible to this process", m.NumCPUs, runtime.NumCPU()))
	add("memory", fmt.Sprintf("%d MiB", m.MemoryB>>20))
	add("clock source", fileLine("/sys/devices/system/clocksource/clocksource0/current_clocksource"))
	add("user", fmt.Sprintf("uid %d", os.Geteuid()))
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

// Names of the requirements without which nothing can be recorded. The others have
// substitutes, or explain why one of these is not met.
const (
	featureProbe = "sysreel probe" // loads into this kernel
	featurePidns = "pid namespace" // events and snapshot number tasks alike
)

// Ready reports whether a host with these features (see probe.Check) can record.
func Ready(features []probe.Feature) bool {
	met := 0
	for _, f := range features {
		if f.OK && (f.Name == featureProbe || f.Name == featurePidns) {
			met++
		}
	}
	return met == 2
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
