package replay_test

import (
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// TestConsultsOnlyTheSource forbids imports through which a replay could depend
// on the machine it runs on. time is needed for the calendar; what reads the
// clock or the local zone is looked for by name.
func TestConsultsOnlyTheSource(t *testing.T) {
	forbidden := map[string]bool{
		"os": true, "os/user": true, "os/exec": true, "net": true, "syscall": true, "math/rand": true, "math/rand/v2": true,
		"golang.org/x/sys/unix": true, "runtime": true,
	}
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			if path, _ := strconv.Unquote(imp.Path.Value); forbidden[path] {
				t.Errorf("%s imports %s", name, path)
			}
		}
		for _, word := range []string{"time.Now", "time.Since", "time.Local", "time.Until"} {
			if strings.Contains(string(src), word) {
				t.Errorf("%s uses %s", name, word)
			}
		}
	}
}

// TestNoAllocations: an event that changes no state costs no memory.
func TestNoAllocations(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.open(100, 3, "/a", 1)
	tcp(h, 4)
	h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(0), scapfile.SockTuple(client, server), i64(4), nil)
	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(5), u32(schema.PPM_AF_UNIX), u32(1), u32(0))
	events := []*scapfile.Event{
		scapfile.NewEvent(schema.PPME_SYSCALL_READ_X, 1, 100, i64(1), []byte("x"), i64(3), u32(1)),
		scapfile.NewEvent(schema.PPME_SYSCALL_WRITE_X, 1, 100, i64(1), []byte("x"), i64(4), u32(1)),
		scapfile.NewEvent(schema.PPME_SYSCALL_READ_X, 1, 100, i64(-11), nil, i64(77), u32(1)),
		scapfile.NewEvent(schema.PPME_SOCKET_SENDTO_X, 1, 100, i64(1), []byte("x"), i64(4), u32(1), scapfile.SockTuple(client, server)),
		scapfile.NewEvent(schema.PPME_SOCKET_RECVMSG_X, 1, 100, i64(1), u32(1), []byte("x"), scapfile.UnixTuple(1, 2, "/s"), nil, i64(5)),
		scapfile.NewEvent(schema.PPME_SYSCALL_OPENAT_2_E, 1, 100, i64(schema.PPM_AT_FDCWD), text("/a"), u32(1), u32(0)),
		scapfile.NewEvent(schema.PPME_SYSCALL_OPENAT_2_X, 1, 100, i64(-2), i64(schema.PPM_AT_FDCWD), text("/a"), u32(1), u32(0)),
		scapfile.NewEvent(schema.PPME_SYSCALL_MMAP_X, 1, 100, i64(0), u32(1), u32(2), u32(3), u64(0), u64(0), u32(0), u32(0), i64(-1), u64(0)),
		scapfile.NewEvent(schema.PPME_SCHEDSWITCH_6_E, 1, 100, i64(1), u64(0), u64(0), u32(0), u32(0), u32(0)),
		scapfile.NewEvent(schema.PPME_SYSCALL_FUTEX_X, 1, 100, i64(0), u64(0), u16(0), u64(0)),
		// These two change state and take it back: files come and go.
		scapfile.NewEvent(schema.PPME_SYSCALL_OPENAT_2_X, 1, 100, i64(9), i64(schema.PPM_AT_FDCWD), text("rel/../b"), u32(1), u32(0)),
		scapfile.NewEvent(schema.PPME_SYSCALL_CLOSE_X, 1, 100, i64(0), i64(9)),
	}
	round := func() {
		for _, e := range events {
			h.next = e
			if _, err := h.m.Next(); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations for %d events", n, len(events))
	}
}

// TestFewAllocationsOnRealWork bounds the memory that a long replay turns over.
func TestFewAllocationsOnRealWork(t *testing.T) {
	path := filepath.Join(sharedCaptures(t), "big", "mixed.scap")
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs the large captures: " + err.Error())
	}
	m := replay.New(openCapture(t, path), replay.Options{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	for {
		if _, err := m.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n++
	}
	runtime.ReadMemStats(&after)
	allocs := after.Mallocs - before.Mallocs
	t.Logf("%d events, %d allocations, %d threads left", n, allocs, m.NumThreads())
	if allocs > uint64(n)/20 {
		t.Errorf("%d allocations for %d events, reader included", allocs, n)
	}
	if m.NumThreads() > 100 {
		t.Errorf("%d threads are left of a capture whose processes ended", m.NumThreads())
	}
}

// TestBounded: processes that come and go forever leave nothing behind, with
// whichever half of their creation or whatever exit is lost.
func TestBounded(t *testing.T) {
	h := newHost(t, replay.Options{ThreadLimit: 500})
	for i := range int64(20000) {
		pid := 1000 + i%30000
		h.fork(100, pid)
		h.exec(pid, pid, "job"+strconv.FormatInt(i%7, 10))
		h.thread(pid, pid+40000)
		for num := range int64(5) {
			h.open(pid, num, "/tmp/"+strconv.FormatInt(i, 10), 1)
		}
		h.exit(pid+40000, 0)
		if i%1000 != 0 { // some exits are lost
			h.exit(pid, 0)
		}
	}
	h.open(1, 3, "/end", 1) // the last exit takes effect with the next event
	if n := h.m.NumThreads(); n > 30 {
		t.Errorf("%d threads in the table", n)
	}
	if s := h.m.Stats(); s.DroppedThreads != 0 {
		t.Errorf("dropped %d threads", s.DroppedThreads)
	}
	eq(t, "children of the shell", h.mustThread(100).NumChildren(), 20)
}

// FuzzMachine feeds events of any type with any parameters.
func FuzzMachine(f *testing.F) {
	f.Add(uint16(schema.PPME_SYSCALL_CLONE_20_X), int64(100), []byte{8, 200, 0, 0, 0, 0, 0, 0, 0})
	f.Add(uint16(schema.PPME_SYSCALL_OPENAT_2_X), int64(100), []byte{8, 3, 0, 0, 0, 0, 0, 0, 0, 0, 3, '/', 'a', 0, 4, 1, 0, 0, 0})
	f.Add(uint16(schema.PPME_SOCKET_RECVMSG_X), int64(100), []byte{8, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(uint16(schema.PPME_SYSCALL_EXECVE_19_X), int64(7), []byte{8, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, typ uint16, tid int64, data []byte) {
		info := schema.Lookup(schema.EventType(typ))
		if info == nil {
			return
		}
		// Each parameter is a length byte and that many bytes.
		var params [][]byte
		for len(data) > 0 && len(params) < len(info.Params) {
			n := min(int(data[0]), len(data)-1)
			params = append(params, data[1:1+n])
			data = data[1+n:]
		}
		h := newHost(t, replay.Options{ThreadLimit: 50, FDLimit: 50})
		h.fork(100, 200)
		tcp(h, 3)
		for range 3 {
			h.do(info.Type, tid, params...)
			h.do(info.Type, 200, params...)
		}
		h.exit(100, 0)
		h.open(1, 3, "/a", 1)
		h.m.Threads(func(th *replay.Thread) bool {
			th.FDs(func(fd *replay.FD) bool { return fd != nil })
			th.Ancestor(5)
			return true
		})
	})
}

func BenchmarkReplay(b *testing.B) {
	path := filepath.Join(sharedCaptures(b), "21_benign.scap")
	r := openCapture(b, path)
	var events []*scapfile.Event
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		events = append(events, e.Clone())
	}
	src := &recorded{snap: r.Snapshot(), events: events}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		src.at = 0
		m := replay.New(src, replay.Options{})
		for {
			if _, err := m.Next(); err != nil {
				break
			}
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}

// recorded is a source of events in memory.
type recorded struct {
	snap   *scapfile.Snapshot
	events []*scapfile.Event
	at     int
}

func (r *recorded) Snapshot() *scapfile.Snapshot { return r.snap }

func (r *recorded) Next() (*scapfile.Event, error) {
	if r.at == len(r.events) {
		return nil, io.EOF
	}
	r.at++
	return r.events[r.at-1], nil
}
