package scapfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// A gzip member of ours: the fixed header with FEXTRA, then the extra field.
//
//	1F 8B 08 04  mtime[4]  xfl  os  xlen[2]  'S' 'R' len[2] record
//
// The subfield is 'S' 'R' for a piece record, 'S' 'M' for metadata in an empty member.
const (
	gzipHead     = 10
	gzipSubHead  = 4
	gzipPieceHdr = gzipHead + 2 + gzipSubHead + pieceSize
)

// gzipSplitter cuts a gzip stream into members when they carry piece records,
// and decompresses it sequentially from the first that does not.
type gzipSplitter struct {
	src    *bufio.Reader
	count  *countReader // under src
	gap    *Damage
	stream *gzip.Reader
	bad    int
	cut    bool // the file ends within the member taken last
	own    bool // a piece record was met: the file is ours
}

// newGzipSplitter reads from src, whose bytes count has counted.
func newGzipSplitter(src *bufio.Reader, count *countReader) *gzipSplitter {
	return &gzipSplitter{src: src, count: count}
}

func (g *gzipSplitter) end() int64 { return g.count.n - int64(g.src.Buffered()) }

func (g *gzipSplitter) split(j *job, idle func() bool) error {
	for {
		if g.stream != nil {
			j.ready = true
			j.slab.gap, g.gap = g.gap, nil
			return readSlab(g.stream, j.slab, idle, gzipError)
		}
		head, err := g.src.Peek(gzipPieceHdr)
		if len(head) == 0 {
			if err == io.EOF && g.gap != nil {
				j.slab.room(0)
				j.slab.gap, g.gap, j.ready = g.gap, nil, true
				return nil
			}
			// As for zstd: what could be decoded of it may be nothing at all.
			if err == io.EOF && g.cut {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		if p, ok := parseGzipPiece(head); ok {
			g.own = true
			return g.member(j, p)
		}
		if m, n := g.peekMeta(head); n > 0 {
			g.own = true
			if _, err := g.src.Discard(n); err != nil {
				return io.ErrUnexpectedEOF
			}
			if m == nil {
				continue
			}
			j.slab.room(0)
			j.slab.meta, j.slab.gap, g.gap, j.ready = m, g.gap, nil, true
			return nil
		}
		if g.own {
			if len(head) < gzipPieceHdr && bytes.HasPrefix(head, []byte{0x1F}) {
				return io.ErrUnexpectedEOF
			}
			if err := g.resync(); err != nil {
				return err
			}
			continue
		}
		if len(head) < 3 || head[0] != 0x1F || head[1] != 0x8B {
			// zlib ignores what follows a complete member; so do the tools built on it.
			return io.EOF
		}
		g.stream, err = gzip.NewReader(g.src)
		if err != nil {
			return gzipError(err)
		}
	}
}

func (g *gzipSplitter) member(j *job, p piece) error {
	j.off, j.piece, j.size = g.end(), p, int(p.size)
	j.slab.gap, g.gap = g.gap, nil
	var err error
	j.comp, _, err = takeBytes(g.src, j.comp[:0], int(p.comp))
	if err == io.ErrUnexpectedEOF {
		j.partial, g.cut, err = true, true, nil
	}
	return err
}

// resync passes over bytes until the next member of ours.
func (g *gzipSplitter) resync() error {
	const maxBad = 1000
	if g.bad++; g.bad > maxBad {
		return &FormatError{Offset: -1, What: fmt.Sprintf("more than %d damaged places in the compressed data", maxBad), Err: ErrCorrupt}
	}
	d := &Damage{Offset: g.end(), Reason: "no gzip member begins here"}
	defer func() { g.gap = joinDamage(g.gap, d) }()
	skip := 1
	for {
		n, err := g.src.Discard(skip)
		d.Bytes += int64(n)
		if err != nil {
			return nil
		}
		b, _ := g.src.Peek(g.src.Size())
		for skip = 0; ; skip++ {
			i := bytes.Index(b[skip:], []byte{0x1F, 0x8B, 8, 4})
			if i < 0 {
				skip = max(len(b)-3, 1)
				break
			}
			skip += i
			rest := b[skip:]
			if len(rest) < gzipPieceHdr && skip > 0 {
				break // look again with more bytes
			}
			_, ok := parseGzipPiece(rest)
			if ok || len(rest) >= 14 && rest[12] == 'S' && rest[13] == 'M' {
				n, _ := g.src.Discard(skip)
				d.Bytes += int64(n)
				return nil
			}
		}
	}
}

// parseGzipPiece reads the piece record of a member from its header.
func parseGzipPiece(b []byte) (piece, bool) {
	if len(b) < gzipPieceHdr || string(b[:4]) != "\x1F\x8B\x08\x04" || b[12] != 'S' || b[13] != 'R' ||
		binary.LittleEndian.Uint16(b[10:]) != gzipSubHead+pieceSize {
		return piece{}, false
	}
	p, ok := parsePiece(b[gzipHead+2+gzipSubHead:])
	return p, ok && p.comp > gzipPieceHdr+8
}

// emptyDeflate is the body of a member without content: an empty final block,
// CRC and size 0.
const emptyDeflate = "\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// peekMeta returns the metadata in the empty member at hand and the member's
// size, 0 when it is something else.
func (g *gzipSplitter) peekMeta(head []byte) (*Meta, int) {
	if len(head) < gzipHead+6 || string(head[:4]) != "\x1F\x8B\x08\x04" || head[12] != 'S' || head[13] != 'M' {
		return nil, 0
	}
	n := gzipHead + 2 + int(binary.LittleEndian.Uint16(head[10:]))
	if n < gzipHead+2+gzipSubHead {
		return nil, 0
	}
	b, _ := g.src.Peek(n)
	if len(b) < n {
		return nil, n + len(emptyDeflate) // cut short
	}
	return parseMeta(metaPayload(b[gzipHead+2+gzipSubHead:])), n + len(emptyDeflate)
}

func (g *gzipSplitter) decoder() func(j *job) error {
	var src bytes.Reader
	zr := flate.NewReader(&src)
	return func(j *job) error {
		body := j.comp
		if len(body) < gzipPieceHdr {
			j.slab.room(0)
			return nil // a header that the file cuts short
		}
		body = body[gzipPieceHdr:]
		src.Reset(body)
		if err := zr.(flate.Resetter).Reset(&src, nil); err != nil {
			return err
		}
		out := j.slab.room(j.size)
		n, err := io.ReadFull(zr, out)
		if j.partial {
			j.slab.room(n)
			return nil
		}
		if err == nil {
			var one [1]byte
			if k, err := zr.Read(one[:]); k != 0 || err != io.EOF {
				return errors.New("gzip member holds more than its record says")
			}
		}
		if err != nil {
			return fmt.Errorf("gzip member does not decode: %w", err)
		}
		return checkGzipTrailer(body[len(body)-src.Len():], out)
	}
}

func gzipError(err error) error {
	switch err {
	case io.EOF, io.ErrUnexpectedEOF:
		return err
	case gzip.ErrChecksum:
		return fmt.Errorf("%w: the checksum at the end of the gzip data does not match", ErrCorrupt)
	case gzip.ErrHeader:
		return fmt.Errorf("%w: damaged gzip header", ErrCorrupt)
	}
	return fmt.Errorf("%w: damaged gzip data: %w", ErrCorrupt, err)
}
