// Command matrix is the first process of a virtual machine in which the tests of
// the probe run on another kernel: see matrix.sh. It mounts what the tests need,
// brings the loopback interface up, runs the test binary with the arguments that
// stand behind "--" on the kernel command line, prints "KERNEL RELEASE" and "RESULT rc=N", and turns
// the machine off.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

const payload = "/probe.test"

func main() {
	rc := 1
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		fmt.Printf("KERNEL %s\n", unix.ByteSliceToString(u.Release[:]))
	}
	if err := prepare(); err != nil {
		fmt.Println("init:", err)
	} else {
		rc = run(os.Args[1:])
	}
	fmt.Printf("RESULT rc=%d\n", rc)
	unix.Sync()
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Println("init: power off:", err)
	}
	select {} // the kernel panics when its first process ends
}

func prepare() error {
	mounts := []struct {
		fs, dir  string
		optional bool
	}{
		{"proc", "/proc", false},
		{"sysfs", "/sys", false},
		{"devtmpfs", "/dev", false},
		{"tracefs", "/sys/kernel/tracing", true},
		{"bpf", "/sys/fs/bpf", true},
		{"securityfs", "/sys/kernel/security", true},
		{"cgroup2", "/sys/fs/cgroup", true},
		{"tmpfs", "/tmp", false},
	}
	for _, m := range mounts {
		if err := os.MkdirAll(m.dir, 0o755); err != nil && !m.optional {
			return err
		}
		if err := unix.Mount(m.fs, m.dir, m.fs, 0, ""); err != nil && !m.optional {
			return fmt.Errorf("mounting %s: %w", m.dir, err)
		}
	}
	if err := applets(); err != nil {
		return err
	}
	return loopbackUp()
}

// applets makes the names under which busybox is called.
func applets() error {
	for _, name := range []string{"sh", "true", "cat", "sleep"} {
		if err := os.Symlink("busybox", filepath.Join("/bin", name)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// loopbackUp sets IFF_UP on lo.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return fmt.Errorf("bringing lo up: %w", err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFFLAGS, uintptr(unsafe.Pointer(ifr))); errno != 0 {
		return fmt.Errorf("bringing lo up: %w", errno)
	}
	return nil
}

func run(args []string) int {
	cmd := exec.Command(payload, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	cmd.Env = []string{"PATH=/bin", "HOME=/", "TMPDIR=/tmp", "SYSREEL_REQUIRE_ROOT=1"}
	cmd.Dir = "/tmp"
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	fmt.Println("init:", err)
	return 1
}
