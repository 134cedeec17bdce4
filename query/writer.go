package query

import (
	"database/sql/driver"
)

// rowsPerInsert is how many rows a multi-row INSERT carries. From some 50 on the
// cost of a row no longer falls.
const rowsPerInsert = 64

// writer puts batches into the database.
type writer struct {
	c    *conn
	open bool // in a transaction
	sql  map[insertKey]string
	args []driver.NamedValue
}

type insertKey struct {
	t *table
	n int
}

// insert returns the statement that inserts n rows into t.
func (w *writer) insert(t *table, n int) (*stmt, error) {
	k := insertKey{t, n}
	if w.sql[k] == "" {
		w.sql[k] = t.insertSQL("INSERT", n)
	}
	return w.c.prepare(w.sql[k])
}

func newWriter(c *conn) *writer {
	w := &writer{c: c, sql: make(map[insertKey]string), args: make([]driver.NamedValue, 64*rowsPerInsert)}
	for i := range w.args {
		w.args[i].Ordinal = i + 1
	}
	return w
}

// set names the statements that update counters of rows written before. The
// parameters are in the order of the records.
const (
	setTaskSQL   = "UPDATE task SET first_num=?, last_num=?, events=? WHERE id=?"
	setTargetSQL = "UPDATE target SET first_num=?, last_num=?, first_ts=?, last_ts=?, closed_ts=?, role=?, events=?, failed=?, opens=?, " +
		"reads=?, writes=?, bytes_read=?, bytes_written=? WHERE id=?"
	setPathSQL = "UPDATE path SET events=?, failed=? WHERE id=?"
	setTypeSQL = "UPDATE event_type SET events=?, failed=? WHERE id=?"
)

// write inserts a batch; with b.commit its transaction ends.
func (w *writer) write(b *batch) error {
	if !w.open {
		if err := w.c.exec("BEGIN"); err != nil {
			return err
		}
		w.open = true
	}
	if err := w.events(b.events); err != nil {
		return err
	}
	if err := w.postings(b.postings); err != nil {
		return err
	}
	for _, r := range []struct {
		t    *table
		verb string
		rows []record
	}{
		{&blockTable, "INSERT", b.blocks},
		{&taskTable, "INSERT", b.newTasks},
		{&targetTable, "INSERT", b.newTargets},
		{&pathTable, "INSERT", b.newPaths},
		{&secondPathTable, "INSERT", b.seconds},
		{&eventTypeTable, "INSERT", b.newTypes},
		{&processTable, "INSERT OR REPLACE", b.newProcesses},
		{&alertTable, "INSERT", b.alerts},
		{&damageTable, "INSERT", b.damage},
		{&userTable, "INSERT OR IGNORE", b.users},
		{&groupTable, "INSERT OR IGNORE", b.groups},
	} {
		if err := w.records(r.t, r.verb, r.rows); err != nil {
			return err
		}
	}
	for _, s := range []struct {
		sql  string
		rows []record
	}{{setTaskSQL, b.setTasks}, {setTargetSQL, b.setTargets}, {setPathSQL, b.setPaths}, {setTypeSQL, b.setTypes}} {
		if err := w.each(s.sql, s.rows); err != nil {
			return err
		}
	}
	if b.commit {
		w.open = false
		return w.c.exec("COMMIT")
	}
	return nil
}

func (w *writer) events(rows []eventRow) error {
	for len(rows) > 0 {
		n := min(len(rows), rowsPerInsert)
		if n < rowsPerInsert {
			n = 1
		}
		s, err := w.insert(&eventTable, n)
		if err != nil {
			return err
		}
		args := w.args[:n*len(eventRow{})]
		for i := range n {
			for j, v := range rows[i] {
				a := &args[i*len(eventRow{})+j]
				if v == none {
					a.Value = nil
				} else {
					a.Value = v
				}
			}
		}
		if err := s.exec(args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (w *writer) postings(rows []posting) error {
	for len(rows) > 0 {
		n := min(len(rows), rowsPerInsert)
		if n < rowsPerInsert {
			n = 1
		}
		s, err := w.insert(&postingTable, n)
		if err != nil {
			return err
		}
		args := w.args[:n*3]
		for i := range n {
			args[i*3].Value, args[i*3+1].Value, args[i*3+2].Value = rows[i].kind, rows[i].id, rows[i].block
		}
		if err := s.exec(args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (w *writer) records(t *table, verb string, rows []record) error {
	if len(rows) == 0 {
		return nil
	}
	return w.each(t.insertSQL(verb, 1), rows)
}

// each runs one statement for every record.
func (w *writer) each(sql string, rows []record) error {
	if len(rows) == 0 {
		return nil
	}
	s, err := w.c.prepare(sql)
	if err != nil {
		return err
	}
	for _, r := range rows {
		args := w.args[:len(r)]
		for i, v := range r {
			args[i].Value = v
		}
		if err := s.exec(args); err != nil {
			return err
		}
	}
	return nil
}
