package scapfile

import (
	"bytes"
	"io"
	"net/netip"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Reading allocates nothing per event, whatever the compression and the model.
func TestReadAllocatesNothing(t *testing.T) {
	for _, comp := range allCompressions {
		for _, old := range []bool{false, true} {
			var file bytes.Buffer
			w, err := NewWriter(&file, nil, WriterOptions{Compression: comp, FrameSize: 64 << 10})
			if err != nil {
				t.Fatal(err)
			}
			const n = 100_000
			for i := range n {
				e := NewEvent(schema.PPME_SYSCALL_CLOSE_X, uint64(i), int64(i%50), I64(0), I64(4))
				if old { // an enter event, then an exit event without descriptor
					e.Type, e.count, e.n = schema.PPME_SYSCALL_CLOSE_E, 1, 1
					e.data = append(U16(8), I64(4)...)
					e.end = uint32(len(e.data))
					if i%2 == 1 {
						e.Type, e.TID = schema.PPME_SYSCALL_CLOSE_X, int64((i-1)%50)
					}
				}
				if err := w.Write(e); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := NewReader(bytes.NewReader(file.Bytes()), ReaderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for range 20_000 {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}
			if allocs := testing.AllocsPerRun(20_000, func() {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}); allocs != 0 {
				t.Errorf("%v, old %v: %v allocations per event", comp, old, allocs)
			}
		}
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	e := NewEvent(schema.PPME_SYSCALL_READ_X, 1, 2, I64(80), make([]byte, 80), I64(4), U32(80))
	for _, comp := range allCompressions {
		w, err := NewWriter(io.Discard, nil, WriterOptions{Compression: comp})
		if err != nil {
			t.Fatal(err)
		}
		for range 50_000 {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
		if allocs := testing.AllocsPerRun(20_000, func() { _ = w.Write(e) }); allocs != 0 {
			t.Errorf("%v: %v allocations per event", comp, allocs)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRenderAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, 4096)
	rd := Renderer{Resolver: &oracle{}}
	for _, e := range sampleEvents() {
		if n := testing.AllocsPerRun(100, func() { buf = rd.AppendArgs(buf[:0], e) }); n != 0 {
			t.Errorf("%s: AppendArgs allocates %v times", e.Name(), n)
		}
		if n := testing.AllocsPerRun(100, func() {
			for i := range e.NumParams() {
				buf = e.AppendJSON(buf[:0], i)
			}
		}); n != 0 {
			t.Errorf("%s: AppendJSON allocates %v times", e.Name(), n)
		}
	}
}

func TestJSON(t *testing.T) {
	ap := netip.MustParseAddrPort
	conn := NewEvent(schema.PPME_SOCKET_CONNECT_X, 2, 10, I64(-115), SockTuple(ap("1.2.3.4:5"), ap("6.7.8.9:80")), I64(3), UnixAddr("/run/x"))
	read := NewEvent(schema.PPME_SYSCALL_READ_X, 1, 2, I64(3), []byte("a\x1b[31m\"\n"), nil, U32(80))
	bin := NewEvent(schema.PPME_SYSCALL_READ_X, 1, 2, U8(1), []byte{0xFF, 0xFE})
	poll := sampleEvents()[4]
	exec := NewEvent(schema.PPME_SYSCALL_EXECVE_19_X, 1, 2, I64(0), Text("sh"), Texts("-c", "", "x"))
	brk := NewEvent(schema.PPME_SYSCALL_BRK_4_X, 1, 2, U64(1<<63+1))
	for _, tt := range []struct {
		e    *Event
		i    int
		want string
	}{
		{conn, 0, `-115`},
		{conn, 1, `{"src":{"addr":"1.2.3.4","port":5},"dst":{"addr":"6.7.8.9","port":80}}`},
		{conn, 3, `{"path":"/run/x"}`},
		{read, 1, `"a\u001b[31m\"\n"`},
		{read, 2, `null`},
		{read, 9, `null`},
		{bin, 0, `{"base64":"AQ=="}`},
		{bin, 1, `{"base64":"//4="}`},
		{poll, 1, `[{"fd":3,"events":1},{"fd":4,"events":260}]`},
		{exec, 2, `["-c","","x"]`},
		{brk, 0, `9223372036854775809`},
	} {
		if got := string(tt.e.AppendJSON(nil, tt.i)); got != tt.want {
			t.Errorf("%s parameter %d: got %s, want %s", tt.e.Name(), tt.i, got, tt.want)
		}
	}
}

func TestRenderOddities(t *testing.T) {
	rd := Renderer{DataLimit: 5}
	for _, tt := range []struct {
		e    *Event
		want string
	}{
		{NewEvent(schema.PPME_SYSCALL_READ_X, 1, 2, I64(-11), []byte("abcdefg"), I64(-100), U8(1)), "res=-11(EAGAIN) data=abcde... fd=-100(AT_FDCWD) size=<INVALID>"},
		{NewEvent(schema.PPME_SYSCALL_KILL_X, 1, 2, I64(0), I64(7), U8(9)), "res=0 pid=7 sig=9(SIGKILL)"},
		{NewEvent(schema.PPME_SYSCALL_CHDIR_X, 1, 2, I64(0), []byte("(NULL)\x00")), "res=0 path=<NA>"},
		{NewEvent(schema.PPME_SYSCALL_NANOSLEEP_X, 1, 2, I64(0), U64(1500000000)), "res=0 interval=1500000000(1.5s)"},
		{NewEvent(schema.PPME_SOCKET_BIND_X, 1, 2, I64(0), []byte{2, 1}, I64(3)), "res=0 addr=INVALID IPv4 fd=3"},
		{NewEvent(schema.PPME_SOCKET_BIND_X, 1, 2, I64(0), []byte{38, 1}, I64(3)), "res=0 addr=family 38 fd=3"},
	} {
		if got := string(rd.AppendArgs(nil, tt.e)); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
