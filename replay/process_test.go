package replay_test

import (
	"slices"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

func TestCloneOrders(t *testing.T) {
	parent := clone{res: 200, tid: 100, pid: 100, ptid: 1}
	child := clone{res: 0, tid: 200, pid: 200, ptid: 100, comm: "kid"}
	for _, c := range []struct {
		name   string
		halves []clone
		comm   string
	}{
		{"parent first", []clone{parent, child}, "sh"},
		{"child first", []clone{child, parent}, "kid"},
		{"parent only", []clone{parent}, "sh"},
		{"child only", []clone{child}, "kid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t, replay.Options{})
			h.open(100, 3, "/etc/motd", 1)
			var ev *replay.Event
			for _, half := range c.halves {
				ev = h.clone(half)
				eq(t, "event's thread", ev.Thread.TID, half.tid)
			}
			k := h.mustThread(200)
			eq(t, "comm", k.Comm, c.comm)
			eq(t, "parent", k.Parent().TID, 100)
			eq(t, "grandparent", k.Ancestor(2).Comm, "init")
			eq(t, "children of the parent", h.mustThread(100).NumChildren(), 1)
			eq(t, "cwd", k.CWD(), "/home/")
			eq(t, "exepath", k.ExePath, "/bin/sh")
			eq(t, "session", k.SID, 1)
			eq(t, "threads", k.NumThreads(), 1)
			eq(t, "file", h.fdName(200, 3), "/etc/motd")
			eq(t, "start", k.CloneTS != 0, true)
			eq(t, "args", len(k.Args), 2)
		})
	}
}

// A clone event of an old capture has neither ids nor cgroups.
func TestCloneThatTellsLittle(t *testing.T) {
	p := proc(50, 1, "old")
	p.Cgroups = []string{"cpu=/lxc/web"}
	h := newHost(t, replay.Options{}, p)
	h.do(schema.PPME_SYSCALL_CLONE_20_X, 60, i64(0), text("old"), nil, i64(60), i64(60), i64(50))
	c := h.mustThread(60)
	eq(t, "ids", [2]uint32{c.UID, c.GID}, [2]uint32{1000, 1000})
	eq(t, "container", c.ContainerID, "web")
}

func TestCloneFailed(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.clone(clone{res: -11, tid: 100, pid: 100, ptid: 1})
	eq(t, "threads", h.m.NumThreads(), 2)
}

func TestForkCopiesDescriptors(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.open(100, 3, "/a", 1)
	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(4), u32(schema.PPM_AF_UNIX), u32(1), u32(0))
	h.fork(100, 200)
	h.do(schema.PPME_SOCKET_BIND_X, 200, i64(0), scapfile.UnixAddr("/run/s"), i64(4))
	h.do(schema.PPME_SYSCALL_CLOSE_X, 200, i64(0), i64(3))
	h.open(100, 5, "/b", 1)
	eq(t, "child's socket", h.fdName(200, 4), "/run/s")
	eq(t, "parent's socket", h.fdName(100, 4), "")
	eq(t, "child's closed file", h.fdName(200, 3), "-")
	eq(t, "parent's file", h.fdName(100, 3), "/a")
	eq(t, "child's view of the parent's new file", h.fdName(200, 5), "-")
}

func TestThreadsShare(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.thread(100, 101)
	h.open(101, 3, "/a", 1)
	h.do(schema.PPME_SYSCALL_CHDIR_X, 101, i64(0), text("sub"))
	w := h.mustThread(101)
	eq(t, "main's file", h.fdName(100, 3), "/a")
	eq(t, "main's cwd", h.mustThread(100).CWD(), "/home/sub/")
	eq(t, "main", w.Main(), h.mustThread(100))
	eq(t, "is main", w.IsMain(), false)
	eq(t, "parent", w.PTID, 1)
	eq(t, "threads", w.NumThreads(), 2)
	eq(t, "thread's ancestor 0", w.Ancestor(0).TID, 100)
	h.exit(101, 0)
	eq(t, "threads at the exit", h.mustThread(100).NumThreads(), 1)
	h.open(100, 4, "/b", 1)
	eq(t, "exited thread", h.m.Thread(101), nil)
}

func TestVforkParentComesLate(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.clone(clone{typ: schema.PPME_SYSCALL_VFORK_20_X, res: 0, tid: 200, pid: 200, ptid: 100, flags: schema.PPM_CL_CLONE_VFORK})
	h.exec(200, 200, "ls")
	h.clone(clone{typ: schema.PPME_SYSCALL_VFORK_20_X, res: 200, tid: 100, pid: 100, ptid: 1, flags: schema.PPM_CL_CLONE_VFORK})
	eq(t, "image", h.mustThread(200).Comm, "ls")
}

func TestLateParentDoesNotResurrect(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.clone(clone{res: 0, tid: 200, pid: 200, ptid: 100})
	h.exit(200, 0)
	h.clone(clone{res: 200, tid: 100, pid: 100, ptid: 1})
	eq(t, "child", h.m.Thread(200), nil)
}

func TestCloneInPIDNamespace(t *testing.T) {
	h := newHost(t, replay.Options{})
	// The result 7 is the child's id inside: it must not name thread 7 outside.
	in := uint32(schema.PPM_CL_CHILD_IN_PIDNS)
	h.clone(clone{res: 0, tid: 300, pid: 300, ptid: 100, vtid: 1, vpid: 1, flags: schema.PPM_CL_CLONE_NEWPID | in})
	h.clone(clone{res: 7, tid: 300, pid: 300, ptid: 100, vtid: 1, vpid: 1, flags: in})
	eq(t, "thread 7", h.m.Thread(7), nil)
	h.clone(clone{res: 0, tid: 301, pid: 301, ptid: 300, vtid: 7, vpid: 7, flags: in})
	k := h.mustThread(301)
	eq(t, "inner id", k.VPID, 7)
	eq(t, "parent", k.Parent().TID, 300)
	eq(t, "in a namespace", k.InPIDNamespace(), true)
	eq(t, "start of the namespace", k.PidnsInitTS, bootTime+5e9)
	// Its init adopts orphans.
	h.clone(clone{res: 0, tid: 302, pid: 302, ptid: 301, vtid: 8, vpid: 8, flags: in})
	h.exit(301, -1)
	h.open(100, 3, "/a", 1)
	eq(t, "orphan's parent", h.mustThread(302).PTID, 300)
}

func TestExec(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.open(100, 3, "/kept", 1)
	h.open(100, 4, "/closed", 1|schema.PPM_O_CLOEXEC)
	ev := h.exec(100, 100, "prog")
	p := ev.Thread
	eq(t, "comm", p.Comm, "prog")
	eq(t, "exe", p.Exe, "/usr/bin/prog")
	eq(t, "exepath", p.ExePath, "/usr/bin/prog")
	eq(t, "args", slices.Equal(p.Args, []string{"-l", "two words"}), true)
	eq(t, "env", slices.Equal(p.Environ(), []string{"HOME=/root", "X=1"}), true)
	eq(t, "ids", [2]uint32{p.UID, p.GID}, [2]uint32{0, 5})
	eq(t, "tty", p.TTY, 34816)
	eq(t, "caps", [3]uint64{p.CapInheritable, p.CapPermitted, p.CapEffective}, [3]uint64{1, 2, 3})
	eq(t, "file", [3]uint64{p.ExeIno, p.ExeInoCtime, p.ExeInoMtime}, [3]uint64{77, 88, 99})
	eq(t, "flags", [4]bool{p.ExeWritable, p.ExeUpperLayer, p.ExeLowerLayer, p.ExeFromMemfd}, [4]bool{true, true, false, false})
	eq(t, "time", p.ExecTS, ev.TS)
	eq(t, "kept file", h.fdName(100, 3), "/kept")
	eq(t, "closed file", h.fdName(100, 4), "-")

	h.do(schema.PPME_SYSCALL_EXECVE_19_X, 100, i64(-2), text("nope"))
	eq(t, "comm after a failure", p.Comm, "prog")
}

func TestExecFromThread(t *testing.T) {
	for _, mainDead := range []bool{false, true} {
		h := newHost(t, replay.Options{})
		h.thread(100, 101)
		h.thread(100, 102)
		if mainDead {
			h.exit(100, 0)
			eq(t, "main's record lives", h.mustThread(100).Exited, true)
		}
		h.exec(100, 100, "prog") // thread 101 has taken over the id of the main one
		p := h.mustThread(100)
		eq(t, "alive", p.Exited, false)
		eq(t, "threads", p.NumThreads(), 1)
		eq(t, "caller", h.m.Thread(101), nil)
		eq(t, "other", h.m.Thread(102), nil)
		eq(t, "comm", p.Comm, "prog")
		h.exit(100, 0)
		h.open(1, 3, "/a", 1)
		eq(t, "after the exit", h.m.Thread(100), nil)
	}
}

// Captures without the kernel's path of the image: it follows from the call.
func TestExecPathFromEnter(t *testing.T) {
	old := func(h *host) string {
		h.do(schema.PPME_SYSCALL_EXECVE_19_X, 100, i64(0), text("x"), nil, i64(100), i64(100), i64(1))
		return h.mustThread(100).ExePath
	}
	h := newHost(t, replay.Options{})
	h.do(schema.PPME_SYSCALL_EXECVE_19_E, 100, text("../bin/./x"))
	eq(t, "execve", old(h), "/bin/x")

	for _, c := range []struct {
		dirfd int64
		path  string
		flags uint32
		want  string
	}{
		{3, "tool", 0, "/opt/tool"},
		{schema.PPM_AT_FDCWD, "tool", 0, "/home/tool"},
		{3, "/abs/tool", 0, "/abs/tool"},
		{3, "", schema.PPM_EXVAT_AT_EMPTY_PATH, "/opt"},
		{9, "tool", 0, "<NA>"},
	} {
		h := newHost(t, replay.Options{})
		h.open(100, 3, "/opt", schema.PPM_O_DIRECTORY)
		h.do(schema.PPME_SYSCALL_EXECVEAT_E, 100, i64(c.dirfd), text(c.path), u32(c.flags))
		eq(t, "execveat "+c.path, old(h), c.want)
	}
}

func TestExitReparents(t *testing.T) {
	for _, c := range []struct {
		name   string
		reaper int64
		setup  func(*host)
		want   int64
	}{
		{"kernel's choice", 50, func(h *host) {}, 50},
		{"unknown to the kernel: init", -1, func(h *host) {}, 1},
		{"unknown to the kernel: subreaper", -1, func(h *host) {
			h.do(schema.PPME_SYSCALL_PRCTL_X, 100, i64(0), u32(schema.PPM_PR_SET_CHILD_SUBREAPER), nil, i64(1))
		}, 100},
		{"thread of the same process", 0, func(h *host) { h.thread(200, 201) }, 201},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t, replay.Options{}, proc(50, 1, "manager"))
			h.fork(100, 200)
			h.fork(200, 300)
			c.setup(h)
			h.exit(200, c.reaper)
			h.open(1, 3, "/a", 1)
			k := h.mustThread(300)
			eq(t, "new parent", k.PTID, c.want)
			eq(t, "parent's children", k.Parent().NumChildren() > 0, true)
		})
	}
}

func TestPIDReuse(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.fork(100, 200)
	h.exec(200, 200, "old")
	h.ts += 10e9 // its exit is lost; much later the id is used again
	h.clone(clone{res: 200, tid: 100, pid: 100, ptid: 1})
	eq(t, "from the parent's half", h.mustThread(200).Comm, "sh")
	h.exec(200, 200, "old")
	h.ts += 10e9
	h.clone(clone{res: 0, tid: 200, pid: 200, ptid: 1, comm: "new"})
	k := h.mustThread(200)
	eq(t, "from the child's half", k.Comm, "new")
	eq(t, "parent", k.PTID, 1)
	eq(t, "threads", k.NumThreads(), 1)
	eq(t, "collisions", h.m.Stats().Collisions, 2)
}

func TestInventedThread(t *testing.T) {
	h := newHost(t, replay.Options{})
	ev := h.open(555, 3, "rel/file", 1)
	n := ev.Thread
	eq(t, "invented", n.Invented, true)
	eq(t, "comm", n.Comm, "<NA>")
	eq(t, "ids", [3]int64{n.PID, n.PTID, n.VPID}, [3]int64{-1, -1, -1})
	eq(t, "parent", n.Parent(), nil)
	eq(t, "ancestor", n.Ancestor(1), nil)
	eq(t, "file", ev.FD.Name, "./rel/file")
	eq(t, "count", h.m.Stats().Invented, 1)

	h.exec(555, 555, "real") // now it is known
	eq(t, "comm", n.Comm, "real")
	eq(t, "pid", n.PID, 555)
	eq(t, "parent", n.Parent().Comm, "init")

	// A clone tells who its caller is.
	ev = h.clone(clone{res: 701, tid: 700, pid: 700, ptid: 100, comm: "cloner"})
	eq(t, "caller", ev.Thread.Comm, "cloner")
	eq(t, "caller's parent", ev.Thread.PTID, 100)
	eq(t, "child", h.mustThread(701).PTID, 700)

	// A thread tells who its main thread is.
	h.thread(800, 801)
	eq(t, "main thread", h.mustThread(800).Comm, "sh")
	eq(t, "threads", h.mustThread(800).NumThreads(), 2)

	// An exit or a switch of an unknown thread invents nothing.
	before := h.m.NumThreads()
	eq(t, "exit", h.exit(900, 0).Thread, nil)
	eq(t, "switch", h.do(schema.PPME_SCHEDSWITCH_6_E, 901, i64(1)).Thread, nil)
	eq(t, "threads", h.m.NumThreads(), before)
}

func TestFindThread(t *testing.T) {
	asked := 0
	h := newHost(t, replay.Options{Find: func(tid int64) *scapfile.Thread {
		asked++
		if tid != 555 {
			return nil
		}
		p := proc(555, 100, "daemon")
		p.FDs = []scapfile.FD{{Num: 3, Type: schema.SCAP_FD_FILE_V2, Name: "/log"}}
		return &p
	}})
	ev := h.do(schema.PPME_SYSCALL_WRITE_X, 555, i64(1), []byte("x"), i64(3), u32(1))
	eq(t, "process", ev.Thread.Comm, "daemon")
	eq(t, "parent", ev.Thread.Parent().Comm, "sh")
	eq(t, "file", ev.FD.Name, "/log")
	eq(t, "invented", ev.Thread.Invented, false)
	h.open(555, 4, "/a", 1)
	eq(t, "questions", asked, 1)
	eq(t, "not found", h.open(556, 4, "/a", 1).Thread.Invented, true)
	eq(t, "counted", h.m.Stats().Found, 1)
}

// A capture may lie about ids: the lists of processes stay whole.
func TestExecWithAnotherPID(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.thread(100, 101)
	h.exec(101, 999, "odd")
	eq(t, "process of the thread", h.mustThread(101).NumThreads(), 1)
	eq(t, "process it left", h.mustThread(100).NumThreads(), 1)
	h.exit(100, 0)
	h.exit(101, 0)
	h.open(1, 3, "/a", 1)
	eq(t, "threads", h.m.NumThreads(), 1)
}

func TestAncestorLoopEnds(t *testing.T) {
	h := newHost(t, replay.Options{}, proc(10, 11, "a"), proc(11, 10, "b"), proc(12, 12, "self"))
	eq(t, "loop", h.mustThread(10).Ancestor(1000) != nil, true)
	h.fork(10, 20)
	h.exit(10, -1) // its child looks for a reaper along the loop
	h.open(1, 3, "/a", 1)
	eq(t, "orphan", h.mustThread(20).PTID, 0)
	eq(t, "own parent", h.mustThread(12).PTID, 0)
}

func TestSessionsAndGroups(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.fork(100, 200)
	h.thread(200, 201)
	h.do(schema.PPME_SYSCALL_SETPGID_X, 100, i64(0), i64(200), i64(100))
	eq(t, "by the parent", h.mustThread(201).PGID, 100)
	h.do(schema.PPME_SYSCALL_SETPGID_X, 200, i64(0), i64(0), i64(0))
	eq(t, "own group", [2]int64{h.mustThread(200).PGID, h.mustThread(200).VPGID}, [2]int64{200, 200})
	h.do(schema.PPME_SYSCALL_SETPGID_X, 200, i64(-1), i64(0), i64(100))
	eq(t, "failed", h.mustThread(200).PGID, 200)
	h.do(schema.PPME_SYSCALL_SETSID_X, 200, i64(200))
	p := h.mustThread(200)
	eq(t, "session", [3]int64{p.SID, p.PGID, int64(p.TTY)}, [3]int64{200, 200, 0})
	eq(t, "leader", p.SessionLeader(), p)
	eq(t, "of the thread", h.mustThread(201).SID, 200)

	in := clone{res: 0, tid: 300, pid: 300, ptid: 100, vtid: 5, vpid: 5, flags: schema.PPM_CL_CHILD_IN_PIDNS}
	h.clone(in)
	h.do(schema.PPME_SYSCALL_SETPGID_X, 300, i64(0), i64(5), i64(0))
	eq(t, "namespaced", [2]int64{h.mustThread(300).PGID, h.mustThread(300).VPGID}, [2]int64{300, 5})
}

func TestIdentity(t *testing.T) {
	h := newHost(t, replay.Options{})
	p := h.mustThread(100)
	ids := func() [2]uint32 { return [2]uint32{p.UID, p.GID} }
	const same = 0xFFFFFFFF
	h.do(schema.PPME_SYSCALL_SETUID_X, 100, i64(0), u32(1))
	h.do(schema.PPME_SYSCALL_SETGID_X, 100, i64(0), u32(2))
	eq(t, "set", ids(), [2]uint32{1, 2})
	h.do(schema.PPME_SYSCALL_SETUID_X, 100, i64(-1), u32(0))
	h.do(schema.PPME_SYSCALL_SETRESUID_X, 100, i64(0), u32(9), u32(same), u32(9))
	h.do(schema.PPME_SYSCALL_SETREGID_X, 100, i64(0), u32(9), u32(same))
	eq(t, "failed or left alone", ids(), [2]uint32{1, 2})
	h.do(schema.PPME_SYSCALL_SETRESUID_X, 100, i64(0), u32(same), u32(3), u32(same))
	h.do(schema.PPME_SYSCALL_SETRESGID_X, 100, i64(0), u32(same), u32(4), u32(same))
	eq(t, "saved ids", ids(), [2]uint32{3, 4})
	h.do(schema.PPME_SYSCALL_SETREUID_X, 100, i64(0), u32(same), u32(5))
	h.do(schema.PPME_SYSCALL_SETREGID_X, 100, i64(0), u32(same), u32(6))
	eq(t, "real ids", ids(), [2]uint32{5, 6})

	h.do(schema.PPME_SYSCALL_CAPSET_X, 100, i64(0), u64(1), u64(2), u64(4))
	eq(t, "capset", [3]uint64{p.CapInheritable, p.CapPermitted, p.CapEffective}, [3]uint64{1, 2, 4})
	h.do(schema.PPME_SYSCALL_UNSHARE_X, 100, i64(0), u32(schema.PPM_CL_CLONE_NEWUSER))
	eq(t, "own user namespace", p.CapEffective, 1<<41-1)

	h.do(schema.PPME_SYSCALL_PRCTL_X, 100, i64(0), u32(schema.PPM_PR_SET_NAME), text("worker"), i64(0))
	eq(t, "name", p.Comm, "worker")
	h.do(schema.PPME_SYSCALL_SETRLIMIT_X, 100, i64(0), scapfile.I64(4096), scapfile.I64(4096), u8(schema.PPM_RLIMIT_NOFILE))
	eq(t, "descriptor limit", p.FDLimit, 4096)
	h.do(schema.PPME_SYSCALL_PRLIMIT_X, 1, i64(0), i64(99), i64(99), i64(0), i64(0), i64(100), u8(schema.PPM_RLIMIT_NOFILE))
	eq(t, "prlimit of another", p.FDLimit, 99)
	h.do(schema.PPME_SYSCALL_BRK_4_X, 100, u64(1), u32(11), u32(22), u32(33), u64(0))
	eq(t, "memory", [3]uint32{p.VMSizeKB, p.VMRSSKB, p.VMSwapKB}, [3]uint32{11, 22, 33})
	h.do(schema.PPME_SCHEDSWITCH_6_E, 100, i64(1), u64(7), u64(8), u32(1), u32(2), u32(3))
	eq(t, "page faults", [2]uint64{p.PFMajor, p.PFMinor}, [2]uint64{7, 8})
}

func TestDirectories(t *testing.T) {
	h := newHost(t, replay.Options{})
	p := h.mustThread(100)
	for _, c := range []struct{ to, want string }{
		{"src", "/home/src/"}, {"../x//y/.", "/home/x/y/"}, {"/", "/"}, {"..", "/"}, {"/tmp/", "/tmp/"},
	} {
		h.do(schema.PPME_SYSCALL_CHDIR_X, 100, i64(0), text(c.to))
		eq(t, "chdir "+c.to, p.CWD(), c.want)
	}
	h.do(schema.PPME_SYSCALL_CHDIR_X, 100, i64(-2), text("/nowhere"))
	eq(t, "failed", p.CWD(), "/tmp/")
	h.open(100, 3, "/srv/www", schema.PPM_O_DIRECTORY)
	h.do(schema.PPME_SYSCALL_FCHDIR_X, 100, i64(0), i64(3))
	eq(t, "fchdir", p.CWD(), "/srv/www/")
	h.do(schema.PPME_SYSCALL_CHROOT_X, 100, i64(0), text("jail"))
	eq(t, "chroot", p.Root, "/srv/www/jail")
	h.do(schema.PPME_SYSCALL_GETCWD_X, 100, i64(5), text("/real"))
	eq(t, "getcwd", p.CWD(), "/real/")
}

func TestContainers(t *testing.T) {
	h := newHost(t, replay.Options{})
	const id = "3f1c0ffee0ddba11cafe1234567890abcdef1234567890abcdef1234567890ab"
	h.clone(clone{res: 0, tid: 200, pid: 200, ptid: 100, cgroups: []string{"cpuset=/", "mem_cgroup=/docker/" + id}})
	c := h.mustThread(200)
	eq(t, "container", c.ContainerID, id[:12])
	eq(t, "controller", c.Cgroups[1], "memory=/docker/"+id)
	eq(t, "host process", h.mustThread(100).ContainerID, "")

	h.do(schema.PPME_CONTAINER_JSON_2_E, -1, text(`{"container":{"id":"abc","name":"web"}}`))
	h.do(schema.PPME_ASYNCEVENT_E, -1, u32(0), text("container"), text(`{"container":{"id":"def"}}`))
	eq(t, "metadata", string(h.m.Container("abc")), `{"container":{"id":"abc","name":"web"}}`)
	eq(t, "plugin's metadata", len(h.m.Container("def")) > 0, true)
	h.do(schema.PPME_ASYNCEVENT_E, -1, u32(0), text("container_removed"), text(`{"container":{"id":"def"}}`))
	eq(t, "removed", len(h.m.Container("def")), 0)
	h.do(schema.PPME_CONTAINER_JSON_2_E, -1, text(`{"container":`)) // broken: ignored
}

func TestUsersAndGroups(t *testing.T) {
	h := newHost(t, replay.Options{})
	eq(t, "from the snapshot", h.m.User(1000).Name, "ada")
	eq(t, "group from the snapshot", h.m.Group(1000).Name, "ada")
	h.do(schema.PPME_USER_ADDED_E, -1, u32(7), u32(8), text("eve"), text("/home/eve"), text("/bin/zsh"), text(""))
	eq(t, "added", *h.m.User(7), scapfile.User{UID: 7, GID: 8, Name: "eve", Home: "/home/eve", Shell: "/bin/zsh"})
	h.do(schema.PPME_USER_ADDED_E, -1, u32(7), u32(8), text("inner"), text("/"), text("/bin/sh"), text("abc"))
	eq(t, "in a container", h.m.UserIn("abc", 7).Name, "inner")
	eq(t, "on the host", h.m.User(7).Name, "eve")
	h.do(schema.PPME_USER_DELETED_E, -1, u32(7), u32(8), text("eve"), nil, nil, text(""))
	eq(t, "deleted", h.m.User(7), nil)
	h.do(schema.PPME_GROUP_ADDED_E, -1, u32(5), text("adm"), text(""))
	eq(t, "group", h.m.Group(5).Name, "adm")
	h.do(schema.PPME_GROUP_DELETED_E, -1, u32(5), text("adm"), text(""))
	eq(t, "group deleted", h.m.Group(5), nil)
}

func TestNewSectionResets(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.fork(100, 200)
	h.snap = &scapfile.Snapshot{Threads: []scapfile.Thread{proc(9, 0, "other")}}
	e := scapfile.NewEvent(schema.PPME_SYSCALL_CLOSE_X, 0, 9, i64(0), i64(3))
	e.Section = 1
	eq(t, "thread of the new section", h.deliver(e).Thread.Comm, "other")
	eq(t, "thread of the old one", h.m.Thread(200), nil)
	eq(t, "boot time unknown", h.m.Info(), nil)
}

func TestThreadLimit(t *testing.T) {
	h := newHost(t, replay.Options{ThreadLimit: 3})
	eq(t, "fits", h.open(500, 3, "/a", 1).Thread != nil, true)
	eq(t, "does not", h.open(501, 3, "/a", 1).Thread, nil)
	h.fork(100, 600)
	eq(t, "threads", h.m.NumThreads(), 3)
	eq(t, "counted", h.m.Stats().DroppedThreads > 1, true)
}

func TestIdleThreadsMakeRoom(t *testing.T) {
	h := newHost(t, replay.Options{ThreadLimit: 10})
	for tid := range int64(8) {
		h.open(500+tid, 3, "/a", 1) // none of these will exit
	}
	eq(t, "full", h.open(600, 3, "/a", 1).Thread, nil)
	h.ts += 40 * 60 * 1e9
	h.open(100, 3, "/a", 1)
	h.open(501, 3, "/a", 1)
	eq(t, "room", h.open(601, 3, "/a", 1).Thread != nil, true)
	eq(t, "active", h.mustThread(501).LastTS != 0, true)
	eq(t, "idle", h.m.Thread(502), nil)
	eq(t, "counted", h.m.Stats().IdleThreads > 0, true)
}

func TestTimes(t *testing.T) {
	h := newHost(t, replay.Options{})
	first := h.open(100, 3, "/a", 1)
	eq(t, "before the first", first.PrevTS, 0)
	at := first.TS
	h.do(schema.PPME_SYSCALL_OPENAT_2_E, 100, i64(schema.PPM_AT_FDCWD), text("/b"), u32(1), u32(0))
	ev := h.open(100, 4, "/b", 1)
	eq(t, "begin of the call", ev.EnterTS, at+1000)
	eq(t, "event before", ev.PrevTS, at+1000)
	ev = h.open(100, 5, "/c", 1)
	eq(t, "unknown begin", ev.EnterTS, 0)
}

func TestThreadsInOrder(t *testing.T) {
	h := newHost(t, replay.Options{}, proc(7000, 1, "c"), proc(30, 1, "a"), proc(500, 1, "b"))
	var tids []int64
	h.m.Threads(func(th *replay.Thread) bool {
		tids = append(tids, th.TID)
		return th.TID < 500
	})
	if want := []int64{1, 30, 100, 500}; !slices.Equal(tids, want) {
		t.Errorf("got %v, want %v", tids, want)
	}
}

func TestUnknownTypeIsNotDelivered(t *testing.T) {
	h := newHost(t, replay.Options{})
	eq(t, "event", h.do(schema.EventType(60001), 100), nil)
	eq(t, "counted", h.m.Stats().UnknownTypes, 1)
}
