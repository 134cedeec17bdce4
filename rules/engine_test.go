package rules

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// testSource replays events over a snapshot with a few processes: systemd (1),
// sshd (5), bash (10) below it, and nginx (20) with a shell (21) below it.
type testSource struct {
	events []*scapfile.Event
	next   int
}

func (s *testSource) Snapshot() *scapfile.Snapshot {
	proc := func(pid, ppid int64, comm, path string, args ...string) scapfile.Thread {
		return scapfile.Thread{
			TID: pid, PID: pid, PTID: ppid, SID: 1, VTID: pid, VPID: pid, VPGID: pid, PGID: pid,
			Comm: comm, Exe: comm, ExePath: path, Args: args, CWD: "/", Root: "/", LoginUID: 0xFFFFFFFF,
		}
	}
	return &scapfile.Snapshot{
		Machine: &scapfile.MachineInfo{NumCPUs: 2, Hostname: "testhost"},
		Users:   []scapfile.User{{UID: 0, Name: "root", Home: "/root", Shell: "/bin/sh"}},
		Threads: []scapfile.Thread{
			proc(1, 0, "systemd", "/lib/systemd/systemd"),
			proc(5, 1, "sshd", "/usr/sbin/sshd", "-D"),
			proc(10, 5, "bash", "/usr/bin/bash", "-i"),
			proc(20, 1, "nginx", "/usr/sbin/nginx"),
			proc(21, 20, "sh", "/usr/bin/dash", "-c", "id"),
		},
	}
}

func (s *testSource) Next() (*scapfile.Event, error) {
	if s.next == len(s.events) {
		return nil, io.EOF
	}
	e := s.events[s.next]
	s.next++
	e.Num = uint64(s.next)
	return e, nil
}

const testTime = 1_700_000_000_123_456_789

// open is an openat of a path by a thread.
func open(tid int64, path string) *scapfile.Event {
	return scapfile.NewEvent(schema.PPME_SYSCALL_OPENAT_2_X, testTime, tid,
		scapfile.I64(3), scapfile.I64(-100), scapfile.Text(path), scapfile.U32(schema.PPM_O_RDONLY), scapfile.U32(0), scapfile.U32(1), scapfile.U64(2))
}

func testMachine(events ...*scapfile.Event) *replay.Machine {
	return replay.New(&testSource{events: events}, replay.Options{})
}

// mustLoad loads rule texts as files a.yaml, b.yaml, ...
func mustLoad(t testing.TB, opts LoadOptions, texts ...string) *Set {
	t.Helper()
	set, rep := loadTexts(opts, texts...)
	if !rep.OK() {
		t.Fatalf("%s", rep.AppendText(nil))
	}
	return set
}

func loadTexts(opts LoadOptions, texts ...string) (*Set, *Report) {
	var files []File
	for i, s := range texts {
		files = append(files, File{Name: string(rune('a'+i)) + ".yaml", Data: []byte(s)})
	}
	return LoadFiles(opts, files...)
}

// fired returns "NUM:RULE" for every match of the events.
func fired(t testing.TB, set *Set, events ...*scapfile.Event) []string {
	t.Helper()
	m := testMachine(events...)
	var out []string
	for {
		ev, err := m.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		set.Eval(ev, func(m *Match) { out = append(out, fmt.Sprintf("%d:%s", ev.Num, m.Rule.Name)) })
	}
}

func rule(name, cond string, more ...string) string {
	s := fmt.Sprintf("- rule: %s\n  desc: d\n  condition: %s\n  output: o %%proc.name\n  priority: info\n", name, cond)
	for _, l := range more {
		s += "  " + l + "\n"
	}
	return s
}

// vectors are section 12 of the rule-language specification and the quirks named
// beside it. The events are openat of /etc/shadow by bash (1), of /tmp/x by sh
// below nginx (2).
var vectors = []struct {
	name  string
	opts  LoadOptions
	files []string
	want  []string
}{
	{"12.1 redefinition keeps its position", LoadOptions{}, []string{
		rule("one", "evt.type=open") + rule("two", "evt.type=openat") + rule("one", "evt.type=openat and proc.name=bash")},
		[]string{"1:one", "2:two"}},
	{"12.1 redefinition in a later file", LoadOptions{}, []string{
		rule("one", "evt.type=open") + rule("two", "evt.type=openat"), rule("one", "evt.type=openat")},
		[]string{"1:one", "2:one"}},
	{"12.2 appended condition is glued", LoadOptions{}, []string{
		rule("r", "evt.type=openat and proc.name=bash or evt.type=openat") + "- rule: r\n  condition: and proc.name=sh\n  override: {condition: append}\n"},
		[]string{"1:r", "2:r"}},
	{"12.3 macro defined after the rule", LoadOptions{}, []string{
		rule("r", "evt.type=openat and m") + "- macro: m\n  condition: proc.name=sh\n"}, []string{"2:r"}},
	{"12.4 list defined after its use in a condition", LoadOptions{}, []string{
		rule("r", "evt.type=openat and proc.name in (l)") + "- list: l\n  items: [sh]\n"}, []string{"2:r"}},
	{"12.4 list in an earlier list stays text", LoadOptions{}, []string{
		"- list: l\n  items: [k, bash]\n- list: k\n  items: [sh]\n" + rule("r", "evt.type=openat and proc.name in (l)")}, []string{"1:r"}},
	{"3.1 list in a later list expands", LoadOptions{}, []string{
		"- list: k\n  items: [sh]\n- list: l\n  items: [k]\n" + rule("r", "evt.type=openat and proc.name in (l)")}, []string{"2:r"}},
	{"12.5 empty list inside in", LoadOptions{}, []string{
		"- list: none\n  items: []\n" + rule("r", "evt.type=openat and proc.name in (a, none, sh)")}, []string{"2:r"}},
	{"12.5 empty list alone", LoadOptions{}, []string{
		"- list: none\n  items: []\n" + rule("r", "evt.type=openat and proc.name in (none)")}, nil},
	{"12.6 exception tuple defaults to =", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "exceptions: [{name: e, fields: [proc.name, fd.name], values: [[bash, /etc/shadow], [sh, /other]]}]")}, []string{"2:r"}},
	{"12.6 exception single defaults to in", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "exceptions: [{name: e, fields: proc.name, values: [bash, zsh]}]")}, []string{"2:r"}},
	{"12.7 exception on a missing field", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "exceptions: [{name: e, fields: [fd.sip], comps: ['!='], values: [[1.2.3.4]]}]")}, []string{"1:r", "2:r"}},
	{"6.2 exception with a list name and operators", LoadOptions{}, []string{
		"- list: shells\n  items: [bash, zsh]\n" + rule("r", "evt.type=openat", "exceptions: [{name: e, fields: [proc.name, fd.name], comps: [in, startswith], values: [[shells, /etc]]}]")}, []string{"2:r"}},
	{"6.2 exception with a list in a tuple and a blank", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "exceptions: [{name: e, fields: [proc.name, proc.cmdline], comps: [in, =], values: [[[bash, sh], 'sh -c id']]}]")}, []string{"1:r"}},
	{"6.2 exception binds to the whole condition", LoadOptions{}, []string{
		rule("r", "evt.type=open or evt.type=openat", "exceptions: [{name: e, fields: proc.name, values: [bash]}]")}, []string{"2:r"}},
	{"6.1 transformed exception field", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "exceptions: [{name: e, fields: [toupper(proc.name)], values: [[BASH]]}]")}, []string{"2:r"}},
	{"6.3 values appended in a later file", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "exceptions: [{name: e, fields: proc.name, values: [bash]}]"),
		"- rule: r\n  exceptions: [{name: e, values: [sh]}]\n  override: {exceptions: append}\n"}, nil},
	{"6.3 append to an exception without values", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "exceptions: [{name: e, fields: [proc.name]}]") +
			"- rule: r\n  exceptions: [{name: e, values: [[bash]]}]\n  append: true\n"}, []string{"2:r"}},
	{"6.3 replace swaps all exceptions", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "exceptions: [{name: e, fields: proc.name, values: [bash]}]") +
			"- rule: r\n  exceptions: [{name: f, fields: proc.name, values: [sh]}]\n  override: {exceptions: replace}\n"}, []string{"1:r"}},
	{"12.10 unknown source, later append", LoadOptions{}, []string{
		rule("k", "ka.verb=get", "source: k8s_audit") + "- rule: k\n  condition: and ka.user=x\n  override: {condition: append}\n" + rule("r", "evt.type=openat and proc.name=sh")},
		[]string{"2:r"}},
	{"12.11 skip on unknown output field", LoadOptions{}, []string{
		"- rule: s\n  desc: d\n  condition: evt.type=openat\n  output: '%no.such'\n  priority: info\n  skip-if-unknown-filter: true\n" + rule("r", "evt.type=openat")},
		[]string{"1:r", "2:r"}},
	{"12.12 engine versions", LoadOptions{}, []string{
		"- required_engine_version: 0.57.0\n- required_engine_version: 57\n- required_engine_version: 0.63.0\n" + rule("r", "evt.type=openat")}, []string{"1:r", "2:r"}},
	{"2.5 container plugin counts as present", LoadOptions{}, []string{
		"- required_plugin_versions:\n    - name: container\n      version: 0.4.0\n    - {name: other, version: 1.0.0, alternatives: [{name: container, version: 0.2.0}]}\n" + rule("r", "evt.type=openat and container.id=host")}, []string{"1:r", "2:r"}},
	{"12.15 never true raises no warning", LoadOptions{}, []string{
		"- macro: never_true\n  condition: (evt.num=0)\n" + rule("r", "never_true or proc.name=x and never_true") + rule("q", "evt.type=openat and not never_true")}, []string{"1:q", "2:q"}},
	{"5.1 override replaces only what it lists", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "enabled: false") + "- rule: r\n  enabled: true\n  override: {enabled: replace}\n"}, []string{"1:r", "2:r"}},
	{"5.1 append runs before replace", LoadOptions{}, []string{
		rule("r", "evt.type=openat", "enabled: false") + "- rule: r\n  condition: and proc.name=sh\n  enabled: true\n  override: {enabled: replace, condition: append}\n"}, []string{"2:r"}},
	{"5.1 replace of a missing macro defines it", LoadOptions{}, []string{
		"- macro: m\n  condition: proc.name=sh\n  override: {condition: replace}\n" + rule("r", "evt.type=openat and m")}, []string{"2:r"}},
	{"5.1 list append in a later file", LoadOptions{}, []string{
		"- list: l\n  items: [bash]\n" + rule("r", "evt.type=openat and proc.name in (l)"), "- list: l\n  items: [sh]\n  override: {items: append}\n"}, []string{"1:r", "2:r"}},
	{"5.2 macro append glues", LoadOptions{}, []string{
		"- macro: m\n  condition: proc.name=bash\n- macro: m\n  condition: or proc.name=sh\n  append: true\n" + rule("r", "evt.type=openat and m")}, []string{"1:r", "2:r"}},
	{"5.3 bare enabled", LoadOptions{}, []string{
		rule("r", "evt.type=openat") + "- rule: r\n  enabled: false\n"}, nil},
	{"9 first match wins", LoadOptions{}, []string{rule("one", "evt.type=openat and proc.name=bash") + rule("two", "evt.type=openat")}, []string{"1:one", "2:two"}},
	{"9 all matches", LoadOptions{Matching: MatchAll}, []string{rule("one", "evt.type=openat and proc.name=bash") + rule("two", "evt.type=openat")},
		[]string{"1:one", "1:two", "2:two"}},
	{"9 minimum priority", LoadOptions{MinPriority: PriorityWarning}, []string{rule("one", "evt.type=openat") +
		"- rule: two\n  desc: d\n  condition: evt.type=openat\n  output: o\n  priority: ERROR\n"}, []string{"1:two", "2:two"}},
	{"9 selection beats enabled", LoadOptions{Select: []Selection{{Enable: true, Name: "o*e"}, {Name: "two"}}}, []string{
		rule("one", "evt.type=openat", "enabled: false") + rule("two", "evt.type=openat")}, []string{"1:one", "2:one"}},
	{"9 only tags", LoadOptions{Select: OnlyTags("net", "fs")}, []string{
		rule("one", "evt.type=openat", "tags: [x]") + rule("two", "evt.type=openat", "tags: [y, fs]")}, []string{"1:two", "2:two"}},
	{"9 without tags", LoadOptions{Select: WithoutTags("x")}, []string{
		rule("one", "evt.type=openat", "tags: [x]") + rule("two", "evt.type=openat", "tags: [y]")}, []string{"1:two", "2:two"}},
	{"9 without names", LoadOptions{Select: WithoutNames("ne")}, []string{
		rule("one", "evt.type=openat") + rule("two", "evt.type=openat")}, []string{"1:two", "2:two"}},
}

func TestVectors(t *testing.T) {
	for _, tt := range vectors {
		t.Run(tt.name, func(t *testing.T) {
			set := mustLoad(t, tt.opts, tt.files...)
			got := fired(t, set, open(10, "/etc/shadow"), open(21, "/tmp/x"))
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("alerts differ (-want +got):\n%s", d)
			}
		})
	}
}

// TestPriorityNames is vector 12.13.
func TestPriorityNames(t *testing.T) {
	for _, s := range []string{"INFO", "Informational", "informational", "info"} {
		if p, err := ParsePriority(s); err != nil || p != PriorityInformational {
			t.Errorf("%s: got %v, %v", s, p, err)
		}
	}
}

// TestNeverTrueWarnings is the other half of vector 12.15.
func TestNeverTrueWarnings(t *testing.T) {
	_, rep := loadTexts(LoadOptions{}, rule("r", "evt.num=0"))
	if n := len(rep.Files[0].Warnings); n != 0 {
		t.Errorf("%d warnings:\n%s", n, rep.AppendText(nil))
	}
}

// TestLaterFile shows that an earlier file does not see what only a later one
// defines, and where the error is attributed.
func TestLaterFile(t *testing.T) {
	_, rep := loadTexts(LoadOptions{}, rule("r", "evt.type=openat and m"), "- macro: m\n  condition: proc.name=sh\n")
	if len(rep.Files) != 2 || len(rep.Files[0].Errors) != 1 || len(rep.Files[1].Errors) != 0 {
		t.Errorf("report:\n%s", rep.AppendText(nil))
	}
	_, rep = loadTexts(LoadOptions{}, "- macro: m\n  condition: proc.name=sh\n"+rule("r", "evt.type=openat and m"), "- macro: m\n  condition: proc.nme=sh\n")
	if len(rep.Files[0].Errors) != 0 || len(rep.Files[1].Errors) != 1 {
		t.Errorf("report:\n%s", rep.AppendText(nil))
	}
}

// TestEverythingAtOnce: one file with many faults reports each of them.
func TestEverythingAtOnce(t *testing.T) {
	_, rep := loadTexts(LoadOptions{}, strings.Join([]string{
		rule("a", "evt.type=openat and proc.nme=x"),
		rule("b", "evt.type=openat and"),
		rule("c", "evt.type=openat and undefined_macro"),
		"- rule: d\n  desc: d\n",
		"- list: l\n  items: x\n",
		"- rule: e\n  desc: d\n  condition: evt.type=openat\n  output: '%nope'\n  priority: loud\n",
		rule("f", "evt.type=openat and proc.pid=x", "exceptions: [{name: e, fields: [proc.nme]}]"),
	}, ""))
	if n := len(rep.Files[0].Errors); n < 9 {
		t.Errorf("%d errors, want at least 9:\n%s", n, rep.AppendText(nil))
	}
}

// TestStateOnly: events that only keep state up to date raise nothing.
func TestStateOnly(t *testing.T) {
	set := mustLoad(t, LoadOptions{}, rule("r", "evt.type=openat"))
	ev := open(10, "/etc/shadow")
	ev.Flags |= scapfile.FlagStateOnly
	if got := fired(t, set, ev); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestFormatter(t *testing.T) {
	set := mustLoad(t, LoadOptions{Append: []AppendOutput{
		{Text: "pid=%proc.pid"}, {Tags: []string{"zzz"}, Text: "no=%proc.name"},
		{Rule: "r", Fields: []OutputField{{Name: "evt.num"}, {Name: "who", Template: "%proc.name/%proc.pname"}}},
	}}, "- rule: r\n  desc: d\n  condition: evt.type=openat\n  output: file %fd.name ip %fd.sip\n  priority: INFO\n  tags: [b, a, b]\n")
	m := testMachine(open(10, "/tmp/a\x1b[31m\n\xffb"))
	ev, err := m.Next()
	if err != nil {
		t.Fatal(err)
	}
	var text, raw, js, iso string
	set.Eval(ev, func(m *Match) {
		text = string((&Formatter{}).AppendText(nil, m))
		raw = string((&Formatter{Raw: true}).AppendText(nil, m))
		js = string((&Formatter{}).AppendJSON(nil, m))
		iso = string((&Formatter{ISOTime: true, NoOutput: true, NoTags: true, Message: true, Hostname: "h"}).AppendJSON(nil, m))
	})
	for _, c := range []struct{ name, got, want string }{
		{"text", text, `22:13:20.123456789: Informational file /tmp/a\x1b[31m\n\xffb ip <NA> pid=10`},
		{"raw", raw, "22:13:20.123456789: Informational file /tmp/a\x1b[31m\n\xffb ip <NA> pid=10"},
		{"json", js, `{"hostname":"testhost","output":"22:13:20.123456789: Informational file /tmp/a\u001b[31m\n\udcffb ip <NA> pid=10",` +
			`"output_fields":{"evt.num":1,"evt.time":1700000000123456789,"fd.name":"/tmp/a\u001b[31m\n\udcffb","fd.sip":null,"proc.pid":10,"who":"bash/sshd"},` +
			`"priority":"Informational","rule":"r","source":"syscall","tags":["a","b"],"time":"2023-11-14T22:13:20.123456789Z"}`},
		{"iso", iso, `{"hostname":"h","message":"file /tmp/a\u001b[31m\n\udcffb ip <NA> pid=10",` +
			`"output_fields":{"evt.num":1,"evt.time.iso8601":1700000000123456789,"fd.name":"/tmp/a\u001b[31m\n\udcffb","fd.sip":null,"proc.pid":10,"who":"bash/sshd"},` +
			`"priority":"Informational","rule":"r","source":"syscall","time":"2023-11-14T22:13:20.123456789Z"}`},
	} {
		if c.got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

// TestStaticFields: constants of the configuration in outputs and their fields.
func TestStaticFields(t *testing.T) {
	opts := LoadOptions{Static: map[string]string{"site": "Oslo \"1\""}, Append: []AppendOutput{{Text: "at=%static.site"}}}
	set := mustLoad(t, opts, "- rule: r\n  desc: d\n  condition: evt.type=openat\n  output: '[%static.site] %proc.name'\n  priority: INFO\n")
	m := testMachine(open(10, "/tmp/a"))
	ev, err := m.Next()
	if err != nil {
		t.Fatal(err)
	}
	set.Clone().Eval(ev, func(m *Match) {
		if got, want := string(m.AppendMessage(nil)), `[Oslo "1"] bash at=Oslo "1"`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := string(m.AppendFields(nil)), `{"evt.time":1700000000123456789,"proc.name":"bash","static.site":"Oslo \"1\""}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	// An error behind a constant is still shown at its place.
	_, rep := loadTexts(opts, "- rule: r\n  desc: d\n  condition: evt.type=openat\n  output: '%static.site %container.info %proc.nme %static.none'\n  priority: INFO\n")
	if at := rep.Files[0].Errors[0].At(); at.Line != 4 || at.Column != 42 {
		t.Errorf("%s", rep.AppendText(nil))
	}
}

func TestSummary(t *testing.T) {
	set := mustLoad(t, LoadOptions{}, rule("one", "evt.type=openat and proc.name=bash")+"- rule: two\n  desc: d\n  condition: evt.type=openat\n  output: o\n  priority: error\n")
	var sum Summary
	m := testMachine(open(10, "/a"), open(21, "/b"), open(21, "/c"))
	for ev, err := m.Next(); err == nil; ev, err = m.Next() {
		set.Eval(ev, func(m *Match) { sum.Add(m.Rule) })
	}
	want := "Events detected: 3\nRule counts by severity:\n   ERROR: 2\n   INFO: 1\nTriggered rules by rule name:\n   one: 1\n   two: 2\n"
	if got := string(sum.AppendText(nil, set)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	want = `{"events_detected":3,"by_severity":{"Error":2,"Informational":1},"by_rule":{"one":1,"two":2}}` + "\n"
	if got := string(sum.AppendJSON(nil, set)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestExplain(t *testing.T) {
	set := mustLoad(t, LoadOptions{}, rule("early", "evt.type=openat and fd.name=/early")+
		"- macro: by_bash\n  condition: (proc.name = bash)\n"+
		rule("r", "evt.type in (open, openat) and by_bash and fd.name startswith /e", "exceptions:", "  - {name: ok, fields: [fd.name], values: [[/etc/ok]]}"))
	x, err := set.Explainer(set.Rule("r"))
	if err != nil {
		t.Fatal(err)
	}
	events := []*scapfile.Event{open(10, "/etc/bad"), open(10, "/etc/ok"), open(10, "/early"), open(21, "/etc/bad"), open(21, "/x"), open(10, "/x")}
	want := []Outcome{OutcomeFired, OutcomeSuppressed, OutcomeShadowed, OutcomeStopped, OutcomeStopped, OutcomeStopped}
	m := testMachine(events...)
	var second string
	for i := 0; ; i++ {
		ev, err := m.Next()
		if err != nil {
			break
		}
		e := x.Event(ev)
		if e.Outcome != want[i] {
			t.Errorf("event %d: got %q, want %q", i+1, e.Outcome, want[i])
		}
		if i == 1 {
			second = string(e.AppendText(nil))
		}
		x.Study(ev)
	}
	f := x.Findings()
	if f.Fired != 1 || f.Candidates != 6 || len(f.Stops) != 2 || f.Stops[0].Count != 2 || f.Stops[0].Text != "proc.name = bash" ||
		len(f.Exceptions) != 1 || f.Exceptions[0].Line != 14 || len(f.Shadows) != 1 || f.Shadows[0].Rule != "early" {
		t.Errorf("findings: %s", f.AppendText(nil))
	}
	wantText := `rule r
event 2 openat: suppressed by exception
  exception ok at a.yaml:14 applies: (fd.name = /etc/ok)
true   and
true     evt.type in (open, openat)  -- evt.type is "openat"
true     macro by_bash
true       proc.name = bash  -- proc.name is "bash"
true     fd.name startswith /e  -- fd.name is "/etc/ok"
`
	if second != wantText {
		t.Errorf("got\n%s\nwant\n%s", second, wantText)
	}
}

// TestEvalDoesNotAllocate: an event that many rules look at and none matches
// costs no allocation.
func TestEvalDoesNotAllocate(t *testing.T) {
	set := mustLoad(t, LoadOptions{Matching: MatchAll}, ruleSet(100, 350, 160))
	m := testMachine(open(10, "/srv/data"))
	ev, err := m.Next()
	if err != nil {
		t.Fatal(err)
	}
	got := testing.AllocsPerRun(100, func() {
		set.Eval(ev, func(m *Match) { t.Errorf("%s matched", m.Rule.Name) })
	})
	if got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}
