package rules

import "strings"

// Selection enables or disables rules by name or tag. Selections apply in order
// and beat "enabled" in rule files.
type Selection struct {
	Enable bool
	// Name is a whole rule name in which * stands for any text. Empty: any.
	Name string
	// Tag must be among the rule's tags. Empty: any.
	Tag string
}

// OnlyTags returns the selections of Falco's -t: only rules with one of the
// tags are enabled.
func OnlyTags(tags ...string) []Selection {
	s := []Selection{{Name: "*"}}
	for _, t := range tags {
		s = append(s, Selection{Enable: true, Tag: t})
	}
	return s
}

// WithoutTags returns the selections of Falco's -T.
func WithoutTags(tags ...string) []Selection {
	var s []Selection
	for _, t := range tags {
		s = append(s, Selection{Tag: t})
	}
	return s
}

// WithoutNames returns the selections of Falco's -D: rules with one of the
// texts in their name are disabled.
func WithoutNames(parts ...string) []Selection {
	var s []Selection
	for _, p := range parts {
		s = append(s, Selection{Name: "*" + p + "*"})
	}
	return s
}

func (s Selection) matches(r *Rule) bool {
	if s.Name != "" && !wildcard(s.Name, r.Name) {
		return false
	}
	if s.Tag == "" {
		return s.Name != ""
	}
	for _, t := range r.Tags {
		if t == s.Tag {
			return true
		}
	}
	return false
}

// wildcard matches a whole name against a pattern in which only * is special.
func wildcard(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(name, first) {
		return false
	}
	name = name[len(first):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return strings.HasSuffix(name, last)
}
