package query

import (
	"strings"

	"github.com/sysreel/sysreel/replay"
)

// pathEntry is a row of path.
type pathEntry struct {
	id             int64
	name           string
	events, failed int64
	lastBlock      int64
	written, dirty bool
}

type pathDict struct {
	byName map[string]*pathEntry
	next   int64
	dirty  []*pathEntry
}

func (d *pathDict) init() {
	d.byName = make(map[string]*pathEntry)
	d.next = 1
}

// of returns the path that ev works on, nil when it names none.
func (d *pathDict) of(ix *indexer, ev *replay.Event) *pathEntry {
	for _, r := range ix.fields.paths {
		name, ok := r.Str(ev)
		if !ok || name == "" {
			continue
		}
		if e := d.byName[name]; e != nil {
			return e
		}
		name = strings.Clone(name) // it may be a view into the event
		e := &pathEntry{id: d.next, name: name, lastBlock: -1}
		d.next++
		if len(d.byName) >= dictLimit {
			d.byName = make(map[string]*pathEntry)
		}
		d.byName[name] = e
		return e
	}
	return nil
}

func (e *pathEntry) count(ix *indexer, failed bool) {
	e.events++
	if failed {
		e.failed++
	}
	if !e.dirty {
		e.dirty = true
		ix.paths.dirty = append(ix.paths.dirty, e)
	}
}

func (d *pathDict) flush(b *batch) {
	for _, e := range d.dirty {
		if e.written {
			b.setPaths = append(b.setPaths, record{e.events, e.failed, e.id})
		} else {
			b.newPaths = append(b.newPaths, record{e.id, e.name, e.events, e.failed})
			e.written = true
		}
		e.dirty = false
	}
	d.dirty = d.dirty[:0]
}
