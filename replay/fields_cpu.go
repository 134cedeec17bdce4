package replay

import (
	"math"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// floatField is a field with a fraction.
func floatField(name, desc string, f func(*Event) (float64, bool)) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_DOUBLE, Desc: desc},
		bind:  func(r *Ref) error { r.Float = f; return nil },
	}
}

// switchTimes tells, from the switch events of each CPU, how long the thread
// that leaves a CPU was on it.
type switchTimes struct {
	last map[uint16]uint64 // time of the last switch, by CPU
	num  uint64            // event of the last answer
	ns   int64
}

// ran returns the nanoseconds the thread of a switch event was on the CPU, 0
// for other events and for the first switch of a CPU.
func (s *switchTimes) ran(ev *Event) int64 {
	if ev.Type != schema.PPME_SCHEDSWITCH_6_E {
		return 0
	}
	if ev.Num == s.num && s.num != 0 {
		return s.ns
	}
	if s.last == nil {
		s.last = make(map[uint16]uint64)
	}
	s.num, s.ns = ev.Num, 0
	if t := s.last[ev.CPU]; t != 0 && ev.TS > t {
		s.ns = int64(ev.TS - t)
	}
	s.last[ev.CPU] = ev.TS
	return s.ns
}

func execTimeField(name, desc string) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_RELTIME, Format: schema.PF_DEC, Desc: desc},
		bind: func(r *Ref) error {
			var s switchTimes
			r.Int = func(ev *Event) (int64, bool) { return s.ran(ev), true }
			return nil
		},
	}
}

func totalExecTimeField(name, desc string) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_RELTIME, Format: schema.PF_DEC, Desc: desc},
		bind: func(r *Ref) error {
			var s switchTimes
			total := make(map[int64]int64) // by thread
			r.Int = func(ev *Event) (int64, bool) {
				if ev.Num != s.num || s.num == 0 {
					if ns := s.ran(ev); ns != 0 {
						total[ev.TID] += ns
					}
				}
				n := total[ev.TID]
				if ev.Type == schema.PPME_PROCEXIT_1_E {
					delete(total, ev.TID)
				}
				return n, true
			}
			return nil
		},
	}
}

// cpuField is the CPU share that procinfo events report: the growth of the
// thread's CPU time since the procinfo event before, one per second.
func cpuField(name, desc string, user, system bool) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_DOUBLE, Desc: desc},
		bind: func(r *Ref) error {
			last := make(map[int64]int64) // CPU time by thread
			var num uint64
			var share float64
			r.Float = func(ev *Event) (float64, bool) {
				if ev.Type != schema.PPME_PROCINFO_E {
					if ev.Type == schema.PPME_PROCEXIT_1_E {
						delete(last, ev.TID)
					}
					return 0, false
				}
				if ev.Num == num && num != 0 {
					return share, true
				}
				num = ev.Num
				var ticks int64
				if v, ok := ev.Int(0); ok && user {
					ticks += v
				}
				if v, ok := ev.Int(1); ok && system {
					ticks += v
				}
				share = 0
				if before, ok := last[ev.TID]; ok && ticks > before {
					share = math.Min(float64(ticks-before), 100)
				}
				last[ev.TID] = ticks
				return share, true
			}
			return nil
		},
	}
}
