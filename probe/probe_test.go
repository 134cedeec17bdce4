package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/sysreel/sysreel/scapfile/schema"
)

func code(tb testing.TB, name string) uint16 {
	tb.Helper()
	s := schema.SyscallByName(name)
	if s == nil {
		tb.Fatalf("no system call %s", name)
	}
	return s.Code
}

func codes(tb testing.TB, names ...string) []uint16 {
	tb.Helper()
	var out []uint16
	for _, n := range names {
		out = append(out, code(tb, n))
	}
	return out
}

const lossCalls = 2_000_000

var _ = addCases(map[string]func(c *child){
	"~loss": func(c *child) {
		for range lossCalls {
			syscall.RawSyscall(unix.SYS_GETPGID, 0, 0, 0)
		}
	},
	"~threads": func(c *child) {
		done := make(chan bool)
		for range 3 {
			go func() {
				for range 20000 {
					syscall.RawSyscall(unix.SYS_GETPGID, 0, 0, 0)
				}
				done <- true
			}()
		}
		for range 3 {
			<-done
		}
	},
	"~family": func(c *child) {
		cmd := exec.Command("/bin/sh", "-c", "(/bin/true; exec /bin/true) & wait; exit 7")
		_ = cmd.Run()
		c.expect(schema.PPME_SYSCALL_CLOSE_X, anything{}, anything{}) // makes the case report its thread
	},
	"~failing": func(c *child) {
		c.call(unix.SYS_CLOSE, 12345)
		fd := c.open("/dev/null")
		c.call(unix.SYS_CLOSE, fd)
	},
	"~named": func(c *child) {
		c.call(unix.SYS_GETPGID, 0)
		c.must(unix.SYS_PRCTL, unix.PR_SET_NAME, c.str("wanted-name-xyz"), 0, 0, 0)
		c.call(unix.SYS_GETPGID, 0)
		c.must(unix.SYS_PRCTL, unix.PR_SET_NAME, c.str("other"), 0, 0, 0)
		c.call(unix.SYS_GETPGID, 0)
	},
	"~memory": func(c *child) {
		big := make([]byte, 32<<20)
		for i := 0; i < len(big); i += 4096 {
			big[i] = 1
		}
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			c.fail("%v", err)
		}
		c.expect(schema.PPME_SYSCALL_BRK_4_X, anything{}, atLeast(statusKB(status, "VmSize")), atLeast(statusKB(status, "VmRSS")), anything{}, anything{})
		syscall.RawSyscall(unix.SYS_BRK, 0, 0, 0)
		runtime.KeepAlive(big)
	},
	"~user": func(c *child) {
		c.call(unix.SYS_GETPGID, 0)
		c.must(unix.SYS_SETRESUID, 54321, 54321, 54321)
		c.call(unix.SYS_GETPGID, 0)
	},
	"~signals": func(c *child) {
		pid := c.fork()
		if pid == 0 {
			sleepForEver()
		}
		c.must(unix.SYS_KILL, pid, int(unix.SIGTERM))
		c.reap(pid)
		c.expectOf(int(pid), schema.PPME_SIGNALDELIVER_E, unix.Getpid(), pid, int(unix.SIGTERM))
		c.expectOf(int(pid), schema.PPME_PROCEXIT_1_E, int(unix.SIGTERM), 0, int(unix.SIGTERM), 0, 0)
		c.must(unix.SYS_NANOSLEEP, c.words(0, 1000000), 0)
		c.expect(schema.PPME_SCHEDSWITCH_6_E, anything{}, anything{}, atLeast(1), atLeast(1), atLeast(1), anything{})
		m, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			c.fail("%v", err)
		}
		m[0] = 1
		if pageFaults {
			c.expect(schema.PPME_PAGE_FAULT_E, addr(m), atLeast(1), schema.PPM_PF_PAGE_NOT_PRESENT|schema.PPM_PF_WRITE_ACCESS|schema.PPM_PF_USER_FAULT)
		}
	},
})

func count(events []recorded, t schema.EventType) int {
	n := 0
	for i := range events {
		if events[i].typ == t {
			n++
		}
	}
	return n
}

// perCode returns the counts of one system call.
func perCode(tb testing.TB, p *Probe, name string) SyscallStats {
	tb.Helper()
	s, err := p.Stats()
	if err != nil {
		tb.Fatal(err)
	}
	want := code(tb, name)
	for _, c := range s.Syscalls {
		if c.Code == want {
			return c
		}
	}
	return SyscallStats{}
}

// TestLossIsExact makes more calls than fit into the buffer while nobody reads:
// every call is either delivered or counted as lost.
func TestLossIsExact(t *testing.T) {
	for _, reading := range []bool{false, true} {
		t.Run(map[bool]string{false: "nobody reads", true: "somebody reads"}[reading], func(t *testing.T) {
			p := startLive(t, Config{Syscalls: codes(t, "getpgid", "openat"), Buffer: 256 << 10})
			delivered := map[schema.EventType]uint64{}
			f := func(_ uint16, raw []byte) error {
				delivered[schema.EventType(raw[20])|schema.EventType(raw[21])<<8]++
				return nil
			}
			stop, stopped := make(chan bool), make(chan error, 1)
			go func() {
				for reading {
					select {
					case <-stop:
						stopped <- nil
						return
					default:
					}
					if err := p.Read(time.Now().Add(5*time.Millisecond), f); err != nil {
						stopped <- err
						return
					}
				}
				stopped <- nil
			}()
			runFor(t, p, "~loss")
			close(stop)
			if err := <-stopped; err != nil {
				t.Fatal(err)
			}
			if err := p.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := p.Read(time.Now().Add(10*time.Second), f); err != nil {
				t.Fatal(err)
			}
			c := perCode(t, p, "getpgid")
			if c.Seen != lossCalls {
				t.Errorf("%d calls seen of %d", c.Seen, lossCalls)
			}
			if got := delivered[schema.PPME_GENERIC_X]; got != c.Seen-c.RingFull {
				t.Errorf("%d events delivered, %d seen, %d lost", got, c.Seen, c.RingFull)
			}
			s, err := p.Stats()
			if err != nil {
				t.Fatal(err)
			}
			var all uint64
			for _, n := range delivered {
				all += n
			}
			if s.Written != all || s.Seen != all+s.RingFull+s.TooLarge {
				t.Errorf("%d events delivered, stats %+v", all, s)
			}
			if !reading && c.RingFull == 0 {
				t.Error("nothing was lost: the test does not test anything")
			}
			t.Logf("%d seen, %d delivered, %d lost", s.Seen, all, s.RingFull)
		})
	}
}

// TestOrder records several threads at once and checks that events come in order
// of time.
func TestOrder(t *testing.T) {
	p := startLive(t, Config{Syscalls: append(codes(t, "getpgid"), codeProcexit)})
	_, events := runCase(t, p, "~threads")
	if n := count(events, schema.PPME_GENERIC_X); n != 60000 {
		t.Errorf("%d of 60000 events", n)
	}
	if !slices.IsSortedFunc(events, func(a, b recorded) int { return int(int64(a.ts - b.ts)) }) {
		t.Error("events are not in order of time")
	}
	now := time.Now().UnixNano()
	last := int64(events[len(events)-1].ts)
	if last > now || now-last > int64(time.Minute) {
		t.Errorf("the last event is of %d, now is %d", last, now)
	}
}

// TestTree checks that descendants are recorded from their first instruction on,
// and nobody else.
func TestTree(t *testing.T) {
	p := startLive(t, Config{})
	noise := exec.Command("/bin/sh", "-c", "while :; do /bin/true; done")
	noise.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := noise.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-noise.Process.Pid, syscall.SIGKILL)
		_ = noise.Wait()
	}()
	pid, known, _ := runFor(t, p, "~family")
	events := readUntilExit(t, p, pid)
	execs, ends := 0, 0
	for _, e := range events {
		switch e.typ {
		case schema.PPME_SYSCALL_CLONE_20_X, schema.PPME_SYSCALL_CLONE3_X, schema.PPME_SYSCALL_VFORK_20_X, schema.PPME_SYSCALL_FORK_20_X:
			if e.params[0][0] == 0 && e.params[0][1] == 0 || e.params[0][7]&0x80 != 0 {
				known[e.tid] = true
			}
		case schema.PPME_SYSCALL_EXECVE_19_X:
			if e.tid != int64(pid) { // its own is over, or almost, when it is followed
				execs++
			}
		case schema.PPME_PROCEXIT_1_E:
			ends++
		}
		if !known[e.tid] {
			t.Errorf("event of a stranger, or before its birth: %v", e.String())
		}
	}
	if execs != 3 || ends < 4 {
		t.Errorf("%d execs and %d ends, want 3 and at least 4", execs, ends)
	}
	var tgid uint32
	var one uint8
	// Members leave when the kernel frees them, a while after their end.
	left := 0
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		left = 0
		for it := p.coll.Maps["tree"].Iterate(); it.Next(&tgid, &one); {
			left++
		}
		if left == 0 {
			return
		}
	}
	t.Errorf("%d processes are still in the tree, %d among them", left, tgid)
}

func TestUpdate(t *testing.T) {
	p := startLive(t, Config{Syscalls: append(codes(t, "getpgid"), codeProcexit)})
	_, events := runCase(t, p, "~failing")
	if n := count(events, schema.PPME_SYSCALL_CLOSE_X); n != 0 {
		t.Errorf("%d close events, not selected", n)
	}
	if err := p.Update(append(codes(t, "close"), codeProcexit)); err != nil {
		t.Fatal(err)
	}
	_, events = runCase(t, p, "~failing")
	if n := count(events, schema.PPME_SYSCALL_CLOSE_X); n < 2 {
		t.Errorf("%d close events after the update", n)
	}
	if n := count(events, schema.PPME_GENERIC_X); n != 0 {
		t.Errorf("%d generic events, not selected any more", n)
	}
	if err := p.Update([]uint16{9999}); err == nil {
		t.Error("an unknown code was accepted")
	}
}

func TestDropFailed(t *testing.T) {
	p := startLive(t, Config{Syscalls: append(codes(t, "close", "openat"), codeProcexit), DropFailed: true})
	_, events := runCase(t, p, "~failing")
	ok := 0
	for _, e := range events {
		if e.typ == schema.PPME_SYSCALL_CLOSE_X {
			ok++
			if e.params[0][7]&0x80 != 0 {
				t.Errorf("failed call recorded: %v", e.String())
			}
		}
	}
	if ok == 0 {
		t.Error("no close event at all")
	}
}

func TestSelectionByTask(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  Config
		want int
	}{
		"~named": {Config{Comms: []string{"wanted-name-xyz"}}, 1},
		"~user":  {Config{UIDs: []uint32{54321}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cfg.Syscalls = codes(t, "getpgid")
			p := startLive(t, tc.cfg)
			runFor(t, p, name)
			if got := perCode(t, p, "getpgid").Seen; got != uint64(tc.want) {
				t.Errorf("%d calls recorded, want %d", got, tc.want)
			}
		})
	}
	t.Run("cgroup", func(t *testing.T) {
		p := startLive(t, Config{Syscalls: codes(t, "getpgid"), Cgroups: []uint64{1 << 60}})
		runFor(t, p, "~named")
		if got := perCode(t, p, "getpgid").Seen; got != 0 {
			t.Errorf("%d calls of another cgroup recorded", got)
		}
		var st unix.Stat_t
		b, err := os.ReadFile("/proc/self/cgroup")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok && unix.Stat(filepath.Join("/sys/fs/cgroup", path), &st) == nil {
				p := startLive(t, Config{Syscalls: codes(t, "getpgid"), Cgroups: []uint64{st.Ino}})
				runFor(t, p, "~named")
				if got := perCode(t, p, "getpgid").Seen; got != 3 {
					t.Errorf("%d calls of the own cgroup recorded, want 3", got)
				}
				return
			}
		}
		t.Skip("no unified cgroup hierarchy mounted")
	})
}

// TestMemory compares the memory counters with those of /proc. The kernel keeps
// the resident size per CPU, so that both are a little off.
func TestMemory(t *testing.T) {
	p := startLive(t, Config{Syscalls: append(codes(t, "brk"), codeProcexit)})
	wants, events := runCase(t, p, "~memory")
	var last *recorded
	for i := range events {
		if events[i].typ == schema.PPME_SYSCALL_BRK_4_X {
			last = &events[i]
		}
	}
	if last == nil {
		t.Fatal("no brk was recorded")
	}
	for i, name := range []string{"vm_size", "vm_rss"} {
		got, want := int64(binary.LittleEndian.Uint32(last.params[i+1])), wants[0].Params[i+1].Int
		if got < want/2 || got > want*2 {
			t.Errorf("%s is %d KiB, /proc says %d", name, got, want)
		}
	}
	if got := binary.LittleEndian.Uint32(last.params[3]); got > 1<<20 {
		t.Errorf("vm_swap is %d KiB", got)
	}
}

// statusKB returns a value in KiB of /proc/PID/status.
func statusKB(status []byte, name string) int {
	for line := range strings.Lines(string(status)) {
		var n int
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			if _, err := fmt.Sscan(rest, &n); err == nil {
				return n
			}
		}
	}
	return 0
}

// TestTracepoints checks what is recorded on request only.
func TestTracepoints(t *testing.T) {
	p := startLive(t, Config{Syscalls: []uint16{codeProcexit}, Switch: true, Signals: true, PageFaults: true})
	wants, events := runCase(t, p, "~signals")
	for i := range wants {
		check(t, &wants[i], events)
	}
}

// TestRawHooks repeats some cases with the untyped hooks that are the fallback.
func TestRawHooks(t *testing.T) {
	skipUnlessPrivileged(t)
	p, err := newProbe(Config{Tree: true, SnapLen: 200}, hookRaw)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if p.Hook() != "raw_tp" {
		t.Fatalf("hook is %s", p.Hook())
	}
	for _, name := range []string{"openat", "read and write", "execve", "clone", "ends", "tcp", "udp", "32-bit calls"} {
		if liveCases[name] == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			wants, events := runCase(t, p, name)
			for i := range wants {
				check(t, &wants[i], events)
			}
		})
	}
}

// maxInstructions is what the verifier may have to look at for one program. It
// gives up at a million, and other versions of it need more than this one.
const maxInstructions = 250_000

// TestPrograms loads each program alone.
func TestPrograms(t *testing.T) {
	skipUnlessPrivileged(t)
	spec, err := loadProbe()
	if err != nil {
		t.Fatal(err)
	}
	p := &Probe{numbers: newNumbers(), sel: &selection{}}
	if err := p.configure(spec, 1); err != nil {
		t.Fatal(err)
	}
	processed := regexp.MustCompile(`processed (\d+) insns`)
	for name := range spec.Programs {
		one := spec.Copy()
		for other := range one.Programs {
			if other != name {
				delete(one.Programs, other)
			}
		}
		coll, err := ebpf.NewCollectionWithOptions(one, ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		m := processed.FindStringSubmatch(coll.Programs[name].VerifierLog)
		coll.Close()
		if m == nil {
			continue // older kernels write no statistics
		}
		if n, err := strconv.Atoi(m[1]); err != nil || n > maxInstructions {
			t.Errorf("%s: the verifier processed %s instructions", name, m[1])
		}
	}
}

func TestClose(t *testing.T) {
	p := startLive(t, Config{Syscalls: codes(t, "getpgid")})
	waiting := make(chan error)
	go func() {
		waiting <- p.Read(time.Now().Add(time.Minute), func(uint16, []byte) error { return nil })
	}()
	time.Sleep(10 * time.Millisecond)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("Read returned %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	_, err := p.Stats()
	for _, err := range []error{err, p.Start(), p.Stop(), p.Follow(1), p.Update(nil)} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

func TestOwnTgid(t *testing.T) {
	skipUnlessPrivileged(t)
	if !inHostPidNamespace() {
		t.Skip("not in the host's pid namespace")
	}
	if got := ownTgid(); got != uint32(os.Getpid()) {
		t.Errorf("ownTgid is %d, the process is %d", got, os.Getpid())
	}
}

func TestConfigErrors(t *testing.T) {
	for _, cfg := range []Config{{SnapLen: -1}, {SnapLen: 65001}, {Buffer: -1}, {Syscalls: []uint16{9999}}, {UIDs: make([]uint32, 2000)}} {
		if p, err := New(cfg); err == nil {
			p.Close()
			t.Errorf("%+v was accepted", cfg)
		} else if errors.Is(err, ErrNoPrivilege) || errors.Is(err, ErrUnsupported) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestRingSize(t *testing.T) {
	for _, tc := range []struct {
		buffer, cpus int
		want         uint32
	}{{0, 4, 8 << 20}, {1, 1, 128 << 10}, {256 << 10, 2, 128 << 10}, {3 << 20, 2, 2 << 20}, {1 << 40, 1, 1 << 30}} {
		cfg := Config{Buffer: tc.buffer}
		if got := cfg.ringSize(tc.cpus); got != tc.want {
			t.Errorf("%d bytes for %d CPUs: %d, want %d", tc.buffer, tc.cpus, got, tc.want)
		}
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string]int{"0\n": 1, "0-3": 4, "0-1,4,6-7": 5, "x": 0, "": 0} {
		if got, _ := parseCPUList(s); got != want {
			t.Errorf("parseCPUList(%q) = %d, want %d", s, got, want)
		}
	}
	if ppid, ok := parentOf("12 (a) b) (c) S 7 12 12"); !ok || ppid != 7 {
		t.Errorf("parentOf = %d, %v", ppid, ok)
	}
	if _, ok := parentOf("12 (a"); ok {
		t.Error("parentOf accepts a cut line")
	}
}
