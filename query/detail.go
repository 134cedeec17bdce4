package query

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
)

// Detail is one event with everything the capture says about it.
type Detail struct {
	Num    int64
	TS     int64
	Args   string  // evt.args
	Params []Param // in the order of the schema
	Fields []Value // the fields that have a value, in the order of the catalogue
	Offset int64   // in the uncompressed capture, -1 unknown
}

// Param is a parameter of an event as recorded.
type Param struct {
	Name string
	Type string // PT_ name
	Text string
	Raw  []byte
}

// Value is a field with its text.
type Value struct {
	Field, Text string
}

// Detail decodes an event with all its context. It replays the capture up to
// the event; events near the last one asked for come from a cache.
func (ix *Index) Detail(ctx context.Context, num int64) (*Detail, error) {
	ix.details.Lock()
	defer ix.details.Unlock()
	d, err := ix.details.get(ctx, ix.capture, num)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", num, err)
	}
	return d, nil
}

// detailWindow is how many events before and behind the one asked for are kept:
// what a person looks at next.
const detailWindow = 64

// detailCache replays forward as far as it can and keeps what it passed last.
type detailCache struct {
	sync.Mutex
	reader  *scapfile.Reader
	machine *replay.Machine
	at      int64 // number of the last event replayed
	kept    map[int64]*Detail
	render  *renderer
}

func (dc *detailCache) get(ctx context.Context, capture string, num int64) (*Detail, error) {
	if d := dc.kept[num]; d != nil {
		return d, nil
	}
	if dc.render == nil {
		r, err := newRenderer()
		if err != nil {
			return nil, err
		}
		dc.render = r
	}
	if dc.machine == nil || dc.at >= num {
		dc.close()
		r, err := scapfile.Open(capture)
		if err != nil {
			return nil, err
		}
		dc.reader, dc.machine, dc.at = r, replay.New(r, replay.Options{}), 0
	}
	dc.kept = make(map[int64]*Detail)
	for n := 0; ; n++ {
		ev, err := dc.machine.Next()
		if err != nil {
			dc.close()
			if err == io.EOF || isDamage(err) {
				break
			}
			return nil, err
		}
		dc.at = int64(ev.Num)
		if dc.at >= num-detailWindow {
			dc.kept[dc.at] = dc.render.detail(ev)
		}
		if dc.at >= num+detailWindow || dc.at > num && dc.kept[num] == nil {
			break
		}
		if n&0xffff == 0xffff && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if d := dc.kept[num]; d != nil {
		return d, nil
	}
	return nil, ErrNoEvent
}

func (dc *detailCache) close() {
	if dc.reader != nil {
		dc.reader.Close()
	}
	dc.reader, dc.machine = nil, nil
}

// renderer turns events into details.
type renderer struct {
	args   *replay.Ref
	fields []*replay.Ref
}

func newRenderer() (*renderer, error) {
	args, err := replay.Resolve("evt.args")
	if err != nil {
		return nil, err
	}
	r := &renderer{args: args}
	for _, f := range replay.Fields() {
		if f.ArgRequired || f.FilterOnly || f.Hidden || f.Deprecated || f.Name == "evt.args" || f.Name == "evt.info" || f.Class == "util" {
			continue
		}
		if ref, err := replay.Resolve(f.Name); err == nil {
			r.fields = append(r.fields, ref)
		}
	}
	return r, nil
}

func (r *renderer) detail(ev *replay.Event) *Detail {
	d := &Detail{Num: int64(ev.Num), TS: int64(ev.TS), Offset: ev.Offset}
	var b []byte
	b, _ = r.args.AppendText(b[:0], ev)
	d.Args = string(b)
	for i := range ev.Info.Params {
		p := &ev.Info.Params[i]
		raw := append([]byte(nil), ev.Param(i)...)
		d.Params = append(d.Params, Param{Name: p.Name, Type: p.Type.String(), Raw: raw, Text: r.param(ev, p.Name)})
	}
	for _, f := range r.fields {
		if text, ok := f.AppendText(b[:0], ev); ok {
			d.Fields = append(d.Fields, Value{f.Text, string(text)})
			b = text
		}
	}
	return d
}

func (r *renderer) param(ev *replay.Event, name string) string {
	ref, err := replay.Resolve("evt.arg." + name)
	if err != nil {
		return ""
	}
	text, _ := ref.AppendText(nil, ev)
	return string(text)
}
