package capture

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/sysreel/sysreel/scapfile"
	"golang.org/x/sys/unix"
)

// gateName is argv[0] of a child that waits to become a command. gateFD is where
// it waits.
const (
	gateName = "sysreel-command-gate"
	gateFD   = 3
)

// Exit codes of a command that could not be run, as shells have them.
const (
	exitCannotRun = 126
	exitNotFound  = 127
)

// Command is a child process that waits until the probe follows it, and then runs
// a program. Nothing of the waiting appears in the recording.
type Command struct {
	cmd  *exec.Cmd
	gate *os.File
	path string
}

// RunGate turns this process into the command it waits for, when it was started
// as one by StartCommand; otherwise it returns at once. A program that uses
// StartCommand calls it first thing in main.
func RunGate() {
	if len(os.Args) < 3 || os.Args[0] != gateName {
		return
	}
	path, argv := os.Args[1], os.Args[2:]
	unix.CloseOnExec(gateFD)
	var b [1]byte
	n, err := ignoreEINTR(func() (int, error) { return unix.Read(gateFD, b[:]) })
	if n != 1 || err != nil {
		os.Exit(exitCannotRun) // the recorder is gone
	}
	err = syscall.Exec(path, argv, os.Environ())
	fmt.Fprintf(os.Stderr, "sysreel: running %s: %v\n", path, err)
	if errors.Is(err, unix.ENOENT) {
		os.Exit(exitNotFound)
	}
	os.Exit(exitCannotRun)
}

// StartCommand starts a child that will run argv, found as a shell finds it, with
// this process' standard streams, environment and directory. It waits until a
// session that has it in its Options lets it go; Abandon ends it otherwise.
func StartCommand(argv []string) (*Command, error) {
	if len(argv) == 0 {
		return nil, errors.New("no command to run")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the command's gate: %w", err)
	}
	defer r.Close()
	c := &Command{gate: w, path: path, cmd: &exec.Cmd{
		Path:       "/proc/self/exe",
		Args:       append([]string{gateName, path}, argv...),
		Env:        os.Environ(),
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		ExtraFiles: []*os.File{r}, // becomes gateFD
	}}
	if err := c.cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("starting the command: %w", err)
	}
	return c, nil
}

// PID returns the process number, the same before and after the program runs.
func (c *Command) PID() int { return c.cmd.Process.Pid }

// release lets the command run.
func (c *Command) release() error {
	_, err := c.gate.Write([]byte{1})
	if cerr := c.gate.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("letting the command run: %w", err)
	}
	return nil
}

// Abandon ends a command that has not been let run.
func (c *Command) Abandon() {
	c.gate.Close()
	_ = c.cmd.Wait()
}

// Wait waits for the command to end and returns its exit status, 128 plus the
// number of the signal that killed it.
func (c *Command) Wait() (int, error) {
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return -1, fmt.Errorf("waiting for the command: %w", err)
	}
	if ws, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return c.cmd.ProcessState.ExitCode(), nil
}

// Signal passes a signal on to the command. One that has ended is no error.
func (c *Command) Signal(sig os.Signal) error {
	if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// disguise makes the waiting child look like what it would be without a gate: a
// fork of this process, with the descriptors that its execve will keep.
//
// With hidden set its execve will not be recorded: then it looks like the program
// that it will run.
func (c *Command) disguise(s *scapfile.Snapshot, hidden bool) {
	pid, self := int64(c.PID()), int64(os.Getpid())
	s.Threads = slices.DeleteFunc(s.Threads, func(t scapfile.Thread) bool {
		return t.PID == pid && t.TID != pid
	})
	var parent *scapfile.Thread
	for i := range s.Threads {
		if s.Threads[i].TID == self {
			parent = &s.Threads[i]
		}
	}
	for i := range s.Threads {
		t := &s.Threads[i]
		if t.TID != pid {
			continue
		}
		switch argv := c.cmd.Args[2:]; {
		case hidden:
			t.Comm, t.Exe, t.ExePath, t.Args = clip(filepath.Base(c.path), 15), argv[0], c.path, argv[1:]
		case parent != nil:
			t.Comm, t.Exe, t.Args = parent.Comm, parent.Exe, parent.Args
		}
		t.FDs = slices.DeleteFunc(t.FDs, func(fd scapfile.FD) bool {
			return fd.Num == gateFD || closesOnExec(c.PID(), fd.Num)
		})
	}
}

// closesOnExec reports whether a descriptor of a process is closed by execve.
func closesOnExec(pid int, fd int64) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(b)) {
		var flags uint64
		if n, _ := fmt.Sscanf(line, "flags: %o", &flags); n == 1 {
			return flags&unix.O_CLOEXEC != 0
		}
	}
	return false
}
