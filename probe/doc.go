// Package probe is the kernel side of sysreel: eBPF programs that turn system
// calls into events in the binary layout of the falcosecurity libs, selected in
// the kernel, and a reader that hands the events over in time order.
//
// A Probe is loaded by New, attached by Start, drained by Read, detached by Stop
// and released by Close. Events are exit events: one for each call that
// returned, with all its arguments. The clone family yields two (parent and
// child), a successful exec one, taken when the new image is in place, and the
// end of a task yields procexit.
//
// What an event's parameters mean is described by scapfile/schema; which kernel
// value fills which parameter stands in the recipe table of probe/gen, from
// which the per-syscall BPF code is generated. Every event that should have
// been recorded and was not is counted by cause: see Stats.
//
// The package does not know files, rules or /proc snapshots, uses no cgo, and
// makes no bpf(2) call before New or Check is called.
package probe
