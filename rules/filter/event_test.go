package filter

import (
	"io"
	"net/netip"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// sliceSource replays a few synthetic events over a snapshot, then the last of
// them for ever if repeat is set.
type sliceSource struct {
	snap   *scapfile.Snapshot
	events []*scapfile.Event
	num    uint64
	repeat bool
}

func (s *sliceSource) Snapshot() *scapfile.Snapshot { return s.snap }

func (s *sliceSource) Next() (*scapfile.Event, error) {
	if len(s.events) == 0 {
		return nil, io.EOF
	}
	e := s.events[0]
	if !s.repeat || len(s.events) > 1 {
		s.events = s.events[1:]
	}
	s.num++
	e.Num = s.num
	return e, nil
}

// testSnapshot is the host of the specification's test vectors: bash (10), child
// of sshd (5), child of systemd (1).
func testSnapshot() *scapfile.Snapshot {
	thread := func(pid, ppid int64, comm, exe string, args ...string) scapfile.Thread {
		return scapfile.Thread{
			TID: pid, PID: pid, PTID: ppid, VTID: pid, VPID: pid, SID: 5, VPGID: pid, PGID: pid,
			Comm: comm, Exe: exe, ExePath: exe, Args: args, CWD: "/root/", Root: "/",
			UID: 1000, GID: 1000, LoginUID: 1000, FDLimit: 1024, Env: []string{"HOME=/root", "LANG=C"},
			Cgroups: []string{"cpu=/"},
		}
	}
	return &scapfile.Snapshot{
		Machine: &scapfile.MachineInfo{NumCPUs: 2, Hostname: "host"},
		Threads: []scapfile.Thread{
			thread(1, 0, "systemd", "/sbin/init"),
			thread(5, 1, "sshd", "/usr/sbin/sshd", "-D"),
			thread(10, 5, "bash", "/bin/bash", "-c", "Y2F0", "-xvf", "out"),
		},
		Interfaces: []scapfile.Interface{{Name: "eth0", Addr: netip.MustParseAddr("10.0.0.5"), Netmask: netip.MustParseAddr("255.255.255.0")}},
	}
}

const testTS = 1_700_000_000_123_456_789

// testEvents are the events that cases are evaluated on, each as the last of a
// short history.
var testEvents = map[string]func() []*scapfile.Event{
	"":      openat,
	"write": write,
	"fsync": fsync,
	"async": async,
}

// openat opens /etc/shadow for reading.
func openat() []*scapfile.Event {
	return []*scapfile.Event{scapfile.NewEvent(schema.PPME_SYSCALL_OPENAT_2_X, testTS, 10,
		scapfile.I64(3), scapfile.I64(-100), scapfile.Text("/etc/shadow"), scapfile.U32(1), scapfile.U32(0), scapfile.U32(0x801), scapfile.U64(77))}
}

// write sends bytes over a TCP connection from 10.0.0.5:40000 to
// 93.184.216.34:443.
func write() []*scapfile.Event {
	client, server := netip.MustParseAddrPort("10.0.0.5:40000"), netip.MustParseAddrPort("93.184.216.34:443")
	data := []byte("GET \x00\xff/ HTTP")
	return []*scapfile.Event{
		scapfile.NewEvent(schema.PPME_SOCKET_SOCKET_X, testTS, 10, scapfile.I64(4), scapfile.U32(schema.PPM_AF_INET), scapfile.U32(1), scapfile.U32(6)),
		scapfile.NewEvent(schema.PPME_SOCKET_CONNECT_X, testTS, 10, scapfile.I64(0), scapfile.SockTuple(client, server), scapfile.I64(4), scapfile.SockAddr(server)),
		scapfile.NewEvent(schema.PPME_SYSCALL_WRITE_X, testTS, 10, scapfile.I64(int64(len(data))), data, scapfile.I64(4), scapfile.U32(uint32(len(data)))),
	}
}

// fsync is a call without event of its own.
func fsync() []*scapfile.Event {
	return []*scapfile.Event{scapfile.NewEvent(schema.PPME_GENERIC_X, testTS, 10,
		scapfile.U16(schema.SyscallByName("fsync").Code), scapfile.U16(74))}
}

// async is what the container plugin sends.
func async() []*scapfile.Event {
	return []*scapfile.Event{scapfile.NewEvent(schema.PPME_ASYNCEVENT_E, testTS, -1,
		scapfile.U32(0), scapfile.Text("container"), []byte("{}"))}
}

// lastEvent replays events and returns the last one.
func lastEvent(t testing.TB, events []*scapfile.Event) *replay.Event {
	t.Helper()
	return next(t, replay.New(&sliceSource{snap: testSnapshot(), events: events}, replay.Options{}), len(events))
}

// next returns the n-th event from now.
func next(t testing.TB, m *replay.Machine, n int) *replay.Event {
	t.Helper()
	var ev *replay.Event
	for range n {
		var err error
		if ev, err = m.Next(); err != nil {
			t.Fatal(err)
		}
	}
	return ev
}

func openatEvent(t testing.TB) *replay.Event { return lastEvent(t, openat()) }
func writeEvent(t testing.TB) *replay.Event  { return lastEvent(t, write()) }
func fsyncEvent(t testing.TB) *replay.Event  { return lastEvent(t, fsync()) }
func asyncEvent(t testing.TB) *replay.Event  { return lastEvent(t, async()) }
