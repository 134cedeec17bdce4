package query

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
)

// alertBatch is how many alerts are written at once.
const alertBatch = 4096

// UpdateAlerts evaluates opts.Rules over the capture and puts their alerts in
// place of those in a finished index; the rest stays as it is.
func (ix *Index) UpdateAlerts(ctx context.Context, opts Options) error {
	c, err := openConn(ix.path, readWrite)
	if err == nil {
		defer c.close()
		if err = ix.findAlerts(ctx, c, opts); err == nil {
			err = ix.replaceAlerts(c, rulesHash(opts.Rules))
		}
	}
	switch sqliteKind(err) {
	case kindUnwritable, kindFull:
		err = fmt.Errorf("%s holds the alerts of other rules and cannot be written; put an index elsewhere with --index PATH: %w", ix.path, err)
	}
	return err
}

// findAlerts collects the alerts in a temporary table: there may be more than
// fit in memory, and readers go on meanwhile.
func (ix *Index) findAlerts(ctx context.Context, c *conn, opts Options) error {
	if err := c.exec("PRAGMA busy_timeout=60000; CREATE TEMP TABLE fresh AS SELECT * FROM alert WHERE 0"); err != nil {
		return err
	}
	r, err := scapfile.Open(ix.capture)
	if err != nil {
		return err
	}
	defer r.Close()
	insert := strings.Replace(alertTable.insertSQL("INSERT", 1), "alert", "temp.fresh", 1)
	w := newWriter(c)
	found := &indexer{out: new(batch)}
	flush := func() error {
		err := w.each(insert, found.out.alerts)
		found.out.reset()
		return err
	}
	hook := ruleAlerts(opts.Rules)
	m := replay.New(r, replay.Options{})
	for n := 0; ; n++ {
		ev, err := m.Next()
		if err != nil {
			if err != io.EOF && !isDamage(err) {
				return err
			}
			return flush()
		}
		if ev.Flags&scapfile.FlagStateOnly == 0 {
			hook(ev, found)
		}
		if len(found.out.alerts) >= alertBatch {
			if err := flush(); err != nil {
				return err
			}
		}
		if n&0xffff != 0xffff {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if opts.Progress != nil {
			done, total := r.Pos()
			opts.Progress(Progress{Events: int64(n), Bytes: done, TotalBytes: total})
		}
	}
}

func (ix *Index) replaceAlerts(c *conn, hash string) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, sql := range []string{"DELETE FROM alert", "INSERT INTO alert SELECT * FROM temp.fresh"} {
		if err := c.exec(sql); err != nil {
			_ = c.exec("ROLLBACK") // the first error is the one that tells
			return err
		}
	}
	if err := c.exec("UPDATE meta SET value = ? WHERE key = 'rules_hash'", hash); err != nil {
		_ = c.exec("ROLLBACK")
		return err
	}
	return c.exec("COMMIT")
}
