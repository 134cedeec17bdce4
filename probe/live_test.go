package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// The live tests perform real system calls in a child process, a re-execution of
// the test binary, and compare every parameter of the recorded events with what
// the child did. A case is a function that runs in the child: it makes calls and
// says which events it expects of them.
//
// liveCases holds them by name; files with the suffix of an architecture add
// those of its own.
var liveCases = map[string]func(c *child){}

func addCases(cases map[string]func(c *child)) struct{} {
	for name, f := range cases {
		if liveCases[name] != nil {
			panic("two cases " + name)
		}
		liveCases[name] = f
	}
	return struct{}{}
}

// skipUnlessPrivileged skips tests that need to load BPF programs. With
// SYSREEL_REQUIRE_ROOT set, as in CI, it fails them instead.
func skipUnlessPrivileged(tb testing.TB) {
	tb.Helper()
	p, err := New(Config{Syscalls: []uint16{}})
	if err == nil {
		_ = p.Close()
		return
	}
	if os.Getenv("SYSREEL_REQUIRE_ROOT") == "" && (errors.Is(err, ErrNoPrivilege) || errors.Is(err, ErrUnsupported)) {
		tb.Skipf("needs root and BPF: %v", err)
	}
	tb.Fatal(err)
}

const (
	childEnv = "SYSREEL_PROBE_CHILD" // name of the case to run
	dirEnv   = "SYSREEL_PROBE_DIR"   // directory it may use
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		runChild(name)
	}
	before := openFiles()
	code := m.Run()
	if after := openFiles(); code == 0 && after > before {
		fmt.Fprintf(os.Stderr, "tests left %d descriptors open\n", after-before)
		code = 1
	}
	os.Exit(code)
}

func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		// The runtime's own descriptors come and go.
		if !strings.Contains(target, "eventpoll") && !strings.Contains(target, "eventfd") && !strings.Contains(target, "pidfd") {
			n++
		}
	}
	return n
}

// Descriptors of a child.
const (
	childGo     = 3 // it waits here for the start signal
	childReport = 4 // and writes its expectations here
)

// expectation is one event that a case foresees.
type expectation struct {
	Type   schema.EventType
	TID    int // 0: any
	Params []want
	Where  string
}

// want is the expected value of one parameter.
type want struct {
	Kind  string // "bytes", "any", "empty", "nonempty", "int", "min", "prefix", "suffix"
	Bytes []byte
	Int   int64
}

// child is the context of a running case.
type child struct {
	arena   []byte
	used    int
	dir     string
	wants   []expectation
	skipped string
	failed  string
}

func runChild(name string) {
	runtime.LockOSThread()
	debug.SetGCPercent(-1) // forked processes have no thread to collect with
	f := liveCases[name]
	if f == nil {
		fmt.Fprintln(os.Stderr, "no case", name)
		os.Exit(2)
	}
	arena, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	c := &child{arena: arena, dir: os.Getenv(dirEnv)}
	var b [1]byte
	if n, _ := unix.Read(childGo, b[:]); n != 1 {
		os.Exit(2)
	}
	f(c)
	c.report()
	os.Exit(0)
}

// report sends what the case expects to the test. A case whose process does not
// come back from what it does calls it before.
func (c *child) report() {
	out, err := json.Marshal(struct {
		Wants           []expectation
		Skipped, Failed string
	}{c.wants, c.skipped, c.failed})
	if err != nil {
		panic(err)
	}
	for len(out) > 0 {
		n, err := unix.Write(childReport, out)
		if err != nil {
			os.Exit(3)
		}
		out = out[n:]
	}
	_ = unix.Close(childReport)
}

// fail tells the test that the case itself went wrong.
func (c *child) fail(format string, args ...any) {
	c.failed = fmt.Sprintf(format, args...)
	c.report()
	os.Exit(0)
}

// skip tells the test why the case cannot run here.
func (c *child) skip(format string, args ...any) {
	c.skipped = fmt.Sprintf(format, args...)
	c.report()
	os.Exit(0)
}

// call makes a raw system call and returns what the kernel returned: a negative
// error number on failure.
func (c *child) call(nr uintptr, args ...any) int64 {
	var a [6]uintptr
	for i, v := range args {
		switch v := v.(type) {
		case uintptr:
			a[i] = v
		case int:
			a[i] = uintptr(v)
		case int64:
			a[i] = uintptr(v)
		case uint64:
			a[i] = uintptr(v)
		case uint32:
			a[i] = uintptr(v)
		default:
			panic(fmt.Sprintf("argument of type %T", v))
		}
	}
	r, _, errno := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno != 0 {
		return -int64(errno)
	}
	return int64(r)
}

// must is call for what the case only prepares with.
func (c *child) must(nr uintptr, args ...any) int64 {
	r := c.call(nr, args...)
	if r < 0 {
		c.fail("system call %d(%v): %v", nr, args, unix.Errno(-r))
	}
	return r
}

// bytes puts b into memory that stays where it is and is resident.
func (c *child) bytes(b []byte) uintptr {
	if c.used+len(b)+16 > len(c.arena) {
		panic("arena is full")
	}
	at := c.arena[c.used:]
	copy(at, b)
	c.used = (c.used + len(b) + 15) &^ 15
	return uintptr(unsafe.Pointer(&at[0]))
}

// str is bytes for a C string.
func (c *child) str(s string) uintptr { return c.bytes(append([]byte(s), 0)) }

// words is bytes for 64-bit numbers.
func (c *child) words(v ...uint64) uintptr {
	b := make([]byte, 0, 8*len(v))
	for _, x := range v {
		b = binary.NativeEndian.AppendUint64(b, x)
	}
	return c.bytes(b)
}

func (c *child) u32s(v ...uint32) uintptr {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.NativeEndian.AppendUint32(b, x)
	}
	return c.bytes(b)
}

// at returns n bytes of the arena at an address it gave out.
func (c *child) at(ptr uintptr, n int) []byte {
	off := int(ptr - uintptr(unsafe.Pointer(&c.arena[0])))
	return c.arena[off : off+n]
}

func (c *child) u32At(ptr uintptr) uint32 { return binary.NativeEndian.Uint32(c.at(ptr, 4)) }
func (c *child) u64At(ptr uintptr) uint64 { return binary.NativeEndian.Uint64(c.at(ptr, 8)) }

// path returns a path below the directory of the case.
func (c *child) path(name string) string { return filepath.Join(c.dir, name) }

// file creates a file and returns its path.
func (c *child) file(name, content string) string {
	p := c.path(name)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		c.fail("%v", err)
	}
	return p
}

// open opens a path for reading and writing.
func (c *child) open(path string) int64 {
	return c.must(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(path), unix.O_RDWR, 0)
}

// Matchers for parameters that a case cannot foresee exactly.
type (
	anything struct{}
	nonEmpty struct{}
	prefix   string
	suffix   string
	atLeast  int64
)

// expect says that the calling thread causes an event of a type with the given
// parameters: numbers, strings (with NUL), byte slices, nil (empty) or matchers.
func (c *child) expect(t schema.EventType, params ...any) {
	c.expectOf(unix.Gettid(), t, params...)
}

func (c *child) expectOf(tid int, t schema.EventType, params ...any) {
	info := schema.Lookup(t)
	if len(params) != len(info.Params) {
		c.fail("%s: %d parameters expected, the schema has %d", info.Symbol, len(params), len(info.Params))
	}
	_, file, line, _ := runtime.Caller(1)
	if strings.HasSuffix(file, "live_test.go") {
		_, file, line, _ = runtime.Caller(2)
	}
	e := expectation{Type: t, TID: tid, Where: fmt.Sprintf("%s:%d", filepath.Base(file), line)}
	for i, v := range params {
		size := info.Params[i].Type.Size()
		e.Params = append(e.Params, toWant(v, size))
	}
	c.wants = append(c.wants, e)
}

func toWant(v any, size int) want {
	switch v := v.(type) {
	case nil:
		return want{Kind: "empty"}
	case anything:
		return want{Kind: "any"}
	case nonEmpty:
		return want{Kind: "nonempty"}
	case prefix:
		return want{Kind: "prefix", Bytes: []byte(v)}
	case suffix:
		return want{Kind: "suffix", Bytes: append([]byte(v), 0)}
	case atLeast:
		return want{Kind: "min", Int: int64(v)}
	case string:
		return want{Kind: "bytes", Bytes: append([]byte(v), 0)}
	case []byte:
		if len(v) == 0 {
			return want{Kind: "empty"}
		}
		return want{Kind: "bytes", Bytes: v}
	}
	var n int64
	switch v := v.(type) {
	case int:
		n = int64(v)
	case int64:
		n = v
	case uint64:
		n = int64(v)
	case uint32:
		n = int64(v)
	case uintptr:
		n = int64(v)
	default:
		panic(fmt.Sprintf("expected parameter of type %T", v))
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	return want{Kind: "bytes", Bytes: b[:size]}
}

// matches compares a recorded parameter with what was expected of it.
func (w *want) matches(p []byte) bool {
	switch w.Kind {
	case "any":
		return true
	case "empty":
		return len(p) == 0
	case "nonempty":
		return len(p) > 0
	case "prefix":
		return bytes.HasPrefix(p, w.Bytes)
	case "suffix":
		return bytes.HasSuffix(p, w.Bytes)
	case "min":
		var b [8]byte
		copy(b[:], p)
		return len(p) > 0 && int64(binary.LittleEndian.Uint64(b[:])) >= w.Int
	}
	return bytes.Equal(p, w.Bytes)
}

func (w want) String() string {
	switch w.Kind {
	case "bytes":
		return fmt.Sprintf("%q", w.Bytes)
	case "min":
		return fmt.Sprintf("at least %d", w.Int)
	case "prefix", "suffix":
		return fmt.Sprintf("%s %q", w.Kind, w.Bytes)
	}
	return w.Kind
}

// recorded is one event as the probe delivered it.
type recorded struct {
	ts     uint64
	tid    int64
	typ    schema.EventType
	params [][]byte
}

func decode(tb testing.TB, cpu uint16, raw []byte) recorded {
	tb.Helper()
	var e scapfile.Event
	if err := e.SetRaw(cpu, raw); err != nil {
		tb.Fatalf("undecodable event %x: %v", raw, err)
	}
	info := e.Info()
	if info == nil {
		tb.Fatalf("event of unknown type %d", e.Type)
	}
	if e.NumParams() != len(info.Params) {
		tb.Fatalf("%s: %d parameters, the schema has %d", info.Symbol, e.NumParams(), len(info.Params))
	}
	r := recorded{ts: e.TS, tid: e.TID, typ: e.Type}
	for i := range info.Params {
		p := bytes.Clone(e.Param(i))
		if n := info.Params[i].Type.Size(); n != 0 && len(p) != 0 && len(p) != n {
			tb.Fatalf("%s: %s has %d bytes, not %d", info.Symbol, info.Params[i].Name, len(p), n)
		}
		r.params = append(r.params, p)
	}
	return r
}

func (r *recorded) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s tid %d", schema.Lookup(r.typ).Symbol, r.tid)
	for i, p := range r.params {
		fmt.Fprintf(&b, " %s=%q", schema.Lookup(r.typ).Params[i].Name, p)
	}
	return b.String()
}

// diff tells the first parameter that differs, "" if none does.
func (e *expectation) diff(r *recorded) string {
	for i := range e.Params {
		if !e.Params[i].matches(r.params[i]) {
			return fmt.Sprintf("%s is %q, want %v", schema.Lookup(e.Type).Params[i].Name, r.params[i], e.Params[i])
		}
	}
	return ""
}

// startLive starts a probe that records only followed processes.
func startLive(t *testing.T, cfg Config) *Probe {
	t.Helper()
	skipUnlessPrivileged(t)
	cfg.Tree = true
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// runCase runs a case in a child process and returns what it expects and what
// was recorded of it until its end.
func runCase(t *testing.T, p *Probe, name string) ([]expectation, []recorded) {
	t.Helper()
	pid, _, wants := runFor(t, p, name)
	return wants, readUntilExit(t, p, pid)
}

// runFor runs a case in a child process that p follows, to its end. threads are
// those that the child had when it was followed.
func runFor(t *testing.T, p *Probe, name string) (pid int, threads map[int64]bool, wants []expectation) {
	t.Helper()
	goRead, goWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer goWrite.Close()
	repRead, repWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer repRead.Close()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	// In a group of its own, so that nothing of it outlives the case.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Env = append(os.Environ(), childEnv+"="+name, dirEnv+"="+dir, "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	cmd.ExtraFiles = []*os.File{goRead, repWrite}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	goRead.Close()
	repWrite.Close()
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	if err := p.Follow(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	threads = map[int64]bool{}
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range tasks {
		tid, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		threads[tid] = true
	}
	if _, err := goWrite.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	var report struct {
		Wants           []expectation
		Skipped, Failed string
	}
	if err := repRead.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(repRead).Decode(&report); err != nil {
		t.Fatalf("the case did not report: %v", err)
	}
	err = cmd.Wait()
	if report.Failed != "" {
		t.Fatalf("case failed: %s", report.Failed)
	}
	if report.Skipped != "" {
		t.Skip(report.Skipped)
	}
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return cmd.Process.Pid, threads, report.Wants
}

// readUntilExit reads events until the end of process pid.
func readUntilExit(t *testing.T, p *Probe, pid int) []recorded {
	t.Helper()
	done := errors.New("done")
	var all []recorded
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		err := p.Read(time.Now().Add(50*time.Millisecond), func(cpu uint16, raw []byte) error {
			r := decode(t, cpu, raw)
			all = append(all, r)
			if r.typ == schema.PPME_PROCEXIT_1_E && r.tid == int64(pid) {
				return done
			}
			return nil
		})
		if errors.Is(err, done) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("process %d has ended, but its procexit event did not arrive", pid)
	return nil
}

// TestLive performs each case and compares. Its last part fails when an event
// that this architecture can record is expected by no case.
func TestLive(t *testing.T) {
	p := startLive(t, Config{SnapLen: 200})
	covered := map[schema.EventType]bool{}
	names := make([]string, 0, len(liveCases))
	for name := range liveCases {
		if !strings.HasPrefix(name, "~") { // those of other tests
			names = append(names, name)
		}
	}
	slices.Sort(names)
	failed := false
	for _, name := range names {
		ok := t.Run(name, func(t *testing.T) {
			wants, events := runCase(t, p, name)
			for i := range wants {
				w := &wants[i]
				covered[w.Type] = true
				check(t, w, events)
			}
		})
		failed = failed || !ok
	}
	stats, err := p.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if stats.RingFull+stats.TooLarge != 0 {
		t.Errorf("events were lost: %+v", stats)
	}
	if stats.Missed != 0 {
		// Newer kernels preempt programs of sys_exit: see README.md.
		t.Logf("the kernel refused %d runs, %d calls were seen", stats.Missed, stats.Seen)
	}
	if failed || flagSet("test.run") {
		return
	}
	for _, s := range schema.Syscalls() {
		if nativeNumber(&s) >= 0 && !covered[s.Exit] {
			t.Errorf("no case expects %s (%s)", schema.Lookup(s.Exit).Symbol, s.Name)
		}
	}
}

// flagSet reports whether only some subtests were asked for.
func flagSet(name string) bool {
	for _, a := range os.Args {
		if v, ok := strings.CutPrefix(strings.TrimLeft(a, "-"), name+"="); ok && strings.Contains(v, "/") {
			return true
		}
	}
	return false
}

func check(t *testing.T, w *expectation, events []recorded) {
	t.Helper()
	var near []string
	for i := range events {
		r := &events[i]
		if r.typ != w.Type || w.TID != 0 && int64(w.TID) != r.tid {
			continue
		}
		d := w.diff(r)
		if d == "" {
			return
		}
		near = append(near, d)
	}
	if len(near) > 6 {
		near = near[len(near)-6:]
	}
	t.Errorf("%s: no such %s of thread %d; those recorded differ:\n  %s", w.Where, schema.Lookup(w.Type).Symbol, w.TID, strings.Join(near, "\n  "))
}
