package probe

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Bits and sizes of a record header in a BPF ring buffer (kernel/bpf/ringbuf.c).
const (
	recordBusy    = 1 << 31
	recordDiscard = 1 << 30
	recordHeader  = 8

	eventHeader = 26
)

// ring reads one BPF ring buffer through its mapped pages, without copying. The
// data pages are mapped twice in a row, so that every record is contiguous.
type ring struct {
	cpu      uint16
	consumer *atomic.Uint64 // written by us: where the kernel may write again
	producer *atomic.Uint64
	data     []byte // twice the size of the buffer
	mask     uint64

	pos       uint64 // what has been read, not yet told to the kernel
	committed uint64
	end       uint64 // producer position at the start of the pass

	head []byte // next event, nil if there is none yet
	ts   uint64 // its time

	consumerPage, producerPages []byte
}

func newRing(cpu int, fd int, size uint32) (*ring, error) {
	page := os.Getpagesize()
	c, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping the ring buffer of cpu %d: %w", cpu, err)
	}
	p, err := unix.Mmap(fd, int64(page), page+2*int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(c)
		return nil, fmt.Errorf("mapping the ring buffer of cpu %d: %w", cpu, err)
	}
	r := &ring{
		cpu:           uint16(cpu),
		consumer:      (*atomic.Uint64)(unsafe.Pointer(&c[0])),
		producer:      (*atomic.Uint64)(unsafe.Pointer(&p[0])),
		data:          p[page:],
		mask:          uint64(size) - 1,
		consumerPage:  c,
		producerPages: p,
	}
	r.pos = r.consumer.Load()
	r.committed = r.pos
	return r, nil
}

func (r *ring) close() error {
	err := unix.Munmap(r.consumerPage)
	if err2 := unix.Munmap(r.producerPages); err == nil {
		err = err2
	}
	return err
}

// peek makes the next complete event the head, skipping what the kernel has
// discarded.
func (r *ring) peek() error {
	r.head = nil
	for r.pos < r.end {
		off := r.pos & r.mask
		length := (*atomic.Uint32)(unsafe.Pointer(&r.data[off])).Load()
		if length&recordBusy != 0 {
			return nil // being written; what follows it has to wait
		}
		n := uint64(length &^ (recordBusy | recordDiscard))
		if length&recordDiscard != 0 {
			r.pos += (n + recordHeader + 7) &^ 7
			continue
		}
		if n < eventHeader || n > uint64(len(r.data))-off-recordHeader {
			return fmt.Errorf("ring buffer of cpu %d is corrupt: record of %d bytes", r.cpu, n)
		}
		r.head = r.data[off+recordHeader : off+recordHeader+n : off+recordHeader+n]
		r.ts = binary.LittleEndian.Uint64(r.head)
		return nil
	}
	return nil
}

// next steps over the head.
func (r *ring) next() error {
	r.pos += (uint64(len(r.head)) + recordHeader + 7) &^ 7
	if r.pos-r.committed > r.mask/8 {
		r.commit()
	}
	return r.peek()
}

// commit gives the space of what has been read back to the kernel.
func (r *ring) commit() {
	if r.pos != r.committed {
		r.consumer.Store(r.pos)
		r.committed = r.pos
	}
}

// merge calls f for the events of all rings that are older than before, in order
// of time, and returns the number of events and whether a ring was more than a
// quarter full.
//
// The events of one ring are in order. An event may still be in the making when
// the pass begins, which is why callers set before a little into the past.
func merge(rings []*ring, before uint64, f func(cpu uint16, raw []byte) error) (n int, busy bool, err error) {
	for _, r := range rings {
		r.end = r.producer.Load()
		if r.end-r.pos > r.mask/4 {
			busy = true
		}
		if err := r.peek(); err != nil {
			return 0, busy, err
		}
	}
	defer func() {
		for _, r := range rings {
			r.commit()
		}
	}()
	for {
		// The ring with the oldest event may be read up to the oldest of the others.
		var first *ring
		limit := before
		for _, r := range rings {
			switch {
			case r.head == nil || r.ts >= before:
			case first == nil:
				first = r
			case r.ts < first.ts:
				limit = min(limit, first.ts)
				first = r
			default:
				limit = min(limit, r.ts)
			}
		}
		if first == nil {
			return n, busy, nil
		}
		for first.head != nil && (first.ts <= limit && first.ts < before) {
			raw := first.head
			if err := f(first.cpu, raw); err != nil {
				return n, busy, joinNext(first, err)
			}
			n++
			if err := first.next(); err != nil {
				return n, busy, err
			}
		}
	}
}

// joinNext steps over the event that f refused, so that it is not seen again.
func joinNext(r *ring, err error) error {
	if err2 := r.next(); err2 != nil {
		return err2
	}
	return err
}
