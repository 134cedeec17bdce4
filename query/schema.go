package query

import (
	"fmt"
	"strings"
)

// SchemaVersion is the version of tables and views. An index of another version
// is rebuilt, never read.
const SchemaVersion = 1

// blockShift gives the size of a block: 128 consecutive event numbers. Blocks
// are the unit of the posting table and of the jump table into the capture.
// Smaller blocks make rare things cheaper to find and the index larger.
const blockShift = 7

// Kinds of ids in the posting table.
const (
	postTask = iota
	postTarget
	postType
	postPath
	numPostings
)

// column is a column of a table. A column with a field holds the value that the
// field of the rule language had, NULL where it had none.
type column struct {
	name  string
	typ   string // SQL type and constraints
	field string
	doc   string
}

// table is a table of the index.
type table struct {
	name    string
	doc     string
	columns []column
	suffix  string // constraints behind the columns
	options string // behind the closing bracket
}

// view is a view of the index: what people query.
type view struct {
	name    string
	doc     string
	columns []column // name, typ holds the expression, doc
	from    string
}

var metaTable = table{
	name: "meta",
	doc:  "Facts about the index and the capture it belongs to.",
	columns: []column{
		{"key", "TEXT PRIMARY KEY", "", "name of the fact"},
		{"value", "", "", "its value"},
	},
	options: "WITHOUT ROWID",
}

var eventTable = table{
	name: "event",
	doc:  "One row an event, ids only. The view events has the names; the bodies stay in the capture.",
	columns: []column{
		{"num", "INTEGER PRIMARY KEY", "evt.num", "number in the capture, from 1"},
		{"ts", "INTEGER NOT NULL", "evt.rawtime", "nanoseconds since the epoch"},
		{"task", "INTEGER NOT NULL", "", "the calling thread: task.id"},
		{"type", "INTEGER NOT NULL", "", "event_type.id"},
		{"cpu", "INTEGER NOT NULL", "evt.cpu", "CPU it was recorded on"},
		{"fd", "INTEGER", "fd.num", "descriptor number, NULL when it has none"},
		{"target", "INTEGER NOT NULL", "", "what the descriptor refers to: target.id, 0 for calls that have none"},
		{"path", "INTEGER", "", "path a call without descriptor works on: path.id"},
		{"res", "INTEGER", "evt.rawres", "return value, negative on failure, NULL when it has none"},
	},
}

var eventTypeTable = table{
	name: "event_type",
	doc:  "The kinds of events that occur; calls without an event of their own appear under the call's name.",
	columns: []column{
		{"id", "INTEGER PRIMARY KEY", "", ""},
		{"evt_type", "TEXT", "evt.type", "name of the event or system call"},
		{"syscall_type", "TEXT", "syscall.type", "name of the system call, NULL for other events"},
		{"evt_is_io", "INTEGER", "evt.is_io", "1 when it transfers data"},
		{"evt_is_io_read", "INTEGER", "evt.is_io_read", "1 when it reads data"},
		{"evt_is_io_write", "INTEGER", "evt.is_io_write", "1 when it writes data"},
		{"evt_io_dir", "TEXT", "evt.io_dir", "read or write"},
		{"evt_is_wait", "INTEGER", "evt.is_wait", "1 when it may block"},
		{"evt_dir", "TEXT", "evt.dir", "< for the end of a call, > for events that are no calls"},
		{"events", "INTEGER NOT NULL DEFAULT 0", "", "how many there are"},
		{"failed", "INTEGER NOT NULL DEFAULT 0", "", "how many failed"},
	},
}

// taskFields begin at the fifth column: the order is that of the insert.
var taskTable = table{
	name: "task",
	doc: "A thread between two changes of its identity (exec, setuid, chdir, new parent...): " +
		"the state that the fields proc.*, thread.*, user.*, group.* and container.* had for its events.",
	columns: []column{
		{"id", "INTEGER PRIMARY KEY", "", ""},
		{"process", "INTEGER NOT NULL", "", "process.id, 0 when the thread is not known"},
		{"first_num", "INTEGER", "", "first event"},
		{"last_num", "INTEGER", "", "last event"},
		{"events", "INTEGER NOT NULL DEFAULT 0", "", "how many events it has"},
		{"thread_tid", "INTEGER", "thread.tid", "thread id on the host"},
		{"thread_vtid", "INTEGER", "thread.vtid", "thread id in its pid namespace"},
		{"proc_pid", "INTEGER", "proc.pid", "process id on the host"},
		{"proc_vpid", "INTEGER", "proc.vpid", "process id in its pid namespace"},
		{"proc_ppid", "INTEGER", "proc.ppid", "process id of the parent"},
		{"proc_sid", "INTEGER", "proc.sid", "session id"},
		{"proc_tty", "INTEGER", "proc.tty", "controlling terminal, 0 when none"},
		{"proc_name", "TEXT", "proc.name", "command name, at most 15 bytes"},
		{"proc_exe", "TEXT", "proc.exe", "first word of the command line"},
		{"proc_exepath", "TEXT", "proc.exepath", "path of the executable"},
		{"proc_args", "TEXT", "proc.args", "arguments joined by spaces"},
		{"proc_cmdline", "TEXT", "proc.cmdline", "name and arguments"},
		{"proc_cwd", "TEXT", "proc.cwd", "working directory"},
		{"proc_pname", "TEXT", "proc.pname", "name of the parent"},
		{"proc_pexe", "TEXT", "proc.pexe", "first word of the parent's command line"},
		{"proc_pexepath", "TEXT", "proc.pexepath", "path of the parent's executable"},
		{"proc_pcmdline", "TEXT", "proc.pcmdline", "command line of the parent"},
		{"proc_is_exe_writable", "INTEGER", "proc.is_exe_writable", "1 when its user may write the executable"},
		{"proc_is_exe_upper_layer", "INTEGER", "proc.is_exe_upper_layer", "1 when the executable came after the container's start"},
		{"proc_is_exe_from_memfd", "INTEGER", "proc.is_exe_from_memfd", "1 when the executable is memory only"},
		{"user_uid", "INTEGER", "user.uid", "effective user id"},
		{"user_name", "TEXT", "user.name", "effective user"},
		{"user_loginuid", "INTEGER", "user.loginuid", "user id at login, -1 when unset"},
		{"user_loginname", "TEXT", "user.loginname", "user at login"},
		{"group_gid", "INTEGER", "group.gid", "effective group id"},
		{"group_name", "TEXT", "group.name", "effective group"},
		{"container_id", "TEXT", "container.id", "container, 'host' outside containers"},
	},
}

const taskFieldsFrom = 5

var targetTable = table{
	name: "target",
	doc:  "What descriptors refer to: files, connections, pipes. A connection accepted or made anew is a new row; a path that could not be opened is one without fd_type.",
	columns: []column{
		{"id", "INTEGER PRIMARY KEY", "", "0 stands for events that have nothing to do with descriptors"},
		{"process", "INTEGER NOT NULL DEFAULT 0", "", "process.id that used it first"},
		{"first_num", "INTEGER", "", "first event"},
		{"last_num", "INTEGER", "", "last event"},
		{"first_ts", "INTEGER", "", "time of the first event"},
		{"last_ts", "INTEGER", "", "time of the last event"},
		{"closed_ts", "INTEGER", "", "time of the last close, NULL when still open at the end or used afterwards"},
		{"role", "TEXT", "", "client when the process connected, server when it accepted or listens, NULL unknown"},
		{"events", "INTEGER NOT NULL DEFAULT 0", "", "how many events it has"},
		{"failed", "INTEGER NOT NULL DEFAULT 0", "", "how many of them failed"},
		{"opens", "INTEGER NOT NULL DEFAULT 0", "", "events that made a descriptor for it"},
		{"reads", "INTEGER NOT NULL DEFAULT 0", "", "successful reads and receives"},
		{"writes", "INTEGER NOT NULL DEFAULT 0", "", "successful writes and sends"},
		{"bytes_read", "INTEGER NOT NULL DEFAULT 0", "", "bytes read or received"},
		{"bytes_written", "INTEGER NOT NULL DEFAULT 0", "", "bytes written or sent"},
		{"fd_type", "TEXT", "fd.type", "file, directory, ipv4, ipv6, unix, pipe..."},
		{"fd_typechar", "TEXT", "fd.typechar", "one letter for it"},
		{"fd_name", "TEXT", "fd.name", "absolute path or connection"},
		{"fd_nameraw", "TEXT", "fd.nameraw", "path as the call gave it"},
		{"fd_directory", "TEXT", "fd.directory", "directory of a file"},
		{"fd_filename", "TEXT", "fd.filename", "last component of a file's path"},
		{"fd_dev", "INTEGER", "fd.dev", "device of a file"},
		{"fd_ino", "INTEGER", "fd.ino", "inode of a file"},
		{"fd_l4proto", "TEXT", "fd.l4proto", "tcp, udp, icmp, raw"},
		{"fd_sockfamily", "TEXT", "fd.sockfamily", "ip or unix"},
		{"fd_cip", "TEXT", "fd.cip", "address of the client"},
		{"fd_cport", "INTEGER", "fd.cport", "port of the client"},
		{"fd_sip", "TEXT", "fd.sip", "address of the server"},
		{"fd_sport", "INTEGER", "fd.sport", "port of the server"},
		{"fd_lip", "TEXT", "fd.lip", "address of the local end"},
		{"fd_lport", "INTEGER", "fd.lport", "port of the local end"},
		{"fd_rip", "TEXT", "fd.rip", "address of the remote end"},
		{"fd_rport", "INTEGER", "fd.rport", "port of the remote end"},
		{"fd_is_server", "INTEGER", "fd.is_server", "1 when the process is the server"},
		{"fd_ips", "TEXT", "fd.ip", "every address of it, separated by commas"},
		{"fd_ports", "TEXT", "fd.port", "every port of it, separated by commas"},
	},
}

const targetFieldsFrom = 15

var pathTable = table{
	name: "path",
	doc:  "Paths of calls that make no descriptor: unlink, rename, mkdir, chmod, execve...",
	columns: []column{
		{"id", "INTEGER PRIMARY KEY", "", ""},
		{"name", "TEXT", "", "path, absolute where the capture tells"},
		{"events", "INTEGER NOT NULL DEFAULT 0", "", "how many events name it"},
		{"failed", "INTEGER NOT NULL DEFAULT 0", "", "how many of them failed"},
	},
}

var secondPathTable = table{
	name: "second_path",
	doc:  "The second path of calls that have two: the new name of a rename, what a link points to, the mount point.",
	columns: []column{
		{"num", "INTEGER PRIMARY KEY", "", "event.num"},
		{"path", "INTEGER NOT NULL", "", "path.id"},
	},
}

var processTable = table{
	name: "process",
	doc:  "A process from its start to its end; a pid that was used again is another row.",
	columns: []column{
		{"id", "INTEGER PRIMARY KEY", "", "0 stands for no process"},
		{"pid", "INTEGER", "", "process id on the host"},
		{"ppid", "INTEGER", "", "process id of the parent it had at first"},
		{"parent", "INTEGER", "", "process.id of that parent, NULL when unknown"},
		{"start_ts", "INTEGER", "", "time of its creation, NULL when before the capture"},
		{"end_ts", "INTEGER", "", "time of its exit, NULL when it outlived the capture"},
		{"exit_status", "INTEGER", "", "status it exited with, as wait reports it"},
		{"first_num", "INTEGER", "", "first event"},
		{"last_num", "INTEGER", "", "last event"},
		{"events", "INTEGER NOT NULL DEFAULT 0", "", "events of all its threads"},
		{"failed", "INTEGER NOT NULL DEFAULT 0", "", "failed calls among them"},
		{"threads", "INTEGER NOT NULL DEFAULT 0", "", "states of threads seen: rows of task"},
		{"execs", "INTEGER NOT NULL DEFAULT 0", "", "programs it executed"},
		{"bytes_read", "INTEGER NOT NULL DEFAULT 0", "", "bytes read or received"},
		{"bytes_written", "INTEGER NOT NULL DEFAULT 0", "", "bytes written or sent"},
		{"task", "INTEGER", "", "task.id of its last state: name, executable, arguments, user, container"},
	},
}

var alertTable = table{
	name: "alert",
	doc:  "What the rules of the index found.",
	columns: []column{
		{"id", "INTEGER PRIMARY KEY", "", "in the order of the events"},
		{"num", "INTEGER NOT NULL", "", "event.num"},
		{"ts", "INTEGER NOT NULL", "", "time of the event"},
		{"rule", "TEXT NOT NULL", "", "name of the rule"},
		{"priority", "TEXT NOT NULL", "", "Emergency ... Debug"},
		{"severity", "INTEGER NOT NULL", "", "0 is Emergency, 7 is Debug"},
		{"source", "TEXT", "", "event source"},
		{"tags", "TEXT", "", "tags of the rule, separated by commas"},
		{"output", "TEXT", "", "the text of the alert"},
		{"fields", "TEXT", "", "the fields of the output as a JSON object"},
	},
}

var postingTable = table{
	name: "posting",
	doc: "Which blocks of 128 event numbers (num >> 7) hold events of a task (kind 0), target (1), type (2) or path (3). " +
		"Filters use it to read only those.",
	columns: []column{
		{"kind", "INTEGER NOT NULL", "", ""},
		{"id", "INTEGER NOT NULL", "", ""},
		{"block", "INTEGER NOT NULL", "", ""},
	},
	suffix:  "PRIMARY KEY (kind, id, block)",
	options: "WITHOUT ROWID",
}

// postingLog is table posting while the index is built: in the order of the
// events, as it comes.
func postingLog() *table {
	log := postingTable
	log.suffix, log.options = "", ""
	return &log
}

// sortPostings puts the postings in the order in which they are looked up.
func sortPostings() []string {
	return []string{
		"PRAGMA legacy_alter_table=ON", // leaves the views alone
		"BEGIN",
		"ALTER TABLE posting RENAME TO posting_log",
		postingTable.sql(),
		"INSERT OR IGNORE INTO posting SELECT kind, id, block FROM posting_log ORDER BY kind, id, block",
		"DROP TABLE posting_log",
		"COMMIT",
	}
}

var blockTable = table{
	name: "block",
	doc:  "The blocks of events: where each begins in time and in the capture.",
	columns: []column{
		{"block", "INTEGER PRIMARY KEY", "", "num >> 7"},
		{"first_num", "INTEGER NOT NULL", "", "first event"},
		{"events", "INTEGER NOT NULL", "", "how many events"},
		{"failed", "INTEGER NOT NULL", "", "how many of them failed"},
		{"min_ts", "INTEGER NOT NULL", "", "earliest time"},
		{"max_ts", "INTEGER NOT NULL", "", "latest time"},
		{"offset", "INTEGER NOT NULL", "", "place of its first event in the uncompressed capture, -1 unknown"},
	},
}

var userTable = table{
	name: "user",
	doc:  "The host's users as the capture lists them.",
	columns: []column{
		{"uid", "INTEGER PRIMARY KEY", "", ""},
		{"gid", "INTEGER", "", "primary group"},
		{"name", "TEXT", "", ""},
		{"home", "TEXT", "", "home directory"},
		{"shell", "TEXT", "", "login shell"},
	},
}

var groupTable = table{
	name: "user_group",
	doc:  "The host's groups as the capture lists them.",
	columns: []column{
		{"gid", "INTEGER PRIMARY KEY", "", ""},
		{"name", "TEXT", "", ""},
	},
}

var damageTable = table{
	name: "damage",
	doc:  "Places where the capture is damaged or ends early, and what was lost.",
	columns: []column{
		{"id", "INTEGER PRIMARY KEY", "", ""},
		{"offset", "INTEGER", "", "place in the uncompressed capture, NULL unknown"},
		{"num", "INTEGER", "", "last event before it"},
		{"message", "TEXT", "", "what is wrong"},
	},
}

var tables = []*table{
	&eventTable, &eventTypeTable, &taskTable, &processTable, &targetTable, &pathTable, &secondPathTable, &alertTable,
	&blockTable, &postingTable, &userTable, &groupTable, &damageTable, &metaTable,
}

// sql returns the CREATE TABLE statement; the comments stay in the database,
// where .schema shows them.
func (t *table) sql() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s( -- %s\n", t.name, t.doc)
	for i, c := range t.columns {
		line := strings.TrimSpace(c.name + " " + c.typ)
		if i < len(t.columns)-1 || t.suffix != "" {
			line += ","
		}
		b.WriteString("  " + line)
		if d := c.comment(); d != "" {
			b.WriteString(" -- " + d)
		}
		b.WriteByte('\n')
	}
	if t.suffix != "" {
		b.WriteString("  " + t.suffix + "\n")
	}
	b.WriteString(strings.TrimSpace(") "+t.options) + ";\n")
	return b.String()
}

func (c *column) comment() string {
	switch {
	case c.field == "":
		return c.doc
	case c.doc == "":
		return c.field
	}
	return c.field + ": " + c.doc
}

// insertSQL returns an INSERT of n rows with one parameter a column.
func (t *table) insertSQL(verb string, n int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", len(t.columns)), ",") + "),"
	return verb + " INTO " + t.name + " VALUES " + strings.TrimSuffix(strings.Repeat(row, n), ",")
}

// sql returns the CREATE VIEW statement.
func (v *view) sql() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE VIEW %s AS -- %s\nSELECT\n", v.name, v.doc)
	for i, c := range v.columns {
		line := c.typ + " AS " + c.name
		if c.typ == "" {
			line = c.name
		}
		if i < len(v.columns)-1 {
			line += ","
		}
		b.WriteString("  " + line)
		if c.doc != "" {
			b.WriteString(" -- " + c.doc)
		}
		b.WriteByte('\n')
	}
	b.WriteString(v.from + ";\n")
	return b.String()
}

// schemaSQL creates the tables. Indexes come when the rows are in.
func schemaSQL() string {
	var b strings.Builder
	for _, t := range tables {
		if t == &postingTable {
			t = postingLog()
		}
		b.WriteString(t.sql())
	}
	for i := range views {
		b.WriteString(views[i].sql())
	}
	return b.String()
}

// indexSQL are the indexes, made at the end of the build: sorting once is
// cheaper than inserting in random order.
var indexSQL = []string{
	"CREATE INDEX target_name ON target(fd_name)",
	"CREATE INDEX path_name ON path(name)",
	"CREATE INDEX process_pid ON process(pid)",
	"CREATE INDEX process_parent ON process(parent)",
	"CREATE INDEX task_process ON task(process)",
	"CREATE INDEX alert_num ON alert(num)",
}
