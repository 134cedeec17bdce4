package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/sysreel/sysreel/capture"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/rules/filter"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
)

const captureAbout = `Record system calls of this host, live. With a command, only the command and its
descendants are recorded, until the command ends; sysreel exits with its status
and passes signals on to it. Without -w nothing is kept: events are printed, or with rules their alerts.

With rules, SIGHUP reads them again.

Calls that are needed to know which process, file or connection an event is about
are added to a selection and told; --exact leaves them out.`

// captureFlags are the flags of the verb.
type captureFlags struct {
	write, compress    string
	syscalls, sets     string
	rules              ruleFlags
	pids               []int
	users, comms       []string
	cgroups            []string
	containers         []string
	successful         bool
	snapLen            int
	count              uint64
	duration           time.Duration
	size, buffer       sizeFlag
	filter             string
	exact, failOnDrops bool
	format             string
	json, quiet        bool
	rotSize            sizeFlag
	rotEvery           durationFlag
	rotEvents          uint64
	keep               int
	command            []string
}

func (c *captureFlags) bind(fs *pflag.FlagSet) {
	fs.StringVarP(&c.write, "write", "w", "", "record to this `FILE` (- for standard output); its name decides the\ncompression: .scap.zst zstd, .scap gzip, .scap.raw none")
	fs.StringVarP(&c.syscalls, "syscalls", "e", "", "record only these system calls or events: a `LIST` separated by commas")
	fs.StringVar(&c.sets, "set", "", "record the calls of these sets: `NAMES` out of\n"+strings.Join(capture.SetNames(), ", "))
	fs.BoolVar(&c.exact, "exact", false, "record nothing but the selected calls; the file says which fields suffer")
	c.rules.register(fs, "evaluate the rules of this `FILE` or directory live and print each alert, 'default' is\nthe rule set inside sysreel; without -e and --set, what the rules need is recorded")
	fs.StringVarP(&c.format, "print", "p", "", "print events in this `FORMAT`, as '%proc.name %evt.type %fd.name'")
	fs.BoolVar(&c.json, "json", false, "print alerts as JSON, one object a line")
	fs.IntSliceVar(&c.pids, "pid", nil, "record only the process `PID` and its descendants, until it ends")
	fs.StringSliceVar(&c.users, "uid", nil, "record only tasks of the user `ID` or name")
	fs.StringSliceVar(&c.comms, "comm", nil, "record only tasks with this `NAME`")
	fs.StringSliceVar(&c.containers, "container", nil, "record only the container whose `ID` begins so (cgroup version 2)")
	fs.StringSliceVar(&c.cgroups, "cgroup", nil, "record only tasks in the cgroup at `PATH` and below (version 2)")
	fs.BoolVarP(&c.successful, "successful-only", "z", false, "do not record calls that fail")
	fs.StringVarP(&c.filter, "filter", "f", "", "keep only events that match this `CONDITION` of the rule language")
	fs.IntVarP(&c.snapLen, "snaplen", "s", 80, "keep that many `BYTES` of what is read, written, sent and received")
	fs.Uint64VarP(&c.count, "count", "n", 0, "end after that many `EVENTS`")
	fs.DurationVar(&c.duration, "for", 0, "end after this `DURATION`, as 30s or 5m")
	fs.Var(&c.size, "limit-size", "end when the file has this `SIZE`, as 100M")
	fs.VarP(&c.rotSize, "rotate-size", "C", "begin a new file every `SIZE`; a bare number is megabytes")
	fs.VarP(&c.rotEvery, "rotate-time", "G", "begin a new file every `DURATION`; a bare number is seconds")
	fs.Uint64Var(&c.rotEvents, "rotate-events", 0, "begin a new file every `EVENTS`")
	fs.IntVarP(&c.keep, "keep", "W", 0, "keep only the newest `FILES` of a rotation")
	fs.StringVar(&c.compress, "compress", "", "compress with this `ALGORITHM`, none, gzip or zstd, whatever the file's name")
	fs.Var(&c.buffer, "buffer", "`SIZE` of all ring buffers together")
	fs.BoolVar(&c.failOnDrops, "fail-on-drops", false, "exit with code 3 when events were lost")
	fs.BoolVarP(&c.quiet, "quiet", "q", false, "no live line and no summary")
	c.rotSize.unit = 1 << 20
	c.rotEvery.unit = time.Second
}

func runCapture(e *env, args []string) error {
	var c captureFlags
	fs := newFlags(e, "capture [flags] [-- COMMAND [ARGUMENT...]]", captureAbout,
		"sysreel capture -w boot.scap.zst --for 30s",
		"sysreel capture -w a.scap.zst --set file,network -- curl -s localhost",
		"sysreel capture -r rules.yaml --json --pid 4711",
		"sysreel capture -w day.scap.zst -e execve,connect -G 1h -W 24")
	c.bind(fs)
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "limit-events" { // the pair of --limit-size
			name = "count"
		}
		return pflag.NormalizedName(name)
	})
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	dash := fs.ArgsLenAtDash()
	if dash < 0 {
		dash = fs.NArg()
	} else if dash == fs.NArg() {
		return usageErrorf("no command after --")
	}
	if dash > 0 {
		return usageErrorf("unexpected argument %q; a command stands after --", fs.Arg(0))
	}
	c.command = fs.Args()[dash:]
	if err := c.check(e, fs); err != nil {
		return err
	}
	r, err := c.prepare(e)
	if err != nil {
		return err
	}
	r.commandLine = append([]string{"sysreel", "capture"}, args...)
	return r.run()
}

// check refuses combinations that make no sense, one by one.
func (c *captureFlags) check(e *env, fs *pflag.FlagSet) error {
	rotating := c.rotSize.n > 0 || c.rotEvery.d > 0 || c.rotEvents > 0
	switch {
	case c.write == "-" && e.stdoutTTY:
		return usageErrorf("a capture is binary: send the standard output somewhere, or use -w FILE")
	case c.write == "-" && len(c.command) > 0:
		return usageErrorf("-w - and a command would share the standard output; use -w FILE")
	case c.write == "-" && c.rules.any():
		return usageErrorf("-w - and alerts would share the standard output; use -w FILE")
	case c.write == "-" && rotating:
		return usageErrorf("the standard output cannot be rotated; use -w FILE")
	case len(c.pids) > 0 && len(c.command) > 0:
		return usageErrorf("--pid and a command exclude each other")
	case len(c.command) > 0 && len(c.users)+len(c.comms)+len(c.cgroups)+len(c.containers) > 0:
		return usageErrorf("a command is recorded with all its descendants; choose among them with -f CONDITION")
	case c.snapLen < 1 || c.snapLen > 65000:
		return usageErrorf("--snaplen %d is not between 1 and 65000", c.snapLen)
	case c.duration < 0:
		return usageErrorf("--for %v is negative", c.duration)
	case c.exact && c.syscalls == "" && c.sets == "":
		return usageErrorf("--exact needs a selection: -e LIST or --set NAMES")
	case c.keep < 0 || c.keep > 0 && !rotating:
		return usageErrorf("-W keeps files of a rotation: give -C, -G or --rotate-events too")
	case c.write == "" && (rotating || c.size.n > 0 || c.compress != ""):
		return usageErrorf("rotation, --limit-size and --compress need a file: -w FILE")
	case c.json && !c.rules.any():
		return usageErrorf("--json is the format of alerts: give rules with -r")
	case c.format != "" && (c.write != "" || c.rules.any()):
		return usageErrorf("-p is the format of printed events: leave -w and -r out")
	}
	for _, pid := range c.pids {
		if pid <= 0 {
			return usageErrorf("--pid %d is no process number", pid)
		}
	}
	if _, err := compressionByName(c.compress); err != nil {
		return err
	}
	return nil
}

func compressionByName(name string) (scapfile.Compression, error) {
	switch name {
	case "":
		return scapfile.CompressionAuto, nil
	case "none":
		return scapfile.CompressionNone, nil
	case "gzip":
		return scapfile.CompressionGzip, nil
	case "zstd":
		return scapfile.CompressionZstd, nil
	}
	return 0, usageErrorf("--compress %q: use none, gzip or zstd%s", name, didYouMean(name, []string{"none", "gzip", "zstd"}))
}

// prepare reads what the flags name: rules, filter, selection. Nothing is
// attached or created yet.
func (c *captureFlags) prepare(e *env) (*recording, error) {
	r := &recording{e: e, flags: c}
	if c.filter != "" {
		f, err := filter.CompileText(c.filter)
		if err != nil {
			return nil, filterError(err)
		}
		r.filter = f
	}
	if c.format != "" {
		t, err := filter.ParseTemplate(c.format)
		if err != nil {
			return nil, usageErrorf("--print: %v", err)
		}
		t.Escape = safe.Append[string]
		r.template = t
	}
	var err error
	if r.rules, err = c.loadRules(); err != nil {
		return nil, err
	}
	if r.sel, err = c.selection(r.rules); err != nil {
		return nil, err
	}
	if r.targets, err = c.targets(); err != nil {
		return nil, err
	}
	return r, nil
}

// loadRules reads the rule files, nil when there are none.
func (c *captureFlags) loadRules() (*rules.Set, error) {
	if !c.rules.any() {
		return nil, nil
	}
	set, err := c.rules.load()
	if err != nil {
		return nil, fmt.Errorf("loading rules: %w", err)
	}
	return set, nil
}

// targets looks up the users, cgroups and containers to record.
func (c *captureFlags) targets() (capture.Targets, error) {
	t := capture.Targets{Comms: c.comms}
	var err error
	if t.UIDs, err = capture.ParseUsers(c.users); err != nil {
		return t, unknownName(err)
	}
	for _, path := range c.cgroups {
		ids, err := capture.FindCgroups(path)
		if err != nil {
			return t, fmt.Errorf("--cgroup: %w", err)
		}
		t.Cgroups = append(t.Cgroups, ids...)
	}
	for _, id := range c.containers {
		ids, err := capture.FindContainer(id)
		if err != nil {
			return t, fmt.Errorf("--container: %w", err)
		}
		t.Cgroups = append(t.Cgroups, ids...)
	}
	return t, nil
}

// selection returns the calls to record; no codes stand for all of them.
func (c *captureFlags) selection(set *rules.Set) (capture.Selection, error) {
	codes, err := capture.ParseSyscalls(c.syscalls)
	if err != nil {
		return capture.Selection{}, unknownName(err)
	}
	more, err := capture.ParseSets(c.sets)
	if err != nil {
		return capture.Selection{}, unknownName(err)
	}
	codes = append(codes, more...)
	if c.syscalls == "" && c.sets == "" {
		if set == nil {
			return capture.Selection{}, nil
		}
		calls := set.Syscalls()
		if calls.All() {
			return capture.Selection{}, nil
		}
		codes = calls.Codes()
		if all, err := capture.ParseSets("all"); err == nil && len(codes) > len(all)/2 {
			// A condition like evt.type != open means no context switches.
			codes = slices.DeleteFunc(codes, func(code uint16) bool { return !slices.Contains(all, code) })
		}
	}
	return capture.NewSelection(codes, c.exact)
}

// unknownName adds the nearest name that exists.
func unknownName(err error) error {
	var unknown *capture.UnknownNameError
	if !errors.As(err, &unknown) {
		return err
	}
	list := ""
	switch unknown.Kind {
	case "system call":
		list = "; 'sysreel syscalls' lists them"
	case "set":
		list = "; there are " + strings.Join(unknown.Known, ", ")
	}
	return usageErrorf("%v%s%s", err, didYouMean(unknown.Name, unknown.Known), list)
}

// sizeFlag is a number of bytes with an optional suffix K, M, G or T, powers of
// 1024.
type sizeFlag struct {
	n    int64
	unit int64 // of a bare number, 0: 1
}

func (s *sizeFlag) String() string {
	if s.n == 0 {
		return ""
	}
	return strconv.FormatInt(s.n, 10)
}

func (s *sizeFlag) Type() string { return "SIZE" }

func (s *sizeFlag) Set(text string) error {
	num := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	unit := max(s.unit, 1)
	if n := len(num); n > 0 {
		if i := strings.IndexByte("KMGT", num[n-1]); i >= 0 {
			unit, num = 1<<(10*(i+1)), num[:n-1]
		}
	}
	n, err := strconv.ParseInt(num, 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/unit {
		return fmt.Errorf("%q is no size; examples: 65536, 512K, 100M, 2G", text)
	}
	s.n = n * unit
	return nil
}

// durationFlag is a time with a unit for bare numbers.
type durationFlag struct {
	d, unit time.Duration
}

func (d *durationFlag) String() string {
	if d.d == 0 {
		return ""
	}
	return d.d.String()
}

func (d *durationFlag) Type() string { return "DURATION" }

func (d *durationFlag) Set(text string) error {
	v, err := time.ParseDuration(text)
	if n, nerr := strconv.ParseInt(text, 10, 32); nerr == nil {
		v, err = time.Duration(n)*d.unit, nil
	}
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is no duration; examples: 30s, 5m, 1h", text)
	}
	d.d = v
	return nil
}
