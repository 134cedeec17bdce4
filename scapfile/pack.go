package scapfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// A packer turns uncompressed blocks into pieces of the file. Each worker of a
// Writer has its own.
type packer interface {
	// pack appends the piece made of raw, with its record, to dst.
	pack(dst, raw []byte, p piece) ([]byte, error)
	// meta appends m in the form that other tools skip.
	meta(dst []byte, m *Meta) []byte
}

// zstdPacker writes a skippable frame with the record in front of each zstd frame.
// The very first frame has none, because the file must begin with zstd's own
// magic to be recognised.
type zstdPacker struct{ enc *zstd.Encoder }

func newZstdPacker(level int) (*zstdPacker, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true),
		// Single segments always tell their size, which makes them pieces.
		zstd.WithSingleSegment(true))
	if err != nil {
		return nil, fmt.Errorf("zstd level %d: %w", level, err)
	}
	return &zstdPacker{enc}, nil
}

func (z *zstdPacker) pack(dst, raw []byte, p piece) ([]byte, error) {
	if p.flags&pieceHeadless != 0 {
		return z.enc.EncodeAll(raw, dst), nil
	}
	dst = binary.LittleEndian.AppendUint32(dst, ownSkippable)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(tagPiece)+pieceSize))
	dst = append(dst, tagPiece...)
	record := len(dst)
	dst = append(dst, make([]byte, pieceSize)...)
	body := len(dst)
	dst = z.enc.EncodeAll(raw, dst)
	p.comp, p.size = uint32(len(dst)-body), uint32(len(raw))
	p.append(dst[:record])
	return dst, nil
}

func (z *zstdPacker) meta(dst []byte, m *Meta) []byte {
	const around = skippableHead + 4 + 8
	dst = binary.LittleEndian.AppendUint32(dst, ownSkippable)
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendMetaBody(dst, m, around)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// gzipPacker writes gzip members that carry their sizes in an extra field.
type gzipPacker struct {
	fw  *flate.Writer
	out bytes.Buffer
}

func newGzipPacker(level int) (*gzipPacker, error) {
	g := new(gzipPacker)
	var err error
	if g.fw, err = flate.NewWriter(&g.out, level); err != nil {
		return nil, fmt.Errorf("gzip level %d: %w", level, err)
	}
	return g, nil
}

// gzipHeader appends a member header whose extra field holds one subfield of n bytes.
func gzipHeader(dst []byte, kind byte, n int) []byte {
	const osUnix = 3
	dst = append(dst, 0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, osUnix)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(gzipSubHead+n))
	dst = append(dst, 'S', kind)
	return binary.LittleEndian.AppendUint16(dst, uint16(n))
}

func (g *gzipPacker) pack(dst, raw []byte, p piece) ([]byte, error) {
	g.out.Reset()
	g.fw.Reset(&g.out)
	if _, err := g.fw.Write(raw); err != nil {
		return dst, err
	}
	if err := g.fw.Close(); err != nil {
		return dst, err
	}
	p.comp, p.size = uint32(gzipPieceHdr+g.out.Len()+8), uint32(len(raw))
	p.flags &^= pieceHeadless
	dst = gzipHeader(dst, 'R', pieceSize)
	dst = p.append(dst)
	dst = append(dst, g.out.Bytes()...)
	dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(raw))
	return binary.LittleEndian.AppendUint32(dst, uint32(len(raw))), nil
}

func (g *gzipPacker) meta(dst []byte, m *Meta) []byte {
	const around = gzipHead + 2 + gzipSubHead + 4 + 8 + len(emptyDeflate)
	body := appendMetaBody(nil, m, around)
	if len(body) > 0xFFFF-gzipSubHead {
		body = appendMetaBody(nil, m.short(), around)
	}
	dst = gzipHeader(dst, 'M', len(body))
	dst = append(dst, body...)
	return append(dst, emptyDeflate...)
}

// plainPacker leaves the bytes as they are.
type plainPacker struct{}

func (plainPacker) pack(dst, raw []byte, _ piece) ([]byte, error) { return append(dst, raw...), nil }

// plainMetaRoom is kept free in the metadata block of plain files for the final
// record, which is written over the first one.
const plainMetaRoom = 4 << 10

func (plainPacker) meta(dst []byte, m *Meta) []byte {
	js := m.encode()
	dst, start := beginBlock(dst, blockMeta)
	dst = append(dst, tagMeta...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(js)))
	dst = append(dst, js...)
	dst = append(dst, make([]byte, plainMetaRoom)...)
	return endBlock(dst, start)
}
