package query

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// Args returns the arguments of events as text safe to print, as evt.args has
// them, for rows that ascend by number. The event is entered in the capture
// without replaying what precedes it; what its descriptor refers to comes from
// the index. Names of other processes and of further descriptors, which only a
// replay could tell, are left out; Detail has them.
func (ix *Index) Args(ctx context.Context, rows []Row) ([]string, error) {
	res := new(rowResolver)
	var err error
	if res.users, err = ix.names(ctx, "SELECT uid, name FROM user"); err != nil {
		return nil, err
	}
	if res.groups, err = ix.names(ctx, "SELECT gid, name FROM user_group"); err != nil {
		return nil, err
	}
	ix.args.mu.Lock()
	defer ix.args.mu.Unlock()
	out := make([]string, len(rows))
	render := scapfile.Renderer{Resolver: res, Safe: true}
	var b []byte
	for i := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ev, err := ix.args.event(ix.capture, uint64(rows[i].Num))
		if err != nil {
			return nil, err
		}
		res.row = &rows[i]
		b = render.AppendArgs(b[:0], ev)
		out[i] = string(b)
	}
	return out, nil
}

// Line returns an event as one line of text safe to print, as sysreel replay
// shows it: number, time, CPU, process, thread, direction, type, arguments.
func (ix *Index) Line(ctx context.Context, num int64) (string, error) {
	rows, err := ix.RowsOf(ctx, []int64{num})
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", fmt.Errorf("event %d: %w", num, ErrNoEvent)
	}
	args, err := ix.Args(ctx, rows)
	if err != nil {
		return "", err
	}
	r := &rows[0]
	return fmt.Sprintf("%d %s %d %s (%d) < %s %s", r.Num, FormatTime(r.TS), r.CPU, safe.String(r.Proc), r.TID, safe.String(r.Type), args[0]), nil
}

// nearEvents is up to how far ahead an event is read to rather than sought.
const nearEvents = 4096

// argReader is a place in the capture, kept for the next page.
type argReader struct {
	mu   sync.Mutex
	r    *scapfile.Reader
	last uint64 // number of the event read last
}

// event returns an event, valid until the next call.
func (a *argReader) event(capture string, num uint64) (*scapfile.Event, error) {
	if a.r == nil {
		r, err := scapfile.Open(capture)
		if err != nil {
			return nil, err
		}
		a.r, a.last = r, 0
	}
	if num <= a.last || num > a.last+nearEvents {
		if err := a.r.SeekEvent(num); err != nil {
			a.drop()
			return nil, err
		}
	}
	for {
		ev, err := a.r.Next()
		if err != nil {
			a.drop()
			if err == io.EOF || isDamage(err) {
				err = ErrNoEvent
			}
			return nil, err
		}
		if a.last = ev.Num; ev.Num == num {
			return ev, nil
		}
		if ev.Num > num {
			return nil, ErrNoEvent
		}
	}
}

func (a *argReader) drop() {
	if a.r != nil {
		a.r.Close()
	}
	a.r, a.last = nil, 0
}

func (a *argReader) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop()
}

// names returns the names that a statement has for ids.
func (ix *Index) names(ctx context.Context, sql string) (map[uint32]string, error) {
	out := map[uint32]string{0: "root"}
	err := ix.with(func(c *conn) error {
		return c.each(ctx, sql, nil, func(v []driver.Value) error {
			out[uint32(intOf(v[0]))] = textOf(v[1])
			return nil
		})
	})
	return out, err
}

// rowResolver answers what the index knows about the event of a row.
type rowResolver struct {
	row           *Row
	users, groups map[uint32]string
}

var _ scapfile.Resolver = (*rowResolver)(nil)

// AppendFD implements scapfile.Resolver for the event's own descriptor.
func (r *rowResolver) AppendFD(dst []byte, _ *scapfile.Event, fd int64) []byte {
	// A duplicate refers to what its original does.
	if fd != r.row.FD && !strings.HasPrefix(r.row.Type, "dup") || fd < 0 || r.row.FDType == "" {
		return dst
	}
	dst = append(append(append(dst, '<'), r.row.FDChar...), '>')
	return safe.Append(dst, r.row.FDName)
}

// FDTypeChar implements scapfile.Resolver.
func (r *rowResolver) FDTypeChar(_ *scapfile.Event, fd int64) byte {
	if fd != r.row.FD || r.row.FDChar == "" {
		return 0
	}
	return r.row.FDChar[0]
}

// AppendComm implements scapfile.Resolver; other processes are not known.
func (r *rowResolver) AppendComm(dst []byte, pid int64) []byte {
	if pid == r.row.PID || pid == r.row.TID {
		return safe.Append(dst, r.row.Proc)
	}
	return dst
}

// AppendUser implements scapfile.Resolver.
func (r *rowResolver) AppendUser(dst []byte, uid uint32) []byte {
	return safe.Append(dst, r.users[uid])
}

// AppendGroup implements scapfile.Resolver.
func (r *rowResolver) AppendGroup(dst []byte, gid uint32) []byte {
	return safe.Append(dst, r.groups[gid])
}

// AppendPath implements scapfile.Resolver for the first path of the call.
func (r *rowResolver) AppendPath(dst []byte, e *scapfile.Event, i int) []byte {
	info := e.Info()
	if first := slices.IndexFunc(info.Params, func(p schema.Param) bool {
		return p.Type == schema.PT_FSPATH || p.Type == schema.PT_FSRELPATH
	}); i != first {
		return dst
	}
	if r.row.Path != "" {
		return safe.Append(dst, r.row.Path)
	}
	return safe.Append(dst, r.row.FDName)
}
