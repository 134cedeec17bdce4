package query

import (
	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// taskEntry is a row of task: a thread until something about it changes.
type taskEntry struct {
	id             int64
	process        *processEntry
	first, last    int64
	events         int64
	lastBlock      int64
	values         record // of its fields; kept to see whether a change is one
	written, dirty bool
	epoch          uint64
	key            taskKey
}

// taskKey is what the fields of a task are made of. It is compared only after
// events that may have changed it.
type taskKey struct {
	self, main, parent                           *replay.Thread
	tid, pid, ptid, sid, pgid, vpgid, vtid, vpid int64
	uid, gid, loginUID, tty                      uint32
	comm, exe, exePath, cwd, container           string
	mainComm, mainExe, mainExePath               string
	parentComm, parentExe, parentExePath         string
	args, mainArgs, parentArgs                   *string
	nargs, nmainArgs, nparentArgs                int
	exeWritable, exeUpper, exeMemfd              bool
	cloneTS, execTS, users                       uint64
}

type taskDict struct {
	byThread map[*replay.Thread]*taskEntry
	byTID    map[int64]*taskEntry // events without a known thread
	lastT    *replay.Thread
	lastE    *taskEntry
	next     int64
	epoch    uint64 // counts events that may change tasks
	users    uint64 // counts changes of users and groups
	dirty    []*taskEntry
}

func (d *taskDict) init() {
	d.byThread = make(map[*replay.Thread]*taskEntry)
	d.next = 1
	d.epoch = 1
	d.byTID = make(map[int64]*taskEntry)
}

// of returns the task that made the event, as it is after it.
//
// state says that the event may have changed tasks.
func (d *taskDict) of(ix *indexer, ev *replay.Event, state bool) *taskEntry {
	if state {
		d.epoch++
		if isUserEvent(ev.Type) {
			d.users++
		}
	}
	t := ev.Thread
	if t == nil {
		return d.unknown(ix, ev)
	}
	e := d.lastE
	if t != d.lastT {
		e = d.byThread[t]
		d.lastT, d.lastE = t, e
	}
	if e != nil && e.epoch == d.epoch {
		return e
	}
	key := d.keyOf(t)
	if e != nil && e.key == key {
		e.epoch = d.epoch
		return e
	}
	return d.change(ix, ev, e, key)
}

// unknown returns the task of an event whose thread is not in the table, for
// want of room or because there is none. The thread's id is all there is.
func (d *taskDict) unknown(ix *indexer, ev *replay.Event) *taskEntry {
	if e := d.byTID[ev.TID]; e != nil {
		return e
	}
	if len(d.byTID) >= dictLimit {
		clear(d.byTID)
	}
	e := &taskEntry{id: d.next, process: &ix.procs.zero, lastBlock: -1}
	e.values = appendValues(make(record, 0, len(ix.fields.task)), ix.fields.task, ev)
	d.next++
	d.byTID[ev.TID] = e
	return e
}

func isUserEvent(t schema.EventType) bool {
	switch t {
	case schema.PPME_USER_ADDED_E, schema.PPME_USER_DELETED_E, schema.PPME_GROUP_ADDED_E, schema.PPME_GROUP_DELETED_E:
		return true
	}
	return false
}

// change makes a new task for the thread of ev unless its fields are what they
// were.
func (d *taskDict) change(ix *indexer, ev *replay.Event, old *taskEntry, key taskKey) *taskEntry {
	values := appendValues(make(record, 0, len(ix.fields.task)), ix.fields.task, ev)
	proc := ix.procs.of(ix, ev.Thread)
	if old != nil && old.process == proc && equalRecords(old.values, values) {
		old.key, old.epoch = key, d.epoch
		return old
	}
	e := &taskEntry{id: d.next, process: proc, lastBlock: -1, values: values, epoch: d.epoch, key: key}
	d.next++
	d.byThread[ev.Thread] = e
	d.lastT, d.lastE = ev.Thread, e
	d.touch(e)
	proc.threads++
	if ev.Thread.IsMain() || proc.task == nil {
		proc.task = e
		ix.procs.touch(proc)
	}
	return e
}

func (d *taskDict) keyOf(t *replay.Thread) taskKey {
	k := taskKey{
		self: t, tid: t.TID, pid: t.PID, ptid: t.PTID, sid: t.SID, pgid: t.PGID, vpgid: t.VPGID, vtid: t.VTID, vpid: t.VPID,
		uid: t.UID, gid: t.GID, loginUID: t.LoginUID, tty: t.TTY,
		comm: t.Comm, exe: t.Exe, exePath: t.ExePath, cwd: t.CWD(), container: t.ContainerID,
		exeWritable: t.ExeWritable, exeUpper: t.ExeUpperLayer, exeMemfd: t.ExeFromMemfd,
		cloneTS: t.CloneTS, execTS: t.ExecTS, users: d.users,
	}
	k.args, k.nargs = sliceKey(t.Args)
	if m := t.Main(); m != nil {
		k.main = m
		k.mainComm, k.mainExe, k.mainExePath = m.Comm, m.Exe, m.ExePath
		k.mainArgs, k.nmainArgs = sliceKey(m.Args)
	}
	if p := t.Ancestor(1); p != nil {
		k.parent = p
		k.parentComm, k.parentExe, k.parentExePath = p.Comm, p.Exe, p.ExePath
		k.parentArgs, k.nparentArgs = sliceKey(p.Args)
	}
	return k
}

// sliceKey identifies a slice that is replaced, never written to.
func sliceKey(s []string) (*string, int) {
	if len(s) == 0 {
		return nil, 0
	}
	return &s[0], len(s)
}

func equalRecords(a, b record) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (e *taskEntry) count(ix *indexer, num int64) {
	if e.events == 0 {
		e.first = num
	}
	e.events++
	e.last = num
	ix.tasks.touch(e)
}

func (d *taskDict) touch(e *taskEntry) {
	if !e.dirty {
		e.dirty = true
		d.dirty = append(d.dirty, e)
	}
}

// forget drops a thread that ended.
func (d *taskDict) forget(t *replay.Thread) {
	delete(d.byThread, t)
	if d.lastT == t {
		d.lastT, d.lastE = nil, nil
	}
}

func (d *taskDict) forgetAll() {
	clear(d.byThread)
	d.lastT, d.lastE = nil, nil
}

func (d *taskDict) flush(b *batch) {
	for _, e := range d.dirty {
		if e.written {
			b.setTasks = append(b.setTasks, record{e.first, e.last, e.events, e.id})
		} else {
			b.newTasks = append(b.newTasks, append(record{e.id, e.process.id, e.first, e.last, e.events}, e.values...))
			e.written = true
		}
		e.dirty = false
	}
	d.dirty = d.dirty[:0]
}
