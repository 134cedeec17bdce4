package rules

import (
	"fmt"
	"strings"
)

// Priority is the severity of a rule. Smaller is more severe; 0 means unset.
type Priority uint8

// Priorities, most severe first.
const (
	PriorityEmergency Priority = iota + 1
	PriorityAlert
	PriorityCritical
	PriorityError
	PriorityWarning
	PriorityNotice
	PriorityInformational
	PriorityDebug
)

var priorityNames = [...]string{"", "Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"}

// String returns the full name with a capital letter, as alerts show it.
func (p Priority) String() string {
	if int(p) < len(priorityNames) {
		return priorityNames[p]
	}
	return fmt.Sprintf("Priority(%d)", uint8(p))
}

// ParsePriority reads a priority in any letter case; "info" is short for
// informational.
func ParsePriority(s string) (Priority, error) {
	if strings.EqualFold(s, "info") {
		return PriorityInformational, nil
	}
	for i, n := range priorityNames {
		if i > 0 && strings.EqualFold(s, n) {
			return Priority(i), nil
		}
	}
	return 0, fmt.Errorf("unknown priority %q, use one of: %s", s, strings.ToLower(strings.Join(priorityNames[1:], ", ")))
}
