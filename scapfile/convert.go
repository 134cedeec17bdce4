package scapfile

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// FlagEnterLost marks a converted event whose enter event was not recorded: the
// parameters that should have come from it hold defaults (descriptor 0, size
// 0). It is never written to files.
const FlagEnterLost = 1 << 31

// verdict is what becomes of an event on its way through the converter.
type verdict uint8

const (
	verdictDeliver verdict = iota
	verdictDrop
	verdictUnknown // a type newer than the schema
	verdictConvert
	verdictConvertIfShort // convert when the event has fewer parameters than the schema
)

// verdicts tells for each event type whether it needs conversion, by the flags
// of its row.
var verdicts = makeVerdicts()

func makeVerdicts() (t [shapeMask + 1]verdict) {
	for i := range t {
		t[i] = verdictUnknown
	}
	for i, e := range schema.Events() {
		old, managed := e.Flags&schema.EF_OLD_VERSION != 0, e.Flags&schema.EF_CONVERTER_MANAGED != 0
		switch {
		case e.Flags&schema.EF_UNUSED != 0:
			t[i] = verdictDrop
		case !managed && !old:
			t[i] = verdictDeliver
		case !managed:
			t[i] = verdictDrop
		case e.Type.IsEnter() || old:
			t[i] = verdictConvert
		default:
			t[i] = verdictConvertIfShort
		}
	}
	return t
}

// action is what a conversion does.
type action uint8

const (
	convNone         action = iota
	convDeliver             // as it is
	convStore               // remember for the exit event, do not deliver
	convStoreDeliver        // remember and deliver
	convAppend              // add parameters
	convChange              // build an event of another type
)

// conversion is a row of the conversion table.
type conversion struct {
	from    schema.EventType
	params  uint8
	act     action
	to      schema.EventType // of convChange
	sources string
}

// source is where one parameter of a converted event comes from.
type source struct {
	kind  sourceKind
	index uint8
	size  uint8 // of the parameter's type, 0 if it varies
	fill  byte  // of the default value
}

type sourceKind uint8

const (
	fromOld sourceKind = iota
	fromEnter
	fromEnterOrDefault
	fromNothing
	fromDefault
	fromContainer
)

// step is a row of the conversion table ready to run.
type step struct {
	act       action
	to        schema.EventType
	usesEnter bool
	wide      bool // the result has 32-bit lengths
	sources   []source
}

// stepKey is the place of a step in the table of steps.
func stepKey(t schema.EventType, params uint32) uint32 { return uint32(t)<<5 | params }

// steps compiles the conversion table at its first use: captures of today never
// need it.
var steps = sync.OnceValue(func() []step {
	table := make([]step, len(schema.Events())<<5)
	for _, c := range conversions {
		table[stepKey(c.from, uint32(c.params))] = compileStep(c)
	}
	return table
})

func compileStep(c conversion) step {
	s := step{act: c.act, to: c.from}
	first := int(c.params)
	if c.act == convChange {
		s.to, first = c.to, 0
	}
	s.wide = shapeOf(s.to)&shapeWide != 0
	params := schema.Lookup(s.to).Params
	add := func(src source) {
		if at := first + len(s.sources); at < len(params) {
			src.size = uint8(params[at].Type.Size())
			if params[at].Type == schema.PT_UID || params[at].Type == schema.PT_GID {
				src.fill = 0xFF
			}
		}
		s.sources = append(s.sources, src)
	}
	for f := range strings.FieldsSeq(c.sources) {
		switch {
		case f == "-":
			add(source{kind: fromNothing})
		case f == "0":
			add(source{kind: fromDefault})
		case f == "json":
			add(source{kind: fromContainer})
		case f[0] == 'e':
			kind := fromEnter
			if f[len(f)-1] == '!' {
				kind = fromEnterOrDefault
			}
			s.usesEnter = true
			add(source{kind: kind, index: uint8(mustAtoi(f[1 : len(f)-1]))})
		default:
			a, b, run := strings.Cut(f[1:], "..")
			from := mustAtoi(a)
			to := from
			if run {
				to = mustAtoi(b)
			}
			for i := from; i <= to; i++ {
				add(source{kind: fromOld, index: uint8(i)})
			}
		}
	}
	return s
}

func mustAtoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic("scapfile: conversion table: " + err.Error())
	}
	return n
}

// maxRounds bounds the chain of conversions of one event, as the reference does.
const maxRounds = 50

// converter turns the events of a section into the current model. It remembers
// the last enter event of each thread.
type converter struct {
	steps  []step
	enters enterTable
	out    [2][]byte // results, used in turns because a step reads the one before
}

func newConverter() *converter { return new(converter) }

// reset forgets everything, for a new section.
func (c *converter) reset() { c.enters.clear() }

// settled reports an event that has nothing to convert: a quick look that takes
// all events of a capture of today. It says false of types beyond the schema.
func settled(e *Event) bool {
	v := verdicts[e.Type&shapeMask]
	return e.Type <= shapeMask && (v == verdictDeliver ||
		v == verdictConvertIfShort && e.count >= uint32(shapes[e.Type&shapeMask]&shapeCount))
}

// apply converts e in place. verdictDeliver means that e is in the current model
// now; its parameters may be a view of the converter's memory, valid until the
// next call.
func (c *converter) apply(e *Event) verdict {
	if settled(e) {
		return verdictDeliver
	}
	v := verdictUnknown
	if e.Type <= shapeMask {
		v = verdicts[e.Type&shapeMask]
	}
	if v == verdictConvert || v == verdictConvertIfShort {
		return c.convert(e)
	}
	return v
}

// convert runs the steps for e until it needs no more.
func (c *converter) convert(e *Event) verdict {
	if c.steps == nil {
		c.steps = steps()
	}
	table := c.steps
	for round := range maxRounds {
		var s *step
		if e.count < maxParams {
			s = &table[stepKey(e.Type, e.count)]
		}
		if s == nil || s.act == convNone {
			return c.withoutRule(e, round&1)
		}
		switch s.act {
		case convDeliver:
			return verdictDeliver
		case convStore:
			c.enters.store(e)
			return verdictDrop
		case convStoreDeliver:
			c.enters.store(e)
			return verdictDeliver
		}
		c.run(e, s, round&1)
		if settled(e) {
			return verdictDeliver
		}
		if v := verdicts[e.Type&shapeMask]; v != verdictConvert && v != verdictConvertIfShort {
			return verdictDrop
		}
	}
	return verdictDrop
}

// withoutRule handles parameter counts that no producer is known to have
// written: current events get the missing parameters empty, others are lost.
func (c *converter) withoutRule(e *Event, turn int) verdict {
	info := schema.Lookup(e.Type)
	if info.Flags&schema.EF_OLD_VERSION != 0 {
		if e.Type.IsEnter() {
			return verdictDrop
		}
		return verdictUnknown
	}
	if e.count < uint32(len(info.Params)) {
		fill := step{act: convAppend, to: e.Type}
		for range len(info.Params) - int(e.count) {
			fill.sources = append(fill.sources, source{kind: fromNothing})
		}
		c.run(e, &fill, turn)
	}
	return verdictDeliver
}

// run applies one step to e, building the new parameters in c.out[turn].
func (c *converter) run(e *Event, s *step, turn int) {
	var enter *enterSlot
	if s.usesEnter {
		if enter = c.enters.find(e.TID); enter != nil && enter.typ != e.Type-1 {
			enter = nil
		}
		if enter == nil {
			e.Flags |= FlagEnterLost
		}
	}
	// The length array stands in front of the parameters; its size is known. Only
	// the container event, built from nothing kept, has 32-bit lengths.
	kept := 0
	if s.act == convAppend {
		kept = int(e.count)
	}
	n := kept + len(s.sources)
	width := 2
	if s.wide {
		width = 4
	}
	out := c.out[turn]
	if cap(out) < n*width {
		out = make([]byte, n*width, 4<<10)
	}
	out = out[:n*width]
	if kept > 0 {
		copy(out, e.data[:2*kept])
		out = append(out, e.data[2*kept:e.end]...)
	}
	for i := range s.sources {
		at := len(out)
		out = c.param(out, e, enter, &s.sources[i])
		size := len(out) - at
		if s.wide {
			binary.LittleEndian.PutUint32(out[4*(kept+i):], uint32(size))
		} else {
			binary.LittleEndian.PutUint16(out[2*(kept+i):], uint16(size))
		}
	}
	c.out[turn] = out
	// No need to check the lengths: they are those of what was appended.
	e.Type, e.data, e.end, e.wide = s.to, out, uint32(len(out)), s.wide
	e.count, e.n = uint32(n), uint8(min(n, int(shapeOf(s.to)&shapeCount)))
	if enter != nil {
		enter.used = true
	}
}

// param appends the parameter that src describes.
func (c *converter) param(out []byte, e *Event, enter *enterSlot, src *source) []byte {
	switch src.kind {
	case fromOld:
		p := e.Param(int(src.index))
		if src.size != 0 && len(p) > int(src.size) {
			p = p[:src.size] // low bytes: values shrank to narrower types
		}
		return append(out, p...)
	case fromEnter, fromEnterOrDefault:
		if enter != nil {
			p := enter.param(int(src.index))
			if src.size != 0 && len(p) > int(src.size) {
				p = p[:src.size]
			}
			return append(out, p...)
		}
		if src.kind == fromEnter {
			return out
		}
		fallthrough
	case fromDefault:
		for range src.size {
			out = append(out, src.fill)
		}
		return out
	case fromContainer:
		return appendContainerJSON(out, e)
	}
	return out
}

// appendContainerJSON builds the parameter of today's container event from the
// four of the old one. Like the reference it does not escape: the ids and
// names of container engines need none.
func appendContainerJSON(out []byte, e *Event) []byte {
	id, _ := e.Text(0)
	kind, ok := e.Uint32(1)
	if !ok {
		return out
	}
	name, _ := e.Text(2)
	image, _ := e.Text(3)
	return fmt.Appendf(out, `{"id":"%s","type":%d,"name":"%s","image":"%s"}`+"\x00", id, kind, name, image)
}

// isCurrent reports whether the converter would deliver e as it is.
func isCurrent(e *Event) bool {
	if e.Type > shapeMask {
		return false
	}
	switch verdicts[e.Type] {
	case verdictDeliver:
		return true
	case verdictConvertIfShort:
		return e.count >= uint32(shapes[e.Type]&shapeCount)
	case verdictConvert:
		if e.count >= maxParams {
			return false
		}
		act := steps()[stepKey(e.Type, e.count)].act
		return act == convDeliver || act == convStoreDeliver
	}
	return false
}
