package query

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// sqlFuncs documents the functions of the SQL connection.
var sqlFuncs = []struct{ name, doc string }{
	{"evt(num)", "the event as one line of text, as sysreel replay prints it"},
	{"match(num, 'filter')", "1 when the event matches a filter of the rule language, else 0"},
	{"ts(ns)", "time as text, UTC; ts('2026-03-02T12:07:31Z') gives nanoseconds"},
	{"human_bytes(n)", "12345678 as 11.8 MiB"},
	{"ip_in(ip, 'cidr')", "1 when the address is in the network, NULL when it is no address"},
}

func registerFuncs(c *conn, ix *Index) error {
	matches := make(map[string]numSet)
	for name, f := range map[string]any{
		"ts":          sqlTS,
		"human_bytes": HumanBytes,
		"ip_in":       ipIn,
		"evt": func(num int64) (string, error) {
			return ix.Line(context.Background(), num)
		},
		"match": func(num int64, text string) (int, error) {
			set, ok := matches[text]
			if !ok {
				var err error
				if set, err = ix.matchSet(text); err != nil {
					return 0, err
				}
				clear(matches) // a statement seldom has two filters; keep one
				matches[text] = set
			}
			if set.has(num) {
				return 1, nil
			}
			return 0, nil
		},
	} {
		if err := c.register(name, f, name != "match" && name != "evt"); err != nil {
			return fmt.Errorf("registering SQL function %s: %w", name, err)
		}
	}
	return nil
}

// matchSet returns the events that match a filter.
func (ix *Index) matchSet(text string) (numSet, error) {
	f, err := ParseFilter(text)
	if err != nil {
		return nil, err
	}
	var set numSet
	if err := ix.with(func(c *conn) error {
		list, err := ix.blockList(context.Background(), c)
		set = newNumSet(list)
		return err
	}); err != nil {
		return nil, err
	}
	err = ix.Find(context.Background(), f, Range{}, func(nums []int64, _ int64) bool {
		for _, n := range nums {
			set.add(n)
		}
		return true
	})
	return set, err
}

// sqlTS turns nanoseconds into text, and text into nanoseconds.
func sqlTS(v any) (any, error) {
	switch v := v.(type) {
	case int64:
		return FormatTime(v), nil
	case string:
		t, err := ParseTime(v)
		if err != nil {
			return nil, err
		}
		return t, nil
	case []byte: // what the driver makes of NULL
		if len(v) == 0 {
			return nil, nil
		}
	case nil:
		return nil, nil
	}
	return nil, fmt.Errorf("ts: want nanoseconds or text")
}

// timeLayout is how times print: UTC with nanoseconds.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// FormatTime renders nanoseconds since the epoch, UTC.
func FormatTime(ns int64) string { return time.Unix(0, ns).UTC().Format(timeLayout) }

// ParseTime reads a time as nanoseconds since the epoch: RFC 3339 or the same
// with a blank, without zone UTC, or a plain number of nanoseconds.
func ParseTime(s string) (int64, error) {
	var n int64
	if _, err := fmt.Sscanf(s, "%d", &n); err == nil && !strings.ContainsAny(s, "-:") {
		return n, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999",
		"2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixNano(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time; write 2026-03-02T12:07:31Z or nanoseconds since the epoch", s)
}

// HumanBytes renders a number of bytes with a binary unit.
func HumanBytes(n int64) string {
	const units = "KMGTPE"
	if n > -1024 && n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, u := float64(n)/1024, 0
	for (f >= 1024 || f <= -1024) && u < len(units)-1 {
		f /= 1024
		u++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[u])
}

func ipIn(ip any, cidr string) (any, error) {
	s, ok := ip.(string)
	if !ok {
		return nil, nil
	}
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return nil, fmt.Errorf("ip_in: %q is no network; write 10.0.0.0/8", cidr)
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return nil, nil
	}
	if p.Contains(a.Unmap()) {
		return 1, nil
	}
	return 0, nil
}
