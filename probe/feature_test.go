package probe

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestCheck(t *testing.T) {
	found := map[string]Feature{}
	for _, f := range Check() {
		if f.Name == "" || f.Detail == "" {
			t.Errorf("incomplete: %+v", f)
		}
		if f.OK != (f.Remedy == "") {
			t.Errorf("%s: ok %v, remedy %q", f.Name, f.OK, f.Remedy)
		}
		if _, twice := found[f.Name]; twice {
			t.Errorf("%s stands twice", f.Name)
		}
		found[f.Name] = f
	}
	skipUnlessPrivileged(t)
	for _, name := range []string{"capabilities", "kernel BTF", "BPF ring buffer", "hook raw_tp/sys_exit", "sysreel probe"} {
		if !found[name].OK {
			t.Errorf("the probe loads, but %+v", found[name])
		}
	}
}

// TestNoPrivilege loads the probe as an ordinary user, in a process of its own.
func TestNoPrivilege(t *testing.T) {
	if os.Getuid() != 0 {
		p, err := New(Config{})
		if err == nil {
			p.Close()
			t.Skip("this user may load BPF programs")
		}
		if !errors.Is(err, ErrNoPrivilege) || strings.Contains(err.Error(), "rlimit") {
			t.Errorf("New returned %v, want ErrNoPrivilege without a guess at the memory limit", err)
		}
		return
	}
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp("", "probe.test")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(exe); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Chmod(0o755), f.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(f.Name(), "-test.run=^TestNoPrivilege$", "-test.v")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
