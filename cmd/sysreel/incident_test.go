package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"maps"
	"testing"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/scapfile"
)

// newIncident makes the bundled incident anew from a recording of the demo:
//
//	env -i PATH=/usr/bin:/bin HOME=/root sysreel demo
//	go test ./cmd/sysreel -run TestBundledIncident -incident /tmp/sysreel-demo-.../incident.scap.zst
var newIncident = flag.String("incident", "", "recording of the demo that becomes the bundled one")

// trimIncident copies a recording without what belongs to the recording host
// alone: processes other than the recorded command, users other than root.
func trimIncident(t *testing.T, from, to string) {
	t.Helper()
	r, err := scapfile.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	snap := *r.Snapshot()
	snap.Threads, snap.Users, snap.Groups, snap.Interfaces = nil, nil, nil, nil
	for _, i := range r.Snapshot().Interfaces {
		if i.Addr.IsLoopback() {
			snap.Interfaces = append(snap.Interfaces, i)
		}
	}
	for _, u := range r.Snapshot().Users {
		if u.UID == 0 {
			snap.Users = append(snap.Users, u)
		}
	}
	for _, g := range r.Snapshot().Groups {
		if g.GID == 0 {
			snap.Groups = append(snap.Groups, g)
		}
	}
	ev, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range r.Snapshot().Threads {
		if th.PID == ev.TID {
			snap.Threads = append(snap.Threads, th)
		}
	}
	meta := *r.Meta()
	meta.Command = nil
	w, err := scapfile.Create(to, &snap, scapfile.WriterOptions{Meta: &meta, Level: 19})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if err := w.Write(ev); err != nil {
			t.Fatal(err)
		}
		if ev, err = r.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestBundledIncident: the bundled recording raises exactly the alerts that the
// demo promises.
func TestBundledIncident(t *testing.T) {
	if *newIncident != "" {
		trimIncident(t, *newIncident, "demo/incident.scap.zst")
		t.Skip("bundled incident written; build again to test it")
	}
	r, err := scapfile.NewReader(bytes.NewReader(bundledIncident), scapfile.ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := len(r.Snapshot().Threads); n != 1 {
		t.Errorf("%d threads in the snapshot, want the server's alone", n)
	}
	set, report := rules.Load(rules.LoadOptions{}, "default")
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	m := replay.New(r, replay.Options{})
	for {
		ev, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		set.Eval(ev, func(m *rules.Match) { got[m.Rule.Name]++ })
	}
	want := map[string]int{
		"Shell spawned by a network service":                 1,
		"Sensitive file read":                                1,
		"Setuid or setgid bit set":                           1,
		"Standard stream redirected to a network connection": 4,
		"Fileless execution from memfd":                      1,
		"Symlink to a sensitive file":                        1,
		"Shell history cleared":                              1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("alerts %v, want %v", got, want)
	}
}
