package replay

import (
	"strconv"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// evtFields are the fields of the event itself: time, type, arguments, result.
var evtFields = []row{
	numField("evt.num", schema.PT_UINT64, "Number of the event in the capture, from 1.", func(ev *Event) (int64, bool) { return int64(ev.Num), true }).as(schema.PF_ID),
	timeField("evt.time", "Time of day with nanoseconds, in the display time zone (UTC unless set).", (*Event).appendTime),
	timeField("evt.time.s", "Time of day in whole seconds, in the display time zone.", (*Event).appendTimeS),
	timeField("evt.time.iso8601", "Time in UTC as ISO 8601 with nanoseconds and the offset +0000.", (*Event).appendISO8601),
	timeField("evt.datetime", "Date and time of day with nanoseconds, in the display time zone.", (*Event).appendDatetime),
	timeField("evt.datetime.s", "Date and time of day in whole seconds, in the display time zone.", (*Event).appendDatetimeS),
	numField("evt.rawtime", schema.PT_ABSTIME, "Time in nanoseconds since the epoch.", func(ev *Event) (int64, bool) { return int64(ev.TS), true }),
	numField("evt.rawtime.s", schema.PT_ABSTIME, "Time in whole seconds since the epoch.", func(ev *Event) (int64, bool) { return int64(ev.TS / second), true }),
	numField("evt.rawtime.ns", schema.PT_ABSTIME, "Nanoseconds within the second of the event's time.", func(ev *Event) (int64, bool) { return int64(ev.TS % second), true }).as(schema.PF_10_PADDED_DEC),
	numField("evt.reltime", schema.PT_RELTIME, "Nanoseconds since the first event of the replay.", func(ev *Event) (int64, bool) { return int64(ev.sinceStart()), true }).as(schema.PF_10_PADDED_DEC),
	numField("evt.reltime.s", schema.PT_RELTIME, "Whole seconds since the first event of the replay.", func(ev *Event) (int64, bool) { return int64(ev.sinceStart() / second), true }),
	numField("evt.reltime.ns", schema.PT_RELTIME, "Nanoseconds within the second of the time since the first event.", func(ev *Event) (int64, bool) { return int64(ev.sinceStart() % second), true }).as(schema.PF_10_PADDED_DEC),
	textField("evt.pluginname", "Name of the plugin that made the event; never present in system call captures.", noText),
	textField("evt.plugininfo", "The plugin's summary of its event; never present in system call captures.", noText),
	textField("evt.source", "Source of the event: syscall.", func(*Event) (string, bool) { return "syscall", true }),
	boolField("evt.is_async", "Whether the event is asynchronous metadata instead of something a thread did.", evtIsAsync),
	textField("evt.asynctype", "Name of an asynchronous event.", evtAsyncType),
	textField("evt.hostname", "Name of the host that was recorded.", evtHostname),
	numField("evt.latency", schema.PT_RELTIME, "Always 0: events carry no enter time.", zero).deprecated(),
	numField("evt.latency.s", schema.PT_RELTIME, "Always 0.", zero).deprecated(),
	numField("evt.latency.ns", schema.PT_RELTIME, "Always 0.", zero).as(schema.PF_10_PADDED_DEC).deprecated(),
	numField("evt.latency.quantized", schema.PT_UINT64, "Always 0.", zero).deprecated().hidden(),
	textField("evt.latency.human", "Always 0ns.", func(*Event) (string, bool) { return "0ns", true }).deprecated(),
	deltaField("evt.deltatime", "Nanoseconds since the previous event this field was asked about, 0 for the first.", func(d uint64) uint64 { return d }),
	deltaField("evt.deltatime.s", "Whole seconds since the previous event this field was asked about.", func(d uint64) uint64 { return d / second }),
	deltaField("evt.deltatime.ns", "Nanoseconds within the second of the time since the previous event this field was asked about.", func(d uint64) uint64 { return d % second }).as(schema.PF_10_PADDED_DEC),
	outputTimeField("evt.outputtime", "Time in the display style: time of day, epoch, since the start or since the previous event."),
	textField("evt.dir", "< for the end of a call, > for its start and for events that are not calls.", evtDir).deprecated(),
	textField("evt.type", "Name of the event or system call: open, execve, ...", func(ev *Event) (string, bool) { return ev.TypeName(), true }),
	typeIsField("evt.type.is", "1 when the event is of the type with that name or number, else 0: evt.type.is.open."),
	textField("syscall.type", "Name of the system call; missing for events that are not calls.", evtSyscallType),
	textField("evt.category", "What the event is about: file, net, memory, process, ipc, signal, user, time, wait, ... Calls on descriptors count by what the descriptor is.", func(ev *Event) (string, bool) { return category(ev), true }),
	numField("evt.cpu", schema.PT_INT16, "CPU the event was recorded on.", func(ev *Event) (int64, bool) { return int64(int16(ev.CPU)), true }).as(schema.PF_ID),
	textField("evt.args", "All arguments as name=value, with the resolved value in parentheses.", evtArgs),
	argField("evt.arg", ArgKeyOrIndex, true, "One argument as text, resolved where possible: evt.arg.name, evt.arg[0].", bindArg).withDot(),
	rawArgField("evt.rawarg", "One argument as number or bytes: evt.rawarg.res. Its type is that of the argument."),
	textField("evt.info", "The same as evt.args.", evtArgs),
	bytesField("evt.buffer", "Bytes read or written, as far as they were recorded.", evtBuffer),
	numField("evt.buflen", schema.PT_UINT64, "Bytes transferred by a successful call on a known descriptor.", buflen(anyFD, anyDir)),
	textField("evt.res", "SUCCESS, or the name of the error: ENOENT.", evtRes).as(schema.PF_DEC),
	numField("evt.rawres", schema.PT_INT64, "Return value of the call; errors are negative.", (*Event).Return),
	boolField("evt.failed", "Whether the call returned an error; missing for events without return value.", evtFailed),
	boolField("evt.is_io", "Whether the event transfers data on a descriptor.", func(ev *Event) (int64, bool) {
		return b2i(ev.Info.Flags&(schema.EF_READS_FROM_FD|schema.EF_WRITES_TO_FD) != 0)
	}),
	boolField("evt.is_io_read", "Whether the event reads from a descriptor.", func(ev *Event) (int64, bool) { return b2i(ev.Info.Flags&schema.EF_READS_FROM_FD != 0) }),
	boolField("evt.is_io_write", "Whether the event writes to a descriptor.", func(ev *Event) (int64, bool) { return b2i(ev.Info.Flags&schema.EF_WRITES_TO_FD != 0) }),
	textField("evt.io_dir", "read or write for events that transfer data.", evtIODir),
	boolField("evt.is_wait", "Whether the call waits: sleep, select, poll, ...", func(ev *Event) (int64, bool) { return b2i(ev.Info.Flags&schema.EF_WAITS != 0) }),
	numField("evt.wait_latency", schema.PT_RELTIME, "Always 0.", zero).deprecated(),
	boolField("evt.is_syslog", "Whether the event writes to the local syslog socket.", evtIsSyslog),
	numField("evt.count", schema.PT_UINT32, "Always 1, to be summed up.", func(*Event) (int64, bool) { return 1, true }),
	numField("evt.count.error", schema.PT_UINT32, "1 for failed calls, 0 for others; missing without return value.", evtFailed),
	numField("evt.count.error.file", schema.PT_UINT32, "evt.count.error of calls on files.", countError(countsFile)),
	numField("evt.count.error.net", schema.PT_UINT32, "evt.count.error of calls on the network.", countError(countsNet)),
	numField("evt.count.error.memory", schema.PT_UINT32, "evt.count.error of memory calls.", countError(countsMemory)),
	numField("evt.count.error.other", schema.PT_UINT32, "evt.count.error of all other calls.", countError(countsOther)),
	numField("evt.count.exit", schema.PT_UINT32, "1 for the end of a call.", func(ev *Event) (int64, bool) { return 1, !ev.Type.IsEnter() }),
	numField("evt.count.procinfo", schema.PT_UINT32, "1 for process statistics of a main thread, else 0.", func(ev *Event) (int64, bool) {
		return b2i(ev.Type == schema.PPME_PROCINFO_E && ev.Thread != nil && ev.Thread.IsMain())
	}).hidden(),
	numField("evt.count.threadinfo", schema.PT_UINT32, "1 for process statistics, else 0.", func(ev *Event) (int64, bool) { return b2i(ev.Type == schema.PPME_PROCINFO_E) }).hidden(),
	aroundField("evt.around", "Events within D milliseconds of a time in nanoseconds since the epoch: evt.around[1700000000000000000]=100. Only = applies."),
	argField("evt.abspath", ArgKey, false, "Absolute path of a call with directory descriptor and path; .src and .dst choose one of two.", bindAbsPath).dotOnly(),
	numField("evt.buflen.in", schema.PT_UINT64, "evt.buflen of reads.", buflen(anyFD, schema.EC_IO_READ)).hidden(),
	numField("evt.buflen.out", schema.PT_UINT64, "evt.buflen of writes.", buflen(anyFD, schema.EC_IO_WRITE)).hidden(),
	numField("evt.buflen.file", schema.PT_UINT64, "evt.buflen on files.", buflen((*FD).isFile, anyDir)).hidden(),
	numField("evt.buflen.file.in", schema.PT_UINT64, "evt.buflen of reads from files.", buflen((*FD).isFile, schema.EC_IO_READ)).hidden(),
	numField("evt.buflen.file.out", schema.PT_UINT64, "evt.buflen of writes to files.", buflen((*FD).isFile, schema.EC_IO_WRITE)).hidden(),
	numField("evt.buflen.net", schema.PT_UINT64, "evt.buflen on IP sockets.", buflen((*FD).isIP, anyDir)).hidden(),
	numField("evt.buflen.net.in", schema.PT_UINT64, "evt.buflen of reads from IP sockets.", buflen((*FD).isIP, schema.EC_IO_READ)).hidden(),
	numField("evt.buflen.net.out", schema.PT_UINT64, "evt.buflen of writes to IP sockets.", buflen((*FD).isIP, schema.EC_IO_WRITE)).hidden(),
	boolField("evt.is_open_read", "Whether the call opens a file for reading.", evtIsOpenRead),
	boolField("evt.is_open_write", "Whether the call opens a file for writing.", evtIsOpenWrite),
	textField("evt.infra.docker.name", "Name of a legacy docker event.", infraName).hidden(),
	infraField("evt.infra.docker.container.id", "Container id of a legacy docker event.", "container="),
	infraField("evt.infra.docker.container.name", "Container name of a legacy docker event.", "name="),
	infraField("evt.infra.docker.container.image", "Image of a legacy docker event.", "image="),
	boolField("evt.is_open_exec", "Whether the call creates a file with an execute bit.", evtIsOpenExec),
	boolField("evt.is_open_create", "Whether the call created the file it opened.", evtIsOpenCreate),
}

// utilFields are tools for output.
var utilFields = []row{
	{
		Field: Field{Name: "util.cnt", Type: schema.PT_UINT64, Format: schema.PF_ID, Hidden: true, Desc: "A counter that grows by one with every reading."},
		bind: func(r *Ref) error {
			var n int64
			r.Int = func(*Event) (int64, bool) { n++; return n, true }
			return nil
		},
	},
}

const second = 1_000_000_000 // in nanoseconds

func noText(*Event) (string, bool) { return "", false }
func zero(*Event) (int64, bool)    { return 0, true }

// bytesField is a field whose value is a byte buffer.
func bytesField(name, desc string, f func(*Event) (string, bool)) row {
	r := textField(name, desc, f)
	r.Type = schema.PT_BYTEBUF
	return r
}

// TypeName returns the name users know the event by: that of the system call
// for generic events, the given one for asynchronous events.
func (ev *Event) TypeName() string {
	switch ev.Type {
	case schema.PPME_GENERIC_X, schema.PPME_GENERIC_E:
		if sc := ev.Syscall(); sc != nil {
			return sc.Name
		}
		return "unknown"
	case schema.PPME_ASYNCEVENT_E:
		if name, ok := ev.Text(1); ok {
			return view(name)
		}
	}
	return ev.Info.Name
}

// IsSyscall reports whether the event is a system call.
func (ev *Event) IsSyscall() bool { return ev.Info.Category&schema.EC_SYSCALL != 0 }

// Return returns the return value of the call, negative on failure, and whether
// the event has one. It is the first parameter of every dedicated exit event.
func (ev *Event) Return() (int64, bool) {
	if !ev.IsSyscall() || ev.Type.IsEnter() || ev.Type == schema.PPME_GENERIC_X || ev.NumParams() == 0 {
		return 0, false
	}
	v, _ := ev.Int(0)
	return v, true
}

func evtIsAsync(ev *Event) (int64, bool) {
	return b2i(ev.Info.Category&schema.EC_METAEVENT != 0)
}

func evtAsyncType(ev *Event) (string, bool) {
	if ev.Info.Category&schema.EC_METAEVENT == 0 {
		return "", false
	}
	return ev.TypeName(), true
}

func evtHostname(ev *Event) (string, bool) {
	if ev.M == nil || ev.M.Info() == nil {
		return "", false
	}
	return ev.M.Info().Hostname, true
}

func evtDir(ev *Event) (string, bool) {
	if ev.Type.IsEnter() {
		return ">", true
	}
	return "<", true
}

func evtSyscallType(ev *Event) (string, bool) {
	if !ev.IsSyscall() {
		return "", false
	}
	return ev.TypeName(), true
}

// typeIsField is evt.type.is.NAME: whether the event has that name or number.
func typeIsField(name, desc string) row {
	return row{
		Field:     Field{Name: name, Type: schema.PT_UINT32, Arg: ArgKeyOrIndex, ArgRequired: true, Desc: desc},
		dot:       true,
		noBracket: true,
		bind: func(r *Ref) error {
			if n, err := strconv.ParseUint(r.Arg, 10, 16); err == nil {
				r.Int = func(ev *Event) (int64, bool) { return b2i(ev.Type == schema.EventType(n)) }
				return nil
			}
			want := r.Arg
			if !knownType(want) {
				return badArgument(r, "unknown event type %q; 'sysreel events' lists them", want)
			}
			r.Int = func(ev *Event) (int64, bool) { return b2i(ev.TypeName() == want) }
			return nil
		},
	}
}

// knownType reports whether name is that of an event or a system call.
func knownType(name string) bool {
	if schema.SyscallByName(name) != nil {
		return true
	}
	for i := range schema.Events() {
		if schema.Events()[i].Name == name {
			return true
		}
	}
	return false
}

// categoryNames gives the names of categories that do not depend on a descriptor.
var categoryNames = map[schema.Category]string{
	schema.EC_OTHER: "other", schema.EC_FILE: "file", schema.EC_NET: "net", schema.EC_IPC: "IPC",
	schema.EC_MEMORY: "memory", schema.EC_PROCESS: "process", schema.EC_SLEEP: "sleep",
	schema.EC_SYSTEM: "system", schema.EC_SIGNAL: "signal", schema.EC_USER: "user", schema.EC_TIME: "time",
	schema.EC_PROCESSING: "processing", schema.EC_WAIT: "wait", schema.EC_SCHEDULER: "scheduler",
}

// category returns the name of the event's category. Data transfers and other
// calls on descriptors take that of their descriptor.
func category(ev *Event) string {
	if ev.Info.Category&schema.EC_INTERNAL != 0 {
		return "internal"
	}
	c := ev.Info.Category & lowCategory
	switch c {
	case schema.EC_IO_READ, schema.EC_IO_WRITE, schema.EC_IO_OTHER:
		return fdCategory(ev.FD)
	}
	if name, ok := categoryNames[c]; ok {
		return name
	}
	return "unknown"
}

func fdCategory(fd *FD) string {
	if fd == nil {
		return "unknown"
	}
	switch int(fd.Type) {
	case schema.SCAP_FD_FILE, schema.SCAP_FD_FILE_V2, schema.SCAP_FD_DIRECTORY:
		return "file"
	case schema.SCAP_FD_IPV4_SOCK, schema.SCAP_FD_IPV6_SOCK, schema.SCAP_FD_IPV4_SERVSOCK, schema.SCAP_FD_IPV6_SERVSOCK:
		return "net"
	case schema.SCAP_FD_FIFO, schema.SCAP_FD_UNIX_SOCK, schema.SCAP_FD_EVENT, schema.SCAP_FD_SIGNALFD,
		schema.SCAP_FD_INOTIFY, schema.SCAP_FD_USERFAULTFD:
		return "ipc"
	}
	return "unknown"
}

// payload is the index of the parameter with the transferred bytes, -1 if the
// event has none.
func payload(info *schema.Event) int {
	if info.Flags&(schema.EF_READS_FROM_FD|schema.EF_WRITES_TO_FD) == 0 {
		return -1
	}
	return info.ParamIndex("data")
}

func evtBuffer(ev *Event) (string, bool) {
	i := payload(ev.Info)
	if i < 0 {
		return "", false
	}
	p := ev.Param(i)
	return view(p), p != nil
}

const lowCategory = schema.EC_INTERNAL - 1

const anyDir schema.Category = 0

func anyFD(*FD) bool { return true }

// buflen returns the extraction of evt.buflen restricted to some descriptors
// and a direction. It counts, as Falco does, for every call in the I/O
// categories: close and fcntl too, whose return value is no length.
func buflen(on func(*FD) bool, dir schema.Category) func(*Event) (int64, bool) {
	return func(ev *Event) (int64, bool) {
		switch c := ev.Info.Category & lowCategory; c {
		case schema.EC_IO_READ, schema.EC_IO_WRITE, schema.EC_IO_OTHER:
			if dir != anyDir && c != dir {
				return 0, false
			}
		default:
			return 0, false
		}
		if ev.FD == nil || !on(ev.FD) {
			return 0, false
		}
		n, ok := ev.Return()
		return n, ok && n >= 0
	}
}

func evtRes(ev *Event) (string, bool) {
	n, ok := ev.Return()
	if !ok {
		return "", false
	}
	if n >= 0 {
		return "SUCCESS", true
	}
	if name := schema.ErrnoName(-n); name != "" {
		return name, true
	}
	return ev.close(strconv.AppendInt(ev.open(), n, 10))
}

func evtFailed(ev *Event) (int64, bool) {
	n, ok := ev.Return()
	if n < 0 {
		return 1, ok
	}
	return 0, ok
}

func evtIODir(ev *Event) (string, bool) {
	switch {
	case ev.Info.Flags&schema.EF_WRITES_TO_FD != 0: // copy_file_range does both
		return "write", true
	case ev.Info.Flags&schema.EF_READS_FROM_FD != 0:
		return "read", true
	}
	return "", false
}

func evtIsSyslog(ev *Event) (int64, bool) {
	fd := ev.FD
	if fd == nil || ev.Info.Flags&schema.EF_WRITES_TO_FD == 0 || int(fd.Type) != schema.SCAP_FD_UNIX_SOCK {
		return 0, true
	}
	const socket = "/dev/log"
	return b2i(len(fd.Name) >= len(socket) && fd.Name[len(fd.Name)-len(socket):] == socket)
}

// countError returns the extraction of evt.count.error restricted to what the
// call works on.
func countError(on func(*Event) bool) func(*Event) (int64, bool) {
	return func(ev *Event) (int64, bool) {
		n, ok := evtFailed(ev)
		if !ok || !on(ev) {
			return 0, false
		}
		return n, true
	}
}

func countsFile(ev *Event) bool {
	if ev.FD != nil {
		return ev.FD.isFile()
	}
	return isOpen(ev.Type)
}

func countsNet(ev *Event) bool {
	if ev.FD != nil {
		switch int(ev.FD.Type) {
		case schema.SCAP_FD_UNIX_SOCK:
			return true
		}
		return ev.FD.isIP()
	}
	switch ev.Type {
	case schema.PPME_SOCKET_ACCEPT_5_X, schema.PPME_SOCKET_ACCEPT4_6_X, schema.PPME_SOCKET_CONNECT_X:
		return true
	}
	return false
}

func countsMemory(ev *Event) bool {
	return ev.Info.Category&(schema.EC_INTERNAL-1) == schema.EC_MEMORY
}

func countsOther(ev *Event) bool { return !countsFile(ev) && !countsNet(ev) && !countsMemory(ev) }

// aroundField is evt.around[T]: the distance of the event from T in nanoseconds.
// The check evt.around[T]=D holds when it is at most D milliseconds.
func aroundField(name, desc string) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_UINT64, Format: schema.PF_DEC, Arg: ArgIndex, ArgRequired: true, Desc: desc},
		bind: func(r *Ref) error {
			t, err := strconv.ParseUint(r.Arg, 10, 64)
			if err != nil {
				return badArgument(r, "the argument must be a time in nanoseconds since the epoch")
			}
			r.Int = func(ev *Event) (int64, bool) {
				if ev.TS > t {
					return int64(ev.TS - t), true
				}
				return int64(t - ev.TS), true
			}
			return nil
		},
	}.filterOnly()
}

// deltaField is the time since the event that this Ref was asked about before.
func deltaField(name, desc string, part func(uint64) uint64) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_RELTIME, Format: schema.PF_DEC, Desc: desc},
		bind: func(r *Ref) error {
			var last, delta, num uint64
			r.Int = func(ev *Event) (int64, bool) {
				if ev.Num != num || num == 0 { // asked again about one event: the same answer
					delta = 0
					if last != 0 && ev.TS > last {
						delta = ev.TS - last
					}
					last, num = ev.TS, ev.Num
				}
				return int64(part(delta)), true
			}
			return nil
		},
	}
}

// infraName is the name of a legacy docker event.
func infraName(ev *Event) (string, bool) {
	if ev.Type != schema.PPME_INFRASTRUCTURE_EVENT_E {
		return "", false
	}
	name, ok := ev.Text(1)
	return view(name), ok
}

// infraField is a part of the scope text of a legacy docker event, which holds
// key=value pairs separated by blanks or " and ".
func infraField(name, desc, key string) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		if ev.Type != schema.PPME_INFRASTRUCTURE_EVENT_E {
			return "", false
		}
		scope, ok := ev.Text(3)
		if !ok {
			return "", false
		}
		return scopeValue(view(scope), key)
	}).hidden()
}
