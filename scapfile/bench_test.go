package scapfile

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// bigCapture returns a benchmark capture rewritten with a compression; the copy is
// made once for each run of the benchmarks.
func bigCapture(b *testing.B, name string, comp Compression, raw bool) string {
	b.Helper()
	src := filepath.Join(sharedDir, "big", name)
	if _, err := os.Stat(src); err != nil {
		b.Skipf("no benchmark capture: %v", err)
	}
	dst := filepath.Join(b.TempDir(), "big.scap")
	r, err := OpenWith(src, ReaderOptions{Raw: raw})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	copyTo(b, dst, r, WriterOptions{Compression: comp})
	return dst
}

// cpuTime returns the user and system time of the process: what comparisons with
// other programs are made in.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func benchRead(b *testing.B, path string) {
	st, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	events := 0
	b.ReportAllocs()
	b.SetBytes(st.Size())
	var cpu time.Duration
	for b.Loop() {
		begin := cpuTime()
		r, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			if _, err := r.Next(); err != nil {
				if err != io.EOF {
					b.Fatal(err)
				}
				break
			}
			n++
		}
		events = int(r.raws)
		r.Close()
		cpu += cpuTime() - begin
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(b.N)/float64(events), "cpu-ns/event")
	b.ReportMetric(float64(st.Size())/float64(events), "B/event")
}

// Events in the file, of the current model and of the old one, which is converted.
func BenchmarkRead(b *testing.B) {
	for _, c := range []Compression{CompressionNone, CompressionGzip, CompressionZstd} {
		b.Run("current/"+c.String(), func(b *testing.B) { benchRead(b, bigCapture(b, "mixed.scap", c, true)) })
		b.Run("old/"+c.String(), func(b *testing.B) { benchRead(b, bigCapture(b, "mixed.v021.scap", c, true)) })
	}
	b.Run("current/libs-gzip", func(b *testing.B) { benchRead(b, filepath.Join(sharedDir, "big/mixed.scap")) })
}

func BenchmarkWrite(b *testing.B) {
	src := bigCapture(b, "mixed.scap", CompressionNone, true)
	for _, c := range []Compression{CompressionNone, CompressionGzip, CompressionZstd} {
		b.Run(c.String(), func(b *testing.B) {
			b.ReportAllocs()
			var events, size float64
			for b.Loop() {
				r, err := Open(src)
				if err != nil {
					b.Fatal(err)
				}
				w, err := NewWriter(io.Discard, r.Snapshot(), WriterOptions{Compression: c, Workers: 1})
				if err != nil {
					b.Fatal(err)
				}
				for {
					e, err := r.Next()
					if err != nil {
						break
					}
					if err := w.Write(e); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				n, s := w.Written()
				events, size = float64(n), float64(s)
				r.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
			b.ReportMetric(size/events, "B/event")
		})
	}
}

// Entering a capture at an event in its middle, index included.
func BenchmarkSeek(b *testing.B) {
	path := bigCapture(b, "mixed.scap", CompressionZstd, true)
	b.ReportAllocs()
	for b.Loop() {
		r, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.SeekEvent(1_234_567); err != nil {
			b.Fatal(err)
		}
		e, err := r.Next()
		if err != nil || e.Num != 1_234_567 {
			b.Fatal(e, err)
		}
		r.Close()
	}
}

func BenchmarkRenderArgs(b *testing.B) {
	events := sampleEvents()
	rd := Renderer{}
	var buf []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		buf = rd.AppendArgs(buf[:0], events[i%len(events)])
	}
}

// Converting a file: old model to new, from the libs' gzip to zstd.
func BenchmarkRewrite(b *testing.B) {
	src := filepath.Join(sharedDir, "big", "mixed.v021.scap")
	if _, err := os.Stat(src); err != nil {
		b.Skipf("no benchmark capture: %v", err)
	}
	dst := filepath.Join(b.TempDir(), "out.scap.zst")
	b.ReportAllocs()
	var events uint64
	for b.Loop() {
		res, err := Rewrite(src, dst, RewriteOptions{})
		if err != nil {
			b.Fatal(err)
		}
		events = res.Events
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
}
