package replay_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// sharedCaptures returns the folder of real captures with the values that
// Falco's library computes for them, or skips the test.
func sharedCaptures(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join("..", "..", "shared", "captures")
	if _, err := os.Stat(dir); err != nil {
		tb.Skip("needs the shared captures: " + err.Error())
	}
	return dir
}

func openCapture(tb testing.TB, path string) *scapfile.Reader {
	tb.Helper()
	r, err := scapfile.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { r.Close() })
	return r
}

func typeName(fd *replay.FD) string {
	names := map[uint8]string{
		schema.SCAP_FD_FILE: "file", schema.SCAP_FD_FILE_V2: "file", schema.SCAP_FD_DIRECTORY: "directory",
		schema.SCAP_FD_IPV4_SOCK: "ipv4", schema.SCAP_FD_IPV4_SERVSOCK: "ipv4", schema.SCAP_FD_IPV6_SOCK: "ipv6",
		schema.SCAP_FD_IPV6_SERVSOCK: "ipv6", schema.SCAP_FD_UNIX_SOCK: "unix", schema.SCAP_FD_FIFO: "pipe",
		schema.SCAP_FD_EVENT: "event", schema.SCAP_FD_SIGNALFD: "signalfd", schema.SCAP_FD_EVENTPOLL: "eventpoll",
		schema.SCAP_FD_INOTIFY: "inotify", schema.SCAP_FD_TIMERFD: "timerfd", schema.SCAP_FD_NETLINK: "netlink",
		schema.SCAP_FD_BPF: "bpf", schema.SCAP_FD_USERFAULTFD: "userfaultfd", schema.SCAP_FD_IOURING: "io_uring",
		schema.SCAP_FD_MEMFD: "memfd", schema.SCAP_FD_PIDFD: "pidfd",
	}
	if name := names[fd.Type]; name != "" {
		return name
	}
	return "<NA>"
}

// TestCountsAgainstLibs compares how often each process did what to which type
// of descriptor in a large capture.
func TestCountsAgainstLibs(t *testing.T) {
	for _, name := range []string{"mixed", "mixed.v021"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(sharedCaptures(t), "big")
			want := map[string]int{}
			text, err := os.ReadFile(filepath.Join(dir, name+".counts.tsv"))
			if err != nil {
				t.Skip("needs the large captures: " + err.Error())
			}
			for line := range strings.Lines(string(text)) {
				f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
				n, err := strconv.Atoi(f[0])
				if err != nil {
					t.Fatal(err)
				}
				want[strings.Join(f[1:4], " ")] += n
			}
			got := map[string]int{}
			m := replay.New(openCapture(t, filepath.Join(dir, name+".scap")), replay.Options{})
			for {
				ev, err := m.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if ev.Thread == nil || !ev.Thread.IsMain() {
					continue // the table holds main threads only
				}
				name, typ := ev.Info.Name, "<NA>"
				if ev.Type == schema.PPME_GENERIC_X {
					if code, ok := ev.Int(0); ok {
						name = schema.SyscallByCode(uint16(code)).Name
					}
				}
				if ev.FD != nil {
					typ = typeName(ev.FD)
				}
				got[name+" "+ev.Thread.Comm+" "+typ]++
			}
			for key, n := range want {
				if got[key] != n {
					t.Errorf("%s: got %d, want %d", key, got[key], n)
				}
			}
			for key, n := range got {
				if _, ok := want[key]; !ok {
					t.Errorf("%s: got %d, want none", key, n)
				}
			}
		})
	}
}
