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
// The package does not read captures, does not run plugins (event sources other
// than syscall are unknown to it) and does not deliver alerts anywhere.
package rules
