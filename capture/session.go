package capture

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sysreel/sysreel/probe"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
	"golang.org/x/sys/unix"
)

// Ring is where a session's events come from. *probe.Probe is one; its
// documentation describes the methods.
type Ring interface {
	BootTime() uint64
	Follow(pid int) error
	Start() error
	Read(deadline time.Time, f func(cpu uint16, raw []byte) error) error
	Stats() (probe.Stats, error)
	Update(syscalls []uint16) error
	Stop() error
	Close() error
}

var _ Ring = (*probe.Probe)(nil)

// Options say what a session records. The zero value records every system call
// of every process but this one.
type Options struct {
	// Selection is what to record; without codes: everything but the opt-in
	// tracepoints.
	Selection Selection
	// SnapLen is how many bytes of each data buffer are kept, 0: 80.
	SnapLen int
	// Buffer is the size of all ring buffers together in bytes, 0: the probe's
	// default.
	Buffer int
	// Targets restricts the session to some tasks.
	Targets Targets
	// DropFailed leaves out calls that failed.
	DropFailed bool
	// PIDs restricts the session to these processes and all their descendants.
	PIDs []int
	// Command restricts the session to a command and all its descendants. It must
	// be waiting (see StartCommand); Open lets it run when everything is ready.
	Command *Command

	// Before, when set, is called when everything is ready and before the command
	// runs: the place to create the file. Its error ends the session.
	Before func(*Session) error

	// Tick, when set, is called about ten times a second by the goroutine that
	// takes the events, while it waits and while it is busy. Its error ends Each
	// and Next.
	Tick func() error

	// ring replaces the probe in tests.
	ring Ring
}

// interval is how long events may wait in the ring buffers before they are
// handed on: the delay of a live alert when the host is quiet.
const interval = 20 * time.Millisecond

// tickEvery is the period of Options.Tick.
const tickEvery = 100 * time.Millisecond

// Session is a recording in progress. It is a scapfile.Source (Snapshot, Next);
// Each is the faster way when events are only written. Only one goroutine may
// take events; Stop, Stats and Update may be called from any.
type Session struct {
	opts  Options
	ring  Ring
	snap  *scapfile.Snapshot
	num   uint64
	awake int64 // tid whose execve begins the recording; 0: it has begun
	// hideExec drops execve events: they are not selected, and recorded only to
	// see where a command begins.
	hideExec bool
	ev       scapfile.Event

	early    *slab // events read while the session was opened; nil: none, or delivered
	stopping atomic.Bool
	ticked   time.Time

	// Next only: slabs filled by the reading goroutine.
	start  sync.Once
	full   chan *slab
	free   chan *slab
	queued atomic.Int64 // bytes in full slabs
	cur    *slab
	at     int // index of the next event in cur
	ended  error
	leave  chan struct{} // closed by Close
	closed sync.Once
}

// Open attaches the probe, takes the snapshot and, if there is a command, lets it
// run. Errors of the probe wrap probe.ErrNoPrivilege or probe.ErrUnsupported.
func Open(opts Options) (*Session, error) {
	s := &Session{opts: opts, ring: opts.ring, leave: make(chan struct{})}
	codes := opts.Selection.Codes
	if opts.Command != nil && codes != nil && !slices.ContainsFunc(codes, func(c uint16) bool { return slices.Contains(execCalls, c) }) {
		s.hideExec = true
		codes = sortedSet(slices.Concat(codes, execCalls))
	}
	if s.ring == nil {
		p, err := probe.New(probe.Config{
			Syscalls:   codes,
			Switch:     opts.Selection.Switch,
			PageFaults: opts.Selection.PageFaults,
			Signals:    opts.Selection.Signals,
			SnapLen:    opts.SnapLen,
			Buffer:     opts.Buffer,
			DropFailed: opts.DropFailed,
			UIDs:       opts.Targets.UIDs,
			Comms:      opts.Targets.Comms,
			Cgroups:    opts.Targets.Cgroups,
			Tree:       len(opts.PIDs) > 0 || opts.Command != nil,
			BootTime:   BootTime(),
		})
		if err != nil {
			return nil, err
		}
		s.ring = p
	}
	if err := s.begin(); err != nil {
		s.ring.Close()
		return nil, err
	}
	return s, nil
}

// begin starts the probe before the snapshot is taken, so that what happens in
// between is seen by one of the two.
func (s *Session) begin() error {
	for _, pid := range s.opts.PIDs {
		if err := unix.Kill(pid, 0); errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("following process %d: %w", pid, err)
		}
		if err := s.ring.Follow(pid); err != nil {
			return fmt.Errorf("following process %d: %w", pid, err)
		}
	}
	c := s.opts.Command
	if c != nil {
		if err := s.ring.Follow(c.PID()); err != nil {
			return fmt.Errorf("following the command: %w", err)
		}
		s.awake = int64(c.PID())
	}
	var err error
	var before *scapfile.Snapshot
	if c == nil && len(s.opts.PIDs) == 0 {
		if before, err = s.TakeSnapshot(); err != nil {
			return err
		}
	}
	if err := s.ring.Start(); err != nil {
		return err
	}
	if s.snap, err = s.TakeSnapshot(); err != nil {
		return err
	}
	if before != nil {
		if err := s.rescue(before); err != nil {
			return err
		}
	}
	if s.opts.Before != nil {
		if err := s.opts.Before(s); err != nil {
			return err
		}
	}
	if c != nil {
		return c.release()
	}
	return nil
}

// rescue adds to the snapshot the threads that were there before the probe and
// gone before the snapshot, but have left events in between: without, those would
// be of a thread that nobody knows. The events are kept for Each and Next.
func (s *Session) rescue(before *scapfile.Snapshot) error {
	s.early = &slab{}
	if err := s.ring.Read(s.deadline(false), s.early.add); err != nil {
		return s.atEnd(err)
	}
	missing := map[int64]bool{}
	for _, r := range s.early.recs {
		if err := s.ev.SetRaw(r.cpu, s.early.data[r.off:r.end]); err == nil {
			missing[s.ev.TID] = true
		}
	}
	for i := range s.snap.Threads {
		delete(missing, s.snap.Threads[i].TID)
	}
	for _, t := range before.Threads {
		if missing[t.TID] {
			s.snap.Threads = append(s.snap.Threads, t)
		}
	}
	slices.SortFunc(s.snap.Threads, func(a, b scapfile.Thread) int {
		return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(boolInt(a.TID != a.PID), boolInt(b.TID != b.PID)), cmp.Compare(a.TID, b.TID))
	})
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TakeSnapshot reads the host's state anew, for a file that begins in the
// middle of the session.
func (s *Session) TakeSnapshot() (*scapfile.Snapshot, error) {
	snap, err := TakeSnapshot(SnapshotOptions{BootTime: s.ring.BootTime()})
	if err != nil {
		return nil, fmt.Errorf("taking the host snapshot: %w", err)
	}
	if c := s.opts.Command; c != nil && s.awake != 0 {
		c.disguise(snap, s.hideExec)
	}
	return snap, nil
}

// Snapshot returns the state of the host at the start of the session.
func (s *Session) Snapshot() *scapfile.Snapshot { return s.snap }

// Each calls f with every event, in time order, until the session is stopped and
// drained, or f fails. The event is valid during the call only. Nothing is
// allocated for an event.
func (s *Session) Each(f func(*scapfile.Event) error) error {
	take := func(cpu uint16, raw []byte) error {
		if ok, err := s.accept(cpu, raw); !ok || err != nil {
			return err
		}
		return f(&s.ev)
	}
	if s.early != nil {
		for _, r := range s.early.recs {
			if err := take(r.cpu, s.early.data[r.off:r.end]); err != nil {
				return err
			}
		}
		s.early = nil
	}
	for {
		last := s.stopping.Load()
		if err := s.ring.Read(s.deadline(last), take); err != nil || last {
			return s.atEnd(err)
		}
		if err := s.tick(); err != nil {
			return err
		}
	}
}

// deadline says how long the next Read may last: once stopped, until the buffers
// are empty.
func (s *Session) deadline(last bool) time.Time {
	if last {
		return time.Now().Add(time.Hour)
	}
	return time.Now().Add(interval)
}

func (s *Session) atEnd(err error) error {
	if errors.Is(err, probe.ErrClosed) {
		return nil
	}
	return err
}

func (s *Session) tick() error {
	if s.opts.Tick == nil {
		return nil
	}
	if now := time.Now(); now.Sub(s.ticked) >= tickEvery {
		s.ticked = now
		return s.opts.Tick()
	}
	return nil
}

// accept makes s.ev the event in raw, unless it is not part of the recording.
func (s *Session) accept(cpu uint16, raw []byte) (bool, error) {
	if err := s.ev.SetRaw(cpu, raw); err != nil {
		return false, fmt.Errorf("event %d from the probe: %w", s.num+1, err)
	}
	if s.awake != 0 {
		// Until the command's execve there is only the waiting child, which is
		// this program.
		if !isExec(&s.ev) || s.ev.TID != s.awake {
			return false, nil
		}
		s.awake = 0
	}
	if s.hideExec && (s.ev.Type == schema.PPME_SYSCALL_EXECVE_19_X || s.ev.Type == schema.PPME_SYSCALL_EXECVEAT_X) {
		return false, nil
	}
	s.num++
	s.ev.Num, s.ev.Flags, s.ev.Offset = s.num, 0, -1
	return true, nil
}

// isExec reports whether e is a successful execve or execveat.
func isExec(e *scapfile.Event) bool {
	if e.Type != schema.PPME_SYSCALL_EXECVE_19_X && e.Type != schema.PPME_SYSCALL_EXECVEAT_X {
		return false
	}
	res, ok := e.Int64(0)
	return ok && res == 0
}

// Next returns the next event, io.EOF once the session is stopped and drained. A
// goroutine of its own empties the ring buffers meanwhile, so that a slow caller
// costs memory first and events only when the buffers are full.
func (s *Session) Next() (*scapfile.Event, error) {
	s.start.Do(s.startReading)
	for {
		if s.cur != nil && s.at < len(s.cur.recs) {
			r := s.cur.recs[s.at]
			s.at++
			if s.at%1024 == 0 {
				if err := s.tick(); err != nil {
					return nil, err
				}
			}
			ok, err := s.accept(r.cpu, s.cur.data[r.off:r.end])
			if err != nil {
				return nil, err
			}
			if ok {
				return &s.ev, nil
			}
			continue
		}
		if s.cur != nil {
			s.queued.Add(-int64(len(s.cur.data)))
			s.cur.reset()
			s.free <- s.cur
			s.cur = nil
		}
		if err := s.tick(); err != nil {
			return nil, err
		}
		sl, ok := <-s.full
		if !ok {
			if s.ended != nil {
				return nil, s.ended
			}
			return nil, io.EOF
		}
		s.cur, s.at = sl, 0
	}
}

// slab holds the events of one reading interval.
type slab struct {
	data []byte
	recs []rec
}

type rec struct {
	off, end int
	cpu      uint16
}

func (b *slab) reset() { b.data, b.recs = b.data[:0], b.recs[:0] }

func (b *slab) add(cpu uint16, raw []byte) error {
	off := len(b.data)
	b.data = append(b.data, raw...)
	b.recs = append(b.recs, rec{off, len(b.data), cpu})
	return nil
}

// maxQueue is how many bytes of events may wait for a slow consumer of Next
// before they are left in the ring buffers: a burst of a million events or so.
const maxQueue = 128 << 20

// maxSlabs bounds the number of slabs; each holds the events of an interval.
const maxSlabs = 1 << 12

func (s *Session) startReading() {
	s.full, s.free = make(chan *slab, maxSlabs), make(chan *slab, maxSlabs+1)
	if s.early != nil {
		s.queued.Add(int64(len(s.early.data)))
		s.cur, s.early = s.early, nil
	}
	go s.readSlabs()
}

// readSlabs runs until the session is stopped and drained, or closed. An empty
// slab is handed on too: it lets the consumer tick.
func (s *Session) readSlabs() {
	defer close(s.full)
	for made := 0; ; {
		var b *slab
		select {
		case b = <-s.free:
		default:
			if made < maxSlabs && s.queued.Load() < maxQueue {
				made++
				b = &slab{}
				break
			}
			select {
			case b = <-s.free:
			case <-s.leave:
				return
			}
		}
		last := s.stopping.Load()
		err := s.ring.Read(s.deadline(last), b.add)
		s.ended = s.atEnd(err)
		s.queued.Add(int64(len(b.data)))
		s.full <- b // never blocks: there is room for all slabs
		if err != nil || last {
			return
		}
	}
}

// Stop ends the recording: what the buffers hold is still delivered. It may be
// called more than once.
func (s *Session) Stop() error {
	if s.stopping.Swap(true) {
		return nil
	}
	return s.ring.Stop()
}

// Update changes the selection of system calls while recording.
func (s *Session) Update(sel Selection) error { return s.ring.Update(sel.Codes) }

// Stats returns the probe's counts so far.
func (s *Session) Stats() (probe.Stats, error) { return s.ring.Stats() }

// Close stops the session and releases the probe. A command that still runs is
// left alone.
func (s *Session) Close() error {
	err := s.Stop()
	s.closed.Do(func() { close(s.leave) })
	return errors.Join(err, s.ring.Close())
}
