package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysreel/sysreel/probe"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// openLive opens a session on the real probe, or skips the test with the reason.
func openLive(t *testing.T, opts Options) *Session {
	t.Helper()
	s, err := Open(opts)
	if errors.Is(err, probe.ErrNoPrivilege) || errors.Is(err, probe.ErrUnsupported) {
		if opts.Command != nil {
			opts.Command.Abandon()
		}
		t.Skipf("no live capture here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// recordCommand records a shell script and returns its events and status.
func recordCommand(t *testing.T, opts Options, script string) ([]*scapfile.Event, int) {
	t.Helper()
	cmd, err := StartCommand([]string{"sh", "-c", script})
	if err != nil {
		t.Fatal(err)
	}
	opts.Command = cmd
	s := openLive(t, opts)
	status := make(chan int, 1)
	go func() {
		code, err := cmd.Wait()
		if err != nil {
			t.Error(err)
		}
		_ = s.Stop()
		status <- code
	}()
	var events []*scapfile.Event
	for {
		e, err := s.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e.Clone())
	}
	if st, err := s.Stats(); err != nil || st.Lost() != 0 {
		t.Errorf("%d events lost, %v", st.Lost(), err)
	}
	return events, <-status
}

// text returns the named parameter as text.
func text(e *scapfile.Event, name string) string {
	b, _ := e.Text(e.Info().ParamIndex(name))
	return string(b)
}

func TestLiveCommand(t *testing.T) {
	dir := t.TempDir()
	// Somebody else does the same all the time.
	noise := exec.Command("sh", "-c", "while :; do cat /etc/passwd >/dev/null; done")
	if err := noise.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = noise.Process.Kill()
		_ = noise.Wait()
	}()
	file := filepath.Join(dir, "made here")
	events, status := recordCommand(t, Options{}, "cat /etc/passwd >'"+file+"'; (echo x | cat) >/dev/null; exit 3")
	if status != 3 {
		t.Errorf("status %d, want 3", status)
	}
	first := events[0]
	if first.Type != schema.PPME_SYSCALL_EXECVE_19_X || text(first, "exe") != "sh" {
		t.Errorf("the first event is %v of %q, want the command's execve", first.Type, text(first, "exe"))
	}
	tree := map[int64]bool{first.TID: true}
	cats, opened, ended := 0, "", map[int64]bool{}
	for i, e := range events {
		if i > 0 && e.TS < events[i-1].TS {
			t.Errorf("event %d is older than the one before", e.Num)
		}
		// Children appear with their half of the clone, or with its parent's half.
		switch e.Type {
		case schema.PPME_SYSCALL_CLONE_20_X, schema.PPME_SYSCALL_VFORK_20_X, schema.PPME_SYSCALL_FORK_20_X, schema.PPME_SYSCALL_CLONE3_X:
			if res, _ := e.Int64(0); res > 0 && tree[e.TID] {
				tree[res] = true
			} else if ptid, _ := e.Int64(e.Info().ParamIndex("ptid")); res == 0 && tree[ptid] {
				tree[e.TID] = true
			}
		case schema.PPME_SYSCALL_EXECVE_19_X:
			if text(e, "exe") == "cat" && isExec(e) {
				cats++
			}
		case schema.PPME_SYSCALL_OPENAT_2_X:
			if n := text(e, "name"); n == file {
				opened = n
			}
		case schema.PPME_PROCEXIT_1_E:
			ended[e.TID] = true
		}
		if !tree[e.TID] {
			t.Fatalf("event %d, %v, is of thread %d, which is not in the command's tree %v", e.Num, e.Type, e.TID, tree)
		}
	}
	if cats != 2 || opened == "" {
		t.Errorf("%d executions of cat, opened %q; want 2 and the shell's redirection", cats, opened)
	}
	for tid := range tree {
		if !ended[tid] {
			t.Errorf("the end of thread %d is missing", tid)
		}
	}
}

// TestLiveHost records the whole host: others, but never the recorder.
func TestLiveHost(t *testing.T) {
	s := openLive(t, Options{Selection: selectNames(t, "openat", true)})
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	cat := exec.Command("cat", file)
	if err := cat.Run(); err != nil {
		t.Fatal(err)
	}
	own := map[int64]bool{}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		tid, err := strconv.ParseInt(task.Name(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		own[tid] = true
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	opened := 0
	err = s.Each(func(e *scapfile.Event) error {
		if own[e.TID] {
			t.Errorf("the recorder's own %v %q", e.Type, text(e, "name"))
		}
		if e.TID == int64(cat.Process.Pid) && text(e, "name") == file {
			opened++
		}
		return nil
	})
	if err != nil || opened != 1 {
		t.Errorf("cat opened its file %d times, %v", opened, err)
	}
}

func TestLiveSelection(t *testing.T) {
	codes, err := ParseSyscalls("openat,openat2")
	if err != nil {
		t.Fatal(err)
	}
	sel, err := NewSelection(codes, true)
	if err != nil {
		t.Fatal(err)
	}
	events, _ := recordCommand(t, Options{Selection: sel}, "cat /etc/passwd >/dev/null")
	if len(events) == 0 {
		t.Fatal("no events")
	}
	for _, e := range events {
		if e.Type != schema.PPME_SYSCALL_OPENAT_2_X && e.Type != schema.PPME_SYSCALL_OPENAT2_X {
			t.Errorf("event %d is %v", e.Num, e.Type)
		}
	}
}

func TestLiveSnapLen(t *testing.T) {
	events, _ := recordCommand(t, Options{SnapLen: 5}, "echo 0123456789")
	for _, e := range events {
		if e.Type == schema.PPME_SYSCALL_WRITE_X {
			if got := string(e.Param(e.Info().ParamIndex("data"))); got != "01234" {
				t.Errorf("recorded data %q, want the first 5 bytes", got)
			}
			return
		}
	}
	t.Error("no write recorded")
}

func TestLivePID(t *testing.T) {
	sh := exec.Command("sh", "-c", "read x; cat /etc/passwd >/dev/null; exit 0")
	in, err := sh.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sh.Start(); err != nil {
		t.Fatal(err)
	}
	s := openLive(t, Options{PIDs: []int{sh.Process.Pid}})
	if _, err := in.Write([]byte("go\n")); err != nil {
		t.Fatal(err)
	}
	if err := sh.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	own, child := 0, 0
	err = s.Each(func(e *scapfile.Event) error {
		switch {
		case e.TID == int64(sh.Process.Pid):
			own++
		case e.Type == schema.PPME_SYSCALL_EXECVE_19_X && text(e, "exe") == "cat":
			child++
		case e.TID == int64(os.Getpid()):
			t.Errorf("event %v of the recorder", e.Type)
		}
		return nil
	})
	if err != nil || own == 0 || child != 1 {
		t.Errorf("%d events of the process, %d executions in it, %v", own, child, err)
	}
}

// TestLiveFile records the host to a file and reads it back, also with an
// independent reader of the format.
func TestLiveFile(t *testing.T) {
	codes, err := ParseSets("file,desc")
	if err != nil {
		t.Fatal(err)
	}
	sel, err := NewSelection(codes, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.scap.zst", "a.scap", "a.scap.raw"} {
		path := filepath.Join(t.TempDir(), name)
		cmd, err := StartCommand([]string{"sh", "-c", "for i in 1 2 3; do cat /etc/passwd; done >/dev/null"})
		if err != nil {
			t.Fatal(err)
		}
		var rec *Recorder
		s := openLive(t, Options{Selection: sel, Command: cmd, Before: func(s *Session) (err error) {
			rec, err = NewRecorder(s, RecorderOptions{Path: path})
			return err
		}})
		if _, err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := s.Each(rec.Write); err != nil {
			t.Fatal(err)
		}
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}
		written, size := rec.Written()
		if st, err := os.Stat(path); err != nil || st.Size() != size {
			t.Errorf("%s: size %d, said to be %d, %v", name, st.Size(), size, err)
		}
		n, meta := readBack(t, path)
		if n != written || meta.Events != written || meta.Seen < written || meta.Lost() != 0 || meta.SnapLen != 80 {
			t.Errorf("%s: %d events in the file, %d written, metadata %+v", name, n, written, meta)
		}
		sameAsTshark(t, path)
	}
}

func readBack(t *testing.T, path string) (uint64, *scapfile.Meta) {
	t.Helper()
	r, err := scapfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := uint64(0)
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n, r.Meta()
}

// sameAsTshark compares times and threads of a file's events.
func sameAsTshark(t *testing.T, path string) {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Log("tshark is not installed: no comparison with an independent reader")
		return
	}
	out, err := exec.Command(tshark, "-r", path, "-T", "fields", "-e", "frame.time_epoch", "-e", "sysdig.thread_id").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	r, err := scapfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(strconv.FormatUint(e.TS/1e9, 10) + "." + strconv.FormatUint(e.TS%1e9+1e9, 10)[1:] +
			"\t" + strconv.FormatInt(e.TID, 10) + "\n")
	}
	if got.String() != string(out) {
		t.Errorf("%s: tshark sees other events: %d lines, want %d", filepath.Base(path),
			strings.Count(string(out), "\n"), strings.Count(got.String(), "\n"))
	}
}

func TestLiveRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.scap.zst")
	cmd, err := StartCommand([]string{"dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=2000", "status=none"})
	if err != nil {
		t.Fatal(err)
	}
	var rec *Recorder
	s := openLive(t, Options{Command: cmd, Before: func(s *Session) (err error) {
		rec, err = NewRecorder(s, RecorderOptions{Path: path, Rotate: Rotation{Events: 1000, Keep: 3}})
		return err
	}})
	if _, err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Each(rec.Write); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 || strings.Join(files, " ") != strings.Join(rec.Files(), " ") {
		t.Fatalf("files %v, want the newest 3 as %v", files, rec.Files())
	}
	for i, f := range files {
		r, err := scapfile.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Snapshot().Threads) == 0 {
			t.Errorf("%s has no snapshot of its own", f)
		}
		r.Close()
		if n, _ := readBack(t, f); i < 2 && n != 1000 {
			t.Errorf("%s has %d events, want 1000", f, n)
		}
	}
}

func TestLiveLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.scap.zst")
	cmd, err := StartCommand([]string{"dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=2000", "status=none"})
	if err != nil {
		t.Fatal(err)
	}
	var rec *Recorder
	s := openLive(t, Options{Command: cmd, Before: func(s *Session) (err error) {
		rec, err = NewRecorder(s, RecorderOptions{Path: path, MaxEvents: 123})
		return err
	}})
	if err := s.Each(rec.Write); err != ErrLimit {
		t.Errorf("Each = %v, want ErrLimit", err)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if n, _ := readBack(t, path); n != 123 {
		t.Errorf("%d events in the file, want 123", n)
	}
}

// TestLiveTogether checks that sessions at the same time do not disturb each
// other: each has all of its own and nothing of the other's.
func TestLiveTogether(t *testing.T) {
	const calls = 3000
	done := make(chan map[int64]int, 2)
	for range 2 {
		cmd, err := StartCommand([]string{"dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=" + strconv.Itoa(calls), "status=none"})
		if err != nil {
			t.Fatal(err)
		}
		codes, err := ParseSyscalls("write")
		if err != nil {
			t.Fatal(err)
		}
		sel, err := NewSelection(codes, true)
		if err != nil {
			t.Fatal(err)
		}
		s := openLive(t, Options{Command: cmd, Selection: sel})
		go func() {
			writes := map[int64]int{}
			err := s.Each(func(e *scapfile.Event) error {
				writes[e.TID]++
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			done <- writes
		}()
		go func() {
			if _, err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			_ = s.Stop()
		}()
	}
	a, b := <-done, <-done
	for _, m := range []map[int64]int{a, b} {
		if len(m) != 1 {
			t.Errorf("writes by thread: %v, want those of one", m)
		}
		for tid, n := range m {
			if n != calls {
				t.Errorf("thread %d wrote %d times, want %d", tid, n, calls)
			}
			if a[tid] > 0 && b[tid] > 0 {
				t.Errorf("both sessions recorded thread %d", tid)
			}
		}
	}
}

// TestLiveQuiet checks that a host without events still lets the session tick and
// end in time.
func TestLiveQuiet(t *testing.T) {
	sleep := exec.Command("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sleep.Process.Kill()
		_ = sleep.Wait()
	}()
	ticked := make(chan bool, 1)
	var s *Session
	s = openLive(t, Options{PIDs: []int{sleep.Process.Pid}, Tick: func() error {
		select {
		case ticked <- true:
			return s.Stop()
		default:
			return nil
		}
	}})
	done := make(chan error, 1)
	go func() { done <- s.Each(func(*scapfile.Event) error { return nil }) }()
	select {
	case err := <-done:
		if err != nil || len(ticked) == 0 {
			t.Errorf("session ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the session does not end")
	}
}
