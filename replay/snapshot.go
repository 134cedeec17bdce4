package replay

import (
	"slices"
	"strings"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// load puts the machine into the state of the source's current snapshot.
func (m *Machine) load() {
	snap := m.src.Snapshot()
	if snap == nil {
		snap = &scapfile.Snapshot{}
	}
	m.snap = snap
	m.bootTime = 0
	if snap.Machine != nil {
		m.bootTime = snap.Machine.BootTime
	}
	m.threads = make(map[int64]*Thread, len(snap.Threads))
	m.groups = make(map[int64]*group, len(snap.Threads))
	m.users = make(map[userKey]*scapfile.User, len(snap.Users))
	m.userGroups = make(map[userKey]*scapfile.Group, len(snap.Groups))
	m.containers = make(map[string][]byte)
	m.net = newInterfaces(snap.Interfaces)
	m.exits = recentExits{}
	m.cache = [cacheSize]*Thread{}
	m.gone, m.closed, m.lastPurge = nil, nil, 0
	if m.ev.Thread != nil {
		m.ev.Thread = nil
	}

	for i := range snap.Users {
		u := snap.Users[i]
		m.users[userKey{id: u.UID}] = &u
	}
	for i := range snap.Groups {
		g := snap.Groups[i]
		m.userGroups[userKey{id: g.GID}] = &g
	}
	ports := make(map[uint16]bool)
	for i := range snap.Threads {
		m.loadThread(&snap.Threads[i], ports)
	}
	// Parents may stand behind their children in the list.
	for i := range snap.Threads {
		if t := m.threads[snap.Threads[i].TID]; t != nil {
			m.relate(t)
		}
	}
	for _, t := range m.threads {
		fixDirections(t, ports)
	}
}

// loadThread puts a thread of the snapshot into the table and collects the ports
// that the host listens on.
func (m *Machine) loadThread(s *scapfile.Thread, ports map[uint16]bool) {
	if m.threads[s.TID] == nil && len(m.threads) >= m.threadLimit {
		m.stats.DroppedThreads++
		return
	}
	t := m.newThreadFrom(s)
	for fd := range t.own.all {
		if fd.Type == schema.SCAP_FD_IPV4_SERVSOCK || fd.Type == schema.SCAP_FD_IPV6_SERVSOCK {
			ports[fd.Sock.Dst.Port()] = true
		}
	}
	m.threads[t.TID] = t
}

// newThreadFrom makes a record of a snapshot's entry.
func (m *Machine) newThreadFrom(s *scapfile.Thread) *Thread {
	t := newThread(m, s.TID)
	t.PID, t.PTID, t.SID, t.VPGID, t.PGID, t.VTID, t.VPID = s.PID, s.PTID, s.SID, s.VPGID, s.PGID, s.VTID, s.VPID
	if t.PTID == unsetID { // how some writers say "unknown"
		t.PTID = 0
	}
	t.Comm, t.Exe, t.Args, t.Root = s.Comm, s.Exe, s.Args, s.Root
	t.ExePath = strings.TrimSuffix(s.ExePath, deletedSuffix)
	cgroups := newCgroupSet(s.Cgroups)
	t.Cgroups, t.ContainerID = cgroups.list, cgroups.containerID
	t.FDLimit, t.Flags = s.FDLimit, t.Flags|s.Flags|schema.PPM_CL_ACTIVE
	t.UID, t.GID, t.LoginUID, t.TTY = s.UID, s.GID, s.LoginUID, s.TTY
	t.VMSizeKB, t.VMRSSKB, t.VMSwapKB = s.VMSizeKB, s.VMRSSKB, s.VMSwapKB
	t.PFMajor, t.PFMinor = s.PageFaultsMaj, s.PageFaultsMin
	t.PidnsInitTS = s.PidnsInitTS
	t.ExeWritable, t.ExeUpperLayer, t.ExeLowerLayer, t.ExeFromMemfd = s.ExeWritable, s.ExeUpperLayer, s.ExeLowerLayer, s.ExeFromMemfd
	t.CapInheritable, t.CapPermitted, t.CapEffective = s.CapInheritable, s.CapPermitted, s.CapEffective
	t.ExeIno, t.ExeInoCtime, t.ExeInoMtime = s.ExeIno, s.ExeInoCtime, s.ExeInoMtime
	if t.IsMain() {
		t.Env = s.Env
		t.cwd = m.cwdFrom("", []byte(s.CWD))
	}
	for i := range s.FDs {
		if fd := m.loadFD(&s.FDs[i]); fd != nil && t.own.n < m.fdLimit {
			t.own.put(fd)
		}
	}
	return t
}

// cwdFrom returns a working directory: name made absolute with the old one,
// with a slash at the end.
func (m *Machine) cwdFrom(old string, name []byte) string {
	m.buf = joinPath(m.buf[:0], old, name)
	if n := len(m.buf); n == 0 || m.buf[n-1] != '/' {
		m.buf = append(m.buf, '/')
	}
	return m.text.text(m.buf)
}

// loadFD makes a record of a descriptor of the snapshot, nil when its type is
// not one a descriptor can have.
func (m *Machine) loadFD(s *scapfile.FD) *FD {
	fd := &FD{Num: s.Num, Type: s.Type, Name: s.Name, Flags: s.Flags, Dev: s.Dev, Ino: s.Ino}
	fd.CloseOnExec = s.Flags&schema.PPM_O_CLOEXEC != 0
	switch s.Type {
	case schema.SCAP_FD_IPV4_SOCK, schema.SCAP_FD_IPV6_SOCK:
		fd.Sock = SockInfo{Src: unmap(s.Src), Dst: unmap(s.Dst), L4: s.L4, Connected: s.L4 == schema.SCAP_L4_TCP}
		if fd.Sock.Src.Addr().Is4() && fd.Sock.Dst.Addr().Is4() {
			fd.Type = schema.SCAP_FD_IPV4_SOCK
		} else {
			fd.Sock.Src, fd.Sock.Dst = s.Src, s.Dst
		}
		m.net.complete(fd)
		m.buf = appendTuple(m.buf[:0], fd.Sock.Src, fd.Sock.Dst, schema.SCAP_L4_TCP)
		fd.Name = string(m.buf)
	case schema.SCAP_FD_IPV4_SERVSOCK, schema.SCAP_FD_IPV6_SERVSOCK:
		addr := s.Src
		if !addr.IsValid() {
			addr = s.Dst
		}
		fd.Sock = SockInfo{Dst: addr, L4: s.L4}
		m.buf = appendAddrPort(m.buf[:0], addr)
		fd.Name = string(m.buf)
	case schema.SCAP_FD_UNIX_SOCK:
		fd.Sock = SockInfo{UnixSrc: s.UnixSrc, UnixDst: s.UnixDst, Role: RoleClient}
		if s.Name != "" {
			fd.Sock.Role = RoleServer
		}
	case schema.SCAP_FD_UNKNOWN:
		return nil
	}
	if fd.Num < 0 {
		return nil
	}
	return fd
}

// fixDirections turns connections of the snapshot whose local port is one that
// the host listens on: /proc lists local and remote ends, not who called whom.
func fixDirections(t *Thread, ports map[uint16]bool) {
	t.own.all(func(fd *FD) bool {
		if fd.Type != schema.SCAP_FD_IPV4_SOCK && fd.Type != schema.SCAP_FD_IPV6_SOCK {
			return true
		}
		if !ports[fd.Sock.Src.Port()] {
			fd.Sock.Role = RoleClient
			return true
		}
		fd.Sock.Src, fd.Sock.Dst = fd.Sock.Dst, fd.Sock.Src
		fd.Sock.Role = RoleServer
		fd.Name = string(appendTuple(nil, fd.Sock.Src, fd.Sock.Dst, schema.SCAP_L4_TCP))
		return true
	})
}

// interfaces holds the host's addresses in the order of the capture.
type interfaces struct{ v4, v6 []scapfile.Interface }

func newInterfaces(list []scapfile.Interface) (n interfaces) {
	for _, i := range list {
		if i.Addr.Is4() {
			n.v4 = append(n.v4, i)
		} else if i.Addr.IsValid() {
			n.v6 = append(n.v6, i)
		}
	}
	n.v4, n.v6 = slices.Clip(n.v4), slices.Clip(n.v6)
	return n
}
