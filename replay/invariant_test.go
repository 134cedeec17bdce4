package replay

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

type oneEvent struct{ e *scapfile.Event }

func (o *oneEvent) Snapshot() *scapfile.Snapshot { return nil }

func (o *oneEvent) Next() (*scapfile.Event, error) {
	e := o.e
	if o.e = nil; e == nil {
		return nil, io.EOF
	}
	return e, nil
}

// FuzzLifecycle lets a handful of threads be cloned, execute, exit, be reused
// and lie about their ids in any order, and checks after each event that the
// lists of processes, threads and children agree.
func FuzzLifecycle(f *testing.F) {
	f.Add([]byte{0, 0x21, 1, 0x32, 2, 0x20, 3, 0x20, 4, 0x13, 3, 0x10})
	f.Add([]byte{2, 0x11, 0, 0x12, 1, 0x23, 3, 0x12, 4, 0x31, 5, 0x21, 6, 0x12})
	// Long random programs reach what single events do not.
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		ops := make([]byte, 400)
		for i := 0; i < len(ops); i += 2 {
			ops[i], ops[i+1] = byte(r.IntN(11)|r.IntN(2)<<4), byte(r.Uint32())
		}
		f.Add(ops)
	}
	f.Fuzz(lifecycle)
}

// lifecycle runs a program of two bytes an event.
func lifecycle(t *testing.T, ops []byte) {
	src := &oneEvent{}
	m := New(src, Options{ThreadLimit: 12, FDLimit: 6})
	i64, u32 := scapfile.I64, scapfile.U32
	for ts := uint64(1); len(ops) >= 2; ops = ops[2:] {
		ts += uint64(ops[0]>>4) * 1e9
		a, b := int64(ops[1]&7)+1, int64(ops[1]>>4&7)+1
		clone := func(res, tid, pid, ptid int64, flags uint32) *scapfile.Event {
			return scapfile.NewEvent(schema.PPME_SYSCALL_CLONE3_X, ts, tid, i64(res), scapfile.Text("x"), nil, i64(tid), i64(pid), i64(ptid), nil,
				i64(0), nil, nil, nil, nil, nil, scapfile.Text("x"), nil, u32(flags), u32(0), u32(0), i64(tid), i64(pid))
		}
		var e *scapfile.Event
		switch ops[0] & 15 {
		case 0:
			e = clone(b, a, a, 1, 0)
		case 1:
			e = clone(0, b, b, a, 0)
		case 2:
			e = clone(0, b, a, 1, schema.PPM_CL_CLONE_THREAD)
		case 3:
			e = scapfile.NewEvent(schema.PPME_SYSCALL_EXECVE_19_X, ts, a, i64(0), scapfile.Text("y"), nil, i64(a), i64(b), i64(1))
		case 4:
			e = scapfile.NewEvent(schema.PPME_PROCEXIT_1_E, ts, a, i64(0), i64(0), nil, nil, i64(b-2))
		case 5:
			e = scapfile.NewEvent(schema.PPME_SYSCALL_OPEN_X, ts, a, i64(b*1000), scapfile.Text("f"), u32(schema.PPM_O_CLOEXEC))
		case 6:
			e = scapfile.NewEvent(schema.PPME_SYSCALL_DUP2_X, ts, a, i64(b), i64(b*1000), i64(b))
		case 7:
			e = scapfile.NewEvent(schema.PPME_SYSCALL_CLOSE_X, ts, a, i64(0), i64(b))
		case 8:
			e = scapfile.NewEvent(schema.PPME_SYSCALL_PRCTL_X, ts, a, i64(0), u32(schema.PPM_PR_SET_CHILD_SUBREAPER), nil, i64(1))
		case 9:
			e = scapfile.NewEvent(schema.PPME_SYSCALL_CLOSE_RANGE_X, ts, a, i64(0), u32(uint32(b)), u32(5000), u32(0))
		default:
			e = scapfile.NewEvent(schema.PPME_SYSCALL_SETPGID_X, ts, a, i64(0), i64(b), i64(0))
		}
		src.e = e
		if _, err := m.Next(); err != nil {
			t.Fatal(err)
		}
		checkInvariants(t, m)
	}
}

func checkInvariants(t *testing.T, m *Machine) {
	t.Helper()
	children := map[*Thread]int{}
	for tid, th := range m.threads {
		if th.TID != tid {
			t.Fatalf("thread %d is filed under %d", th.TID, tid)
		}
		if c := m.cache[uint64(tid)%cacheSize]; c != nil && m.threads[c.TID] != c {
			t.Fatalf("the cache holds a thread that is gone: %d", c.TID)
		}
		if g := th.grp; g != nil && (m.groups[th.PID] != g || g.pid != th.PID) {
			t.Fatalf("thread %d of process %d is in the list of %d", tid, th.PID, g.pid)
		}
		if p := th.parent; p != nil {
			if m.threads[p.TID] != p || th.PTID != p.TID {
				t.Fatalf("thread %d (parent %d) hangs below %d", tid, th.PTID, p.TID)
			}
			children[p]++
		}
		n := 0
		for fd := range th.own.all {
			if th.own.get(fd.Num) != fd {
				t.Fatalf("descriptor %d of %d is filed under another number", fd.Num, tid)
			}
			n++
		}
		if n != th.own.n || n > m.fdLimit {
			t.Fatalf("thread %d has %d descriptors and counts %d", tid, n, th.own.n)
		}
	}
	for _, th := range m.threads {
		n := 0
		for c := th.kids; c != nil; c = c.siblingNext {
			if c.parent != th || n > len(m.threads) {
				t.Fatalf("broken list of children of %d", th.TID)
			}
			n++
		}
		if n != th.nkids || n != children[th] {
			t.Fatalf("thread %d has %d children, counts %d, is parent of %d", th.TID, n, th.nkids, children[th])
		}
	}
	for pid, g := range m.groups {
		alive, n := 0, 0
		for th := g.head; th != nil; th = th.groupNext {
			if th.grp != g || m.threads[th.TID] != th {
				t.Fatalf("process %d lists thread %d that is not its own", pid, th.TID)
			}
			if !th.Exited {
				alive++
			}
			n++
		}
		if alive != g.alive || n == 0 {
			t.Fatalf("process %d has %d threads, %d alive, counts %d", pid, n, alive, g.alive)
		}
		if g.main != nil && g.head != g.main {
			t.Fatalf("the main thread of %d is not the first", pid)
		}
	}
}
