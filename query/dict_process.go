package query

import (
	"database/sql/driver"

	"github.com/sysreel/sysreel/replay"
)

// processEntry is a row of process.
type processEntry struct {
	id                      int64
	pid, ppid               int64
	parent                  *processEntry
	start, end              driver.Value
	status                  driver.Value
	first, last             int64
	events, failed          int64
	threads, execs          int64
	bytesRead, bytesWritten int64
	task                    *taskEntry
	key                     processKey // of an ended process
	dirty                   bool
}

// processKey tells incarnations of a pid apart.
type processKey struct {
	pid   int64
	start uint64
}

type processDict struct {
	byKey map[processKey]*processEntry
	zero  processEntry // events without a thread
	next  int64
	dirty []*processEntry
}

func (d *processDict) init() {
	d.byKey = make(map[processKey]*processEntry)
	d.next = 1
}

// keyOfProcess names the process of t. A process whose main thread is unknown
// counts as older than the capture.
func keyOfProcess(t *replay.Thread) processKey {
	k := processKey{pid: t.PID}
	if m := t.Main(); m != nil {
		k.start = m.CloneTS
	}
	return k
}

// of returns the process of thread t.
func (d *processDict) of(ix *indexer, t *replay.Thread) *processEntry {
	key := keyOfProcess(t)
	if p := d.byKey[key]; p != nil {
		return p
	}
	p := &processEntry{id: d.next, pid: t.PID, ppid: none}
	d.next++
	d.byKey[key] = p
	if key.start != 0 {
		p.start = int64(key.start)
	}
	// The entry is in the map before its parent is asked for: a loop of parents
	// in a damaged capture ends there.
	if parent := t.Ancestor(1); parent != nil && parent.PID != t.PID {
		p.ppid = parent.PID
		p.parent = d.of(ix, parent)
	}
	d.touch(p)
	return p
}

// threadExit ends the process of ev when its main thread exits.
func (ix *indexer) threadExit(ev *replay.Event, p *processEntry) {
	t := ev.Thread
	if t == nil {
		return
	}
	if t.IsMain() {
		p.end = int64(ev.TS)
		if v, ok := ev.Int(0); ok {
			p.status = v
		}
		ix.procs.touch(p)
		p.key = keyOfProcess(t)
	}
	ix.tasks.forget(t)
}

func (p *processEntry) count(ix *indexer, num int64, failed bool, io ioBytes) {
	if p.events == 0 {
		p.first = num
	}
	p.events++
	p.last = num
	if failed {
		p.failed++
	}
	switch {
	case io.read:
		p.bytesRead += io.bytes
	case io.write:
		p.bytesWritten += io.bytes
	}
	ix.procs.touch(p)
}

func (d *processDict) touch(p *processEntry) {
	if !p.dirty {
		p.dirty = true
		d.dirty = append(d.dirty, p)
	}
}

func (d *processDict) forgetAll() { clear(d.byKey) }

func (d *processDict) flush(b *batch) {
	for _, p := range d.dirty {
		rec := record{p.id, p.pid, nullable(p.ppid), nil, p.start, p.end, p.status, nil, nil, p.events, p.failed,
			p.threads, p.execs, p.bytesRead, p.bytesWritten, nil}
		if p.parent != nil {
			rec[3] = p.parent.id
		}
		if p.events > 0 {
			rec[7], rec[8] = p.first, p.last
		}
		if p.task != nil {
			rec[15] = p.task.id
		}
		b.newProcesses = append(b.newProcesses, rec)
		p.dirty = false
		if p.end != nil {
			delete(d.byKey, p.key)
		}
	}
	d.dirty = d.dirty[:0]
}

func nullable(v int64) driver.Value {
	if v == none {
		return nil
	}
	return v
}
