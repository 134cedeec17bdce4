package scapfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// fullDisk takes a number of bytes and then fails as a full disk does, in the
// middle of a write.
type fullDisk struct {
	bytes.Buffer
	room int
}

func (f *fullDisk) Write(b []byte) (int, error) {
	if len(b) <= f.room {
		f.room -= len(b)
		return f.Buffer.Write(b)
	}
	n, _ := f.Buffer.Write(b[:f.room])
	f.room = 0
	return n, syscall.ENOSPC
}

// fill writes until there is an error; synced is how many events were flushed
// without one.
func fill(t *testing.T, w *Writer, most int) (synced int, err error) {
	t.Helper()
	for i := range most {
		e := NewEvent(schema.PPME_SYSCALL_CLOSE_X, uint64(i+1), 1, I64(int64(i*7919)), I64(int64(i)))
		if err = w.Write(e); err != nil {
			return synced, err
		}
		if i%100 == 99 {
			if err = w.Flush(); err != nil {
				return synced, err
			}
			synced = i + 1
		}
	}
	return synced, nil
}

// A disk that fills up at any byte costs what was not yet flushed, and is told
// once, clearly.
func TestFullDisk(t *testing.T) {
	for _, comp := range allCompressions {
		for room := 600; room < 30_000; room += 997 {
			disk := &fullDisk{room: room}
			w, err := NewWriter(disk, nil, WriterOptions{Compression: comp, FrameSize: 4 << 10, SyncEvery: -1, Path: "x.scap"})
			if err != nil {
				continue // not even room for the beginning
			}
			synced, err := fill(t, w, 5000)
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "x.scap") {
				t.Fatalf("%v, room %d: error %v", comp, room, err)
			}
			if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%v, room %d: Close says %v", comp, room, err)
			}
			checkCut(t, fmt.Sprintf("%v, room %d", comp, room), disk.Bytes(), synced)
		}
	}
}

// checkCut reads what a crash left: at least the synced events must be there.
func checkCut(t *testing.T, what string, file []byte, synced int) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), ReaderOptions{Size: int64(len(file))})
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	defer r.Close()
	n := 0
	for {
		e, err := r.Next()
		if err != nil {
			if err != io.EOF && !errors.Is(err, ErrTruncated) {
				t.Errorf("%s: %v", what, err)
			}
			break
		}
		n++
		if e.TS != uint64(n) {
			t.Fatalf("%s: event %d has time %d", what, n, e.TS)
		}
	}
	if n < synced || len(r.Damage()) != 0 {
		t.Errorf("%s: %d events, %d were synced; damage %v", what, n, synced, r.Damage())
	}
}

// A real file system that is full.
func TestFullFileSystem(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	defer syscall.Unmount(dir, 0)
	for _, name := range allNames {
		path := filepath.Join(dir, name)
		w, err := Create(path, nil, WriterOptions{FrameSize: 16 << 10, SyncEvery: -1})
		if err != nil {
			t.Fatal(err)
		}
		synced, err := fill(t, w, 200_000)
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Fatalf("%s: %v", name, err)
		}
		w.Close()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		checkCut(t, name, b, synced)
		// What did not fit was taken back: the file ends with a whole piece.
		r, err := NewReader(bytes.NewReader(b), ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if n := drain(t, r); n < synced {
			t.Errorf("%s: %d events, %d were synced", name, n, synced)
		}
		r.Close()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

const crashEnv = "SCAPFILE_TEST_CRASH"

// TestCrashChild is the process that TestKill kills.
func TestCrashChild(t *testing.T) {
	path := os.Getenv(crashEnv)
	if path == "" {
		t.Skip("runs as a child of TestKill only")
	}
	w, err := Create(path, nil, WriterOptions{SyncEvery: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(1); ; i++ {
		if err := w.Write(NewEvent(schema.PPME_SYSCALL_CLOSE_X, i, 1, I64(0), I64(int64(i)))); err != nil {
			t.Fatal(err)
		}
		if i%1000 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// A killed recorder leaves a file that opens to the last sync.
func TestKill(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	for _, name := range allNames {
		path := filepath.Join(t.TempDir(), name)
		cmd := exec.Command(exe, "-test.run=^TestCrashChild$")
		cmd.Env = append(os.Environ(), crashEnv+"="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(20 * time.Second)
		for {
			if st, err := os.Stat(path); err == nil && st.Size() > 20_000 || time.Now().After(deadline) {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		cmd.Process.Kill()
		cmd.Wait()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		checkCut(t, name, b, 1000)
	}
}
