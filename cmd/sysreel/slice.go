package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/replay/slice"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// sliceFlags are the flags of slice.
type sliceFlags struct {
	outputFlags
	start, end string
	filter     string
	pid        int64
	alert      uint64
	rules      []string
	event      uint64
	around     time.Duration
	compact    bool
}

func runSlice(e *env, args []string) error {
	var f sliceFlags
	fs := newFlags(e, "slice IN OUT [flags] [FILTER]",
		"Cut a piece out of a capture: by time, event number, filter, process tree, or\n"+
			"around an alert or event; several conditions must all hold. The piece carries\n"+
			"the state that its events need: every field has the value that it has in the\n"+
			"whole capture, except evt.num. Events that are there only for that are marked\n"+
			"state-only and not shown. With --compact the state before the first event is\n"+
			"written as lists instead: smaller, but start times of processes and of the\n"+
			"capture are lost.",
		"sysreel slice out.scap.zst piece.scap.zst --start +5s --end +10s",
		"sysreel slice out.scap.zst piece.scap.zst --start '#1000' --end '#2000'",
		"sysreel slice out.scap.zst nginx.scap.zst proc.name=nginx and evt.type in (execve, connect)",
		"sysreel slice out.scap.zst shell.scap.zst --pid 4412",
		"sysreel slice out.scap.zst incident.scap.zst --alert 1 --around 5s -r default")
	fs.StringVar(&f.start, "start", "", "begin at this event number or time (#N, +5s, 15:04:05.5, RFC 3339)")
	fs.StringVar(&f.end, "end", "", "end after this event number or time")
	fs.StringVarP(&f.filter, "filter", "f", "", "only events that match this condition (or give it after the files)")
	fs.Int64Var(&f.pid, "pid", 0, "only the process with this id and its descendants")
	fs.Uint64Var(&f.alert, "alert", 0, "only the time around this alert of the rules of -r, counted from 1 as replay -r prints them")
	fs.StringArrayVarP(&f.rules, "rules", "r", nil, "rule `FILE` or directory for --alert, may be given again; 'default' is the rule set inside sysreel")
	fs.Uint64Var(&f.event, "around-event", 0, "only the time around the event with this number")
	fs.DurationVar(&f.around, "around", 5*time.Second, "how much before and after the alert or event")
	fs.BoolVar(&f.compact, "compact", false, "carry the state before the first event as lists")
	f.register(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	rest := fs.Args()
	if len(rest) < 2 {
		return usageErrorf("which captures? give an input and an output")
	}
	if len(rest) > 2 {
		if f.filter != "" {
			return usageErrorf("a filter after the files and -f exclude each other")
		}
		f.filter = strings.Join(rest[2:], " ")
	}
	if err := f.check(rest[0], fs.Changed("around")); err != nil {
		return err
	}
	return f.run(e, rest[0], rest[1])
}

// check reports combinations of flags that make no sense.
func (f *sliceFlags) check(in string, around bool) error {
	switch {
	case in == "-":
		return usageErrorf("slice reads the capture more than once: save it to a file first")
	case f.start == "" && f.end == "" && f.filter == "" && f.pid == 0 && f.alert == 0 && f.event == 0:
		return usageErrorf("which part? give --start, --end, a filter, --pid, --alert or --around-event; 'sysreel convert' copies all of it")
	case f.pid < 0:
		return usageErrorf("--pid takes a process id, not %d", f.pid)
	case f.alert != 0 && f.event != 0:
		return usageErrorf("--alert and --around-event exclude each other")
	case f.alert != 0 && len(f.rules) == 0:
		return usageErrorf("--alert needs rules: -r FILE, or -r default for the built-in ones")
	case f.alert == 0 && len(f.rules) > 0:
		return usageErrorf("-r goes with --alert N: which alert?")
	case around && f.alert == 0 && f.event == 0:
		return usageErrorf("--around goes with --alert or --around-event")
	case f.around < 0:
		return usageErrorf("--around takes a duration such as 5s, not %v", f.around)
	}
	return nil
}

func (f *sliceFlags) run(e *env, in, out string) error {
	var match *filter.Filter
	if f.filter != "" {
		var err error
		if match, err = filter.CompileText(f.filter); err != nil {
			return filterError(err)
		}
		for _, w := range match.Warnings {
			fmt.Fprintf(e.stderr, "sysreel: filter: %v\n", w)
		}
	}
	var set *rules.Set
	if f.alert != 0 {
		var err error
		if set, err = loadRules(rules.LoadOptions{}, f.rules); err != nil {
			return err
		}
	}
	windows, err := untilInterrupt(e, func() ([]window, error) { return f.windows(in, set) })
	if e.ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err != nil {
		return err
	}
	o, err := newOutput(e, out, &f.outputFlags, in)
	if err != nil {
		return err
	}
	bar := &progressBar{e: e, what: "cutting"}
	opts := slice.Options{Compact: f.compact, Writer: o.opts, Progress: bar.progress()}
	opts.Past = func(ev *replay.Event) bool {
		for i := range windows {
			if windows[i].after(ev) {
				return true
			}
		}
		return false
	}
	opts.Select = f.selection(windows, match)
	var res *scapfile.RewriteResult
	err = o.make(e.ctx, func() (err error) {
		res, err = slice.Copy(in, o.tmp, opts)
		return err
	})
	bar.clear()
	if errors.Is(err, slice.ErrNothing) {
		return fmt.Errorf("%s: no event is selected; nothing was written", in)
	}
	if err != nil {
		return err
	}
	tellRewrite(e, in, res)
	fmt.Fprintf(e.stderr, "sysreel: %s: %d events written, and %d that carry state\n", safe.String(out), res.Events, res.StateOnly)
	return nil
}

// selection returns the function that picks the events of the slice.
func (f *sliceFlags) selection(windows []window, match *filter.Filter) func(*replay.Event) bool {
	var tree *processTree
	if f.pid != 0 {
		tree = &processTree{pids: map[int64]bool{f.pid: true}}
	}
	return func(ev *replay.Event) bool {
		in := tree == nil || tree.holds(ev) // follows every event, wherever the windows are
		for i := range windows {
			in = in && !windows[i].before(ev)
		}
		if match == nil {
			return in
		}
		// An enter half has no context of its own: its exit half takes it along.
		return in && !ev.Hidden() && match.Match(ev)
	}
}

// windows returns the parts of the capture that the flags name; the slice lies in all.
func (f *sliceFlags) windows(in string, set *rules.Set) ([]window, error) {
	r, err := scapfile.Open(in)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var list []window
	if f.start != "" || f.end != "" {
		e, err := r.Next()
		if err == io.EOF {
			return nil, fmt.Errorf("%s holds no events", in)
		}
		if err != nil {
			return nil, err
		}
		w, err := newWindow(f.start, f.end, e.TS)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	var at uint64
	switch {
	case f.event != 0:
		at, err = eventTime(in, f.event)
	case f.alert != 0:
		at, err = alertTime(in, set, f.alert)
	default:
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	w := window{startTS: at - min(at, uint64(f.around)), endTS: at + uint64(f.around)}
	return append(list, w), nil
}

// eventTime is the time of the event with that number.
func eventTime(in string, num uint64) (uint64, error) {
	r, err := scapfile.Open(in)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	var ev *scapfile.Event
	if err = r.SeekEvent(num); err == nil {
		ev, err = r.Next()
	}
	if err == io.EOF || err == nil && ev.Num != num {
		return 0, fmt.Errorf("%s has no event %d", in, num)
	}
	if err != nil {
		return 0, err
	}
	return ev.TS, nil
}

// alertTime is the time of the nth alert of the rules.
func alertTime(in string, set *rules.Set, n uint64) (uint64, error) {
	r, err := scapfile.Open(in)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	m := replay.New(r, replay.Options{})
	found := uint64(0)
	count := func(*rules.Match) { found++ }
	for {
		ev, err := m.Next()
		if err == io.EOF || errors.Is(err, scapfile.ErrTruncated) || errors.Is(err, scapfile.ErrCorrupt) {
			return 0, fmt.Errorf("%s: the rules raise %d alerts, there is no alert %d", in, found, n)
		}
		if err != nil {
			return 0, err
		}
		if set.Eval(ev, count); found >= n {
			return ev.TS, nil
		}
	}
}

// processTree follows a process and its descendants. Once seen, a process stays in
// the tree when its parent ends and it gets another.
type processTree struct {
	pids map[int64]bool
}

// holds reports whether the event's process belongs to the tree.
func (t *processTree) holds(ev *replay.Event) bool {
	th := ev.Thread
	if th == nil || th.PID < 0 {
		return false
	}
	in := t.pids[th.PID]
	for p, n := th.Main(), 0; !in && p != nil && n < maxAncestors; n++ {
		if p = p.Parent(); p != nil {
			in = t.pids[p.PID]
		}
	}
	if in {
		t.pids[th.PID] = true
	}
	if in && ev.Type == schema.PPME_PROCEXIT_1_E {
		left := th.NumThreads()
		if !th.Exited {
			left--
		}
		if left <= 0 {
			delete(t.pids, th.PID) // the number may be given to another process
		}
	}
	return in
}

// maxAncestors bounds the way up: a damaged capture can make parents of each other.
const maxAncestors = 1000
