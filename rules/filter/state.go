package filter

import (
	"net/netip"
	"unsafe"

	"github.com/sysreel/sysreel/replay"
)

// State is what evaluation remembers while one event is looked at: results of
// shared checks and expressions, values of shared fields, and memory for
// transformed text. It belongs to one goroutine; Programs do not, so that
// several goroutines may evaluate the same Compiler's programs, each with its
// own State.
type State struct {
	c   *Compiler
	gen uint32 // number of the event, at most maxGen
	// compiled is Compiler.compiled when the slices below were last sized.
	compiled int

	memo  []uint32 // by expression: gen<<1 | result
	texts []cachedText
	addrs []cachedAddr

	arena []byte         // text made by transformers, valid until Begin
	vals  []replay.Value // list elements, likewise
	// collect appends to vals and tryEach runs try; both are bound once, so that
	// handing them to a field does not allocate.
	collect func(replay.Value) bool
	tryEach func(replay.Value) bool
	try     eachTest
}

const maxGen = 1<<31 - 1

type cachedText struct {
	s   string
	gen uint32
	ok  bool
}

type cachedAddr struct {
	a   netip.Addr
	gen uint32
	ok  bool
}

// eachTest is a test under way over the values of an AnyOf field.
type eachTest struct {
	test      *valueTest
	hit, seen bool
}

// NewState returns a State for the programs of c, those compiled later included.
func (c *Compiler) NewState() *State {
	st := &State{c: c}
	st.collect = func(v replay.Value) bool {
		st.vals = append(st.vals, v)
		return true
	}
	st.tryEach = func(v replay.Value) bool {
		st.try.seen = true
		st.try.hit = st.try.test.value(&v)
		return !st.try.hit
	}
	st.Begin()
	return st
}

// Begin prepares for the next event. Text taken from transformed fields of the
// previous one becomes invalid.
func (st *State) Begin() {
	st.arena = st.arena[:0]
	st.vals = st.vals[:0]
	if st.gen++; st.gen > maxGen || st.compiled != st.c.compiled {
		st.renew()
	}
}

// renew makes room for what was compiled since, and begins to count events anew
// when the numbers are used up.
func (st *State) renew() {
	if st.gen > maxGen {
		st.gen = 1
		clear(st.memo)
		clear(st.texts)
		clear(st.addrs)
	}
	st.compiled = st.c.compiled
	if len(st.memo) < st.c.nexprs {
		st.memo = append(st.memo, make([]uint32, st.c.nexprs-len(st.memo))...)
	}
	if len(st.texts) < st.c.ntexts {
		st.texts = append(st.texts, make([]cachedText, st.c.ntexts-len(st.texts))...)
	}
	if len(st.addrs) < st.c.naddrs {
		st.addrs = append(st.addrs, make([]cachedAddr, st.c.naddrs-len(st.addrs))...)
	}
}

// sealText returns what was appended to the arena from start on as text. When
// the arena moves on growth, earlier texts keep the old memory alive.
func (st *State) sealText(start int) string { return textOf(st.arena[start:]) }

// textOf returns b as text without copying; b must not be modified afterwards.
func textOf(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

// bytesOf returns the bytes of s, which must not be modified.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
