package scapfile

import (
	"encoding/binary"
	"encoding/json"
	"time"
)

// Meta is what sysreel records about a capture besides the events. It lives
// where other tools do not look: skippable zstd frames, the extra field of an
// empty gzip member, or an unknown block in front of the first event.
type Meta struct {
	Tool      string            `json:"tool,omitempty"`      // "sysreel 0.1.0"
	Created   time.Time         `json:"created,omitzero"`    // when the file was begun
	Closed    time.Time         `json:"closed,omitzero"`     // when it was completed; zero: it was cut short
	TimeZone  string            `json:"timezone,omitempty"`  // of the recording host, an IANA name or "+02:00"
	Kernel    string            `json:"kernel,omitempty"`    // release of the recorded kernel
	OS        string            `json:"os,omitempty"`        // name of the recorded distribution
	Arch      string            `json:"arch,omitempty"`      // machine architecture, as uname -m
	Command   []string          `json:"command,omitempty"`   // the command line that recorded
	Selection string            `json:"selection,omitempty"` // what was selected, in words a person understands
	Syscalls  []string          `json:"syscalls,omitempty"`  // selected system calls; empty: all
	Added     []string          `json:"added,omitempty"`     // selected only because state needs them
	Exact     bool              `json:"exact,omitempty"`     // nothing was added: fields that need state are unreliable
	SnapLen   uint32            `json:"snaplen,omitempty"`   // bytes of data buffers kept
	Events    uint64            `json:"events,omitempty"`    // events written
	Seen      uint64            `json:"seen,omitempty"`      // events that the probe produced
	Drops     map[string]uint64 `json:"drops,omitempty"`     // events lost, by cause
	Notes     []string          `json:"notes,omitempty"`
	Converted string            `json:"converted,omitempty"` // how the file was derived from another
}

// Lost returns the number of events lost by all causes.
func (m *Meta) Lost() uint64 {
	var n uint64
	if m != nil {
		for _, v := range m.Drops {
			n += v
		}
	}
	return n
}

func (m *Meta) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic("scapfile: metadata: " + err.Error()) // a struct of plain types always encodes
	}
	return b
}

// short returns m without what can be long, for places of limited size.
func (m *Meta) short() *Meta {
	s := *m
	s.Command, s.Syscalls, s.Added = nil, nil, nil
	s.Selection = clip(s.Selection, 1000)
	s.Notes = []string{"metadata shortened"}
	return &s
}

// parseMeta returns nil when b is no metadata: a damaged record is worth less
// than the events behind it.
func parseMeta(b []byte) *Meta {
	m := new(Meta)
	if json.Unmarshal(b, m) != nil {
		return nil
	}
	return m
}

// plainMeta returns the JSON in the body of a metadata block: the tag, the size of
// the JSON, the JSON, and room for a longer one.
func plainMeta(body []byte) []byte {
	if len(body) < 8 {
		return nil
	}
	n := binary.LittleEndian.Uint32(body[4:])
	if uint64(n) > uint64(len(body)-8) {
		return nil
	}
	return body[8 : 8+n]
}
