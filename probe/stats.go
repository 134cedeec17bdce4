package probe

import "fmt"

// Stats counts events since Start. Seen = Written + RingFull + TooLarge, always.
type Stats struct {
	Seen     uint64 // events that should have been recorded
	Written  uint64 // events handed to the ring buffers
	RingFull uint64 // lost: no room in the ring buffer
	TooLarge uint64 // lost: larger than 64 KiB
	// Missed counts runs of a hook that the kernel refused because another one
	// was under way on the same CPU. Whether they would have been recorded is
	// not known; they are not part of Seen.
	Missed uint64
	// Faults counts parameters left empty because user memory could not be
	// read; their events are not lost.
	Faults   uint64
	Syscalls []SyscallStats // in the order of native numbers, only those seen
}

// Lost returns the number of events known or feared to be lost.
func (s *Stats) Lost() uint64 { return s.RingFull + s.TooLarge + s.Missed }

// SyscallStats counts the events of one system call or tracepoint.
type SyscallStats struct {
	Code     uint16 // PPM_SC code
	Seen     uint64
	RingFull uint64
	TooLarge uint64
	Faults   uint64
}

// counts is struct counts of probe/bpf/event.h.
type counts struct {
	Seen, Full, Large, Faults [counterCount]uint64
}

// Stats returns the counts so far.
func (p *Probe) Stats() (Stats, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return Stats{}, ErrClosed
	}
	var perCPU []counts
	if err := p.coll.Maps["counters"].Lookup(uint32(0), &perCPU); err != nil {
		return Stats{}, fmt.Errorf("reading the event counters: %w", err)
	}
	var s Stats
	for slot := range counterCount {
		var c SyscallStats
		for i := range perCPU {
			c.Seen += perCPU[i].Seen[slot]
			c.RingFull += perCPU[i].Full[slot]
			c.TooLarge += perCPU[i].Large[slot]
			c.Faults += perCPU[i].Faults[slot]
		}
		s.Seen += c.Seen
		s.RingFull += c.RingFull
		s.TooLarge += c.TooLarge
		s.Faults += c.Faults
		if c.Seen == 0 {
			continue
		}
		c.Code = p.codeOfSlot(slot)
		s.Syscalls = append(s.Syscalls, c)
	}
	s.Written = s.Seen - s.RingFull - s.TooLarge
	for _, name := range p.hooks() {
		prog := p.coll.Programs[name]
		if prog == nil {
			continue
		}
		// The count is missing before Linux 5.12, which refuses no runs either.
		if st, err := prog.Stats(); err == nil {
			s.Missed += st.RecursionMisses
		}
	}
	return s, nil
}

func (p *Probe) codeOfSlot(slot int) uint16 {
	if slot < maxSyscall {
		return p.numbers.code[slot]
	}
	for code, s := range tracepointSlots {
		if s == slot {
			return code
		}
	}
	return 0
}
