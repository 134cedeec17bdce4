package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// replayOptions are the flags of replay.
type replayOptions struct {
	file      string
	filter    string
	format    string
	json      bool
	count     int64
	raw       bool
	timeStyle string
	zone      string
	start     string
	end       string
	failDrops bool
	rules     ruleFlags
}

func runReplay(e *env, args []string) error {
	var o replayOptions
	fs := newFlags(e, "replay FILE [flags] [FILTER]",
		"Print the events of a capture with their context, or with -r the alerts that\n"+
			"rules raise on them. FILE may be any scap capture: plain, gzip or zstd, of today\n"+
			"or years ago, whole or damaged; - is standard input. FILTER is a condition in the\n"+
			"language of Falco rules.",
		"sysreel replay out.scap.zst",
		"sysreel replay out.scap.zst proc.name=cat and fd.name startswith /etc",
		"sysreel replay out.scap.zst -p '%evt.time %proc.cmdline %fd.name' evt.type=openat",
		"sysreel replay out.scap.zst -r default -r my_rules.yaml",
		"sysreel replay out.scap.zst -r rules/ --json --tag mitre_persistence")
	fs.StringVarP(&o.filter, "filter", "f", "", "show only events that match this condition (or give it after the file)")
	fs.StringVarP(&o.format, "format", "p", "", "print this template instead of the default line; a leading * prints <NA> for missing values")
	fs.BoolVarP(&o.json, "json", "j", false, "one JSON object a line")
	fs.Int64VarP(&o.count, "count", "n", 0, "stop after this many events (with -r: alerts)")
	fs.StringVarP(&o.timeStyle, "time", "t", "h", "time of the default line: h time of day, a seconds since the epoch, r since the start, D since the previous event")
	fs.StringVar(&o.zone, "tz", "UTC", "time zone of printed times, as in the tz database")
	fs.StringVar(&o.start, "start", "", "begin at this event number or time (#N, +5s, 15:04:05.5, RFC 3339); state is kept from the beginning")
	fs.StringVar(&o.end, "end", "", "end after this event number or time")
	fs.BoolVar(&o.raw, "raw", false, "print the events as they stand in the file, old enter/exit pairs included")
	fs.BoolVar(&o.failDrops, "fail-on-drops", false, "exit with 3 when the capture says that events were lost, or is damaged")
	o.rules.register(fs, "rule `FILE` or directory, may be given again; 'default' is the rule set inside sysreel")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	rest := fs.Args()
	if len(rest) == 0 {
		return usageErrorf("which capture? give a file, or - for standard input")
	}
	o.file = rest[0]
	if len(rest) > 1 {
		if o.filter != "" {
			return usageErrorf("a filter after the file and -f exclude each other")
		}
		o.filter = strings.Join(rest[1:], " ")
	}
	if o.raw && (o.filter != "" || o.rules.any()) {
		return usageErrorf("--raw shows events without context: it goes with neither a filter nor rules")
	}
	if o.format != "" && o.json && o.rules.any() {
		return usageErrorf("with rules, --json and -p exclude each other")
	}
	return replayFile(e, o)
}

// openCapture opens path, - meaning standard input.
func openCapture(e *env, path string, opts scapfile.ReaderOptions) (*scapfile.Reader, error) {
	if path == "-" {
		return scapfile.NewReader(e.stdin, opts)
	}
	return scapfile.OpenWith(path, opts)
}

func replayFile(e *env, o replayOptions) error {
	if os.Getenv("GOGC") == "" {
		// The state is a few MB on most hosts, which Go would otherwise scan each
		// time as much again has been used: 4 % of the CPU of a replay.
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	zone, err := time.LoadLocation(o.zone)
	if err != nil {
		return usageErrorf("--tz: %v", err)
	}
	if len(o.timeStyle) != 1 || !strings.Contains("hardD", o.timeStyle) {
		return usageErrorf("-t takes one of h, a, r, D, d, not %q", o.timeStyle)
	}
	r, err := openCapture(e, o.file, scapfile.ReaderOptions{Raw: o.raw})
	if err != nil {
		return err
	}
	defer r.Close()
	out := bufio.NewWriterSize(e.stdout, 64<<10)
	defer out.Flush()
	if o.raw {
		err = printRaw(out, r, o)
	} else {
		m := replay.New(r, replay.Options{})
		m.SetLocation(zone)
		m.SetTimeStyle(replay.TimeStyle(o.timeStyle[0]))
		err = replayMachine(e, m, out, o)
	}
	if ferr := out.Flush(); err == nil {
		err = ferr
	}
	return finishReading(e, o.file, r, err, o.failDrops)
}

// finishReading tells what the file itself lacked, after everything that could
// be read was: damage, and events the recorder lost.
func finishReading(e *env, path string, r *scapfile.Reader, err error, fail bool) error {
	damaged := false
	for _, d := range r.Damage() {
		fmt.Fprintf(e.stderr, "sysreel: %s: damaged: %s\n", safe.String(path), safe.String(d.String()))
		damaged = true
	}
	if errors.Is(err, scapfile.ErrTruncated) {
		fmt.Fprintf(e.stderr, "sysreel: %s\n", safeLines(err.Error()))
		damaged, err = true, nil
	}
	if err != nil {
		return err
	}
	lost := false
	if meta := r.Meta(); meta.Lost() > 0 {
		fmt.Fprintf(e.stderr, "sysreel: %s: the recorder lost %d events\n", safe.String(path), meta.Lost())
		lost = true
	}
	if fail && (damaged || lost) {
		return exitWith(exitLoss)
	}
	return nil
}

// eventPrinter writes one event in the form the user chose.
type eventPrinter func(dst []byte, ev *replay.Event) []byte

func newEventPrinter(o *replayOptions) (eventPrinter, error) {
	switch {
	case o.format != "":
		t, err := filter.ParseTemplate(o.format)
		if err != nil {
			return nil, usageErrorf("-p: %v", err)
		}
		if o.json {
			return func(dst []byte, ev *replay.Event) []byte {
				return append(t.AppendJSON(dst, ev), '\n')
			}, nil
		}
		t.Escape = safe.Append[string]
		return func(dst []byte, ev *replay.Event) []byte {
			if dst, ok := t.AppendText(dst, ev); ok {
				return append(dst, '\n')
			}
			return dst
		}, nil
	case o.json:
		return newJSONPrinter()
	}
	return func(dst []byte, ev *replay.Event) []byte {
		return append(replay.AppendLine(dst, ev), '\n')
	}, nil
}

// jsonFields are what --json prints of an event without -p.
var jsonFields = []string{
	"evt.num", "evt.rawtime", "evt.time.iso8601", "evt.cpu", "evt.type", "evt.category", "evt.res", "evt.rawres", "evt.failed", "evt.args",
	"proc.name", "proc.pid", "thread.tid", "proc.ppid", "proc.pname", "proc.cmdline", "proc.exepath", "proc.cwd",
	"user.uid", "user.name", "container.id", "fd.num", "fd.type", "fd.name",
}

func newJSONPrinter() (eventPrinter, error) {
	type member struct {
		key string // with what stands around it
		ref *replay.Ref
	}
	members := make([]member, len(jsonFields))
	sep := "{"
	for i, name := range jsonFields {
		ref, err := replay.Resolve(name)
		if err != nil {
			return nil, err
		}
		members[i] = member{sep + `"` + name + `":`, ref}
		sep = ","
	}
	return func(dst []byte, ev *replay.Event) []byte {
		for i := range members {
			m := &members[i]
			dst = append(dst, m.key...)
			dst, _ = m.ref.AppendJSON(dst, ev)
		}
		return append(dst, '}', '\n')
	}, nil
}

// replayMachine prints the events of m, or the alerts on them.
func replayMachine(e *env, m *replay.Machine, out *bufio.Writer, o replayOptions) error {
	var match *filter.Filter
	if o.filter != "" {
		f, err := filter.CompileText(o.filter)
		if err != nil {
			return filterError(err)
		}
		for _, w := range f.Warnings {
			fmt.Fprintf(e.stderr, "sysreel: filter: %s\n", safeLines(fmt.Sprint(w)))
		}
		match = f
	}
	var alerts *alertPrinter
	var print eventPrinter
	var err error
	if o.rules.any() {
		alerts, err = newAlertPrinter(&o.rules, o.json)
	} else {
		print, err = newEventPrinter(&o)
	}
	if err != nil {
		return err
	}
	var win window
	buf := make([]byte, 0, 4096)
	left := o.count
	started := false
	var interrupted atomic.Bool // cheaper to ask for each event than the context
	defer context.AfterFunc(e.ctx, func() { interrupted.Store(true) })()
	for !interrupted.Load() {
		ev, err := m.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			if alerts != nil {
				alerts.summary(out)
			}
			return err
		}
		if !started {
			started = true
			if win, err = newWindow(o.start, o.end, ev.TS); err != nil {
				return err
			}
		}
		if win.before(ev) {
			continue
		}
		if win.after(ev) {
			break
		}
		if match != nil && !match.Match(ev) {
			continue
		}
		buf = buf[:0]
		n := int64(1)
		if alerts != nil {
			buf, n = alerts.append(buf, ev)
		} else if shown(ev, match != nil) {
			buf = print(buf, ev)
		}
		if len(buf) == 0 {
			continue
		}
		if _, err := out.Write(buf); err != nil {
			return err
		}
		if o.count > 0 {
			if left -= n; left <= 0 {
				break
			}
		}
	}
	if alerts != nil {
		alerts.summary(out)
	}
	return nil
}

// shown tells whether a listing has ev: not what only keeps state, and not the
// recorder's own bookkeeping (the user list, process information) unless a
// filter asks for it, as in sysdig.
func shown(ev *replay.Event, filtered bool) bool {
	if ev.Flags&scapfile.FlagStateOnly != 0 {
		return false
	}
	return filtered || ev.Info.Category&(schema.EC_INTERNAL|schema.EC_METAEVENT) == 0
}

// printRaw prints the events of the file without conversion and context.
func printRaw(out *bufio.Writer, r *scapfile.Reader, o replayOptions) error {
	buf := make([]byte, 0, 4096)
	rd := scapfile.Renderer{DataLimit: 80, Safe: true}
	for n := int64(0); o.count == 0 || n < o.count; n++ {
		ev, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		buf = appendRawLine(buf[:0], &rd, ev)
		if _, err := out.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// appendRawLine appends an event as it stands in the file: number, time, cpu,
// thread, direction, type and parameters.
func appendRawLine(dst []byte, rd *scapfile.Renderer, ev *scapfile.Event) []byte {
	dir := byte('<')
	if ev.Type.IsEnter() {
		dir = '>'
	}
	dst = append(strconv.AppendUint(dst, ev.Num, 10), ' ')
	dst = append(strconv.AppendUint(dst, ev.TS/1e9, 10), '.')
	at := len(dst)
	dst = strconv.AppendUint(dst, 1e9+ev.TS%1e9, 10)
	dst = append(dst[:at], dst[at+1:]...) // the 1 kept the zeros
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, uint64(ev.CPU), 10)
	dst = append(dst, " ("...)
	dst = strconv.AppendInt(dst, ev.TID, 10)
	dst = append(dst, ") "...)
	dst = append(dst, dir, ' ')
	dst = append(dst, ev.Name()...)
	dst = append(dst, ' ')
	return append(rd.AppendArgs(dst, ev), '\n')
}
