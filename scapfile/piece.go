package scapfile

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A piece is one independently compressed part of a capture that sysreel wrote:
// a zstd frame or a gzip member. It carries this record about itself in a place
// that every other tool skips (a skippable frame in front of the zstd frame, an
// extra field of the gzip member), so that a reader can enter the file at any
// piece, read pieces in parallel, and tell how much a damaged piece held.
//
//	off  0  u32 compressed size: of the zstd frame that follows, or of the whole gzip member
//	off  4  u32 uncompressed size
//	off  8  u64 events of the section in the pieces before
//	off 16  u64 timestamp of the first event, 0 when there is none
//	off 24  u32 events that begin in the piece
//	off 28  u32 flags
//	off 32  u32 CRC-32 (IEEE) of the 32 bytes before
type piece struct {
	comp, size uint32
	first      uint64
	ts         uint64
	events     uint32
	flags      uint32
}

const (
	pieceSize = 36
	// pieceCurrent: every event up to the end of the piece is in the current
	// model, so the reader's numbers equal the counts recorded here.
	pieceCurrent = 1 << 0
	// pieceSection: the piece begins with a section header.
	pieceSection = 1 << 1
	// pieceHeadless, in memory only, leaves the record away.
	pieceHeadless = 1 << 31
)

// maxPiece bounds what one piece may ask for, whatever its header says.
const maxPiece = 80 << 20

func (p *piece) append(b []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, p.comp)
	b = binary.LittleEndian.AppendUint32(b, p.size)
	b = binary.LittleEndian.AppendUint64(b, p.first)
	b = binary.LittleEndian.AppendUint64(b, p.ts)
	b = binary.LittleEndian.AppendUint32(b, p.events)
	b = binary.LittleEndian.AppendUint32(b, p.flags)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}

// parsePiece reads a record; ok is false when it is damaged or unreasonable.
func parsePiece(b []byte) (p piece, ok bool) {
	if len(b) < pieceSize || crc32.ChecksumIEEE(b[:32]) != binary.LittleEndian.Uint32(b[32:]) {
		return piece{}, false
	}
	p = piece{
		comp:   binary.LittleEndian.Uint32(b),
		size:   binary.LittleEndian.Uint32(b[4:]),
		first:  binary.LittleEndian.Uint64(b[8:]),
		ts:     binary.LittleEndian.Uint64(b[16:]),
		events: binary.LittleEndian.Uint32(b[24:]),
		flags:  binary.LittleEndian.Uint32(b[28:]),
	}
	return p, p.comp <= maxPiece && p.size <= maxPiece
}

// checkGzipTrailer compares the CRC and size at the end of a gzip member with
// its content.
func checkGzipTrailer(trailer, content []byte) error {
	if len(trailer) < 8 {
		return errors.New("gzip member ends early")
	}
	if binary.LittleEndian.Uint32(trailer) != crc32.ChecksumIEEE(content) ||
		binary.LittleEndian.Uint32(trailer[4:]) != uint32(len(content)) {
		return errors.New("checksum of gzip member does not match")
	}
	return nil
}
