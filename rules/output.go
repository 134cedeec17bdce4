package rules

import (
	"errors"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
)

// AppendOutput adds to the outputs of the rules that it matches: Falco's
// append_output.
type AppendOutput struct {
	// Source, Rule and Tags restrict the entry: source and rule name must be
	// equal, all tags present. Empty ones do not restrict.
	Source string
	Rule   string
	Tags   []string

	// Text is template text that is added to the output after a blank.
	Text string
	// Fields are added to output_fields in JSON only.
	Fields []OutputField
	// Suggested adds name=%name for every field that Falco suggests.
	Suggested bool
}

// OutputField is a field added to output_fields: a field of the catalogue, or
// text made from a template under a name of its own.
type OutputField struct {
	Name     string // "proc.aname[2]", or any name when Template is set
	Template string
}

func (a *AppendOutput) matches(d *ruleDef) bool {
	if a.Source != "" && a.Source != d.source || a.Rule != "" && a.Rule != d.name {
		return false
	}
	return !slices.ContainsFunc(a.Tags, func(t string) bool { return !slices.Contains(d.tags, t) })
}

// output is a compiled output with its JSON fields.
type output struct {
	text   string // template with everything appended and constants in place
	tmpl   *filter.Template
	extra  []OutputField
	static []jsonField // constants used in text
	// fields are the JSON fields ordered by key, with evt.time and with
	// evt.time.iso8601.
	fields, fieldsISO []jsonField
}

type jsonField struct {
	key   string
	ref   *replay.Ref      // nil for fields made from templates and constants
	tmpl  *filter.Template // of a field with a template
	value string           // of a constant
}

// Time fields of alerts.
const (
	fieldTime    = "evt.time"
	fieldTimeISO = "evt.time.iso8601"
)

var (
	timeRef    = mustResolve(fieldTime)
	timeISORef = mustResolve(fieldTimeISO)
)

func mustResolve(name string) *replay.Ref {
	ref, err := replay.Resolve(name)
	if err != nil {
		panic(err)
	}
	return ref
}

const deprecatedInfo = "%container.info"

// rewritten matches what is replaced in a template before it is read.
var rewritten = regexp.MustCompile(`%container\.info|%static\.([a-zA-Z][a-zA-Z0-9_]*)`)

// rewrite replaces constants by their values and removes %container.info. Its
// second result turns an offset in the new text into one in the old.
func (o *output) rewrite(old string, static map[string]string) (string, func(int) int) {
	type edit struct{ at, grown int }
	var edits []edit
	var b strings.Builder
	last := 0
	for _, m := range rewritten.FindAllStringSubmatchIndex(old, -1) {
		value := ""
		if m[2] >= 0 {
			name := old[m[2]:m[3]]
			v, known := static[name]
			if !known {
				continue // the template reports the unknown field
			}
			value = v
			o.static = append(o.static, jsonField{key: "static." + name, value: v})
		}
		b.WriteString(old[last:m[0]])
		b.WriteString(value)
		last = m[1]
		edits = append(edits, edit{b.Len(), len(value) - (m[1] - m[0])})
	}
	b.WriteString(old[last:])
	return b.String(), func(off int) int {
		for i := len(edits) - 1; i >= 0; i-- {
			if off >= edits[i].at {
				for _, e := range edits[:i+1] {
					off -= e.grown
				}
				break
			}
		}
		return off
	}
}

// compileOutput compiles a rule's output with what is configured to be added;
// nil after an error.
func (l *loader) compileOutput(r *compiled) *output {
	d := r.def
	if cut := strings.Index(d.output.s, deprecatedInfo); cut >= 0 {
		l.cur.add(d.outputAt.problemIn(d.output, cut, "rule output expression", WarnDeprecatedItem,
			"remove it; name the container fields you need", "usage of deprecated field 'container.info'"))
	}
	o := &output{}
	body, place := o.rewrite(d.output.s, l.opts.Static)
	tmpl, err := parseOutput(body)
	if err != nil {
		msg, hint, off := templateError(err)
		off = place(off)
		code := ErrCompileOutput
		if d.skipUnknown && (errors.Is(err, replay.ErrUnknownField) || strings.Contains(msg, "unknown filter")) {
			code, r.skipped = WarnUnknownFilter, true
		}
		l.cur.add(d.outputAt.problemIn(d.output, off, "rule output expression", code, hint, msg))
		return nil
	}
	for _, f := range tmpl.Fields() {
		if hint, ok := deprecatedFields[f.Ref.Name]; ok {
			off := max(strings.Index(d.output.s, "%"+f.Key), 0)
			l.cur.add(d.outputAt.problemIn(d.output, off, "rule output expression", WarnDeprecatedItem, hint,
				"usage of deprecated field '"+f.Ref.Name+"'"))
		}
	}
	o.text, o.tmpl = body, tmpl
	for _, a := range l.opts.Append {
		if !a.matches(d) {
			continue
		}
		if a.Text != "" {
			text, _ := o.rewrite(a.Text, l.opts.Static)
			o.text += " " + text
		}
		if a.Suggested {
			o.text += suggested()
		}
		o.extra = append(o.extra, a.Fields...)
	}
	if err := o.compile(); err != nil {
		l.fail(d.outputAt, ErrCompileOutput, "configured addition to the output: %v", err)
		return nil
	}
	return o
}

// parseOutput reads the output of a rule: missing values print as <NA>.
func parseOutput(text string) (*filter.Template, error) {
	// Falco puts the star in front itself, so that one in the output is text.
	return filter.ParseTemplate("*" + text)
}

func templateError(err error) (msg, hint string, off int) {
	var pe *filter.ParseError
	var ce *filter.CompileError
	switch {
	case errors.As(err, &pe):
		msg, hint, off = pe.Msg, pe.Hint, pe.Offset
	case errors.As(err, &ce):
		msg, hint, off = ce.Msg, ce.Hint, ce.Offset
	default:
		msg = err.Error()
	}
	return msg, hint, max(off-1, 0)
}

// suggested is template text with all suggested fields.
func suggested() string {
	var b strings.Builder
	for _, f := range replay.Fields() {
		if f.Suggested && !f.ArgRequired {
			b.WriteString(" " + strings.ReplaceAll(f.Name, ".", "_") + "=%" + f.Name)
		}
	}
	return b.String()
}

// compile makes the template and the JSON fields from text and extra.
func (o *output) compile() error {
	tmpl, err := parseOutput(o.text)
	if err != nil {
		return err
	}
	o.tmpl = tmpl
	var fields []jsonField
	for _, f := range tmpl.Fields() {
		fields = append(fields, jsonField{key: f.Key, ref: f.Ref})
	}
	fields = append(fields, o.static...)
	for _, x := range o.extra {
		f := jsonField{key: x.Name}
		if x.Template != "" {
			f.tmpl, err = parseOutput(x.Template)
		} else {
			f.ref, err = replay.Resolve(x.Name)
		}
		if err != nil {
			return err
		}
		fields = append(fields, f)
	}
	o.fields = withField(fields, jsonField{key: fieldTime, ref: timeRef})
	o.fieldsISO = withField(fields, jsonField{key: fieldTimeISO, ref: timeISORef})
	return nil
}

// withField returns the fields and one more, ordered by key, each key once; of
// equal keys the last counts.
func withField(list []jsonField, f jsonField) []jsonField {
	out := append(slices.Clone(list), f)
	sort.SliceStable(out, func(i, j int) bool { return out[i].key < out[j].key })
	n := 0
	for i := range out {
		if i+1 < len(out) && out[i+1].key == out[i].key {
			continue
		}
		out[n] = out[i]
		n++
	}
	return out[:n]
}

// clone returns an output for use by another goroutine.
func (o *output) clone() *output {
	c := &output{text: o.text, extra: o.extra, static: o.static}
	if err := c.compile(); err != nil {
		panic("rules: output that compiled before: " + err.Error())
	}
	return c
}
