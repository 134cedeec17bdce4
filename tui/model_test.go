package tui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/gdamore/tcell/v2"
)

var update = flag.Bool("update", false, "rewrite the golden frames")

// harness drives a Model without a terminal: keys in, frames out.
type harness struct {
	t       *testing.T
	m       *Model
	w, h    int
	changed chan struct{}
}

func newHarness(t *testing.T, s Store, w, h int) *harness {
	t.Helper()
	ch := make(chan struct{}, 1)
	m, err := NewModel(s, Options{}, func() {
		select {
		case ch <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return &harness{t, m, w, h, ch}
}

// frame draws until nothing changes any more.
func (h *harness) frame() string {
	h.t.Helper()
	f := NewFrame(h.w, h.h)
	last := ""
	for range 200 {
		f.reset(h.w, h.h)
		h.m.Draw(f)
		text := f.String()
		if text == last && settled(h.m) && !strings.Contains(text, "loading...") && !strings.Contains(text, "searching...") && !strings.Contains(text, "evaluating") && !strings.Contains(text, "replaying") {
			return text
		}
		last = text
		select {
		case <-h.changed:
		case <-h.t.Context().Done():
			return last
		case <-afterQuiet():
		}
	}
	return last
}

// settled tells whether what is drawn without a word while it loads is there.
func settled(m *Model) bool {
	ok := m.working == ""
	if m.stripW > 0 {
		_, ready, _ := m.strip.fresh(m.stripW, m.store.Info().Version)
		ok = ok && ready
	}
	if s, is := m.screen().(*timelineScreen); is {
		for _, l := range s.lanes {
			ok = ok && l.last != nil
		}
	}
	return ok
}

// keys presses keys given as words: names like Enter and ^F, single letters,
// and 'text' in quotes typed letter by letter.
func (h *harness) keys(script string) {
	h.t.Helper()
	for script != "" {
		script = strings.TrimLeft(script, " ")
		if rest, ok := strings.CutPrefix(script, "'"); ok {
			text, after, _ := strings.Cut(rest, "'")
			for _, r := range text {
				h.m.Key(tcell.NewEventKey(tcell.KeyRune, r, 0))
			}
			script = after
			h.frame()
			continue
		}
		word, after, _ := strings.Cut(script, " ")
		script = after
		if word != "" {
			h.m.Key(keyEvent(h.t, word))
			h.frame()
		}
	}
}

func keyEvent(t *testing.T, name string) *tcell.EventKey {
	t.Helper()
	for k, n := range specialKeys {
		if n == name {
			return tcell.NewEventKey(k, 0, 0)
		}
	}
	if strings.HasPrefix(name, "^") && len(name) == 2 {
		return tcell.NewEventKey(tcell.KeyCtrlA+tcell.Key(name[1]-'A'), 0, tcell.ModCtrl)
	}
	var n int
	if _, err := fmt.Sscanf(name, "F%d", &n); err == nil && len(name) > 1 {
		return tcell.NewEventKey(tcell.KeyF1+tcell.Key(n-1), 0, 0)
	}
	if name == "space" {
		name = " "
	}
	r := []rune(name)
	if len(r) != 1 {
		t.Fatalf("no key %q", name)
	}
	return tcell.NewEventKey(tcell.KeyRune, r[0], 0)
}

func TestRegistry(t *testing.T) {
	r, err := newRegistry(actions())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.actions {
		if len(a.keys) == 0 {
			t.Errorf("action %q has no key", a.name)
		}
	}
	clash := append(actions(), action{"other", []string{"q"}, scopeEvents, "", "clashes with quit", func(*Model) {}})
	if _, err := newRegistry(clash); err == nil {
		t.Error("a screen key that hides a global one was accepted")
	}
}

func TestGoldenFrames(t *testing.T) {
	sizes := [][2]int{{80, 24}, {120, 36}, {200, 50}}
	for _, c := range []struct{ name, keys string }{
		{"events", ""},
		{"events-detail", "Down Down Tab Down"},
		{"events-filter", "/ 'evt.type = connect' Enter"},
		{"filter-typing", "/ 'evt.type ='"},
		{"procs", "Down Down p"},
		{"files", "3"},
		{"conns", "4 < < < s"},
		{"alerts", "5"},
		{"sql", "7"},
		{"sql-result", "7 a 'proc_name, count(*) AS n FROM events GROUP BY 1' Enter"},
		{"values", "#"},
		{"column", "+ 'user.name' Enter"},
		{"timeline", "6"},
		{"timeline-zoom", "Down 6 + + > > r > > r Down"},
		{"rules", "8"},
		{"rules-blocked", "Down Down 8 b o"},
		{"help", "?"},
		{"palette", ": 'ti'"},
	} {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%s-%dx%d", c.name, size[0], size[1]), func(t *testing.T) {
				h := newHarness(t, newFakeStore(60), size[0], size[1])
				h.frame()
				h.keys(c.keys)
				golden(t, fmt.Sprintf("%s-%dx%d.txt", c.name, size[0], size[1]), h.frame())
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "frames", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go test ./tui -update", err)
	}
	if got != string(want) {
		t.Errorf("frame %s differs\n--- got\n%s--- want\n%s", name, got, want)
	}
}

// TestStory walks the way of the mock-ups: from an alert to its event, to its
// process, narrowed by a filter, and back.
func TestStory(t *testing.T) {
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	h.keys("5 Home Enter")
	if h.m.st.Screen != scopeEvents || h.m.st.Event != 13 {
		t.Fatalf("alert led to screen %d event %d, want the event list at 13", h.m.st.Screen, h.m.st.Event)
	}
	h.keys("p")
	if h.m.st.Screen != scopeProcs || h.m.st.Proc != 4 {
		t.Fatalf("p led to screen %d process %d, want the tree at 4", h.m.st.Screen, h.m.st.Proc)
	}
	h.keys("Enter")
	if h.m.st.Screen != scopeEvents || h.m.st.Filter != "proc.pid in (4411, 4413)" {
		t.Fatalf("Enter on the process: screen %d filter %q", h.m.st.Screen, h.m.st.Filter)
	}
	h.keys("Esc Esc Esc")
	if h.m.st.Screen != scopeAlerts || h.m.st.Filter != "" {
		t.Errorf("three steps back: screen %d filter %q, want the alerts unfiltered", h.m.st.Screen, h.m.st.Filter)
	}
	h.keys("1 / 'evt.type = openat' Enter")
	if n, _, _ := h.m.screens[scopeEvents].(*eventsScreen).pager.Len(); n != 12 {
		t.Errorf("%d events match the filter, want 12", n)
	}
	h.keys("u")
	if h.m.st.Filter != "" {
		t.Errorf("undo left filter %q", h.m.st.Filter)
	}
	h.keys("t '#40' Enter m a Home ' ")
	h.keys("a")
	h.m.pending = ""
	h.keys("M Enter")
	if h.m.st.Event != 40 {
		t.Errorf("mark led to event %d, want 40", h.m.st.Event)
	}
	h.keys("Down i 'came from here' Enter i ' too' Enter")
	if mk := h.m.marks[1]; mk.Event != 41 || mk.Letter != "b" || mk.Note != "came from here too" {
		t.Errorf("the note made the mark %+v", mk)
	}
}

// TestTables sorts, narrows and drills from the tables.
func TestTables(t *testing.T) {
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	h.keys("3")
	s := h.m.screens[scopeFiles].(*tableScreen)
	first := func() any { return s.table.Rows[s.order[0]].Cells[0] }
	if first() != "/var/log/nginx/access.log" {
		t.Errorf("files are sorted with %v first, want that with the most events", first())
	}
	h.keys("s")
	if first() != "/root/.ssh/authorized_keys" {
		t.Errorf("s again: %v first, want that with the fewest events", first())
	}
	h.keys("< < < < < s")
	if first() != "/etc/passwd" {
		t.Errorf("sorted by path: %v first", first())
	}
	h.keys("=")
	if h.m.st.Filter != "fd.name = /etc/passwd" || h.m.st.Screen != scopeFiles {
		t.Errorf("= on the path: filter %q on screen %d", h.m.st.Filter, h.m.st.Screen)
	}
	h.keys("u Enter")
	if h.m.st.Filter != "fd.name = /etc/passwd" || h.m.st.Screen != scopeEvents {
		t.Errorf("Enter on a file: filter %q on screen %d", h.m.st.Filter, h.m.st.Screen)
	}
	h.keys("Esc 4 o")
	if h.m.st.Screen != scopeProcs || h.m.st.Proc != 5 {
		t.Errorf("o on a connection: screen %d process %d, want the tree at 5", h.m.st.Screen, h.m.st.Proc)
	}
	h.keys("Esc")
	h.m.Click(h.m.screens[scopeConns].(*tableScreen).layout.at[3], h.m.bodyY, false)
	h.frame()
	if s := h.m.screens[scopeConns].(*tableScreen); s.sort != 3 {
		t.Errorf("a click on a heading sorts by column %d, want 3", s.sort)
	}
}

// TestSQL runs statements and saved queries and follows a link out of them.
func TestSQL(t *testing.T) {
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	h.keys("7 Enter")
	if f := h.frame(); !strings.Contains(f, "saved query summary") || !strings.Contains(f, "402118") {
		t.Errorf("the saved query shows\n%s", f)
	}
	h.keys("Enter")
	if h.m.st.Screen != scopeEvents || h.m.st.Event != 7 {
		t.Errorf("the link led to screen %d event %d, want event 7", h.m.st.Screen, h.m.st.Event)
	}
	h.keys("Esc Esc a 'proc' Tab")
	if got := h.m.prompt.String(); got != "SELECT proc" || len(h.m.prompt.hints) != 2 {
		t.Errorf("completion made %q of it, with hints %q", got, h.m.prompt.hints)
	}
	h.keys("^U 'DELETE FROM event' Enter")
	if f := h.frame(); !strings.Contains(f, "read-only here") {
		t.Errorf("a statement that writes shows\n%s", f)
	}
}

// TestTimeline moves T, marks a range and leads to the events at T.
func TestTimeline(t *testing.T) {
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	h.keys("6 > > >")
	s := h.m.screens[scopeTimeline].(*timelineScreen)
	if h.m.st.T == 0 || s.at != 2 {
		t.Errorf("three steps led to bucket %d at T %d, want bucket 2", s.at, h.m.st.T)
	}
	h.keys("r > > > > r")
	if r := h.m.st.Range; r.A == 0 || r.B <= r.A || s.bucketOf(r.B)-s.bucketOf(r.A) != 4 {
		t.Errorf("the range marked is %v", r)
	}
	h.keys("Z w")
	if s.at <= 6 || s.lanes[0].last[s.at].Events == 0 {
		t.Errorf("w led to bucket %d, where nothing happens", s.at)
	}
	before := h.m.st.T
	h.keys("+ +")
	if got := s.bucketOf(before); got != s.at || s.to-s.from >= 5e9 {
		t.Errorf("after zooming in T is in bucket %d of %s, the cursor on %d", got, span(s.to-s.from), s.at)
	}
	h.keys("0 a 'evt.type = openat' Enter")
	if len(h.m.lanes) != 1 || s.lanes[len(s.lanes)-1].term != "evt.type = openat" {
		t.Errorf("lanes added: %q", h.m.lanes)
	}
	h.keys("d Enter")
	if len(h.m.lanes) != 0 || h.m.st.Screen != scopeEvents || h.m.st.Event == 0 {
		t.Errorf("Enter led to screen %d event %d with lanes %q", h.m.st.Screen, h.m.st.Event, h.m.lanes)
	}
}

// TestScrub steps T by the events of a process while its tree is shown.
func TestScrub(t *testing.T) {
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	h.keys("Down Down p")
	before := h.m.st
	h.keys("]")
	if h.m.st.Screen != scopeProcs || h.m.st.T <= before.T || h.m.st.Event <= before.Event {
		t.Errorf("] on the tree: screen %d, T %d after %d", h.m.st.Screen, h.m.st.T, before.T)
	}
	h.keys("[")
	if h.m.st.T != before.T {
		t.Errorf("[ led to T %d, want back to %d", h.m.st.T, before.T)
	}
}

// TestStripClick moves T by a click on the strip.
func TestStripClick(t *testing.T) {
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	h.m.Click(h.m.stripX+h.m.stripW/2, 1, false)
	h.frame()
	if e := h.m.st.Event; e < 29 || e > 32 {
		t.Errorf("a click in the middle leads to event %d of 60", e)
	}
}

// TestFind goes from match to match without hiding anything.
func TestFind(t *testing.T) {
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	h.keys("^F 'passwd' Enter")
	if h.m.st.Event != 5 || h.m.st.Filter != "" {
		t.Errorf("the first match is event %d with filter %q, want 5", h.m.st.Event, h.m.st.Filter)
	}
	h.keys("n n")
	if h.m.st.Event != 15 {
		t.Errorf("two matches on: event %d, want 15", h.m.st.Event)
	}
	h.keys("N")
	if h.m.st.Event != 10 {
		t.Errorf("back: event %d, want 10", h.m.st.Event)
	}
	h.keys("G n")
	if h.m.st.Event != 60 || !strings.Contains(h.frame(), "no further event matches") {
		t.Errorf("beyond the last match: event %d", h.m.st.Event)
	}
	h.keys("2 ^F 'curl -s' Enter")
	if h.m.st.Proc != 5 {
		t.Errorf("found process %d, want the one after that of the event, 5", h.m.st.Proc)
	}
	h.keys("n")
	if h.m.st.Proc != 4 {
		t.Errorf("n found process %d, want to begin again with 4", h.m.st.Proc)
	}
	h.keys("3 ^F 'passwd' Enter")
	if r := h.m.screens[scopeFiles].(*tableScreen).row(); r == nil || r.Cells[0] != "/etc/passwd" {
		t.Errorf("found file %v", r)
	}
}

// TestValues counts a field and narrows to one of its values.
func TestValues(t *testing.T) {
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	h.keys("# Down Enter")
	if h.m.st.Filter != "evt.type = connect" || h.m.overlay != nil {
		t.Errorf("Enter on a value: filter %q", h.m.st.Filter)
	}
	h.keys("u < < # s Enter")
	if h.m.st.Filter != "not proc.name exists" {
		t.Errorf("Enter on the missing value: filter %q", h.m.st.Filter)
	}
}

// TestExport writes what is shown and never over a file that is there.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	for _, c := range []struct{ keys, file, want string }{
		{"e", "a.csv", "60,openat"},
		{"e", "a.jsonl", `"type":"openat"`},
		{"3 e", "files.csv", "/etc/passwd,file,3,4096"},
		{"5 e", "alerts.txt", "Run shell untrusted"},
		{"2 e", "procs.csv", "4413,curl"},
		{"7 Enter e", "sql.csv", "nginx,402118,7"},
	} {
		path := filepath.Join(dir, c.file)
		h.keys(c.keys + " ^U '" + path + "' Enter")
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), c.want) {
			t.Errorf("%s: %v, holds\n%s\nwant %q in it", c.file, err, b, c.want)
		}
	}
	h.keys("1 e ^U '" + filepath.Join(dir, "a.csv") + "' Enter")
	if f := h.frame(); !strings.Contains(f, "file exists") {
		t.Errorf("a file that exists was not refused:\n%s", f)
	}
	h.keys("e ^U '" + filepath.Join(dir, "a.exe") + "' Enter")
	if f := h.frame(); !strings.Contains(f, "must end in .jsonl, .csv or .txt") {
		t.Errorf("an unknown format was not refused:\n%s", f)
	}
}

// TestRules leads from a rule to its alert and tries its condition as a filter.
func TestRules(t *testing.T) {
	h := newHarness(t, newFakeStore(60), 120, 36)
	h.frame()
	h.keys("8 Enter")
	if h.m.st.Screen != scopeAlerts || h.m.st.Event != 13 {
		t.Errorf("Enter on a rule: screen %d event %d, want the alert on 13", h.m.st.Screen, h.m.st.Event)
	}
	h.keys("Esc Down Enter")
	if h.m.st.Screen != scopeRules || !strings.Contains(h.m.message, "never fired") {
		t.Errorf("Enter on a rule without alerts: screen %d, message %q", h.m.st.Screen, h.m.message)
	}
	h.keys("a Enter")
	if h.m.st.Filter != "evt.type = socket" {
		t.Errorf("trying the rule set the filter %q", h.m.st.Filter)
	}
}

// TestBadFilter keeps the old filter and says what is wrong.
func TestBadFilter(t *testing.T) {
	h := newHarness(t, newFakeStore(10), 120, 36)
	h.frame()
	h.keys("/ 'nonsense' Enter")
	if h.m.st.Filter != "" {
		t.Errorf("a broken filter was applied: %q", h.m.st.Filter)
	}
	if f := h.frame(); !strings.Contains(f, `filter not applied: unknown field "nonsense"`) {
		t.Errorf("the frame does not say why:\n%s", f)
	}
}

func TestHostileStrings(t *testing.T) {
	for _, s := range []string{
		"\x1b[31mred\x1b[0m", "[red]tag[-]", "a\u202egpj", "bad\xff\xfe", "日本語のファイル名", "e\u0301\u0301\u0301",
		strings.Repeat("x", 64<<10), "a\nb\tc", "\u009b31m", "👩‍👩‍👧‍👦 family",
	} {
		st := newFakeStore(30)
		for i := range st.events {
			st.events[i].Proc, st.events[i].Type, st.events[i].Args = s, s, s
		}
		for i := range st.procs {
			st.procs[i].Name, st.procs[i].Cmdline, st.procs[i].User = s, s, s
		}
		st.alerts[0].Rule, st.alerts[0].Output, st.alerts[0].Proc, st.alerts[0].Tags = s, s, s, []string{s}
		st.info.Name, st.info.Damage, st.hostile = s, s, s
		h := newHarness(t, st, 120, 36)
		for _, keys := range []string{"", "Tab", "2", "3", "4", "5", "6", "1 #", "Esc", "7 Enter", "8", "1 Enter", "Esc"} {
			h.keys(keys)
			f := NewFrame(h.w, h.h)
			h.frame()
			h.m.Draw(f)
			for y := range f.h {
				w := 0
				for x := range f.w {
					c := f.cells[y*f.w+x]
					for _, r := range c.text {
						if unicode.IsControl(r) || r == '\u202e' {
							t.Fatalf("%U of %.20q reached the screen", r, s)
						}
					}
					w += textWidth(c.text)
				}
				if w != f.w {
					t.Errorf("row %d of %.20q is %d columns wide, want %d", y, s, w, f.w)
				}
			}
		}
	}
}

// TestSlowStore: keys are answered while nothing of the store has arrived.
func TestSlowStore(t *testing.T) {
	st := newFakeStore(1000)
	st.slow = make(chan struct{})
	h := newHarness(t, st, 120, 36)
	f := NewFrame(h.w, h.h)
	h.m.Draw(f)
	for _, k := range []string{"Down", "G", "2", "5", "1", "?"} {
		h.m.Key(keyEvent(t, k))
		f.reset(h.w, h.h)
		h.m.Draw(f)
	}
	if !strings.Contains(f.String(), "keys") {
		t.Errorf("help did not open while the store is slow:\n%s", f)
	}
	close(st.slow)
	h.keys("Esc")
	if got := h.frame(); !strings.Contains(got, "accept4") {
		t.Errorf("rows did not arrive:\n%s", got)
	}
}

// TestViewport: a list of any length asks for the pages it shows, no more.
func TestViewport(t *testing.T) {
	st := newFakeStore(200_000)
	h := newHarness(t, st, 120, 36)
	h.frame()
	h.keys("G Home G")
	if q := st.queries.Load(); q > 40 {
		t.Errorf("%d queries for three jumps", q)
	}
	if got := h.frame(); !strings.Contains(got, "200000") {
		t.Errorf("End does not show the last event:\n%s", got)
	}
}

func TestSmallTerminal(t *testing.T) {
	h := newHarness(t, newFakeStore(10), 20, 5)
	if got := h.frame(); !strings.Contains(got, "sysreel needs") {
		t.Errorf("20x5 shows\n%s", got)
	}
}

func BenchmarkFrame(b *testing.B) {
	m, err := NewModel(newFakeStore(1000), Options{}, func() {})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	f := NewFrame(120, 36)
	b.ReportAllocs()
	for b.Loop() {
		f.reset(120, 36)
		m.Draw(f)
	}
}

// afterQuiet is how long a frame is watched for changes that were not announced yet.
func afterQuiet() <-chan time.Time { return time.After(20 * time.Millisecond) }

// TestSession: marks, filter and place come back.
func TestSession(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.json")
	open := func() *Model {
		m, err := NewModel(newFakeStore(60), Options{Session: path}, func() {})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		return m
	}
	m := open()
	m.setFilter("evt.type = openat")
	m.setMark("a", 5)
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	m = open()
	if m.st.Filter != "evt.type = openat" || m.markOf(5) != "a" || len(m.filters) != 1 {
		t.Errorf("came back with filter %q, marks %v, history %v", m.st.Filter, m.marks, m.filters)
	}
	if err := os.WriteFile(path, []byte("not json"), 0o600); err != nil {
		t.Fatal(err)
	}
	m = open()
	if !strings.Contains(m.message, "not of this version") {
		t.Errorf("a broken session file was not reported: %q", m.message)
	}
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "not json" {
		t.Error("a session file that could not be read was overwritten")
	}
}
