package scapfile

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

func TestSetRaw(t *testing.T) {
	want := NewEvent(schema.PPME_SYSCALL_OPENAT_2_X, 1700000000123456789, 4711,
		I64(3), I64(-100), Text("/etc/shadow"), U32(1), nil, U32(0x801), U64(42))
	want.CPU = 7
	raw := want.AppendRaw(nil)
	if len(raw) != want.RawSize() {
		t.Errorf("AppendRaw wrote %d bytes, RawSize says %d", len(raw), want.RawSize())
	}
	var e Event
	if err := e.SetRaw(7, append(raw, "ring buffer padding"...)); err != nil {
		t.Fatal(err)
	}
	if e.TS != want.TS || e.TID != want.TID || e.Type != want.Type || e.CPU != 7 {
		t.Errorf("header: got %d %d %v cpu %d", e.TS, e.TID, e.Type, e.CPU)
	}
	if name, ok := e.Text(2); !ok || string(name) != "/etc/shadow" {
		t.Errorf("name: got %q %v", name, ok)
	}
	if dirfd, ok := e.Int64(1); !ok || dirfd != -100 {
		t.Errorf("dirfd: got %d %v", dirfd, ok)
	}
	if e.Param(4) != nil || e.Param(7) != nil || e.Param(-1) != nil {
		t.Error("an empty, absent or negative parameter is not nil")
	}
	if got := e.AppendRaw(nil); !bytes.Equal(got, raw) {
		t.Errorf("round trip:\n got %x\nwant %x", got, raw)
	}
	if n := testing.AllocsPerRun(100, func() { _ = e.SetRaw(7, raw) }); n != 0 {
		t.Errorf("SetRaw allocates %v times", n)
	}
}

func TestSetRawWideLengths(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 100_000)
	raw := NewEvent(schema.PPME_ASYNCEVENT_E, 1, -1, U32(0), Text("container"), big).AppendRaw(nil)
	var e Event
	if err := e.SetRaw(0, raw); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(e.Param(2), big) || e.TID != -1 {
		t.Errorf("got %d bytes, tid %d", len(e.Param(2)), e.TID)
	}
}

// Every length that an attacker or a defect can choose is checked.
func TestSetRawBadLengths(t *testing.T) {
	good := NewEvent(schema.PPME_SYSCALL_CLOSE_X, 1, 2, I64(0), I64(4)).AppendRaw(nil)
	for _, tt := range []struct {
		name string
		edit func(b []byte) []byte
	}{
		{"empty", func(b []byte) []byte { return nil }},
		{"header cut", func(b []byte) []byte { return b[:25] }},
		{"body cut", func(b []byte) []byte { return b[:len(b)-1] }},
		{"length below header", func(b []byte) []byte { b[16] = 25; return b }},
		{"length huge", func(b []byte) []byte { b[19] = 0xFF; return b }},
		{"count huge", func(b []byte) []byte { b[25] = 0xFF; return b }},
		{"count one too many", func(b []byte) []byte { b[22] = 11; return b }},
		{"parameter too long", func(b []byte) []byte { b[26] = 9; return b }},
	} {
		var e Event
		err := e.SetRaw(0, tt.edit(bytes.Clone(good)))
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", tt.name, err)
		}
		if e.NumParams() != 0 || e.Param(0) != nil {
			t.Errorf("%s: parameters left behind", tt.name)
		}
	}
}

func TestExtraParamsSurvive(t *testing.T) {
	// A newer producer appended a third parameter to close.
	raw := []byte{
		1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
		49, 0, 0, 0, 5, 0, 3, 0, 0, 0,
		8, 0, 8, 0, 1, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0xEE,
	}
	var e Event
	if err := e.SetRaw(0, raw); err != nil {
		t.Fatal(err)
	}
	if fd, _ := e.Int64(1); fd != 4 || e.NumParams() != 2 {
		t.Errorf("got fd %d, %d parameters", fd, e.NumParams())
	}
	if got := e.AppendRaw(nil); !bytes.Equal(got, raw) {
		t.Errorf("got %x", got)
	}
}

func TestEncoders(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"addr4", SockAddr(netip.MustParseAddrPort("10.0.0.1:80")), "\x02\x0a\x00\x00\x01\x50\x00"},
		{"tuple4", SockTuple(netip.MustParseAddrPort("1.2.3.4:258"), netip.MustParseAddrPort("5.6.7.8:80")), "\x02\x01\x02\x03\x04\x02\x01\x05\x06\x07\x08\x50\x00"},
		{"unix", UnixTuple(1, 2, "/x"), "\x01\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00/x\x00"},
		{"texts", Texts("a", "", "b"), "a\x00\x00b\x00"},
		{"fdlist", FDList(PollFD{3, 1}), "\x01\x00\x03\x00\x00\x00\x00\x00\x00\x00\x01\x00"},
		{"i64", I64(-2), "\xfe\xff\xff\xff\xff\xff\xff\xff"},
	} {
		if string(tt.got) != tt.want {
			t.Errorf("%s: got %x, want %x", tt.name, tt.got, tt.want)
		}
	}
	if n := len(SockTuple(netip.MustParseAddrPort("[::1]:1"), netip.MustParseAddrPort("[::2]:2"))); n != 37 {
		t.Errorf("IPv6 tuple has %d bytes, want 37", n)
	}
}

func BenchmarkSetRaw(b *testing.B) {
	raw := NewEvent(schema.PPME_SYSCALL_READ_X, 1, 2, I64(80), make([]byte, 80), I64(4), U32(80)).AppendRaw(nil)
	var e Event
	b.ReportAllocs()
	for b.Loop() {
		if err := e.SetRaw(0, raw); err != nil {
			b.Fatal(err)
		}
	}
}
