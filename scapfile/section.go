package scapfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// section reads a section header, which is at hand, and the lists behind it up
// to the first event. All state of the section before is forgotten.
func (r *Reader) section() error {
	if !r.fill(sectionSize) {
		if r.info.Sections == 0 && r.gap == nil {
			return r.failure(0, blockSection, "file ends in the middle of the section header", "record it again", ErrTruncated)
		}
		return r.end(blockSection, sectionSize)
	}
	b := r.buf[r.pos:]
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.LittleEndian.Uint32(b[8:]) {
	case byteOrderMagic:
	case 0x4D3C2B1A:
		order = binary.BigEndian
	default:
		return r.badSection(fmt.Sprintf("unknown byte order mark % x", b[8:12]), ErrCorrupt)
	}
	size := order.Uint32(b[4:])
	major, minor := order.Uint16(b[12:]), order.Uint16(b[14:])
	if major > majorVersion {
		return r.badSection(fmt.Sprintf("format version %d.%d", major, minor), ErrUnsupportedVersion)
	}
	if size < sectionSize || size%4 != 0 || size > 1<<20 {
		return r.badSection(fmt.Sprintf("length %d is impossible", size), ErrCorrupt)
	}
	if !r.fill(int(size)) {
		return r.end(blockSection, int(size))
	}
	b = r.buf[r.pos : r.pos+int(size)]
	if order.Uint32(b[size-4:]) != size {
		return r.badSection("the lengths at its two ends differ", ErrCorrupt)
	}
	r.info.BigEndian = order == binary.ByteOrder(binary.BigEndian)
	r.plain = !r.info.BigEndian && r.gap == nil
	r.info.Major, r.info.Minor = major, minor
	r.info.Comment = sectionComment(b[24:size-4], order)
	r.ev.Section = uint32(r.info.Sections)
	r.info.Sections++
	r.sectNum = r.num
	r.pos += int(size)
	r.snap = newSnapshotReader(r.info.BigEndian)
	r.conv.reset()
	return r.lists()
}

// badSection refuses the file for its first section, and looks for the next
// block behind a later one.
func (r *Reader) badSection(what string, err error) error {
	if r.info.Sections > 0 && err == ErrCorrupt {
		return r.damaged(blockSection, what)
	}
	remedy := "the file is damaged at its very beginning"
	if err == ErrUnsupportedVersion {
		remedy = "this version reads up to 1.x; upgrade sysreel"
	}
	return r.failure(r.offset(), blockSection, what, remedy, err)
}

// sectionComment returns the comment among the options of a section header.
func sectionComment(b []byte, order binary.ByteOrder) string {
	for len(b) >= 4 {
		code, n := order.Uint16(b), int(order.Uint16(b[2:]))
		padded := (n + 3) &^ 3
		if code == 0 || 4+n > len(b) {
			break
		}
		if code == 1 {
			return string(b[4 : 4+n])
		}
		b = b[min(4+padded, len(b)):]
	}
	return ""
}

// lists reads the blocks up to the first event or the end of the file.
func (r *Reader) lists() error {
	for {
		if !r.fill(blockFrameHeader) {
			return nil // Next says why
		}
		order := r.order()
		typ, size := order.Uint32(r.buf[r.pos:]), order.Uint32(r.buf[r.pos+4:])
		if _, isEvent := eventBlockOf(typ); isEvent || typ == blockSection {
			return nil
		}
		if size < blockOverhead || size%4 != 0 || size > maxBlock {
			if err := r.damaged(typ, fmt.Sprintf("length %d is impossible", size)); err != nil {
				return err
			}
			continue
		}
		if !r.fill(int(size)) {
			return nil
		}
		b := r.buf[r.pos : r.pos+int(size)]
		if order.Uint32(b[size-4:]) != size {
			if n := r.miscounted(typ); n > 0 {
				r.pos += n
				continue
			}
			if err := r.damaged(typ, "the lengths at its two ends differ"); err != nil {
				return err
			}
			continue
		}
		off := r.offset()
		r.pos += int(size)
		if typ == blockMeta && bytes.HasPrefix(b[8:], []byte(tagMeta)) {
			if m := parseMeta(plainMeta(b[8 : size-4])); m != nil {
				r.meta = m
			}
			continue
		}
		if err := r.snap.block(typ, b[8:size-4]); err != nil {
			if r.opts.Strict {
				return r.failure(off, typ, err.Error(), "read without --strict to pass over it", ErrCorrupt)
			}
			r.addDamage(Damage{Offset: off, InStream: true, Bytes: int64(size), Reason: blockName(typ) + ": " + err.Error()})
		}
	}
}

// miscounted recovers an interface list that an old library wrote from a version
// 1 list: header and trailer are too small by four bytes for each entry, while the
// entries are complete. It parses entries past the declared end until the
// trailer stands behind them, and returns the block's true size, 0 if that
// is not what is wrong.
func (r *Reader) miscounted(typ uint32) int {
	if typ != blockIface {
		return 0
	}
	const maxEntry = 4 + 60 + maxName
	size := int(r.order().Uint32(r.buf[r.pos+4:]))
	r.fill(size + size/4 + maxEntry) // as much as there is
	all := r.buf[r.pos:]
	c := cursor{b: all[blockFrameHeader:], big: r.info.BigEndian}
	for n := 1; c.has(4); n++ {
		if _, err := entry(&c, 4); err != nil {
			return 0
		}
		end := len(all) - len(c.b)
		padded := (end + 3) &^ 3
		if padded+4 > len(all) || end > size+4*n {
			return 0
		}
		if end >= size-4 && int(r.order().Uint32(all[padded:])) == size {
			if r.snap.block(typ, all[blockFrameHeader:end]) != nil {
				return 0
			}
			return padded + 4
		}
	}
	return 0
}
