package query

import (
	"slices"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// Ids of event types: the number of the event, genericBase plus the code of the
// call for calls without an event of their own, and from namedBase on for
// events that carry their name.
const (
	genericBase = 1000
	namedBase   = 10000
)

// typeEntry is a row of event_type.
type typeEntry struct {
	id             int64
	events, failed int64
	lastBlock      int64
	values         record // until written
	written, dirty bool

	path  int  // first parameter that is a path of a call that makes no descriptor, -1 none
	state bool // may change what tasks say
	exec  bool
	exit  bool
}

type typeDict struct {
	byType  [512]*typeEntry
	byName  map[string]*typeEntry // generic and named events
	generic map[uint16]*typeEntry
	dirty   []*typeEntry
}

func (d *typeDict) init() {
	d.byName = make(map[string]*typeEntry)
	d.generic = make(map[uint16]*typeEntry)
}

// of returns the type of ev.
func (d *typeDict) of(ix *indexer, ev *replay.Event) *typeEntry {
	switch ev.Type {
	case schema.PPME_GENERIC_X, schema.PPME_GENERIC_E:
		var code uint16
		if p := ev.Param(0); len(p) == 2 {
			code = uint16(p[0]) | uint16(p[1])<<8
		}
		if e := d.generic[code]; e != nil {
			return e
		}
		e := d.add(ix, ev, genericBase+int64(code))
		d.generic[code] = e
		return e
	case schema.PPME_ASYNCEVENT_E, schema.PPME_PLUGINEVENT_E:
		name, _ := ix.fields.typ[0].Str(ev)
		if e := d.byName[name]; e != nil {
			return e
		}
		e := d.add(ix, ev, namedBase+int64(len(d.byName)))
		d.byName[string(append([]byte(nil), name...))] = e
		return e
	}
	if e := d.byType[ev.Type]; e != nil {
		return e
	}
	e := d.add(ix, ev, int64(ev.Type))
	d.byType[ev.Type] = e
	return e
}

func (d *typeDict) add(ix *indexer, ev *replay.Event, id int64) *typeEntry {
	e := &typeEntry{id: id, lastBlock: -1}
	e.values = appendValues(nil, ix.fields.typ, ev)
	f := ev.Info.Flags
	e.path = slices.IndexFunc(ev.Info.Params, func(p schema.Param) bool {
		return f&schema.EF_CREATES_FD == 0 && (p.Type == schema.PT_FSPATH || p.Type == schema.PT_FSRELPATH)
	})
	cat := ev.Info.Category & 0xff
	e.state = cat == schema.EC_PROCESS || cat == schema.EC_USER ||
		f&schema.EF_MODIFIES_STATE != 0 && f&(schema.EF_CREATES_FD|schema.EF_DESTROYS_FD) == 0
	e.exec = ev.Info.Name == "execve" || ev.Info.Name == "execveat"
	e.exit = ev.Info.Name == "procexit"
	return e
}

func (e *typeEntry) count(ix *indexer, failed bool) {
	e.events++
	if failed {
		e.failed++
	}
	if !e.dirty {
		e.dirty = true
		ix.types.dirty = append(ix.types.dirty, e)
	}
}

func (d *typeDict) flush(b *batch) {
	for _, e := range d.dirty {
		if e.written {
			b.setTypes = append(b.setTypes, record{e.events, e.failed, e.id})
		} else {
			rec := append(append(record{e.id}, e.values...), e.events, e.failed)
			b.newTypes = append(b.newTypes, rec)
			e.written, e.values = true, nil
		}
		e.dirty = false
	}
	d.dirty = d.dirty[:0]
}
