// Package sysreel is the root of a capture-and-forensics tool for Linux: it
// records system calls with eBPF into .scap files, replays them through a
// Falco-compatible rule engine, indexes them in SQLite and shows them in a
// terminal UI.
//
// The root holds no code. One way leads through the house, front door to back;
// a package may import those before it, never one behind it:
//
//	scapfile   the file: blocks, events, compression, the event schema
//	probe      the kernel side: BPF programs, selection, ring buffers
//	capture    a recording session: what to record, host snapshot, limits
//	replay     from events to events with context: threads, descriptors, fields
//	rules      the rule language: filter, rule files, engine, alerts
//	query      answers about a capture: SQLite index, filter to SQL, reports
//	tui        the terminal UI over query
//	cmd/sysreel the command line
//
// A test beside this file holds every package to that order.
package sysreel
