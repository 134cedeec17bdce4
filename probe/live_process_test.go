package probe

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// statusIDs returns the numbers of a line of /proc/PID/status.
func (c *child) statusNumbers(pid, key string, base int) []uint64 {
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		c.fail("%v", err)
	}
	for line := range strings.Lines(string(b)) {
		rest, ok := strings.CutPrefix(line, key+":")
		if !ok {
			continue
		}
		var out []uint64
		for _, f := range strings.Fields(rest) {
			v, err := strconv.ParseUint(f, base, 64)
			if err != nil {
				c.fail("%s: %v", key, err)
			}
			out = append(out, v)
		}
		return out
	}
	c.fail("no %s in status", key)
	return nil
}

// noFile is the soft limit of open files. The Go runtime raises it for itself,
// not for its children.
func noFile(c *child) uint64 {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		c.fail("%v", err)
	}
	return r.Cur
}

func comm() string {
	b, _ := os.ReadFile("/proc/self/comm")
	return strings.TrimSpace(string(b))
}

// ownArgs returns argv[0] and the rest as recorded.
func ownArgs() (string, []byte) {
	b, _ := os.ReadFile("/proc/self/cmdline")
	i := bytes.IndexByte(b, 0)
	return string(b[:i]), b[i+1:]
}

// cgroups returns what the parameter of that name must begin with.
func cgroups(c *child) any {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		c.fail("%v", err)
	}
	// Version 1 hierarchies name their controllers.
	paths := map[string]string{}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		for ctl := range strings.SplitSeq(f[1], ",") {
			paths[ctl] = f[2]
		}
	}
	want := ""
	for _, ctl := range []string{"cpuset", "cpu", "cpuacct", "io", "memory"} {
		p, ok := paths[ctl]
		if !ok || strings.Count(p, "/") > 6 {
			break
		}
		want += ctl + "=" + p + "\x00"
	}
	if want == "" {
		return prefix("cpuset=/")
	}
	return prefix(want)
}

// reap waits for a child.
func (c *child) reap(pid int64) { c.must(unix.SYS_WAIT4, pid, 0, 0, 0) }

// execHelper runs a program and returns its pid, for cases about exec.
func (c *child) run(path string, argv, env []string, attr *os.ProcAttr) int {
	if attr == nil {
		attr = &os.ProcAttr{}
	}
	attr.Env = env
	p, err := os.StartProcess(path, argv, attr)
	if err != nil {
		c.fail("%v", err)
	}
	if _, err := p.Wait(); err != nil {
		c.fail("%v", err)
	}
	return p.Pid
}

func trueBinary(c *child) string {
	p, err := exec.LookPath("true")
	if err != nil {
		return "/proc/self/exe"
	}
	p, err = filepath.EvalSymlinks(p)
	if err != nil {
		c.fail("%v", err)
	}
	return p
}

func (c *child) caps() (inh, prm, eff uint64) {
	return c.statusNumbers("self", "CapInh", 16)[0], c.statusNumbers("self", "CapPrm", 16)[0], c.statusNumbers("self", "CapEff", 16)[0]
}

// execWant lists what an exec event of a program run by this process must carry.
type execWant struct {
	res       int64
	exe       string
	args, env []byte
	tid, pid  int
	ptid      any
	comm      any // from the descriptor's number or from the file's name, by kernel
	flags     any
	trusted   any
	uid, gid  int
	pgid      any
	file      string // path to take inode and times from
	fdlimit   any
	caps      [3]uint64
	filename  any
	failedAt  bool // EXECVEAT_X
}

func (c *child) expectExec(w execWant) {
	var st unix.Stat_t
	if err := unix.Stat(w.file, &st); err != nil {
		c.fail("%v", err)
	}
	login := uint64(0xffffffff)
	if b, err := os.ReadFile("/proc/self/loginuid"); err == nil {
		login, _ = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
	}
	// The resident size of a new image is 0 where the kernel keeps it per CPU.
	params := []any{w.res, w.exe, w.args, w.tid, w.pid, w.ptid, nil, w.fdlimit, anything{}, atLeast(1), atLeast(1), anything{}, anything{}, w.comm,
		cgroups(c), w.env, anything{}, w.pgid, uint32(login), w.flags, w.caps[0], w.caps[1], w.caps[2],
		st.Ino, uint64(st.Ctim.Nano()), uint64(st.Mtim.Nano()), w.uid, w.trusted, w.pgid, w.gid}
	if w.failedAt {
		c.expectOf(w.tid, schema.PPME_SYSCALL_EXECVEAT_X, params...)
		return
	}
	c.expectOf(w.tid, schema.PPME_SYSCALL_EXECVE_19_X, append(params, w.filename)...)
}

const (
	exeWritable = schema.PPM_EXE_WRITABLE
	exeMemfd    = schema.PPM_EXE_FROM_MEMFD
)

var _ = addCases(map[string]func(c *child){
	"execve": func(c *child) {
		prog := trueBinary(c)
		copied := c.path("a program with a long name")
		b, err := os.ReadFile(prog)
		if err != nil {
			c.fail("%v", err)
		}
		if err := os.WriteFile(copied, b, 0o755); err != nil {
			c.fail("%v", err)
		}
		link := c.path("link")
		if err := os.Symlink(copied, link); err != nil {
			c.fail("%v", err)
		}
		inh, prm, eff := c.caps()
		me := unix.Getpid()
		pid := c.run(link, []string{"argv zero", "one", "", "three\x1b[1m"}, []string{"A=1", "B="}, nil)
		w := execWant{exe: "argv zero", args: []byte("one\x00\x00three\x1b[1m\x00"), env: []byte("A=1\x00B=\x00"), tid: pid, pid: pid, ptid: atLeast(1),
			comm: "link", flags: exeWritable | c.exeLayer(copied), file: copied, trusted: copied, pgid: unix.Getpgrp(), fdlimit: anything{},
			caps: [3]uint64{inh, prm, eff}, filename: link}
		c.expectExec(w)
		_ = me
		// The longest argument list that is kept.
		big := strings.Repeat("x", 5000)
		pid = c.run(copied, []string{"zero", big}, []string{"E=" + big}, nil)
		w.exe, w.args, w.env, w.tid, w.pid, w.comm, w.filename = "zero", []byte(big[:4096-5]), []byte("E="+big[:4094]), pid, pid, "a program with ", copied
		c.expectExec(w)
		// A session of its own, another user, and a program that it may not write.
		attr := &os.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: 65534, Gid: 65533}}}
		if os.Chmod(c.dir, 0o755) != nil || os.Chmod(filepath.Dir(c.dir), 0o755) != nil || os.Chmod(copied, 0o755) != nil {
			c.fail("chmod")
		}
		pid = c.run("/bin/true", []string{"true"}, []string{}, attr)
		layer := c.exeLayer(prog)
		c.expectExec(execWant{exe: "true", tid: pid, pid: pid, ptid: atLeast(1), comm: "true", flags: layer, file: prog, trusted: prog, pgid: pid,
			fdlimit: anything{}, uid: 65534, gid: 65533, filename: "/bin/true"})
	},
	"execve that fails": func(c *child) {
		inh, prm, eff := c.caps()
		argv := c.words(uint64(c.str("zero")), uint64(c.str("")), uint64(c.str("two")), 0)
		env := c.words(uint64(c.str("K=V")), uint64(c.str("L")), 0)
		exe, err := os.Readlink("/proc/self/exe")
		if err != nil {
			c.fail("%v", err)
		}
		me := unix.Getpid()
		w := execWant{exe: "zero", args: []byte("\x00two\x00"), env: []byte("K=V\x00L\x00"), tid: unix.Gettid(), pid: me, ptid: atLeast(1), comm: comm(),
			flags: exeWritable | c.exeLayer(exe), file: exe, trusted: exe, pgid: unix.Getpgrp(), fdlimit: noFile(c), caps: [3]uint64{inh, prm, eff}, filename: "/absent"}
		w.res = c.call(unix.SYS_EXECVE, c.str("/absent"), argv, env)
		c.expectExec(w)
		w.failedAt = true
		w.res = c.call(unix.SYS_EXECVEAT, -1, c.str("absent"), argv, env, 0)
		c.expectExec(w)
		// No argument vector at all: an empty string.
		w.failedAt, w.exe, w.args, w.env, w.filename = false, "", nil, nil, nil
		w.res = c.call(unix.SYS_EXECVE, 0, 0, 0)
		c.expectExec(w)
	},
	"execveat of a memfd": func(c *child) {
		b, err := os.ReadFile(trueBinary(c))
		if err != nil {
			c.fail("%v", err)
		}
		fd, err := unix.MemfdCreate("payload", 0)
		if err != nil {
			c.fail("%v", err)
		}
		f := os.NewFile(uintptr(fd), "memfd")
		if _, err := f.Write(b); err != nil {
			c.fail("%v", err)
		}
		inh, prm, eff := c.caps()
		// A memfd that is open for writing cannot be executed: open it again.
		ro, err := os.Open("/proc/self/fd/" + strconv.Itoa(fd))
		if err != nil {
			c.fail("%v", err)
		}
		f.Close()
		argv, env := c.words(uint64(c.str("[kworker]")), 0), c.words(0)
		rofd, empty, status := ro.Fd(), c.str(""), c.u32s(0)
		pid := c.fork()
		if pid == 0 {
			_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, rofd, empty, argv, env, unix.AT_EMPTY_PATH, 0)
			exitNow(uintptr(errno))
		}
		c.must(unix.SYS_WAIT4, pid, status, 0, 0)
		if errno := c.u32At(status) >> 8 & 0xff; errno != 0 && errno != 127 {
			c.skip("a memfd cannot be executed here: %v", unix.Errno(errno))
		}
		c.expectExec(execWant{exe: "[kworker]", tid: int(pid), pid: int(pid), ptid: unix.Gettid(), comm: nonEmpty{}, flags: exeWritable | exeMemfd,
			file: "/proc/self/fd/" + strconv.Itoa(int(ro.Fd())), trusted: "memfd:payload", pgid: unix.Getpgrp(), fdlimit: noFile(c),
			caps: [3]uint64{inh, prm, eff}, filename: "/dev/fd/" + strconv.Itoa(int(ro.Fd()))})
	},
	"clone": func(c *child) {
		exe, args := ownArgs()
		me, tid := unix.Getpid(), unix.Gettid()
		common := func(res int64, of, ptid any, flags int, start any) []any {
			return []any{res, exe, args, of, of, ptid, nil, noFile(c), anything{}, anything{}, atLeast(1), anything{}, anything{}, comm(), cgroups(c), flags, 0, 0, of, of, start}
		}
		parent := func(res int64, flags int) []any {
			p := common(res, me, atLeast(1), flags, 0)
			p[3], p[18] = tid, tid
			return p
		}
		const flags = unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_VM | unix.CLONE_VFORK
		_ = flags
		pid := c.fork()
		if pid == 0 {
			exitNow(3)
		}
		c.reap(pid)
		c.expect(schema.PPME_SYSCALL_CLONE_20_X, parent(pid, 0)...)
		c.expectOf(int(pid), schema.PPME_SYSCALL_CLONE_20_X, common(0, int(pid), tid, 0, anything{})...)
		c.expectOf(int(pid), schema.PPME_PROCEXIT_1_E, 3<<8, 3, 0, 0, 0)
		// clone3, with flags.
		ca := c.words(unix.CLONE_FS|unix.CLONE_SYSVSEM, 0, 0, 0, uint64(unix.SIGCHLD), 0, 0, 0)
		r3, _, _ := unix.RawSyscall(unix.SYS_CLONE3, ca, 64, 0)
		pid = int64(r3)
		if pid == 0 {
			exitNow(0)
		}
		c.reap(pid)
		f := schema.PPM_CL_CLONE_FS | schema.PPM_CL_CLONE_SYSVSEM
		c.expect(schema.PPME_SYSCALL_CLONE3_X, parent(pid, f)...)
		if childEventFromExit {
			c.expectOf(int(pid), schema.PPME_SYSCALL_CLONE3_X, common(0, int(pid), tid, f, anything{})...)
		} else {
			c.expectOf(int(pid), schema.PPME_SYSCALL_CLONE_20_X, common(0, int(pid), tid, 0, anything{})...)
		}
		r := c.call(unix.SYS_CLONE, unix.CLONE_THREAD, 0, 0, 0, 0)
		want := parent(r, schema.PPM_CL_CLONE_THREAD)
		want[1], want[2] = nil, nil
		c.expect(schema.PPME_SYSCALL_CLONE_20_X, want...)
	},
	"clone into a pid namespace": func(c *child) {
		tid := unix.Gettid()
		r, _, errno := unix.RawSyscall6(unix.SYS_CLONE, unix.CLONE_NEWPID|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 {
			c.skip("clone: %v", errno)
		}
		pid := int64(r)
		if pid == 0 {
			exitNow(0)
		}
		c.reap(pid)
		flags := schema.PPM_CL_CLONE_NEWPID | schema.PPM_CL_CHILD_IN_PIDNS
		if !childEventFromExit {
			flags = schema.PPM_CL_CHILD_IN_PIDNS
		}
		c.expectOf(int(pid), schema.PPME_SYSCALL_CLONE_20_X, 0, nonEmpty{}, anything{}, pid, pid, tid, nil, anything{}, anything{}, anything{}, anything{}, anything{},
			anything{}, comm(), cgroups(c), flags, 0, 0, 1, 1, atLeast(1))
	},
	"ends": func(c *child) {
		// Killed by a signal.
		pid := c.fork()
		if pid == 0 {
			sleepForEver()
		}
		r := c.call(unix.SYS_KILL, pid, int(unix.SIGKILL))
		c.expect(schema.PPME_SYSCALL_KILL_X, r, pid, int(unix.SIGKILL))
		c.reap(pid)
		c.expectOf(int(pid), schema.PPME_PROCEXIT_1_E, 9, 0, 9, 0, 0)
		// With a child left behind, which this process adopts as a subreaper.
		c.must(unix.SYS_PRCTL, unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
		p := c.u32s(0, 0)
		c.must(unix.SYS_PIPE2, p, 0)
		buf := c.bytes([]byte{0})
		in, out := uintptr(c.u32At(p)), uintptr(c.u32At(p+4))
		pid = c.fork()
		if pid == 0 {
			if grand := c.fork(); grand == 0 {
				unix.RawSyscall(unix.SYS_CLOSE, out, 0, 0)
				unix.RawSyscall(unix.SYS_READ, in, buf, 1)
				exitNow(0)
			}
			exitNow(255)
		}
		c.reap(pid)
		c.must(unix.SYS_CLOSE, c.u32At(p+4))
		c.reap(-1)
		c.expectOf(int(pid), schema.PPME_PROCEXIT_1_E, 255<<8, 255, 0, 0, nonEmpty{})
	},
	"signals to threads": func(c *child) {
		r := c.call(unix.SYS_TGKILL, unix.Getpid(), unix.Gettid(), 0)
		c.expect(schema.PPME_SYSCALL_TGKILL_X, r, unix.Getpid(), unix.Gettid(), 0)
		r = c.call(unix.SYS_TKILL, -4, 9)
		c.expect(schema.PPME_SYSCALL_TKILL_X, r, -4, 9)
		c.call(unix.SYS_KILL, 1<<30, 15)
		c.expect(schema.PPME_SYSCALL_KILL_X, -int(unix.ESRCH), 1<<30, 15)
	},
	"limits": func(c *child) {
		lim := c.words(50, 60)
		r := c.call(unix.SYS_SETRLIMIT, unix.RLIMIT_NOFILE, lim)
		c.expect(schema.PPME_SYSCALL_SETRLIMIT_X, r, 50, 60, schema.PPM_RLIMIT_NOFILE)
		out := c.words(0, 0)
		r = c.call(unix.SYS_GETRLIMIT, unix.RLIMIT_NOFILE, out)
		c.expect(schema.PPME_SYSCALL_GETRLIMIT_X, r, 50, 60, schema.PPM_RLIMIT_NOFILE)
		r = c.call(unix.SYS_GETRLIMIT, 99, out)
		c.expect(schema.PPME_SYSCALL_GETRLIMIT_X, r, -1, -1, 255)
		r = c.call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_CORE, c.words(7, 8), out)
		c.expect(schema.PPME_SYSCALL_PRLIMIT_X, r, 7, 8, c.u64At(out), c.u64At(out+8), 0, schema.PPM_RLIMIT_CORE)
		r = c.call(unix.SYS_PRLIMIT64, -1, unix.RLIMIT_CORE, 0, out)
		c.expect(schema.PPME_SYSCALL_PRLIMIT_X, r, 0, 0, -1, -1, -1, schema.PPM_RLIMIT_CORE)
	},
	"identity": func(c *child) {
		ids := c.u32s(1, 1, 1)
		r := c.call(unix.SYS_GETRESUID, ids, ids+4, ids+8)
		c.expect(schema.PPME_SYSCALL_GETRESUID_X, r, 0, 0, 0)
		r = c.call(unix.SYS_GETRESGID, ids, ids+4, ids+8)
		c.expect(schema.PPME_SYSCALL_GETRESGID_X, r, 0, 0, 0)
		r = c.call(unix.SYS_SETREGID, uint32(0xffffffff), 12)
		c.expect(schema.PPME_SYSCALL_SETREGID_X, r, uint32(0xffffffff), 12)
		c.call(unix.SYS_GETEGID)
		c.expect(schema.PPME_SYSCALL_GETEGID_X, 12)
		c.call(unix.SYS_SETGID, 14)
		c.expect(schema.PPME_SYSCALL_SETGID_X, 0, 14)
		c.call(unix.SYS_GETGID)
		c.expect(schema.PPME_SYSCALL_GETGID_X, 14)
		r = c.call(unix.SYS_SETRESGID, 1, 2, 3)
		c.expect(schema.PPME_SYSCALL_SETRESGID_X, r, 1, 2, 3)
		r = c.call(unix.SYS_SETREUID, uint32(0xffffffff), 0)
		c.expect(schema.PPME_SYSCALL_SETREUID_X, r, uint32(0xffffffff), 0)
		r = c.call(unix.SYS_SETRESUID, 21, 22, 0)
		c.expect(schema.PPME_SYSCALL_SETRESUID_X, r, 21, 22, 0)
		c.call(unix.SYS_GETUID)
		c.expect(schema.PPME_SYSCALL_GETUID_X, 21)
		c.call(unix.SYS_GETEUID)
		c.expect(schema.PPME_SYSCALL_GETEUID_X, 22)
		c.call(unix.SYS_SETUID, 77)
		c.expect(schema.PPME_SYSCALL_SETUID_X, -int(unix.EPERM), 77)
	},
	"capabilities": func(c *child) {
		hdr := c.u32s(0x20080522, 0)
		data := c.u32s(1<<7|1<<21, 1<<7|1<<21, 1<<7, 0, 0, 0)
		r := c.call(unix.SYS_CAPSET, hdr, data)
		inh, prm, eff := c.caps()
		if prm != 1<<7|1<<21 {
			c.fail("capset: permitted %x", prm)
		}
		c.expect(schema.PPME_SYSCALL_CAPSET_X, r, inh, prm, eff)
	},
	"sessions": func(c *child) {
		r := c.call(unix.SYS_SETPGID, 0, 99999999)
		c.expect(schema.PPME_SYSCALL_SETPGID_X, r, 0, 99999999)
		r = c.call(unix.SYS_SETSID)
		c.expect(schema.PPME_SYSCALL_SETSID_X, r)
	},
	"namespaces": func(c *child) {
		f, err := os.Open("/proc/self/ns/uts")
		if err != nil {
			c.fail("%v", err)
		}
		r := c.call(unix.SYS_UNSHARE, unix.CLONE_NEWUTS|unix.CLONE_NEWIPC)
		c.expect(schema.PPME_SYSCALL_UNSHARE_X, r, schema.PPM_CL_CLONE_NEWUTS|schema.PPM_CL_CLONE_NEWIPC)
		r = c.call(unix.SYS_SETNS, int(f.Fd()), unix.CLONE_NEWUTS)
		c.expect(schema.PPME_SYSCALL_SETNS_X, r, int(f.Fd()), schema.PPM_CL_CLONE_NEWUTS)
		r = c.call(unix.SYS_SETNS, -1, 0)
		c.expect(schema.PPME_SYSCALL_SETNS_X, r, -1, 0)
	},
	"prctl and seccomp": func(c *child) {
		r := c.call(unix.SYS_PRCTL, unix.PR_SET_NAME, c.str("renamed"), 0, 0, 0)
		c.expect(schema.PPME_SYSCALL_PRCTL_X, r, schema.PPM_PR_SET_NAME, "renamed", 0)
		r = c.call(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
		c.expect(schema.PPME_SYSCALL_PRCTL_X, r, schema.PPM_PR_SET_DUMPABLE, nil, 1)
		c.must(unix.SYS_PRCTL, unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
		r = c.call(unix.SYS_PRCTL, unix.PR_GET_CHILD_SUBREAPER, c.u32s(0), 0, 0, 0)
		c.expect(schema.PPME_SYSCALL_PRCTL_X, r, schema.PPM_PR_GET_CHILD_SUBREAPER, nil, 1)
		r = c.call(unix.SYS_SECCOMP, 7, uint64(0xf00000001), 0)
		c.expect(schema.PPME_SYSCALL_SECCOMP_X, r, 7, 1)
	},
	"ptrace": func(c *child) {
		num := func(v uint64) []byte { return binary.LittleEndian.AppendUint64([]byte{0}, v) }
		r := c.call(unix.SYS_PTRACE, 16, 1<<30, 5, 6)
		c.expect(schema.PPME_SYSCALL_PTRACE_X, r, num(0), num(0), schema.PPM_PTRACE_ATTACH, 1<<30)
		word := c.words(0x1122334455667788)
		out := c.words(0)
		pid := c.fork()
		if pid == 0 {
			sleepForEver()
		}
		r = c.call(unix.SYS_PTRACE, 0x4206, pid, 0, 0) // SEIZE
		c.expect(schema.PPME_SYSCALL_PTRACE_X, r, num(0), num(0), schema.PPM_PTRACE_SEIZE, pid)
		c.call(unix.SYS_PTRACE, 0x4207, pid, 0, 0) // INTERRUPT
		c.reap(pid)
		r = c.call(unix.SYS_PTRACE, 1, pid, word, out) // PEEKTEXT
		c.expect(schema.PPME_SYSCALL_PTRACE_X, r, num(uint64(word)), num(0x1122334455667788), schema.PPM_PTRACE_PEEKTEXT, pid)
		r = c.call(unix.SYS_PTRACE, 7, pid, 0, int(unix.SIGKILL)) // CONT
		c.expect(schema.PPME_SYSCALL_PTRACE_X, r, num(0), []byte{1, 9}, schema.PPM_PTRACE_CONT, pid)
		c.must(unix.SYS_KILL, pid, int(unix.SIGKILL))
		c.reap(pid)
	},
})

// exitNow ends a forked process. It allocates nothing, as do the other functions
// that such a process may call: another thread may have held the allocator's
// lock when it was forked.
func exitNow(code uintptr) {
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, code, 0, 0)
	}
}

func sleepForEver() {
	for {
		unix.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 8, 0)
	}
}

// fork makes a process that may only make raw system calls.
func (c *child) fork() int64 {
	r, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		c.fail("clone: %v", errno)
	}
	return int64(r)
}

// exeLayer returns the flag for an executable on an overlay.
func (c *child) exeLayer(path string) int {
	if c.layer(path) != 0 {
		return schema.PPM_EXE_UPPER_LAYER
	}
	return 0
}
