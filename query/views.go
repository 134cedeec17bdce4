package query

// isoTime is the SQL text of a time column as ISO 8601 in UTC with nanoseconds.
func isoTime(ts string) string {
	return "strftime('%Y-%m-%dT%H:%M:%S', " + ts + " / 1000000000, 'unixepoch') || printf('.%09dZ', " + ts + " % 1000000000)"
}

// taskColumns are the columns that a view takes from task t.
func taskColumns(names ...string) []column {
	var out []column
	for _, n := range names {
		for _, c := range taskTable.columns {
			if c.name == n {
				out = append(out, column{name: n, typ: "t." + n, doc: c.doc})
			}
		}
	}
	return out
}

func concat(lists ...[]column) []column {
	var out []column
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

var views = []view{
	{
		name: "events",
		doc:  "Every event with the context it had.",
		columns: concat([]column{
			{name: "num", typ: "e.num", doc: "number in the capture: evt.num"},
			{name: "ts", typ: "e.ts", doc: "nanoseconds since the epoch: evt.rawtime"},
			{name: "time", typ: isoTime("e.ts"), doc: "the same as text, UTC"},
			{name: "evt_type", typ: "y.evt_type", doc: "event or system call"},
			{name: "evt_cpu", typ: "e.cpu", doc: "CPU"},
			{name: "evt_res", typ: "e.res", doc: "return value, negative on failure"},
			{name: "evt_failed", typ: "e.res < 0", doc: "1 when it failed, NULL without return value"},
			{name: "evt_io_dir", typ: "y.evt_io_dir", doc: "read, write or NULL"},
		}, taskColumns("thread_tid", "proc_pid", "proc_ppid", "proc_name", "proc_exepath", "proc_cmdline", "proc_pname",
			"proc_cwd", "user_uid", "user_name", "user_loginuid", "container_id"), []column{
			{name: "fd_num", typ: "e.fd", doc: "descriptor"},
			{name: "fd_type", typ: "g.fd_type", doc: "kind of descriptor"},
			{name: "fd_name", typ: "g.fd_name", doc: "file or connection"},
			{name: "path", typ: "p.name", doc: "path of a call that makes no descriptor"},
			{name: "path2", typ: "p2.name", doc: "second path of a call that has two: the new name of a rename, what a link points to"},
			{name: "process_id", typ: "t.process", doc: "processes.id"},
			{name: "task_id", typ: "e.task", doc: "task.id"},
			{name: "target_id", typ: "e.target", doc: "files.id or connections.id"},
		}),
		from: "FROM event e LEFT JOIN event_type y ON y.id = e.type LEFT JOIN task t ON t.id = e.task\n" +
			"  LEFT JOIN target g ON g.id = e.target LEFT JOIN path p ON p.id = e.path\n" +
			"  LEFT JOIN second_path s ON s.num = e.num LEFT JOIN path p2 ON p2.id = s.path",
	},
	{
		name: "processes",
		doc:  "Every process with its life, its last program and what it did.",
		columns: concat([]column{
			{name: "id", typ: "p.id", doc: "identity of the process in this index"},
			{name: "pid", typ: "p.pid", doc: "process id"},
			{name: "ppid", typ: "p.ppid", doc: "process id of the parent"},
			{name: "parent_id", typ: "p.parent", doc: "processes.id of the parent"},
			{name: "start_ts", typ: "p.start_ts", doc: "start, NULL when before the capture"},
			{name: "start_time", typ: isoTime("p.start_ts"), doc: "the same as text"},
			{name: "end_ts", typ: "p.end_ts", doc: "exit, NULL when it outlived the capture"},
			{name: "end_time", typ: isoTime("p.end_ts"), doc: "the same as text"},
			{name: "exit_status", typ: "p.exit_status", doc: "as wait reports it"},
		}, taskColumns("proc_name", "proc_exe", "proc_exepath", "proc_args", "proc_cmdline", "proc_cwd", "proc_pname",
			"user_uid", "user_name", "user_loginuid", "container_id"), []column{
			{name: "events", typ: "p.events", doc: "events of all its threads"},
			{name: "failed", typ: "p.failed", doc: "failed calls"},
			{name: "execs", typ: "p.execs", doc: "programs executed"},
			{name: "bytes_read", typ: "p.bytes_read", doc: "bytes read or received"},
			{name: "bytes_written", typ: "p.bytes_written", doc: "bytes written or sent"},
			{name: "first_num", typ: "p.first_num", doc: "first event"},
			{name: "last_num", typ: "p.last_num", doc: "last event"},
		}),
		from: "FROM process p LEFT JOIN task t ON t.id = p.task WHERE p.id > 0",
	},
	{
		name: "files",
		doc:  "Every file by path, with what was done to it.",
		columns: []column{
			{name: "id", typ: "min(id)", doc: "events.target_id of its first row, NULL when no descriptor was ever made"},
			{name: "path", typ: "name", doc: "absolute path"},
			{name: "type", typ: "max(type)", doc: "file, directory...; NULL when no descriptor was ever made"},
			{name: "opens", typ: "sum(opens)", doc: "descriptors made for it"},
			{name: "reads", typ: "sum(reads)", doc: "successful reads"},
			{name: "writes", typ: "sum(writes)", doc: "successful writes"},
			{name: "bytes_read", typ: "sum(bytes_read)", doc: ""},
			{name: "bytes_written", typ: "sum(bytes_written)", doc: ""},
			{name: "events", typ: "sum(events)", doc: "events that concern it"},
			{name: "failed", typ: "sum(failed)", doc: "failed calls, failed opens included"},
			{name: "first_ts", typ: "min(first_ts)", doc: "first use by descriptor"},
			{name: "last_ts", typ: "max(last_ts)", doc: "last use by descriptor"},
		},
		from: "FROM (SELECT id, fd_name AS name, fd_type AS type, opens, reads, writes, bytes_read, bytes_written, events, failed, first_ts, last_ts\n" +
			"    FROM target WHERE (fd_type IN ('file', 'directory', 'memfd') OR fd_type IS NULL) AND fd_name <> ''\n" +
			"  UNION ALL SELECT NULL, name, NULL, 0, 0, 0, 0, 0, events, failed, NULL, NULL FROM path)\nGROUP BY name",
	},
	{
		name: "connections",
		doc:  "Every network and unix socket that had a peer or a name, over its life.",
		columns: []column{
			{name: "id", typ: "g.id", doc: "events.target_id"},
			{name: "proto", typ: "coalesce(nullif(g.fd_l4proto, '<NA>'), g.fd_type)", doc: "tcp, udp, unix..."},
			{name: "role", typ: "g.role", doc: "client when the process connected, server when it accepted or listens"},
			{name: "client_ip", typ: "g.fd_cip", doc: ""},
			{name: "client_port", typ: "g.fd_cport", doc: ""},
			{name: "server_ip", typ: "g.fd_sip", doc: ""},
			{name: "server_port", typ: "g.fd_sport", doc: ""},
			{name: "local_ip", typ: "g.fd_lip", doc: ""},
			{name: "local_port", typ: "g.fd_lport", doc: ""},
			{name: "remote_ip", typ: "g.fd_rip", doc: ""},
			{name: "remote_port", typ: "g.fd_rport", doc: ""},
			{name: "name", typ: "g.fd_name", doc: "tuple or path: fd.name"},
			{name: "start_ts", typ: "g.first_ts", doc: "first event"},
			{name: "start_time", typ: isoTime("g.first_ts"), doc: "the same as text"},
			{name: "end_ts", typ: "coalesce(g.closed_ts, CASE WHEN p.end_ts >= g.last_ts THEN p.end_ts END)", doc: "close or exit of the process, NULL when open at the end"},
			{name: "duration_ns", typ: "coalesce(g.closed_ts, CASE WHEN p.end_ts >= g.last_ts THEN p.end_ts END, g.last_ts) - g.first_ts", doc: "from first event to end or last use"},
			{name: "bytes_in", typ: "g.bytes_read", doc: "bytes received"},
			{name: "bytes_out", typ: "g.bytes_written", doc: "bytes sent"},
			{name: "events", typ: "g.events", doc: ""},
			{name: "failed", typ: "g.failed", doc: "failed calls"},
			{name: "process_id", typ: "g.process", doc: "processes.id that used it first"},
			{name: "proc_pid", typ: "p.pid", doc: "its process id"},
			{name: "proc_name", typ: "t.proc_name", doc: "its name"},
			{name: "first_num", typ: "g.first_num", doc: "first event"},
			{name: "last_num", typ: "g.last_num", doc: "last event"},
		},
		from: "FROM target g LEFT JOIN process p ON p.id = g.process LEFT JOIN task t ON t.id = p.task\n" +
			"WHERE g.fd_sockfamily IS NOT NULL AND g.fd_name <> ''",
	},
	{
		name: "alerts",
		doc:  "What the rules found, with the process concerned.",
		columns: concat([]column{
			{name: "id", typ: "a.id", doc: "in the order of the events"},
			{name: "num", typ: "a.num", doc: "events.num"},
			{name: "ts", typ: "a.ts", doc: "time of the event"},
			{name: "time", typ: isoTime("a.ts"), doc: "the same as text"},
			{name: "rule", typ: "a.rule", doc: "name of the rule"},
			{name: "priority", typ: "a.priority", doc: "Emergency ... Debug"},
			{name: "severity", typ: "a.severity", doc: "0 is Emergency, 7 is Debug"},
			{name: "tags", typ: "a.tags", doc: "separated by commas"},
			{name: "output", typ: "a.output", doc: "text of the alert"},
		}, taskColumns("proc_pid", "proc_name", "proc_cmdline", "user_name", "container_id"), []column{
			{name: "fd_name", typ: "g.fd_name", doc: "file or connection of the event"},
			{name: "process_id", typ: "t.process", doc: "processes.id"},
		}),
		from: "FROM alert a JOIN event e ON e.num = a.num LEFT JOIN task t ON t.id = e.task LEFT JOIN target g ON g.id = e.target",
	},
	{
		name: "execs",
		doc:  "Every program start that succeeded, in order.",
		columns: concat([]column{
			{name: "num", typ: "e.num", doc: "events.num"},
			{name: "ts", typ: "e.ts", doc: ""},
			{name: "time", typ: isoTime("e.ts"), doc: ""},
		}, taskColumns("proc_pid", "proc_name", "proc_exepath", "proc_cmdline", "proc_cwd", "proc_ppid", "proc_pname",
			"user_name", "container_id"), []column{
			{name: "process_id", typ: "t.process", doc: "processes.id"},
		}),
		from: "FROM posting x CROSS JOIN event e CROSS JOIN task t ON t.id = e.task\n" +
			"WHERE x.kind = 2 AND x.id IN (SELECT id FROM event_type WHERE evt_type IN ('execve', 'execveat'))\n" +
			"  AND e.num BETWEEN x.block << 7 AND (x.block << 7) + 127 AND e.type = x.id AND e.res = 0",
	},
	{
		name: "event_types",
		doc:  "How often each kind of event occurs.",
		columns: []column{
			{name: "id", typ: "id", doc: "event.type"},
			{name: "evt_type", typ: "evt_type", doc: "event or system call"},
			{name: "events", typ: "events", doc: ""},
			{name: "failed", typ: "failed", doc: ""},
		},
		from: "FROM event_type",
	},
	{
		name: "users",
		doc:  "The users that acted, and how much.",
		columns: []column{
			{name: "user_uid", typ: "user_uid", doc: ""},
			{name: "user_name", typ: "user_name", doc: ""},
			{name: "user_loginuid", typ: "user_loginuid", doc: "user id at login, -1 when unset"},
			{name: "user_loginname", typ: "user_loginname", doc: ""},
			{name: "container_id", typ: "container_id", doc: ""},
			{name: "processes", typ: "count(DISTINCT process)", doc: ""},
			{name: "events", typ: "sum(events)", doc: ""},
		},
		from: "FROM task WHERE process > 0 GROUP BY user_uid, user_name, user_loginuid, user_loginname, container_id",
	},
}
