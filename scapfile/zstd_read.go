package scapfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"
)

const (
	zstdMagic     = 0xFD2FB528
	skippableLow  = 0x184D2A50 // sixteen magics from here on
	seekMagic     = 0x184D2A5E // skippable frame of the published seek table
	seekableMagic = 0x8F92EAB1 // at its end
	ownSkippable  = 0x184D2A5A // skippable frames of sysreel
	tagPiece      = "SRP1"     // first payload bytes of those: piece record
	tagMeta       = "SRM1"     // metadata
	skippableHead = 8          // magic and payload size

	// maxWholeFrame is the largest foreign frame that is decoded as one piece;
	// larger ones, and those that do not tell their size, are streamed.
	maxWholeFrame = 8 << 20
	zstdBlockMax  = 128 << 10
)

func isZstdMagic(m uint32) bool { return m == zstdMagic || m&^0xF == skippableLow }

// zstdSplitter cuts a zstd stream into frames.
type zstdSplitter struct {
	src    *bufio.Reader
	pos    int64
	next   *piece  // record of the frame that follows
	gap    *Damage // passed over, to be told with the next piece
	stream *zstd.Decoder
	count  *countReader
	cut    bool // the file ends within the frame taken last
	bad    int  // foreign frames that did not hold together, to bound the search
}

func newZstdSplitter(src *bufio.Reader, base int64) *zstdSplitter {
	return &zstdSplitter{src: src, pos: base}
}

func (z *zstdSplitter) end() int64 {
	if z.count != nil {
		return z.pos + z.count.n
	}
	return z.pos
}

func (z *zstdSplitter) split(j *job, idle func() bool) error {
	for {
		if z.stream != nil {
			j.ready = true
			j.slab.gap, z.gap = z.gap, nil
			return readSlab(z.stream, j.slab, idle, zstdError)
		}
		head, err := z.src.Peek(18)
		if len(head) == 0 {
			if err == io.EOF && z.gap != nil {
				return z.lastGap(j)
			}
			// What could be decoded of the last frame may be nothing at all, or
			// whole blocks: the end is no clean one.
			if err == io.EOF && z.cut {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		if len(head) < 4 || len(head) < skippableHead && head[0]&^0xF == skippableLow&0xFF {
			return io.ErrUnexpectedEOF
		}
		switch magic := binary.LittleEndian.Uint32(head); {
		case magic == zstdMagic:
			done, err := z.frame(j, head)
			if done || err != nil {
				return err
			}
		case magic&^0xF == skippableLow:
			done, err := z.skippable(j, magic, binary.LittleEndian.Uint32(head[4:]))
			if done || err != nil {
				return err
			}
		default:
			if err := z.resync("no zstd frame begins here"); err != nil {
				return err
			}
		}
	}
}

// lastGap tells damage that no further piece follows.
func (z *zstdSplitter) lastGap(j *job) error {
	j.slab.room(0)
	j.slab.gap, z.gap, j.ready = z.gap, nil, true
	return nil
}

// skippable handles a skippable frame; done means that j was filled.
func (z *zstdSplitter) skippable(j *job, magic, size uint32) (done bool, err error) {
	if magic != ownSkippable || size < 4 || size > 16<<20 {
		n, err := io.CopyN(io.Discard, z.src, skippableHead+int64(size))
		z.pos += n
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return false, err
	}
	start := z.pos
	j.comp, err = z.take(j.comp[:0], skippableHead+int(size))
	if err != nil {
		return false, err
	}
	body := j.comp[skippableHead:]
	switch string(body[:4]) {
	case tagPiece:
		p, ok := parsePiece(body[4:])
		if !ok {
			z.gap = joinDamage(z.gap, &Damage{Offset: start, Bytes: int64(len(j.comp)), Reason: "damaged frame record"})
			break
		}
		z.next = &p
	case tagMeta:
		if m := parseMeta(metaPayload(body)); m != nil {
			j.slab.room(0)
			j.slab.meta, j.slab.gap, z.gap, j.ready = m, z.gap, nil, true
			return true, nil
		}
	}
	return false, nil
}

// frame takes a data frame into j; done is false when it does not hold together
// and was passed over.
func (z *zstdSplitter) frame(j *job, head []byte) (done bool, err error) {
	j.off = z.pos
	if p := z.next; p != nil {
		z.next = nil
		j.piece, j.size = *p, int(p.size)
		j.slab.gap, z.gap = z.gap, nil
		j.comp, err = z.take(j.comp[:0], int(p.comp))
		if err == io.ErrUnexpectedEOF {
			j.partial, z.cut, err = true, true, nil
		}
		return true, err
	}
	var h zstd.Header
	if err := h.Decode(head); err != nil {
		if len(head) < 18 {
			return false, io.ErrUnexpectedEOF
		}
		return false, z.resync("damaged zstd frame header")
	}
	if !h.HasFCS || h.FrameContentSize > maxWholeFrame {
		z.count = &countReader{r: z.src}
		z.stream, err = zstd.NewReader(z.count, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		return false, err
	}
	j.size = int(h.FrameContentSize)
	j.comp, err = z.walk(j.comp[:0], h)
	switch {
	case err == io.ErrUnexpectedEOF:
		j.partial, z.cut = true, true
	case errors.Is(err, ErrCorrupt):
		// The bytes taken may hold the beginning of the next good frame.
		z.src = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(j.comp)), z.src), inputBuffer)
		z.pos -= int64(len(j.comp))
		return false, z.resync("damaged zstd frame")
	case err != nil:
		return false, err
	}
	j.slab.gap, z.gap = z.gap, nil
	return true, nil
}

// walk takes one frame by the sizes in its block headers.
func (z *zstdSplitter) walk(b []byte, h zstd.Header) ([]byte, error) {
	b, err := z.take(b, h.HeaderSize)
	limit := 2*int(h.FrameContentSize) + 64<<10
	for err == nil {
		if b, err = z.take(b, 3); err != nil {
			break
		}
		t := b[len(b)-3:]
		bh := uint32(t[0]) | uint32(t[1])<<8 | uint32(t[2])<<16
		size := int(bh >> 3)
		switch bh >> 1 & 3 {
		case 1:
			size = 1
		case 3:
			return b, ErrCorrupt
		}
		if size > zstdBlockMax || len(b)+size > limit {
			return b, ErrCorrupt
		}
		if b, err = z.take(b, size); err != nil {
			break
		}
		if bh&1 != 0 {
			if h.HasCheckSum {
				b, err = z.take(b, 4)
			}
			break
		}
	}
	return b, err
}

// take appends n bytes of the source to b. It grows b as the bytes arrive, not
// by what a length field promises.
func (z *zstdSplitter) take(b []byte, n int) ([]byte, error) {
	b, m, err := takeBytes(z.src, b, n)
	z.pos += int64(m)
	return b, err
}

func takeBytes(src io.Reader, b []byte, n int) (_ []byte, got int, err error) {
	for got < n {
		step := min(n-got, 1<<20)
		at := len(b)
		b = append(b, make([]byte, step)...)
		m, err := io.ReadFull(src, b[at:])
		got += m
		b = b[:at+m]
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return b, got, err
		}
	}
	return b, got, nil
}

// resync passes over bytes until something that looks like a frame.
func (z *zstdSplitter) resync(reason string) error {
	const maxBad = 1000
	if z.bad++; z.bad > maxBad {
		return &FormatError{Offset: -1, What: fmt.Sprintf("more than %d damaged places in the compressed data", maxBad), Err: ErrCorrupt}
	}
	d := &Damage{Offset: z.pos, Reason: reason}
	z.next = nil
	defer func() { z.gap = joinDamage(z.gap, d) }()
	skip := 1
	for {
		n, err := z.src.Discard(skip)
		z.pos += int64(n)
		d.Bytes += int64(n)
		if err != nil {
			return nil // the end of the file: split meets it next
		}
		b, _ := z.src.Peek(z.src.Size())
		if len(b) < 4 {
			skip = max(len(b), 1)
			continue
		}
		skip = findFrame(b)
		if skip < 0 {
			skip = len(b) - 3
			continue
		}
		n, _ = z.src.Discard(skip)
		z.pos += int64(n)
		d.Bytes += int64(n)
		return nil
	}
}

// findFrame returns the place of the first zstd magic or frame record in b, -1
// if there is none.
func findFrame(b []byte) int {
	for i := 0; i+4 <= len(b); i++ {
		switch binary.LittleEndian.Uint32(b[i:]) {
		case zstdMagic:
			return i
		case ownSkippable:
			if i+12 > len(b) || string(b[i+8:i+12]) == tagPiece || string(b[i+8:i+12]) == tagMeta {
				return i
			}
		}
	}
	return -1
}

func (z *zstdSplitter) decoder() func(j *job) error {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPiece),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return func(*job) error { return err }
	}
	return func(j *job) error {
		b := j.slab.room(j.size)
		if j.partial {
			return decodePartial(j, bytes.NewReader(j.comp))
		}
		out, err := dec.DecodeAll(j.comp, b[:0])
		if err != nil {
			return fmt.Errorf("zstd frame does not decode: %w", zstdError(err))
		}
		if len(out) != j.size {
			return fmt.Errorf("zstd frame decodes to %d bytes instead of %d", len(out), j.size)
		}
		return nil
	}
}

// decodePartial decodes what is left of a frame that the file cuts short.
func decodePartial(j *job, src io.Reader) error {
	dec, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPiece))
	if err != nil {
		return err
	}
	defer dec.Close()
	n, _ := io.ReadFull(dec, j.slab.room(j.size))
	j.slab.room(n)
	return nil
}

// zstdError maps the decoder's errors to those that the reader branches on.
func zstdError(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// readSlab fills s from a stream decoder: as much as fits, or what has come when
// the reader waits.
func readSlab(src io.Reader, s *slab, idle func() bool, mapErr func(error) error) error {
	b := s.room(slabSize)
	n := 0
	var err error
	for n < len(b) && err == nil && (n == 0 || !idle()) {
		var m int
		m, err = src.Read(b[n:])
		n += m
	}
	if n == 0 {
		return mapErr(err)
	}
	// An error comes again with the next read.
	s.buf = s.buf[:headroom+n]
	return nil
}

// metaPayload returns the JSON in the body of a metadata frame: the tag stands
// in front, the size of the whole frame and the tag again behind, so that it
// can be found from the end of the file.
func metaPayload(body []byte) []byte {
	if len(body) < 12 {
		return nil
	}
	return body[4 : len(body)-8]
}

// appendMetaBody is the reverse of metaPayload. total is the size of what stands
// around the JSON, this body included.
func appendMetaBody(b []byte, m *Meta, around int) []byte {
	js := m.encode()
	b = append(b, tagMeta...)
	b = append(b, js...)
	b = binary.LittleEndian.AppendUint32(b, uint32(min(len(js)+around, math.MaxUint32)))
	return append(b, tagMeta...)
}
