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
