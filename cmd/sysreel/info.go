package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
)

// infoFlags are the flags of info.
type infoFlags struct {
	all       bool
	top       int
	json      bool
	failDrops bool
}

func runInfo(e *env, args []string) error {
	var f infoFlags
	fs := newFlags(e, "info FILE... [flags]",
		"Tell what captures are: recorder, host, kernel, time, events by type, processes,\n"+
			"losses, compression and damage. Every file is read to its end. - is standard\n"+
			"input.",
		"sysreel info out.scap.zst",
		"sysreel info --json *.scap.zst | jq -r '[.file, .events] | @tsv'",
		"sysreel info --fail-on-drops out.scap.zst && echo complete")
	fs.BoolVar(&f.all, "all", false, "show every event type")
	fs.IntVar(&f.top, "top", 10, "how many event types to show")
	fs.BoolVarP(&f.json, "json", "j", false, "one JSON object a line, one for each file")
	fs.BoolVar(&f.failDrops, "fail-on-drops", false, "exit with 3 when a capture says that events were lost, or is damaged")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return usageErrorf("which capture? give files, or - for standard input")
	}
	if f.top < 0 {
		return usageErrorf("--top takes a number of event types, not %d", f.top)
	}
	unreadable, loss := false, false
	for i, path := range fs.Args() {
		s, err := summarize(e, path)
		if e.ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			fmt.Fprintf(e.stderr, "sysreel info: %s\n", safe.String(err.Error()))
			unreadable = true
			continue
		}
		loss = loss || s.Dropped > 0 || len(s.Damage) > 0 || s.Truncated != nil
		var out []byte
		if f.json {
			if out, err = json.Marshal(newInfoJSON(path, s)); err != nil {
				return err
			}
			out = append(out, '\n')
		} else {
			if i > 0 {
				out = append(out, '\n')
			}
			out = appendInfo(out, path, s, &f)
		}
		if _, err := e.stdout.Write(out); err != nil {
			return err
		}
	}
	switch {
	case unreadable:
		return exitWith(exitFail)
	case loss && f.failDrops:
		return exitWith(exitLoss)
	}
	return nil
}

func summarize(e *env, path string) (*scapfile.Summary, error) {
	r, err := openCapture(e, path, scapfile.ReaderOptions{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	bar := &progressBar{e: e, what: "reading"}
	defer bar.clear()
	return untilInterrupt(e, func() (*scapfile.Summary, error) { return scapfile.Summarize(r, bar.progress()) })
}

// count is a name with a number.
type count struct {
	name string
	n    uint64
}

// sortedCounts returns the entries of m, the largest first.
func sortedCounts(m map[string]uint64) []count {
	list := make([]count, 0, len(m))
	for name, n := range m {
		list = append(list, count{name, n})
	}
	slices.SortFunc(list, func(a, b count) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name)) })
	return list
}

// appendInfo appends what people read: a line for each thing that is known.
func appendInfo(dst []byte, path string, s *scapfile.Summary, f *infoFlags) []byte {
	b := bytes.NewBuffer(dst)
	line := func(label, format string, args ...any) {
		fmt.Fprintf(b, "%-12s %s\n", label, safe.String(fmt.Sprintf(format, args...)))
	}
	text := func(label, v string) {
		if v != "" {
			line(label, "%s", v)
		}
	}
	line("file", "%s", path)
	m := s.Meta
	if m == nil {
		m = new(scapfile.Meta)
	}
	text("recorded by", m.Tool)
	if mi := s.Machine; mi != nil {
		line("host", "%s, %d CPUs, %d MiB of memory", mi.Hostname, mi.NumCPUs, mi.MemoryB>>20)
	}
	text("system", strings.TrimSpace(m.OS+" "+m.Arch))
	text("kernel", m.Kernel)
	text("time zone", m.TimeZone)
	if len(m.Command) > 0 {
		line("command", "%s", strings.Join(m.Command, " "))
	}
	text("selection", m.Selection)
	if m.Exact {
		line("", "nothing was added to it: fields that need state are unreliable")
	}
	text("derived", m.Converted)
	text("comment", s.Info.Comment)
	for _, n := range m.Notes {
		line("note", "%s", n)
	}
	if s.Last > 0 {
		line("first event", "%s", stamp(s.First))
		line("last event", "%s", stamp(s.Last))
		line("duration", "%v", time.Duration(s.Last-s.First))
	}
	line("format", "%s", formatText(s))
	line("packing", "%s", packing(s))
	line("processes", "%d in %d threads at the start; %d threads active; %d started, %d ended", s.Processes, s.Threads, s.ActiveThreads, s.Started, s.Ended)
	line("lost", "%s", losses(s))
	for _, d := range s.Damage {
		line("damage", "%s", d.String())
	}
	if s.Truncated != nil {
		line("damage", "%v", s.Truncated)
	}
	events := fmt.Sprintf("%d", s.Events)
	if s.InFile != s.Events {
		events += fmt.Sprintf(", %d in the file before conversion", s.InFile)
	}
	if s.StateOnly > 0 {
		events += fmt.Sprintf(", %d of them only to carry state", s.StateOnly)
	}
	if s.Unknown > 0 {
		events += fmt.Sprintf(", %d of unknown types", s.Unknown)
	}
	line("events", "%s", events)
	counts := sortedCounts(s.ByName)
	rest := 0
	if !f.all && len(counts) > f.top {
		rest, counts = len(counts)-f.top, counts[:f.top]
	}
	for _, c := range counts {
		line("", "%10d  %s", c.n, c.name)
	}
	if rest > 0 {
		line("", "%10s  %d more types; --all shows them", "", rest)
	}
	return b.Bytes()
}

func stamp(ns uint64) string {
	return time.Unix(0, int64(ns)).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// formatText names the version of the container and the model of the events.
func formatText(s *scapfile.Summary) string {
	t := fmt.Sprintf("scap %d.%d", s.Info.Major, s.Info.Minor)
	if s.Info.BigEndian {
		t += ", big-endian"
	}
	if s.Info.Sections > 1 {
		t += fmt.Sprintf(", %d sections", s.Info.Sections)
	}
	if s.InFile > s.Events {
		t += ", old events (enter and exit)"
	}
	return t
}

func packing(s *scapfile.Summary) string {
	t := s.Info.Compression.String()
	if s.Info.Size > 0 {
		t += fmt.Sprintf(", %d bytes", s.Info.Size)
		if s.InFile > 0 {
			t += fmt.Sprintf(", %.1f an event", float64(s.Info.Size)/float64(s.InFile))
		}
	}
	if s.Pieces > 0 {
		t += fmt.Sprintf(", %d pieces to enter it at", s.Pieces)
	}
	return t
}

// losses tells the events that the recorder lost, by cause. When they were lost
// stands in the notes.
func losses(s *scapfile.Summary) string {
	switch {
	case s.Dropped == 0 && s.Meta != nil && s.Meta.Tool != "" && !s.Meta.Closed.IsZero():
		return "nothing"
	case s.Dropped == 0:
		return "nothing known" // other recorders do not write it down
	case s.Meta == nil || s.Meta.Drops == nil:
		return fmt.Sprintf("events, %d times", s.Dropped)
	}
	t := fmt.Sprintf("%d events", s.Dropped)
	for _, c := range sortedCounts(s.Meta.Drops) {
		if c.n > 0 {
			t += fmt.Sprintf("; %s %d", c.name, c.n)
		}
	}
	return t
}

// infoJSON is what info --json prints of a file.
type infoJSON struct {
	File        string            `json:"file"`
	Size        int64             `json:"size,omitempty"`
	Compression string            `json:"compression"`
	Pieces      int               `json:"pieces,omitempty"`
	Format      string            `json:"format"`
	BigEndian   bool              `json:"big_endian,omitempty"`
	Sections    int               `json:"sections"`
	Hostname    string            `json:"hostname,omitempty"`
	CPUs        uint32            `json:"cpus,omitempty"`
	Memory      uint64            `json:"memory,omitempty"`
	First       string            `json:"first,omitempty"`
	Last        string            `json:"last,omitempty"`
	Duration    uint64            `json:"duration_ns"`
	Events      uint64            `json:"events"`
	InFile      uint64            `json:"events_in_file"`
	StateOnly   uint64            `json:"events_state_only,omitempty"`
	Unknown     uint64            `json:"events_unknown,omitempty"`
	Processes   int               `json:"processes"`
	Threads     int               `json:"threads"`
	Active      int               `json:"active_threads"`
	Started     uint64            `json:"started"`
	Ended       uint64            `json:"ended"`
	Lost        uint64            `json:"lost"`
	Damage      []string          `json:"damage,omitempty"`
	Truncated   string            `json:"truncated,omitempty"`
	Types       map[string]uint64 `json:"types"`
	Recorder    *scapfile.Meta    `json:"recorder,omitempty"`
}

func newInfoJSON(path string, s *scapfile.Summary) *infoJSON {
	j := &infoJSON{
		File: path, Size: max(s.Info.Size, 0), Compression: s.Info.Compression.String(), Pieces: s.Pieces,
		Format: fmt.Sprintf("%d.%d", s.Info.Major, s.Info.Minor), BigEndian: s.Info.BigEndian, Sections: s.Info.Sections,
		Events: s.Events, InFile: s.InFile, StateOnly: s.StateOnly, Unknown: s.Unknown,
		Processes: s.Processes, Threads: s.Threads, Active: s.ActiveThreads, Started: s.Started, Ended: s.Ended,
		Lost: s.Dropped, Types: s.ByName, Recorder: s.Meta,
	}
	if mi := s.Machine; mi != nil {
		j.Hostname, j.CPUs, j.Memory = mi.Hostname, mi.NumCPUs, mi.MemoryB
	}
	if s.Last > 0 {
		j.First, j.Last, j.Duration = stamp(s.First), stamp(s.Last), s.Last-s.First
	}
	for _, d := range s.Damage {
		j.Damage = append(j.Damage, d.String())
	}
	if s.Truncated != nil {
		j.Truncated = s.Truncated.Error()
	}
	return j
}
