package capture

import (
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/sysreel/sysreel/scapfile"
	"golang.org/x/sys/unix"
)

// SnapshotOptions say what TakeSnapshot reads. The zero value reads everything.
type SnapshotOptions struct {
	// BootTime is the host's boot time as the probe uses it, nanoseconds since
	// the epoch; 0 means BootTime().
	BootTime uint64
	// NoFDs leaves the descriptors out.
	NoFDs bool
}

// TakeSnapshot reads the state of this host from /proc: every thread that is not
// a kernel thread or a zombie, with the descriptors of its process, and users,
// groups, interfaces and the machine. Threads are ordered by number, the main
// thread of a process before its others.
//
// Processes that end while they are read are left out. What the caller may not
// read (without root: environment, descriptors and executable of other users'
// processes) stays empty. The error says that /proc itself cannot be read.
func TakeSnapshot(opts SnapshotOptions) (*scapfile.Snapshot, error) {
	if opts.BootTime == 0 {
		opts.BootTime = BootTime()
	}
	s := &scapfile.Snapshot{Machine: machineInfo(opts.BootTime)}
	// A host may lack either database (a minimal container has none).
	if b, err := os.ReadFile("/etc/passwd"); err == nil {
		s.Users = users(b)
	}
	if b, err := os.ReadFile("/etc/group"); err == nil {
		s.Groups = groups(b)
	}
	var err error
	if s.Interfaces, err = interfaces(); err != nil {
		return nil, fmt.Errorf("listing network interfaces: %w", err)
	}
	sc := newScanner(opts)
	defer sc.close()
	if s.Threads, err = sc.threads(); err != nil {
		return nil, err
	}
	return s, nil
}

// scanner reads processes, remembering what they have in common.
type scanner struct {
	*procfs
	opts    SnapshotOptions
	procfd  int
	cgroups *cgroupNamer
	sockets map[uint64]map[uint64]*scapfile.FD // by network namespace, by inode
	pidns   map[uint64]uint64                  // pid namespace: start of its init, ns since the epoch
	mounts  map[mountKey]mountFacts
	uidns   uint64 // this process' user namespace
	nsOf    []uint64
	list    []scapfile.Thread
	numbuf  []int
}

func newScanner(opts SnapshotOptions) *scanner {
	s := &scanner{
		procfs: newProcfs("/proc"), opts: opts, procfd: -1,
		cgroups: newCgroupNamer(),
		sockets: map[uint64]map[uint64]*scapfile.FD{},
		pidns:   map[uint64]uint64{},
		mounts:  map[mountKey]mountFacts{},
	}
	s.uidns = namespaceOf(s.procfs, unix.AT_FDCWD, "/proc/self/ns/user")
	return s
}

func (s *scanner) close() {
	if s.procfd >= 0 {
		unix.Close(s.procfd)
	}
}

// threads lists all threads of the host.
func (s *scanner) threads() ([]scapfile.Thread, error) {
	var err error
	if s.procfd, err = unix.Open(s.root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("opening %s: %w (is it mounted?)", s.root, err)
	}
	var pids []int
	if err := s.numbers(s.procfd, func(n int, _ string) { pids = append(pids, n) }); err != nil {
		return nil, fmt.Errorf("reading %s: %w", s.root, err)
	}
	slices.Sort(pids)
	for _, pid := range pids {
		s.process(pid)
	}
	s.setPidnsStart()
	return s.list, nil
}

// setPidnsStart gives every thread the start of its pid namespace's init, known
// only now that all of them are read.
func (s *scanner) setPidnsStart() {
	for i := range s.list {
		s.list[i].PidnsInitTS = s.pidns[s.nsOf[i]]
	}
}

// FindThread reads one thread of this host from /proc, nil when it does not exist.
// Its descriptors are those of its process. It is for a thread that turns up in
// the events of a live session without having been seen before, because events
// were lost; what it tells is the state now, not at the event.
func (s *Session) FindThread(tid int64) *scapfile.Thread {
	sc := newScanner(SnapshotOptions{BootTime: s.ring.BootTime()})
	defer sc.close()
	var err error
	if sc.procfd, err = unix.Open(sc.root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return nil
	}
	// A thread that leads no process is not listed, but can be looked up.
	b, err := sc.read(sc.procfd, strconv.FormatInt(tid, 10)+"/status", 0)
	if err != nil {
		return nil
	}
	var pid int64
	colonLines(b, func(key, v []byte) {
		if string(key) == "Tgid" {
			pid = decimal(v)
		}
	})
	sc.process(int(pid))
	for i := range sc.list {
		if t := &sc.list[i]; t.TID == tid {
			t.FDs = sc.list[0].FDs
			return t
		}
	}
	return nil
}
