package query

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sysreel/sysreel/rules"
	"golang.org/x/sys/unix"
)

// sharedCaptures is the folder of real captures, which is not part of the
// repository.
const sharedCaptures = "../../shared/captures"

func sharedCapture(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(sharedCaptures, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not here", path)
	}
	return path
}

// buildIndex builds an index of a capture in a temporary directory.
func buildIndex(t testing.TB, capture string) *Index {
	t.Helper()
	opts := Options{Index: filepath.Join(t.TempDir(), "index.sqlite")}
	if err := Build(t.Context(), capture, opts); err != nil {
		t.Fatal(err)
	}
	ix, err := Open(t.Context(), capture, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ix.Close() })
	return ix
}

// copyCapture copies a capture to a directory that can be written.
func copyCapture(t testing.TB, from string) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(from))
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask returns the rows of a statement, cells as text.
func ask(t testing.TB, ix *Index, sql string) [][]string {
	t.Helper()
	res, err := ix.SQL(t.Context(), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer res.Close()
	var out [][]string
	for {
		row, err := res.Next()
		if err != nil {
			if len(out) == 0 && err.Error() != "EOF" {
				t.Fatalf("%s: %v", sql, err)
			}
			return out
		}
		var cells []string
		for _, v := range row {
			cells = append(cells, cellText(v))
		}
		out = append(out, cells)
	}
}

func TestOpenReusesOnlyWhatFits(t *testing.T) {
	capture := copyCapture(t, sharedCapture(t, "01_cat_shadow.scap"))
	if _, err := Open(t.Context(), capture, Options{}); !errors.Is(err, ErrNoIndex) {
		t.Fatalf("open without index: %v, want ErrNoIndex", err)
	}
	ix, err := OpenOrBuild(t.Context(), capture, Options{})
	if err != nil {
		t.Fatal(err)
	}
	events := ix.Len()
	ix.Close()
	built, err := os.Stat(capture + indexSuffix)
	if err != nil {
		t.Fatal(err)
	}
	if ix, err = OpenOrBuild(t.Context(), capture, Options{}); err != nil {
		t.Fatal(err)
	}
	if ix.Len() != events {
		t.Errorf("reopened index has %d events, want %d", ix.Len(), events)
	}
	ix.Close()
	again, err := os.Stat(capture + indexSuffix)
	if err != nil || !os.SameFile(built, again) {
		t.Errorf("the index was built again although the capture is unchanged: %v", err)
	}

	b, err := os.ReadFile(capture)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(){
		"other content": func() { b[len(b)/2] ^= 1; b[0] ^= 0; b[len(b)-20] ^= 1 },
		"longer":        func() { b = append(b, b[:100]...) },
	} {
		change()
		if err := os.WriteFile(capture, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), capture, Options{}); !errors.Is(err, ErrStale) {
			t.Errorf("%s: open says %v, want ErrStale", name, err)
		}
	}
}

func TestForeignFileIsNoIndex(t *testing.T) {
	capture := copyCapture(t, sharedCapture(t, "01_cat_shadow.scap"))
	for name, content := range map[string][]byte{"text": []byte("hello, this is no database, only a text"), "empty": nil} {
		if err := os.WriteFile(capture+indexSuffix, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), capture, Options{}); !errors.Is(err, ErrStale) {
			t.Errorf("%s: open says %v, want ErrStale", name, err)
		}
		ix, err := OpenOrBuild(t.Context(), capture, Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ix.Close()
	}
}

func TestInterruptedBuildLeavesNothing(t *testing.T) {
	capture := copyCapture(t, sharedCapture(t, "03_reverse_shell_fake_container.scap"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Build(ctx, capture, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled build says %v", err)
	}
	left, _ := filepath.Glob(capture + "*")
	if len(left) != 1 {
		t.Errorf("a cancelled build leaves %v", left)
	}
	// What a crash leaves behind is in nobody's way.
	if err := os.WriteFile(partialPath(capture+indexSuffix), []byte("half an index"), 0o644); err != nil {
		t.Fatal(err)
	}
	ix, err := OpenOrBuild(t.Context(), capture, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ix.Close()
}

func TestOneBuilderAtATime(t *testing.T) {
	capture := copyCapture(t, sharedCapture(t, "01_cat_shadow.scap"))
	l, err := lockPartial(capture+indexSuffix, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := Build(t.Context(), capture, Options{}); !errors.Is(err, ErrBuilding) {
		t.Errorf("second builder: %v, want ErrBuilding", err)
	}
	// An interface that must not wait builds one of its own.
	ix, err := Start(t.Context(), capture, Options{})
	if err != nil {
		t.Fatal(err)
	}
	<-ix.Done()
	if ix.Err() != nil || ix.Len() == 0 {
		t.Errorf("index of our own: %d events, %v", ix.Len(), ix.Err())
	}
	own := ix.Path()
	ix.Close()
	if _, err := os.Stat(own); err == nil {
		t.Errorf("%s is left behind", own)
	}
	// The other one waits for the builder to end.
	go func() {
		time.Sleep(50 * time.Millisecond)
		l.abandon()
	}()
	if ix, err = OpenOrBuild(t.Context(), capture, Options{}); err != nil {
		t.Fatal(err)
	}
	ix.Close()
}

func TestDamagedCaptureIsIndexedAroundTheDamage(t *testing.T) {
	whole := buildIndex(t, sharedCapture(t, "03_reverse_shell_fake_container.scap"))
	b, err := os.ReadFile(whole.Capture())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.scap")
	if err := os.WriteFile(path, b[:len(b)*2/3], 0o644); err != nil {
		t.Fatal(err)
	}
	ix := buildIndex(t, path)
	if n := ix.Len(); n == 0 || n >= whole.Len() {
		t.Errorf("cut capture has %d events, the whole one %d", n, whole.Len())
	}
	h, err := ix.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Damage) == 0 {
		t.Error("health does not mention the cut")
	}
	for _, f := range []string{"proc.name = bash", "proc.aname = bash"} {
		if len(found(t, ix, f)) == 0 {
			t.Errorf("%s: nothing found in a cut capture", f)
		}
	}
}

func TestIndexIsAsSecretAsItsCapture(t *testing.T) {
	for _, perm := range []os.FileMode{0o600, 0o640} {
		capture := copyCapture(t, incidentCapture)
		if err := os.Chmod(capture, perm); err != nil {
			t.Fatal(err)
		}
		if err := Build(t.Context(), capture, Options{}); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(capture + indexSuffix)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != perm {
			t.Errorf("index of a capture with mode %v has mode %v", perm, st.Mode().Perm())
		}
	}
}

func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a small file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no small file system here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	capture := sharedCapture(t, "03_reverse_shell_fake_container.scap")
	err := Build(t.Context(), capture, Options{Index: filepath.Join(dir, "index.sqlite")})
	if err == nil || !strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "--index") {
		t.Errorf("building on a full disk: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNotACapture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.scap")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no capture "), 1000), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Build(t.Context(), path, Options{}); err == nil {
		t.Error("a text file was indexed")
	}
	if left, _ := filepath.Glob(path + "*"); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	capture := copyCapture(t, sharedCapture(t, "01_cat_shadow.scap"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	// Root may write anywhere, so the fallback is asked for directly.
	fallback := fallbackIndex(capture)
	if filepath.Dir(fallback) == filepath.Dir(capture) {
		t.Fatalf("the fallback %s is beside the capture", fallback)
	}
	if err := Build(t.Context(), capture, Options{Index: fallback}); err != nil {
		t.Fatal(err)
	}
	ix, err := Open(t.Context(), capture, Options{})
	if err != nil {
		t.Fatalf("the index in the cache is not found: %v", err)
	}
	if ix.Path() != fallback {
		t.Errorf("opened %s, want %s", ix.Path(), fallback)
	}
	ix.Close()
}

// TestGrowingIndexAnswers reads an index from several goroutines while it is
// built.
func TestGrowingIndexAnswers(t *testing.T) {
	name := "03_reverse_shell_fake_container.scap"
	if !testing.Short() && !raceEnabled {
		name = "big/mixed.scap"
	}
	capture := sharedCapture(t, name)
	ix, err := Start(t.Context(), capture, Options{Index: filepath.Join(t.TempDir(), "index.sqlite")})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	fl := mustFilter(t, "evt.type in (openat, execve) and evt.failed = false")
	errs := make(chan error, 3)
	for range cap(errs) {
		go func() {
			var err error
			for building := true; building && err == nil; {
				select {
				case <-ix.Done():
					building = false
				default:
				}
				err = checkGrowing(t.Context(), ix, fl)
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if ix.Err() != nil || !ix.Progress().Done {
		t.Fatalf("build: %v, progress %+v", ix.Err(), ix.Progress())
	}
	if n, err := ix.Count(t.Context(), nil, Range{}); err != nil || n != ix.Len() {
		t.Errorf("count is %d, %v, want %d", n, err, ix.Len())
	}
}

func checkGrowing(ctx context.Context, ix *Index, fl *Filter) error {
	n := ix.Len()
	if n == 0 {
		time.Sleep(time.Millisecond)
		return nil
	}
	rows, err := ix.Rows(ctx, n-1, 10)
	if err != nil {
		return err
	}
	if len(rows) == 0 || rows[0].Type == "" || rows[0].Proc == "" && rows[0].PID > 0 {
		return errors.New("the last event that is told to be there has no row, or one without names")
	}
	var last int64
	if err := ix.Find(ctx, fl, Range{}, func(nums []int64, _ int64) bool {
		for _, x := range nums {
			if x <= last {
				err = errors.New("numbers do not ascend")
			}
			last = x
		}
		return true
	}); err != nil {
		return err
	}
	_, herr := ix.Histogram(ctx, fl, 0, 0, 50)
	return errors.Join(err, herr)
}

func TestAlertsFollowTheRules(t *testing.T) {
	capture := copyCapture(t, sharedCapture(t, "01_cat_shadow.scap"))
	load := func(condition string) Options {
		set, report := rules.LoadFiles(rules.LoadOptions{}, rules.File{Name: "test.yaml", Data: []byte(
			"- rule: read\n  desc: d\n  condition: " + condition + "\n  output: read %fd.name\n  priority: WARNING\n  tags: [a, b]\n")})
		if err := report.Err(); err != nil {
			t.Fatal(err)
		}
		return Options{Rules: set}
	}
	count := func(o Options) (int64, time.Time) {
		ix, err := OpenOrBuild(t.Context(), capture, o)
		if err != nil {
			t.Fatal(err)
		}
		defer ix.Close()
		n, err := ix.NumAlerts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		alerts, err := ix.Alerts(t.Context(), 0, 100)
		if err != nil || int64(len(alerts)) != n {
			t.Fatalf("%d alerts listed, %v, want %d", len(alerts), err, n)
		}
		for _, a := range alerts {
			if a.Rule != "read" || a.Priority != "Warning" || a.Output == "" || len(a.Tags) != 2 {
				t.Errorf("alert %+v", a)
			}
		}
		v, err := func() (driver.Value, error) {
			c, err := ix.acquire()
			if err != nil {
				return nil, err
			}
			defer ix.release(c)
			return c.one(t.Context(), "SELECT count(*) FROM event")
		}()
		if err != nil || v.(int64) == 0 {
			t.Fatalf("events after a change of rules: %v, %v", v, err)
		}
		return n, time.Time{}
	}
	shadow := load("evt.type = openat and fd.name = /etc/shadow")
	first, _ := count(shadow)
	if first == 0 {
		t.Fatal("no alert on reading /etc/shadow")
	}
	if n, _ := count(load("evt.type = openat and fd.name = /no/such/file")); n != 0 {
		t.Errorf("after a change of rules there are %d alerts, want 0", n)
	}
	if n, _ := count(shadow); n != first {
		t.Errorf("with the first rules again there are %d alerts, want %d", n, first)
	}
	if n, _ := count(Options{}); n != first {
		t.Errorf("without rules the alerts should stay: %d, want %d", n, first)
	}
	// An interface gets the index at once and the alerts later.
	ix, err := Start(t.Context(), capture, load("evt.type = openat and fd.name startswith /etc/shad"))
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	if !ix.Progress().Done || ix.Len() == 0 {
		t.Errorf("the index that exists is not there at once: %+v", ix.Progress())
	}
	<-ix.Done()
	alerts, err := ix.Alerts(t.Context(), 0, 10)
	if err != nil || ix.Err() != nil || len(alerts) == 0 || alerts[0].FDName != "/etc/shadow" {
		t.Fatalf("alerts found in the background: %+v, %v, %v", alerts, err, ix.Err())
	}
	if of, err := ix.AlertsOf(t.Context(), alerts[0].Num); err != nil || len(of) == 0 {
		t.Errorf("alerts of event %d: %v, %v", alerts[0].Num, of, err)
	}
}
