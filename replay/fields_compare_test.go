package replay

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

const sharedCaptures = "../../shared/captures"

// difference is a value of ours that differs from that of Falco's library and
// stays so, with the reason.
type difference struct {
	capture string // prefix of the file name, "" for all
	fields  string // beginnings of field names, separated by blanks; "" for all
	applies func(ev *Event, got, want string) bool
	reason  string
	count   int
}

func (d *difference) covers(field string) bool {
	for _, prefix := range strings.Fields(d.fields) {
		if strings.HasPrefix(field, prefix) {
			return true
		}
	}
	return d.fields == ""
}

// sanitised is the difference between what the capture holds and what Falco
// shows of it.
var sanitised = &difference{
	reason: "Falco replaces control characters and invalid UTF-8 in output by U+FFFD, which cannot be undone; ours keeps them and every output decides",
	applies: func(_ *Event, got, want string) bool {
		return strings.Contains(want, "\ufffd") && replaced(got) == want
	},
}

// differences are those of the values that Falco's library computes.
var differences = []*difference{
	sanitised,
	{
		capture: "09_memfd_fileless.v021",
		reason:  "the libs lose an execve that follows an execveat in an old capture (Falco stops there); ours has it",
		applies: func(ev *Event, _, _ string) bool { return ev.Num >= 694 },
	},
	{
		fields:  "fd.",
		reason:  "for an openat relative to a descriptor Falco shows that descriptor's file instead of the one opened",
		applies: func(ev *Event, _, _ string) bool { return relativeOpen(ev) },
	},
	{
		fields:  "fs.path.name",
		reason:  "for an openat relative to a descriptor Falco shows that descriptor's file instead of the one opened",
		applies: func(ev *Event, _, _ string) bool { return relativeOpen(ev) },
	},
	{
		fields:  "fs.path.name",
		reason:  "Falco gives up on the relative path of a failed open and of unlinkat; ours makes it absolute as fd.name and evt.abspath do",
		applies: func(_ *Event, _, want string) bool { return strings.HasPrefix(want, `"<UNKNOWN>`) },
	},
	{
		fields: "fd.is_server",
		reason: "Falco takes all of the /64 of an interface for local, so :: of an unconnected socket is on lo",
		applies: func(ev *Event, _, want string) bool {
			return ev.FD != nil && int(ev.FD.Type) == schema.SCAP_FD_IPV6_SOCK && !ev.FD.Sock.Connected && want == "true"
		},
	},
	{
		fields:  "fd. fs.path. evt.args evt.info evt.category evt.buflen proc.std proc.fdopencount",
		reason:  "after dup2 of an unknown descriptor the new one is unknown too; Falco keeps what stood there before, which is closed",
		applies: func(ev *Event, _, _ string) bool { return usesUnknown(ev) },
	},
	{
		fields:  "user.shell",
		reason:  "the library ran without containers and looked for their users on the host; as Falco does, ours looks in the container's own list",
		applies: func(ev *Event, got, _ string) bool { return ev.Thread.ContainerID != "" && got == `"<NA>"` },
	},
	{
		fields:  "proc.",
		reason:  "Falco does not follow setpgid, nor the new process group of setsid; ours does",
		applies: func(ev *Event, got, want string) bool { return ev.Thread != nil && regrouped(ev.Thread) },
	},
}

// alertDifferences are those of the alerts, where Falco knows containers.
var alertDifferences = []*difference{
	sanitised,
	{
		capture: "03_",
		fields:  "fd.lport fd.rport",
		reason:  "Falco knows no address of a container and takes the server's end of each of its connections for local",
		applies: func(ev *Event, _, _ string) bool { return ev.Thread.ContainerID != "" },
	},
}

// moved holds the processes that a setpgid or setsid put into another group.
var moved = map[*Machine]map[int64]bool{}

// noteGroup remembers the process that a setpgid or setsid moved.
func noteGroup(ev *Event) {
	res, _ := ev.Return()
	if ev.Thread == nil || res < 0 {
		return
	}
	pid := ev.Thread.PID
	switch ev.Type {
	case schema.PPME_SYSCALL_SETSID_X:
	case schema.PPME_SYSCALL_SETPGID_X:
		// The number is one of the caller's pid namespace.
		if n, _ := ev.Int(1); n != 0 && !ev.Thread.InPIDNamespace() {
			pid = n
		}
	default:
		return
	}
	if moved[ev.M] == nil {
		moved[ev.M] = make(map[int64]bool)
	}
	moved[ev.M][pid] = true
}

// regrouped reports whether t or an ancestor was moved to another group.
func regrouped(t *Thread) bool {
	found := moved[t.Machine()][t.PID]
	ancestors(t, func(p *Thread) bool {
		found = found || moved[t.Machine()][p.PID]
		return !found
	})
	return found
}

// relativeOpen reports an open relative to a directory descriptor.
func relativeOpen(ev *Event) bool {
	if ev.Type != schema.PPME_SYSCALL_OPENAT_2_X {
		return false
	}
	dirfd, _ := ev.Int(1)
	name, _ := ev.Text(2)
	return dirfd != schema.PPM_AT_FDCWD && len(name) > 0 && name[0] != '/'
}

// usesUnknown reports whether the event's descriptor, or a standard one of its
// process, is open and of unknown kind.
func usesUnknown(ev *Event) bool {
	if ev.Thread == nil {
		return false
	}
	for _, num := range []int64{ev.FDNum, 0, 1, 2} {
		if fd := ev.Thread.FD(num); fd != nil && fd.Type == schema.SCAP_FD_UNKNOWN {
			return true
		}
	}
	return ev.FD != nil && ev.FD.Type == schema.SCAP_FD_UNKNOWN
}

// replaced is a quoted value with what the libs replace in output.
func replaced(quoted string) string {
	s, err := strconv.Unquote(quoted)
	if err != nil {
		return quoted
	}
	var b strings.Builder
	for _, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			r = '\uFFFD'
		}
		b.WriteRune(r)
	}
	return strconv.Quote(b.String())
}

// TestFieldsAgainstFalco computes every field that Falco's library computed for
// the shared captures, on every event, and compares.
func TestFieldsAgainstFalco(t *testing.T) {
	compareAll(t, ".fields.jsonl.gz", differences)
}

// TestFieldsAgainstFalcoAlerts compares the fields in the alerts that Falco
// raised: arguments, times and containers are there too.
func TestFieldsAgainstFalcoAlerts(t *testing.T) {
	compareAll(t, ".falco.jsonl", alertDifferences)
}

// compareAll compares all captures that have a file with that suffix beside them.
func compareAll(t *testing.T, suffix string, known []*difference) {
	var files []string
	for _, dir := range []string{".", "upstream"} {
		m, _ := filepath.Glob(filepath.Join(sharedCaptures, dir, "*"+suffix))
		files = append(files, m...)
	}
	if len(files) == 0 {
		t.Skipf("no captures with values of Falco in %s", sharedCaptures)
	}
	total := newComparison()
	for _, f := range files {
		base := strings.TrimSuffix(f, suffix)
		t.Run(filepath.Base(base), func(t *testing.T) {
			if info, err := os.Stat(f); raceDetector && err == nil && info.Size() > 200<<10 {
				t.Skip("large, and the race detector makes it slow; it runs without")
			}
			c := newComparison()
			c.known = known
			c.run(t, base+".scap", openRows(t, f))
			total.add(c)
			for _, line := range c.report() {
				t.Error(line)
			}
		})
	}
	t.Logf("%d events, %d values, %d different; %d events that the library lost", total.events, total.values, total.different, total.extra)
	for _, line := range total.report() {
		t.Log(line)
	}
	for _, d := range known {
		t.Logf("%8d values of %s differ: %s", d.count, d.fields, d.reason)
		if d.count == 0 && !raceDetector {
			t.Errorf("this difference does not occur any more: %s %s (%s)", d.capture, d.fields, d.reason)
		}
	}
}
