package query

import (
	"path"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
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
func (d *pathDict) of(ix *indexer, ev *replay.Event, param int) *pathEntry {
	for _, r := range ix.fields.paths {
		if name, ok := r.Str(ev); ok && name != "" {
			return d.entry(name)
		}
	}
	// The fields have paths of calls that succeeded; what was attempted is as
	// telling.
	if name, ok := ev.Text(param); ok && len(name) > 0 {
		return d.entry(absolute(ev, param, string(name)))
	}
	return nil
}

// absolute resolves path parameter i of a call against its directory.
func absolute(ev *replay.Event, i int, name string) string {
	if name[0] == '/' || ev.Thread == nil {
		return name
	}
	dir := ev.Thread.CWD()
	if p := &ev.Info.Params[i]; p.Type == schema.PT_FSRELPATH {
		if n, ok := ev.Int64(int(p.DirFD)); ok && n != schema.PPM_AT_FDCWD {
			main := ev.Thread.Main()
			if main == nil {
				return name
			}
			fd := main.FD(n)
			if fd == nil {
				return name
			}
			dir = fd.Name
		}
	}
	if dir == "" {
		return name
	}
	return path.Join(dir, name)
}

func (d *pathDict) entry(name string) *pathEntry {
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
