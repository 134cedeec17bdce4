package capture

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// run starts a command, lets it run and waits.
func run(t *testing.T, argv ...string) int {
	t.Helper()
	c, err := StartCommand(argv)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.release(); err != nil {
		t.Fatal(err)
	}
	code, err := c.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestCommandStatus(t *testing.T) {
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte("not a program"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		argv []string
		want int
	}{
		{[]string{"true"}, 0},
		{[]string{"sh", "-c", "exit 42"}, 42},
		{[]string{"sh", "-c", "kill -TERM $$"}, 128 + int(syscall.SIGTERM)},
		{[]string{file}, exitCannotRun}, // ENOEXEC
	}
	for _, tt := range tests {
		if got := run(t, tt.argv...); got != tt.want {
			t.Errorf("%q: status %d, want %d", tt.argv, got, tt.want)
		}
	}
	if _, err := StartCommand([]string{"no-such-program-here"}); err == nil {
		t.Error("a program that does not exist was started")
	}
}

// TestCommandIsUntouched checks that the program sees the arguments, environment,
// descriptors, limits and signals that it would have without a gate.
func TestCommandIsUntouched(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SYSREEL_TEST_VALUE", "kept")
	argv := func(name string) []string {
		script := `{ echo "$0|$1|$SYSREEL_TEST_VALUE"; ls /proc/$$/fd; ulimit -n; grep ^SigI /proc/$$/status; env | sort; } >` +
			filepath.Join(dir, name)
		return []string{"sh", "-c", script, "name", "a b"}
	}
	if code := run(t, argv("gate")...); code != 0 {
		t.Fatalf("status %d", code)
	}
	plain := argv("plain")
	if err := exec.Command(plain[0], plain[1:]...).Run(); err != nil {
		t.Fatal(err)
	}
	var got [2]string
	for i, name := range []string{"gate", "plain"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got[i] = string(b)
	}
	if !strings.HasPrefix(got[0], "name|a b|kept\n") {
		t.Errorf("program saw %q", got[0])
	}
	if diff := cmp.Diff(got[1], got[0]); diff != "" {
		t.Errorf("program sees a difference (-plain +gate):\n%s", diff)
	}
}

func TestCommandAbandoned(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	c, err := StartCommand([]string{"touch", file})
	if err != nil {
		t.Fatal(err)
	}
	c.Abandon()
	if _, err := os.Stat(file); err == nil {
		t.Error("an abandoned command ran")
	}
}

// TestCommandDisguise checks what the snapshot says of a waiting command.
func TestCommandDisguise(t *testing.T) {
	c, err := StartCommand([]string{"true"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Abandon()
	s, th := snapshotOf(t, c.PID())
	c.disguise(s, false)
	n := 0
	for i := range s.Threads {
		if s.Threads[i].PID == int64(c.PID()) {
			n++
			th = &s.Threads[i]
		}
	}
	if n != 1 {
		t.Errorf("the command has %d threads, want 1", n)
	}
	if th.Exe == gateName || th.PTID != int64(os.Getpid()) || !slices.Equal(th.Args, os.Args[1:]) {
		t.Errorf("the command looks like %q %q", th.Exe, th.Args)
	}
	for _, fd := range th.FDs {
		// Beyond the standard ones, only what this process itself inherited.
		if fd.Num > 2 && closesOnExec(os.Getpid(), fd.Num) {
			t.Errorf("descriptor %+v does not survive the execve", fd)
		}
	}
	c.disguise(s, true)
	for _, t2 := range s.Threads {
		if t2.TID == int64(c.PID()) && (t2.Comm != "true" || t2.Exe != "true" || !filepath.IsAbs(t2.ExePath) || len(t2.Args) != 0) {
			t.Errorf("the command whose execve is not recorded looks like %+v", t2)
		}
	}
}
