package scapfile

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// contents is everything that a capture says.
type contents struct {
	snap   *Snapshot
	events []Event
	raw    [][]byte
}

func readAll(t testing.TB, r *Reader) (c contents) {
	t.Helper()
	c.snap = r.Snapshot()
	for {
		e, err := r.Next()
		if err == io.EOF {
			return c
		}
		if err != nil {
			t.Fatalf("after %d events: %v", len(c.events), err)
		}
		c.events = append(c.events, Event{Num: e.Num, TS: e.TS, TID: e.TID, Type: e.Type, CPU: e.CPU, Flags: e.Flags})
		c.raw = append(c.raw, e.AppendRaw(nil))
	}
}

// copyTo writes everything that r delivers to a new file.
func copyTo(t testing.TB, path string, r *Reader, opts WriterOptions) {
	t.Helper()
	w, err := Create(path, r.Snapshot(), opts)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

var allNames = []string{"a.scap", "a.scap.gz", "a.scap.zst", "a.scap.raw"}

// What is written reads back the same, in every compression, converted and raw.
func TestRoundTrip(t *testing.T) {
	for _, src := range captures(t) {
		for _, raw := range []bool{false, true} {
			want := readAll(t, open(t, src, ReaderOptions{Raw: raw}))
			for _, name := range allNames {
				path := filepath.Join(t.TempDir(), name)
				copyTo(t, path, open(t, src, ReaderOptions{Raw: raw}), WriterOptions{FrameSize: 64 << 10})
				r := open(t, path, ReaderOptions{Raw: raw})
				got := readAll(t, r)
				if d := r.Damage(); len(d) != 0 {
					t.Errorf("%s as %s: damage %v", src, name, d)
				}
				if len(got.raw) != len(want.raw) {
					t.Fatalf("%s as %s: %d events instead of %d", src, name, len(got.raw), len(want.raw))
				}
				for i := range want.raw {
					if !bytes.Equal(got.raw[i], want.raw[i]) {
						t.Fatalf("%s as %s, event %d:\n got %x\nwant %x", src, name, i+1, got.raw[i], want.raw[i])
					}
				}
				if d := cmp.Diff(want.events, got.events, cmpopts.IgnoreUnexported(Event{})); d != "" && !raw {
					for i := range want.events {
						want.events[i].Flags &^= FlagEnterLost
					}
					if d := cmp.Diff(want.events, got.events, cmpopts.IgnoreUnexported(Event{})); d != "" {
						t.Errorf("%s as %s: %s", src, name, d)
					}
				}
				if d := cmp.Diff(want.snap, got.snap, cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})); d != "" {
					t.Errorf("%s as %s: snapshot differs: %s", src, name, d)
				}
				if m := r.Meta(); m == nil || m.Closed.IsZero() || m.Events != uint64(len(want.raw)) {
					t.Errorf("%s as %s: metadata %+v", src, name, m)
				}
			}
		}
	}
}

// A current capture re-encoded is the same file, byte by byte, but for our own
// metadata block.
func TestReencodeIsIdentical(t *testing.T) {
	for _, src := range captures(t) {
		r := open(t, src, ReaderOptions{Raw: true})
		if strings.Contains(src, "upstream") || strings.Contains(src, "v021") {
			continue // their process entries lack fields that we write
		}
		path := filepath.Join(t.TempDir(), "a.scap.raw")
		copyTo(t, path, r, WriterOptions{})
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(src)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		in, _, err := newInput(f, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for s, err := in.next(); err == nil; s, err = in.next() {
			want = append(want, s.data()...)
			in.release(s)
		}
		in.close()
		metaSize := int(uint32(got[32]) | uint32(got[33])<<8 | uint32(got[34])<<16)
		got = append(got[:28:28], got[28+metaSize:]...)
		if !bytes.Equal(got, want) {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			t.Errorf("%s: %d bytes, want %d; first difference at %d", src, len(got), len(want), i)
		}
	}
}

func tool(t *testing.T, name string) string {
	t.Helper()
	if underRace {
		t.Skip("the race detector has nothing to say about other programs")
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// tsharkLines lists event number, time, cpu, thread and type as tshark sees them.
func tsharkLines(t *testing.T, tshark, path string) string {
	t.Helper()
	cmd := exec.Command(tshark, "-r", path, "-T", "fields", "-e", "frame.number", "-e", "frame.time_epoch",
		"-e", "sysdig.cpu_id", "-e", "sysdig.thread_id", "-e", "sysdig.event_type", "-e", "sysdig.event_len", "-e", "sysdig.param.lens")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark -r %s: %v: %s", path, err, errs.String())
	}
	return string(out)
}

// unzstd decompresses path with the zstd tool. Debian's tshark 4.0 reads zstd, but
// loses its way behind the first frame of any file of several frames once it is
// larger than its buffer, no matter who wrote it.
func unzstd(t *testing.T, path string) string {
	t.Helper()
	out := path + ".raw"
	if msg, err := exec.Command(tool(t, "zstd"), "-q", "-d", "-o", out, path).CombinedOutput(); err != nil {
		t.Fatalf("zstd -d: %v: %s", err, msg)
	}
	return out
}

// An independent reader of the container format shows for our files what it shows
// for the originals.
func TestTsharkAgrees(t *testing.T) {
	tshark := tool(t, "tshark")
	for n, src := range captures(t) {
		r := open(t, src, ReaderOptions{Raw: true})
		if r.Info().Minor == 1 {
			continue // tshark does not know version 1.1
		}
		want := tsharkLines(t, tshark, src)
		if n, got := drain(t, open(t, src, ReaderOptions{Raw: true})), strings.Count(want, "\n"); n != got {
			t.Errorf("%s: %d events, tshark counts %d", src, n, got)
		}
		if r.Info().Minor == 0 {
			continue // our file has version 2 events, whose lengths differ
		}
		name := allNames[(n+n/2)%len(allNames)] // each form several times over all captures
		path := filepath.Join(t.TempDir(), name)
		copyTo(t, path, open(t, src, ReaderOptions{Raw: true}), WriterOptions{FrameSize: 64 << 10})
		if strings.HasSuffix(name, ".zst") {
			path = unzstd(t, path)
		}
		if got := tsharkLines(t, tshark, path); got != want {
			t.Errorf("%s as %s: tshark shows another capture", src, name)
		}
	}
}

// sysdig shows for our files what it shows for the originals, where it reads those.
func TestSysdigAgrees(t *testing.T) {
	sysdig := tool(t, "sysdig")
	show := func(path string) (string, error) {
		out, err := exec.Command(sysdig, "-r", path, "-p", "%evt.num %evt.rawtime %thread.tid %evt.type %proc.name %fd.name %evt.args").Output()
		return string(out), err
	}
	for _, src := range captures(t) {
		want, err := show(src)
		if err != nil || want == "" {
			t.Logf("sysdig does not read %s: %v", src, err)
			continue
		}
		for _, name := range []string{"a.scap", "a.scap.raw"} {
			path := filepath.Join(t.TempDir(), name)
			copyTo(t, path, open(t, src, ReaderOptions{Raw: true}), WriterOptions{FrameSize: 64 << 10})
			got, err := show(path)
			if err != nil || got != want {
				t.Errorf("%s as %s: sysdig shows another capture (%v)", src, name, err)
			}
		}
	}
}
