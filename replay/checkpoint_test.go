package replay_test

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
)

// TestCheckpoint continues captures from a checkpoint at every tenth part and
// compares the rest with an uninterrupted replay.
func TestCheckpoint(t *testing.T) {
	var fields []*replay.Ref
	for _, name := range []string{"proc.name", "proc.exepath", "proc.args", "proc.env", "proc.cwd", "proc.pid", "proc.ppid", "proc.pname", "proc.sid", "proc.vpgid",
		"proc.aname[3]", "proc.nthreads", "proc.fdopencount", "user.uid", "group.gid", "proc.tty", "thread.cgroups", "thread.cap_effective", "proc.exe_ino.mtime",
		"fd.num", "fd.name", "fd.type", "fd.ino", "fd.dev", "fd.sport", "fd.l4proto", "fd.is_server", "proc.stdout.name", "container.id"} {
		ref, err := replay.Resolve(name)
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, ref)
	}
	value := func(f *replay.Ref, ev *replay.Event) string {
		text, _ := f.AppendText(nil, ev)
		return string(text)
	}
	for _, name := range []string{"17_shell_untrusted.scap", "21_benign.v021.scap"} {
		r := openCapture(t, filepath.Join(sharedCaptures(t), name))
		var events []*scapfile.Event
		for {
			e, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e.Clone())
		}
		for part := 1; part < 10; part++ {
			whole := replay.New(&recorded{snap: r.Snapshot(), events: events}, replay.Options{})
			for at := events[len(events)*part/10].Num; ; {
				ev, err := whole.Next()
				if err != nil {
					t.Fatal(err)
				}
				if ev.Num >= at {
					break
				}
			}
			src := &recorded{snap: whole.Checkpoint(), events: events}
			ev, err := whole.Next()
			if err != nil {
				t.Fatal(err)
			}
			for events[src.at].Num < ev.Num {
				src.at++
			}
			rest := replay.New(src, replay.Options{})
			differ := map[string]int{}
			for ; err == nil; ev, err = whole.Next() {
				got, err := rest.Next()
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range fields {
					if a, b := value(f, got), value(f, ev); a != b {
						if differ[f.Text]++; differ[f.Text] == 1 {
							t.Errorf("%s from part %d, event %d %s: %s is %q, want %q", name, part, ev.Num, ev.Info.Name, f.Text, a, b)
						}
					}
				}
			}
		}
	}
}
