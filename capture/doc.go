// Package capture is a recording session on a live host: what to record, the
// state of the host when it begins, and the way of every event from the probe to
// a file or a reader.
//
// Vocabulary:
//
//   - A Selection is the set of system calls to record, with the calls that were
//     added because the state of processes and descriptors cannot be kept without
//     them.
//   - A snapshot is what the host looks like at the start: threads, descriptors,
//     sockets, users, groups, interfaces. It is read from /proc after the probe is
//     attached, so that nothing falls between the two; a process that starts or
//     ends meanwhile is in both or in one of them, and a replay puts that right.
//   - A Session attaches the probe, takes the snapshot and delivers events.
//   - A Command is a child that waits, already followed by the probe, for the
//     moment to run.
//
// The package knows nothing of rules, of SQLite or of a user interface. Reading
// what it writes is package scapfile's job, giving events context is package
// replay's.
package capture
