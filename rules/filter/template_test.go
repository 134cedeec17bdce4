package filter

import (
	"encoding/json"
	"testing"

	"github.com/sysreel/sysreel/scapfile/safe"
)

func TestTemplates(t *testing.T) {
	ev, sock := openatEvent(t), writeEvent(t)
	for _, c := range []struct {
		text, want string
		sock, ok   bool
		json       string
	}{
		{"%proc.name", "bash", false, true, `{"proc.name":"bash"}`},
		{"a %proc.name: %fd.name!", "a bash: /etc/shadow!", false, true, `{"fd.name":"/etc/shadow","proc.name":"bash"}`},
		{"%proc.name.%proc.pid", "bash.10", false, true, `{"proc.name":"bash","proc.pid":10}`},
		{"%proc.name.foo", "bash.foo", false, true, `{"proc.name":"bash"}`},
		{"%proc.pnamefoo", "sshdfoo", false, true, `{"proc.pname":"sshd"}`},
		{"%proc.aname[2]|%proc.aname[1]", "systemd|sshd", false, true, `{"proc.aname[1]":"sshd","proc.aname[2]":"systemd"}`},
		{"%proc.name[0]", "bash[0]", false, true, `{"proc.name":"bash"}`},
		{`%proc.env["HOME"] %proc.env[LANG]`, "/root C", false, true, `{"proc.env[\"HOME\"]":"/root","proc.env[LANG]":"C"}`},
		{"%6proc.name|%2proc.name|%4proc.name|", "bash  |ba|bash|", false, true, `{"proc.name":"bash"}`},
		{"%toupper(proc.name) %len(fd.name)", "BASH 11", false, true, `{"fd.name":"/etc/shadow","proc.name":"bash"}`},
		{`%join(",", (proc.name, "x", proc.pid))`, "bash,x,10", false, true, `{"proc.name":"bash","proc.pid":10}`},
		{"%proc.name %fd.sip", "", false, false, `{"fd.sip":null,"proc.name":"bash"}`},
		{"*%proc.name %fd.sip", "bash <NA>", false, true, `{"fd.sip":null,"proc.name":"bash"}`},
		{"%5fd.sport|%fd.sip", "443  |93.184.216.34", true, true, `{"fd.sip":"93.184.216.34","fd.sport":443}`},
		{"%evt.buffer", "GET ../ HTTP", true, true, `{"evt.buffer":"GET ../ HTTP"}`},
		{"%evt.time.iso8601", "2023-11-14T22:13:20.123456789+0000", false, true, `{"evt.time.iso8601":1700000000123456789}`},
		{"%evt.failed %evt.arg.name", "false /etc/shadow", false, true, `{"evt.arg.name":"/etc/shadow","evt.failed":false}`},
		{"plain text", "plain text", false, true, `{}`},
		{"%fd.types", "(ipv4)", true, true, `{"fd.types":["ipv4"]}`},
	} {
		tpl, err := ParseTemplate(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		e := ev
		if c.sock {
			e = sock
		}
		got, ok := tpl.AppendText([]byte("> "), e)
		want := "> " + c.want
		if string(got) != want || ok != c.ok {
			t.Errorf("%s: got %q, %v, want %q, %v", c.text, got, ok, want, c.ok)
		}
		if got := string(tpl.AppendJSON(nil, e)); got != c.json {
			t.Errorf("%s as JSON:\ngot  %s\nwant %s", c.text, got, c.json)
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "1:1: empty template",
		"*":                  "1:2: empty template",
		"x %":                "1:3: template ends after % (a percent sign introduces a field; there is no escape for it)",
		"x %10":              "1:3: template ends after % (a percent sign introduces a field; there is no escape for it)",
		"100% sure":          `1:4: unknown filter "% sure" (a percent sign introduces a field; there is no escape for it)`,
		"%%":                 `1:1: unknown filter "%%" (a percent sign introduces a field; there is no escape for it)`,
		"%0proc.name":        "1:1: column width must be from 1 to 4096",
		"%proc.nmae":         `1:2: nonexistent field "proc.nmae" (did you mean proc.name?)`,
		"%toupper(proc.pid)": "1:10: toupper() takes text, proc.pid is numbers",
		"%toupper(":          "1:10: expected a field, a call, a number or quoted text, found the end",
	} {
		_, err := ParseTemplate(text)
		if err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestTemplateEscape(t *testing.T) {
	ev := openatEvent(t)
	ev.Thread.Comm = "a\x1b[2Jb\nc"
	tpl, err := ParseTemplate("%proc.name\n%4proc.name|")
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := tpl.AppendText(nil, ev)
	if want := "a\x1b[2Jb\nc\na\x1b[2|"; string(raw) != want {
		t.Errorf("raw: got %q, want %q", raw, want)
	}
	tpl.Escape = safe.Append[string]
	got, _ := tpl.AppendText(nil, ev)
	if want := "a\\x1b[2Jb\\nc\na\\x1|"; string(got) != want {
		t.Errorf("escaped: got %q, want %q", got, want)
	}
	if !json.Valid(tpl.AppendJSON(nil, ev)) {
		t.Error("invalid JSON")
	}
}
