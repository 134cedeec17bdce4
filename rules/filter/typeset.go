package filter

import (
	"math/bits"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// bitset is a set of small numbers. Complements are taken within the universe
// that the owner knows.
type bitset [16]uint64

func (b *bitset) has(i int) bool { return uint(i) < 64*uint(len(b)) && b[i/64]&(1<<(i%64)) != 0 }
func (b *bitset) add(i int)      { b[i/64] |= 1 << (i % 64) }

func (b *bitset) unite(o *bitset) {
	for i := range b {
		b[i] |= o[i]
	}
}

func (b *bitset) intersect(o *bitset) {
	for i := range b {
		b[i] &= o[i]
	}
}

func (b *bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

func (b *bitset) each(f func(int)) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			f(i*64 + bits.TrailingZeros64(w))
		}
	}
}

// TypeSet is a set of event types.
type TypeSet struct{ bits bitset }

// Has reports whether t is in the set.
func (s *TypeSet) Has(t schema.EventType) bool { return s.bits.has(int(t)) }

// Add puts t into the set; types newer than the schema are ignored.
func (s *TypeSet) Add(t schema.EventType) {
	if int(t) < len(schema.Events()) {
		s.bits.add(int(t))
	}
}

// Unite adds the types of o.
func (s *TypeSet) Unite(o *TypeSet) { s.bits.unite(&o.bits) }

// Len returns the number of types in the set.
func (s *TypeSet) Len() int { return s.bits.count() }

// All reports whether every type of the schema is in the set.
func (s *TypeSet) All() bool { return s.Len() == len(schema.Events()) }

// Types returns the types in ascending order.
func (s *TypeSet) Types() []schema.EventType {
	var out []schema.EventType
	s.bits.each(func(i int) { out = append(out, schema.EventType(i)) })
	return out
}

// Names returns the distinct names of the types, in order of type.
func (s *TypeSet) Names() []string {
	var out []string
	seen := make(map[string]bool)
	s.bits.each(func(i int) {
		if name := schema.Events()[i].Name; !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	})
	return out
}

// SyscallSet is a set of system calls by PPM_SC code.
type SyscallSet struct{ bits bitset }

// Has reports whether the system call with that code is in the set.
func (s *SyscallSet) Has(code uint16) bool { return s.bits.has(int(code)) }

// Unite adds the system calls of o.
func (s *SyscallSet) Unite(o *SyscallSet) { s.bits.unite(&o.bits) }

// Len returns the number of system calls in the set.
func (s *SyscallSet) Len() int { return s.bits.count() }

// All reports whether every system call is in the set: the condition does not
// say which it needs.
func (s *SyscallSet) All() bool { return s.Len() == len(schema.Syscalls()) }

// Codes returns the codes in ascending order.
func (s *SyscallSet) Codes() []uint16 {
	var out []uint16
	s.bits.each(func(i int) { out = append(out, uint16(i)) })
	return out
}
