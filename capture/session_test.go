package capture

import (
	"errors"
	"io"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sysreel/sysreel/probe"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
	"golang.org/x/sys/unix"
)

// fakeRing plays events from memory, batch by batch: one batch for each Read, as
// a probe that has nothing more until the deadline.
type fakeRing struct {
	mu      sync.Mutex
	batches [][][]byte
	last    [][]byte // arrives between Stop and the last Read
	calls   []string
	stopped bool
	closed  bool
	fail    error
}

func (r *fakeRing) log(call string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
}

func (r *fakeRing) BootTime() uint64            { return uint64(time.Hour) }
func (r *fakeRing) Follow(int) error            { r.log("follow"); return nil }
func (r *fakeRing) Start() error                { r.log("start"); return r.fail }
func (r *fakeRing) Update([]uint16) error       { return nil }
func (r *fakeRing) Stats() (probe.Stats, error) { return probe.Stats{}, nil }
func (r *fakeRing) Close() error                { r.log("close"); r.closed = true; return nil }
func (r *fakeRing) Stop() error {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.log("stop")
	return nil
}
func (r *fakeRing) take() (batch [][]byte, end bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.batches) > 0 {
		batch, r.batches = r.batches[0], r.batches[1:]
		return batch, false
	}
	if r.stopped {
		batch, r.last = r.last, nil
		return batch, true
	}
	return nil, false
}

func (r *fakeRing) Read(deadline time.Time, f func(cpu uint16, raw []byte) error) error {
	for {
		batch, end := r.take()
		for _, raw := range batch {
			if err := f(1, raw); err != nil {
				return err
			}
		}
		if end || len(batch) > 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

// raw builds a close event of a thread.
func raw(tid int64, ts uint64) []byte {
	return scapfile.NewEvent(schema.PPME_SYSCALL_CLOSE_X, ts, tid,
		scapfile.I64(0), scapfile.I64(3)).AppendRaw(nil)
}

func openFake(t *testing.T, r *fakeRing, opts Options) *Session {
	t.Helper()
	opts.ring = r
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSessionOrder(t *testing.T) {
	r := &fakeRing{}
	s := openFake(t, r, Options{PIDs: []int{1, 1}})
	if s.Snapshot() == nil || s.Snapshot().Machine.BootTime != uint64(time.Hour) {
		t.Error("the snapshot's boot time is not the probe's")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"follow", "follow", "start", "stop", "close"}; !slices.Equal(r.calls, want) {
		t.Errorf("calls = %v, want %v", r.calls, want)
	}
}

// startRing calls start when the probe is started.
type startRing struct {
	fakeRing
	start func()
}

func (r *startRing) Start() error {
	r.start()
	return r.fakeRing.Start()
}

// TestSessionRescuesTheDead checks that a process that was there before the probe
// and is gone before the snapshot is known when it has left events, and only then.
func TestSessionRescuesTheDead(t *testing.T) {
	for _, pull := range []bool{false, true} {
		var pids [2]int64
		var end [2]func()
		for i := range pids {
			cmd := exec.Command("sleep", "60")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pids[i] = int64(cmd.Process.Pid)
			end[i] = func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
		}
		r := &startRing{}
		r.start = func() {
			end[0]()
			end[1]()
			r.batches = [][][]byte{{raw(pids[0], 1), raw(pids[0], 2)}}
		}
		s, err := Open(Options{ring: r})
		if err != nil {
			t.Fatal(err)
		}
		known := map[int64]bool{}
		for i, th := range s.Snapshot().Threads {
			known[th.TID] = true
			if i > 0 && th.PID < s.Snapshot().Threads[i-1].PID {
				t.Error("the snapshot is out of order")
			}
		}
		if !known[pids[0]] || known[pids[1]] {
			t.Errorf("known: with events %v, without %v; want true, false", known[pids[0]], known[pids[1]])
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		if got, want := collect(t, s, pull, nil), []int64{pids[0], pids[0]}; !slices.Equal(got, want) {
			t.Errorf("events of threads %v, want %v", got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSessionOfNoProcess(t *testing.T) {
	r := &fakeRing{}
	const beyondPIDMax = 1 << 23
	if _, err := Open(Options{ring: r, PIDs: []int{beyondPIDMax}}); !errors.Is(err, unix.ESRCH) || !r.closed {
		t.Errorf("error = %v, want ESRCH; closed %v", err, r.closed)
	}
}

func TestSessionStartFails(t *testing.T) {
	r := &fakeRing{fail: probe.ErrNoPrivilege}
	if _, err := Open(Options{ring: r}); !errors.Is(err, probe.ErrNoPrivilege) {
		t.Errorf("error = %v, want ErrNoPrivilege", err)
	}
	if !r.closed {
		t.Error("the probe is not released")
	}
}

// collect takes all events by one of the two ways and returns their thread ids.
func collect(t *testing.T, s *Session, pull bool, each func(n int)) []int64 {
	t.Helper()
	var tids []int64
	take := func(e *scapfile.Event) error {
		tids = append(tids, e.TID)
		if e.Num != uint64(len(tids)) || e.CPU != 1 || e.Type != schema.PPME_SYSCALL_CLOSE_X && !isExec(e) {
			t.Errorf("event %d: number %d, cpu %d, type %v", len(tids), e.Num, e.CPU, e.Type)
		}
		if each != nil {
			each(len(tids))
		}
		return nil
	}
	if !pull {
		if err := s.Each(take); err != nil {
			t.Fatal(err)
		}
		return tids
	}
	for {
		e, err := s.Next()
		if err == io.EOF {
			return tids
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = take(e)
	}
}

func TestSessionDeliversEverything(t *testing.T) {
	for _, pull := range []bool{false, true} {
		r := &fakeRing{last: [][]byte{raw(7, 7)}}
		var want []int64
		for b := range 20 {
			var batch [][]byte
			for i := range b * 100 {
				want = append(want, int64(i))
				batch = append(batch, raw(int64(i), 1))
			}
			r.batches = append(r.batches, batch)
		}
		n := len(want)
		want = append(want, 7)
		s := openFake(t, r, Options{})
		got := collect(t, s, pull, func(k int) {
			if k == n {
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
			}
		})
		if !slices.Equal(got, want) {
			t.Errorf("pull %v: %d events, want %d, in order", pull, len(got), len(want))
		}
	}
}

func TestSessionTicks(t *testing.T) {
	for _, pull := range []bool{false, true} {
		var s *Session
		ticks := 0
		s = openFake(t, &fakeRing{}, Options{Tick: func() error {
			if ticks++; ticks == 3 {
				return s.Stop()
			}
			return nil
		}})
		if got := collect(t, s, pull, nil); len(got) != 0 {
			t.Errorf("pull %v: events %v from a quiet host", pull, got)
		}
		if ticks < 3 {
			t.Errorf("pull %v: %d ticks", pull, ticks)
		}
	}
}

func TestSessionEachStopsAtError(t *testing.T) {
	enough := errors.New("enough")
	s := openFake(t, &fakeRing{batches: [][][]byte{{raw(1, 1), raw(2, 2), raw(3, 3)}}}, Options{})
	n := 0
	err := s.Each(func(*scapfile.Event) error {
		if n++; n == 2 {
			return enough
		}
		return nil
	})
	if err != enough || n != 2 {
		t.Errorf("Each = %v after %d events, want the callback's error after 2", err, n)
	}
}

func TestSessionCloseEndsNext(t *testing.T) {
	r := &fakeRing{batches: [][][]byte{{raw(1, 1)}}}
	s := openFake(t, r, Options{})
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != io.EOF {
		t.Errorf("Next after Close = %v, want EOF", err)
	}
}

func TestSessionCorruptEvent(t *testing.T) {
	for _, pull := range []bool{false, true} {
		s := openFake(t, &fakeRing{batches: [][][]byte{{raw(1, 1)[:20]}}}, Options{})
		var err error
		if pull {
			_, err = s.Next()
		} else {
			err = s.Each(func(*scapfile.Event) error { return nil })
		}
		if !errors.Is(err, scapfile.ErrCorrupt) {
			t.Errorf("pull %v: error = %v, want ErrCorrupt", pull, err)
		}
	}
}

// TestSessionHidesTheGate checks that a recording of a command begins with its
// execve, whatever the waiting child did before.
func TestSessionHidesTheGate(t *testing.T) {
	exec := func(tid, res int64) []byte {
		return scapfile.NewEvent(schema.PPME_SYSCALL_EXECVE_19_X, 1, tid, scapfile.I64(res)).AppendRaw(nil)
	}
	r := &fakeRing{}
	cmd, err := StartCommand([]string{"true"})
	if err != nil {
		t.Fatal(err)
	}
	pid := int64(cmd.PID())
	r.batches = [][][]byte{{
		raw(pid, 1), raw(pid+1, 2), // the runtime of the waiting child
		exec(pid, -2), exec(pid+1, 0), // neither is the command
		exec(pid, 0), raw(pid, 4), exec(pid+1, 0),
	}}
	s := openFake(t, r, Options{Command: cmd})
	if code, err := cmd.Wait(); code != 0 || err != nil {
		t.Fatalf("command: %d, %v", code, err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if got, want := collect(t, s, false, nil), []int64{pid, pid, pid + 1}; !slices.Equal(got, want) {
		t.Errorf("events of threads %v, want %v", got, want)
	}
}

// TestSessionHidesUnselectedExec checks that an exact selection without execve
// stays exact, although a command needs it to begin.
func TestSessionHidesUnselectedExec(t *testing.T) {
	cmd, err := StartCommand([]string{"true"})
	if err != nil {
		t.Fatal(err)
	}
	pid := int64(cmd.PID())
	exec := scapfile.NewEvent(schema.PPME_SYSCALL_EXECVE_19_X, 1, pid, scapfile.I64(0)).AppendRaw(nil)
	r := &fakeRing{batches: [][][]byte{{raw(pid, 1), exec, raw(pid, 2), exec, raw(pid, 3)}}}
	s := openFake(t, r, Options{Command: cmd, Selection: selectNames(t, "close", true)})
	if _, err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if got, want := collect(t, s, true, nil), []int64{pid, pid}; !slices.Equal(got, want) {
		t.Errorf("events of threads %v, want %v", got, want)
	}
}

// TestSessionClearsFlags checks that what a consumer notes on an event does not
// stick to the next one.
func TestSessionClearsFlags(t *testing.T) {
	s := openFake(t, &fakeRing{batches: [][][]byte{{raw(1, 1), raw(2, 2)}}}, Options{})
	for range 2 {
		e, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.Flags != 0 {
			t.Errorf("event %d has flags %#x", e.Num, e.Flags)
		}
		e.Flags |= scapfile.FlagStateOnly
	}
}

func TestEachAllocatesNothing(t *testing.T) {
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = raw(int64(i), uint64(i))
	}
	s := openFake(t, &fakeRing{}, Options{})
	sum := int64(0)
	take := func(cpu uint16, raw []byte) error {
		ok, err := s.accept(cpu, raw)
		if ok {
			sum += s.ev.TID
		}
		return err
	}
	allocs := testing.AllocsPerRun(100, func() {
		for _, raw := range batch {
			if err := take(1, raw); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for %d events, want 0", allocs, len(batch))
	}
}
