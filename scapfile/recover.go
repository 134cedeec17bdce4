package scapfile

import (
	"encoding/binary"
	"fmt"
)

// resyncMin is the size of the smallest event block: what must be at hand to
// recognise one.
const resyncMin = blockOverhead + 2 + headerSizeV1

// damaged passes over the block at hand, whose frame makes no sense, to the next
// plausible one. It returns an error only where nothing more can be read.
func (r *Reader) damaged(typ uint32, what string) error {
	off := r.offset()
	if r.opts.Strict {
		return r.failure(off, typ, what, "read without --strict to pass over it", ErrCorrupt)
	}
	d := Damage{Offset: off, InStream: true, Reason: blockName(typ) + ": " + what}
	r.pos++
	for {
		at := r.find(0)
		if at >= 0 {
			r.pos += at
			break
		}
		// Keep what may be the beginning of a block.
		r.pos = max(r.pos, len(r.buf)-(maxLookahead-1))
		if !r.fill(len(r.buf) - r.pos + 1) {
			if r.gap == nil {
				r.pos = len(r.buf)
			}
			break
		}
	}
	d.Bytes = r.offset() - off
	d.Lost = d.Bytes
	r.addDamage(d)
	return nil
}

// maxLookahead is how much of a candidate must be at hand to judge it.
const maxLookahead = 8 + 6 + headerSize

// find returns the distance from r.pos+from to the next plausible block in the bytes
// at hand, counted from r.pos; -1 if there is none.
func (r *Reader) find(from int) int {
	b := r.buf[r.pos:]
	for i := from; i+maxLookahead <= len(b); i++ {
		if r.plausible(b[i:]) {
			return i
		}
	}
	// The last bytes of the file hold no long block, but perhaps a short one.
	if r.inErr != nil {
		for i := max(from, len(b)-maxLookahead+1); i+resyncMin <= len(b); i++ {
			if r.plausible(b[i:]) {
				return i
			}
		}
	}
	return -1
}

// plausible reports whether b begins with an event block or a section header
// whose lengths agree with each other.
func (r *Reader) plausible(b []byte) bool {
	order := r.order()
	typ, size := order.Uint32(b), order.Uint32(b[4:])
	if typ == blockSection {
		magic := binary.LittleEndian.Uint32(b[8:])
		return magic == byteOrderMagic || magic == 0x4D3C2B1A
	}
	layout, ok := eventBlockOf(typ)
	if !ok {
		// A list counts when all of it is there and its ends agree.
		_, known := blockNames[typ]
		return known && size%4 == 0 && size >= blockOverhead && uint64(size) <= uint64(len(b)) && order.Uint32(b[size-4:]) == size
	}
	if size%4 != 0 || size > maxBlock || size < uint32(blockOverhead+layout.prefix+layout.header) {
		return false
	}
	at := blockFrameHeader + layout.prefix
	if len(b) < at+layout.header {
		return false
	}
	inner := order.Uint32(b[at+16:])
	if inner < uint32(layout.header) || uint64(inner)+uint64(blockOverhead+layout.prefix) > uint64(size) {
		return false
	}
	if uint64(size) <= uint64(len(b)) {
		return order.Uint32(b[size-4:]) == size
	}
	return true
}

// afterGap goes on behind a place that the compression layer could not read.
func (r *Reader) afterGap() error {
	d := r.gap
	r.gap, r.plain = nil, !r.info.BigEndian
	if r.opts.Strict {
		return r.failure(d.Offset, 0, "compressed data: "+d.Reason, "read without --strict to pass over it", ErrCorrupt)
	}
	r.base += d.Lost
	r.addDamage(*d)
	if r.pos == len(r.buf) && !r.fill(resyncMin) {
		return nil
	}
	// Pieces of sysreel begin with a block; behind damage in other files the next
	// block may begin anywhere.
	if at := r.find(0); at >= 0 {
		r.pos += at
		return nil
	}
	return r.damaged(0, fmt.Sprintf("no block begins behind the damage (%s)", d.Reason))
}
