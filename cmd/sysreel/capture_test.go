package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// TestLiveAlertsEqualReplay records a burst of events with rules and compares the
// alerts raised meanwhile with those that the file raises afterwards.
func TestLiveAlertsEqualReplay(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("recording needs root")
	}
	dir := t.TempDir()
	ruleFile := filepath.Join(dir, "rules.yaml")
	err := os.WriteFile(ruleFile, []byte(`
- rule: Write to the void
  desc: every write of dd
  condition: evt.type=write and proc.name=dd and fd.name=/dev/null
  output: written %evt.arg.data to %fd.name by %proc.pid of %proc.pname num=%evt.num
  priority: NOTICE
- rule: Program started
  desc: an execve
  condition: evt.type=execve and evt.res=0
  output: started %proc.exepath %proc.args by %proc.pname in %proc.cwd
  priority: NOTICE
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "burst.scap.zst")
	var live, stderr bytes.Buffer
	e := &env{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &live, stderr: &stderr}
	code := runMain(e, []string{"capture", "-w", file, "-r", ruleFile, "--json", "-e", "read,write", "--buffer", "64M",
		"--", "sh", "-c", "dd if=/dev/zero of=/dev/null bs=1 count=100000 status=none; /bin/true"})
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	if strings.Contains(stderr.String(), "lost") {
		t.Skipf("events were lost, nothing to compare: %s", &stderr)
	}
	var replayed bytes.Buffer
	n := alertsOf(t, file, ruleFile, &replayed)
	if n < 200000 {
		t.Errorf("%d events recorded, want the 200000 reads and writes of dd", n)
	}
	if got := strings.Count(live.String(), "Write to the void\""); got < 100000 {
		t.Errorf("%d live alerts for 100000 writes", got)
	}
	if !bytes.Equal(live.Bytes(), replayed.Bytes()) {
		a, b := strings.Split(live.String(), "\n"), strings.Split(replayed.String(), "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("alert %d: live %s\nreplayed %s", i+1, a[i], b[i])
			}
		}
		t.Errorf("%d live alerts, %d replayed", len(a)-1, len(b)-1)
	}
}

// alertsOf appends the alerts of a file as JSON lines and returns the number of
// its events.
func alertsOf(t *testing.T, file, ruleFile string, out *bytes.Buffer) int {
	t.Helper()
	set, report := rules.Load(rules.LoadOptions{Append: []rules.AppendOutput{{Suggested: true}}}, ruleFile)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	r, err := scapfile.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m := replay.New(r, replay.Options{})
	var f rules.Formatter
	for n := 0; ; n++ {
		ev, err := m.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		set.Eval(ev, func(match *rules.Match) {
			out.Write(append(f.AppendJSON(nil, match), '\n'))
		})
	}
}

// TestSelectionOfRules checks what is recorded for rules.
func TestSelectionOfRules(t *testing.T) {
	tests := []struct {
		condition string
		all       bool
		in, out   string // calls recorded and not recorded
		opt       bool   // context switches
	}{
		{"evt.type=execve", false, "execve clone", "openat read", false},
		{"evt.type in (connect, openat)", false, "connect openat close socket", "read", false},
		{"evt.type != openat", false, "read write close", "", false},
		{"evt.type = switch", false, "sched_switch execve", "read", true},
		{"proc.name = x", true, "", "", false},
	}
	for _, tt := range tests {
		set, report := rules.LoadFiles(rules.LoadOptions{}, rules.File{Name: "r.yaml", Data: []byte(
			"- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  condition: " + tt.condition + "\n")})
		if err := report.Err(); err != nil {
			t.Errorf("%s: %v", tt.condition, err)
			continue
		}
		sel, err := (&captureFlags{}).selection(set)
		if err != nil {
			t.Errorf("%s: %v", tt.condition, err)
			continue
		}
		if (sel.Codes == nil) != tt.all || sel.Switch != tt.opt || sel.PageFaults {
			t.Errorf("%s: all %v, switches %v, page faults %v", tt.condition, sel.Codes == nil, sel.Switch, sel.PageFaults)
		}
		for _, want := range []struct {
			names string
			in    bool
		}{{tt.in, true}, {tt.out, false}} {
			for _, name := range strings.Fields(want.names) {
				if got := slices.Contains(sel.Codes, schema.SyscallByName(name).Code); got != want.in {
					t.Errorf("%s: %s recorded %v, want %v", tt.condition, name, got, want.in)
				}
			}
		}
	}
}

func TestSizeFlag(t *testing.T) {
	tests := []struct {
		text string
		unit int64
		want int64 // 0: refused
	}{
		{"65536", 0, 65536}, {"64K", 0, 64 << 10}, {"64k", 0, 64 << 10}, {"1.5M", 0, 0}, {"100M", 0, 100 << 20},
		{"2GiB", 0, 2 << 30}, {"3MB", 0, 3 << 20}, {"5", 1 << 20, 5 << 20}, {"5K", 1 << 20, 5 << 10},
		{"", 0, 0}, {"K", 0, 0}, {"0", 0, 0}, {"-1", 0, 0}, {"9999999999T", 0, 0},
	}
	for _, tt := range tests {
		s := sizeFlag{unit: tt.unit}
		err := s.Set(tt.text)
		if (err == nil) != (tt.want > 0) || s.n != tt.want {
			t.Errorf("size %q: %d, %v; want %d", tt.text, s.n, err, tt.want)
		}
	}
}

func TestDurationFlag(t *testing.T) {
	for text, want := range map[string]time.Duration{"30": 30 * time.Second, "5m": 5 * time.Minute, "x": 0, "-1s": 0, "0": 0} {
		d := durationFlag{unit: time.Second}
		if err := d.Set(text); (err == nil) != (want > 0) || d.d != want {
			t.Errorf("duration %q: %v, %v; want %v", text, d.d, err, want)
		}
	}
}

// TestLiveLine checks that the line is cleared before anything else is printed.
func TestLiveLine(t *testing.T) {
	var out bytes.Buffer
	l := liveLine{w: &out, on: true}
	if !l.due() {
		t.Error("a new line is not due")
	}
	l.show("1s  5 events")
	if l.due() {
		t.Error("the line is due again at once")
	}
	l.clear()
	l.clear()
	if want := "\r\x1b[K1s  5 events\r\x1b[K"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
	if off := (liveLine{}); off.due() {
		t.Error("a line that is off is due")
	}
}
