package capture

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
	"golang.org/x/sys/unix"
)

func TestSnapshotProcess(t *testing.T) {
	dir := t.TempDir()
	cmd, _ := startHelper(t, "wait", func(c *exec.Cmd) {
		c.Dir = dir
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	})
	pid := cmd.Process.Pid
	_, th := snapshotOf(t, pid)

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(self, &st); err != nil {
		t.Fatal(err)
	}
	got := *th
	if got.VMSizeKB == 0 || got.VMRSSKB == 0 || got.PageFaultsMin == 0 {
		t.Errorf("memory is missing: %+v", got)
	}
	if got.PidnsInitTS == 0 {
		t.Error("the pid namespace's start is missing")
	}
	var lim unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &lim); err != nil {
		t.Fatal(err)
	}
	caps := statusHex(t, pid, "CapEff")
	want := scapfile.Thread{
		TID: int64(pid), PID: int64(pid), PTID: int64(os.Getpid()),
		SID: int64(pid), PGID: int64(pid), VPGID: int64(pid), VTID: int64(pid), VPID: int64(pid),
		Comm: "exe", Exe: "/proc/self/exe", ExePath: self,
		Args: []string{"one", "two words", ""},
		Env:  []string{helperEnv + "=wait", "COLOUR=blue"},
		CWD:  dir, Root: "/", FDLimit: int64(lim.Cur),
		UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()),
		LoginUID: got.LoginUID, Cgroups: got.Cgroups,
		VMSizeKB: got.VMSizeKB, VMRSSKB: got.VMRSSKB, VMSwapKB: got.VMSwapKB,
		PageFaultsMaj: got.PageFaultsMaj, PageFaultsMin: got.PageFaultsMin,
		PidnsInitTS:  got.PidnsInitTS,
		ExeWritable:  true, // this process made the file
		CapEffective: caps, CapPermitted: statusHex(t, pid, "CapPrm"),
		CapInheritable: statusHex(t, pid, "CapInh"),
		ExeIno:         st.Ino,
		ExeInoCtime:    uint64(st.Ctim.Nano()), ExeInoMtime: uint64(st.Mtim.Nano()),
		FDs: got.FDs,
		// The layer depends on the file system that tests run on.
		ExeUpperLayer: got.ExeUpperLayer, ExeLowerLayer: got.ExeLowerLayer,
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("thread differs (-want +got):\n%s", diff)
	}
}

// statusHex reads one hexadecimal value of a process' status file, independently
// of the code under test.
func statusHex(t *testing.T, pid int, key string) uint64 {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, key+":"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(v), 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("status has no %s", key)
	return 0
}

func TestSnapshotThreads(t *testing.T) {
	cmd, _ := startHelper(t, "threads", nil)
	s, main := snapshotOf(t, cmd.Process.Pid)
	n := 0
	for _, th := range s.Threads {
		if th.PID != main.PID || th.TID == main.TID {
			continue
		}
		n++
		if th.Flags != schema.PPM_CL_CLONE_THREAD|schema.PPM_CL_CLONE_FILES {
			t.Errorf("thread %d has flags %#x", th.TID, th.Flags)
		}
		if th.PTID != main.PTID || th.ExePath != main.ExePath || th.VTID != th.TID || th.VPID != main.PID || len(th.FDs) > 0 {
			t.Errorf("thread %d is not of its process: %+v", th.TID, th)
		}
	}
	if n < 3 {
		t.Errorf("%d threads beside the main one, want 3 or more", n)
	}
	if main.Flags != 0 {
		t.Errorf("main thread has flags %#x, want 0", main.Flags)
	}
	for i := 1; i < len(s.Threads); i++ {
		if s.Threads[i].PID < s.Threads[i-1].PID {
			t.Fatalf("processes are not in order: %d after %d", s.Threads[i].PID, s.Threads[i-1].PID)
		}
	}
}

func TestFindThread(t *testing.T) {
	s := openFake(t, &fakeRing{}, Options{})
	cmd, _ := startHelper(t, "threads", nil)
	pid := int64(cmd.Process.Pid)
	snap, main := snapshotOf(t, cmd.Process.Pid)
	for _, want := range snap.Threads {
		if want.PID != pid {
			continue
		}
		got := s.FindThread(want.TID)
		if got == nil || got.TID != want.TID || got.PID != pid || got.ExePath != main.ExePath || len(got.FDs) != len(main.FDs) {
			t.Errorf("thread %d: %+v", want.TID, got)
		}
	}
	const beyondPIDMax = 1 << 23
	if got := s.FindThread(beyondPIDMax); got != nil {
		t.Errorf("a thread that does not exist: %+v", got)
	}
}

func TestSnapshotLeavesOutKernelThreadsAndZombies(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }() // not before: it must be a zombie now
	state := func() string {
		b, _ := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/stat")
		_, after, _ := strings.Cut(string(b), ") ")
		return after[:min(1, len(after))]
	}
	for state() != "Z" {
		time.Sleep(time.Millisecond)
	}
	s, err := TakeSnapshot(SnapshotOptions{NoFDs: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range s.Threads {
		if th.TID == int64(cmd.Process.Pid) {
			t.Error("a zombie is listed")
		}
		if th.TID == 2 && th.Comm == "kthreadd" {
			t.Error("a kernel thread is listed")
		}
		if th.FDs != nil {
			t.Error("descriptors are listed although NoFDs is set")
		}
	}
}

// fdOf returns the descriptor of this process in its snapshot.
func fdOf(t *testing.T, th *scapfile.Thread, num int) *scapfile.FD {
	t.Helper()
	for i := range th.FDs {
		if th.FDs[i].Num == int64(num) {
			return &th.FDs[i]
		}
	}
	t.Fatalf("descriptor %d is not listed", num)
	return nil
}

func TestSnapshotDescriptors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a file")
	must := func(fd int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	must(pipe[0], nil)
	must(pipe[1], nil)
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	regular := must(unix.Open(file, unix.O_CREAT|unix.O_RDWR|unix.O_APPEND|unix.O_CLOEXEC, 0o600))
	gone := must(unix.Open(filepath.Join(dir, "gone"), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600))
	if err := unix.Unlink(filepath.Join(dir, "gone")); err != nil {
		t.Fatal(err)
	}
	pidfd, err := unix.PidfdOpen(os.Getpid(), 0)
	tests := []struct {
		what string
		fd   int
		typ  uint8
		name string
	}{
		{"regular file", regular, schema.SCAP_FD_FILE_V2, file},
		{"unlinked file", gone, schema.SCAP_FD_FILE_V2, filepath.Join(dir, "gone") + " (deleted)"},
		{"device", must(unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)), schema.SCAP_FD_FILE_V2, "/dev/null"},
		{"directory", must(unix.Open(dir, unix.O_RDONLY|unix.O_CLOEXEC, 0)), schema.SCAP_FD_DIRECTORY, dir},
		{"fifo", must(unix.Open(filepath.Join(dir, "fifo"), unix.O_RDWR|unix.O_CLOEXEC, 0)), schema.SCAP_FD_FIFO, filepath.Join(dir, "fifo")},
		{"pipe", pipe[0], schema.SCAP_FD_FIFO, "pipe:[" + strconv.FormatUint(inode(t, pipe[0]), 10) + "]"},
		{"eventfd", must(unix.Eventfd(0, unix.EFD_CLOEXEC)), schema.SCAP_FD_EVENT, ""},
		{"epoll", must(unix.EpollCreate1(unix.EPOLL_CLOEXEC)), schema.SCAP_FD_EVENTPOLL, ""},
		{"timerfd", must(unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)), schema.SCAP_FD_TIMERFD, ""},
		{"inotify", must(unix.InotifyInit1(unix.IN_CLOEXEC)), schema.SCAP_FD_INOTIFY, ""},
		{"signalfd", must(unix.Signalfd(-1, &unix.Sigset_t{}, unix.SFD_CLOEXEC)), schema.SCAP_FD_SIGNALFD, ""},
		{"memfd", must(unix.MemfdCreate("secret", unix.MFD_CLOEXEC)), schema.SCAP_FD_MEMFD, "/memfd:secret (deleted)"},
		{"pidfd", must(pidfd, err), schema.SCAP_FD_PIDFD, ""},
	}
	_, th := snapshotOf(t, os.Getpid())
	for _, tt := range tests {
		got := fdOf(t, th, tt.fd)
		if got.Type != tt.typ || got.Name != tt.name {
			t.Errorf("%s: type %d name %q, want %d %q", tt.what, got.Type, got.Name, tt.typ, tt.name)
		}
		if want := inode(t, tt.fd); tt.what != "pidfd" && got.Ino != want {
			t.Errorf("%s: inode %d, want %d", tt.what, got.Ino, want)
		}
	}
	var st unix.Stat_t
	if err := unix.Fstat(regular, &st); err != nil {
		t.Fatal(err)
	}
	got := fdOf(t, th, regular)
	const flags = schema.PPM_O_RDWR | schema.PPM_O_APPEND | schema.PPM_O_CLOEXEC | schema.PPM_O_LARGEFILE
	if got.Flags != flags {
		t.Errorf("flags = %#x, want %#x", got.Flags, flags)
	}
	if want := makeDev(unix.Major(st.Dev), unix.Minor(st.Dev)); got.Dev != want {
		t.Errorf("device = %#x, want %#x", got.Dev, want)
	}
}

func inode(t *testing.T, fd int) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func TestSnapshotSockets(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) { testInetSockets(t, host) })
	}
	t.Run("unix", testUnixSockets)
}

func testInetSockets(t *testing.T, host string) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Skipf("no listener on %s: %v", host, err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	udp, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	connected, err := net.Dial("udp", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()

	sock, servsock := uint8(schema.SCAP_FD_IPV4_SOCK), uint8(schema.SCAP_FD_IPV4_SERVSOCK)
	if strings.Contains(host, ":") {
		sock, servsock = schema.SCAP_FD_IPV6_SOCK, schema.SCAP_FD_IPV6_SERVSOCK
	}
	_, th := snapshotOf(t, os.Getpid())
	tests := []struct {
		what     string
		c        any
		typ, l4  uint8
		src, dst string
	}{
		{"listener", l, servsock, schema.SCAP_L4_TCP, l.Addr().String(), ""},
		{"client", client, sock, schema.SCAP_L4_TCP, client.LocalAddr().String(), client.RemoteAddr().String()},
		{"server", server, sock, schema.SCAP_L4_TCP, server.LocalAddr().String(), server.RemoteAddr().String()},
		{"udp", udp, servsock, schema.SCAP_L4_UDP, udp.LocalAddr().String(), ""},
		{"connected udp", connected, sock, schema.SCAP_L4_UDP, connected.LocalAddr().String(), connected.RemoteAddr().String()},
	}
	for _, tt := range tests {
		fd := fdNum(t, tt.c)
		got := *fdOf(t, th, fd)
		want := scapfile.FD{Num: int64(fd), Ino: inode(t, fd), Type: tt.typ, L4: tt.l4, Src: netip.MustParseAddrPort(tt.src)}
		if tt.dst != "" {
			want.Dst = netip.MustParseAddrPort(tt.dst)
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", tt.what, got, want)
		}
	}
}

func fdNum(t *testing.T, c any) int {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	n := -1
	if err := raw.Control(func(fd uintptr) { n = int(fd) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func testUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	abstract, err := net.Listen("unix", "@sysreel-"+strconv.Itoa(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	nl, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(nl)
	if err := unix.Bind(nl, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	_, th := snapshotOf(t, os.Getpid())
	for _, tt := range []struct {
		fd   int
		typ  uint8
		name string
	}{
		{fdNum(t, l), schema.SCAP_FD_UNIX_SOCK, path},
		{fdNum(t, abstract), schema.SCAP_FD_UNIX_SOCK, "@sysreel-" + strconv.Itoa(os.Getpid())},
		{nl, schema.SCAP_FD_NETLINK, ""},
	} {
		got := fdOf(t, th, tt.fd)
		if got.Type != tt.typ || got.Name != tt.name || got.Ino != inode(t, tt.fd) {
			t.Errorf("descriptor %d: %+v, want type %d name %q", tt.fd, got, tt.typ, tt.name)
		}
		if tt.typ == schema.SCAP_FD_UNIX_SOCK && got.UnixSrc == 0 {
			t.Errorf("descriptor %d: no kernel pointer", tt.fd)
		}
	}
}

func TestSnapshotNamespaces(t *testing.T) {
	needRoot(t)
	before := time.Now().Add(-time.Second)
	cmd, addr := startHelper(t, "listen:0.0.0.0:4711", func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID}
	})
	_, th := snapshotOf(t, cmd.Process.Pid)
	if th.VTID != 1 || th.VPID != 1 || th.TID != int64(cmd.Process.Pid) {
		t.Errorf("tid %d, vtid %d, vpid %d; want %d, 1, 1", th.TID, th.VTID, th.VPID, cmd.Process.Pid)
	}
	if got := time.Unix(0, int64(th.PidnsInitTS)); got.Before(before) || got.After(time.Now()) {
		t.Errorf("pid namespace began at %v, want between %v and now", got, before)
	}
	for _, fd := range th.FDs {
		if fd.Type == schema.SCAP_FD_IPV4_SERVSOCK {
			if fd.Src.String() != addr {
				t.Errorf("listener on %s, want %s", fd.Src, addr)
			}
			return
		}
	}
	t.Errorf("the socket of the other network namespace is missing: %+v", th.FDs)
}

// TestSnapshotExecutable checks the facts about executables that need a mount or
// other rights: overlay layers, memfd, writability.
func TestSnapshotExecutable(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	script := `set -e
cd "$1"; mkdir lower upper work merged
cp /bin/sleep lower/low; chmod 755 lower/low
mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" merged || exit 42
cp /bin/sleep merged/up
"$1"/merged/low 60 & echo low $!
"$1"/merged/up 60 & echo up $!
setpriv --reuid=65534 --regid=65534 --clear-groups /bin/sleep 60 & echo nobody $!
/bin/sleep 60 & echo root $!
echo ready; read x; kill $(jobs -p)
umount -l merged
`
	cmd := exec.Command("unshare", "-m", "sh", "-c", script, "sh", dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("needs unshare: %v", err)
	}
	defer func() {
		stdin.Close()
		_ = cmd.Wait()
	}()
	pids := map[string]int64{}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "ready" {
		name, pid, _ := strings.Cut(lines.Text(), " ")
		if pids[name], err = strconv.ParseInt(pid, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	if len(pids) != 4 {
		t.Skip("cannot mount an overlay here")
	}
	type facts struct{ Upper, Lower, Writable bool }
	want := map[string]facts{
		"low": {Lower: true, Writable: true}, "up": {Upper: true, Writable: true},
		"nobody": {}, "root": {Writable: true},
	}
	// Those that have just been started may still be on their way to the execve.
	var got map[string]facts
	for range 100 {
		got = map[string]facts{}
		s, err := TakeSnapshot(SnapshotOptions{NoFDs: true})
		if err != nil {
			t.Fatal(err)
		}
		for name, pid := range pids {
			for _, th := range s.Threads {
				if th.TID == pid && th.Args != nil && th.Args[0] == "60" {
					got[name] = facts{th.ExeUpperLayer, th.ExeLowerLayer, th.ExeWritable}
				}
			}
		}
		if len(got) == len(pids) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("executables differ (-want +got):\n%s", diff)
	}
}

func TestSnapshotMemfdExecutable(t *testing.T) {
	fd, err := unix.MemfdCreate("hidden", unix.MFD_CLOEXEC)
	if err != nil {
		t.Skipf("needs memfd_create: %v", err)
	}
	f := os.NewFile(uintptr(fd), "memfd")
	defer f.Close()
	b, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/"+strconv.Itoa(os.Getpid())+"/fd/"+strconv.Itoa(fd), "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	_, th := snapshotOf(t, cmd.Process.Pid)
	if !th.ExeFromMemfd || th.ExePath != "memfd:hidden" {
		t.Errorf("from memfd %v, path %q", th.ExeFromMemfd, th.ExePath)
	}
}

func TestSnapshotHost(t *testing.T) {
	s, err := TakeSnapshot(SnapshotOptions{NoFDs: true})
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	m := s.Machine
	if m.Hostname != host || m.NumCPUs == 0 || m.MemoryB < 1<<20 || m.MaxPID < 1<<10 {
		t.Errorf("machine info: %+v", m)
	}
	// The kernel's own figure has seconds and moves with clock corrections.
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), "btime ")
	btime, err := strconv.ParseInt(after[:strings.IndexByte(after, '\n')], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Unix(0, int64(m.BootTime)).Sub(time.Unix(btime, 0)); d < -2*time.Second || d > 2*time.Second {
		t.Errorf("boot time is %v away from the kernel's", d)
	}
	wantInterfaces(t, s.Interfaces)
}

// wantInterfaces compares with what package net says.
func wantInterfaces(t *testing.T, got []scapfile.Interface) {
	t.Helper()
	list, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, i := range list {
		addrs, err := i.Addrs()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range addrs {
			want[i.Name+" "+a.String()] = true
		}
	}
	for _, i := range got {
		ones := 0
		for _, b := range i.Netmask.AsSlice() {
			for ; b != 0; b <<= 1 {
				ones++
			}
		}
		key := i.Name + " " + netip.PrefixFrom(i.Addr, ones).String()
		if !want[key] {
			t.Errorf("interface %q is unknown to the system: %v", key, want)
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("interfaces %v are missing", want)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	b.ReportAllocs()
	threads := 0
	for b.Loop() {
		s, err := TakeSnapshot(SnapshotOptions{})
		if err != nil {
			b.Fatal(err)
		}
		threads = len(s.Threads)
	}
	b.ReportMetric(float64(threads), "threads")
}
