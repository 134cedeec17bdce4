package query

import (
	"database/sql/driver"
	"net/netip"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// targetEntry is a row of target.
type targetEntry struct {
	id                      int64
	process                 int64
	first, last             int64
	firstTS, lastTS         int64
	closed, role            driver.Value
	events, failed, opens   int64
	reads, writes           int64
	bytesRead, bytesWritten int64
	lastBlock               int64
	values                  record // until written
	written, dirty          bool
}

// targetKey is what makes two descriptors the same target, and all that the
// fields of table target are made of. Whether a socket is connected is left out,
// as it changes during the life of one connection: fd.connected is not in the
// table.
type targetKey struct {
	typ       uint8
	l4        uint8
	role      replay.Role
	name, raw string
	dev       uint32
	flags     uint32 // of overlay layers only
	ino       uint64
	src, dst  netip.AddrPort
	unixSrc   uint64
	unixDst   uint64
}

type targetDict struct {
	byKey map[targetKey]*targetEntry
	// byFD finds the target of a descriptor without hashing its key. The entry
	// is checked against the descriptor, so a stale one does no harm.
	byFD  map[*replay.FD]fdTarget
	zero  targetEntry // events that have nothing to do with descriptors
	next  int64
	dirty []*targetEntry
}

type fdTarget struct {
	key targetKey
	e   *targetEntry
}

func (d *targetDict) init() {
	d.byKey = make(map[targetKey]*targetEntry)
	d.byFD = make(map[*replay.FD]fdTarget)
	d.next = 1
	d.zero.lastBlock = -1
}

// of returns what the descriptor of ev refers to.
func (d *targetDict) of(ix *indexer, ev *replay.Event, task *taskEntry) *targetEntry {
	if ev.Info.Flags&(schema.EF_CREATES_FD|schema.EF_DESTROYS_FD|schema.EF_USES_FD) == 0 {
		if d.zero.values == nil {
			d.zero.values = make(record, len(ix.fields.target))
		}
		return &d.zero
	}
	fd := ev.FD
	if fd == nil {
		return d.unknown(ix, ev, task)
	}
	key := keyOfFD(fd)
	c, ok := d.byFD[fd]
	fresh := beginsConnection(ev)
	if ok && c.key == key && !fresh {
		return c.e
	}
	e := d.byKey[key]
	if e == nil || fresh {
		e = d.add(ix, ev, task, key)
		switch {
		case int(fd.Type) == schema.SCAP_FD_IPV4_SERVSOCK || int(fd.Type) == schema.SCAP_FD_IPV6_SERVSOCK:
			e.role = "server"
		case fresh && ev.Info.Name == "connect":
			e.role = "client"
		case fresh:
			e.role = "server"
		}
	}
	d.byFD[fd] = fdTarget{key, e}
	return e
}

// unknownFD is the type, in keys, of a descriptor that is not known. A failed
// open has none, but it has the path.
const unknownFD = 0xff

func (d *targetDict) unknown(ix *indexer, ev *replay.Event, task *taskEntry) *targetEntry {
	key := targetKey{typ: unknownFD}
	if s, ok := ix.fields.fdTypeChar.Str(ev); ok && s != "" {
		key.l4 = s[0]
	}
	var has [2]bool
	key.name, has[0] = ix.fields.fdName.Str(ev)
	key.raw, has[1] = ix.fields.fdNameRaw.Str(ev)
	for i, ok := range has {
		if ok {
			key.flags |= 1 << i
		}
	}
	if e := d.byKey[key]; e != nil {
		return e
	}
	key.name, key.raw = strings.Clone(key.name), strings.Clone(key.raw)
	return d.add(ix, ev, task, key)
}

func (d *targetDict) add(ix *indexer, ev *replay.Event, task *taskEntry, key targetKey) *targetEntry {
	e := &targetEntry{id: d.next, process: task.process.id, lastBlock: -1}
	e.values = appendValues(make(record, 0, len(ix.fields.target)), ix.fields.target, ev)
	d.next++
	if len(d.byKey) >= dictLimit {
		d.byKey = make(map[targetKey]*targetEntry)
		d.byFD = make(map[*replay.FD]fdTarget)
	}
	d.byKey[key] = e
	return e
}

// beginsConnection reports whether ev makes a connection: the same addresses
// used again are another connection.
func beginsConnection(ev *replay.Event) bool {
	switch ev.Info.Name {
	case "accept", "accept4", "connect":
		return true
	}
	return false
}

func keyOfFD(fd *replay.FD) targetKey {
	k := targetKey{
		typ: fd.Type, name: fd.Name, raw: fd.Raw, dev: fd.Dev, ino: fd.Ino,
		flags: fd.Flags & (schema.PPM_FD_UPPER_LAYER | schema.PPM_FD_LOWER_LAYER),
	}
	if s := &fd.Sock; s.L4 != 0 || s.Src.IsValid() || s.UnixSrc != 0 {
		k.l4, k.role, k.src, k.dst = s.L4, s.Role, s.Src, s.Dst
		k.unixSrc, k.unixDst = s.UnixSrc, s.UnixDst
	}
	return k
}

func (e *targetEntry) count(ix *indexer, num, ts int64, failed bool, io ioBytes) {
	if e.events == 0 {
		e.first, e.firstTS = num, ts
	}
	e.events++
	e.last, e.lastTS = num, ts
	e.closed = nil
	switch {
	case failed:
		e.failed++
	case io.read:
		e.reads++
		e.bytesRead += io.bytes
	case io.write:
		e.writes++
		e.bytesWritten += io.bytes
	}
	if io.open {
		e.opens++
	}
	if io.close {
		e.closed = ts
	}
	if !e.dirty {
		e.dirty = true
		ix.files.dirty = append(ix.files.dirty, e)
	}
}

func (d *targetDict) forgetAll() {
	clear(d.byKey)
	clear(d.byFD)
}

func (d *targetDict) flush(b *batch) {
	for _, e := range d.dirty {
		counters := record{e.first, e.last, e.firstTS, e.lastTS, e.closed, e.role, e.events, e.failed, e.opens, e.reads, e.writes,
			e.bytesRead, e.bytesWritten}
		if e.written {
			b.setTargets = append(b.setTargets, append(counters, e.id))
		} else {
			b.newTargets = append(b.newTargets, append(append(record{e.id, e.process}, counters...), e.values...))
			e.written, e.values = true, nil
		}
		e.dirty = false
	}
	d.dirty = d.dirty[:0]
	// Descriptors of processes that ended stay behind in byFD; starting it anew
	// now and then costs one lookup a descriptor.
	clear(d.byFD)
}
