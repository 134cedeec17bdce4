package capture

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sysreel/sysreel/scapfile"
)

// helperEnv makes the test binary play a part in a test instead of running tests.
const helperEnv = "SYSREEL_CAPTURE_TEST_HELPER"

func TestMain(m *testing.M) {
	RunGate()
	if part, arg, _ := strings.Cut(os.Getenv(helperEnv), ":"); part != "" {
		helper(part, arg)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// helper does what part says, tells "ready" with a result, and waits until its
// standard input ends.
func helper(part, arg string) {
	switch part {
	case "listen": // arg: address
		l, err := net.Listen("tcp4", arg)
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		defer l.Close()
		fmt.Println("ready", l.Addr())
	case "threads":
		for range 3 {
			go func() {
				runtime.LockOSThread()
				select {}
			}()
		}
		time.Sleep(100 * time.Millisecond)
		fmt.Println("ready")
	default:
		fmt.Println("ready")
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

// startHelper starts the test binary in a part and waits until it is ready. What
// it told is returned. It ends with the test.
func startHelper(t *testing.T, part string, prepare func(*exec.Cmd)) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "one", "two words", "")
	cmd.Env = []string{helperEnv + "=" + part, "COLOUR=blue"}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if prepare != nil {
		prepare(cmd)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait()
	})
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	what, ok := strings.CutPrefix(strings.TrimSpace(line), "ready")
	if !ok {
		t.Fatalf("helper %s says %q", part, line)
	}
	return cmd, strings.TrimSpace(what)
}

// snapshotOf takes a snapshot and returns it with a process' main thread.
func snapshotOf(t *testing.T, pid int) (*scapfile.Snapshot, *scapfile.Thread) {
	t.Helper()
	s, err := TakeSnapshot(SnapshotOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Threads {
		if s.Threads[i].TID == int64(pid) {
			return s, &s.Threads[i]
		}
	}
	t.Fatalf("process %d is not in the snapshot", pid)
	return nil, nil
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}
