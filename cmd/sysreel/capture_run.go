package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sysreel/sysreel/capture"
	"github.com/sysreel/sysreel/probe"
	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// recording is one run of the verb.
type recording struct {
	e           *env
	flags       *captureFlags
	commandLine []string
	sel         capture.Selection
	targets     capture.Targets
	rules       *rules.Set
	filter      *filter.Filter
	template    *filter.Template // of printed events; nil: the usual line

	session *capture.Session
	command *capture.Command
	rec     *capture.Recorder // nil without -w

	began   time.Time
	live    liveLine
	alerts  rules.Summary
	format  rules.Formatter
	out     []byte
	outErr  error
	printer *bufio.Writer // nil unless events are printed
	status  int           // of the command
	reload  atomic.Bool   // SIGHUP came
	ended   chan struct{}
	waiting sync.WaitGroup
}

// run records until something ends it, and tells what came of it.
func (r *recording) run() (err error) {
	c := r.flags
	if len(c.command) > 0 {
		if r.command, err = capture.StartCommand(c.command); err != nil {
			return commandError(err)
		}
	}
	r.session, err = capture.Open(capture.Options{
		Selection: r.sel, SnapLen: c.snapLen, Buffer: int(c.buffer.n), PIDs: c.pids, Command: r.command, Tick: r.tick,
		Before: r.create, Targets: r.targets, DropFailed: c.successful,
	})
	if err != nil {
		if r.command != nil {
			r.command.Abandon()
		}
		return explainProbe(err)
	}
	defer r.session.Close()
	r.began = time.Now()
	// A command, and printed events, would write into the middle of the line.
	r.live = liveLine{w: r.e.stderr, on: r.e.stderrTTY && !c.quiet && r.command == nil && (c.write != "" || r.rules != nil)}
	r.tellSelection()
	r.ended = make(chan struct{})
	r.watch()

	err = r.record()
	stopErr := r.session.Stop()
	if errors.Is(err, capture.ErrLimit) {
		err = nil
	}
	if r.rec != nil {
		err = errors.Join(err, r.rec.Close())
	}
	r.live.clear()
	stats, statErr := r.session.Stats()
	err = errors.Join(dedupe(err), stopErr, statErr)
	if err == nil {
		r.summary(stats)
	}
	if r.command != nil && !r.commandEnded() {
		if err != nil {
			fmt.Fprintf(r.e.stderr, "sysreel capture: %v\n", err)
			err = exitWith(exitFail)
		}
		fmt.Fprintf(r.e.stderr, "the recording is over; waiting for the command (pid %d)\n", r.command.PID())
	}
	r.waiting.Wait()
	switch {
	case err != nil:
		return err
	case r.outErr != nil:
		return r.outErr
	case c.failOnDrops && stats.Lost() > 0:
		return exitWith(exitLoss)
	case r.status != 0:
		return exitWith(r.status)
	}
	return nil
}

// create makes the file when everything that can fail before has not, and before
// the command runs.
func (r *recording) create(s *capture.Session) error {
	c := r.flags
	if c.write == "" {
		return nil
	}
	comp, err := compressionByName(c.compress)
	if err != nil {
		return err
	}
	meta := scapfile.Meta{Tool: "sysreel " + version, Command: r.commandLine, Selection: c.describe()}
	r.sel.Describe(&meta, c.exact)
	r.rec, err = capture.NewRecorder(s, capture.RecorderOptions{
		Path: c.write, Compression: comp, Meta: meta, MaxEvents: c.count, MaxSize: c.size.n,
		Rotate: capture.Rotation{Size: c.rotSize.n, Every: c.rotEvery.d, Events: c.rotEvents, Keep: c.keep},
	})
	return err
}

// describe says in words what was selected.
func (c *captureFlags) describe() string {
	var parts []string
	add := func(name, v string) {
		if v != "" {
			parts = append(parts, name+" "+v)
		}
	}
	add("calls", c.syscalls)
	add("sets", c.sets)
	add("rules", strings.Join(c.rules.files, " "))
	if len(parts) == 0 {
		parts = append(parts, "all calls")
	}
	if len(c.pids) > 0 {
		parts = append(parts, "of process "+strings.Trim(fmt.Sprint(c.pids), "[]")+" and its descendants")
	}
	if len(c.command) > 0 {
		parts = append(parts, "of the command "+strings.Join(c.command, " "))
	}
	add("of user", strings.Join(c.users, " "))
	add("of tasks named", strings.Join(c.comms, " "))
	add("of cgroup", strings.Join(c.cgroups, " "))
	add("of container", strings.Join(c.containers, " "))
	if c.successful {
		parts = append(parts, "that succeed")
	}
	add("that match", c.filter)
	return strings.Join(parts, ", ")
}

// record takes events until the session ends or a limit is reached.
func (r *recording) record() error {
	if r.rec != nil && r.rules == nil && r.filter == nil {
		return r.session.Each(r.rec.Write)
	}
	if r.rec == nil && r.rules == nil {
		r.printer = bufio.NewWriterSize(r.e.stdout, 64<<10)
		defer r.flush()
	}
	var opts replay.Options
	if r.rec == nil {
		// With a file, what is said live must be what the file says afterwards.
		opts.Find = r.session.FindThread
	}
	m := replay.New(r.session, opts)
	var matched uint64
	for {
		ev, err := m.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if r.filter != nil && !r.filter.Match(ev) {
			if r.rec == nil || ev.Info.Flags&schema.EF_MODIFIES_STATE == 0 {
				continue
			}
			ev.Flags |= scapfile.FlagStateOnly
		}
		if r.rules != nil {
			r.rules.Eval(ev, r.alert)
		}
		if r.rec != nil {
			if err := r.rec.Write(ev.Event); err != nil {
				return err
			}
			continue
		}
		if r.printer != nil {
			r.print(ev)
		}
		if matched++; matched == r.flags.count {
			return capture.ErrLimit
		}
		if r.outErr != nil {
			return nil
		}
	}
}

// print prints an event; a tick later at most it is seen.
func (r *recording) print(ev *replay.Event) {
	if r.template == nil {
		r.out = replay.AppendLine(r.out[:0], ev)
	} else {
		var ok bool
		if r.out, ok = r.template.AppendText(r.out[:0], ev); !ok {
			return
		}
	}
	r.out = append(r.out, '\n')
	if _, err := r.printer.Write(r.out); err != nil {
		r.outErr = err
	}
}

// flush shows the events printed so far.
func (r *recording) flush() {
	if r.printer != nil {
		if err := r.printer.Flush(); err != nil {
			r.outErr = err
		}
	}
}

// reloadRules reads the rule files again, between two events. Files that do not
// load leave the rules as they are.
func (r *recording) reloadRules() {
	set, err := r.flags.loadRules()
	if err != nil {
		fmt.Fprintf(r.e.stderr, "sysreel capture: %v; the rules stay as they were\n", err)
		return
	}
	sel, err := r.flags.selection(set)
	if err == nil {
		err = r.session.Update(sel)
	}
	if err != nil {
		fmt.Fprintf(r.e.stderr, "sysreel capture: %v; the rules stay as they were\n", err)
		return
	}
	r.rules, r.sel = set, sel
	if !r.flags.quiet {
		r.live.clear()
		fmt.Fprintf(r.e.stderr, "rules read again: %s\n", plural(uint64(len(set.Rules())), "rule"))
	}
}

// alert prints a match at once.
func (r *recording) alert(m *rules.Match) {
	r.alerts.Add(m.Rule)
	if r.flags.json {
		r.out = r.format.AppendJSON(r.out[:0], m)
	} else {
		r.out = r.format.AppendText(r.out[:0], m)
	}
	r.out = append(r.out, '\n')
	r.live.clear()
	if _, err := r.e.stdout.Write(r.out); err != nil {
		r.outErr = err
	}
}

func (r *recording) commandEnded() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// dedupe keeps one of equal errors: a full disk fails the write and the close.
func dedupe(err error) error {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return err
	}
	var list []error
	for _, e := range joined.Unwrap() {
		if !slices.ContainsFunc(list, func(o error) bool { return o.Error() == e.Error() }) {
			list = append(list, e)
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return errors.Join(list...)
}

// explainProbe adds where to learn more to an error of the probe, which says what is
// missing.
func explainProbe(err error) error {
	if errors.Is(err, probe.ErrNoPrivilege) || errors.Is(err, probe.ErrUnsupported) {
		if !strings.Contains(err.Error(), "sysreel doctor") {
			return fmt.Errorf("%w; 'sysreel doctor' tells more", err)
		}
	}
	return err
}

// commandError gives a command that cannot be started the exit code of shells.
func commandError(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return &exitError{126, err.Error()}
	}
	return &exitError{127, err.Error()}
}
