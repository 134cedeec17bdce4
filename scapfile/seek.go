package scapfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	"github.com/klauspost/compress/zstd"
)

// place is where the reader can enter a capture.
type place struct {
	off     int64 // in the file
	start   int64 // in the uncompressed stream
	num     uint64
	ts      uint64
	events  uint32
	section int
}

// fileIndex lists the pieces of a capture that sysreel wrote.
type fileIndex struct {
	places   []place // pieces with events, in file order
	sections []int64 // offsets of the section headers' pieces
}

// SeekEvent makes the following Next return event num, counted as in the whole
// capture; io.EOF when there are fewer. In a file that sysreel compressed it reads
// only the piece with the event; other files are read up to there. The error is
// ErrNoSeek where that would mean to go back in a stream.
func (r *Reader) SeekEvent(num uint64) error {
	if num == 0 {
		num = 1
	}
	return r.seek(func(p *place) bool { return p.num > num }, func(e *Event) bool { return e.Num >= num }, num <= r.num)
}

// SeekTime makes the following Next return the first event at or after ts,
// nanoseconds since the epoch. Pieces are taken to be in the order of their first
// events, which holds but for the few microseconds by which CPUs overtake each other.
func (r *Reader) SeekTime(ts uint64) error {
	return r.seek(func(p *place) bool { return p.ts > ts }, func(e *Event) bool { return e.TS >= ts },
		r.num > 0 && r.ev.TS >= ts)
}

// seek enters the last piece that is not after the target and reads on to it.
func (r *Reader) seek(after func(*place) bool, reached func(*Event) bool, back bool) error {
	if r.err != nil && (r.at == nil || errors.Is(r.err, os.ErrClosed)) {
		return r.err
	}
	if ix := r.fileIndex(); ix != nil {
		i := sort.Search(len(ix.places), func(i int) bool { return after(&ix.places[i]) }) - 1
		if i < 0 {
			i = 0
		}
		if p := &ix.places[i]; back || p.num > r.num+1 || p.section != int(r.ev.Section) {
			if err := r.enter(ix, p); err != nil {
				return err
			}
		}
	} else if back {
		if r.at == nil {
			return fmt.Errorf("seeking in %s: %w: it is a stream", r.name(), ErrNoSeek)
		}
		if err := r.rewind(0); err != nil {
			return err
		}
	}
	for {
		e, err := r.Next()
		if err != nil {
			r.err = err
			if err == io.EOF {
				return nil // the following Next says so
			}
			return err
		}
		if reached(e) {
			r.again = true
			return nil
		}
	}
}

// rewind starts over at the section header at off.
func (r *Reader) rewind(off int64) error {
	if err := r.restart(off); err != nil {
		return err
	}
	r.info.Sections, r.num, r.base, r.damage = 0, 0, 0, nil
	r.ev = Event{}
	return r.start()
}

// restart replaces the input by one that begins at off.
func (r *Reader) restart(off int64) error {
	r.in.close()
	in, _, err := newInput(io.NewSectionReader(r.at, off, r.info.Size-off), off, false)
	if err != nil {
		return fmt.Errorf("reading %s: %w", r.name(), err)
	}
	r.in, r.cur, r.buf, r.pos = in, nil, nil, 0
	r.inErr, r.gap, r.err, r.again = nil, nil, nil, false
	r.plain = !r.info.BigEndian
	r.conv.reset()
	return nil
}

// enter continues at p. The lists of another section are read first.
func (r *Reader) enter(ix *fileIndex, p *place) error {
	if p.section != int(r.ev.Section) {
		if err := r.rewind(ix.sections[p.section]); err != nil {
			return err
		}
		r.info.Sections = p.section + 1
		r.ev.Section = uint32(p.section)
	}
	if err := r.restart(p.off); err != nil {
		return err
	}
	r.num, r.base = p.num-1, p.start
	return nil
}

// fileIndex returns the index of the file, nil when it has no pieces that can be
// entered. It is built at the first use from the records in front of the pieces.
func (r *Reader) fileIndex() *fileIndex {
	if !r.indexed {
		r.indexed = true
		if r.at != nil && r.info.Compression != CompressionNone {
			if ix := buildIndex(r.at, r.info.Size, r.info.Compression, r.opts.Raw); len(ix.places) > 0 {
				r.index = ix
			}
		}
	}
	return r.index
}

// Indexed reports whether the capture can be entered at any event without reading
// what precedes it.
func (r *Reader) Indexed() bool { return r.fileIndex() != nil }

// hop is what stands at a place of a compressed file.
type hop struct {
	size  int64 // compressed, record included
	raw   int64 // uncompressed
	piece piece
	has   bool // piece is set
	head  bool // begins a section
}

// buildIndex hops from piece to piece. It stops where it does not know how to go
// on: at damage, and at the first piece whose events need conversion, which changes
// the numbers.
func buildIndex(at io.ReaderAt, size int64, comp Compression, raw bool) *fileIndex {
	look := hopZstd
	if comp == CompressionGzip {
		look = hopGzip
	}
	ix := new(fileIndex)
	var off, start int64
	num := uint64(1)
	for off < size {
		h, ok := look(at, off)
		if !ok || h.size <= 0 || off+h.size > size {
			break
		}
		if h.head || h.piece.flags&pieceSection != 0 {
			ix.sections = append(ix.sections, off)
		}
		if h.has && h.piece.events > 0 {
			if h.piece.flags&pieceCurrent == 0 && !raw {
				return new(fileIndex)
			}
			if len(ix.sections) == 0 {
				break
			}
			ix.places = append(ix.places, place{off, start, num, h.piece.ts, h.piece.events, len(ix.sections) - 1})
			num += uint64(h.piece.events)
		}
		off += h.size
		start += h.raw
	}
	return ix
}

func hopZstd(at io.ReaderAt, off int64) (h hop, ok bool) {
	const recordFrame = skippableHead + len(tagPiece) + pieceSize
	b := make([]byte, recordFrame)
	n, _ := at.ReadAt(b, off)
	b = b[:n]
	if n < skippableHead {
		return h, false
	}
	magic := binary.LittleEndian.Uint32(b)
	if magic == zstdMagic {
		return hopFrame(at, off, b)
	}
	if magic&^0xF != skippableLow {
		return h, false
	}
	h.size = skippableHead + int64(binary.LittleEndian.Uint32(b[4:]))
	if magic == ownSkippable && n == recordFrame && h.size == int64(recordFrame) && string(b[8:12]) == tagPiece {
		if h.piece, h.has = parsePiece(b[12:]); !h.has {
			return h, false
		}
		h.size += int64(h.piece.comp)
		h.raw = int64(h.piece.size)
	}
	return h, true
}

// hopFrame finds the end of a zstd frame without a record: the first of a section.
func hopFrame(at io.ReaderAt, off int64, b []byte) (h hop, ok bool) {
	var zh zstd.Header
	if zh.Decode(b) != nil || !zh.HasFCS || zh.FrameContentSize > maxWholeFrame {
		return h, false
	}
	h.head, h.raw, h.size = true, int64(zh.FrameContentSize), int64(zh.HeaderSize)
	for blocks := 0; blocks <= maxWholeFrame/1024; blocks++ {
		var t [3]byte
		if n, _ := at.ReadAt(t[:], off+h.size); n < 3 {
			return h, false
		}
		bh := uint32(t[0]) | uint32(t[1])<<8 | uint32(t[2])<<16
		size := int64(bh >> 3)
		if bh>>1&3 == 1 {
			size = 1
		}
		h.size += 3 + size
		if bh&1 != 0 {
			if zh.HasCheckSum {
				h.size += 4
			}
			return h, true
		}
	}
	return h, false
}

func hopGzip(at io.ReaderAt, off int64) (h hop, ok bool) {
	b := make([]byte, gzipPieceHdr)
	n, _ := at.ReadAt(b, off)
	b = b[:n]
	if h.piece, h.has = parseGzipPiece(b); h.has {
		h.size, h.raw = int64(h.piece.comp), int64(h.piece.size)
		return h, true
	}
	if n >= gzipHead+2+gzipSubHead && string(b[:4]) == "\x1F\x8B\x08\x04" && b[12] == 'S' && b[13] == 'M' {
		h.size = gzipHead + 2 + int64(binary.LittleEndian.Uint16(b[10:])) + int64(len(emptyDeflate))
		return h, true
	}
	return h, false
}

// finalMeta reads the metadata that a complete file has at its end, nil if there is none.
func finalMeta(at io.ReaderAt, size int64, comp Compression) *Meta {
	const seekFooter = 9
	end := size
	switch comp {
	case CompressionGzip:
		end -= int64(len(emptyDeflate))
	case CompressionZstd:
		var f [seekFooter]byte
		if n, _ := at.ReadAt(f[:], size-seekFooter); size < seekFooter || n < seekFooter || binary.LittleEndian.Uint32(f[5:]) != seekableMagic {
			return nil
		}
		entry := int64(8)
		if f[4]&0x80 != 0 {
			entry = 12
		}
		end -= skippableHead + entry*int64(binary.LittleEndian.Uint32(f[:])) + seekFooter
	default:
		return nil
	}
	// From here both end with the size of the record and its tag.
	var tail [8]byte
	if n, _ := at.ReadAt(tail[:], end-8); end < 8 || n < 8 || string(tail[4:]) != tagMeta {
		return nil
	}
	whole := int64(binary.LittleEndian.Uint32(tail[:]))
	head := int64(skippableHead)
	if comp == CompressionGzip {
		head = gzipHead + 2 + gzipSubHead
		whole -= int64(len(emptyDeflate))
	}
	if whole > 16<<20 || whole < head+12 || whole > end {
		return nil
	}
	b := make([]byte, whole-head)
	if n, _ := at.ReadAt(b, end-whole+head); n < len(b) || string(b[:4]) != tagMeta {
		return nil
	}
	return parseMeta(metaPayload(b))
}
