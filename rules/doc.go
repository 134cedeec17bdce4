// Package rules loads Falco-compatible rule files and evaluates them on the
// events of a replay.
//
// Vocabulary, the same as Falco's: a rule file is YAML and holds lists, macros,
// rules and version requirements. A condition is a boolean expression over
// fields (package rules/filter). An exception is a named group of field
// comparisons that takes events out of a rule. An output is a template. A rule
// that matches an event makes an alert.
//
// Load reads files and directories, merges what they define and compiles the
// result into a Set; every problem of every file is gathered in a Report with
// its place. Set.Eval runs the enabled rules on one event, dispatched by event
// type. Formatter turns matches into Falco's text and JSON lines, Summary counts
// them. Explainer tells why a rule did or did not match.
//
// # Where this differs from Falco
//
// Rule files that Falco loads load here and mean the same. Beyond that: all
// problems of a file are reported, not the first alone; unused macros and lists
// are judged after the last file, so that a macro which a later file uses is not
// called unused; lists expand on the syntax tree and only where a list may stand;
// a rule keeps its position when it is disabled and enabled again by selections;
// replaced exceptions get the same defaults and checks as new ones; the empty
// exception value is the empty text; LINT_ codes give advice that Falco does not.
// Bytes that Falco replaces by U+FFFD in output are kept: JSON encodes them
// (replay.AppendJSONString), text lines show them as escapes unless Formatter.Raw
// is set.
//
// The package does not read captures, does not run plugins (event sources other
// than syscall are unknown to it) and does not deliver alerts anywhere.
package rules
