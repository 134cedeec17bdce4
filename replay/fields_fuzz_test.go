package replay_test

import (
	"encoding/json"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// allFields resolves every field of the catalogue, and arguments of each type.
func allFields(tb testing.TB) []*replay.Ref {
	arg := map[string]string{"evt.arg": "[0]", "evt.type.is": ".open", "evt.around": "[5]", "thread.cgroup": ".cpu", "evt.rawarg": ".res"}
	var refs []*replay.Ref
	for _, f := range replay.Fields() {
		text := f.Name
		if f.ArgRequired {
			if a := arg[f.Name]; a != "" {
				text += a
			} else {
				text += "[0]"
			}
		}
		refs = append(refs, resolve(tb, text))
	}
	for _, text := range []string{
		"evt.arg[1]", "evt.arg[2]", "evt.arg[30]", "evt.arg.name", "evt.rawarg.fd", "evt.rawarg.data", "evt.rawarg.addr", "evt.rawarg.tuple",
		"evt.rawarg.fds", "evt.abspath.dst", "proc.aname[1]", "proc.apid[1]", "proc.env[A]", "proc.aenv[A]", "fd.types[3]", "container.mount[/*]",
	} {
		refs = append(refs, resolve(tb, text))
	}
	return refs
}

// FuzzFields gives the machine an event with arbitrary parameters and asks for
// everything: nothing may panic, JSON must be JSON, and the line must be safe.
func FuzzFields(f *testing.F) {
	add := func(typ schema.EventType, params ...[]byte) {
		var data []byte
		for _, p := range params {
			data = append(append(data, byte(len(p))), p...)
		}
		f.Add(uint16(typ), int64(100), data)
	}
	add(schema.PPME_SYSCALL_OPENAT_2_X, i64(3), i64(-100), text("../x"), u32(7), u32(0), u32(1), u64(2))
	add(schema.PPME_SYSCALL_WRITE_X, i64(5), []byte("a\x00\xff\x1b"), i64(3), u32(5))
	add(schema.PPME_SYSCALL_POLL_X, i64(1), scapfile.FDList(scapfile.PollFD{FD: 3, Events: 1}), i64(5))
	add(schema.PPME_SOCKET_CONNECT_X, i64(0), scapfile.UnixTuple(1, 2, "/run/x"), i64(4))
	add(schema.PPME_CONTAINER_JSON_2_E, text(`{"container":{"id":"a","Mounts":[{}],"labels":{"k":"v"}}}`))
	add(schema.PPME_ASYNCEVENT_E, u32(1), text("container"), text("{}"))
	add(schema.PPME_GENERIC_X, scapfile.U16(1), scapfile.U16(2))
	add(schema.PPME_INFRASTRUCTURE_EVENT_E, text("docker"), text("start"), text(""), text("container=abc name='x'"))
	refs := allFields(f)
	f.Fuzz(func(t *testing.T, typ uint16, tid int64, data []byte) {
		info := schema.Lookup(schema.EventType(typ))
		if info == nil {
			t.Skip("no such event")
		}
		var params [][]byte
		for len(data) > 0 && len(params) < len(info.Params) {
			n := min(int(data[0]), len(data)-1)
			params, data = append(params, data[1:1+n]), data[1+n:]
		}
		in := proc(100, 1, "a\xff\n")
		in.Cgroups = []string{"cpu=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"}
		h := newHost(t, replay.Options{Hidden: true}, in)
		ev := h.deliver(scapfile.NewEvent(schema.EventType(typ), 0, tid, params...))
		if ev == nil {
			return
		}
		for _, r := range refs {
			if text, ok := r.AppendText(nil, ev); !ok && len(text) > 0 {
				t.Errorf("%s: text %q without a value", r.Text, text)
			}
			if b, _ := r.AppendJSON(nil, ev); !json.Valid(b) {
				t.Errorf("%s: %q is no JSON", r.Text, b)
			}
			if v, ok := r.Value(ev); ok {
				v.AppendText(nil)
			}
		}
		if line := string(replay.AppendLine(nil, ev)); !safe.IsSafe(line) {
			t.Errorf("the line is not safe: %q", line)
		}
	})
}

func FuzzContainer(f *testing.F) {
	f.Add(`{"container":{"id":"3ad7b26ded6d","type":"7","Mounts":[{"Source":1}],"labels":{"a":null},"Healthprobes":[{}]}}`)
	f.Add(`{"id":"3ad7b26ded6d","type":6,"name":"x","image":"y"}`)
	f.Add(`{"container":[]}`)
	refs := allFields(f)
	f.Fuzz(func(t *testing.T, doc string) {
		in := proc(200, 1, "nginx")
		in.Cgroups = []string{"cpu=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"}
		h := newHost(t, replay.Options{}, in)
		h.do(schema.PPME_CONTAINER_JSON_2_E, -1, text(doc))
		ev := h.do(schema.PPME_SYSCALL_GETUID_X, 200, u32(0))
		for _, r := range refs {
			if b, _ := r.AppendJSON(nil, ev); !json.Valid(b) {
				t.Errorf("%s: %q is no JSON", r.Text, b)
			}
		}
	})
}
