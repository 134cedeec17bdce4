package scapfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// WriterOptions adjust a Writer. The zero value writes what Create describes.
type WriterOptions struct {
	// Compression; CompressionAuto goes by the name: .scap.zst and everything
	// else is zstd, .scap and .gz gzip, .raw none.
	Compression Compression
	// Level of the compressor, 0 for the default: zstd 1-22, gzip 1-9.
	Level int
	// FrameSize is how many uncompressed bytes go into one piece, 0 for 1 MiB.
	// Larger pieces compress a little better, smaller ones lose less when cut.
	FrameSize int
	// SyncEvery bounds the time between an event and its place in the file, 0
	// for one second, negative for never: then only full pieces, Flush and
	// Close write.
	SyncEvery time.Duration
	// Fsync makes every sync wait until the bytes are on the disk, so that a power
	// loss costs no more than a crash of the program.
	Fsync bool
	// Workers that compress at the same time, 0 for one per CPU but at most four.
	Workers int
	// Meta is recorded at the beginning, and again, completed, by Close.
	Meta *Meta
	// Path names the output in errors; Create sets it unless it is given, as for a
	// file that gets its name when it is complete.
	Path string
}

const (
	// Frame size and level were chosen by measurement, see README.md: five million
	// events make more than four hundred pieces, so that entering such a file at any event
	// reads less than a hundredth of it.
	defaultFrame = 1 << 20
	maxFrame     = 16 << 20
	// maxFirst is how large the lists may be to share the first piece with the
	// section header; it stays well below what readers take as a whole frame.
	maxFirst         = 4 << 20
	defaultZstdLevel = 7
	defaultGzipLevel = 6
)

// Writer writes a capture. Its methods may be called from several goroutines.
type Writer struct {
	opts WriterOptions
	comp Compression
	out  io.Writer
	file *os.File // created by Create, closed by Close; nil for streams

	mu      sync.Mutex
	buf     []byte // blocks not yet handed over
	p       piece  // what buf holds
	current bool   // all events so far are in the current model
	events  uint64
	section uint64 // events before the current section
	meta    Meta
	closed  bool

	jobs chan *packJob // to the workers
	line chan *packJob // the same jobs in file order
	idle chan *packJob
	wg   sync.WaitGroup
	stop chan struct{} // ends the sync timer

	outMu   sync.Mutex
	err     error // first error of the output
	bytes   int64 // written to the output
	frames  []seekEntry
	metaAt  int64 // plain files: place of the metadata block
	metaLen int
}

// packJob is a piece on its way to the file.
type packJob struct {
	raw, out []byte
	p        piece
	err      error
	done     chan struct{}
	flushed  chan struct{} // closed when the piece is in the file; may be nil
}

type seekEntry struct{ comp, size uint32 }

// Create creates the capture file at path, "-" for the standard output, with the
// lists of snap. The name decides the compression unless opts does:
//
//	.scap.zst and other names  zstd in independent frames with a seek table
//	.scap, .scap.gz            gzip in independent members
//	.scap.raw                  none
//
// The file is readable by its owner only: captures hold what processes read,
// wrote and had in their environment. An existing file is replaced.
func Create(path string, snap *Snapshot, opts WriterOptions) (*Writer, error) {
	if opts.Path == "" {
		opts.Path = path
	}
	if opts.Compression == CompressionAuto {
		opts.Compression = CompressionByName(path)
	}
	if path == "-" {
		return NewWriter(os.Stdout, snap, opts)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	w, err := NewWriter(f, snap, opts)
	if err != nil {
		f.Close()
		return nil, err
	}
	w.file = f
	return w, nil
}

// CompressionByName returns the compression that Create chooses for a file name.
func CompressionByName(path string) Compression {
	switch {
	case strings.HasSuffix(path, ".raw"):
		return CompressionNone
	case strings.HasSuffix(path, ".scap"), strings.HasSuffix(path, ".gz"):
		return CompressionGzip
	}
	return CompressionZstd
}

// NewWriter writes a capture to out, beginning with the lists of snap, which
// may be nil. CompressionAuto means zstd. If out is an *os.File of a regular
// file, a failed write is undone, so that the file ends with a whole piece.
func NewWriter(out io.Writer, snap *Snapshot, opts WriterOptions) (*Writer, error) {
	w := &Writer{opts: opts, out: out, comp: opts.Compression, current: true, stop: make(chan struct{})}
	if w.comp == CompressionAuto {
		w.comp = CompressionZstd
	}
	if w.opts.FrameSize <= 0 {
		w.opts.FrameSize = defaultFrame
	}
	w.opts.FrameSize = min(w.opts.FrameSize, maxFrame)
	if opts.Meta != nil {
		w.meta = *opts.Meta
	}
	if w.meta.Created.IsZero() {
		w.meta.Created = time.Now().UTC().Truncate(time.Second)
	}
	workers := opts.Workers
	if workers <= 0 {
		workers = min(runtime.GOMAXPROCS(0), 4)
	}
	if w.comp == CompressionNone {
		workers = 1
	}
	first := appendSnapshot(appendSection(nil), snap)
	if len(first) > maxFirst {
		first, w.buf = first[:sectionSize], first[sectionSize:]
	}
	if err := w.begin(first, workers); err != nil {
		return nil, err
	}
	w.mu.Lock()
	err := w.cut(true)
	w.mu.Unlock()
	if err != nil {
		w.Close()
		return nil, err
	}
	every := opts.SyncEvery
	if every == 0 {
		every = time.Second
	}
	if every > 0 {
		w.wg.Go(func() { w.syncEvery(every) })
	}
	return w, nil
}

// begin writes the first piece and the metadata and starts the workers.
func (w *Writer) begin(first []byte, workers int) error {
	packers := make([]packer, workers)
	for i := range packers {
		p, err := w.newPacker()
		if err != nil {
			return err
		}
		packers[i] = p
	}
	if w.comp == CompressionNone {
		// The metadata block comes before the lists, at a place that is known.
		first, w.buf = first[:sectionSize:sectionSize], append(first[sectionSize:], w.buf...)
	}
	head, err := packers[0].pack(nil, first, piece{flags: pieceCurrent | pieceSection | pieceHeadless})
	if err != nil {
		return err
	}
	w.frames = append(w.frames, seekEntry{uint32(len(head)), uint32(len(first))})
	w.metaAt = int64(len(head))
	head = packers[0].meta(head, &w.meta)
	w.metaLen = len(head) - int(w.metaAt)
	w.frames = append(w.frames, seekEntry{uint32(w.metaLen), 0})
	if err := w.emit(head); err != nil {
		return err
	}
	w.jobs = make(chan *packJob, workers)
	w.line = make(chan *packJob, workers)
	w.idle = make(chan *packJob, 2*workers+2)
	for _, p := range packers {
		w.wg.Go(func() {
			for j := range w.jobs {
				j.out, j.err = p.pack(j.out[:0], j.raw, j.p)
				j.done <- struct{}{}
			}
		})
	}
	w.wg.Go(w.drain)
	return nil
}

func (w *Writer) newPacker() (packer, error) {
	switch w.comp {
	case CompressionNone:
		return plainPacker{}, nil
	case CompressionGzip:
		return newGzipPacker(orDefault(w.opts.Level, defaultGzipLevel))
	}
	return newZstdPacker(orDefault(w.opts.Level, defaultZstdLevel))
}

func orDefault(v, def int) int {
	if v == 0 {
		return def
	}
	return v
}

// drain writes the pieces in order.
func (w *Writer) drain() {
	for j := range w.line {
		<-j.done
		w.outMu.Lock()
		if w.err == nil {
			if j.err != nil {
				w.err = fmt.Errorf("compressing %s: %w", w.name(), j.err)
			} else if len(j.raw) > 0 && w.emit(j.out) == nil {
				w.frames = append(w.frames, seekEntry{uint32(len(j.out)), uint32(len(j.raw))})
			}
		}
		w.outMu.Unlock()
		flushed := j.flushed
		j.flushed = nil
		select {
		case w.idle <- j:
		default:
		}
		if flushed != nil {
			close(flushed)
		}
	}
}

// emit writes b whole or, on a file, not at all.
func (w *Writer) emit(b []byte) error {
	n, err := w.out.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		if f, ok := w.out.(*os.File); ok && n > 0 {
			_ = f.Truncate(w.bytes) // best effort: a partial piece does no harm
		}
		w.err = fmt.Errorf("writing %s: %w; what was written before is readable", w.name(), withoutPath(err))
		return w.err
	}
	w.bytes += int64(n)
	return nil
}

// withoutPath takes the path out of an error that is told with the path anyway.
func withoutPath(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func (w *Writer) name() string {
	if w.opts.Path == "" || w.opts.Path == "-" {
		return "the capture"
	}
	return w.opts.Path
}

func (w *Writer) failure() error {
	w.outMu.Lock()
	defer w.outMu.Unlock()
	return w.err
}

// Write appends e. The error is that of an earlier write to the file, after
// which nothing more is written: a full disk shows here.
func (w *Writer) Write(e *Event) error {
	size := blockOverhead + 2 + e.RawSize()
	if size > maxBlock-8 {
		return fmt.Errorf("%s event of %d bytes is too large for a capture: %w", e.Type, size, ErrCorrupt)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return os.ErrClosed
	}
	if w.p.events == 0 {
		w.p.ts = e.TS
	}
	w.p.events++
	w.events++
	w.current = w.current && isCurrent(e)
	w.buf = appendEvent(w.buf, e)
	if len(w.buf) >= w.opts.FrameSize {
		return w.cut(false)
	}
	return nil
}

// appendEvent appends e as a block.
func appendEvent(b []byte, e *Event) []byte {
	typ := uint32(blockEvent)
	flags := e.Flags &^ (FlagEnterLost | schema.SCAP_DF_LARGE)
	large := e.wide
	switch {
	case large && flags != 0:
		typ = blockEventFlagsLg
	case large:
		typ = blockEventLarge
	case flags != 0:
		typ = blockEventFlags
	}
	b, start := beginBlock(b, typ)
	b = binary.LittleEndian.AppendUint16(b, e.CPU)
	if flags != 0 {
		b = binary.LittleEndian.AppendUint32(b, flags)
	}
	return endBlock(e.AppendRaw(b), start)
}

// cut hands the blocks collected so far to the workers; wait makes it return when
// they are in the file. w.mu is held.
func (w *Writer) cut(wait bool) error {
	if len(w.buf) > 0 {
		var j *packJob
		select {
		case j = <-w.idle:
		default:
			j = &packJob{done: make(chan struct{}, 1)}
		}
		j.err = nil
		j.raw, w.buf = w.buf, j.raw[:0]
		j.p, w.p = w.p, piece{first: w.events - w.section}
		if w.current {
			j.p.flags |= pieceCurrent
		}
		var flushed chan struct{}
		if wait {
			flushed = make(chan struct{})
			j.flushed = flushed
		}
		w.jobs <- j
		w.line <- j
		if wait {
			<-flushed
		}
	} else if wait {
		// What was cut before may still be on its way.
		j := &packJob{done: make(chan struct{}, 1), flushed: make(chan struct{})}
		flushed := j.flushed
		j.done <- struct{}{}
		w.line <- j
		<-flushed
	}
	return w.failure()
}

// StartSection begins another section, whose events belong to another state of
// the host or to another host: readers forget everything and begin with snap.
func (w *Writer) StartSection(snap *Snapshot) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return os.ErrClosed
	}
	if err := w.cut(false); err != nil {
		return err
	}
	w.section = w.events
	w.p = piece{flags: pieceSection}
	w.buf = appendSnapshot(appendSection(w.buf), snap)
	return w.cut(false)
}

// Flush brings everything written so far into the file.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return os.ErrClosed
	}
	if err := w.cut(true); err != nil {
		return err
	}
	return w.fsync()
}

func (w *Writer) fsync() error {
	f, ok := w.out.(*os.File)
	if !ok || !w.opts.Fsync {
		return nil
	}
	if err := f.Sync(); err != nil && !errors.Is(err, os.ErrInvalid) {
		w.outMu.Lock()
		defer w.outMu.Unlock()
		w.err = fmt.Errorf("writing %s: %w", w.name(), withoutPath(err))
		return w.err
	}
	return nil
}

func (w *Writer) syncEvery(d time.Duration) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			w.mu.Lock()
			if !w.closed && len(w.buf) > 0 && w.cut(true) == nil {
				_ = w.fsync() // kept in w.err, told by the next call
			}
			w.mu.Unlock()
		case <-w.stop:
			return
		}
	}
}

// SetMeta calls edit to change the metadata that Close writes: drop counters,
// notes. Close adds the number of events and the time itself.
func (w *Writer) SetMeta(edit func(*Meta)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	edit(&w.meta)
}

// Written returns the number of events written and the size of the file so far.
func (w *Writer) Written() (events uint64, bytes int64) {
	w.mu.Lock()
	events = w.events
	w.mu.Unlock()
	w.outMu.Lock()
	defer w.outMu.Unlock()
	return events, w.bytes
}

// Close completes the file. It returns the first error of writing, if any.
func (w *Writer) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return os.ErrClosed
	}
	err := w.cut(true)
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	close(w.jobs)
	close(w.line)
	w.wg.Wait()
	if err == nil {
		err = w.finish()
	}
	if err == nil {
		err = w.fsync()
	}
	if w.file != nil {
		if cerr := w.file.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("writing %s: %w", w.name(), cerr)
		}
	}
	return err
}

// finish writes the final metadata and, for zstd, the seek table.
func (w *Writer) finish() error {
	p, err := w.newPacker()
	if err != nil {
		return err
	}
	w.meta.Events = w.events
	w.meta.Closed = time.Now().UTC().Truncate(time.Second)
	switch w.comp {
	case CompressionNone:
		return w.finishPlain()
	case CompressionGzip:
		return w.emit(p.meta(nil, &w.meta))
	}
	end := p.meta(nil, &w.meta)
	w.frames = append(w.frames, seekEntry{uint32(len(end)), 0})
	return w.emit(appendSeekTable(end, w.frames))
}

// finishPlain writes the final metadata over the first, where the output allows
// it and the room is enough; a stream keeps the first.
func (w *Writer) finishPlain() error {
	f, ok := w.out.(*os.File)
	if !ok {
		return nil
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil
	}
	js := w.meta.encode()
	if blockOverhead+8+len(js) > w.metaLen {
		js = w.meta.short().encode()
	}
	if blockOverhead+8+len(js) > w.metaLen {
		return nil
	}
	body := make([]byte, 4, w.metaLen)
	binary.LittleEndian.PutUint32(body, uint32(len(js)))
	body = append(body, js...)
	body = body[:w.metaLen-blockOverhead-4]
	if _, err := f.WriteAt(body, w.metaAt+blockFrameHeader+4); err != nil {
		return fmt.Errorf("writing the metadata of %s: %w", w.name(), err)
	}
	return nil
}

// appendSeekTable appends the seek table of the published zstd seekable format.
func appendSeekTable(b []byte, frames []seekEntry) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, seekMagic)
	b = le.AppendUint32(b, uint32(len(frames)*8+9))
	for _, f := range frames {
		b = le.AppendUint32(b, f.comp)
		b = le.AppendUint32(b, f.size)
	}
	b = le.AppendUint32(b, uint32(len(frames)))
	b = append(b, 0) // no per-frame checksums: the frames have their own
	return le.AppendUint32(b, seekableMagic)
}
