// Package query answers questions about a capture in a second. It makes a SQLite
// file beside the capture, the index, in one streaming pass, and answers filters
// of the rule language and SQL from it.
//
// # Vocabulary
//
// The index is the SQLite file. It holds what questions select on, with the state
// resolved as it was at that moment; the bodies of the events stay in the
// capture. README.md describes every table and view.
//
// A task is a thread between two changes of its identity: what proc.name,
// user.name or container.id say of an event, the event's task says. A target is
// what a descriptor refers to: what fd.name says, the target says. A process is
// one incarnation of a pid. A block is 128 consecutive event numbers: postings
// tell which blocks hold events of a task, target or type.
//
// A dimension is such a table (task, target, event_type). A filter is taken
// apart into conditions over one dimension each, which the rule language's own
// compiler evaluates once a row, comparisons of an event's own numbers, which
// become SQL, and the residual, which only the decoded event can tell: its
// candidates are found by SQL and tested while replaying the capture. The result
// is that of testing every event.
//
// # Use
//
//	ix, err := query.OpenOrBuild(ctx, "web01.scap.zst", query.Options{})
//	defer ix.Close()
//	f, err := query.ParseFilter("proc.name = curl and evt.type = connect")
//	err = ix.Find(ctx, f, query.Range{}, func(nums []int64, scanned int64) bool { ... })
//
// A user interface that must not wait calls Start: the index then grows in the
// background, every question covers the events committed so far, and Progress
// and Done tell how far that is. The list of all events pages with Len and Rows;
// filtered lists collect numbers from Find and fetch rows with RowsOf; Args adds
// the arguments to a page of rows. Histogram, TreeAt, Process, Calls, Neighbour
// and Alerts serve the other screens. Detail and At replay the capture up to an
// event, which takes a moment far into a long one, for all that the capture
// says there. All methods are safe for concurrent use and stop when their
// context ends.
//
// # What it does not do
//
// It reads no rule files: a compiled set is handed in. It never trusts an index: size and hashes of the capture's head
// and tail, the schema version and the mark of completion must fit, or the index
// is built anew.
package query
