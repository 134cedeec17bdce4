package scapfile

import (
	"encoding/binary"
	"fmt"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Layout of an event as the libs' probes and version 2 blocks hold it:
//
//	off  0  u64 ts        nanoseconds since the epoch
//	off  8  u64 tid
//	off 16  u32 len       whole event
//	off 20  u16 type
//	off 22  u32 nparams   absent in version 1, whose header is 22 bytes
//	off 26  len[nparams]  u16 each, u32 with EF_LARGE_PAYLOAD
//	        parameters    without alignment
const (
	headerSizeV1 = 22
	headerSize   = 26
)

// shape is what parsing needs of a schema row, kept apart from the rows so that
// the whole table stays in the first-level cache.
type shape uint8

const (
	shapeWide  shape = 1 << 7 // 32-bit length array
	shapeCount shape = 1<<7 - 1
)

// shapes has a power-of-two size so that an event type masked by shapeMask
// needs no bounds check; types beyond the table keep all their parameters.
var shapes = makeShapes()

const shapeMask = 1<<10 - 1

func makeShapes() (t [shapeMask + 1]shape) {
	for i := range t {
		t[i] = maxParams
	}
	for i, e := range schema.Events() {
		t[i] = shape(min(len(e.Params), maxParams))
		if e.Flags&schema.EF_LARGE_PAYLOAD != 0 {
			t[i] |= shapeWide
		}
	}
	return t
}

func shapeOf(t schema.EventType) shape {
	if t > shapeMask {
		return maxParams
	}
	return shapes[t&shapeMask]
}

// SetRaw makes e the event in raw, which holds it in the layout of the libs
// (26-byte header, length array, parameters; little-endian), as ring buffers
// and version 2 blocks do. Bytes after the event are ignored. Nothing is
// copied: e is valid as long as raw. Num, Flags, Section and Offset stay as they
// are. Parameters beyond those that the schema knows are not visible through
// Param, but AppendRaw keeps them.
//
// The error wraps ErrCorrupt and says which length does not fit; e is then
// without parameters.
func (e *Event) SetRaw(cpu uint16, raw []byte) error {
	if len(raw) < headerSize {
		e.setEmpty()
		return fmt.Errorf("event of %d bytes is shorter than its %d-byte header: %w", len(raw), headerSize, ErrCorrupt)
	}
	size := binary.LittleEndian.Uint32(raw[16:])
	e.TS = binary.LittleEndian.Uint64(raw)
	e.TID = int64(binary.LittleEndian.Uint64(raw[8:]))
	e.Type = schema.EventType(binary.LittleEndian.Uint16(raw[20:]))
	e.CPU = cpu
	if size < headerSize || uint64(size) > uint64(len(raw)) {
		e.setEmpty()
		return fmt.Errorf("event length %d does not fit in the %d bytes it stands in: %w", size, len(raw), ErrCorrupt)
	}
	return e.setData(binary.LittleEndian.Uint32(raw[22:]), raw[headerSize:size:size])
}

// setEmpty leaves e without parameters.
func (e *Event) setEmpty() {
	e.data, e.end, e.count, e.n, e.wide = nil, 0, 0, 0, false
}

// setData sets the parameters of e, whose Type is set already: data is the length
// array of count entries and the parameters.
func (e *Event) setData(count uint32, data []byte) error {
	sh := shapeOf(e.Type)
	if sh&shapeWide != 0 {
		return e.setWideData(count, data, int(sh&shapeCount))
	}
	if uint64(count)*2 > uint64(len(data)) {
		e.setEmpty()
		return e.errLengths(count, len(data))
	}
	n := min(int(count), int(sh), maxParams)
	end := 2*uint64(count) + uint64(sumLengths(data, n))
	if end > uint64(len(data)) {
		e.setEmpty()
		return e.errParams(len(data))
	}
	e.data, e.end, e.count, e.n, e.wide = data, uint32(end), count, uint8(n), false
	return nil
}

// sumLengths adds up the first n 16-bit lengths, four at a time where there are
// bytes enough: the number of rounds then hardly varies from event to event, which
// processors predict better than the number of parameters.
func sumLengths(data []byte, n int) uint32 {
	const even = 0x0000FFFF0000FFFF
	var sum uint64
	for ; n > 0 && len(data) >= 8; n, data = n-4, data[8:] {
		x := binary.LittleEndian.Uint64(data)
		if n < 4 {
			x &= 1<<(16*n) - 1
		}
		sum += x&even + x>>16&even
	}
	for ; n > 0; n, data = n-1, data[2:] {
		sum += uint64(binary.LittleEndian.Uint16(data))
	}
	return uint32(sum) + uint32(sum>>32)
}

// setWideData is setData for 32-bit lengths.
func (e *Event) setWideData(count uint32, data []byte, known int) error {
	off := uint64(count) * 4
	if off > uint64(len(data)) {
		e.setEmpty()
		return e.errLengths(count, len(data))
	}
	n := min(int(count), known, maxParams)
	for i := range n {
		off += uint64(binary.LittleEndian.Uint32(data[4*i:]))
		if off > uint64(len(data)) {
			e.setEmpty()
			return e.errParams(len(data))
		}
	}
	e.data, e.end, e.count, e.n, e.wide = data, uint32(off), count, uint8(n), true
	return nil
}

func (e *Event) errLengths(count uint32, size int) error {
	return fmt.Errorf("%s event says %d parameters but has %d bytes: %w", e.Type, count, size, ErrCorrupt)
}

func (e *Event) errParams(size int) error {
	return fmt.Errorf("parameters of %s event run past its %d bytes: %w", e.Type, size, ErrCorrupt)
}

// RawSize returns the size of what AppendRaw appends.
func (e *Event) RawSize() int { return headerSize + len(e.data) }

// AppendRaw appends e in the layout that SetRaw reads.
func (e *Event) AppendRaw(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, e.TS)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.TID))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(headerSize+len(e.data)))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(e.Type))
	dst = binary.LittleEndian.AppendUint32(dst, e.count)
	return append(dst, e.data...)
}
