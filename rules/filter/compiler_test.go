package filter

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// TestMatchDoesNotAllocate evaluates every case in a steady stream of its event.
func TestMatchDoesNotAllocate(t *testing.T) {
	for _, c := range filterCases {
		f := mustCompile(t, c.text)
		events := testEvents[c.on]()
		m := replay.New(&sliceSource{snap: testSnapshot(), events: events, repeat: true}, replay.Options{})
		next(t, m, len(events)+2)
		replaying := testing.AllocsPerRun(100, func() { m.Next() })
		f.Match(next(t, m, 1)) // lets the memory for transformed text grow
		n := testing.AllocsPerRun(100, func() {
			ev, _ := m.Next()
			f.Match(ev)
		})
		if n > replaying {
			t.Errorf("%s: %v allocations, %v without the filter", c.text, n, replaying)
		}
	}
}

func TestSharing(t *testing.T) {
	c := NewCompiler()
	compile := func(text string) *Program {
		p, _, err := c.Compile(mustParse(t, text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a := compile("evt.type = openat and (fd.name startswith /etc or fd.name startswith /usr)")
	b := compile("(fd.name startswith /usr or fd.name  startswith /etc or fd.name startswith /usr) and proc.name = bash")
	shared := a.root.kids[len(a.root.kids)-1]
	if !slices.Contains(b.root.kids, shared) && len(b.root.kids) == 2 {
		// The order within differs, so only the checks are shared.
		for _, k := range shared.kids {
			if !k.kept() {
				t.Errorf("a check of both programs is not kept: %+v", k)
			}
		}
	}
	same := compile("fd.name startswith /etc or fd.name startswith /usr")
	if same.root != shared || !shared.kept() {
		t.Error("equal expressions are not one")
	}
	calls := 0
	shared.kids[0].run = func(*State, *replay.Event) bool { calls++; return false }
	st, ev := c.NewState(), openatEvent(t)
	for range 3 {
		st.Begin()
		a.Match(st, ev)
		same.Match(st, ev)
		b.Match(st, ev)
	}
	if calls != 3 {
		t.Errorf("shared check ran %d times on 3 events", calls)
	}
}

func TestStateGenerationWraps(t *testing.T) {
	f := mustCompile(t, "fd.name contains shadow and (fd.name contains shadow or proc.name = x) and not fd.name contains passwd")
	ev := openatEvent(t)
	f.st.gen = maxGen - 2
	for range 6 {
		if !f.Match(ev) {
			t.Fatalf("no match at generation %d", f.st.gen)
		}
	}
}

func TestConstants(t *testing.T) {
	for text, want := range map[string]string{
		"evt.num = 0":                              "false",
		"evt.num >= 0":                             "true",
		"not evt.num = 0":                          "true",
		"proc.name = a and evt.num = 0":            "false",
		"proc.name = a or evt.num > 0":             "true",
		"proc.name in () or evt.num = 0":           "false",
		"proc.name = a or evt.num = 0":             "",
		"proc.name = a and evt.num != 0":           "",
		"evt.num = 1":                              "",
		"evt.num in (0, 5)":                        "",
		"proc.name = a and not (evt.num < 1)":      "",
		"(evt.num >= 1) and (evt.num = 0 or 1=1 )": "error",
	} {
		f, err := CompileText(text)
		if want == "error" {
			if err == nil {
				t.Errorf("%s: no error", text)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		v, ok := f.Constant()
		got := ""
		if ok {
			got = map[bool]string{true: "true", false: "false"}[v]
		}
		if got != want {
			t.Errorf("%s: constant %q, want %q", text, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	macros := map[string]Node{
		"open_write":  mustParse(t, "evt.type in (open_calls) and evt.is_open_write = true or proc.name = x"),
		"never_macro": mustParse(t, "evt.num = 0"),
	}
	lists := map[string][]Literal{
		"open_calls": {{Text: "open"}, {Text: "openat"}},
		"shells":     {{Text: "bash"}, {Text: "my shell", Quoted: true}},
		"one":        {{Text: "single"}},
		"empty":      {},
	}
	expand := func(text string) (string, error) {
		n := mustParse(t, text)
		before := String(n)
		e, err := Expand(n, func(s string) (Node, bool) { m, ok := macros[s]; return m, ok }, func(s string) ([]Literal, bool) { l, ok := lists[s]; return l, ok })
		if String(n) != before {
			t.Errorf("%s: Expand changed its argument", text)
		}
		if err != nil {
			return "", err
		}
		return String(e), nil
	}
	for in, want := range map[string]string{
		"open_write and not never_macro":           "((evt.type in (open_calls) and evt.is_open_write = true) or proc.name = x) and not evt.num = 0",
		"proc.name in (shells)":                    `proc.name in (bash, "my shell")`,
		"proc.name in shells":                      `proc.name in (bash, "my shell")`,
		"proc.name in (a, empty, b, shells)":       `proc.name in (a, b, bash, "my shell")`,
		`proc.name in ("shells", unknown)`:         "proc.name in (shells, unknown)",
		"proc.name in unknown":                     "proc.name in unknown",
		"proc.name = oneof shells":                 `proc.name = oneof (bash, "my shell")`,
		"proc.name pmatch (shells) or never_macro": `proc.name pmatch (bash, "my shell") or evt.num = 0`,
		"proc.name = one":                          "proc.name = single",
		"proc.name = shells":                       "proc.name = shells",
		`proc.name = "one"`:                        "proc.name = one",
	} {
		got, err := expand(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		} else if strings.TrimSuffix(strings.TrimPrefix(got, "("), ")") != strings.TrimSuffix(want, ")") && got != want && got != "("+want+")" {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
	if _, err := expand("proc.name = a and\nno_such"); err == nil || err.Error() != `2:1: undefined macro "no_such"` {
		t.Errorf("unknown macro: got %v", err)
	}
}

func TestPlacesInExpandedText(t *testing.T) {
	macros := func(name string) (Node, bool) {
		return &MacroRef{Name: "inner", Body: mustParse(t, "proc.pid = x or fd.name regex abc")}, true
	}
	lists := func(name string) ([]Literal, bool) { return []Literal{{Text: "1"}, {Text: "abc"}}, name == "ports" }
	n, err := Expand(mustParse(t, "proc.name = a and\n outer"), macros, lists)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = NewCompiler().Compile(n)
	ce, ok := err.(*CompileError)
	if !ok || ce.Macro != "inner" || ce.Position.String() != "1:12" {
		t.Errorf("fault in a macro: got %#v", err)
	}
	if n, err = Expand(mustParse(t, "proc.name = a and\n fd.sport in (80, ports)"), nil, lists); err != nil {
		t.Fatal(err)
	}
	_, _, err = NewCompiler().Compile(n)
	if err == nil || err.Error() != `2:19: "abc" is neither a port number nor a known service name` {
		t.Errorf("fault in a list: got %v", err)
	}
}

func TestParseItem(t *testing.T) {
	for in, want := range map[string]Literal{
		"bash":       {Text: "bash"},
		"my shell":   {Text: "my shell"},
		`"my shell"`: {Text: "my shell", Quoted: true},
		`'a\'b'`:     {Text: "a'b", Quoted: true},
		"":           {},
	} {
		got, err := ParseItem(in)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		`"open`:   "1:1: quoted text has no end",
		`"a" "b"`: `1:5: expected the end of the item after the quote, found "\""`,
	} {
		if _, err := ParseItem(in); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
}

func TestEventTypes(t *testing.T) {
	all := EventTypes(mustParse(t, "proc.name = x"))
	if !all.All() {
		t.Errorf("unrestricted condition: %d types", all.Len())
	}
	names := func(text string) []string { return EventTypes(mustParse(t, text)).Names() }
	for text, want := range map[string][]string{
		"evt.type = openat":                                             {"openat"},
		"evt.type in (openat, open) and proc.name = x":                  {"open", "openat"},
		"evt.type = open and evt.type = openat":                         nil,
		"evt.type = open or evt.type = openat":                          {"open", "openat"},
		"not (evt.type != open and evt.type != openat)":                 {"open", "openat"},
		"evt.type in (open, openat) and not evt.type = open":            {"openat"},
		"evt.type = fsync":                                              {"syscall"},
		"evt.type = fsync and not evt.type = fdatasync":                 {"syscall"},
		"evt.type in (fsync, execve) and evt.type != execve":            {"syscall"},
		"evt.num = 0 or evt.type = open":                                {"open"},
		"evt.num = 0":                                                   nil,
		"not evt.num = 0 and evt.type = open":                           {"open"},
		"(evt.type = open and proc.name = a) or (evt.type = dup2)":      {"open", "dup2"},
		"syscall.type = open":                                           {"open"},
		"evt.type = open and evt.type exists and evt.type contains foo": {"open"},
	} {
		if diff := cmp.Diff(want, names(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if s := EventTypes(mustParse(t, "not evt.type = open")); s.Has(schema.PPME_SYSCALL_OPEN_X) || !s.Has(schema.PPME_SYSCALL_OPENAT_2_X) || !s.Has(schema.PPME_GENERIC_X) {
		t.Errorf("complement of open: %v", s.Names())
	}
	if s := EventTypes(mustParse(t, "evt.type = container")); !s.Has(schema.PPME_ASYNCEVENT_E) {
		t.Error("container: asynchronous events are missing")
	}
	if s := EventTypes(mustParse(t, "not syscall.type = open")); !s.All() {
		t.Error("not syscall.type = open can be true on events that are no calls, and hence on all")
	}
}

// TestEventTypesAgreeWithMatching checks on one event of every type that a
// condition which matches is expected to.
func TestEventTypesAgreeWithMatching(t *testing.T) {
	conditions := []string{
		"evt.type = open", "evt.type != open", "not evt.type in (open, openat, fsync)", "evt.type = fsync or evt.type = close",
		"syscall.type != close", "not syscall.type = close", "evt.type in (container, procexit) and evt.num > 0",
	}
	for i := range schema.Events() {
		info := &schema.Events()[i]
		e := scapfile.NewEvent(info.Type, testTS, 10)
		e.Num = 1
		ev := &replay.Event{Event: e, Info: info, FDNum: -1}
		for _, text := range conditions {
			f := mustCompile(t, text)
			if f.Match(ev) && !EventTypes(f.Node()).Has(info.Type) {
				t.Errorf("%s matches %s, which EventTypes leaves out", text, info.Symbol)
			}
		}
	}
}

func TestSyscalls(t *testing.T) {
	for text, want := range map[string]string{
		"evt.type = openat":                         "openat",
		"evt.type in (fsync, open)":                 "open fsync",
		"evt.type = pread":                          "pread64",
		"evt.type = open and proc.name = x":         "open",
		"not evt.type != open":                      "open",
		"evt.type = open and evt.num = 0":           "",
		"syscall.type = open or evt.type = execve":  "open execve",
		"evt.type in (open, fsync) and not (x.y=1)": "open fsync",
	} {
		n, err := Parse(text, ParseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, code := range Syscalls(n).Codes() {
			got = append(got, schema.SyscallByCode(code).Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", text, got, want)
		}
	}
	if !Syscalls(mustParse(t, "proc.name = x")).All() {
		t.Error("unrestricted condition needs all calls")
	}
	if s := Syscalls(mustParse(t, "evt.type != open")); s.Has(schema.SyscallByName("open").Code) || s.Len() != len(schema.Syscalls())-1 {
		t.Error("complement of open")
	}
}

func TestCheckEventTypes(t *testing.T) {
	for text, want := range map[string]string{
		"evt.type = open":                      "",
		"evt.type = val(proc.name)":            "1:16: in rules evt.type can be compared with names only",
		"proc.name = a or tolower(evt.type)=x": "1:26: in rules evt.type cannot be transformed",
	} {
		got := ""
		if err := CheckEventTypes(mustParse(t, text)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestExplain(t *testing.T) {
	n := mustParse(t, "evt.type = openat and is_shell and not (fd.name startswith /tmp or fd.sip = 1.2.3.4) and proc.aname = val_user")
	n, err := Expand(n, func(string) (Node, bool) { return mustParse(t, "proc.name in (bash, sh)"), true }, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := NewCompiler()
	p, _, err := c.Compile(n)
	if err != nil {
		t.Fatal(err)
	}
	ev := openatEvent(t)
	got := p.Explain(ev)
	present := func(text, value string) *Reading { return &Reading{Text: text, Value: value, Present: true} }
	want := &Trace{Kind: "and", Kids: []*Trace{
		{Kind: "check", Text: "evt.type = openat", Truth: true, Left: present("evt.type", "openat")},
		{Kind: "macro", Text: "is_shell", Truth: true, Kids: []*Trace{
			{Kind: "check", Text: "proc.name in (bash, sh)", Truth: true, Left: present("proc.name", "bash")},
		}},
		{Kind: "not", Truth: true, Kids: []*Trace{{Kind: "or", Kids: []*Trace{
			{Kind: "check", Text: "fd.name startswith /tmp", Left: present("fd.name", "/etc/shadow")},
			{Kind: "check", Text: "fd.sip = 1.2.3.4", Left: &Reading{Text: "fd.sip"}},
		}}}},
		{Kind: "check", Text: "proc.aname = val_user", Left: present("proc.aname", "(sshd,systemd)")},
	}}
	strip := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Node" }, cmp.Ignore())
	if diff := cmp.Diff(want, got, strip); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
	st := c.NewState()
	if s := p.Stopper(st, ev); s == nil || String(s) != "proc.aname = val_user" {
		t.Errorf("stopper: got %v", s)
	}
}

func TestConcurrentStates(t *testing.T) {
	f := mustCompile(t, `toupper(proc.name) = BASH and concat(proc.name,"x") = bashx and fd.name contains shadow`)
	done := make(chan bool)
	for range 4 {
		g, ev := f.Clone(), openatEvent(t)
		go func() {
			ok := true
			for range 200 {
				ok = ok && g.Match(ev)
			}
			done <- ok
		}()
	}
	for range 4 {
		if !<-done {
			t.Error("no match")
		}
	}
}
