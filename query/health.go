package query

import (
	"context"
	"database/sql/driver"
)

// Health is what is missing from a capture.
type Health struct {
	Drops   int64 // events that the recorder lost
	Unknown int64 // events newer than this version's schema, not indexed
	Damage  []Damage
}

// Damage is a place that could not be read.
type Damage struct {
	Offset  int64 // in the capture, -1 unknown
	After   int64 // last event before it, 0 unknown
	Message string
}

// Health tells what is missing from the capture, as far as it is indexed.
func (ix *Index) Health(ctx context.Context) (*Health, error) {
	h := new(Health)
	err := ix.with(func(c *conn) error {
		for key, p := range map[string]*int64{"drops": &h.Drops, "unknown_events": &h.Unknown} {
			v, err := c.one(ctx, "SELECT value FROM meta WHERE key = ?", key)
			if err != nil {
				return err
			}
			*p = intOf(v)
		}
		return c.each(ctx, "SELECT offset, num, message FROM damage ORDER BY id", nil, func(v []driver.Value) error {
			h.Damage = append(h.Damage, Damage{Offset: intOr(v[0], -1), After: intOf(v[1]), Message: textOf(v[2])})
			return nil
		})
	})
	return h, err
}
