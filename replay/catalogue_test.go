package replay

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

func TestResolve(t *testing.T) {
	tests := []struct {
		text, name, arg string
		hasArg          bool
	}{
		{"proc.name", "proc.name", "", false},
		{"proc.aname", "proc.aname", "", false},
		{"proc.aname[2]", "proc.aname", "2", true},
		{"evt.arg.name", "evt.arg", "name", true},
		{"evt.arg[0]", "evt.arg", "0", true},
		{"evt.arg[fd]", "evt.arg", "fd", true},
		{"evt.rawarg.res", "evt.rawarg", "res", true},
		{"evt.type.is.open", "evt.type.is", "open", true},
		{"evt.type.is.3", "evt.type.is", "3", true},
		{"evt.args", "evt.args", "", false},
		{"evt.around[1700000000000000000]", "evt.around", "1700000000000000000", true},
		{"evt.abspath", "evt.abspath", "", false},
		{"evt.abspath.src", "evt.abspath", "src", true},
		{"proc.env[HOME]", "proc.env", "HOME", true},
		{"proc.env[12]", "proc.env", "12", true},
		{`proc.env["LD PRELOAD"]`, "proc.env", "LD PRELOAD", true},
		{`proc.env['A.B']`, "proc.env", "A.B", true},
		{"proc.aenv[2]", "proc.aenv", "2", true},
		{"thread.cgroup.memory", "thread.cgroup", "memory", true},
		{"thread.cgroups", "thread.cgroups", "", false},
		{"container.label[io.x/y]", "container.label", "io.x/y", true},
		{"container.label.app", "container.label", "app", true},
		{"container.mount.dest[/proc*]", "container.mount.dest", "/proc*", true},
		{"container.mount[0]", "container.mount", "0", true},
		{"fd.types", "fd.types", "", false},
		{"fd.types[1]", "fd.types", "1", true},
		{"fd.sip.name", "fd.sip.name", "", false},
	}
	for _, tt := range tests {
		r, err := Resolve(tt.text)
		if err != nil {
			t.Errorf("Resolve(%q): %v", tt.text, err)
			continue
		}
		if r.Name != tt.name || r.Arg != tt.arg || r.HasArg != tt.hasArg || r.Text != tt.text {
			t.Errorf("Resolve(%q) = field %q, argument %q (%v), text %q; want %q, %q (%v)",
				tt.text, r.Name, r.Arg, r.HasArg, r.Text, tt.name, tt.arg, tt.hasArg)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	tests := []struct {
		text string
		is   error
		hint string
	}{
		{"", ErrUnknownField, ""},
		{"proc", ErrUnknownField, ""},
		{"proc.", ErrUnknownField, ""},
		{"proc.nmae", ErrUnknownField, "did you mean proc.name?"},
		{"proc.pnam", ErrUnknownField, "did you mean proc.pname?"},
		{"nosuch.thing.at.all", ErrUnknownField, "'sysreel fields'"},
		{"evt.typo", ErrUnknownField, "did you mean evt.type?"},
		{"proc.name[0]", ErrUnknownField, ""},
		{"proc.name.x", ErrUnknownField, ""},
		{"proc.namex", ErrUnknownField, ""},
		{"proc.aname[1", ErrUnknownField, ""},
		{"proc.aname[1]x", ErrUnknownField, ""},
		{"proc.aname[]", ErrUnknownField, ""},
		{"proc.aname.1", ErrUnknownField, ""},
		{"proc.aname[x]", ErrFieldArgument, "must be a number"},
		{"proc.aname[-1]", ErrFieldArgument, "must be a number"},
		{"evt.arg", ErrFieldArgument, "needs an argument"},
		{"evt.arg.nosuch", ErrFieldArgument, "no event has an argument"},
		{"evt.arg.nmae", ErrFieldArgument, "did you mean name?"},
		{"evt.rawarg.nosuch", ErrFieldArgument, "no event has an argument"},
		{"evt.rawarg[0]", ErrUnknownField, ""},
		{"evt.rawarg", ErrFieldArgument, "evt.rawarg.NAME"},
		{"evt.type.is", ErrFieldArgument, "evt.type.is.NAME"},
		{"evt.type.is.nosuch", ErrFieldArgument, "unknown event type"},
		{"evt.around", ErrFieldArgument, "needs an argument"},
		{"evt.around[x]", ErrFieldArgument, "must be a number"},
		{"evt.abspath.up", ErrFieldArgument, "evt.abspath.src"},
		{"thread.cgroup", ErrFieldArgument, "needs an argument"},
		{"thread.cgroup[cpu]", ErrUnknownField, ""},
		{"thread.cgroup.cpu2", ErrFieldArgument, "letters and underscores"},
		{"container.label", ErrFieldArgument, "needs an argument"},
		{"fd.types[99999999999999999999]", ErrFieldArgument, ""},
	}
	for _, tt := range tests {
		r, err := Resolve(tt.text)
		if !errors.Is(err, tt.is) {
			t.Errorf("Resolve(%q) = %v, %v; want %v", tt.text, r, err, tt.is)
			continue
		}
		var fe *FieldError
		if !errors.As(err, &fe) || fe.Text != tt.text {
			t.Errorf("Resolve(%q): error %#v is no *FieldError with the text", tt.text, err)
		}
		if !strings.Contains(err.Error(), tt.hint) {
			t.Errorf("Resolve(%q): %q does not say %q", tt.text, err, tt.hint)
		}
	}
}

// TestCatalogueRows checks that every field binds, with exactly the functions
// that its type calls for.
func TestCatalogueRows(t *testing.T) {
	args := map[string]string{
		"evt.arg": ".name", "evt.rawarg": ".res", "evt.type.is": ".open", "evt.around": "[1]",
		"thread.cgroup": ".cpu",
	}
	for _, f := range Fields() {
		if f.Desc == "" || f.Class == "" {
			t.Errorf("%s has no description or class", f.Name)
		}
		text := f.Name
		if f.ArgRequired {
			if a, ok := args[f.Name]; ok {
				text += a
			} else {
				text += "[x]"
			}
		}
		r, err := Resolve(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		n := 0
		for _, set := range []bool{r.Int != nil, r.Str != nil, r.IP != nil, r.Float != nil, r.Each != nil} {
			if set {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d extraction functions, want 1", text, n)
		}
		if (r.Each != nil) != (r.List || r.AnyOf) || (r.Each != nil) != (r.Has != nil) {
			t.Errorf("%s: Each and Has belong to lists and fields of several values", text)
		}
		if isText(r.Type) != (r.Str != nil) && r.Each == nil {
			t.Errorf("%s: text and byte fields, and no others, have Str; type %v", text, r.Type)
		}
		if (r.Type == schema.PT_IPADDR || r.Type == schema.PT_IPNET) != (r.IP != nil) && r.Each == nil {
			t.Errorf("%s: addresses and no others have IP; type %v", text, r.Type)
		}
	}
}

// TestCatalogueComplete compares the catalogue with the list of Falco's fields.
func TestCatalogueComplete(t *testing.T) {
	spec, err := os.ReadFile(filepath.Join("..", "..", "shared", "spec", "fields.json"))
	if err != nil {
		t.Skip("the list of Falco's fields is not here: ", err)
	}
	var list struct {
		Fields []struct {
			Name     string
			Type     string
			Class    string
			Provider string
			Print    string
			Arg      struct {
				Kind     string
				Required bool
			}
			IsList  bool `json:"is_list"`
			Filter  bool `json:"filter_only"`
			Print1  bool `json:"print_only"`
			Depr    bool `json:"deprecated"`
			Hidden  bool
			RHS     bool `json:"rhs_allowed"`
			Trans   bool `json:"transformers_allowed"`
			Suggest bool `json:"suggested_output"`
		}
	}
	if err := json.Unmarshal(spec, &list); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]ArgKind{"none": ArgNone, "index": ArgIndex, "key": ArgKey, "key_or_index": ArgKeyOrIndex}
	formats := map[string]schema.Format{"id": schema.PF_ID, "dec": schema.PF_DEC, "hex": schema.PF_HEX, "dec9": schema.PF_10_PADDED_DEC}
	i := 0
	for _, want := range list.Fields {
		// Plugins other than container do not come with system calls.
		if want.Provider != "core" && want.Provider != "plugin:container" {
			continue
		}
		if i >= len(catalogue) || catalogue[i].Name != want.Name {
			t.Fatalf("field %d is %s, want %s", i, catalogue[i].Name, want.Name)
		}
		f := catalogue[i]
		i++
		typ := "PT_" + want.Type
		if want.Type == "DYNAMIC" {
			typ = "PT_DYN"
		}
		if f.Type.String() != typ || f.Class != want.Class || f.Arg != kinds[want.Arg.Kind] || f.ArgRequired != want.Arg.Required {
			t.Errorf("%s is %v, class %s, argument %v %v; want %+v", f.Name, f.Type, f.Class, f.Arg, f.ArgRequired, want)
		}
		if f.List != want.IsList || f.FilterOnly != want.Filter || f.PrintOnly != want.Print1 || f.Deprecated != want.Depr ||
			f.Hidden != want.Hidden || f.NoRHS == want.RHS || f.NoTransform == want.Trans || f.Suggested != want.Suggest {
			t.Errorf("%s: flags %+v, want %+v", f.Name, f.Field, want)
		}
		if format, ok := formats[want.Print]; ok && f.Format != format && f.Type != schema.PT_CHARBUF {
			t.Errorf("%s: format %v, want %s", f.Name, f.Format, want.Print)
		}
	}
	if i != len(catalogue) {
		t.Errorf("%d fields, Falco has %d", len(catalogue), i)
	}
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{"proc.name", "proc.aname[2]", "evt.arg.fd", `proc.env["A"]`, "evt.type.is.", "thread.cgroup.", "a[", "]["} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Resolve(text)
		if (r == nil) == (err == nil) {
			t.Fatalf("Resolve(%q) = %v, %v", text, r, err)
		}
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("the error shows control characters: %q", err)
			}
			return
		}
		if r.Text != text || !strings.HasPrefix(text, r.Name) {
			t.Errorf("Resolve(%q) = field %q, text %q", text, r.Name, r.Text)
		}
	})
}
