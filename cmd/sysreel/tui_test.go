package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// terminal is a tmux session with a shell in it.
type terminal struct {
	t      *testing.T
	socket string
	dir    string
}

// newTerminal starts a shell of a known prompt in a terminal of 120x36. The test
// binary itself is sysreel there.
func newTerminal(t *testing.T) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed")
	}
	if testing.Short() {
		t.Skip("drives a terminal")
	}
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(dir, "sysreel")); err != nil {
		t.Fatal(err)
	}
	tm := &terminal{t: t, socket: filepath.Join(dir, "tmux.sock"), dir: dir}
	t.Cleanup(func() { exec.Command("tmux", "-S", tm.socket, "kill-server").Run() })
	tm.tmux("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "36", "-c", dir, "env", "PS1=ready> ", "PATH="+dir+":"+os.Getenv("PATH"), "sh")
	tm.wait("ready>")
	return tm
}

func (tm *terminal) tmux(args ...string) string {
	tm.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", tm.socket}, args...)...).CombinedOutput()
	if err != nil {
		tm.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (tm *terminal) keys(keys ...string) {
	tm.t.Helper()
	tm.tmux(append([]string{"send-keys"}, keys...)...)
}

func (tm *terminal) typed(text string) {
	tm.t.Helper()
	tm.tmux("send-keys", "-l", text)
}

func (tm *terminal) screen() string { return tm.tmux("capture-pane", "-p") }

// wait waits until every text is on the screen.
func (tm *terminal) wait(texts ...string) string {
	tm.t.Helper()
	var got string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		got = tm.screen()
		all := true
		for _, text := range texts {
			all = all && strings.Contains(got, text)
		}
		if all {
			return got
		}
	}
	tm.t.Fatalf("the screen never showed %q; it shows\n%s", texts, got)
	return ""
}

// incidentCopy puts the bundled incident where an index may be made beside it.
func (tm *terminal) incidentCopy() {
	tm.t.Helper()
	b, err := os.ReadFile(filepath.Join("demo", "incident.scap.zst"))
	if err != nil {
		tm.t.Skipf("the bundled incident is not there: %v", err)
	}
	if err := os.WriteFile(filepath.Join(tm.dir, "incident.scap.zst"), b, 0o600); err != nil {
		tm.t.Fatal(err)
	}
}

// TestTUIStory walks through a recorded incident as a person does: from an alert
// to its event, to the process tree, to what the process did, and narrows that.
func TestTUIStory(t *testing.T) {
	tm := newTerminal(t)
	tm.incidentCopy()
	tm.typed("sysreel tui incident.scap.zst")
	tm.keys("Enter")
	tm.wait("incident.scap.zst", "idx 100%", "[1 Events]", "ARGS")
	tm.keys("5")
	tm.wait("[5 Alerts]", "PRIORITY", "Why it matched", "true")
	tm.keys("Enter")
	tm.wait("> alert 1", "[1 Events]", "\nAlerts ")
	tm.keys("p")
	tm.wait("[2 Procs]", "PROCESS TREE", "lifetime", "Open at T")
	tm.keys("Enter")
	tm.wait("[1 Events]", "proc.pid ")
	tm.keys("/", "C-u")
	tm.typed("evt.type = execve")
	tm.keys("Enter")
	// The history hint is back when the prompt is closed and the filter applies.
	got := tm.wait(" Filter: evt.type = execve ", "F4 history", "execve       res")
	if strings.Contains(got, "openat  ") {
		t.Errorf("the filter shows other events too:\n%s", got)
	}
	tm.keys("u")
	tm.wait(" Filter: proc.pid ")
	tm.keys("m", "a", "q")
	tm.wait("ready>")
	tm.typed("echo left=$?")
	tm.keys("Enter")
	if got := tm.wait("left=0"); strings.Contains(got, "PROCESS") {
		t.Errorf("the terminal was not restored:\n%s", got)
	}
	// The place and the mark come back.
	tm.typed("sysreel tui incident.scap.zst")
	tm.keys("Enter")
	tm.wait(" Filter: proc.pid ", "marks: a=")
}

// TestTUIEnds checks that the terminal is restored however the UI ends.
func TestTUIEnds(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		tm := newTerminal(t)
		tm.incidentCopy()
		tm.typed("sh -c 'echo $$ >pid; exec sysreel tui incident.scap.zst'; stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e icanon | tr '\\n' ' '; echo over")
		tm.keys("Enter")
		tm.wait("idx 100%", "[1 Events]")
		b, err := os.ReadFile(filepath.Join(tm.dir, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		if err := exec.Command("kill", fmt.Sprintf("-%d", sig), strings.TrimSpace(string(b))).Run(); err != nil {
			t.Fatal(err)
		}
		tm.wait("ended by a signal", "icanon echo over")
	}
}

// TestTUICaptureGone checks that a capture deleted underneath is reported.
func TestTUICaptureGone(t *testing.T) {
	tm := newTerminal(t)
	tm.incidentCopy()
	tm.typed("sysreel tui incident.scap.zst")
	tm.keys("Enter")
	tm.wait("idx 100%", "[1 Events]")
	if err := os.Remove(filepath.Join(tm.dir, "incident.scap.zst")); err != nil {
		t.Fatal(err)
	}
	tm.wait("the capture is gone")
	tm.keys("q")
	tm.wait("ready>")
}

// TestTUISmall resizes to less than the UI can use and back.
func TestTUISmall(t *testing.T) {
	tm := newTerminal(t)
	tm.incidentCopy()
	tm.typed("sysreel tui incident.scap.zst")
	tm.keys("Enter")
	tm.wait("[1 Events]")
	tm.tmux("resize-window", "-x", "40", "-y", "6")
	tm.wait("sysreel needs 60x15")
	tm.tmux("resize-window", "-x", "120", "-y", "36")
	tm.wait("[1 Events]", "ARGS")
	tm.keys("q")
}
