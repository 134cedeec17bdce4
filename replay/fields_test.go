package replay_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// missing is what a field without value shows.
const missing = "<missing>"

func resolve(tb testing.TB, field string) *replay.Ref {
	tb.Helper()
	r, err := replay.Resolve(field)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func fieldText(tb testing.TB, ev *replay.Event, field string) string {
	tb.Helper()
	b, ok := resolve(tb, field).AppendText(nil, ev)
	if !ok {
		if len(b) > 0 {
			tb.Errorf("%s: AppendText appended %q without a value", field, b)
		}
		return missing
	}
	return string(b)
}

func fieldJSON(tb testing.TB, ev *replay.Event, field string) string {
	tb.Helper()
	b, ok := resolve(tb, field).AppendJSON(nil, ev)
	if !json.Valid(b) {
		tb.Errorf("%s: %q is no JSON", field, b)
	}
	if ok != (string(b) != "null") && !resolve(tb, field).List {
		tb.Errorf("%s: AppendJSON = %s, %v", field, b, ok)
	}
	return string(b)
}

// check compares the texts of fields, given as name, value, name, value, ...
func check(tb testing.TB, ev *replay.Event, pairs ...string) {
	tb.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := fieldText(tb, ev, pairs[i]); got != pairs[i+1] {
			tb.Errorf("%s on %s: got %q, want %q", pairs[i], ev.TypeName(), got, pairs[i+1])
		}
	}
}

func TestProcFields(t *testing.T) {
	sshd := proc(50, 1, "sshd")
	sshd.Env, sshd.Args = []string{"LANG=C", "PATH= /bin "}, []string{"-D"}
	login := proc(60, 50, "bash")
	login.SID, login.VPGID = 60, 60
	tool := proc(70, 60, "tool")
	tool.SID, tool.VPGID, tool.PGID = 60, 60, 60
	tool.Exe, tool.Args = "./tool", []string{"-a", "b c"}
	tool.Env = []string{"HOME=/root", "EMPTY=", "PAD=  x  "}
	tool.Cgroups = []string{"cpuset=/", "memory=/a.slice"}
	tool.CapEffective = 1<<0 | 1<<21
	tool.TTY, tool.FDLimit, tool.VMSizeKB, tool.LoginUID = 34816, 100, 7, 0xFFFFFFFF
	tool.FDs = []scapfile.FD{{Num: 0, Type: schema.SCAP_FD_FILE_V2, Name: "/dev/null"}, {Num: 1, Type: schema.SCAP_FD_FIFO}}
	h := newHost(t, replay.Options{}, sshd, login, tool)
	ev := h.do(schema.PPME_SYSCALL_GETUID_X, 70, u32(1000))
	check(t, ev,
		"proc.name", "tool", "proc.exe", "./tool", "proc.exepath", "/bin/tool",
		"proc.args", "-a b c", "proc.args[0]", "-a", "proc.args[1]", "b c", "proc.args[9]", "",
		"proc.cmdline", "tool -a b c", "proc.exeline", "./tool -a b c", "proc.cmdnargs", "2", "proc.cmdlenargs", "5",
		"proc.pname", "bash", "proc.pexe", "bash", "proc.pcmdline", "bash", "proc.ppid", "60", "proc.pvpid", "60",
		"proc.aname[0]", "tool", "proc.aname[1]", "bash", "proc.aname[2]", "sshd", "proc.aname[3]", "init", "proc.aname[4]", missing,
		"proc.aname[99999999999]", missing,
		"proc.aname", "bash sshd init", "proc.apid", "70", "proc.apid[2]", "50", "proc.aargs", " -D ", "proc.aargs[2]", "-D",
		"proc.acmdline[2]", "sshd -D", "proc.aexe[1]", "bash", "proc.aexepath[2]", "/bin/sshd",
		"proc.env", "HOME=/root EMPTY= PAD=  x  ", "proc.env[HOME]", "/root", "proc.env[PAD]", "x", "proc.env[EMPTY]", "", "proc.env[NO]", "",
		"proc.env[12]", "HOME=/root EMPTY= PAD=  x  ",
		"proc.aenv[PATH]", "/bin", "proc.aenv[NO]", "", "proc.aenv[2]", "LANG=C PATH= /bin ", "proc.aenv[9]", missing,
		"proc.cwd", "/home/", "proc.loginshellid", "60", "proc.tty", "34816", "proc.pid", "70", "proc.vpid", "70",
		"proc.sid", "60", "proc.sname", "bash", "proc.sid.exe", "bash", "proc.vpgid", "60", "proc.vpgid.name", "bash", "proc.pgid.name", "bash",
		"proc.duration", missing, "proc.pid.ts", missing, "proc.ppid.ts", "0",
		"proc.is_exe_writable", "false", "proc.is_vpgid_leader", "false", "proc.is_sid_leader", "false", "proc.exe_ino", missing,
		"thread.cap_effective", "CAP_CHOWN CAP_SYS_ADMIN", "thread.cap_permitted", "",
		"thread.cgroups", "cpuset=/ memory=/a.slice", "thread.cgroup.memory", "/a.slice", "thread.cgroup.cpu", missing,
		"proc.fdopencount", "2", "proc.fdlimit", "100", "proc.fdusage", "2.0", "proc.vmsize", "7", "thread.vmsize.b", "7168",
		"proc.nthreads", "1", "proc.nchilds", "0", "thread.tid", "70", "thread.ismain", "true", "thread.nametid", "tool70",
		"proc.stdin.name", "/dev/null", "proc.stdin.type", "file", "proc.stdout.type", "pipe", "proc.stderr.name", missing,
		"user.uid", "1000", "user.name", "ada", "user.homedir", "/home/ada", "user.shell", "/bin/sh", "user.loginuid", "-1", "user.loginname", "<NA>",
		"group.gid", "1000", "group.name", "ada",
		"thread.cpu", missing, "thread.exectime", "0",
	)
	// A thread of the process shares its environment and directory.
	h.thread(70, 71)
	check(t, h.do(schema.PPME_SYSCALL_GETUID_X, 71, u32(1000)),
		"proc.env[HOME]", "/root", "proc.cwd", "/home/", "thread.ismain", "false", "proc.nthreads", "2", "proc.nchilds", "1", "thread.vmsize", "0")
	// Unknown users: root has a name of its own.
	root := proc(80, 1, "id")
	root.UID, root.GID = 0, 0
	other := proc(81, 1, "id")
	other.UID, other.GID = 4711, 4712
	h = newHost(t, replay.Options{}, root, other)
	check(t, h.do(schema.PPME_SYSCALL_GETUID_X, 80, u32(0)),
		"user.name", "root", "user.homedir", "/root", "user.shell", "<NA>", "group.name", "root", "proc.aname", "init", "proc.loginshellid", missing)
	check(t, h.do(schema.PPME_SYSCALL_GETUID_X, 81, u32(0)), "user.name", "<NA>", "user.homedir", "<NA>", "group.name", "<NA>")
	// After an execve everything is that of the new program.
	check(t, h.exec(80, 80, "ls"),
		"proc.name", "ls", "proc.args[1]", "two words", "proc.is_exe_writable", "true", "proc.is_exe_upper_layer", "true",
		"proc.exe_ino", "77", "proc.exe_ino.mtime", "99", "proc.env[X]", "1")
	// A known start gives durations.
	h.fork(80, 90)
	ev = h.do(schema.PPME_SYSCALL_GETUID_X, 90, u32(0))
	check(t, ev, "proc.duration", "2000", "proc.ppid.duration", missing)
}

// An event without thread has neither process nor user.
func TestFieldsWithoutThread(t *testing.T) {
	h := newHost(t, replay.Options{})
	ev := h.do(schema.PPME_DROP_E, -1, u32(1))
	check(t, ev, "proc.name", missing, "proc.aname", missing, "proc.cmdline", missing, "user.name", missing, "container.id", missing,
		"fd.name", missing, "fd.types", missing, "evt.type", "drop", "evt.category", "internal", "evt.is_async", "true", "syscall.type", missing)
}

func TestEventFields(t *testing.T) {
	h := newHost(t, replay.Options{})
	ev := h.open(100, -2, "../etc/x", schema.PPM_O_RDWR|schema.PPM_O_CREAT)
	check(t, ev,
		"evt.num", "1", "evt.type", "openat", "syscall.type", "openat", "evt.dir", "<", "evt.category", "file", "evt.cpu", "0",
		"evt.res", "ENOENT", "evt.rawres", "-2", "evt.failed", "true", "evt.count", "1", "evt.count.error", "1", "evt.count.error.file", "1",
		"evt.count.error.net", missing, "evt.count.error.other", missing, "evt.count.exit", "1", "evt.is_io", "false", "evt.io_dir", missing,
		"evt.arg.name", "/etc/x", "evt.arg[2]", "/etc/x", "evt.arg.flags", "O_CREAT|O_RDWR", "evt.arg[fd]", "ENOENT", "evt.arg.res", missing, "evt.arg[99]", missing,
		"evt.rawarg.flags", "7", "evt.rawarg.name", "../etc/x", "evt.rawarg.dev", "FE00", "evt.rawarg.res", missing,
		"evt.args", "fd=-2(ENOENT) dirfd=-100(AT_FDCWD) name=../etc/x(/etc/x) flags=7(O_CREAT|O_RDWR) mode=0 dev=FE00 ino=7",
		"evt.type.is.openat", "1", "evt.type.is.open", "0", "evt.type.is.307", "1",
		"evt.is_open_read", "true", "evt.is_open_write", "true", "evt.is_open_create", "false", "evt.is_open_exec", "false",
		"evt.abspath", "/etc/x", "evt.abspath.dst", missing,
		"fs.path.name", "/etc/x", "fs.path.nameraw", "../etc/x", "fs.path.source", missing,
		"fd.num", "-1", "fd.name", "/etc/x", "fd.directory", "/etc", "fd.filename", missing, "fd.type", missing, "fd.typechar", "f", "fd.uid", "100-1",
		"evt.buflen", missing, "evt.latency", "0", "evt.latency.human", "0ns", "evt.source", "syscall", "evt.pluginname", missing,
	)
	ev = h.open(100, 3, "notes", schema.PPM_O_WRONLY|schema.PPM_O_CREAT|schema.PPM_O_F_CREATED)
	check(t, ev, "fd.num", "3", "fd.name", "/home/notes", "fd.nameraw", "notes", "fd.directory", "/home", "fd.filename", "notes",
		"fd.type", "file", "fd.typechar", "f", "fd.dev", "FE00", "fd.dev.major", "254", "fd.dev.minor", "0", "fd.ino", "7", "fd.uid", "1003",
		"fd.l4proto", "<NA>", "fd.sockfamily", missing, "fd.cip", missing, "fd.is_server", "false", "fd.connected", "false", "fd.types", "(file)", "fd.types[3]", "(file)", "fd.types[4]", missing,
		"evt.is_open_create", "true", "fd.containername", "host:/home/notes", "evt.res", "SUCCESS", "evt.rawarg.fd", "3")
	ev = h.do(schema.PPME_SYSCALL_WRITE_X, 100, i64(5), []byte("a\x00\"\x1bz"), i64(3), u32(5))
	check(t, ev, "evt.buffer", `a."`+".z", "evt.buflen", "5", "evt.buflen.out", "5", "evt.buflen.in", missing, "evt.buflen.file", "5", "evt.buflen.net", missing,
		"evt.io_dir", "write", "evt.is_io_write", "true", "evt.is_io_read", "false", "evt.category", "file", "evt.count.error", "0", "evt.is_syslog", "false", "evt.arg.fd", "<f>/home/notes")
	if got := fieldJSON(t, ev, "evt.buffer"); got != `"a.\".z"` {
		t.Errorf("evt.buffer as JSON: %s", got)
	}
	ev = h.do(schema.PPME_SYSCALL_RENAMEAT2_X, 100, i64(0), i64(-100), text("a"), i64(-100), text("/b"), u32(0))
	check(t, ev, "fs.path.source", "/home/a", "fs.path.sourceraw", "a", "fs.path.target", "/b", "fs.path.name", missing, "evt.abspath", "/home/a", "evt.abspath.src", "/home/a", "evt.abspath.dst", "/b", "fd.num", missing)
	ev = h.do(schema.PPME_SYSCALL_MKDIR_2_X, 100, i64(-17), text("d"), u32(0o700))
	check(t, ev, "fs.path.name", missing, "evt.arg.path", "/home/d")
	// An argument may have another type than the first event with its name.
	ev = h.do(schema.PPME_SYSCALL_MUNMAP_X, 100, i64(0), u32(1), u32(2), u32(3), u64(0xABC000), u64(8192))
	check(t, ev, "evt.rawarg.addr", "ABC000", "evt.rawarg.length", "8192", "evt.arg.addr", "ABC000")
	if got := fieldJSON(t, ev, "evt.rawarg.addr"); got != `"ABC000"` {
		t.Errorf("evt.rawarg.addr as JSON: %s", got)
	}
	ev = h.do(schema.PPME_GENERIC_X, 100, scapfile.U16(schema.SyscallByName("rseq").Code), scapfile.U16(334))
	check(t, ev, "evt.type", "rseq", "syscall.type", "rseq", "evt.args", "", "evt.res", missing, "evt.failed", missing, "evt.category", "other")
	ev = h.do(schema.PPME_SYSCALL_CLOSE_X, 100, i64(-9), i64(42))
	check(t, ev, "fd.num", "42", "fd.name", "", "fd.directory", "/", "fd.type", missing, "fd.typechar", "o", "evt.category", "unknown")
	ev = h.do(schema.PPME_SYSCALL_POLL_X, 100, i64(1), scapfile.FDList(scapfile.PollFD{FD: 3, Events: 1}, scapfile.PollFD{FD: 8}), i64(5))
	check(t, ev, "fdlist.nums", "3,8", "fdlist.names", "/home/notes,<NA>", "fdlist.cips", missing, "evt.is_wait", "true")
}

func TestSocketFields(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.snap.Interfaces = []scapfile.Interface{{Name: "eth0", Addr: netip.MustParseAddr("10.0.0.5")}}
	h.m = replay.New(h, replay.Options{})
	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(4), u32(schema.PPM_AF_INET), u32(1), u32(6), u32(0))
	src, dst := netip.MustParseAddrPort("10.0.0.5:40000"), netip.MustParseAddrPort("192.0.2.9:443")
	ev := h.do(schema.PPME_SOCKET_CONNECT_X, 100, i64(0), scapfile.SockTuple(src, dst), i64(4), scapfile.SockAddr(dst))
	check(t, ev, "fd.type", "ipv4", "fd.typechar", "4", "fd.name", "10.0.0.5:40000->192.0.2.9:443", "fd.l4proto", "tcp", "fd.sockfamily", "ip",
		"fd.cip", "10.0.0.5", "fd.sip", "192.0.2.9", "fd.lip", "10.0.0.5", "fd.rip", "192.0.2.9", "fd.cport", "40000", "fd.sport", "443", "fd.lport", "40000", "fd.rport", "443",
		"fd.sproto", "443", "fd.is_server", "false", "fd.connected", "true", "fd.directory", missing, "fd.filename", missing,
		"fd.ip", missing, "fd.port", missing, "fd.net", missing, "evt.category", "net", "fd.sip.name", missing)
	for field, want := range map[string][]string{
		"fd.ip": {"10.0.0.5", "192.0.2.9"}, "fd.net": {"10.0.0.5", "192.0.2.9"}, "fd.port": {"40000", "443"}, "fd.proto": {"40000", "443"},
	} {
		if got := each(t, ev, field); !slices.Equal(got, want) {
			t.Errorf("%s tests %v, want %v", field, got, want)
		}
		if f := resolve(t, field); !f.AnyOf || !f.FilterOnly {
			t.Errorf("%s is not a filter-only field of several values", field)
		}
	}
	if v, ok := resolve(t, "fd.cnet").Value(ev); !ok || v.IP != src.Addr() || v.Type != schema.PT_IPNET {
		t.Errorf("fd.cnet = %+v, %v", v, ok)
	}
	// A server knows the other end when it accepts.
	h.do(schema.PPME_SOCKET_SOCKET_X, 100, i64(5), u32(schema.PPM_AF_INET), u32(1), u32(6), u32(0))
	listen := netip.MustParseAddrPort("0.0.0.0:80")
	ev = h.do(schema.PPME_SOCKET_BIND_X, 100, i64(0), scapfile.SockAddr(listen), i64(5))
	check(t, ev, "fd.sip", "0.0.0.0", "fd.sport", "80", "fd.cip", missing, "fd.is_server", "true")
	if got := each(t, ev, "fd.port"); !slices.Equal(got, []string{"80"}) {
		t.Errorf("fd.port of a listening socket tests %v", got)
	}
	peer := netip.MustParseAddrPort("198.51.100.7:5555")
	ev = h.do(schema.PPME_SOCKET_ACCEPT4_6_X, 100, i64(6), scapfile.SockTuple(peer, netip.MustParseAddrPort("10.0.0.5:80")), u8(0), u32(0), u32(1), u32(0))
	check(t, ev, "fd.lip", "10.0.0.5", "fd.rip", "198.51.100.7", "fd.lport", "80", "fd.is_server", "true", "fd.cip", "198.51.100.7")
	// A file is no socket, but fd.ip exists on every known descriptor.
	ev = h.open(100, 7, "/x", schema.PPM_O_RDONLY)
	if !resolve(t, "fd.ip").Has(ev) || len(each(t, ev, "fd.ip")) != 0 {
		t.Error("fd.ip of a file: want it to exist without addresses")
	}
}

// each lists the values that a field of several values stands for.
func each(tb testing.TB, ev *replay.Event, field string) (list []string) {
	r := resolve(tb, field)
	r.Each(ev, func(v replay.Value) bool {
		list = append(list, string(v.AppendText(nil)))
		return true
	})
	return list
}

func TestContainerFields(t *testing.T) {
	const id = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"
	in := proc(200, 1, "nginx")
	in.Cgroups = []string{"cpu=/docker/" + id}
	in.PidnsInitTS = bootTime + 5
	h := newHost(t, replay.Options{}, in)
	ev := h.do(schema.PPME_SYSCALL_GETUID_X, 200, u32(0))
	check(t, ev, "container.id", "3ad7b26ded6d", "container.name", missing, "container.image.repository", missing, "k8s.pod.name", missing)
	h.do(schema.PPME_CONTAINER_JSON_2_E, -1, text(`{"container":{"id":"3ad7b26ded6d","full_id":"`+id+`","type":0,"name":"web","image":"nginx:1.25",
		"imageid":"abc","imagerepo":"nginx","imagetag":"1.25","imagedigest":"sha256:1","privileged":true,"ip":"172.17.0.2",
		"Mounts":[{"Source":"/srv","Destination":"/proc1","Mode":"ro","RW":false,"Propagation":"rprivate"},{"Source":"/var","Destination":"/data","Mode":"","RW":true,"Propagation":""}],
		"labels":{"b":"2","io.kubernetes.pod.name":"web-0","io.kubernetes.pod.namespace":"prod","io.kubernetes.pod.uid":"u-1"},
		"pod_sandbox_id":"`+id+`","pod_sandbox_labels":{"app":"web"},
		"Healthprobes":[{"type":"Healthcheck","exe":"/bin/check","args":["-x"]}]}}`))
	ev = h.do(schema.PPME_SYSCALL_GETUID_X, 200, u32(0))
	check(t, ev, "container.id", "3ad7b26ded6d", "container.full_id", id, "container.name", "web", "container.image", "nginx:1.25", "container.image.id", "abc",
		"container.type", "docker", "container.privileged", "true", "container.image.repository", "nginx", "container.image.tag", "1.25", "container.image.digest", "sha256:1",
		"container.mounts", "/srv:/proc1:ro:false:rprivate /var:/data::true:", "container.mount[0]", "/srv:/proc1:ro:false:rprivate", "container.mount[/v*]", "/var:/data::true:",
		"container.mount.source[/proc*]", "/srv", "container.mount.dest[/var]", "/data", "container.mount.rdwr[1]", "true", "container.mount.mode[7]", "none",
		"container.ip", "172.17.0.2", "container.host_pid", "false", "container.label[b]", "2", "container.label.b", "2", "container.label.no", missing,
		"container.healthcheck", "/bin/check -x", "container.liveness_probe", "NONE", "proc.is_container_healthcheck", "false",
		"container.start_ts", "1700000000000000005", "k8s.pod.name", "web-0", "k8s.ns.name", "prod", "k8s.pod.uid", "u-1", "k8s.pod.id", "u-1",
		"k8s.pod.sandbox_id", "3ad7b26ded6d", "k8s.pod.label.app", "web", "k8s.pod.labels", "app:web", "k8s.rc.name", missing, "k8s.rc.label[x]", missing,
		"container.labels", "b:2,io.kubernetes.pod.name:web-0,io.kubernetes.pod.namespace:prod,io.kubernetes.pod.uid:u-1")
	// The users of a container are not those of the host.
	check(t, ev, "user.uid", "1000", "user.name", "<NA>", "group.name", "<NA>")
	h.do(schema.PPME_USER_ADDED_E, -1, u32(1000), u32(1000), text("www"), text("/srv"), text("/bin/false"), text("3ad7b26ded6d"))
	h.do(schema.PPME_GROUP_ADDED_E, -1, u32(1000), text("web"), text("3ad7b26ded6d"))
	check(t, h.do(schema.PPME_SYSCALL_GETUID_X, 200, u32(0)), "user.name", "www", "user.homedir", "/srv", "user.shell", "/bin/false", "group.name", "web",
		"evt.arg.uid", "root")
	ev = h.do(schema.PPME_SYSCALL_GETUID_X, 100, u32(0))
	check(t, ev, "user.name", "ada", "container.id", "host", "container.name", "host", "container.image.repository", "", "container.image.tag", "", "container.privileged", "false", "k8s.pod.name", missing)
}

func TestTimeFields(t *testing.T) {
	h := newHost(t, replay.Options{})
	h.do(schema.PPME_SYSCALL_GETUID_X, 100, u32(0))
	delta := resolve(t, "evt.deltatime")
	if n, ok := delta.Int(h.do(schema.PPME_SYSCALL_GETUID_X, 100, u32(0))); n != 0 || !ok {
		t.Errorf("first evt.deltatime = %d, %v", n, ok)
	}
	ev := h.do(schema.PPME_SYSCALL_GETUID_X, 100, u32(0))
	for range 2 { // asked twice about one event
		if n, _ := delta.Int(ev); n != 1000 {
			t.Errorf("evt.deltatime = %d, want 1000", n)
		}
	}
	check(t, ev, "evt.time", "22:13:21.000003000", "evt.time.s", "22:13:21", "evt.datetime", "2023-11-14 22:13:21.000003000", "evt.datetime.s", "2023-11-14 22:13:21",
		"evt.time.iso8601", "2023-11-14T22:13:21.000003000+0000", "evt.rawtime", "1700000001000003000", "evt.rawtime.s", "1700000001", "evt.rawtime.ns", "000003000",
		"evt.reltime", "000002000", "evt.reltime.s", "0", "evt.reltime.ns", "000002000", "evt.outputtime", "22:13:21.000003000")
	for field, want := range map[string]string{
		"evt.time": "1700000001000003000", "evt.datetime.s": "1700000001000003000", "evt.rawtime": "1700000001000003000", "evt.reltime": "2000", "evt.num": "3",
	} {
		if got := fieldJSON(t, ev, field); got != want {
			t.Errorf("%s as JSON: %s, want %s", field, got, want)
		}
	}
	h.m.SetLocation(time.FixedZone("CET", 3600))
	check(t, ev, "evt.time.s", "23:13:21", "evt.time.iso8601", "2023-11-14T22:13:21.000003000+0000")
	for style, want := range map[string]string{
		"a": "1700000001.000003000", "r": "0.000002000", "D": "0.000001000", "d": "0.000000000", "h": "23:13:21.000003000",
	} {
		s, err := replay.ParseTimeStyle(style)
		if err != nil {
			t.Fatal(err)
		}
		h.m.SetTimeStyle(s)
		check(t, ev, "evt.outputtime", want)
	}
	if _, err := replay.ParseTimeStyle("x"); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("ParseTimeStyle(x): %v", err)
	}
	if d, _ := resolve(t, "evt.around[1700000001000000000]").Int(ev); d != 3000 {
		t.Errorf("evt.around is %d ns away, want 3000", d)
	}
}

func TestJSONText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", `"plain"`},
		{`a"b\c`, `"a\"b\\c"`},
		{"\n\r\t\x00\x1b\x7f", `"\n\r\t\u0000\u001b\u007f"`},
		{"ü€😀\ufffd", `"ü€😀` + "\ufffd" + `"`},
		{"a\xffb\xc3", `"a\udcffb\udcc3"`},
		{"\xed\xa0\x80", `"\udced\udca0\udc80"`}, // an encoded surrogate is not UTF-8
	}
	for _, tt := range tests {
		got := string(replay.AppendJSONString(nil, tt.in))
		if got != tt.want || !json.Valid([]byte(got)) {
			t.Errorf("AppendJSONString(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func FuzzJSONText(f *testing.F) {
	for _, s := range []string{"", "a", "\xff\xfe", "\"\\\x00", "é\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := replay.AppendJSONString(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); strings.Count(got, "\ufffd") < strings.Count(want, "\ufffd") {
			t.Errorf("%q reads back as %q", s, got)
		} else if !strings.ContainsRune(want, '\ufffd') && got != s {
			t.Errorf("%q reads back as %q", s, got)
		}
	})
}

// What a process chose must not reach a terminal as it is.
func TestLine(t *testing.T) {
	evil := proc(300, 1, "a\x1b[2J")
	evil.CWD = "/tmp/\u202edir"
	h := newHost(t, replay.Options{}, evil)
	ev := h.open(300, 3, "x\ny\xff", schema.PPM_O_RDONLY)
	want := `1 22:13:21.000001000 0 a\x1b[2J (300) < openat fd=3(<f>/tmp/\u202edir/x\ny\xff) dirfd=-100(AT_FDCWD) ` +
		`name=x\ny\xff(/tmp/\u202edir/x\ny\xff) flags=1(O_RDONLY) mode=0 dev=FE00 ino=7`
	if got := string(replay.AppendLine([]byte("> "), ev)); got != "> "+want {
		t.Errorf("got  %s\nwant > %s", got, want)
	}
	ev = h.do(schema.PPME_DROP_E, -1, u32(1))
	if got, want := string(replay.AppendLine(nil, ev)), "2 22:13:21.000002000 0 <NA> (-1) > drop ratio=1"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Scalar fields cost no memory: rules ask for them at every event.
func TestFieldAllocs(t *testing.T) {
	tool := proc(70, 100, "tool")
	tool.Args, tool.Env, tool.Cgroups = []string{"-a", "b"}, []string{"A=1", "B=2"}, []string{"cpu=/x"}
	h := newHost(t, replay.Options{}, tool)
	ev := h.open(70, 3, "dir/../file", schema.PPM_O_RDONLY)
	var buf []byte
	for _, f := range replay.Fields() {
		if f.ArgRequired || f.List || f.AnyOf {
			continue
		}
		r := resolve(t, f.Name)
		n := testing.AllocsPerRun(20, func() {
			buf, _ = r.AppendText(buf[:0], ev)
			buf, _ = r.AppendJSON(buf[:0], ev)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", f.Name, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { buf = replay.AppendLine(buf[:0], ev) }); n != 0 {
		t.Errorf("AppendLine: %v allocations", n)
	}
}

func BenchmarkAppendLine(b *testing.B) {
	h := newHost(b, replay.Options{})
	ev := h.open(100, 3, "dir/file", schema.PPM_O_RDONLY)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = replay.AppendLine(buf[:0], ev)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkField(b *testing.B) {
	h := newHost(b, replay.Options{})
	ev := h.open(100, 3, "dir/file", schema.PPM_O_RDONLY)
	for _, name := range []string{"proc.name", "proc.cmdline", "fd.name", "evt.type", "proc.aname[1]", "evt.arg.flags"} {
		r := resolve(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := r.Str(ev); !ok {
					b.Fatal("no value")
				}
			}
		})
	}
}
