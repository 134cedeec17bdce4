package scapfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// ReaderOptions adjust a Reader. The zero value is right for everything but
// debugging the format.
type ReaderOptions struct {
	// Raw delivers the events as they stand in the file, without converting old
	// ones to the current model; events of unknown types too.
	Raw bool
	// Strict makes the first damage final instead of reading past it.
	Strict bool
	// Path names the input in errors; Open sets it.
	Path string
	// Size is the compressed size for Pos, 0 if unknown; Open sets it.
	Size int64
}

// FileInfo describes a capture as a file.
type FileInfo struct {
	Path        string
	Size        int64 // compressed bytes, -1 unknown (a stream)
	Compression Compression
	BigEndian   bool
	Major       uint16 // format version of the current section
	Minor       uint16
	Sections    int    // sections seen so far
	Comment     string // comment option of the section header
}

// Reader reads a capture. It implements Source. A Reader is used by one
// goroutine; only Pos may be called from others.
type Reader struct {
	opts ReaderOptions
	info FileInfo
	file *os.File    // closed by Close; nil for streams
	at   io.ReaderAt // the whole file, nil for streams

	in      input
	cur     *slab
	buf     []byte // bytes in hand
	pos     int    // place in buf
	base    int64  // place of buf[0] in the uncompressed stream
	inErr   error  // final error of the input
	gap     *Damage
	done    atomic.Int64 // compressed bytes consumed
	ev      Event
	num     uint64 // events delivered
	raws    uint64 // event blocks met
	conv    *converter
	plain   bool   // little-endian, nothing to be told about a gap: Next may be quick
	flip    []byte // scratch for big-endian events
	snap    *snapshotReader
	meta    *Meta
	damage  []Damage
	unknown uint64 // events of unknown types passed over
	err     error  // sticky
	again   bool   // Next returns the event in ev once more
	indexed bool   // index was looked for
	index   *fileIndex
	sectNum uint64 // events before the current section
	pieces  int    // slabs taken from the input
}

// maxDamage is how many damaged places are told one by one; the last stands
// for all further ones.
const maxDamage = 100

// Open opens the capture at path, "-" for the standard input. The content
// decides how it is compressed. The error is an os error, or a *FormatError
// wrapping ErrNotCapture or ErrUnsupportedVersion.
func Open(path string) (*Reader, error) { return OpenWith(path, ReaderOptions{}) }

// OpenWith is Open with options.
func OpenWith(path string, opts ReaderOptions) (*Reader, error) {
	opts.Path = path
	if path == "-" {
		return NewReader(os.Stdin, opts)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if st.IsDir() {
		f.Close()
		return nil, &FormatError{Path: path, Offset: -1, What: "is a directory", Remedy: "name a capture file", Err: ErrNotCapture}
	}
	if st.Mode().IsRegular() {
		opts.Size = st.Size()
	}
	r, err := NewReader(f, opts)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.file = f
	return r, nil
}

// NewReader reads a capture from src up to its first event. It reads ahead of
// what it delivers. Events of a stream that is still being written are
// delivered as soon as they arrive. When src is an io.ReaderAt too and opts.Size
// is known, the capture can be entered in the middle; src stands at its
// beginning then.
func NewReader(src io.Reader, opts ReaderOptions) (*Reader, error) {
	r := &Reader{opts: opts, info: FileInfo{Path: opts.Path, Size: -1}, conv: newConverter()}
	if opts.Size > 0 {
		r.info.Size = opts.Size
	}
	in, comp, err := newInput(src, 0, opts.Size == 0)
	if err == io.EOF {
		return nil, r.failure(0, 0, "file is empty", "record it again", ErrNotCapture)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.name(), err)
	}
	r.in, r.info.Compression = in, comp
	if ra, ok := src.(io.ReaderAt); ok && opts.Size > 0 {
		r.at = ra
		defer func() {
			if m := finalMeta(ra, opts.Size, comp); m != nil {
				r.meta = m
			}
		}()
	}
	if err := r.start(); err != nil {
		r.in.close()
		return nil, err
	}
	return r, nil
}

// start reads the section header and the lists in front of the first event.
func (r *Reader) start() error {
	if !r.fill(blockFrameHeader) && r.gap != nil && !r.opts.Strict {
		return r.startInside()
	}
	if len(r.buf)-r.pos < blockFrameHeader || binary.LittleEndian.Uint32(r.buf[r.pos:]) != blockSection {
		return r.notCapture()
	}
	return r.section()
}

// startInside begins with the events of a capture whose first piece, which has the
// section header and the lists, is damaged.
func (r *Reader) startInside() error {
	d := *r.gap
	for r.find(0) < 0 {
		r.gap = nil
		if !r.more() {
			return r.failure(d.Offset, 0, d.Reason, "the file is damaged at its very beginning", ErrCorrupt)
		}
		if r.gap != nil {
			d = *joinDamage(&d, r.gap)
		}
	}
	r.gap, r.plain = &d, false
	r.info.Major, r.info.Minor, r.info.Sections = majorVersion, minorVersion, 1
	r.snap = newSnapshotReader(false)
	return nil
}

func (r *Reader) notCapture() error {
	have := r.buf[r.pos:]
	if len(have) >= 4 {
		return r.failure(0, 0, "does not begin with a section header: "+describe(have),
			"sysreel reads .scap captures, plain, gzip or zstd", ErrNotCapture)
	}
	if r.inErr != nil && r.inErr != io.EOF {
		return r.inputFailure()
	}
	return r.failure(0, 0, fmt.Sprintf("has only %d bytes", len(have)), "record it again", ErrNotCapture)
}

// describe says what a file that is no capture seems to be.
func describe(b []byte) string {
	switch binary.LittleEndian.Uint32(b) {
	case 0xA1B2C3D4, 0xA1B23C4D, 0xD4C3B2A1, 0x4D3CB2A1:
		return "it is a packet capture (pcap)"
	case 0x464C457F:
		return "it is an executable"
	case 0x694C5153:
		return "it is a SQLite database"
	case 0x04034B50:
		return "it is a zip archive"
	}
	return fmt.Sprintf("it begins with % x", b[:4])
}

func (r *Reader) name() string {
	if r.opts.Path == "" || r.opts.Path == "-" {
		return "the capture stream"
	}
	return r.opts.Path
}

func (r *Reader) failure(off int64, block uint32, what, remedy string, err error) error {
	return &FormatError{Path: r.opts.Path, Offset: off, Block: block, What: what, Remedy: remedy, Err: err}
}

// Snapshot returns the lists in front of the events of the current section.
func (r *Reader) Snapshot() *Snapshot { return r.snap.snap }

// Info describes the file as far as it has been read.
func (r *Reader) Info() FileInfo { return r.info }

// Meta returns sysreel's own record about the capture, nil when there is none.
// Of a file it is the final record, with the drop counters, when the capture was
// completed; of a stream the latest met.
func (r *Reader) Meta() *Meta { return r.meta }

// Damage returns the places passed over so far.
func (r *Reader) Damage() []Damage { return r.damage }

// UnknownEvents returns how many events of types newer than this version's
// schema were passed over.
func (r *Reader) UnknownEvents() uint64 { return r.unknown }

// Pos returns how many compressed bytes have been consumed, of how many; total
// is -1 for a stream. It may be called from any goroutine.
func (r *Reader) Pos() (done, total int64) { return r.done.Load(), r.info.Size }

// Close stops reading and releases what the Reader holds.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = os.ErrClosed
	}
	r.in.close()
	if r.file != nil {
		return r.file.Close()
	}
	return nil
}

// offset is the place of the next byte in the uncompressed stream.
func (r *Reader) offset() int64 { return r.base + int64(r.pos) }

// fill makes sure that n bytes are in hand from r.pos on. It reports false at
// the end of the input, and where a damaged piece of the file breaks the bytes
// in hand off (r.gap is set then).
func (r *Reader) fill(n int) bool {
	for len(r.buf)-r.pos < n {
		if r.gap != nil || !r.more() || r.gap != nil {
			return false
		}
	}
	return true
}

// more joins the next slab to the bytes in hand.
func (r *Reader) more() bool {
	if r.inErr != nil {
		return false
	}
	s, err := r.in.next()
	if err != nil {
		r.inErr = err
		return false
	}
	r.pieces++
	r.done.Store(s.end)
	if s.meta != nil {
		r.meta = s.meta
	}
	if s.gap != nil {
		r.gap, r.plain = s.gap, false
		if s.numbered {
			// The lost events keep their numbers.
			r.num = max(r.num, r.sectNum+s.first)
		}
	}
	r.attach(s)
	return true
}

// attach puts the bytes in hand, normally few, in front of those of s.
func (r *Reader) attach(s *slab) {
	rest := r.buf[r.pos:]
	r.base += int64(r.pos)
	if r.gap != nil && len(rest) > 0 {
		// The block that the gap cuts off is lost with it.
		r.gap.Lost += int64(len(rest))
		r.base += int64(len(rest))
		rest = nil
	}
	switch old := r.cur; {
	case len(rest) <= headroom:
		at := headroom - len(rest)
		copy(s.buf[at:], rest)
		r.buf, r.cur = s.buf[at:], s
		if old != nil {
			r.in.release(old)
		}
	default:
		joined := make([]byte, 0, 2*len(rest)+len(s.data()))
		r.buf = append(append(joined, rest...), s.data()...)
		r.cur = nil
		if old != nil {
			r.in.release(old)
		}
		r.in.release(s)
	}
	r.pos = 0
}

// Next returns the next event, valid until the following call. At the clean end
// it returns io.EOF; a *FormatError wrapping ErrTruncated when the file ends in
// the middle of a block, after every whole event before that place was delivered.
func (r *Reader) Next() (*Event, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.again {
		r.again = false
		return &r.ev, nil
	}
	for {
		if r.quick() {
			if ok, _ := r.deliver(); ok {
				return &r.ev, nil
			}
			continue
		}
		ok, err := r.block()
		if err != nil {
			r.err = err
			return nil, err
		}
		if ok {
			return &r.ev, nil
		}
	}
}

// quick takes the common case: a whole, well-formed version 2 event block of small
// size, in hand. It does in one go what block, SetRaw and setData do in steps; on
// anything unusual it leaves everything to them.
func (r *Reader) quick() bool {
	b := r.buf[r.pos:]
	if !r.plain || len(b) < minEvent || binary.LittleEndian.Uint32(b) != blockEvent {
		return false
	}
	size := uint(binary.LittleEndian.Uint32(b[4:]))
	if size > uint(len(b)) || size < minEvent || size > maxSmallBlock || uint(binary.LittleEndian.Uint32(b[size-4:])) != size {
		return false
	}
	length, typ := uint(binary.LittleEndian.Uint32(b[26:])), schema.EventType(binary.LittleEndian.Uint16(b[30:]))
	count := binary.LittleEndian.Uint32(b[32:])
	const head = blockFrameHeader + 2 // up to the event
	sh := shapes[typ&shapeMask]
	if length < headerSize || length > size-head-4 || typ > shapeMask || sh&shapeWide != 0 || count > maxParams {
		return false
	}
	data := b[head+headerSize : head+length : head+length]
	if 2*int(count) > len(data) {
		return false
	}
	n := min(count, uint32(sh))
	end := 2*count + sumLengths(data, int(n))
	if uint(end) > uint(len(data)) {
		return false
	}
	e := &r.ev
	e.TS, e.TID = binary.LittleEndian.Uint64(b[10:]), int64(binary.LittleEndian.Uint64(b[18:]))
	e.Type, e.CPU, e.Flags, e.Offset = typ, binary.LittleEndian.Uint16(b[8:]), 0, r.base+int64(r.pos)
	e.data, e.end, e.count, e.n, e.wide = data, end, count, uint8(n), false
	r.pos += int(size)
	r.raws++
	return true
}

// minEvent is the size of a block with an event without parameters.
const minEvent = blockOverhead + 2 + headerSize

// block handles the block at hand; ok means that it was an event to deliver.
func (r *Reader) block() (ok bool, err error) {
	if r.gap != nil {
		return false, r.afterGap()
	}
	b := r.buf[r.pos:]
	if len(b) < blockFrameHeader {
		if !r.fill(blockFrameHeader) {
			return false, r.end(0, blockFrameHeader)
		}
		b = r.buf[r.pos:]
	}
	typ, size := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if r.info.BigEndian {
		typ, size = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	}
	layout, isEvent := eventBlockOf(typ)
	if !isEvent {
		return false, r.otherBlock(typ)
	}
	if size < uint32(blockOverhead+layout.prefix+layout.header) || size > maxBlock || !layout.large && size > maxSmallBlock+blockFrameHeader {
		return false, r.damaged(typ, fmt.Sprintf("length %d is impossible", size))
	}
	if uint(len(b)) < uint(size) {
		if !r.fill(int(size)) {
			return false, r.end(typ, int(size))
		}
		b = r.buf[r.pos:]
	}
	b = b[:size:size]
	if r.order().Uint32(b[size-4:]) != size {
		return false, r.damaged(typ, "the lengths at its two ends differ")
	}
	off := r.offset()
	r.pos += int(size)
	r.raws++
	if err := r.event(b[blockFrameHeader:size-4], layout); err != nil {
		return false, r.lostEvent(off, typ, int64(size), err)
	}
	r.ev.Offset = off
	return r.deliver()
}

func (r *Reader) order() binary.ByteOrder {
	if r.info.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// event parses the body of an event block into r.ev.
func (r *Reader) event(body []byte, layout eventBlock) error {
	if r.info.BigEndian || layout.header != headerSize {
		var err error
		if body, err = r.modernise(body, layout); err != nil {
			return err
		}
	}
	e := &r.ev
	e.Flags = 0
	if layout.prefix == 6 {
		e.Flags = binary.LittleEndian.Uint32(body[2:])
	}
	return e.SetRaw(binary.LittleEndian.Uint16(body), body[layout.prefix:])
}

// deliver numbers the event in r.ev, after converting it where that is needed.
func (r *Reader) deliver() (bool, error) {
	e := &r.ev
	if !r.opts.Raw && !settled(e) {
		switch r.conv.apply(e) {
		case verdictDrop:
			return false, nil
		case verdictUnknown:
			r.unknown++
			return false, nil
		}
	}
	r.num++
	e.Num = r.num
	return true, nil
}

// otherBlock handles a block among the events that is none.
func (r *Reader) otherBlock(typ uint32) error {
	if typ == blockSection {
		return r.section()
	}
	size := r.order().Uint32(r.buf[r.pos+4:])
	if size < blockOverhead || size%4 != 0 || size > maxBlock {
		return r.damaged(typ, fmt.Sprintf("length %d is impossible", size))
	}
	if !r.fill(int(size)) {
		return r.end(typ, int(size))
	}
	if r.order().Uint32(r.buf[r.pos+int(size)-4:]) != size {
		return r.damaged(typ, "the lengths at its two ends differ")
	}
	if _, known := blockNames[typ]; known {
		return r.damaged(typ, "it stands among the events")
	}
	r.pos += int(size) // well-formed, but of a type that only its writer knows
	return nil
}

// end says why a block of want bytes is not there: the clean end, a cut file, a
// gap of the compression layer, or a defect below.
func (r *Reader) end(typ uint32, want int) error {
	if r.gap != nil {
		return r.afterGap()
	}
	have := len(r.buf) - r.pos
	switch {
	case r.inErr == io.EOF && have == 0:
		return io.EOF
	case r.inErr == io.EOF, errors.Is(r.inErr, io.ErrUnexpectedEOF):
		if typ != 0 && have >= resyncMin {
			// A length field damaged upwards looks like the end of the file.
			if at := r.find(1); at > 0 {
				return r.damaged(typ, fmt.Sprintf("length %d reaches past the end of the file", want))
			}
		}
		return r.failure(r.offset(), typ, fmt.Sprintf("file ends in the middle of a block, after %d events", r.num),
			"the recording was cut short; what precedes is intact", ErrTruncated)
	}
	return r.inputFailure()
}

// inputFailure reports the final error of the compression layer or of reading.
func (r *Reader) inputFailure() error {
	var fe *FormatError
	switch {
	case errors.As(r.inErr, &fe):
		fe.Path = r.opts.Path
		return fe
	case errors.Is(r.inErr, io.ErrUnexpectedEOF):
		return r.failure(r.offset(), 0, "compressed data ends early", "the file was cut short", ErrTruncated)
	case errors.Is(r.inErr, ErrCorrupt):
		return r.failure(r.offset(), 0, r.inErr.Error(), "what precedes is intact; nothing behind can be recovered", ErrCorrupt)
	}
	return fmt.Errorf("reading %s: %w", r.name(), r.inErr)
}

// lostEvent records an event whose block is whole but whose content is not.
func (r *Reader) lostEvent(off int64, typ uint32, size int64, err error) error {
	if r.opts.Strict {
		return r.failure(off, typ, err.Error(), "read without --strict to pass over it", ErrCorrupt)
	}
	r.addDamage(Damage{Offset: off, InStream: true, Bytes: size, Lost: size, Events: 1, Reason: err.Error()})
	return nil
}

func (r *Reader) addDamage(d Damage) {
	if n := len(r.damage); n >= maxDamage {
		r.damage[n-1] = *joinDamage(&r.damage[n-1], &d)
		return
	}
	r.damage = append(r.damage, d)
}

// UnknownType reports whether e has a type that this version's schema lacks.
func (e *Event) UnknownType() bool { return schema.Lookup(e.Type) == nil }
