package scapfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// Compression is how the bytes of a capture are packed.
type Compression uint8

// Compressions. What is read is recognised by content, never by name.
const (
	CompressionAuto Compression = iota // writing: by name; reading: never reported
	CompressionNone
	CompressionGzip
	CompressionZstd
)

// String returns "none", "gzip" or "zstd".
func (c Compression) String() string {
	switch c {
	case CompressionNone:
		return "none"
	case CompressionGzip:
		return "gzip"
	case CompressionZstd:
		return "zstd"
	}
	return "auto"
}

const (
	inputBuffer = 128 << 10 // holds any gzip header with its extra field
	slabSize    = 256 << 10 // uncompressed bytes handed over at once by sequential inputs
	// headroom in front of a slab takes the part of a block that began in the
	// slab before, so that nearly every block is contiguous without a copy of
	// the whole slab.
	headroom = 8 << 10
)

// A slab is a run of uncompressed bytes, handed from the input to the reader as
// one unit.
type slab struct {
	buf  []byte  // headroom, then the bytes
	end  int64   // compressed bytes consumed up to the end of this slab
	gap  *Damage // what is missing between the slab before and this one
	meta *Meta   // set on slabs without bytes that carry metadata
	// first is the number of events of the section before this slab, if the
	// writer told it (numbered) in the reader's way of counting.
	first    uint64
	numbered bool
}

func (s *slab) data() []byte { return s.buf[headroom:] }

// room returns the space for up to n bytes, growing the slab when needed.
func (s *slab) room(n int) []byte {
	if cap(s.buf) < headroom+n {
		s.buf = make([]byte, headroom+n)
	}
	s.buf = s.buf[:headroom+n]
	return s.buf[headroom:]
}

// An input yields the uncompressed bytes of a capture as slabs.
type input interface {
	// next returns the next slab. The error is final: io.EOF at a clean end,
	// else a problem of the compression layer.
	next() (*slab, error)
	// release gives a slab back that next returned.
	release(*slab)
	// close stops the goroutines behind the input and waits for them.
	close()
}

// newInput recognises the compression of src and returns its input. base is the
// place of src's first byte in the file; stream says that reading may block.
func newInput(src io.Reader, base int64, stream bool) (input, Compression, error) {
	count := &countReader{r: src, n: base}
	br := bufio.NewReaderSize(count, inputBuffer)
	head, err := br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	switch {
	case len(head) == 0:
		return nil, 0, io.EOF
	case len(head) >= 2 && head[0] == 0x1F && head[1] == 0x8B:
		return startPipeline(newGzipSplitter(br, count), stream), CompressionGzip, nil
	case len(head) == 4 && isZstdMagic(binary.LittleEndian.Uint32(head)):
		return startPipeline(newZstdSplitter(br, base), stream), CompressionZstd, nil
	}
	return &plainInput{src: br, end: base}, CompressionNone, nil
}

// plainInput reads bytes as they are. It returns what one read yields, so that
// events of a live stream are not held back.
type plainInput struct {
	src  *bufio.Reader
	end  int64
	free *slab
	err  error
}

func (p *plainInput) next() (*slab, error) {
	if p.err != nil {
		return nil, p.err
	}
	s := p.free
	if s == nil {
		s = new(slab)
	}
	p.free = nil
	for range 100 {
		n, err := p.src.Read(s.room(slabSize))
		p.end += int64(n)
		p.err = err
		if n > 0 {
			s.buf = s.buf[:headroom+n]
			s.end = p.end
			return s, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, io.ErrNoProgress
}

func (p *plainInput) release(s *slab) { p.free = s }

func (p *plainInput) close() {}

// countReader counts what passes through it.
type countReader struct {
	r io.Reader
	n int64
}

func (c *countReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
