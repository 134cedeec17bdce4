package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/sysreel/sysreel/probe"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// ErrLimit is what Recorder.Write returns when a limit is reached: the recording
// is complete.
var ErrLimit = errors.New("limit reached")

// RecorderOptions say how a session is written to a file.
type RecorderOptions struct {
	// Path is the file, "-" for the standard output.
	Path string
	// Compression, if the name should not decide it.
	Compression scapfile.Compression
	// Meta describes the recording; what the recorder knows itself is added.
	Meta scapfile.Meta
	// MaxEvents ends the recording after that many events, 0: never. Events that
	// only keep state do not count.
	MaxEvents uint64
	// MaxSize ends the recording when the file has about that many bytes, 0:
	// never. Pieces that are still being compressed may come on top.
	MaxSize int64
	// Rotate splits the recording into several files.
	Rotate Rotation
}

// Rotation says when the next file begins: at whichever comes first of the
// limits that are not zero. Every file is complete on its own, with a host
// snapshot of the time when it begins.
type Rotation struct {
	Size   int64         // compressed bytes of a file, about
	Every  time.Duration // time a file covers
	Events uint64        // events of a file
	Keep   int           // how many files are kept, the newest; 0: all
}

func (r Rotation) on() bool { return r.Size > 0 || r.Every > 0 || r.Events > 0 }

// sizeCheck is how many events pass between two looks at the size of the file.
const sizeCheck = 256

// Recorder writes the events of a session to one file or, rotating, to several.
// It is for one goroutine.
type Recorder struct {
	opts  RecorderOptions
	s     *Session
	w     *scapfile.Writer
	shown uint64 // events written that are not state-only, in all files

	part   int
	parts  []string // files that exist
	began  time.Time
	first  uint64      // events written before the current part
	bytes  int64       // size of the parts before it
	before probe.Stats // the probe's counts when it began
	gaps   []gap       // when events of the current part were lost
	lost   uint64      // the probe's count at the last look
	looked time.Time
	seen   uint64 // calls of Write, for sizeCheck
}

// NewRecorder creates the file with the session's snapshot.
func NewRecorder(s *Session, opts RecorderOptions) (*Recorder, error) {
	r := &Recorder{opts: opts, s: s, looked: time.Now()}
	if err := r.open(s.Snapshot()); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Recorder) open(snap *scapfile.Snapshot) error {
	meta := r.opts.Meta
	meta.SnapLen = uint32(snapLen(r.s.opts.SnapLen))
	meta.Kernel, meta.OS, meta.Arch = KernelRelease(), OSName(), machineArch()
	meta.TimeZone = timeZone(time.Now())
	path := r.opts.Path
	if r.opts.Rotate.on() {
		path = partPath(path, r.part)
	}
	comp := r.opts.Compression
	if comp == scapfile.CompressionAuto {
		comp = scapfile.CompressionByName(r.opts.Path)
	}
	w, err := scapfile.Create(path, snap, scapfile.WriterOptions{Compression: comp, Meta: &meta})
	if err != nil {
		return err
	}
	r.w, r.began = w, time.Now()
	r.parts = append(r.parts, path)
	return nil
}

// Write appends an event. It returns ErrLimit when it was the last one that a
// limit allows; any other error is that of the file.
func (r *Recorder) Write(e *scapfile.Event) error {
	if r.opts.Rotate.on() && r.partFull() {
		if err := r.rotate(); err != nil {
			return err
		}
	}
	if err := r.w.Write(e); err != nil {
		return err
	}
	r.seen++
	if e.Flags&scapfile.FlagStateOnly == 0 {
		r.shown++
		if r.shown == r.opts.MaxEvents {
			return ErrLimit
		}
	}
	if r.opts.MaxSize > 0 && r.seen%sizeCheck == 0 {
		if _, size := r.Written(); size >= r.opts.MaxSize {
			return ErrLimit
		}
	}
	return nil
}

// partFull reports whether the current file has all the events it may have. How
// many bytes it has is looked up now and then only.
func (r *Recorder) partFull() bool {
	rot := &r.opts.Rotate
	if rot.Events > 0 && r.shown-r.first >= rot.Events {
		return true
	}
	return rot.Size > 0 && r.seen%sizeCheck == 0 && r.partSize() >= rot.Size
}

func (r *Recorder) partSize() int64 {
	_, size := r.w.Written()
	return size
}

// gap is a time in which events were lost, as exact as Tick is frequent.
type gap struct {
	from, to time.Time
	n        uint64
}

// maxGaps bounds the gaps that a file tells of; later losses count to the last.
const maxGaps = 100

// noteLosses compares the probe's count of lost events with that of the last look.
func (r *Recorder) noteLosses(st *probe.Stats, now time.Time) {
	if n := st.Lost() - r.lost; n > 0 {
		if k := len(r.gaps); k > 0 && (r.gaps[k-1].to.Equal(r.looked) || k == maxGaps) {
			r.gaps[k-1].n += n
			r.gaps[k-1].to = now
		} else {
			r.gaps = append(r.gaps, gap{r.looked, now, n})
		}
	}
	r.lost, r.looked = st.Lost(), now
}

// Tick does what time demands, events or not; call it often (Options.Tick is
// made for it): the more often, the more exactly the file says when events were
// lost. Errors are those of Write.
func (r *Recorder) Tick() error {
	if st, err := r.s.Stats(); err == nil {
		r.noteLosses(&st, time.Now())
	}
	if r.opts.MaxSize > 0 {
		if _, size := r.Written(); size >= r.opts.MaxSize {
			return ErrLimit
		}
	}
	rot := &r.opts.Rotate
	if rot.Every > 0 && time.Since(r.began) >= rot.Every || rot.Size > 0 && r.partSize() >= rot.Size {
		return r.rotate()
	}
	return nil
}

// rotate completes the current file and begins the next one.
func (r *Recorder) rotate() error {
	if err := r.finish(); err != nil {
		return err
	}
	r.part++
	r.seen, r.first = 0, r.shown
	if keep := r.opts.Rotate.Keep; keep > 0 && len(r.parts) >= keep {
		if err := os.Remove(r.parts[0]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing the oldest file: %w", err)
		}
		r.parts = r.parts[1:]
	}
	snap, err := r.s.TakeSnapshot()
	if err != nil {
		return err
	}
	return r.open(snap)
}

// finish completes the current file with what the probe counted during it.
func (r *Recorder) finish() error {
	// Without counts the file says nothing of losses, but it is complete.
	if st, err := r.s.Stats(); err == nil {
		r.noteLosses(&st, time.Now())
		r.w.SetMeta(func(m *scapfile.Meta) {
			m.Seen = st.Seen - r.before.Seen
			m.Drops = Drops(st, r.before)
			for _, g := range r.gaps {
				m.Notes = append(m.Notes, fmt.Sprintf("events lost: %d, between %s and %s", g.n,
					g.from.UTC().Format(time.RFC3339Nano), g.to.UTC().Format(time.RFC3339Nano)))
			}
		})
		r.before, r.gaps = st, nil
	}
	err := r.w.Close()
	_, size := r.w.Written()
	r.bytes += size
	r.w = nil
	return err
}

// Drops returns how many events were lost between two counts, by cause; nil
// when none was.
func Drops(now, before probe.Stats) map[string]uint64 {
	var m map[string]uint64
	for _, c := range []struct {
		name string
		n    uint64
	}{
		{"ring full", now.RingFull - before.RingFull},
		{"too large", now.TooLarge - before.TooLarge},
		{"missed by the kernel", now.Missed - before.Missed},
	} {
		if c.n > 0 {
			if m == nil {
				m = map[string]uint64{}
			}
			m[c.name] = c.n
		}
	}
	return m
}

// Written returns the number of events written, state-only ones not counted, and
// the size of all files so far.
func (r *Recorder) Written() (events uint64, bytes int64) {
	bytes = r.bytes
	if r.w != nil {
		_, n := r.w.Written()
		bytes += n
	}
	return r.shown, bytes
}

// Files lists the files of the recording that exist, oldest first.
func (r *Recorder) Files() []string { return r.parts }

// Close completes the recording.
func (r *Recorder) Close() error {
	if r.w == nil { // a rotation failed half way
		return nil
	}
	return r.finish()
}

// partPath puts the number of a part before the extension: a.scap.zst becomes
// a.00003.scap.zst.
func partPath(path string, part int) string {
	dir, base := filepath.Split(path)
	stem, ext := base, ""
	if i := strings.Index(base, ".scap"); i > 0 {
		stem, ext = base[:i], base[i:]
	} else if e := filepath.Ext(base); e != "" && e != base {
		stem, ext = strings.TrimSuffix(base, e), e
	}
	return fmt.Sprintf("%s%s.%05d%s", dir, stem, part, ext)
}

func snapLen(n int) int {
	if n == 0 {
		return 80 // the probe's default, as the libs'
	}
	return n
}

func machineArch() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	}
	return runtime.GOARCH
}

// timeZone names the time zone of this host: its database name where /etc says
// it, else the offset now.
func timeZone(now time.Time) string {
	if name := now.Location().String(); name != "Local" {
		return name
	}
	if target, err := os.Readlink("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(target, "zoneinfo/"); ok {
			return name
		}
	}
	return now.Format("-07:00")
}

// Describe fills the parts of a recording's metadata that a selection decides.
func (sel *Selection) Describe(m *scapfile.Meta, exact bool) {
	for _, c := range sel.Codes {
		if s := schema.SyscallByCode(c); s != nil {
			m.Syscalls = append(m.Syscalls, s.Name)
		}
	}
	m.Added, m.Exact = sel.Added, exact
	if len(sel.Unreliable) > 0 {
		m.Notes = append(m.Notes, "unreliable fields: "+strings.Join(sel.Unreliable, " "))
	}
}
