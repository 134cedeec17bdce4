// Package replay turns the events of a capture into events with context: which
// process, which parent, which file behind that descriptor, which peer, which
// user, which container, at that very event. A live stream is a replay of a
// file that has not ended.
//
// A [Machine] takes events from a scapfile.Source, applies each to its state
// and hands it out as an [Event]. The state starts from the source's snapshot
// and consists of [Thread] records, their [FD] tables, users, groups, network
// interfaces and container metadata. [Resolve] finds a field by the name that
// Falco and sysdig users know (proc.name, fd.sip, evt.arg.path) and binds it
// for extraction; [Fields] lists them all.
//
// Words: a process is a group of threads with one PID, whose main thread has
// TID == PID and owns what the process shares. A thread is invented when events
// show it and neither snapshot nor clone did. An exit event carries the result
// of a call and all its parameters; an enter event, where there is one, only
// what was asked for.
//
// Semantics follow libsinsp, the library of Falco, wherever its results are
// not wrong; README.md tells how, and the tests list each difference with its
// reason. The package consults nothing but its source: no /proc, no user
// database, no network, no clock. It does not know rules, filters or SQLite.
package replay
