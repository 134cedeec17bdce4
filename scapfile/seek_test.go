package scapfile

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// writeMany writes n close events, one a microsecond, with small pieces.
func writeMany(t testing.TB, path string, n int, opts WriterOptions) {
	t.Helper()
	snap := &Snapshot{Threads: []Thread{{TID: 1, PID: 1, Comm: filepath.Base(path)}}}
	w, err := Create(path, snap, opts)
	if err != nil {
		t.Fatal(err)
	}
	e := NewEvent(schema.PPME_SYSCALL_CLOSE_X, 0, 1, I64(0), I64(4))
	for i := range n {
		e.TS = 1_000_000 + uint64(i)*1000
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// countingFile counts the bytes that are read.
type countingFile struct {
	*os.File
	n int64
}

func (c *countingFile) Read(b []byte) (int, error) {
	n, err := c.File.Read(b)
	c.n += int64(n)
	return n, err
}

func (c *countingFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.File.ReadAt(b, off)
	c.n += int64(n)
	return n, err
}

func wantNext(t *testing.T, r *Reader, num uint64) {
	t.Helper()
	e, err := r.Next()
	if err != nil {
		t.Fatalf("event %d: %v", num, err)
	}
	if e.Num != num || e.TS != 1_000_000+(num-1)*1000 {
		t.Fatalf("got event %d at %d, want %d", e.Num, e.TS, num)
	}
}

func TestSeek(t *testing.T) {
	const n = 20_000
	for _, name := range allNames {
		path := filepath.Join(t.TempDir(), name)
		writeMany(t, path, n, WriterOptions{FrameSize: 32 << 10})
		r := open(t, path, ReaderOptions{})
		if want := r.Info().Compression != CompressionNone; r.Indexed() != want {
			t.Errorf("%s: indexed %v, want %v", name, r.Indexed(), want)
		}
		for _, num := range []uint64{1, n, 2, n / 2, n/2 + 1, n/2 + 1, 1, 12345, 12344, n} {
			if err := r.SeekEvent(num); err != nil {
				t.Fatalf("%s: SeekEvent(%d): %v", name, num, err)
			}
			wantNext(t, r, num)
			if num < n {
				wantNext(t, r, num+1)
			}
		}
		for _, num := range []uint64{7, n - 1, 3000} {
			if err := r.SeekTime(1_000_000 + (num-1)*1000 - 1); err != nil {
				t.Fatalf("%s: SeekTime: %v", name, err)
			}
			wantNext(t, r, num)
		}
		if err := r.SeekEvent(n + 1); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("%s: behind the end: %v", name, err)
		}
		if err := r.SeekEvent(5); err != nil {
			t.Fatal(err)
		}
		wantNext(t, r, 5)
		if len(r.Damage()) != 0 {
			t.Errorf("%s: damage %v", name, r.Damage())
		}
	}
}

// Entering at an event reads the records in front of the pieces and one piece.
func TestSeekReadsLittle(t *testing.T) {
	const n = 400_000
	path := filepath.Join(t.TempDir(), "a.scap.zst")
	writeMany(t, path, n, WriterOptions{FrameSize: 16 << 10})
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, _ := f.Stat()
	c := &countingFile{File: f}
	r, err := NewReader(c, ReaderOptions{Size: st.Size()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ix := r.fileIndex()
	if ix == nil || len(ix.places) < 500 {
		t.Fatalf("index %v", ix)
	}
	if err := r.SeekEvent(n - n/3); err != nil {
		t.Fatal(err)
	}
	wantNext(t, r, n-n/3)
	// The records were read too, by the index; the pieces are the rest. Neither may
	// come near the size of the file.
	records := int64(len(ix.places)+1) * (skippableHead + int64(len(tagPiece)) + pieceSize)
	if limit := records + st.Size()/100 + 4*inputBuffer; c.n > limit {
		t.Errorf("read %d of %d bytes, want at most %d", c.n, st.Size(), limit)
	}
	if got, limit := r.pieces, len(ix.places)/100; got > limit {
		t.Errorf("decoded %d of %d pieces, want at most %d", got, len(ix.places), limit)
	}
}

// A concatenation of captures is entered in any of them, with its lists.
func TestSeekSections(t *testing.T) {
	for _, name := range []string{"a.scap", "a.scap.zst"} {
		dir := t.TempDir()
		a, b, both := filepath.Join(dir, "1"+name), filepath.Join(dir, "2"+name), filepath.Join(dir, name)
		writeMany(t, a, 5000, WriterOptions{FrameSize: 32 << 10})
		writeMany(t, b, 5000, WriterOptions{FrameSize: 32 << 10})
		x, _ := os.ReadFile(a)
		y, _ := os.ReadFile(b)
		if err := os.WriteFile(both, append(x, y...), 0o600); err != nil {
			t.Fatal(err)
		}
		r := open(t, both, ReaderOptions{})
		for _, tt := range []struct {
			num     uint64
			section uint32
		}{{9000, 1}, {4000, 0}, {5000, 0}, {5001, 1}, {1, 0}, {10000, 1}} {
			if err := r.SeekEvent(tt.num); err != nil {
				t.Fatal(err)
			}
			e, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if e.Num != tt.num || e.Section != tt.section {
				t.Errorf("%s: got event %d of section %d, want %d of %d", name, e.Num, e.Section, tt.num, tt.section)
			}
			want := []string{"1" + name, "2" + name}[tt.section]
			if got := r.Snapshot().Threads[0].Comm; got != want {
				t.Errorf("%s: event %d has the lists of %s", name, tt.num, got)
			}
		}
	}
}

// In a stream only the way forward is open.
func TestSeekStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.scap.zst")
	writeMany(t, path, 100, WriterOptions{})
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := NewReader(io.MultiReader(f), ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.SeekEvent(50); err != nil {
		t.Fatal(err)
	}
	wantNext(t, r, 50)
	if err := r.SeekEvent(10); err == nil {
		t.Error("went back in a stream")
	}
}

// Old captures are numbered after conversion, so their records do not serve.
func TestSeekOldModel(t *testing.T) {
	src := filepath.Join(sharedDir, "01_cat_shadow.v021.scap")
	if _, err := os.Stat(src); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "a.scap.zst")
	copyTo(t, path, open(t, src, ReaderOptions{Raw: true}), WriterOptions{FrameSize: 4 << 10})
	want := readAll(t, open(t, src, ReaderOptions{}))
	r := open(t, path, ReaderOptions{})
	if r.Indexed() {
		t.Error("an old-model file claims to be indexed")
	}
	for _, num := range []uint64{500, 20, 1000} {
		if err := r.SeekEvent(num); err != nil {
			t.Fatal(err)
		}
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.Num != num || e.TS != want.events[num-1].TS {
			t.Errorf("event %d: got %d at %d", num, e.Num, e.TS)
		}
	}
	if !open(t, path, ReaderOptions{Raw: true}).Indexed() {
		t.Error("read raw, it is not indexed")
	}
}

// Closing a stream that has gone silent returns at once.
func TestCloseSilentStream(t *testing.T) {
	for _, comp := range allCompressions {
		file, _ := smallCapture(t, comp)
		pr, pw := io.Pipe()
		go pw.Write(file[:len(file)*2/3])
		r, err := NewReader(pr, ReaderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		r.Close()
		pw.Close()
	}
}

// Events of a growing stream arrive before it ends.
func TestLiveStream(t *testing.T) {
	for _, comp := range allCompressions {
		pr, pw := io.Pipe()
		got := make(chan uint64)
		go func() {
			defer close(got)
			r, err := NewReader(pr, ReaderOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			for {
				e, err := r.Next()
				if err != nil {
					return
				}
				got <- e.TS
			}
		}()
		w, err := NewWriter(pw, nil, WriterOptions{Compression: comp, SyncEvery: -1})
		if err != nil {
			t.Fatal(err)
		}
		// The reader looks for the next block before it returns from the lists, so
		// the first event comes with what follows it.
		for i := uint64(1); i <= 5; i++ {
			if err := w.Write(NewEvent(schema.PPME_SYSCALL_CLOSE_X, i, 1, I64(0), I64(3))); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			if ts := <-got; ts != i {
				t.Fatalf("%v: got event %d, want %d", comp, ts, i)
			}
		}
		go func() { w.Close(); pw.Close() }()
		for range got {
			t.Error("an event too many")
		}
	}
}
