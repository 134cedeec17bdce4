package filter

import (
	"sort"
	"strconv"
	"unicode/utf8"

	"github.com/sysreel/sysreel/replay"
)

// missing is what stands in text for a value that an event does not have.
const missing = "<NA>"

// Template is an output format: text with fields and transformer calls, as in
//
//	%evt.time %10proc.name opened %fd.name (%toupper(user.name))
//
// A number after the percent sign is an exact column width. A Template may be
// used by one goroutine at a time.
type Template struct {
	// KeepMissing prints <NA> for missing values; without it a missing value
	// suppresses the whole line. A leading * in the text sets it. Outputs of
	// rules always have it.
	KeepMissing bool
	// Escape, when set, appends captured values in a harmless form, for
	// terminals: safe.Append[string] does. The text around them is left alone.
	// The value is valid during the call only.
	Escape func(dst []byte, value string) []byte

	parts  []templatePart
	fields []TemplateField
	st     *State
	buf    []byte
}

type templatePart struct {
	literal string
	src     *source // nil for literal text
	width   int     // 0: as long as the value
}

// TemplateField is a field used in a template, be it inside a call.
type TemplateField struct {
	Key string // as written, argument included: the key in JSON
	Ref *replay.Ref
}

// ParseTemplate reads an output template. The error is a *ParseError or a
// *CompileError.
func ParseTemplate(text string) (*Template, error) {
	c := NewCompiler()
	t := &Template{st: c.NewState()}
	start := 0
	if len(text) > 0 && text[0] == '*' {
		t.KeepMissing, start = true, 1
	}
	p := newParser(text, ParseOptions{})
	if start == len(text) {
		return nil, p.fail(start, "", "empty template")
	}
	seen := make(map[string]bool)
	for p.pos = start; p.pos < len(text); {
		if text[p.pos] != '%' {
			from := p.pos
			for p.pos < len(text) && text[p.pos] != '%' {
				p.pos++
			}
			t.parts = append(t.parts, templatePart{literal: text[from:p.pos]})
			continue
		}
		part, op, err := c.templateValue(p)
		if err != nil {
			return nil, err
		}
		t.parts = append(t.parts, part)
		walkOperand(op, func(f *Field) {
			key := f.source(text)
			if s := c.sources[f.Text()]; s != nil && !seen[key] {
				seen[key] = true
				t.fields = append(t.fields, TemplateField{Key: key, Ref: s.ref})
			}
		})
	}
	sort.Slice(t.fields, func(i, j int) bool { return t.fields[i].Key < t.fields[j].Key })
	t.st.Begin()
	return t, nil
}

// source returns the field as written in text: its argument may be quoted where
// Text would not.
func (o *Field) source(text string) string {
	p := newParser(text, ParseOptions{})
	p.pos = o.At.Offset + len(o.Name)
	if o.HasArg {
		if _, _, err := p.bracket(); err != nil {
			return o.Text()
		}
	}
	return text[o.At.Offset:p.pos]
}

// maxWidth bounds column widths.
const maxWidth = 4096

// templateValue reads what stands after a percent sign: the longest text that is
// a call or a field.
func (c *Compiler) templateValue(p *parser) (templatePart, Operand, error) {
	percent := p.pos
	p.pos++
	n := digits(p.rest())
	width, _ := strconv.Atoi(p.rest()[:n])
	if p.pos += n; n > 0 && (width < 1 || width > maxWidth) {
		return templatePart{}, nil, p.fail(percent, "", "column width must be from 1 to %d", maxWidth)
	}
	if p.pos == len(p.text) {
		return templatePart{}, nil, p.fail(percent, "a percent sign introduces a field; there is no escape for it", "template ends after %%")
	}
	if p.callName() != "" {
		call, err := p.call()
		if err != nil {
			return templatePart{}, nil, err
		}
		s, err := c.source(call)
		return templatePart{src: s, width: width}, call, err
	}
	start := p.pos
	f, err := p.field()
	if err != nil {
		return templatePart{}, nil, p.fail(percent, "a percent sign introduces a field; there is no escape for it", "unknown filter %s", Quote(p.text[percent:min(len(p.text), percent+24)]))
	}
	// Shorten until the field is known, the first error is the one to report.
	s, firstErr := c.source(f)
	for end := start + len(f.Name); s == nil && end > start; end-- {
		if fieldNameLen(p.text[start:end]) != end-start {
			continue
		}
		short := &Field{At: f.At, Name: p.text[start:end]}
		if s, err = c.source(short); err == nil {
			f, p.pos = short, end
		}
	}
	if s == nil {
		return templatePart{}, nil, firstErr
	}
	return templatePart{src: s, width: width}, f, nil
}

// Fields returns the fields of the template without repetition, ordered by key;
// those inside calls too, the calls themselves not.
func (t *Template) Fields() []TemplateField { return t.fields }

// AppendText appends the line for ev. It returns false, and dst as it was, when
// a value is missing and KeepMissing is not set.
func (t *Template) AppendText(dst []byte, ev *replay.Event) ([]byte, bool) {
	t.st.Begin()
	n := len(dst)
	for i := range t.parts {
		p := &t.parts[i]
		if p.src == nil {
			dst = append(dst, p.literal...)
			continue
		}
		if p.width == 0 && t.Escape == nil {
			var ok bool
			if dst, ok = t.appendValue(dst, p.src, ev); !ok {
				return dst[:n], false
			}
			continue
		}
		var ok bool
		if t.buf, ok = t.appendValue(t.buf[:0], p.src, ev); !ok {
			return dst[:n], false
		}
		start := len(dst)
		if t.Escape != nil {
			dst = t.Escape(dst, textOf(t.buf))
		} else {
			dst = append(dst, t.buf...)
		}
		if p.width > 0 {
			dst = fit(dst, start, p.width)
		}
	}
	return dst, true
}

func (t *Template) appendValue(dst []byte, s *source, ev *replay.Event) ([]byte, bool) {
	ok := false
	if s.ref != nil {
		dst, ok = s.ref.AppendText(dst, ev)
	} else {
		var v replay.Value
		if v, ok = s.value(t.st, ev); ok {
			dst = v.AppendText(dst)
		}
	}
	if !ok && t.KeepMissing {
		return append(dst, missing...), true
	}
	return dst, ok
}

// fit makes the text from start on width characters wide.
func fit(dst []byte, start, width int) []byte {
	i := start
	for ; i < len(dst) && width > 0; width-- {
		_, size := utf8.DecodeRune(dst[i:])
		i += size
	}
	dst = dst[:i]
	for ; width > 0; width-- {
		dst = append(dst, ' ')
	}
	return dst
}

// AppendJSON appends the fields of the template with their values on ev as a
// JSON object, keys sorted; missing values are null.
func (t *Template) AppendJSON(dst []byte, ev *replay.Event) []byte {
	dst = append(dst, '{')
	for i := range t.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = t.fields[i].AppendJSON(dst, ev)
	}
	return append(dst, '}')
}

// AppendJSON appends "key":value.
func (f *TemplateField) AppendJSON(dst []byte, ev *replay.Event) []byte {
	dst = append(replay.AppendJSONString(dst, f.Key), ':')
	dst, _ = f.Ref.AppendJSON(dst, ev)
	return dst
}
