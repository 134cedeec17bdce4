package scapfile

import (
	"errors"
	"io"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Summary is what a capture holds, as far as one pass without state tells.
type Summary struct {
	Info          FileInfo
	Meta          *Meta        // nil for captures of other tools
	Machine       *MachineInfo // of the last section
	Threads       int          // listed at the start
	Processes     int          // listed at the start
	Events        uint64       // in the current model
	Hidden        uint64       // of them, those that tools do not show
	StateOnly     uint64       // of them, those marked state-only
	InFile        uint64       // event blocks in the file, before conversion
	First         uint64       // earliest time of events that are not state-only, nanoseconds since the epoch; 0 without
	Last          uint64       // latest time
	ByName        map[string]uint64
	ActiveThreads int    // distinct threads that made events
	Dropped       uint64 // lost while recording: by the file's metadata, else by its drop events
	Damage        []Damage
	LostBytes     int64 // uncompressed bytes that the damage covers, as far as known
	Unknown       uint64
	Truncated     error  // why the file ends early, nil if it does not
	Started       uint64 // threads and processes that clone, fork and vfork made, as told by the parents
	Ended         uint64 // threads that exited
	// Pieces that decompress on their own and can be entered, 0 where the file has
	// to be read from its start.
	Pieces int
}

// Summarize reads r to its end. Damage and a cut file are part of the result; the
// error is that of reading itself. progress, if not nil, is called now and then
// with compressed bytes read.
func Summarize(r *Reader, progress func(done, total int64)) (*Summary, error) {
	s := &Summary{Threads: len(r.Snapshot().Threads), Processes: countProcesses(r.Snapshot()), ByName: make(map[string]uint64)}
	counts := make([]uint64, len(schema.Events()))
	generic := make(map[*schema.Syscall]uint64)
	tids := make(map[int64]struct{})
	var dropEvents uint64
	lastTID := int64(-1)
	for {
		e, err := r.Next()
		if err != nil {
			if errors.Is(err, ErrTruncated) || errors.Is(err, ErrCorrupt) {
				s.Truncated = err
			} else if err != io.EOF {
				return nil, err
			}
			break
		}
		s.Events++
		if s.Events&0xFFFF == 0 && progress != nil {
			progress(r.Pos())
		}
		if e.Flags&FlagStateOnly == 0 {
			if e.TS != 0 && (e.TS < s.First || s.First == 0) {
				s.First = e.TS
			}
			s.Last = max(s.Last, e.TS)
		}
		if e.Hidden() {
			s.Hidden++
		}
		if e.Flags&FlagStateOnly != 0 {
			s.StateOnly++
		}
		if e.TID != lastTID {
			lastTID = e.TID
			tids[e.TID] = struct{}{}
		}
		switch {
		case int(e.Type) >= len(counts):
			s.Unknown++
		case e.Type == schema.PPME_GENERIC_X || e.Type == schema.PPME_GENERIC_E:
			generic[e.Syscall()]++
		default:
			counts[e.Type]++
		}
		switch e.Type {
		case schema.PPME_DROP_E:
			dropEvents++
		case schema.PPME_PROCEXIT_1_E:
			s.Ended++
		case schema.PPME_SYSCALL_CLONE_20_X, schema.PPME_SYSCALL_CLONE3_X, schema.PPME_SYSCALL_FORK_20_X, schema.PPME_SYSCALL_VFORK_20_X:
			if child, ok := e.Int64(0); ok && child > 0 {
				s.Started++
			}
		}
	}
	for i, n := range counts {
		if n > 0 {
			s.ByName[schema.Events()[i].Name] += n
		}
	}
	for sc, n := range generic {
		name := "syscall"
		if sc != nil {
			name = sc.Name
		}
		s.ByName[name] += n
	}
	delete(tids, -1)
	s.ActiveThreads = len(tids)
	s.Info, s.Meta, s.Machine = r.Info(), r.Meta(), r.Snapshot().Machine
	s.InFile = r.raws
	if r.Indexed() {
		s.Pieces = len(r.index.places)
	}
	s.Dropped = dropEvents
	if s.Meta != nil && s.Meta.Drops != nil {
		s.Dropped = s.Meta.Lost()
	}
	s.Damage, s.Unknown = r.Damage(), s.Unknown+r.UnknownEvents()
	for _, d := range s.Damage {
		s.LostBytes = satAdd(s.LostBytes, d.Lost)
	}
	return s, nil
}

func countProcesses(s *Snapshot) int {
	pids := make(map[int64]struct{})
	for i := range s.Threads {
		pids[s.Threads[i].PID] = struct{}{}
	}
	return len(pids)
}
