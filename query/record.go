package query

import (
	"database/sql/driver"
	"math"
)

// none stands for NULL in the integers of an eventRow.
const none = math.MinInt64

// eventRow is a row of event, in the order of its columns.
type eventRow [9]int64

// record is a row to be written as it is.
type record []driver.Value

// posting says that a block holds events of an id.
type posting struct {
	kind      int64
	id, block int64
}

// batch is what the indexer hands to the writer: whole blocks of events and,
// when commit is set, everything that makes the index consistent up to here.
type batch struct {
	events   []eventRow
	postings []posting
	blocks   []record
	alerts   []record
	damage   []record
	users    []record
	groups   []record
	seconds  []record // second paths
	// Rows that are new, and changed counters of rows written before.
	newTasks, newTargets, newPaths, newTypes, newProcesses []record
	setTasks, setTargets, setPaths, setTypes, setProcesses []record

	commit   bool
	progress Progress
}

func (b *batch) reset() {
	b.events = b.events[:0]
	b.postings = b.postings[:0]
	for _, l := range []*[]record{
		&b.blocks, &b.alerts, &b.damage, &b.users, &b.groups, &b.seconds, &b.newTasks, &b.newTargets, &b.newPaths, &b.newTypes,
		&b.newProcesses, &b.setTasks, &b.setTargets, &b.setPaths, &b.setTypes, &b.setProcesses,
	} {
		clear(*l)
		*l = (*l)[:0]
	}
	b.commit = false
}
