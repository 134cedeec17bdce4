package scapfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// smallCapture returns a small capture with lists and different events, and its
// events in raw form.
func smallCapture(t testing.TB, comp Compression) (file []byte, events map[string]bool) {
	t.Helper()
	snap := &Snapshot{
		Machine: &MachineInfo{NumCPUs: 2, Hostname: "host"},
		Users:   []User{{UID: 0, Name: "root", Home: "/root", Shell: "/bin/sh"}},
		Threads: []Thread{{TID: 1, PID: 1, Comm: "init", FDs: []FD{{Num: 0, Type: schema.SCAP_FD_FILE_V2, Name: "/dev/null"}}}},
	}
	var out bytes.Buffer
	w, err := NewWriter(&out, snap, WriterOptions{Compression: comp, FrameSize: 600, SyncEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	events = make(map[string]bool)
	for i := range 24 {
		var e *Event
		switch i % 3 {
		case 0:
			e = NewEvent(schema.PPME_SYSCALL_CLOSE_X, uint64(1000+i), 1, I64(0), I64(int64(i)))
		case 1:
			e = NewEvent(schema.PPME_SYSCALL_OPENAT_2_X, uint64(1000+i), 1, I64(3), I64(-100), Text(fmt.Sprint("/etc/", i)), U32(1), U32(0), U32(0), U64(uint64(i)))
		case 2:
			e = NewEvent(schema.PPME_ASYNCEVENT_E, uint64(1000+i), -1, U32(1), Text("container"), bytes.Repeat([]byte{byte(i)}, 100))
		}
		events[string(e.AppendRaw(nil))] = true
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), events
}

// readDamaged reads what can be read. It fails on panics and endless loops by
// itself, on errors that say nothing, and on silent loss.
func readDamaged(t *testing.T, what string, file []byte, opts ReaderOptions) (got []string, damage []Damage, err error) {
	t.Helper()
	opts.Path, opts.Size = "a.scap", int64(len(file))
	r, err := NewReader(bytes.NewReader(file), opts)
	if err != nil {
		checkError(t, what, err)
		return nil, nil, err
	}
	defer r.Close()
	for range 10 * len(file) {
		e, err := r.Next()
		if err == io.EOF {
			return got, r.Damage(), nil
		}
		if err != nil {
			checkError(t, what, err)
			return got, r.Damage(), err
		}
		got = append(got, string(e.AppendRaw(nil)))
		for i := range e.NumParams() {
			_ = e.Param(i)
		}
	}
	t.Fatalf("%s: does not come to an end", what)
	return nil, nil, nil
}

func checkError(t *testing.T, what string, err error) {
	t.Helper()
	var fe *FormatError
	if !errors.As(err, &fe) || fe.What == "" {
		t.Errorf("%s: error without a place: %v", what, err)
		return
	}
	for _, s := range []error{ErrNotCapture, ErrTruncated, ErrCorrupt, ErrUnsupportedVersion} {
		if errors.Is(err, s) {
			return
		}
	}
	t.Errorf("%s: error of no kind: %v", what, err)
}

var allCompressions = []Compression{CompressionNone, CompressionGzip, CompressionZstd}

// A capture cut at any length gives the whole events before the cut, and an error
// unless the cut falls between two pieces.
func TestCutAtEveryLength(t *testing.T) {
	for _, comp := range allCompressions {
		file, events := smallCapture(t, comp)
		whole, _, err := readDamaged(t, comp.String(), file, ReaderOptions{})
		if err != nil || len(whole) != len(events) {
			t.Fatalf("%v: %d events, %v", comp, len(whole), err)
		}
		last := 0
		for n := range file {
			if underRace && n%17 != 0 && n != len(file)-1 {
				continue
			}
			what := fmt.Sprintf("%v cut to %d of %d", comp, n, len(file))
			got, damage, err := readDamaged(t, what, file[:n], ReaderOptions{})
			for i, e := range got {
				if e != whole[i] {
					t.Fatalf("%s: event %d is another", what, i+1)
				}
			}
			if len(damage) != 0 {
				t.Errorf("%s: damage %v", what, damage)
			}
			if len(got) < last {
				t.Errorf("%s: %d events, but %d with a byte less", what, len(got), last)
			}
			last = len(got)
			if err != nil && !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrNotCapture) {
				t.Errorf("%s: %v", what, err)
			}
		}
		want := len(whole)
		if comp == CompressionNone {
			want-- // there is nothing behind the last event
		}
		if last != want {
			t.Errorf("%v: %d events a byte before the end, want %d", comp, last, want)
		}
	}
}

// Every byte damaged in turn: what is delivered was really there, and what is
// missing is told. Plain files have no checksums: there a damaged byte of an
// event changes that event and no other.
func TestFlipEveryByte(t *testing.T) {
	for _, comp := range allCompressions {
		file, events := smallCapture(t, comp)
		for i := range file {
			if file[i] == 0 && i%16 != 0 && comp == CompressionNone {
				continue // the room in the metadata block is long
			}
			if underRace && i%17 != 0 {
				continue
			}
			for _, mask := range []byte{0x01, 0xFF} {
				bad := bytes.Clone(file)
				bad[i] ^= mask
				what := fmt.Sprintf("%v byte %d ^ %#x", comp, i, mask)
				got, damage, err := readDamaged(t, what, bad, ReaderOptions{})
				changed := 0
				for _, e := range got {
					if !events[e] {
						changed++
					}
				}
				if comp != CompressionNone && changed > 0 || changed > 1 {
					t.Errorf("%s: %d events that were not there", what, changed)
				}
				// In a plain file a damaged event may have become one that is not delivered.
				silent := 0
				if comp == CompressionNone {
					silent = 1
				}
				if err == nil && len(damage) == 0 && len(got) < len(events)-silent {
					t.Errorf("%s: %d of %d events, and nothing said", what, len(got), len(events))
				}
				// One damaged place costs at most the piece it is in.
				if i > 600 && comp == CompressionNone && len(got) < len(events)-2 {
					t.Errorf("%s: only %d of %d events left: %v %v", what, len(got), len(events), damage, err)
				}
				if mask == 1 && len(damage) > 0 {
					if _, _, err := readDamaged(t, what, bad, ReaderOptions{Strict: true}); err == nil {
						t.Errorf("%s: damage %v is no error when strict", what, damage)
					}
				}
			}
		}
	}
}

// A hole in the middle costs what it covers, and the events behind keep their
// numbers where the pieces tell them.
func TestHole(t *testing.T) {
	const n = 20_000
	for _, comp := range allCompressions {
		path := filepath.Join(t.TempDir(), "a.scap")
		writeMany(t, path, n, WriterOptions{Compression: comp, FrameSize: 32 << 10})
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, cut := range []bool{false, true} {
			bad := bytes.Clone(file)
			at := len(bad) / 2
			if cut {
				bad = append(bad[:at], bad[at+100:]...)
			} else {
				copy(bad[at:], make([]byte, 100))
			}
			r, err := NewReader(bytes.NewReader(bad), ReaderOptions{Size: int64(len(bad))})
			if err != nil {
				t.Fatal(err)
			}
			var got int
			var last *Event
			for {
				e, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got++
				last = e
				if comp != CompressionNone && e.TS != 1_000_000+(e.Num-1)*1000 {
					t.Fatalf("%v: event %d has time %d", comp, e.Num, e.TS)
				}
			}
			if got == n || got < n-3000 {
				t.Errorf("%v: %d of %d events left", comp, got, n)
			}
			if comp != CompressionNone && last.Num != n {
				t.Errorf("%v: the last event has number %d", comp, last.Num)
			}
			d := r.Damage()
			if len(d) == 0 || d[0].Reason == "" || d[0].Bytes == 0 {
				t.Errorf("%v: damage %+v", comp, d)
			}
			if comp != CompressionNone && (!cut && d[0].Events != int64(n-got)) {
				t.Errorf("%v: %d events missing, told %v", comp, n-got, d)
			}
			r.Close()
		}
	}
}

func TestNotCaptures(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          error
	}{
		{"empty", "", ErrNotCapture},
		{"one byte", "x", ErrNotCapture},
		{"text", "hello world, this is a text file", ErrNotCapture},
		{"zeros", string(make([]byte, 1000)), ErrNotCapture},
		{"pcap", "\xd4\xc3\xb2\xa1" + string(make([]byte, 100)), ErrNotCapture},
		{"pcapng of a newer version", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x02\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00", ErrUnsupportedVersion},
		{"gzip of nothing", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00", ErrNotCapture},
		{"gzip head", "\x1f\x8b\x08", ErrTruncated},
		{"zstd head", "\x28\xb5\x2f\xfd", ErrTruncated},
		{"zstd garbage", "\x28\xb5\x2f\xfd" + string(bytes.Repeat([]byte{0xFF}, 100)), nil},
	} {
		_, err := NewReader(bytes.NewReader([]byte(tt.content)), ReaderOptions{})
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		checkError(t, tt.name, err)
		if tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNotCapture) {
		t.Errorf("directory: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.scap")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}
