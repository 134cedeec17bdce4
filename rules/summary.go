package rules

import (
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/safe"
)

// Summary counts matches. The zero value is ready.
type Summary struct {
	Total      uint64
	byPriority [PriorityDebug + 1]uint64
	byRule     map[*Rule]uint64
}

// Add counts a match.
func (s *Summary) Add(r *Rule) {
	if s.byRule == nil {
		s.byRule = map[*Rule]uint64{}
	}
	s.Total++
	s.byPriority[r.Priority]++
	s.byRule[r]++
}

// ByRule returns how often r matched.
func (s *Summary) ByRule(r *Rule) uint64 { return s.byRule[r] }

// ByPriority returns how many matches had that priority.
func (s *Summary) ByPriority(p Priority) uint64 {
	if int(p) < len(s.byPriority) {
		return s.byPriority[p]
	}
	return 0
}

// AppendText appends the summary that Falco prints at the end of a run, rules
// in the order of the set. Only what occurred is listed.
func (s *Summary) AppendText(dst []byte, set *Set) []byte {
	dst = fmt.Appendf(dst, "Events detected: %d\nRule counts by severity:\n", s.Total)
	for p := PriorityEmergency; p <= PriorityDebug; p++ {
		if n := s.byPriority[p]; n > 0 {
			name := strings.ToUpper(p.String())
			if p == PriorityInformational {
				name = "INFO"
			}
			dst = fmt.Appendf(dst, "   %s: %d\n", name, n)
		}
	}
	dst = append(dst, "Triggered rules by rule name:\n"...)
	for _, r := range set.Rules() {
		if n := s.byRule[r]; n > 0 {
			dst = append(dst, "   "...)
			dst = safe.Append(dst, r.Name)
			dst = fmt.Appendf(dst, ": %d\n", n)
		}
	}
	return dst
}

// AppendJSON appends the summary as one JSON object with the counts under
// "events_detected", "by_severity" and "by_rule".
func (s *Summary) AppendJSON(dst []byte, set *Set) []byte {
	dst = fmt.Appendf(dst, `{"events_detected":%d,"by_severity":{`, s.Total)
	sep := ""
	for p := PriorityEmergency; p <= PriorityDebug; p++ {
		if n := s.byPriority[p]; n > 0 {
			dst = fmt.Appendf(dst, `%s"%s":%d`, sep, p, n)
			sep = ","
		}
	}
	dst = append(dst, `},"by_rule":{`...)
	sep = ""
	for _, r := range set.Rules() {
		if n := s.byRule[r]; n > 0 {
			dst = append(dst, sep...)
			dst = replay.AppendJSONString(dst, r.Name)
			dst = fmt.Appendf(dst, ":%d", n)
			sep = ","
		}
	}
	return append(dst, "}}\n"...)
}
