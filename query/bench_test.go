package query

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// cpuTime is the processor time that the test has used so far.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkBuild indexes 1.9 million events of mixed work.
func BenchmarkBuild(b *testing.B) {
	capture := sharedCapture(b, "big/mixed.scap")
	index := filepath.Join(b.TempDir(), "index.sqlite")
	b.ReportAllocs()
	var events int64
	before := cpuTime()
	for b.Loop() {
		if err := Build(b.Context(), capture, Options{Index: index, Progress: func(p Progress) { events = p.Events }}); err != nil {
			b.Fatal(err)
		}
	}
	used := cpuTime() - before
	b.ReportMetric(float64(events)*float64(b.N)/used.Seconds(), "events/cpu-s")
	if st, err := os.Stat(index); err == nil {
		b.ReportMetric(float64(st.Size())/float64(events), "index-bytes/event")
	}
}

// BenchmarkFind answers selective filters on 1.9 million events.
func BenchmarkFind(b *testing.B) {
	ix := buildIndex(b, sharedCapture(b, "big/mixed.scap"))
	for name, text := range map[string]string{
		"process":  "proc.pid = 12345",
		"path":     "fd.name = /usr/include/stdio.h",
		"peer":     "fd.sport = 18080",
		"call":     "evt.type = execve",
		"mixed":    "evt.type = openat and proc.name = gcc and evt.failed = true",
		"half":     "evt.is_io = true",
		"residual": "proc.aname = tar and evt.type = execve",
	} {
		b.Run(name, func(b *testing.B) {
			fl := mustFilter(b, text)
			b.ReportAllocs()
			var n int
			for b.Loop() {
				n = 0
				if err := ix.Find(b.Context(), fl, Range{}, func(nums []int64, _ int64) bool {
					n += len(nums)
					return true
				}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "matches")
		})
	}
}

// BenchmarkOpen opens an index up to its first row.
func BenchmarkOpen(b *testing.B) {
	built := buildIndex(b, sharedCapture(b, "big/mixed.scap"))
	for b.Loop() {
		ix, err := Open(b.Context(), built.Capture(), Options{Index: built.Path()})
		if err != nil {
			b.Fatal(err)
		}
		if rows, err := ix.Rows(b.Context(), 1_000_000, 50); err != nil || len(rows) != 50 {
			b.Fatal(len(rows), err)
		}
		ix.Close()
	}
}
