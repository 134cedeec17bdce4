package tui

import (
	"fmt"
	"strings"
)

// detailPane shows sections of fields with a cursor over them, and the payload
// of the event as bytes beside them.
type detailPane struct {
	list list
	d    *Detail
	rows []detailRow
}

// detailRow is one line: a section's title or a field of it.
type detailRow struct {
	title string
	field *DetailField
}

func (p *detailPane) reset() { p.list = list{} }

// set takes over a detail; the cursor stays where it was.
func (p *detailPane) set(d *Detail) {
	if p.d == d && d != nil {
		return
	}
	p.d, p.rows = d, p.rows[:0]
	if d == nil {
		return
	}
	for i := range d.Sections {
		s := &d.Sections[i]
		p.rows = append(p.rows, detailRow{title: s.Title})
		for j := range s.Fields {
			p.rows = append(p.rows, detailRow{field: &s.Fields[j]})
		}
	}
}

func (p *detailPane) move(n int64) { p.list.move(n, int64(len(p.rows))) }

// cell returns the field under the cursor if it can be filtered on.
func (p *detailPane) cell() (field, value string, ok bool) {
	if p.list.cur >= int64(len(p.rows)) {
		return "", "", false
	}
	fl := p.rows[p.list.cur].field
	if fl == nil || fl.Filter == "" {
		return "", "", false
	}
	return fl.Filter, fl.Value, true
}

// bytesWidth is the width of the byte pane: offset, eight groups, text.
const bytesWidth = 4 + 1 + 8*5 + 16 + 2

func (p *detailPane) draw(f *Frame, x, y, w, h int, title string, d *Detail, focused bool) {
	p.set(d)
	f.rule(x, y, w, title, focused)
	if d == nil {
		return
	}
	fw := w
	if len(d.Data) > 0 && w >= bytesWidth+40 {
		fw = w - bytesWidth - 2
		p.drawBytes(f, x+fw+1, y+1, h-1, d.Data)
	}
	top := p.list.window(int64(len(p.rows)), h-1)
	for i := range int64(h - 1) {
		at := top + i
		if at >= int64(len(p.rows)) {
			break
		}
		row := p.rows[at]
		yy := y + 1 + int(i)
		if row.field == nil {
			f.putCell(x, yy, fw, row.title, StyleBold)
		} else {
			f.putCell(x, yy, 2, "", StylePlain)
			f.putCell(x+2, yy, 18, row.field.Name, StyleDim)
			f.putCell(x+21, yy, fw-21, safeText(row.field.Value), StylePlain)
		}
		if focused && at == p.list.cur {
			f.restyle(x, yy, fw, StyleReverse)
		}
	}
}

func (p *detailPane) drawBytes(f *Frame, x, y, h int, data []byte) {
	for i := 0; i < h && i*16 < len(data); i++ {
		line := data[i*16 : min(i*16+16, len(data))]
		var b strings.Builder
		fmt.Fprintf(&b, "%s %04x ", f.glyph(glyphBar), i*16)
		for j := range 16 {
			if j < len(line) {
				fmt.Fprintf(&b, "%02x", line[j])
			} else {
				b.WriteString("  ")
			}
			if j%2 == 1 {
				b.WriteByte(' ')
			}
		}
		for _, c := range line {
			if c < ' ' || c > '~' {
				c = '.'
			}
			b.WriteByte(c)
		}
		f.put(x, y+i, bytesWidth+2, b.String(), StyleDim)
	}
}
