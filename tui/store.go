package tui

import (
	"context"

	"github.com/sysreel/sysreel/query"
	"github.com/sysreel/sysreel/scapfile/safe"
)

// maxAlerts is how many alerts the UI looks at; rules that fire more often than
// that on one capture say nothing.
const maxAlerts = 100_000

// Store is what the screens read. All methods may be slow and are called from
// workers, never from the event loop, except Info, Check, Fields, Events,
// ColumnFields, Saved, Views, Words and Notify, which must answer at once. Times are nanoseconds since the epoch.
type Store interface {
	// Notify names the function that is called, from any goroutine, whenever
	// Info has changed.
	Notify(f func())
	// Info tells what is known of the capture so far; it changes while the
	// index grows.
	Info() Info
	// Check judges a filter as it is typed. nil is valid; an error that is an
	// incomplete only wants more text.
	Check(filter string) error
	// Fields returns the names that a filter may use, for completion.
	Fields() []string

	// Events lists the events that match a filter within a range.
	// columns are further fields to read, of those that ColumnFields lists.
	Events(v view, columns []string) EventList
	ColumnFields() []string
	// Values counts the values of a field in the events of a view, most frequent
	// first.
	Values(ctx context.Context, v view, field string) ([]ValueCount, error)
	// Export returns the events of a view with all that the index has of them;
	// done releases the rows.
	Export(ctx context.Context, v view) (names []string, rows query.RowSource, done func() error, err error)
	// Brief tells what can be said of an event at once, Detail everything.
	Brief(ctx context.Context, num uint64) (*Detail, error)
	Detail(ctx context.Context, num uint64) (*Detail, error)

	// EventAt returns the first event at or after a time.
	EventAt(ctx context.Context, ts uint64) (moment, error)
	// Neighbour returns the next (dir 1) or previous (dir -1) event of a
	// process incarnation from an event on; proc 0 means that of the event.
	Neighbour(ctx context.Context, from uint64, proc int64, dir int) (moment, error)

	// Procs returns all process incarnations, parents before children.
	Procs(ctx context.Context) ([]Proc, error)
	// Matching counts the events that match a filter within a range by process
	// incarnation.
	Matching(ctx context.Context, v view) (map[int64]int64, error)
	// ProcDetail tells about one incarnation.
	ProcDetail(ctx context.Context, id int64) ([]Section, error)
	// OpenFDs lists the descriptors that a process had open at a time.
	OpenFDs(ctx context.Context, pid int64, at uint64) ([]DetailField, error)

	// Files and Conns return the files and the connections that events concern
	// which match a filter within a range.
	Files(ctx context.Context, v view) (*Table, error)
	Conns(ctx context.Context, v view) (*Table, error)
	// FileFilter returns the filter for the events that concern a path.
	FileFilter(ctx context.Context, path string) (string, error)

	// Alerts returns the first maxAlerts alerts, in order of time, on events that
	// match a filter within a range.
	Alerts(ctx context.Context, v view) ([]Alert, error)
	// Why evaluates the condition of a rule on an event.
	Why(ctx context.Context, event uint64, rule string) ([]TraceLine, error)

	// Rules lists the rules in the order in which they are evaluated.
	Rules(ctx context.Context) ([]Rule, error)
	// Study tells what a rule did over the whole capture, and what stopped it.
	Study(ctx context.Context, rule string) ([]string, error)

	// SQL runs one statement that can only read.
	SQL(ctx context.Context, text string) (*Table, error)
	// Saved lists the saved queries; Report runs one of them.
	Saved() []SavedQuery
	Report(ctx context.Context, name string) (*Table, error)
	// Views describes the views of SQL, one a line; Words completes their names
	// and those of their columns.
	Views() []string
	Words(prefix string) []string

	// Lane counts the events that match a view and a further filter.
	Lane(ctx context.Context, s stretch, term string) ([]Bucket, error)
}

// Info describes a capture.
type Info struct {
	Name       string // file name
	Start, End uint64
	Events     int64 // events known so far
	Drops      int64 // events the recorder lost
	Damage     string
	Percent    int  // of the capture that is indexed
	Final      bool // the index is complete, alerts included
	Err        error
	Version    int64 // grows with every change of the index
}

// incomplete marks an error of a filter that is not finished yet.
type incomplete struct{ error }

// Range is a time range, both ends included; the zero Range is everything.
type Range struct{ A, B uint64 }

func (r Range) all() bool { return r == Range{} }

// moment is an event and its time.
type moment struct{ num, ts uint64 }

// view is the part of a capture that a screen shows.
type view struct {
	filter string
	rng    Range
}

func (v view) all() bool { return v == view{} }

// EventList is a list of events for a Pager.
type EventList interface {
	pageSource[EventRow]
	// IndexOf returns the row of the first event whose number is at least num.
	IndexOf(ctx context.Context, num uint64) (int64, error)
}

// EventRow is one line of the event list. Strings are as captured.
type EventRow struct {
	Num    uint64
	TS     uint64
	CPU    uint16
	Proc   string
	PID    int64
	ProcID int64 // process incarnation
	Type   string
	Args   string
	Failed bool
	Alert  byte     // letter of the highest alert on it, 0 none
	Extra  []string // values of the columns asked for, empty until they are read

	src *query.Row
}

// Section is a group of fields in a detail pane.
type Section struct {
	Title  string
	Fields []DetailField
}

// DetailField is one line of a detail pane. Filter is the field's name in the
// filter language, "" for lines that cannot be filtered on.
type DetailField struct {
	Name, Value, Filter string
}

// Detail is everything about one event.
type Detail struct {
	Num      uint64
	TS       uint64
	ProcID   int64
	PID      int64
	Title    string
	Sections []Section
	Data     []byte // payload of the call, for the byte pane
}

// Proc is one incarnation of a process.
type Proc struct {
	ID         int64
	Parent     int64 // ID of the parent incarnation, 0 none
	PID        int64
	Name       string
	Cmdline    string
	User       string
	Start, End uint64 // 0: before the capture, still alive at its end
	Events     int64
	Alerts     int64
	Worst      byte // letter of its highest alert
}

// Alert is one rule match.
type Alert struct {
	Event    uint64
	TS       uint64
	Priority string
	Rule     string
	Proc     string
	PID      int64
	ProcID   int64
	Output   string
	Tags     []string
}

// TraceLine is one node of a condition's evaluation.
type TraceLine struct {
	Depth int
	Text  string
	Truth string // true, false, "" when not reached
	Value string // field's value, leaves only
}

// safeText turns a captured string into text for the screen, looking only at
// its first part: no cell is wider than that.
func safeText(s string) string {
	const most = 4096
	if len(s) > most {
		s = s[:most] + "..."
	}
	return safe.String(s)
}

// priorityLetter returns the letter that stands for a priority beside its colour.
func priorityLetter(priority string) byte {
	switch priority {
	case "Emergency", "Alert", "Critical":
		return 'C'
	case "Error":
		return 'E'
	case "Warning":
		return 'W'
	case "":
		return 0
	}
	return 'N'
}

func letterStyle(l byte) Style {
	switch l {
	case 'C':
		return ColorMagenta | StyleBold
	case 'E':
		return ColorRed | StyleBold
	case 'W':
		return ColorYellow
	}
	return ColorCyan
}
