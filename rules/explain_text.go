package rules

import (
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile/safe"
)

// AppendText appends the explanation of one event for people: the verdict, the
// condition as a tree with the truth and value of each part, and what applied
// afterwards. Captured values are made safe.
func (e *Explanation) AppendText(dst []byte) []byte {
	dst = append(dst, "rule "...)
	dst = safe.Append(dst, e.Rule)
	dst = fmt.Appendf(dst, "\nevent %d %s: %s\n", e.Event, e.Type, e.Outcome)
	if e.ShadowedBy != "" {
		dst = append(dst, "  rule "...)
		dst = safe.Append(dst, e.ShadowedBy)
		dst = append(dst, " comes first and matches too\n"...)
	}
	for _, s := range e.Exceptions {
		dst = append(dst, "  exception "...)
		dst = safe.Append(dst, s.Exception)
		dst = fmt.Appendf(dst, " at %s:%d applies: %s\n", safe.String(s.File), s.Line, safe.String(s.Text))
	}
	return appendTrace(dst, e.Trace, 0)
}

func appendTrace(dst []byte, t *filter.Trace, depth int) []byte {
	truth := "false"
	if t.Truth {
		truth = "true "
	}
	dst = append(dst, truth...)
	dst = append(dst, strings.Repeat("  ", depth+1)...)
	switch t.Kind {
	case "macro":
		dst = append(dst, "macro "...)
		dst = safe.Append(dst, t.Text)
	case "check":
		dst = safe.Append(dst, shorten(t.Text, 100))
		dst = appendReading(dst, "  -- ", t.Left)
		dst = appendReading(dst, ", ", t.Right)
	default:
		dst = append(dst, t.Kind...)
	}
	dst = append(dst, '\n')
	for _, k := range t.Kids {
		dst = appendTrace(dst, k, depth+1)
	}
	return dst
}

func appendReading(dst []byte, sep string, r *filter.Reading) []byte {
	if r == nil {
		return dst
	}
	dst = append(dst, sep...)
	dst = safe.Append(dst, r.Text)
	if !r.Present {
		return append(dst, " has no value"...)
	}
	dst = append(dst, " is "...)
	return safe.Append(dst, shorten(filter.Quote(r.Value), 100))
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-3]) + "..."
	}
	return s
}

// AppendText appends the findings over a capture for people.
func (f *Findings) AppendText(dst []byte) []byte {
	dst = append(dst, "rule "...)
	dst = safe.Append(dst, f.Rule)
	if !f.Enabled {
		dst = append(dst, " (disabled)"...)
	}
	dst = fmt.Appendf(dst, "\n%d events, %d of the types that the rule is about\n", f.Events, f.Candidates)
	if f.Fired > 0 {
		dst = fmt.Appendf(dst, "fired %d times, first on event %d\n", f.Fired, f.FirstFired)
	} else {
		dst = append(dst, "never fired\n"...)
	}
	if f.Disabled > 0 {
		dst = fmt.Appendf(dst, "would have fired %d times were it enabled\n", f.Disabled)
	}
	if len(f.Exceptions) > 0 {
		dst = append(dst, "suppressed by exceptions\n"...)
	}
	for _, s := range f.Exceptions {
		dst = fmt.Appendf(dst, "%10d  %s at %s:%d: %s (event %d)\n", s.Count, safe.String(s.Exception), safe.String(s.File), s.Line, safe.String(s.Text), s.Event)
	}
	if len(f.Shadows) > 0 {
		dst = append(dst, "taken by earlier rules\n"...)
	}
	for _, s := range f.Shadows {
		dst = fmt.Appendf(dst, "%10d  %s (event %d)\n", s.Count, safe.String(s.Rule), s.Event)
	}
	if len(f.Stops) > 0 {
		dst = append(dst, "stopped by conditions, most frequent first\n"...)
	}
	for _, s := range f.Stops {
		dst = fmt.Appendf(dst, "%10d  %s\n            at %s:%d (event %d)\n", s.Count, safe.String(shorten(s.Text, 100)), safe.String(s.File), s.Line, s.Event)
	}
	return dst
}
