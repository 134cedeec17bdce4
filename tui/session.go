package tui

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// session is what comes back when a capture is opened again.
type session struct {
	Version int      `json:"version"`
	State   State    `json:"state"`
	Marks   []mark   `json:"marks,omitempty"`
	Filters []string `json:"filters,omitempty"`
	Lanes   []string `json:"lanes,omitempty"`
}

const (
	sessionVersion = 1
	maxFilters     = 100 // remembered
)

// SessionPath returns where the session of a capture is kept: beside it, or in
// the user's cache, under a name made from its absolute path, when that directory
// cannot be written.
func SessionPath(capture string) string {
	const suffix = ".session.json"
	if unix.Access(filepath.Dir(capture), unix.W_OK) == nil {
		return capture + suffix
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	abs, err := filepath.Abs(capture)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(abs))
	return filepath.Join(dir, "sysreel", filepath.Base(capture)+"."+hex.EncodeToString(sum[:6])+suffix)
}

// restore reads the session file into m. A file that does not exist is no
// error; one that cannot be understood is, and is left alone.
func (m *Model) restore() error {
	if m.opts.Session == "" {
		return nil
	}
	b, err := os.ReadFile(m.opts.Session)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var s session
	if err := json.Unmarshal(b, &s); err != nil || s.Version != sessionVersion {
		m.opts.Session = "" // do not overwrite what somebody may still want
		return fmt.Errorf("session file is not of this version; marks will not be saved")
	}
	m.marks, m.filters = s.Marks, s.Filters
	for _, term := range s.Lanes {
		if m.store.Check(term) == nil {
			m.lanes = append(m.lanes, term)
			m.screens[scopeTimeline].(*timelineScreen).add(term, term, countEvents)
		}
	}
	if s.State.Screen >= numScopes || m.screens[s.State.Screen] == nil {
		s.State.Screen = scopeEvents
	}
	if s.State.Filter != "" && m.store.Check(s.State.Filter) != nil {
		s.State.Filter = ""
	}
	m.setState(s.State)
	return nil
}

// save writes the session file, whole or not at all.
func (m *Model) save() error {
	if m.opts.Session == "" {
		return nil
	}
	s := session{Version: sessionVersion, State: m.st, Marks: m.marks, Filters: m.filters, Lanes: m.lanes}
	if n := len(s.Filters); n > maxFilters {
		s.Filters = s.Filters[n-maxFilters:]
	}
	b, err := json.MarshalIndent(&s, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(m.opts.Session), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(m.opts.Session), ".session-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), m.opts.Session)
}
