package replay

import (
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// procFields are the fields of the thread that made the call and of its kin.
var procFields = []row{
	threadText("proc.exe", "First word of the command line (argv[0]), as the caller gave it.", func(t *Thread) string { return t.Exe }),
	parentText("proc.pexe", "proc.exe of the parent.", func(t *Thread) string { return t.Exe }),
	ancestorText("proc.aexe", "proc.exe of an ancestor: [0] is the process itself, [1] its parent. Without number every ancestor.", func(_ *Event, t *Thread) string { return t.Exe }),
	threadText("proc.exepath", "Path of the executable file.", func(t *Thread) string { return t.ExePath }),
	parentText("proc.pexepath", "proc.exepath of the parent.", func(t *Thread) string { return t.ExePath }),
	ancestorText("proc.aexepath", "proc.exepath of an ancestor, as proc.aexe.", func(_ *Event, t *Thread) string { return t.ExePath }),
	threadText("proc.name", "Name of the process as the kernel has it, at most 15 bytes.", func(t *Thread) string { return t.Comm }),
	parentText("proc.pname", "proc.name of the parent.", func(t *Thread) string { return t.Comm }),
	ancestorText("proc.aname", "proc.name of an ancestor, as proc.aexe.", func(_ *Event, t *Thread) string { return t.Comm }),
	argField("proc.args", ArgIndex, false, "Arguments behind argv[0] joined by blanks; [N] is one of them, from 0 (empty when there are fewer).", bindArgs),
	argField("proc.aargs", ArgIndex, false, "proc.args of an ancestor, as proc.aexe; without number those of all ancestors joined.", bindAncestorArgs),
	{Field: Field{Name: "proc.cmdline", Type: schema.PT_CHARBUF, Desc: "proc.name and the arguments, joined by blanks."}, bind: func(r *Ref) error {
		r.Str = func(ev *Event) (string, bool) { return threadStr(ev, ev.Thread, cmdline) }
		return nil
	}},
	{Field: Field{Name: "proc.pcmdline", Type: schema.PT_CHARBUF, Desc: "proc.cmdline of the parent."}, bind: func(r *Ref) error {
		r.Str = func(ev *Event) (string, bool) { return threadStr(ev, parent(ev), cmdline) }
		return nil
	}},
	ancestorText("proc.acmdline", "proc.cmdline of an ancestor, as proc.aexe.", cmdline),
	threadNum("proc.cmdnargs", schema.PT_UINT64, "Number of arguments behind argv[0].", func(t *Thread) int64 { return int64(len(t.Args)) }),
	threadNum("proc.cmdlenargs", schema.PT_UINT64, "Bytes in those arguments, without the blanks between.", argsLen),
	{Field: Field{Name: "proc.exeline", Type: schema.PT_CHARBUF, Desc: "proc.exe and the arguments, joined by blanks."}, bind: func(r *Ref) error {
		r.Str = func(ev *Event) (string, bool) { return threadStr(ev, ev.Thread, exeline) }
		return nil
	}},
	argField("proc.env", ArgKey, false, "Environment as NAME=value joined by blanks; [NAME] is one value (empty when not set).", bindEnv),
	argField("proc.aenv", ArgKeyOrIndex, false, "Environment of an ancestor: [N] by level, [NAME] the first value not empty within 20 levels, without argument every ancestor.", bindAncestorEnv).anyOf().plainOnly(),
	textField("proc.cwd", "Working directory, with a slash at the end.", func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		return ev.Thread.CWD(), true
	}),
	numField("proc.loginshellid", schema.PT_INT64, "Pid of the oldest ancestor whose name ends in sh.", loginShell).as(schema.PF_ID),
	threadNum("proc.tty", schema.PT_UINT32, "Device number of the controlling terminal, 0 if none.", func(t *Thread) int64 { return int64(t.TTY) }).as(schema.PF_ID),
	threadNum("proc.pid", schema.PT_INT64, "Process id.", func(t *Thread) int64 { return t.PID }).as(schema.PF_ID),
	numField("proc.ppid", schema.PT_INT64, "Process id of the parent.", parentPID).as(schema.PF_ID),
	ancestorPID("proc.apid", "Process id of an ancestor, as proc.aexe; without number it prints the process's own."),
	threadNum("proc.vpid", schema.PT_INT64, "Process id in the process's own pid namespace.", func(t *Thread) int64 { return t.VPID }).as(schema.PF_ID),
	parentNum("proc.pvpid", schema.PT_INT64, "proc.vpid of the parent.", func(t *Thread) int64 { return t.VPID }).as(schema.PF_ID),
	threadNum("proc.sid", schema.PT_INT64, "Session id.", func(t *Thread) int64 { return t.SID }).as(schema.PF_ID),
	leaderText("proc.sname", "proc.name of the session leader, else of the oldest ancestor in the session.", sessionLeader, func(t *Thread) string { return t.Comm }),
	leaderText("proc.sid.exe", "proc.exe of the session leader.", sessionLeader, func(t *Thread) string { return t.Exe }),
	leaderText("proc.sid.exepath", "proc.exepath of the session leader.", sessionLeader, func(t *Thread) string { return t.ExePath }),
	threadNum("proc.vpgid", schema.PT_INT64, "Process group id in the process's own pid namespace.", func(t *Thread) int64 { return t.VPGID }).as(schema.PF_ID),
	leaderText("proc.vpgid.name", "proc.name of the leader of that process group.", vpgroupLeader, func(t *Thread) string { return t.Comm }),
	leaderText("proc.vpgid.exe", "proc.exe of the leader of that process group.", vpgroupLeader, func(t *Thread) string { return t.Exe }),
	leaderText("proc.vpgid.exepath", "proc.exepath of the leader of that process group.", vpgroupLeader, func(t *Thread) string { return t.ExePath }),
	threadNum("proc.pgid", schema.PT_INT64, "Process group id in the host's pid namespace.", func(t *Thread) int64 { return t.PGID }).as(schema.PF_ID),
	leaderText("proc.pgid.name", "proc.name of the leader of that process group.", pgroupLeader, func(t *Thread) string { return t.Comm }),
	leaderText("proc.pgid.exe", "proc.exe of the leader of that process group.", pgroupLeader, func(t *Thread) string { return t.Exe }),
	leaderText("proc.pgid.exepath", "proc.exepath of the leader of that process group.", pgroupLeader, func(t *Thread) string { return t.ExePath }),
	numField("proc.duration", schema.PT_RELTIME, "Nanoseconds since the process started; missing when it is older than the capture.", func(ev *Event) (int64, bool) { return age(ev, ev.Thread) }),
	numField("proc.ppid.duration", schema.PT_RELTIME, "Nanoseconds since the parent started.", func(ev *Event) (int64, bool) { return age(ev, parent(ev)) }),
	numField("proc.pid.ts", schema.PT_RELTIME, "Start of the process in nanoseconds since the epoch; missing when it is older than the capture.", func(ev *Event) (int64, bool) {
		if ev.Thread == nil {
			return 0, false
		}
		return int64(ev.Thread.CloneTS), ev.Thread.CloneTS != 0
	}),
	parentNum("proc.ppid.ts", schema.PT_RELTIME, "Start of the parent in nanoseconds since the epoch, 0 when it is older than the capture.", func(t *Thread) int64 { return int64(t.CloneTS) }),
	threadBool("proc.is_exe_writable", "Whether the user of the process can write its executable.", func(t *Thread) bool { return t.ExeWritable }),
	threadBool("proc.is_exe_upper_layer", "Whether the executable is in the upper layer of an overlay: added or changed since the container started.", func(t *Thread) bool { return t.ExeUpperLayer }),
	threadBool("proc.is_exe_lower_layer", "Whether the executable is in a lower layer of an overlay.", func(t *Thread) bool { return t.ExeLowerLayer }),
	threadBool("proc.is_exe_from_memfd", "Whether the executable is an anonymous file in memory.", func(t *Thread) bool { return t.ExeFromMemfd }),
	threadBool("proc.is_sid_leader", "Whether the process leads its session.", func(t *Thread) bool { return t.SID == t.VPID }),
	threadBool("proc.is_vpgid_leader", "Whether the process leads its process group, by ids of its own pid namespace.", func(t *Thread) bool { return t.VPGID == t.VPID }),
	threadBool("proc.is_pgid_leader", "Whether the process leads its process group, by ids of the host.", func(t *Thread) bool { return t.PGID == t.PID }),
	threadNumNonZero("proc.exe_ino", schema.PT_INT64, "Inode of the executable.", func(t *Thread) uint64 { return t.ExeIno }),
	threadNumNonZero("proc.exe_ino.ctime", schema.PT_ABSTIME, "Last status change of the executable's inode, nanoseconds since the epoch.", func(t *Thread) uint64 { return t.ExeInoCtime }),
	threadNumNonZero("proc.exe_ino.mtime", schema.PT_ABSTIME, "Last change of the executable's content, nanoseconds since the epoch.", func(t *Thread) uint64 { return t.ExeInoMtime }),
	threadNumNonZero("proc.exe_ino.ctime_duration_proc_start", schema.PT_ABSTIME, "Nanoseconds from the executable's status change to the start of the process.", func(t *Thread) uint64 { return since(t.ExeInoCtime, t.CloneTS) }),
	threadNumNonZero("proc.exe_ino.ctime_duration_pidns_start", schema.PT_ABSTIME, "Nanoseconds from the start of the pid namespace to a later status change of the executable.", func(t *Thread) uint64 { return since(t.PidnsInitTS, t.ExeInoCtime) }),
	threadNumNonZero("proc.pidns_init_start_ts", schema.PT_UINT64, "Start of the pid namespace, nanoseconds since the epoch.", func(t *Thread) uint64 { return t.PidnsInitTS }),
	capField("thread.cap_permitted", "Permitted capabilities, separated by blanks.", func(t *Thread) uint64 { return t.CapPermitted }),
	capField("thread.cap_inheritable", "Inheritable capabilities, separated by blanks.", func(t *Thread) uint64 { return t.CapInheritable }),
	capField("thread.cap_effective", "Effective capabilities, separated by blanks.", func(t *Thread) uint64 { return t.CapEffective }),
	threadNum("proc.fdopencount", schema.PT_UINT64, "Number of open descriptors.", func(t *Thread) int64 { return int64(t.NumFDs()) }),
	threadNum("proc.fdlimit", schema.PT_INT64, "Limit of open descriptors.", func(t *Thread) int64 { return t.FDLimit }),
	floatField("proc.fdusage", "Open descriptors as a percentage of the limit.", func(ev *Event) (float64, bool) {
		t := ev.Thread
		if t == nil {
			return 0, false
		}
		if t.FDLimit <= 0 {
			return 0, true
		}
		return float64(t.NumFDs()) * 100 / float64(t.FDLimit), true
	}),
	threadNum("proc.vmsize", schema.PT_UINT64, "Virtual memory in KiB.", func(t *Thread) int64 { return int64(t.VMSizeKB) }),
	threadNum("proc.vmrss", schema.PT_UINT64, "Resident memory in KiB.", func(t *Thread) int64 { return int64(t.VMRSSKB) }),
	threadNum("proc.vmswap", schema.PT_UINT64, "Swapped memory in KiB.", func(t *Thread) int64 { return int64(t.VMSwapKB) }),
	threadNum("thread.pfmajor", schema.PT_UINT64, "Major page faults since the thread started.", func(t *Thread) int64 { return int64(t.PFMajor) }),
	threadNum("thread.pfminor", schema.PT_UINT64, "Minor page faults since the thread started.", func(t *Thread) int64 { return int64(t.PFMinor) }),
	numField("thread.tid", schema.PT_INT64, "Thread id.", func(ev *Event) (int64, bool) { return ev.TID, true }).as(schema.PF_ID),
	threadBool("thread.ismain", "Whether the thread is the main thread of its process.", (*Thread).IsMain),
	threadNum("thread.vtid", schema.PT_INT64, "Thread id in the thread's own pid namespace.", func(t *Thread) int64 { return t.VTID }).as(schema.PF_ID),
	textField("thread.nametid", "proc.name and thread id in one word.", func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		return ev.close(strconv.AppendInt(append(ev.open(), ev.Thread.Comm...), ev.TID, 10))
	}).hidden(),
	execTimeField("thread.exectime", "CPU time of the thread that just left the CPU, on switch events."),
	totalExecTimeField("thread.totexectime", "CPU time of the thread so far, counted on switch events."),
	textField("thread.cgroups", "Control groups as subsystem=path, joined by blanks.", func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		return ev.close(appendJoined(ev.open(), ev.Thread.Cgroups))
	}),
	argField("thread.cgroup", ArgKey, true, "Path of the control group in one subsystem: thread.cgroup.memory.", bindCgroup).dotOnly(),
	threadNum("proc.nthreads", schema.PT_UINT64, "Living threads of the process.", func(t *Thread) int64 { return int64(t.NumThreads()) }),
	threadNum("proc.nchilds", schema.PT_UINT64, "Living threads of the process without the main thread.", otherThreads),
	cpuField("thread.cpu", "Share of a CPU in the last second, on procinfo events.", true, true),
	cpuField("thread.cpu.user", "Share of a CPU in user mode in the last second, on procinfo events.", true, false),
	cpuField("thread.cpu.system", "Share of a CPU in kernel mode in the last second, on procinfo events.", false, true),
	threadNum("thread.vmsize", schema.PT_UINT64, "Virtual memory in KiB for main threads, 0 for others.", func(t *Thread) int64 { return mainOnly(t, t.VMSizeKB) }),
	threadNum("thread.vmrss", schema.PT_UINT64, "Resident memory in KiB for main threads, 0 for others.", func(t *Thread) int64 { return mainOnly(t, t.VMRSSKB) }),
	threadNum("thread.vmsize.b", schema.PT_UINT64, "Virtual memory in bytes for main threads, 0 for others.", func(t *Thread) int64 { return mainOnly(t, t.VMSizeKB) * 1024 }).hidden(),
	threadNum("thread.vmrss.b", schema.PT_UINT64, "Resident memory in bytes for main threads, 0 for others.", func(t *Thread) int64 { return mainOnly(t, t.VMRSSKB) * 1024 }).hidden(),
	stdField("proc.stdin.type", "fd.type of descriptor 0.", 0, (*FD).typeName),
	stdField("proc.stdout.type", "fd.type of descriptor 1.", 1, (*FD).typeName),
	stdField("proc.stderr.type", "fd.type of descriptor 2.", 2, (*FD).typeName),
	stdField("proc.stdin.name", "fd.name of descriptor 0.", 0, func(fd *FD) string { return fd.Name }),
	stdField("proc.stdout.name", "fd.name of descriptor 1.", 1, func(fd *FD) string { return fd.Name }),
	stdField("proc.stderr.name", "fd.name of descriptor 2.", 2, func(fd *FD) string { return fd.Name }),
}

// anyOf marks a field that stands for several values without argument.
func (r row) anyOf() row { r.AnyOf = true; return r }

// single makes r a field of one value although the catalogue's row stands for
// several without argument.
func (r *Ref) single() {
	f := *r.Field
	f.AnyOf = false
	r.Field = &f
}

// The constructors for values of the thread, of its parent and ancestors, and
// of the leaders of its groups.

func threadText(name, desc string, f func(*Thread) string) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		return f(ev.Thread), true
	})
}

func threadNum(name string, t schema.ParamType, desc string, f func(*Thread) int64) row {
	return numField(name, t, desc, func(ev *Event) (int64, bool) {
		if ev.Thread == nil {
			return 0, false
		}
		return f(ev.Thread), true
	})
}

func threadNumNonZero(name string, t schema.ParamType, desc string, f func(*Thread) uint64) row {
	return numField(name, t, desc, func(ev *Event) (int64, bool) {
		if ev.Thread == nil {
			return 0, false
		}
		v := f(ev.Thread)
		return int64(v), v != 0
	})
}

func threadBool(name, desc string, f func(*Thread) bool) row {
	return boolField(name, desc, func(ev *Event) (int64, bool) {
		if ev.Thread == nil {
			return 0, false
		}
		return b2i(f(ev.Thread))
	})
}

// parent returns the parent of the event's thread, nil when unknown.
func parent(ev *Event) *Thread {
	if ev.Thread == nil {
		return nil
	}
	return ev.Thread.Parent()
}

func parentText(name, desc string, f func(*Thread) string) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		p := parent(ev)
		if p == nil {
			return "", false
		}
		return f(p), true
	})
}

func parentNum(name string, t schema.ParamType, desc string, f func(*Thread) int64) row {
	return numField(name, t, desc, func(ev *Event) (int64, bool) {
		p := parent(ev)
		if p == nil {
			return 0, false
		}
		return f(p), true
	})
}

func parentPID(ev *Event) (int64, bool) {
	p := parent(ev)
	if p == nil {
		return 0, false
	}
	return p.PID, true
}

// maxAncestors ends walks up the process tree: deeper than any real tree, it
// stops loops that a broken capture may contain.
const maxAncestors = 512

// ancestors calls f for each ancestor from the parent up until it returns false.
func ancestors(t *Thread, f func(*Thread) bool) {
	if t = mainOf(t); t == nil {
		return
	}
	for n := 0; n < maxAncestors; n++ {
		p := t.Parent()
		if p == nil || p == t || !f(p) {
			return
		}
		t = p
	}
}

func mainOf(t *Thread) *Thread {
	if t == nil {
		return nil
	}
	return t.Main()
}

// level parses an ancestor's number.
func level(r *Ref) int {
	n, err := strconv.Atoi(r.Arg)
	if err != nil || n > maxAncestors {
		return maxAncestors + 1 // beyond every tree: missing
	}
	return n
}

func ancestor(ev *Event, n int) *Thread {
	if ev.Thread == nil || n > maxAncestors {
		return nil
	}
	return ev.Thread.Ancestor(n)
}

// ancestorText is a text of an ancestor: one with a number, each without.
func ancestorText(name, desc string, f func(*Event, *Thread) string) row {
	return argField(name, ArgIndex, false, desc, func(r *Ref) error {
		if r.HasArg {
			r.single()
			n := level(r)
			r.Str = func(ev *Event) (string, bool) { return threadStr(ev, ancestor(ev, n), f) }
			return nil
		}
		bindAncestors(r, func(ev *Event, t *Thread) Value { return Value{Type: schema.PT_CHARBUF, Str: f(ev, t)} })
		return nil
	}).anyOf().plainOnly()
}

// bindAncestors makes r stand for a value of each ancestor.
func bindAncestors(r *Ref, f func(*Event, *Thread) Value) {
	r.Each = func(ev *Event, yield func(Value) bool) {
		ancestors(ev.Thread, func(t *Thread) bool { return yield(f(ev, t)) })
	}
	r.Has = func(ev *Event) bool {
		t := mainOf(ev.Thread)
		return t != nil && t.Parent() != nil
	}
}

// ancestorPID is proc.apid.
func ancestorPID(name, desc string) row {
	return row{
		Field: Field{Name: name, Type: schema.PT_INT64, Format: schema.PF_ID, Arg: ArgIndex, Desc: desc},
		bind: func(r *Ref) error {
			at := func(n int) func(*Event) (int64, bool) {
				return func(ev *Event) (int64, bool) {
					t := ancestor(ev, n)
					if t == nil {
						return 0, false
					}
					return t.PID, true
				}
			}
			if r.HasArg {
				r.single()
				r.Int = at(level(r))
				return nil
			}
			bindAncestors(r, func(_ *Event, t *Thread) Value { return Value{Type: schema.PT_INT64, Int: t.PID} })
			r.out = &Ref{Field: r.Field, Type: r.Type, Int: at(0)}
			return nil
		},
	}.anyOf().plainOnly()
}

func threadStr(ev *Event, t *Thread, f func(*Event, *Thread) string) (string, bool) {
	if t == nil {
		return "", false
	}
	return f(ev, t), true
}

func appendJoined(dst []byte, list []string) []byte {
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, s...)
	}
	return dst
}

// cmdline is the name and the arguments. The text is kept with the thread: it
// changes only with execve, and rules ask for it at every event.
func cmdline(ev *Event, t *Thread) string { return ev.line(&t.lines.cmd, t.Comm, t) }

// exeline is argv[0] and the arguments.
func exeline(ev *Event, t *Thread) string { return ev.line(&t.lines.exe, t.Exe, t) }

func argsText(ev *Event, t *Thread) string {
	if len(t.Args) == 0 {
		return ""
	}
	return cmdline(ev, t)[len(t.Comm)+1:]
}

// lines are command lines put together once for a program.
type lines struct {
	cmd, exe line
}

type line struct {
	text, first string
	args        *string // identity of the argument list that text was made of
	n           int
}

// line returns first and the arguments of t joined by blanks, from l when it
// still holds that text.
func (ev *Event) line(l *line, first string, t *Thread) string {
	if len(t.Args) == 0 {
		return first
	}
	if l.args != &t.Args[0] || l.n != len(t.Args) || l.first != first {
		var b strings.Builder
		b.WriteString(first)
		for _, a := range t.Args {
			b.WriteByte(' ')
			b.WriteString(a)
		}
		*l = line{text: b.String(), first: first, args: &t.Args[0], n: len(t.Args)}
	}
	return l.text
}

func argsLen(t *Thread) int64 {
	n := 0
	for _, a := range t.Args {
		n += len(a)
	}
	return int64(n)
}

func bindArgs(r *Ref) error {
	if !r.HasArg {
		r.Str = func(ev *Event) (string, bool) { return threadStr(ev, ev.Thread, argsText) }
		return nil
	}
	n := level(r)
	r.Str = func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		if n < len(ev.Thread.Args) {
			return ev.Thread.Args[n], true
		}
		return "", true
	}
	return nil
}

func bindAncestorArgs(r *Ref) error {
	if r.HasArg {
		n := level(r)
		r.Str = func(ev *Event) (string, bool) { return threadStr(ev, ancestor(ev, n), argsText) }
		return nil
	}
	r.Str = func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		b, n := ev.open(), 0
		ancestors(ev.Thread, func(t *Thread) bool {
			if n++; n > 1 {
				b = append(b, ' ')
			}
			b = appendJoined(b, t.Args)
			return true
		})
		return ev.close(b)
	}
	return nil
}

// environ returns the environment of the process, which the main thread owns.
func environ(t *Thread) []string {
	if m := t.Main(); m != nil {
		return m.Env
	}
	return t.Env
}

func envText(ev *Event, t *Thread) string {
	s, _ := ev.close(appendJoined(ev.open(), environ(t)))
	return s
}

// getenv returns the value of a variable without blanks around it, "" when it
// is not set.
func getenv(t *Thread, name string) string {
	for _, e := range environ(t) {
		if len(e) > len(name) && e[len(name)] == '=' && e[:len(name)] == name {
			return strings.Trim(e[len(name)+1:], " ")
		}
	}
	return ""
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func bindEnv(r *Ref) error {
	if !r.HasArg || isNumber(r.Arg) {
		r.Str = func(ev *Event) (string, bool) { return threadStr(ev, ev.Thread, envText) }
		return nil
	}
	name := r.Arg
	r.Str = func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		return getenv(ev.Thread, name), true
	}
	return nil
}

func bindAncestorEnv(r *Ref) error {
	if !r.HasArg {
		bindAncestors(r, func(ev *Event, t *Thread) Value { return Value{Type: schema.PT_CHARBUF, Str: envText(ev, t)} })
		return nil
	}
	r.single()
	if isNumber(r.Arg) {
		n := level(r)
		r.Str = func(ev *Event) (string, bool) { return threadStr(ev, ancestor(ev, n), envText) }
		return nil
	}
	const levels = 20
	name := r.Arg
	r.Str = func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		val, n := "", 0
		ancestors(ev.Thread, func(t *Thread) bool {
			val = getenv(t, name)
			n++
			return val == "" && n < levels
		})
		return val, true
	}
	return nil
}

func bindCgroup(r *Ref) error {
	name := r.Arg
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' {
			return badArgument(r, "the name of a cgroup subsystem has only letters and underscores")
		}
	}
	r.Str = func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		for _, c := range ev.Thread.Cgroups {
			if len(c) > len(name) && c[len(name)] == '=' && c[:len(name)] == name {
				return c[len(name)+1:], true
			}
		}
		return "", false
	}
	return nil
}

// loginShell is the oldest of the process and its ancestors whose name ends in
// sh: the shell of the login, as a rule.
func loginShell(ev *Event) (int64, bool) {
	main := mainOf(ev.Thread)
	if main == nil {
		return 0, false
	}
	pid, ok := int64(0), false
	look := func(t *Thread) bool {
		if strings.HasSuffix(t.Comm, "sh") {
			pid, ok = t.PID, true
		}
		return true
	}
	look(main)
	ancestors(main, look)
	return pid, ok
}

// leaderText is a text of the leader of a session or process group; it is
// empty, not missing, while the leader is unknown.
func leaderText(name, desc string, leader func(*Thread) *Thread, f func(*Thread) string) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		l := leader(ev.Thread)
		if l == nil {
			return "", true
		}
		return f(l), true
	})
}

func sessionLeader(t *Thread) *Thread {
	return groupLeader(t, t.SID, t.InPIDNamespace(), func(t *Thread) int64 { return t.SID })
}

func vpgroupLeader(t *Thread) *Thread {
	return groupLeader(t, t.VPGID, t.InPIDNamespace(), func(t *Thread) int64 { return t.VPGID })
}

func pgroupLeader(t *Thread) *Thread {
	return groupLeader(t, t.PGID, false, func(t *Thread) int64 { return t.PGID })
}

// groupLeader returns the process whose pid is the group's id. Where there is
// none, because it has exited or because the id may be one of an inner pid
// namespace, the highest ancestor in the same group stands in for it.
func groupLeader(t *Thread, id int64, inner bool, idOf func(*Thread) int64) *Thread {
	if id < 0 {
		return nil
	}
	if !inner {
		if l := t.m.Thread(id); l != nil {
			return l
		}
	}
	var leader *Thread
	ancestors(t, func(p *Thread) bool {
		if idOf(p) != id {
			return false
		}
		leader = p
		return true
	})
	return leader
}

// age is the time since the thread started.
func age(ev *Event, t *Thread) (int64, bool) {
	if t == nil || t.CloneTS == 0 {
		return 0, false
	}
	return int64(ev.TS - t.CloneTS), true
}

// since returns to-from, 0 when one is unknown or they are in the other order.
func since(from, to uint64) uint64 {
	if from == 0 || to <= from {
		return 0
	}
	return to - from
}

func capField(name, desc string, f func(*Thread) uint64) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		b, caps := ev.open(), f(ev.Thread)
		for i, name := range capNames {
			if caps&(1<<i) == 0 {
				continue
			}
			if len(b) > 0 {
				b = append(b, ' ')
			}
			b = append(b, name...)
		}
		return ev.close(b)
	})
}

// capNames are the capabilities by their bit.
var capNames = [...]string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
	"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
	"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

func otherThreads(t *Thread) int64 {
	n := int64(t.NumThreads())
	if m := t.Main(); m != nil && !m.Exited && n > 0 {
		n--
	}
	return n
}

func mainOnly(t *Thread, v uint32) int64 {
	if !t.IsMain() {
		return 0
	}
	return int64(v)
}

// stdField is a property of a standard descriptor.
func stdField(name, desc string, num int64, f func(*FD) string) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		if ev.Thread == nil {
			return "", false
		}
		fd := ev.Thread.FD(num)
		if fd == nil {
			return "", false
		}
		return f(fd), true
	})
}
