package filter

import (
	"strings"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/safe"
)

func BenchmarkMatch(b *testing.B) {
	items := func(n int) string {
		var s strings.Builder
		for i := range n {
			s.WriteString("w" + itoa(i) + ", ")
		}
		return "proc.name in (" + s.String() + "last)"
	}
	ev := openatEvent(b)
	for _, c := range []struct{ name, text string }{
		{"type", "evt.type in (open, openat, openat2)"},
		{"equal", "proc.name = sshd"},
		{"number", "proc.pid > 5"},
		{"in10", items(10)},
		{"in10000", items(10000)},
		{"pmatch", "fd.name pmatch (/usr/bin, /usr/lib, /etc/ssh, /var/*/log)"},
		{"contains", "fd.name contains shadowx"},
		{"icontains", "fd.name icontains SHADOWX"},
		{"glob", "fd.name glob /etc/*/shad?w"},
		{"regex", "fd.name regex /etc/[a-z]+[0-9]*"},
		{"ancestors", "proc.aname in (cron, containerd-shim, dockerd)"},
		{"toupper", "toupper(proc.name) = SSHD"},
		{"conjunction", "evt.type = openat and proc.name in (sshd, cron) and fd.name startswith /etc and not proc.pname = systemd"},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := mustCompile(b, c.text)
			b.ReportAllocs()
			for b.Loop() {
				f.Match(ev)
			}
		})
	}
}

// BenchmarkFalcoRules evaluates all of Falco's stable rules on one event that
// none of them matches, without dispatch by event type.
func BenchmarkFalcoRules(b *testing.B) {
	rules := loadFalcoRules(b)
	c := NewCompiler()
	programs := make([]*Program, len(rules.nodes))
	for i, n := range rules.nodes {
		var err error
		if programs[i], _, err = c.Compile(n); err != nil {
			b.Fatal(err)
		}
	}
	st, ev := c.NewState(), openatEvent(b)
	b.ReportAllocs()
	for b.Loop() {
		st.Begin()
		for _, p := range programs {
			p.Match(st, ev)
		}
	}
}

func BenchmarkCompileFalcoRules(b *testing.B) {
	rules := loadFalcoRules(b)
	b.ReportAllocs()
	for b.Loop() {
		c := NewCompiler()
		for _, n := range rules.nodes {
			if _, _, err := c.Compile(n); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkParseFalcoRules(b *testing.B) {
	rules := loadFalcoRules(b)
	texts := make([]string, len(rules.nodes))
	size := 0
	for i, n := range rules.nodes {
		texts[i] = String(n)
		size += len(texts[i])
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range texts {
			if _, err := Parse(text, ParseOptions{MaxDepth: RuleMaxDepth}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkTemplate(b *testing.B) {
	// The machine must move on: text that fields make lasts until the next event.
	m := replay.New(&sliceSource{snap: testSnapshot(), events: openat(), repeat: true}, replay.Options{})
	tpl, err := ParseTemplate("*%evt.time %evt.type %proc.name (%proc.pid) %fd.name user=%user.name %toupper(proc.pname)")
	if err != nil {
		b.Fatal(err)
	}
	tpl.Escape = safe.Append[string]
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		ev, err := m.Next()
		if err != nil {
			b.Fatal(err)
		}
		buf, _ = tpl.AppendText(buf[:0], ev)
	}
}
