package query

import (
	"context"
	"io"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
)

// UpdateAlerts evaluates opts.Rules over the capture and puts their alerts in
// place of those in a finished index; the rest stays as it is.
func (ix *Index) UpdateAlerts(ctx context.Context, opts Options) error {
	r, err := scapfile.Open(ix.capture)
	if err != nil {
		return err
	}
	defer r.Close()
	c, err := openConn(ix.path, readWrite)
	if err != nil {
		return err
	}
	defer c.close()
	alerts := &indexer{out: new(batch)}
	hook := ruleAlerts(opts.Rules)
	m := replay.New(r, replay.Options{})
	for n := 0; ; n++ {
		ev, err := m.Next()
		if err != nil {
			if err != io.EOF && !isDamage(err) {
				return err
			}
			break
		}
		if ev.Flags&scapfile.FlagStateOnly == 0 {
			hook(ev, alerts)
		}
		if n&0xffff == 0xffff {
			if err := ctx.Err(); err != nil {
				return err
			}
			if opts.Progress != nil {
				done, total := r.Pos()
				opts.Progress(Progress{Events: int64(n), Bytes: done, TotalBytes: total})
			}
		}
	}
	return ix.replaceAlerts(c, alerts.out.alerts, rulesHash(opts.Rules))
}

func (ix *Index) replaceAlerts(c *conn, rows []record, hash string) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := c.exec("DELETE FROM alert")
	if err == nil {
		err = newWriter(c).records(&alertTable, "INSERT", rows)
	}
	if err == nil {
		err = c.exec("UPDATE meta SET value = ? WHERE key = 'rules_hash'", hash)
	}
	if err != nil {
		_ = c.exec("ROLLBACK") // the first error is the one that tells
		return err
	}
	if ix.facts != nil {
		ix.facts["rules_hash"] = hash
	}
	return c.exec("COMMIT")
}
