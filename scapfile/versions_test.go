package scapfile

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sysreel/sysreel/scapfile/schema"
)

var equalAddrs = cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})

// sampleSnapshot has every kind of entry and descriptor.
func sampleSnapshot() *Snapshot {
	ap := netip.MustParseAddrPort
	return &Snapshot{
		Machine: &MachineInfo{NumCPUs: 4, MemoryB: 8 << 30, MaxPID: 4194304, Hostname: "host.example", BootTime: 1700000000000000000, Flags: 1, Reserved1: 2, Reserved2: 3},
		Interfaces: []Interface{
			{Name: "eth0", Addr: netip.MustParseAddr("10.0.0.2"), Netmask: netip.MustParseAddr("255.255.255.0"), Broadcast: netip.MustParseAddr("10.0.0.255"), LinkSpeed: 10},
			{Name: "eth0", Addr: netip.MustParseAddr("fe80::1"), Netmask: netip.MustParseAddr("ffff::"), Broadcast: netip.MustParseAddr("::")},
		},
		Users:  []User{{UID: 0, GID: 0, Name: "root", Home: "/root", Shell: "/bin/sh"}, {UID: 1000, GID: 100, Name: "u"}},
		Groups: []Group{{GID: 0, Name: "root"}},
		Threads: []Thread{
			{
				TID: 10, PID: 10, PTID: 1, SID: 7, VPGID: 8, PGID: 9, VTID: 2, VPID: 3, Comm: "bash", Exe: "-bash", ExePath: "/bin/bash",
				Args: []string{"-l", ""}, Env: []string{"A=1", "B=2"}, CWD: "/home/u", Root: "/", Cgroups: []string{"cpu=/x"}, FDLimit: -1,
				Flags: 5, UID: 1000, GID: 100, LoginUID: 1001, VMSizeKB: 1, VMRSSKB: 2, VMSwapKB: 3, PageFaultsMaj: 4, PageFaultsMin: 5,
				PidnsInitTS: 6, TTY: 34816, ExeWritable: true, ExeUpperLayer: true, ExeLowerLayer: true, ExeFromMemfd: true,
				CapInheritable: 1, CapPermitted: 2, CapEffective: 3, ExeIno: 11, ExeInoCtime: 12, ExeInoMtime: 13,
				FDs: []FD{
					{Num: 0, Ino: 1, Type: schema.SCAP_FD_FILE_V2, Name: "/dev/null", Flags: 3, Dev: 9},
					{Num: 1, Ino: 2, Type: schema.SCAP_FD_DIRECTORY, Name: "/"},
					{Num: 2, Ino: 3, Type: schema.SCAP_FD_IPV4_SOCK, Src: ap("1.2.3.4:5"), Dst: ap("6.7.8.9:10"), L4: schema.SCAP_L4_TCP},
					{Num: 3, Ino: 4, Type: schema.SCAP_FD_IPV6_SOCK, Src: ap("[::1]:5"), Dst: ap("[::2]:10"), L4: schema.SCAP_L4_UDP},
					{Num: 4, Ino: 5, Type: schema.SCAP_FD_IPV4_SERVSOCK, Src: ap("0.0.0.0:80"), L4: schema.SCAP_L4_TCP},
					{Num: 5, Ino: 6, Type: schema.SCAP_FD_IPV6_SERVSOCK, Src: ap("[::]:80"), L4: schema.SCAP_L4_TCP},
					{Num: 6, Ino: 7, Type: schema.SCAP_FD_FIFO, Name: "pipe:[7]"},
					{Num: 7, Ino: 8, Type: schema.SCAP_FD_UNIX_SOCK, UnixSrc: 0xFFFF888012345678, UnixDst: 1, Name: "/run/x"},
					{Num: 8, Ino: 9, Type: schema.SCAP_FD_EVENT}, {Num: 9, Type: schema.SCAP_FD_UNSUPPORTED}, {Num: 10, Type: schema.SCAP_FD_SIGNALFD},
					{Num: 11, Type: schema.SCAP_FD_EVENTPOLL}, {Num: 12, Type: schema.SCAP_FD_INOTIFY}, {Num: 13, Type: schema.SCAP_FD_TIMERFD},
					{Num: 14, Type: schema.SCAP_FD_NETLINK}, {Num: 15, Type: schema.SCAP_FD_BPF}, {Num: 16, Type: schema.SCAP_FD_USERFAULTFD},
					{Num: 17, Type: schema.SCAP_FD_IOURING}, {Num: 18, Type: schema.SCAP_FD_MEMFD, Name: "m"}, {Num: 19, Type: schema.SCAP_FD_PIDFD},
					{Num: 20, Type: schema.SCAP_FD_FILE, Name: "/old"},
				},
			},
			{TID: 11, PID: 10, PTID: 1, SID: -1, VPGID: -1, PGID: -1, VTID: -1, VPID: -1, Comm: "t", LoginUID: 0xFFFFFFFF},
		},
	}
}

// oldWriter writes captures of any version and byte order, as producers of
// the past did; only tests need it.
type oldWriter struct {
	b     []byte
	order binary.ByteOrder
}

func (w *oldWriter) u8(v uint8)   { w.b = append(w.b, v) }
func (w *oldWriter) u16(v uint16) { w.b = append(w.b, 0, 0); w.order.PutUint16(w.b[len(w.b)-2:], v) }
func (w *oldWriter) u32(v uint32) {
	w.b = append(w.b, 0, 0, 0, 0)
	w.order.PutUint32(w.b[len(w.b)-4:], v)
}
func (w *oldWriter) u64(v uint64) {
	w.b = append(w.b, make([]byte, 8)...)
	w.order.PutUint64(w.b[len(w.b)-8:], v)
}
func (w *oldWriter) str(s string) { w.u16(uint16(len(s))); w.b = append(w.b, s...) }

func (w *oldWriter) block(typ uint32, body func()) {
	start := len(w.b)
	w.u32(typ)
	w.u32(0)
	body()
	for (len(w.b)-start)%4 != 0 {
		w.u8(0)
	}
	size := uint32(len(w.b) - start + 4)
	w.order.PutUint32(w.b[start+4:], size)
	w.u32(size)
}

func (w *oldWriter) section(minor uint16, options string) {
	w.block(blockSection, func() {
		w.u32(byteOrderMagic)
		w.u16(1)
		w.u16(minor)
		w.u64(unknownLength)
		if options != "" {
			w.u16(1)
			w.str(options)
			for len(w.b)%4 != 0 {
				w.u8(0)
			}
			w.u32(0)
		}
	})
}

// thread writes an entry with the fields that version has; extension is how many
// of the fields behind the last of version 5 a version 9 entry has.
func (w *oldWriter) thread(t *Thread, version int) {
	start := len(w.b)
	if version >= 9 {
		w.u32(0)
	}
	w.u64(uint64(t.TID))
	w.u64(uint64(t.PID))
	w.u64(uint64(t.PTID))
	if version >= 6 {
		w.u64(uint64(t.SID))
	}
	if version >= 8 {
		w.u64(uint64(t.VPGID))
	}
	w.str(t.Comm)
	w.str(t.Exe)
	if version >= 7 {
		w.str(t.ExePath)
	}
	w.str(string(Texts(t.Args...)))
	w.str(t.CWD)
	w.u64(uint64(t.FDLimit))
	w.u32(t.Flags)
	w.u32(t.UID)
	w.u32(t.GID)
	if version >= 2 {
		w.u32(t.VMSizeKB)
		w.u32(t.VMRSSKB)
		w.u32(t.VMSwapKB)
		w.u64(t.PageFaultsMaj)
		w.u64(t.PageFaultsMin)
	}
	if version >= 3 {
		w.str(string(Texts(t.Env...)))
	}
	if version >= 4 {
		w.u64(uint64(t.VTID))
		w.u64(uint64(t.VPID))
		w.str(string(Texts(t.Cgroups...)))
	}
	if version >= 5 {
		w.str(t.Root)
	}
	if version >= 9 {
		// The extension as it was before two fields were inserted in front.
		w.u32(t.LoginUID)
		w.u8(b2u(t.ExeWritable))
		w.u64(t.CapInheritable)
		w.u64(t.CapPermitted)
		w.u64(t.CapEffective)
		w.order.PutUint32(w.b[start:], uint32(len(w.b)-start))
	}
}

// sinceVersion clears what an entry of that version does not hold.
func sinceVersion(t Thread, version int) Thread {
	t.FDs = nil
	t.PGID, t.PidnsInitTS, t.TTY = -1, 0, 0
	t.ExeUpperLayer, t.ExeLowerLayer, t.ExeFromMemfd = false, false, false
	t.ExeIno, t.ExeInoCtime, t.ExeInoMtime = 0, 0, 0
	if version < 9 {
		t.LoginUID, t.ExeWritable = 0xFFFFFFFF, false
		t.CapInheritable, t.CapPermitted, t.CapEffective = 0, 0, 0
	}
	if version < 8 {
		t.VPGID = -1
	}
	if version < 7 {
		t.ExePath = ""
	}
	if version < 6 {
		t.SID = -1
	}
	if version < 5 {
		t.Root = ""
	}
	if version < 4 {
		t.VTID, t.VPID, t.Cgroups = -1, -1, nil
	}
	if version < 3 {
		t.Env = nil
	}
	if version < 2 {
		t.VMSizeKB, t.VMRSSKB, t.VMSwapKB, t.PageFaultsMaj, t.PageFaultsMin = 0, 0, 0, 0, 0
	}
	return t
}

var procBlocks = map[uint32]int{
	blockProcV1: 1, blockProcV2: 2, blockProcV3: 3, blockProcV4: 4, blockProcV5: 5, blockProcV6: 6, blockProcV7: 7,
	blockProcV8: 8, blockProcV9: 9, blockProcV1Old: 1, blockProcV2Old: 2, blockProcV3Old: 3,
}

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

// Every version of the process list, in both byte orders.
func TestProcessListVersions(t *testing.T) {
	sample := sampleSnapshot().Threads[0]
	for _, order := range orders {
		for typ, version := range procBlocks {
			w := &oldWriter{order: order}
			w.section(0, "")
			w.block(typ, func() {
				w.thread(&sample, version)
				second := sample
				second.TID++
				w.thread(&second, version)
			})
			r, err := NewReader(bytes.NewReader(w.b), ReaderOptions{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Snapshot().Threads; len(got) != 2 {
				t.Errorf("%v %s: %d threads", order, blockName(typ), len(got))
			} else if d := cmp.Diff(sinceVersion(sample, version), got[0], equalAddrs); d != "" {
				t.Errorf("%v %s: %s", order, blockName(typ), d)
			}
			r.Close()
		}
	}
}

// eventBytes returns a version 1 or 2 event in a byte order.
func (w *oldWriter) event(e *Event, header int) {
	w.u64(e.TS)
	w.u64(uint64(e.TID))
	w.u32(uint32(header + len(e.data)))
	w.u16(uint16(e.Type))
	if header == headerSize {
		w.u32(e.count)
	}
	data := bytes.Clone(e.data)
	if w.order == binary.ByteOrder(binary.BigEndian) {
		c := e.Clone()
		for i := range c.NumParams() {
			swapParam(c.Param(i), c.Info().Params[i])
		}
		width := e.Type.LengthWidth()
		for i := range int(c.count) {
			swap(c.data[i*width : (i+1)*width])
		}
		data = c.data
	}
	w.b = append(w.b, data...)
}

// sampleEvents has parameters of all structured types.
func sampleEvents() []*Event {
	ap := netip.MustParseAddrPort
	return []*Event{
		NewEvent(schema.PPME_SYSCALL_CLOSE_X, 1, 10, I64(-9), I64(4)),
		NewEvent(schema.PPME_SOCKET_CONNECT_X, 2, 10, I64(0), SockTuple(ap("1.2.3.4:5"), ap("6.7.8.9:80")), I64(3), SockAddr(ap("6.7.8.9:80"))),
		NewEvent(schema.PPME_SOCKET_CONNECT_X, 3, 10, I64(0), SockTuple(ap("[::1]:5"), ap("[::2]:80")), I64(3), SockAddr(ap("[::2]:80"))),
		NewEvent(schema.PPME_SOCKET_CONNECT_X, 4, 10, I64(0), UnixTuple(0x1122334455667788, 2, "/run/x"), I64(3), UnixAddr("/run/x")),
		NewEvent(schema.PPME_SYSCALL_POLL_X, 5, 10, I64(1), FDList(PollFD{3, 1}, PollFD{4, 0x104}), I64(-1)),
		NewEvent(schema.PPME_SOCKET_SETSOCKOPT_X, 6, 10, I64(0), I64(3), U8(1), U8(2), Dyn(2, U32(258)), U32(4)),
		NewEvent(schema.PPME_ASYNCEVENT_E, 7, -1, U32(9), Text("container"), []byte("data")),
		NewEvent(schema.PPME_SYSCALL_OPENAT_2_X, 8, 10, I64(3), I64(-100), Text("/etc/x"), U32(0x1001), U32(0o644), U32(0xFE00), U64(1<<40)),
	}
}

// versionSeeds returns synthetic captures of old versions and byte orders.
func versionSeeds() (seeds [][]byte) {
	for _, order := range orders {
		for _, layout := range []struct {
			plain, flags uint32
			header       int
		}{
			{blockEventV1, blockEventFlagsV1, headerSizeV1},
			{blockEventV1Old, blockEventFlagsV1, headerSizeV1},
			{blockEvent, blockEventFlags, headerSize},
			{blockEventLarge, blockEventFlagsLg, headerSize},
		} {
			w := &oldWriter{order: order}
			w.section(2, "a comment")
			w.block(0x7777, func() { w.b = append(w.b, "unknown"...) })
			for i, e := range sampleEvents() {
				if i%2 == 0 {
					w.block(layout.plain, func() { w.u16(3); w.event(e, layout.header) })
				} else {
					w.block(layout.flags, func() { w.u16(3); w.u32(1); w.event(e, layout.header) })
				}
			}
			seeds = append(seeds, w.b)
		}
	}
	return seeds
}

// Every event block type in both byte orders yields the same events.
func TestEventBlockVersions(t *testing.T) {
	for _, file := range versionSeeds() {
		r, err := NewReader(bytes.NewReader(file), ReaderOptions{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		if r.Info().Comment != "a comment" {
			t.Errorf("comment %q", r.Info().Comment)
		}
		for i, want := range sampleEvents() {
			e, err := r.Next()
			if err != nil {
				t.Fatalf("big endian %v, event %d: %v", r.Info().BigEndian, i, err)
			}
			if got := e.AppendRaw(nil); !bytes.Equal(got, want.AppendRaw(nil)) || e.CPU != 3 || e.Flags != uint32(i%2) {
				t.Errorf("big endian %v, %s: cpu %d flags %d\n got %x\nwant %x", r.Info().BigEndian, e.Name(), e.CPU, e.Flags, got, want.AppendRaw(nil))
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		r.Close()
	}
}

// Two event types of old writers say three bytes more than they have.
func TestOldLengthDefect(t *testing.T) {
	w := &oldWriter{order: binary.LittleEndian}
	w.section(0, "")
	e := NewEvent(schema.PPME_NOTIFICATION_E, 1, 2, Text("id"), Text("desc"))
	w.block(blockEventV1, func() {
		w.u16(0)
		at := len(w.b)
		w.event(e, headerSizeV1)
		w.b = append(w.b, 0, 0, 0)
		w.order.PutUint32(w.b[at+16:], uint32(len(w.b)-at))
	})
	r, err := NewReader(bytes.NewReader(w.b), ReaderOptions{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := got.Text(1); string(s) != "desc" {
		t.Errorf("got %q", s)
	}
}

// The lists of today's version survive a round trip with every kind of entry.
func TestSnapshotRoundTrip(t *testing.T) {
	want := sampleSnapshot()
	b := appendSnapshot(appendSection(nil), want)
	r, err := NewReader(bytes.NewReader(b), ReaderOptions{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if d := cmp.Diff(want, r.Snapshot(), equalAddrs); d != "" {
		t.Error(d)
	}
}

// An interface list that an old library wrote too short is read all the same.
func TestMiscountedInterfaces(t *testing.T) {
	s := sampleSnapshot()
	b := appendSection(nil)
	at := len(b)
	b = appendInterfaces(b, s.Interfaces)
	size := len(b) - at - 4*len(s.Interfaces)
	binary.LittleEndian.PutUint32(b[at+4:], uint32(size))
	binary.LittleEndian.PutUint32(b[len(b)-4:], uint32(size))
	b = appendUsers(b, s.Users, s.Groups)
	b = appendEvent(b, sampleEvents()[0])
	r, err := NewReader(bytes.NewReader(b), ReaderOptions{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if len(r.Snapshot().Interfaces) != 2 || len(r.Snapshot().Users) != 2 || len(r.Damage()) != 0 {
		t.Errorf("got %d interfaces, %d users, damage %v", len(r.Snapshot().Interfaces), len(r.Snapshot().Users), r.Damage())
	}
	if n := drain(t, r); n != 1 {
		t.Errorf("%d events", n)
	}
}

// Every conversion leads to a current event or is dropped, and no row is larger
// than the code assumes.
func TestConversionTable(t *testing.T) {
	for _, c := range conversions {
		info := schema.Lookup(c.from)
		if int(c.params) > len(info.Params) {
			t.Errorf("%s: %d parameters, the schema has %d", info.Symbol, c.params, len(info.Params))
		}
		if shapeOf(c.from)&shapeWide != 0 {
			t.Errorf("%s has 32-bit lengths", info.Symbol)
		}
		e := Event{Type: c.from, TID: 1}
		if err := e.setData(uint32(c.params), make([]byte, 2*int(c.params))); err != nil {
			t.Fatal(err)
		}
		conv := newConverter()
		if conv.apply(&e) == verdictDeliver && !isCurrent(&e) {
			t.Errorf("%s with %d parameters becomes %s with %d", info.Symbol, c.params, e.Type, e.count)
		}
	}
}
