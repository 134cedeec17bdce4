package query

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// batchEvents is how many events travel to the writer at once; commitEvents how
// many are committed at once: what readers of a growing index wait for, and what
// the dictionaries' counters are written for.
const (
	batchEvents  = 2048
	commitEvents = 64 * 1024
)

// dictLimit bounds the targets and paths remembered to be recognised again.
// Beyond it they are forgotten and get new rows when they reappear: memory stays
// bounded, and the views add up rows of the same name.
const dictLimit = 100_000

// indexer turns events with context into rows. It runs on the goroutine that
// replays.
type indexer struct {
	fields  *fieldSet
	out     *batch
	pending int // events since the last commit

	begun   bool
	section uint32
	block   blockState
	types   typeDict
	tasks   taskDict
	procs   processDict
	files   targetDict
	paths   pathDict
	alerts  func(*replay.Event, *indexer)
	nAlert  int64
}

// blockState is the block being filled.
type blockState struct {
	id, first, events, failed, minTS, maxTS, offset int64
	open                                            bool
}

func newIndexer() (*indexer, error) {
	f, err := loadFields()
	if err != nil {
		return nil, err
	}
	ix := &indexer{fields: f, out: new(batch)}
	ix.types.init()
	ix.tasks.init()
	ix.procs.init()
	ix.files.init()
	ix.paths.init()
	return ix, nil
}

// add takes one event.
func (ix *indexer) add(ev *replay.Event) {
	if !ix.begun || ev.Section != ix.section {
		ix.begin(ev)
	}
	num, ts := int64(ev.Num), int64(ev.TS)
	block := num >> blockShift
	if !ix.block.open || block != ix.block.id {
		ix.endBlock()
		ix.block = blockState{id: block, first: num, minTS: ts, maxTS: ts, offset: ev.Offset, open: true}
	}
	res, hasRes := ix.fields.rawres.Int(ev)
	failed := hasRes && res < 0
	if !hasRes {
		res = none
	}

	typ := ix.types.of(ix, ev)
	task := ix.tasks.of(ix, ev, typ.state)
	target := ix.files.of(ix, ev, task)
	proc := task.process
	ix.post(postType, typ.id, &typ.lastBlock)
	ix.post(postTask, task.id, &task.lastBlock)
	ix.post(postTarget, target.id, &target.lastBlock)

	fd := int64(none)
	if v, ok := ix.fields.fdNum.Int(ev); ok {
		fd = v
	}
	path := int64(none)
	if typ.path >= 0 {
		if p := ix.paths.of(ix, ev, typ.path); p != nil {
			ix.post(postPath, p.id, &p.lastBlock)
			p.count(ix, failed)
			path = p.id
		}
		if name, ok := ix.fields.target2.Str(ev); ok && name != "" {
			p := ix.paths.entry(name)
			ix.post(postPath, p.id, &p.lastBlock)
			p.count(ix, failed)
			ix.out.seconds = append(ix.out.seconds, record{num, p.id})
		}
	}

	b := &ix.block
	b.events++
	b.minTS, b.maxTS = min(b.minTS, ts), max(b.maxTS, ts)
	if failed {
		b.failed++
	}
	typ.count(ix, failed)
	task.count(ix, num)
	io := ioOf(ev, res)
	target.count(ix, num, ts, failed, io)
	proc.count(ix, num, failed, io)
	if typ.exec && res == 0 {
		proc.execs++
	}
	ix.out.events = append(ix.out.events, eventRow{num, ts, task.id, typ.id, int64(ev.CPU), fd, target.id, path, res})

	if ix.alerts != nil {
		ix.alerts(ev, ix)
	}
	if typ.exit {
		ix.threadExit(ev, proc)
	}
	ix.pending++
}

// begin takes over the state at the start of a section: the processes that the
// capture lists exist even when they do nothing.
func (ix *indexer) begin(ev *replay.Event) {
	ix.begun, ix.section = true, ev.Section
	ix.tasks.forgetAll()
	ix.procs.forgetAll()
	ix.files.forgetAll()
	head := *ev.Event
	at := replay.Event{Event: &head, Info: ev.Info, FDNum: -1, M: ev.M}
	ev.M.Threads(func(t *replay.Thread) bool {
		if t.IsMain() {
			at.Thread, head.TID = t, t.TID
			ix.tasks.of(ix, &at, false)
		}
		return true
	})
}

// ioBytes is what an event moved.
type ioBytes struct {
	read, write bool
	bytes       int64
	open, close bool
}

// ioOf tells what an event that succeeded did to its descriptor.
func ioOf(ev *replay.Event, res int64) ioBytes {
	var io ioBytes
	if res < 0 { // failed, or none
		return io
	}
	f := ev.Info.Flags
	switch {
	case f&schema.EF_READS_FROM_FD != 0:
		io.read, io.bytes = true, res
	case f&schema.EF_WRITES_TO_FD != 0:
		io.write, io.bytes = true, res
	}
	io.open = f&schema.EF_CREATES_FD != 0
	io.close = f&schema.EF_DESTROYS_FD != 0
	return io
}

// post notes that the current block holds an event of an id.
func (ix *indexer) post(kind, id int64, last *int64) {
	if *last == ix.block.id {
		return
	}
	*last = ix.block.id
	ix.out.postings = append(ix.out.postings, posting{kind, id, ix.block.id})
}

func (ix *indexer) endBlock() {
	if b := &ix.block; b.open {
		ix.out.blocks = append(ix.out.blocks, record{b.id, b.first, b.events, b.failed, b.minTS, b.maxTS, b.offset})
		b.open = false
	}
}

// blockEnds reports whether the next event begins a new block or might: batches
// are cut there so that readers see whole blocks.
func (ix *indexer) blockEnds(ev *replay.Event) bool {
	return (ev.Num+1)>>blockShift != ev.Num>>blockShift
}

// take returns the batch so far, ready to be written, and goes on with next.
func (ix *indexer) take(next *batch, commit bool) *batch {
	b := ix.out
	if commit {
		ix.endBlock()
		ix.types.flush(b)
		ix.tasks.flush(b)
		ix.procs.flush(b)
		ix.files.flush(b)
		ix.paths.flush(b)
		ix.pending = 0
		b.commit = true
	}
	ix.out = next
	return b
}

// value extracts a field as SQLite stores it. Text is copied.
func value(r *replay.Ref, ev *replay.Event) driver.Value {
	switch {
	case r.Each != nil:
		return joinEach(r, ev)
	case r.Int != nil:
		if v, ok := r.Int(ev); ok {
			return v
		}
	case r.Str != nil:
		if v, ok := r.Str(ev); ok {
			return strings.Clone(v)
		}
	case r.IP != nil:
		if v, ok := r.IP(ev); ok {
			return v.String()
		}
	}
	return nil
}

// joinEach renders the values of a field that has several, NULL when the field
// does not exist on the event.
func joinEach(r *replay.Ref, ev *replay.Event) driver.Value {
	if r.Has != nil && !r.Has(ev) {
		return nil
	}
	var b []byte
	r.Each(ev, func(v replay.Value) bool {
		if len(b) > 0 {
			b = append(b, ',')
		}
		switch {
		case v.IP.IsValid():
			b = v.IP.AppendTo(b)
		case r.Type == schema.PT_IPADDR || r.Type == schema.PT_IPNET:
			b = append(b, '-') // an end that is not known yet
		case v.Str != "":
			b = append(b, v.Str...)
		default:
			b = fmt.Appendf(b, "%d", v.Int)
		}
		return true
	})
	return string(b)
}

// fieldSet are the fields that the index stores, resolved.
type fieldSet struct {
	rawres, fdNum     *replay.Ref
	fdTypeChar        *replay.Ref
	target2           *replay.Ref // second path
	fdName, fdNameRaw *replay.Ref
	task, target, typ []*replay.Ref
	paths             []*replay.Ref
}

// pathFields give the path of a call, the best first.
var pathFields = []string{"fs.path.name", "fs.path.source", "evt.abspath", "fs.path.nameraw", "fs.path.sourceraw"}

func loadFields() (*fieldSet, error) {
	f := new(fieldSet)
	var err error
	resolve := func(name string) *replay.Ref {
		r, e := replay.Resolve(name)
		if e != nil && err == nil {
			err = fmt.Errorf("index field: %w", e)
		}
		return r
	}
	f.target2 = resolve("fs.path.target")
	columns := func(t *table, from int) []*replay.Ref {
		var out []*replay.Ref
		for _, c := range t.columns[from:] {
			if c.field != "" {
				out = append(out, resolve(c.field))
			}
		}
		return out
	}
	f.rawres, f.fdNum = resolve("evt.rawres"), resolve("fd.num")
	f.fdTypeChar, f.fdName, f.fdNameRaw = resolve("fd.typechar"), resolve("fd.name"), resolve("fd.nameraw")
	f.task = columns(&taskTable, taskFieldsFrom)
	f.target = columns(&targetTable, targetFieldsFrom)
	f.typ = columns(&eventTypeTable, 1)
	for _, n := range pathFields {
		f.paths = append(f.paths, resolve(n))
	}
	return f, err
}

// appendValues appends the values of refs on ev to a record.
func appendValues(rec record, refs []*replay.Ref, ev *replay.Event) record {
	for _, r := range refs {
		rec = append(rec, value(r, ev))
	}
	return rec
}
