package query

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/scapfile"
)

// Options tune building and opening. The zero value keeps the index where
// DefaultIndex says and evaluates no rules.
type Options struct {
	// Index is the path of the index, "" for DefaultIndex.
	Index string
	// Rules finds the alerts; nil keeps the alerts of an index that exists and
	// takes BuildRules when building.
	Rules *rules.Set
	// BuildRules stands in for Rules when the index has to be built: whoever
	// asks first finds alerts, and an index that exists keeps its own.
	BuildRules *rules.Set
	// Progress, if set, is called from the building goroutine with every commit.
	Progress func(Progress)
}

// Progress tells how far a build is.
type Progress struct {
	Events     int64 // committed
	Bytes      int64 // of the capture consumed, compressed
	TotalBytes int64
	Elapsed    time.Duration
	Done       bool
}

// Share is the part of the capture that is indexed, 0 to 1.
func (p Progress) Share() float64 {
	switch {
	case p.Done:
		return 1
	case p.TotalBytes <= 0:
		return 0
	}
	return min(1, float64(p.Bytes)/float64(p.TotalBytes))
}

// Remaining estimates the time to the end from the pace so far, 0 when unknown.
func (p Progress) Remaining() time.Duration {
	s := p.Share()
	if s <= 0.01 || p.Done {
		return 0
	}
	return time.Duration(float64(p.Elapsed) * (1 - s) / s)
}

// Build makes the index of a capture anew, in one pass, and puts it in place
// when it is complete: an interrupted build leaves the old index as it was. It
// returns ErrBuilding while another process does the same.
//
// Damage of the capture is no error: what can be read is indexed, and table
// damage tells what was not.
func Build(ctx context.Context, capture string, opts Options) error {
	b, err := newBuilder(capture, opts)
	if err != nil {
		return err
	}
	return b.run(ctx)
}

// builder builds one index.
type builder struct {
	capture string
	index   string
	opts    Options
	id      identity
	lock    *lock
	reader  *scapfile.Reader
	machine *replay.Machine
	ix      *indexer
	db      *conn
	began   time.Time
	last    Progress
	onStep  func(Progress)
}

func newBuilder(capture string, opts Options) (_ *builder, err error) {
	if opts.Rules == nil {
		opts.Rules = opts.BuildRules
	}
	b := &builder{capture: capture, index: opts.Index, opts: opts, began: time.Now()}
	if b.index == "" {
		b.index = DefaultIndex(capture)
	}
	if b.id, err = identify(capture); err != nil {
		return nil, err
	}
	if b.reader, err = scapfile.Open(capture); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.reader.Close()
		}
	}()
	if b.ix, err = newIndexer(); err != nil {
		return nil, err
	}
	if opts.Rules != nil {
		b.ix.alerts = ruleAlerts(opts.Rules)
	}
	b.machine = replay.New(b.reader, replay.Options{})
	if err := os.MkdirAll(dirOf(b.index), 0o755); err != nil {
		return nil, fmt.Errorf("index directory (choose another place with --index PATH): %w", err)
	}
	if b.lock, err = lockPartial(b.index, b.id.perm); err != nil {
		return nil, b.explain(err)
	}
	if b.db, err = openConn(b.lock.path, create); err == nil {
		err = b.prepare()
	}
	if err != nil {
		b.abandon()
		return nil, b.explain(err)
	}
	return b, nil
}

// prepare sets the database up for building. There is no journal: a build that
// dies is started again. Nothing is written before a commit, so that readers are
// kept out only for the moment of the commit.
func (b *builder) prepare() error {
	for _, sql := range []string{
		"PRAGMA page_size=8192",
		"PRAGMA auto_vacuum=INCREMENTAL",
		"PRAGMA journal_mode=OFF",
		"PRAGMA synchronous=OFF",
		"PRAGMA cache_size=-32768",
		"PRAGMA cache_spill=OFF",
		"PRAGMA busy_timeout=600000",
		schemaSQL(),
	} {
		if err := b.db.exec(sql); err != nil {
			return err
		}
	}
	f := b.id.facts()
	f["schema_version"] = int64(SchemaVersion)
	f["schema_hash"] = schemaHash()
	f["complete"] = int64(0)
	f["rules_hash"] = rulesHash(b.opts.Rules)
	return b.putFacts(f)
}

func (b *builder) putFacts(f facts) error {
	for k, v := range f {
		if err := b.db.exec("INSERT OR REPLACE INTO meta VALUES (?, ?)", k, v); err != nil {
			return err
		}
	}
	return nil
}

// abandon gives up and removes what was built.
func (b *builder) abandon() {
	if b.db != nil {
		b.db.close()
	}
	if b.lock != nil {
		b.lock.abandon()
	}
	b.reader.Close()
}

// run builds. One goroutine replays, this one writes.
func (b *builder) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	full := make(chan *batch, 2)
	free := make(chan *batch, 4)
	for range cap(free) {
		free <- new(batch)
	}
	var end ending
	go func() {
		defer close(full)
		end = b.replay(ctx, full, free)
	}()
	err := b.write(full, free)
	cancel()
	for range full { // until the replaying goroutine has closed it
	}
	if err == nil {
		err = end.err
	}
	if err == nil {
		err = b.finish(end)
	}
	if err != nil {
		b.abandon()
		return b.explain(err)
	}
	b.reader.Close()
	return nil
}

// ending is how the replay ended.
type ending struct {
	err             error
	events          int64
	firstTS, lastTS int64
}

// replay feeds the indexer until the end of the capture.
func (b *builder) replay(ctx context.Context, full chan<- *batch, free <-chan *batch) (end ending) {
	send := func(commit bool) bool {
		b.ix.out.progress = b.progressNow(end.events)
		var next *batch
		select {
		case next = <-free:
		case <-ctx.Done():
			end.err = ctx.Err()
			return false
		}
		select {
		case full <- b.ix.take(next, commit):
			return true
		case <-ctx.Done():
			end.err = ctx.Err()
			return false
		}
	}
	for {
		ev, err := b.machine.Next()
		if err != nil {
			b.damage(err, &end)
			if end.err == nil {
				b.snapshotUsers()
				send(true)
			}
			return end
		}
		if ev.Flags&scapfile.FlagStateOnly != 0 {
			continue
		}
		if end.events == 0 {
			end.firstTS = int64(ev.TS)
		}
		end.events++
		end.lastTS = max(end.lastTS, int64(ev.TS))
		blockEnds := b.ix.blockEnds(ev)
		b.ix.add(ev)
		if blockEnds && len(b.ix.out.events) >= batchEvents && !send(b.ix.pending >= commitEvents) {
			return end
		}
	}
}

// damage notes why and where reading ended, and the damage passed over before.
func (b *builder) damage(err error, end *ending) {
	for _, d := range b.reader.Damage() {
		b.ix.out.damage = append(b.ix.out.damage, record{nil, d.Offset, nil, d.String()})
	}
	if err == io.EOF {
		return
	}
	var fe *scapfile.FormatError
	if !errors.As(err, &fe) {
		end.err = err
		return
	}
	var off any
	if fe.Offset >= 0 {
		off = fe.Offset
	}
	b.ix.out.damage = append(b.ix.out.damage, record{nil, off, end.events, fe.What})
}

// snapshotUsers stores the users and groups of the last section.
func (b *builder) snapshotUsers() {
	s := b.reader.Snapshot()
	if s == nil {
		return
	}
	for _, g := range s.Groups {
		b.ix.out.groups = append(b.ix.out.groups, record{int64(g.GID), g.Name})
	}
	for _, u := range s.Users {
		b.ix.out.users = append(b.ix.out.users, record{int64(u.UID), int64(u.GID), u.Name, u.Home, u.Shell})
	}
}

func (b *builder) progressNow(events int64) Progress {
	done, total := b.reader.Pos()
	return Progress{Events: events, Bytes: done, TotalBytes: total, Elapsed: time.Since(b.began)}
}

// write puts batches into the database until the channel closes.
func (b *builder) write(full <-chan *batch, free chan<- *batch) error {
	w := newWriter(b.db)
	for batch := range full {
		if err := w.write(batch); err != nil {
			return err
		}
		if batch.commit {
			b.step(batch.progress)
		}
		batch.reset()
		free <- batch
	}
	return nil
}

func (b *builder) step(p Progress) {
	b.last = p
	if b.opts.Progress != nil {
		b.opts.Progress(p)
	}
	if b.onStep != nil {
		b.onStep(p)
	}
}

// finish makes the indexes, marks the index complete and puts it in place.
func (b *builder) finish(end ending) error {
	if err := b.db.exec("PRAGMA cache_spill=ON"); err != nil {
		return err
	}
	for _, sql := range slices.Concat(sortPostings(), indexSQL) {
		if err := b.db.exec(sql); err != nil {
			return err
		}
	}
	// Every step gives back one of the pages that the unsorted postings left.
	if err := b.db.each(context.Background(), "PRAGMA incremental_vacuum", nil, func([]driver.Value) error { return nil }); err != nil {
		return err
	}
	f := facts{
		"capture_path": b.capture, "events": end.events, "first_ts": end.firstTS, "last_ts": end.lastTS, "complete": int64(1),
		"unknown_events": int64(b.reader.UnknownEvents()), "drops": int64(b.reader.Meta().Lost()),
	}
	if m := b.machine.Info(); m != nil {
		f["hostname"] = m.Hostname
		f["cpus"] = int64(m.NumCPUs)
	}
	if err := b.putFacts(f); err != nil {
		return err
	}
	// What is complete must be on disk before it has the name that is trusted.
	if err := b.lock.f.Sync(); err != nil {
		return err
	}
	db := b.db
	b.db = nil
	if err := db.close(); err != nil {
		return err
	}
	if err := b.lock.finish(b.index); err != nil {
		return err
	}
	b.lock = nil
	p := b.progressNow(end.events)
	p.Bytes, p.Done = p.TotalBytes, true
	b.step(p)
	return nil
}

// explain turns an error of the database into one that names file and remedy.
func (b *builder) explain(err error) error {
	dir := dirOf(b.index)
	switch sqliteKind(err) {
	case kindFull:
		return fmt.Errorf("building %s: no space left in %s; free some, or put the index elsewhere with --index PATH: %w", b.index, dir, err)
	case kindUnwritable:
		return fmt.Errorf("building %s: %s cannot be written; put the index elsewhere with --index PATH: %w", b.index, dir, err)
	}
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w; put the index elsewhere with --index PATH", err)
	case errors.Is(err, ErrBuilding):
		return fmt.Errorf("%s: %w", b.index, err)
	}
	return err
}
