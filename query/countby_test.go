package query

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sysreel/sysreel/replay"
)

// TestCountBy compares counts from the index with those of looking at every
// event, for a filter that the index decides and for one that needs the events.
func TestCountBy(t *testing.T) {
	const capture = "testdata/incident.scap"
	ix := buildIndex(t, copyCapture(t, capture))
	for _, text := range []string{"", "evt.type in (openat, read, close)", "evt.failed = true", "evt.arg.flags contains O_RDONLY", "evt.type = kexec_load"} {
		fl, err := ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"proc.name", "evt.type", "fd.name", "fd.num"} {
			ref, err := replay.Resolve(field)
			if err != nil {
				t.Fatal(err)
			}
			want := make(map[string]int64)
			eachEvent(t, capture, func(ev *replay.Event) {
				if !fl.Empty() && !fl.prog.Match(ev) {
					return
				}
				v := "null"
				if x := value(ref, ev); x != nil {
					v = fmt.Sprint(x)
				}
				want[v]++
			})
			values, err := ix.ValuesOf(t.Context(), fl, Range{}, field)
			if err != nil {
				t.Fatalf("%s of %q: %v", field, text, err)
			}
			got := make(map[string]int64)
			for i, v := range values {
				if v.Null {
					v.Value = "null"
				}
				got[v.Value] += v.Events
				if i > 0 && v.Events > values[i-1].Events {
					t.Errorf("%s of %q: not in descending order", field, text)
				}
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("%s of %q (-got +want):\n%s", field, text, diff)
			}
		}
		procs, err := ix.ProcessesOf(t.Context(), fl, Range{})
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		for _, c := range procs {
			n += c.Events
		}
		if want := int64(len(found(t, ix, text))); n != want {
			t.Errorf("%q: processes have %d events, want %d", text, n, want)
		}
		targets, err := ix.TargetsOf(t.Context(), fl, Range{})
		if err != nil {
			t.Fatal(err)
		}
		if targets[0] != nil {
			t.Errorf("%q: events without descriptor are counted as a target", text)
		}
	}
	if _, err := ix.ValuesOf(t.Context(), nil, Range{}, "proc.nosuch"); err == nil {
		t.Error("a field that does not exist was counted")
	}
}
