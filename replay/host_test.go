package replay_test

import (
	"io"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// host is a made-up host: events are given to its machine one by one.
type host struct {
	tb   testing.TB
	snap *scapfile.Snapshot
	next *scapfile.Event
	m    *replay.Machine
	ts   uint64
	num  uint64
}

func (h *host) Snapshot() *scapfile.Snapshot { return h.snap }

func (h *host) Next() (*scapfile.Event, error) {
	e := h.next
	h.next = nil
	if e == nil {
		return nil, io.EOF
	}
	return e, nil
}

const bootTime = 1_700_000_000_000_000_000

// proc is a single-threaded process of a snapshot.
func proc(pid, ptid int64, comm string) scapfile.Thread {
	return scapfile.Thread{
		TID: pid, PID: pid, PTID: ptid, SID: 1, VPGID: pid, PGID: pid, VTID: pid, VPID: pid,
		Comm: comm, Exe: comm, ExePath: "/bin/" + comm, CWD: "/home", UID: 1000, GID: 1000, LoginUID: 1000,
	}
}

// newHost returns a host with init (1), a shell (100) and what else is given.
func newHost(tb testing.TB, opts replay.Options, threads ...scapfile.Thread) *host {
	h := &host{tb: tb, ts: bootTime + 1e9, snap: &scapfile.Snapshot{
		Machine: &scapfile.MachineInfo{BootTime: bootTime},
		Users:   []scapfile.User{{UID: 1000, GID: 1000, Name: "ada", Home: "/home/ada", Shell: "/bin/sh"}},
		Groups:  []scapfile.Group{{GID: 1000, Name: "ada"}},
		Threads: append([]scapfile.Thread{proc(1, 0, "init"), proc(100, 1, "sh")}, threads...),
	}}
	h.m = replay.New(h, opts)
	return h
}

// do lets a thread make an event.
func (h *host) do(typ schema.EventType, tid int64, params ...[]byte) *replay.Event {
	h.tb.Helper()
	return h.deliver(scapfile.NewEvent(typ, 0, tid, params...))
}

func (h *host) deliver(e *scapfile.Event) *replay.Event {
	h.tb.Helper()
	h.num++
	h.ts += 1000
	e.Num, e.TS = h.num, h.ts
	h.next = e
	ev, err := h.m.Next()
	if err != nil {
		if err == io.EOF {
			return nil // applied and hidden
		}
		h.tb.Fatal(err)
	}
	return ev
}

// clone is the half of a process creation that thread tid reports.
type clone struct {
	typ                 schema.EventType // CLONE_20_X if 0
	res, tid, pid, ptid int64
	vtid, vpid          int64 // tid and pid if 0
	comm                string
	flags               uint32
	cgroups             []string
}

func (h *host) clone(c clone) *replay.Event {
	h.tb.Helper()
	if c.typ == 0 {
		c.typ = schema.PPME_SYSCALL_CLONE_20_X
	}
	if c.vtid == 0 {
		c.vtid, c.vpid = c.tid, c.pid
	}
	if c.comm == "" {
		c.comm = "sh"
	}
	var cgroups []byte
	if c.cgroups != nil {
		cgroups = scapfile.Texts(c.cgroups...)
	}
	return h.do(c.typ, c.tid, i64(c.res), text(c.comm), scapfile.Texts("-c", "x"), i64(c.tid), i64(c.pid), i64(c.ptid), nil, i64(1024),
		u64(1), u64(2), u32(10), u32(20), u32(30), text(c.comm), cgroups, u32(c.flags), u32(1000), u32(1000), i64(c.vtid), i64(c.vpid), u64(5e9))
}

// fork creates process child of parent, both halves in their usual order.
func (h *host) fork(parent, child int64) {
	h.tb.Helper()
	h.clone(clone{res: child, tid: parent, pid: parent, ptid: 1})
	h.clone(clone{res: 0, tid: child, pid: child, ptid: parent})
}

// thread creates thread tid of process pid.
func (h *host) thread(pid, tid int64) {
	h.tb.Helper()
	h.clone(clone{res: 0, tid: tid, pid: pid, ptid: 1, flags: schema.PPM_CL_CLONE_THREAD | schema.PPM_CL_CLONE_FILES})
}

func (h *host) exec(tid, pid int64, comm string) *replay.Event {
	h.tb.Helper()
	return h.do(schema.PPME_SYSCALL_EXECVE_19_X, tid, i64(0), text("/usr/bin/"+comm), scapfile.Texts("-l", "two words"), i64(tid), i64(pid), i64(1),
		nil, u64(1024), u64(1), u64(2), u32(10), u32(20), u32(30), text(comm), scapfile.Texts("cpu=/"), scapfile.Texts("HOME=/root", "X=1"),
		u32(34816), i64(pid), u32(1000), u32(schema.PPM_EXE_WRITABLE|schema.PPM_EXE_UPPER_LAYER), u64(1), u64(2), u64(3),
		u64(77), u64(88), u64(99), u32(0), text("/usr/bin/"+comm+" (deleted)"), i64(pid), u32(5), text(comm))
}

func (h *host) exit(tid, reaper int64) *replay.Event {
	h.tb.Helper()
	return h.do(schema.PPME_PROCEXIT_1_E, tid, i64(0), i64(0), u8(0), u8(0), i64(reaper))
}

// open opens a file with descriptor num.
func (h *host) open(tid, num int64, path string, flags uint32) *replay.Event {
	h.tb.Helper()
	return h.do(schema.PPME_SYSCALL_OPENAT_2_X, tid, i64(num), i64(schema.PPM_AT_FDCWD), text(path), u32(flags), u32(0), u32(0xFE00), u64(7))
}

func (h *host) mustThread(tid int64) *replay.Thread {
	h.tb.Helper()
	t := h.m.Thread(tid)
	if t == nil {
		h.tb.Fatalf("thread %d is not known", tid)
	}
	return t
}

// fdName returns the name of a descriptor, "-" when it is not known.
func (h *host) fdName(tid, num int64) string {
	h.tb.Helper()
	if fd := h.mustThread(tid).FD(num); fd != nil {
		return fd.Name
	}
	return "-"
}

func eq[T comparable](tb testing.TB, what string, got, want T) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s: got %v, want %v", what, got, want)
	}
}

var (
	text = scapfile.Text
	i64  = scapfile.I64
	u64  = scapfile.U64
	u32  = scapfile.U32
	u16  = scapfile.U16
	u8   = scapfile.U8
)
