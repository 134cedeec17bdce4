package scapfile

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// fuzzRead reads everything and checks what holds for any input: an end, and
// errors that say where. Every event is rendered in all forms.
func fuzzRead(t *testing.T, data []byte, opts ReaderOptions) {
	opts.Size = int64(len(data))
	r, err := NewReader(bytes.NewReader(data), opts)
	if err != nil {
		return
	}
	defer r.Close()
	var buf []byte
	rd := Renderer{DataLimit: 100}
	for _, num := range []uint64{4, 1} {
		if err := r.SeekEvent(num); err != nil {
			checkError(t, "seek", err)
			return
		}
	}
	for range 1 << 20 {
		e, err := r.Next()
		if err != nil {
			if err != io.EOF {
				checkError(t, "fuzz", err)
			}
			return
		}
		buf = rd.AppendArgs(buf[:0], e)
		if e.Info() == nil && !opts.Raw {
			t.Fatalf("event of unknown type %d delivered", e.Type)
		}
	}
	t.Fatal("more events than the input can hold")
}

func FuzzReader(f *testing.F) {
	for _, c := range allCompressions {
		file, _ := smallCapture(f, c)
		f.Add(file)
	}
	for _, b := range versionSeeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzRead(t, data, ReaderOptions{})
		fuzzRead(t, data, ReaderOptions{Raw: true, Strict: true})
	})
}

// FuzzLists feeds the body of one metadata block of any version.
func FuzzLists(f *testing.F) {
	types := []uint32{blockMachine, blockProcV1, blockProcV2, blockProcV3, blockProcV4, blockProcV5, blockProcV6,
		blockProcV7, blockProcV8, blockProcV9, blockFDV1, blockFD, blockIfaceV1, blockIface, blockUserV1, blockUser}
	s := sampleSnapshot()
	b := appendSnapshot(nil, s)
	for i := range types {
		f.Add(uint8(i), false, b)
	}
	for len(b) >= blockOverhead {
		size := int(le32(b[4:]))
		for i, t := range types {
			if t == le32(b) {
				f.Add(uint8(i), true, b[8:size-4])
				f.Add(uint8(i), false, b[8:size-4])
			}
		}
		b = b[size:]
	}
	f.Fuzz(func(t *testing.T, typ uint8, big bool, body []byte) {
		r := newSnapshotReader(big)
		r.snap.Threads = []Thread{{TID: 1, PID: 1}}
		r.byID[1] = 0
		_ = r.block(types[int(typ)%len(types)], body)
		// Whatever was understood can be written and read again.
		out := appendSnapshot(nil, r.snap)
		again := newSnapshotReader(false)
		for len(out) > 0 {
			size := le32(out[4:])
			if err := again.block(le32(out), out[8:size-4]); err != nil {
				t.Fatalf("what was written does not read back: %v", err)
			}
			out = out[size:]
		}
	})
}

// FuzzEvent renders parameters of every type with any content.
func FuzzEvent(f *testing.F) {
	f.Add(uint16(schema.PPME_SYSCALL_CLOSE_X), uint8(2), []byte{8, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0})
	for _, info := range schema.Events() {
		f.Add(uint16(info.Type), uint8(len(info.Params)), NewEvent(info.Type, 1, 2).AppendRaw(nil)[headerSize:])
	}
	f.Fuzz(func(t *testing.T, typ uint16, count uint8, data []byte) {
		e := Event{Type: schema.EventType(typ)}
		if e.setData(uint32(count), data) != nil {
			return
		}
		rd := Renderer{}
		_ = rd.AppendArgs(nil, &e)
		for i := range e.NumParams() + 1 {
			_, _ = e.Int(i)
			_, _ = e.Text(i)
			if js := e.AppendJSON(nil, i); !json.Valid(js) {
				t.Fatalf("%s parameter %d: invalid JSON %s", e.Type, i, js)
			}
		}
		raw := e.AppendRaw(nil)
		var again Event
		if err := again.SetRaw(0, raw); err != nil || !bytes.Equal(again.AppendRaw(nil), raw) {
			t.Fatalf("does not read back: %v", err)
		}
	})
}

// FuzzConvert converts pairs of old events.
func FuzzConvert(f *testing.F) {
	for _, c := range conversions {
		data := make([]byte, 2*int(c.params))
		f.Add(uint16(c.from), c.params, data, uint16(c.from)+1, c.params, data)
	}
	f.Fuzz(func(t *testing.T, typ1 uint16, n1 uint8, data1 []byte, typ2 uint16, n2 uint8, data2 []byte) {
		c := newConverter()
		for range 2 {
			for _, in := range []struct {
				typ  uint16
				n    uint8
				data []byte
			}{{typ1, n1, data1}, {typ2, n2, data2}} {
				e := Event{Type: schema.EventType(in.typ), TID: 1}
				if e.setData(uint32(in.n), in.data) != nil {
					continue
				}
				if c.apply(&e) != verdictDeliver {
					continue
				}
				if !isCurrent(&e) && e.Type&1 == 1 {
					t.Fatalf("%v with %d parameters became %v with %d", schema.EventType(in.typ), in.n, e.Type, e.count)
				}
				var again Event
				if err := again.SetRaw(0, e.AppendRaw(nil)); err != nil {
					t.Fatal(err)
				}
				_ = (&Renderer{}).AppendArgs(nil, &e)
			}
		}
	})
}

// FuzzFraming damages the compression layer of a good file.
func FuzzFraming(f *testing.F) {
	var files [][]byte
	for _, c := range allCompressions[1:] {
		file, _ := smallCapture(f, c)
		files = append(files, file)
	}
	f.Add(false, uint32(40), []byte{1}, uint16(0))
	f.Add(true, uint32(200), []byte{0xFF, 0xFF}, uint16(3))
	f.Fuzz(func(t *testing.T, zst bool, at uint32, patch []byte, cut uint16) {
		b := files[0]
		if zst {
			b = files[1]
		}
		at %= uint32(len(b))
		rest := b[min(int(at)+int(cut), len(b)):]
		bad := append(append(bytes.Clone(b[:at]), patch...), rest...)
		fuzzRead(t, bad, ReaderOptions{})
	})
}

func le32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
