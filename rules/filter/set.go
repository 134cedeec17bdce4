package filter

import (
	"net/netip"
	"slices"
	"strings"
)

// linearMax is the size up to which a set is searched item by item, which is
// faster than hashing.
const linearMax = 6

// textSet is a set of strings. Lengths that no item has are ruled out first:
// most values fail on that alone.
type textSet struct {
	lens  uint64 // bit n: an item of length n; bit 63: of 63 or more
	items []string
	hash  map[string]struct{}
}

func newTextSet(items []string) *textSet {
	s := &textSet{items: slices.Compact(slices.Sorted(slices.Values(items)))}
	for _, it := range s.items {
		s.lens |= 1 << min(len(it), 63)
	}
	if len(s.items) > linearMax {
		s.hash = make(map[string]struct{}, len(s.items))
		for _, it := range s.items {
			s.hash[it] = struct{}{}
		}
	}
	return s
}

func (s *textSet) has(v string) bool {
	if s.lens&(1<<min(len(v), 63)) == 0 {
		return false
	}
	if s.hash != nil {
		_, ok := s.hash[v]
		return ok
	}
	for _, it := range s.items {
		if it == v {
			return true
		}
	}
	return false
}

// trimNULs removes NUL bytes from the end of v.
func trimNULs(v string) string {
	if v != "" && v[len(v)-1] == 0 {
		return strings.TrimRight(v, "\x00")
	}
	return v
}

// numSet is a set of integers.
type numSet struct {
	items []int64
	hash  map[int64]struct{}
}

func newNumSet(items []int64) *numSet {
	s := &numSet{items: slices.Compact(slices.Sorted(slices.Values(items)))}
	if len(s.items) > linearMax {
		s.hash = make(map[int64]struct{}, len(s.items))
		for _, it := range s.items {
			s.hash[it] = struct{}{}
		}
	}
	return s
}

func (s *numSet) has(v int64) bool {
	if s.hash != nil {
		_, ok := s.hash[v]
		return ok
	}
	return slices.Contains(s.items, v)
}

// netSet is a set of networks; an address is in it when a network contains it.
// There is one lookup per prefix length that occurs.
type netSet struct {
	four, six []int // prefix lengths that occur
	hash      map[netip.Prefix]struct{}
}

func newNetSet(nets []netip.Prefix) *netSet {
	s := &netSet{hash: make(map[netip.Prefix]struct{}, len(nets))}
	for _, n := range nets {
		n = n.Masked()
		s.hash[n] = struct{}{}
		lens := &s.six
		if n.Addr().Is4() {
			lens = &s.four
		}
		if !slices.Contains(*lens, n.Bits()) {
			*lens = append(*lens, n.Bits())
		}
	}
	return s
}

func (s *netSet) has(a netip.Addr) bool {
	lens := s.six
	if a.Is4() {
		lens = s.four
	}
	for _, bits := range lens {
		if p, err := a.Prefix(bits); err == nil {
			if _, ok := s.hash[p]; ok {
				return true
			}
		}
	}
	return false
}

// addrSet is a set of addresses.
type addrSet struct {
	items []netip.Addr
	hash  map[netip.Addr]struct{}
}

func newAddrSet(items []netip.Addr) *addrSet {
	s := &addrSet{items: items}
	if len(items) > linearMax {
		s.hash = make(map[netip.Addr]struct{}, len(items))
		for _, it := range items {
			s.hash[it] = struct{}{}
		}
	}
	return s
}

func (s *addrSet) has(a netip.Addr) bool {
	if s.hash != nil {
		_, ok := s.hash[a]
		return ok
	}
	return slices.Contains(s.items, a)
}
