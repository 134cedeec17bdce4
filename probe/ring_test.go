package probe

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
)

// fakeRing is a ring without a kernel: put plays the producer. Its data is
// written twice, as the mapping shows it twice.
func fakeRing(cpu uint16, size int) *ring {
	return &ring{
		cpu:      cpu,
		consumer: new(atomic.Uint64),
		producer: new(atomic.Uint64),
		data:     make([]byte, 2*size),
		mask:     uint64(size) - 1,
	}
}

// put appends an event of n bytes with a time; flags are those of the record.
func (r *ring) put(ts uint64, n int, flags uint32) {
	size := int(r.mask) + 1
	pos := r.producer.Load()
	b := make([]byte, (recordHeader+n+7)&^7)
	binary.NativeEndian.PutUint32(b, uint32(n)|flags)
	binary.LittleEndian.PutUint64(b[recordHeader:], ts)
	for i, v := range b {
		off := (int(pos) + i) & int(r.mask)
		r.data[off], r.data[off+size] = v, v
	}
	r.producer.Store(pos + uint64(len(b)))
}

// drain returns the times that merge delivers.
func drain(t *testing.T, rings []*ring, before uint64) []uint64 {
	t.Helper()
	var got []uint64
	n, _, err := merge(rings, before, func(_ uint16, raw []byte) error {
		got = append(got, binary.LittleEndian.Uint64(raw))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != len(got) {
		t.Errorf("merge says %d events, %d came", n, len(got))
	}
	return got
}

func TestMerge(t *testing.T) {
	a, b := fakeRing(0, 4096), fakeRing(1, 4096)
	rings := []*ring{a, b}
	for _, ts := range []uint64{1, 4, 5, 9} {
		a.put(ts, 40, 0)
	}
	for _, ts := range []uint64{2, 3, 5, 20} {
		b.put(ts, 33, 0)
	}
	b.put(7, 30, recordDiscard)
	if got := drain(t, rings, 9); !slices.Equal(got, []uint64{1, 2, 3, 4, 5, 5}) {
		t.Errorf("before 9: %v", got)
	}
	b.put(21, 30, 0)
	b.put(22, 30, recordBusy)
	b.put(23, 30, 0)
	if got := drain(t, rings, 1<<63); !slices.Equal(got, []uint64{9, 20, 21}) {
		t.Errorf("rest: %v", got)
	}
	if a.consumer.Load() != a.producer.Load() {
		t.Error("the space of ring a was not given back")
	}
	// The busy record is finished.
	off := b.pos & b.mask
	binary.NativeEndian.PutUint32(b.data[off:], 30)
	if got := drain(t, rings, 1<<63); !slices.Equal(got, []uint64{22, 23}) {
		t.Errorf("after the busy record: %v", got)
	}
}

func TestMergeWraps(t *testing.T) {
	r := fakeRing(0, 1024)
	for i := range uint64(500) {
		r.put(i, 26+int(i%90), 0)
		if got := drain(t, []*ring{r}, 1<<63); len(got) != 1 || got[0] != i {
			t.Fatalf("event %d: %v", i, got)
		}
	}
}

func TestMergeErrors(t *testing.T) {
	r := fakeRing(3, 1024)
	r.put(1, 30, 0)
	r.put(2, 30, 0)
	refused := errors.New("refused")
	if _, _, err := merge([]*ring{r}, 1<<63, func(uint16, []byte) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("merge returned %v", err)
	}
	if got := drain(t, []*ring{r}, 1<<63); !slices.Equal(got, []uint64{2}) {
		t.Errorf("after a refused event: %v", got)
	}
	r.put(3, 10, 0) // shorter than an event's header
	if _, _, err := merge([]*ring{r}, 1<<63, func(uint16, []byte) error { return nil }); err == nil {
		t.Error("a short record was accepted")
	}
}

func TestMergeDoesNotAllocate(t *testing.T) {
	rings := []*ring{fakeRing(0, 1<<16), fakeRing(1, 1<<16)}
	n := 0
	f := func(uint16, []byte) error { n++; return nil }
	for i := range 400 {
		rings[i%2].put(uint64(i), 60, 0)
	}
	if _, _, err := merge(rings, 100, f); err != nil {
		t.Fatal(err)
	}
	before := uint64(100)
	allocs := testing.AllocsPerRun(20, func() {
		before += 10
		if _, _, err := merge(rings, before, f); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations per pass", allocs)
	}
	if n == 0 {
		t.Error("nothing was read")
	}
}
