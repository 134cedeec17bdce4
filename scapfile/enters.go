package scapfile

import (
	"encoding/binary"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// enterSlot is a remembered enter event.
type enterSlot struct {
	tid   int64
	typ   schema.EventType
	count uint8 // parameters
	live  bool  // the slot is taken; a used event stays until it is overwritten
	used  bool  // its exit event was converted
	data  []byte
}

// param returns parameter i, nil if there is none.
func (s *enterSlot) param(i int) []byte {
	if i >= int(s.count) {
		return nil
	}
	off := 2 * int(s.count)
	for k := 0; k < 2*i; k += 2 {
		off += int(binary.LittleEndian.Uint16(s.data[k:]))
	}
	size := int(binary.LittleEndian.Uint16(s.data[2*i:]))
	return s.data[off : off+size]
}

// enterTable holds the last enter event of each thread: a hash table with open
// addressing, because a lookup happens for every event of an old capture.
type enterTable struct {
	slots []enterSlot // size is a power of two
	live  int
}

// maxEnters bounds the memory that a hostile file with endless thread ids can
// claim; no host has as many threads inside system calls.
const maxEnters = 1 << 17

func (t *enterTable) clear() {
	for i := range t.slots {
		t.slots[i].live = false
	}
	t.live = 0
}

func (t *enterTable) index(tid int64) int {
	return int(uint64(tid)*0x9E3779B97F4A7C15>>32) & (len(t.slots) - 1)
}

// store remembers e, replacing an earlier event of its thread.
func (t *enterTable) store(e *Event) {
	if e.wide || e.count != uint32(e.n) {
		return
	}
	if t.live*2 >= len(t.slots) {
		t.grow()
	}
	i := t.index(e.TID)
	for t.slots[i].live && t.slots[i].tid != e.TID {
		i = (i + 1) & (len(t.slots) - 1)
	}
	s := &t.slots[i]
	if !s.live {
		t.live++
	}
	s.tid, s.typ, s.count, s.live, s.used = e.TID, e.Type, e.n, true, false
	s.data = append(s.data[:0], e.data[:e.end]...)
}

// find returns the event remembered for tid, nil if there is none.
func (t *enterTable) find(tid int64) *enterSlot {
	if len(t.slots) == 0 {
		return nil
	}
	for i := t.index(tid); t.slots[i].live; i = (i + 1) & (len(t.slots) - 1) {
		if s := &t.slots[i]; s.tid == tid {
			if s.used {
				return nil
			}
			return s
		}
	}
	return nil
}

// grow makes room, first by dropping what has been used.
func (t *enterTable) grow() {
	old := t.slots
	waiting := 0
	for i := range old {
		if old[i].live && !old[i].used {
			waiting++
		}
	}
	if waiting >= maxEnters {
		t.clear()
		return
	}
	size := 256
	for size < 4*waiting {
		size *= 2
	}
	t.slots, t.live = make([]enterSlot, max(size, len(old))), 0
	for i := range old {
		s := &old[i]
		if !s.live || s.used {
			continue
		}
		k := t.index(s.tid)
		for t.slots[k].live {
			k = (k + 1) & (len(t.slots) - 1)
		}
		t.slots[k] = *s
		t.live++
	}
}
