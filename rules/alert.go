package rules

import (
	"time"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/safe"
)

// Formatter renders matches as Falco does. The zero value makes Falco's default
// lines.
type Formatter struct {
	// Hostname stands in JSON; empty: the name of the recorded host, if known.
	Hostname string
	// ISOTime prints evt.time.iso8601 instead of evt.time in front of the message.
	ISOTime bool
	// Raw leaves captured values in text lines as they are. Without it control
	// characters and invalid UTF-8 become visible escapes. JSON is not affected.
	Raw bool

	// What JSON lines leave out or hold in addition.
	NoOutput, NoFields, NoTags bool
	Message                    bool // the message without time and priority
}

// AppendText appends "TIME: Priority message", without a line break.
func (f *Formatter) AppendText(dst []byte, m *Match) []byte {
	return f.appendLine(dst, m, !f.Raw)
}

func (f *Formatter) appendLine(dst []byte, m *Match, escape bool) []byte {
	ref := timeRef
	if f.ISOTime {
		ref = timeISORef
	}
	dst, _ = ref.AppendText(dst, m.Event)
	dst = append(dst, ": "...)
	dst = append(dst, m.Rule.Priority.String()...)
	dst = append(dst, ' ')
	return m.appendMessage(dst, escape)
}

// AppendMessage appends the output of the rule alone, with captured values made
// safe for terminals.
func (m *Match) AppendMessage(dst []byte) []byte { return m.appendMessage(dst, true) }

func (m *Match) appendMessage(dst []byte, escape bool) []byte {
	t := m.output().tmpl
	if t.Escape = nil; escape {
		t.Escape = safe.Append[string]
	}
	dst, _ = t.AppendText(dst, m.Event)
	return dst
}

// AppendFields appends the output fields as a JSON object, keys sorted.
func (m *Match) AppendFields(dst []byte) []byte { return appendFields(dst, m.output().fields, m.Event) }

func appendFields(dst []byte, fields []jsonField, ev *replay.Event) []byte {
	dst = append(dst, '{')
	for i := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		fd := &fields[i]
		dst = replay.AppendJSONString(dst, fd.key)
		dst = append(dst, ':')
		switch {
		case fd.ref != nil:
			dst, _ = fd.ref.AppendJSON(dst, ev)
		case fd.tmpl != nil:
			text, _ := fd.tmpl.AppendText(nil, ev)
			dst = replay.AppendJSONString(dst, string(text))
		default:
			dst = replay.AppendJSONString(dst, fd.value)
		}
	}
	return append(dst, '}')
}

// AppendJSON appends the alert as one JSON object with the keys of Falco, in
// sorted order and without a line break.
func (f *Formatter) AppendJSON(dst []byte, m *Match) []byte {
	r := m.Rule
	host := f.Hostname
	if host == "" && m.Event.M != nil {
		if info := m.Event.M.Info(); info != nil {
			host = info.Hostname
		}
	}
	dst = append(dst, `{"hostname":`...)
	dst = replay.AppendJSONString(dst, host)
	if f.Message {
		dst = append(dst, `,"message":`...)
		dst = replay.AppendJSONString(dst, string(m.appendMessage(nil, false)))
	}
	if !f.NoOutput {
		dst = append(dst, `,"output":`...)
		dst = replay.AppendJSONString(dst, string(f.appendLine(nil, m, false)))
	}
	if !f.NoFields {
		dst = append(dst, `,"output_fields":`...)
		fields := m.output().fields
		if f.ISOTime {
			fields = m.output().fieldsISO
		}
		dst = appendFields(dst, fields, m.Event)
	}
	dst = append(dst, `,"priority":"`...)
	dst = append(dst, r.Priority.String()...)
	dst = append(dst, `","rule":`...)
	dst = replay.AppendJSONString(dst, r.Name)
	dst = append(dst, `,"source":`...)
	dst = replay.AppendJSONString(dst, r.Source)
	if !f.NoTags {
		dst = append(dst, `,"tags":[`...)
		for i, t := range r.Tags {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = replay.AppendJSONString(dst, t)
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `,"time":"`...)
	dst = time.Unix(0, int64(m.Event.TS)).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000000Z")
	return append(dst, `"}`...)
}
