package replay

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

// Checkpoint returns the state after the current event in the form in which a
// capture carries it in front of its events. A machine that starts from it
// continues as this one would: so a long replay resumes in the middle, and a
// recording goes on in a new file.
//
// A capture has no place for: the times of clone and execve, the names of
// descriptors as the calls gave them, close-on-exec of descriptors other than
// files, descriptors of unknown kind, subreapers, and container metadata.
func (m *Machine) Checkpoint() *scapfile.Snapshot {
	s := &scapfile.Snapshot{Machine: m.snap.Machine, Interfaces: slices.Clone(m.snap.Interfaces)}
	for key, u := range m.users {
		if key.container == "" {
			s.Users = append(s.Users, *u)
		}
	}
	slices.SortFunc(s.Users, func(a, b scapfile.User) int { return cmp.Compare(a.UID, b.UID) })
	for key, g := range m.userGroups {
		if key.container == "" {
			s.Groups = append(s.Groups, *g)
		}
	}
	slices.SortFunc(s.Groups, func(a, b scapfile.Group) int { return cmp.Compare(a.GID, b.GID) })
	ports := m.listeningPorts()
	for _, tid := range slices.Sorted(maps.Keys(m.threads)) {
		t := m.threads[tid]
		if t.PID >= 0 && !(t == m.gone && t.NumThreads() == 0) {
			s.Threads = append(s.Threads, m.saveThread(t, ports))
		}
	}
	return s
}

// listeningPorts returns the local ports of the host's bound sockets.
func (m *Machine) listeningPorts() map[uint16]bool {
	ports := make(map[uint16]bool)
	for _, t := range m.threads {
		for fd := range t.own.all {
			if fd.Type == schema.SCAP_FD_IPV4_SERVSOCK || fd.Type == schema.SCAP_FD_IPV6_SERVSOCK {
				ports[fd.Sock.Dst.Port()] = true
			}
		}
	}
	return ports
}

func (m *Machine) saveThread(t *Thread, ports map[uint16]bool) scapfile.Thread {
	s := scapfile.Thread{
		TID: t.TID, PID: t.PID, PTID: t.PTID, SID: t.SID, VPGID: t.VPGID, PGID: t.PGID, VTID: t.VTID, VPID: t.VPID,
		Comm: t.Comm, Exe: t.Exe, ExePath: t.ExePath, Args: t.Args, Env: t.Env, CWD: t.cwd, Root: t.Root, Cgroups: t.Cgroups,
		FDLimit: t.FDLimit, Flags: t.Flags, UID: t.UID, GID: t.GID, LoginUID: t.LoginUID, TTY: t.TTY,
		VMSizeKB: t.VMSizeKB, VMRSSKB: t.VMRSSKB, VMSwapKB: t.VMSwapKB, PageFaultsMaj: t.PFMajor, PageFaultsMin: t.PFMinor,
		PidnsInitTS: t.PidnsInitTS,
		ExeWritable: t.ExeWritable, ExeUpperLayer: t.ExeUpperLayer, ExeLowerLayer: t.ExeLowerLayer, ExeFromMemfd: t.ExeFromMemfd,
		CapInheritable: t.CapInheritable, CapPermitted: t.CapPermitted, CapEffective: t.CapEffective,
		ExeIno: t.ExeIno, ExeInoCtime: t.ExeInoCtime, ExeInoMtime: t.ExeInoMtime,
	}
	for fd := range t.own.all {
		closing := m.closed == &t.own && m.closeFD == fd.Num
		if !closing && fd.Type != schema.SCAP_FD_UNKNOWN {
			s.FDs = append(s.FDs, saveFD(fd, ports))
		}
	}
	return s
}

func saveFD(fd *FD, ports map[uint16]bool) scapfile.FD {
	s := scapfile.FD{Num: fd.Num, Ino: fd.Ino, Type: fd.Type, Name: fd.Name, Flags: fd.Flags, Dev: fd.Dev, L4: fd.Sock.L4}
	switch fd.Type {
	case schema.SCAP_FD_FILE_V2, schema.SCAP_FD_FILE, schema.SCAP_FD_DIRECTORY:
		s.Flags &^= schema.PPM_O_CLOEXEC
		if fd.CloseOnExec {
			s.Flags |= schema.PPM_O_CLOEXEC
		}
	case schema.SCAP_FD_IPV4_SERVSOCK, schema.SCAP_FD_IPV6_SERVSOCK:
		s.Src = fd.Sock.Dst
	case schema.SCAP_FD_IPV4_SOCK, schema.SCAP_FD_IPV6_SOCK:
		// A snapshot has local and remote ends. Who is the server follows from
		// the ports that are listened on.
		s.Src, s.Dst = fd.Sock.Src, fd.Sock.Dst
		if fd.Sock.Role == RoleServer && ports[s.Dst.Port()] {
			s.Src, s.Dst = s.Dst, s.Src
		}
	case schema.SCAP_FD_UNIX_SOCK:
		s.UnixSrc, s.UnixDst = fd.Sock.UnixSrc, fd.Sock.UnixDst
	}
	return s
}
