package probe

import (
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// BenchmarkCost measures what being recorded costs a system call: run it with
// -bench Cost -benchtime 2s on an idle machine and compare the lines. The calls
// are made by this process, so the recorder does not exclude itself here, and a
// goroutine drains the buffer as a capture would.
func BenchmarkCost(b *testing.B) {
	skipUnlessPrivileged(b)
	path := append([]byte("/etc/hostname"), 0)
	f, err := os.CreateTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 80)); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 80)
	calls := []struct {
		name string
		call func()
	}{
		{"getpgid", func() { unix.RawSyscall(unix.SYS_GETPGID, 0, 0, 0) }},
		{"read", func() {
			unix.RawSyscall6(unix.SYS_PREAD64, f.Fd(), uintptr(unsafe.Pointer(&buf[0])), 80, 0, 0, 0)
		}},
		{"openat+close", func() {
			fd, _, _ := unix.RawSyscall6(unix.SYS_OPENAT, ^uintptr(99), uintptr(unsafe.Pointer(&path[0])), 0, 0, 0, 0)
			unix.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
		}},
		{"openat fails", func() {
			unix.RawSyscall6(unix.SYS_OPENAT, ^uintptr(99), uintptr(unsafe.Pointer(&path[1])), 0, 0, 0, 0)
		}},
	}
	states := []struct {
		name  string
		setup func(b *testing.B) func()
	}{
		{"nothing attached", func(*testing.B) func() { return func() {} }},
		{"empty program", attachNothing},
		{"not selected", func(b *testing.B) func() { return record(b, codes(b, "getcwd")) }},
		{"recorded", func(b *testing.B) func() { return record(b, codes(b, "getpgid", "pread64", "openat", "close")) }},
	}
	for _, c := range calls {
		for _, s := range states {
			b.Run(c.name+"/"+s.name, func(b *testing.B) {
				stop := s.setup(b)
				for b.Loop() {
					c.call()
				}
				stop()
			})
		}
	}
}

func attachNothing(b *testing.B) func() {
	spec, err := loadProbe()
	if err != nil {
		b.Fatal(err)
	}
	for name := range spec.Programs {
		if name != "nothing" {
			delete(spec.Programs, name)
		}
	}
	clear(spec.Maps)
	clear(spec.Variables)
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		b.Fatal(err)
	}
	l, err := link.AttachTracing(link.TracingOptions{Program: coll.Programs["nothing"]})
	if err != nil {
		b.Fatal(err)
	}
	return func() {
		l.Close()
		coll.Close()
	}
}

// record records the process of the benchmark itself.
func record(b *testing.B, codes []uint16) func() {
	recordSelf = true
	p, err := New(Config{Syscalls: codes})
	recordSelf = false
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
	n := 0
	done := make(chan bool)
	go func() {
		for {
			err := p.Read(time.Now().Add(time.Second), func(uint16, []byte) error { n++; return nil })
			if err != nil || p.stopped.Load() {
				break
			}
		}
		close(done)
	}()
	return func() {
		if err := p.Stop(); err != nil {
			b.Error(err)
		}
		<-done
		s, err := p.Stats()
		if err != nil {
			b.Error(err)
		}
		b.ReportMetric(float64(s.RingFull), "lost")
		p.Close()
	}
}

// BenchmarkMerge measures the way of an event from the rings to the consumer.
func BenchmarkMerge(b *testing.B) {
	rings := []*ring{fakeRing(0, 1<<20), fakeRing(1, 1<<20)}
	const events = 4096
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n == 0 {
			b.StopTimer()
			for i := range events {
				rings[i/8%2].put(uint64(i), 100, 0)
			}
			n = events
			b.StartTimer()
		}
		got, _, err := merge(rings, 1<<63, func(uint16, []byte) error { return nil })
		if err != nil || got != events {
			b.Fatal(got, err)
		}
		n = 0
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
}
