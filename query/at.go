package query

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// At replays the capture up to event num and calls f with it and all of its
// state: to explain a rule on it, to look at what the host was like. When no
// event has that number it is ErrNoEvent.
func (ix *Index) At(ctx context.Context, num int64, f func(*replay.Event) error) error {
	r, err := scapfile.Open(ix.capture)
	if err != nil {
		return err
	}
	defer r.Close()
	m := replay.New(r, replay.Options{})
	for n := 0; ; n++ {
		ev, err := m.Next()
		switch {
		case err == io.EOF || err != nil && isDamage(err) || err == nil && int64(ev.Num) > num:
			return fmt.Errorf("event %d: %w", num, ErrNoEvent)
		case err != nil:
			return err
		case int64(ev.Num) == num:
			return f(ev)
		case n&0xffff == 0xffff && ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// OpenFD is a descriptor that a process had open.
type OpenFD struct {
	Num  int64
	Type string // file, ipv4, unix, pipe...
	Name string
}

// OpenAt returns what a process had open right after an event, by replaying the
// capture up to it; it is empty when the process is not known then.
func (ix *Index) OpenAt(ctx context.Context, pid, num int64) ([]OpenFD, error) {
	typ, err := replay.Resolve("fd.type")
	if err != nil {
		return nil, err
	}
	var out []OpenFD
	info := schema.Lookup(schema.PPME_SYSCALL_CLOSE_X)
	err = ix.At(ctx, num, func(at *replay.Event) error {
		t := at.M.Thread(pid)
		if t == nil {
			return nil
		}
		t.FDs(func(fd *replay.FD) bool {
			ev := replay.Event{Event: scapfile.NewEvent(info.Type, 0, pid), Info: info, Thread: t, FDNum: fd.Num, FD: fd, M: at.M}
			name, _ := typ.Str(&ev)
			out = append(out, OpenFD{Num: fd.Num, Type: strings.Clone(name), Name: strings.Clone(fd.Name)})
			return true
		})
		return nil
	})
	slices.SortFunc(out, func(a, b OpenFD) int { return cmp.Compare(a.Num, b.Num) })
	return out, err
}
