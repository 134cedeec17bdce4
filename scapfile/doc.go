// Package scapfile reads and writes system call captures in the scap format of
// sysdig, Falco and Stratoshark.
//
// A capture is a stream of blocks: a section header, lists that describe the host
// at the start (machine, interfaces, users, threads with their descriptors: the
// Snapshot), then events. An Event is a view of its bytes: a header and
// parameters, whose names and types package schema describes. Reader yields the
// events of a file or a stream, Writer writes them; what lies between, such as a
// live probe, is any Source.
//
// Files are plain, gzip or zstd. What sysreel writes is compressed in pieces: zstd
// frames or gzip members that decompress on their own and carry a record about
// themselves where other tools do not look. With these a Reader decompresses in
// parallel, enters a file at any event (SeekEvent, SeekTime), reads past damage
// and tells what was lost (Damage).
//
// Captures made before 2025 hold two events for each call, at its enter and at its
// exit. The Reader converts them: everything behind it sees exit events with
// all parameters, as today's producers record them. Events are numbered after
// conversion, as the libs number them; ReaderOptions.Raw shows what is in the file.
//
// Renderer writes parameters as text, AppendJSON losslessly for machines.
//
// The package knows nothing of processes as they change, of rules or of the
// kernel: paths relative to a directory, names of descriptors and users come
// from the Resolver that package replay implements.
package scapfile
