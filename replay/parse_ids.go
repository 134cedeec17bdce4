package replay

import "github.com/sysreel/sysreel/scapfile/schema"

// ok0 reports whether the call returned 0.
func ok0(ev *Event) bool {
	res, ok := ev.Int64(0)
	return ok && res == 0
}

// onSetUID returns the handler of a call that sets the effective user id to the
// given parameter; -1 leaves it.
func onSetUID(param int) func(*Machine, *Event) {
	return func(m *Machine, ev *Event) {
		if id, ok := ev.Uint32(param); ok && ok0(ev) && id != unsetID {
			ev.Thread.UID = id
		}
	}
}

// onSetGID is onSetUID for the group.
func onSetGID(param int) func(*Machine, *Event) {
	return func(m *Machine, ev *Event) {
		if id, ok := ev.Uint32(param); ok && ok0(ev) && id != unsetID {
			ev.Thread.GID = id
		}
	}
}

// onSetsid makes the caller's process the leader of a session and of a process
// group, without a terminal.
func onSetsid(m *Machine, ev *Event) {
	res, ok := ev.Int64(0)
	if !ok || res < 0 {
		return
	}
	pid := ev.Thread.PID
	ev.Thread.Siblings(func(t *Thread) bool {
		t.SID, t.VPGID, t.PGID, t.TTY = res, res, pid, 0
		return true
	})
}

// onSetpgid moves a process to a process group. The numbers are those of the
// caller's pid namespace; 0 stands for the caller and for a group of one's own.
func onSetpgid(m *Machine, ev *Event) {
	pid, ok1 := ev.Int64(1)
	pgid, ok2 := ev.Int64(2)
	if !ok0(ev) || !ok1 || !ok2 {
		return
	}
	target := ev.Thread
	switch {
	case pid == 0 || pid == target.VPID:
	case !target.InPIDNamespace():
		target = m.Thread(pid)
	default:
		return // which process that is only the namespace knows
	}
	if target == nil {
		return
	}
	vpgid, hostPGID := pgid, pgid
	switch {
	case pgid == 0 || pgid == target.VPID:
		vpgid, hostPGID = target.VPID, target.PID
	case target.InPIDNamespace():
		hostPGID = -1
	}
	target.Siblings(func(t *Thread) bool {
		t.VPGID, t.PGID = vpgid, hostPGID
		return true
	})
}

func onChdir(m *Machine, ev *Event) {
	if res, ok := ev.Int64(0); ok && res >= 0 {
		name, _ := ev.Text(1)
		m.chdir(ev.Thread, name)
	}
}

func onFchdir(m *Machine, ev *Event) {
	if res, ok := ev.Int64(0); ok && res >= 0 && ev.FD != nil {
		m.chdir(ev.Thread, []byte(ev.FD.Name))
	}
}

func (m *Machine) chdir(t *Thread, name []byte) {
	if l := t.Main(); l != nil {
		l.cwd = m.cwdFrom(l.cwd, name)
	}
}

func onChroot(m *Machine, ev *Event) {
	if !ok0(ev) {
		return
	}
	if name, ok := ev.Text(1); ok {
		ev.Thread.Root, _ = m.path(ev.Thread.CWD(), name)
	}
}

func onCapset(m *Machine, ev *Event) {
	if res, ok := ev.Int64(0); !ok || res < 0 {
		return
	}
	setCaps(ev.Thread, ev, 1)
}

// setCaps takes three capability sets from the parameters that start at i.
func setCaps(t *Thread, ev *Event, i int) {
	if len(ev.Param(i+2)) != 8 || len(ev.Param(i)) != 8 || len(ev.Param(i+1)) != 8 {
		return
	}
	t.CapInheritable, t.CapPermitted, t.CapEffective = le64(ev.Param(i)), le64(ev.Param(i+1)), le64(ev.Param(i+2))
}

// allCaps is what a thread holds in a user namespace that it has just entered:
// CAP_CHOWN to CAP_CHECKPOINT_RESTORE.
const allCaps = 1<<41 - 1

// onNamespace returns the handler of unshare and setns, whose CLONE_ flags
// stand in the given parameter.
func onNamespace(param int) func(*Machine, *Event) {
	return func(m *Machine, ev *Event) {
		res, ok := ev.Int64(0)
		flags, _ := ev.Uint32(param)
		if !ok || res < 0 || flags&schema.PPM_CL_CLONE_NEWUSER == 0 {
			return
		}
		t := ev.Thread
		t.CapInheritable, t.CapPermitted, t.CapEffective = allCaps, allCaps, allCaps
	}
}

func onRlimit(m *Machine, ev *Event) {
	res, ok := ev.Int64(0)
	resource, _ := ev.Int(3)
	if !ok || res < 0 || resource != schema.PPM_RLIMIT_NOFILE {
		return
	}
	setFDLimit(ev.Thread, ev)
}

func onPrlimit(m *Machine, ev *Event) {
	resource, ok := ev.Int(6)
	if !ok || resource != schema.PPM_RLIMIT_NOFILE || !ok0(ev) {
		return
	}
	t := ev.Thread
	if tid, ok := ev.Int64(5); ok && tid != 0 {
		if t = m.Thread(tid); t == nil || t.incomplete() {
			return
		}
	}
	setFDLimit(t, ev)
}

// setFDLimit takes the current limit from parameter 1; -1 stands for "not set".
func setFDLimit(t *Thread, ev *Event) {
	cur, ok := ev.Int64(1)
	if l := t.Main(); ok && cur != -1 && l != nil {
		l.FDLimit = cur
	}
}

// onMemory takes the sizes that brk, mmap and munmap report.
func onMemory(m *Machine, ev *Event) {
	t := ev.Thread
	if v, ok := ev.Uint32(1); ok {
		t.VMSizeKB = v
	}
	swap, ok := ev.Uint32(3)
	rss, ok2 := ev.Uint32(2)
	if ok && ok2 {
		t.VMRSSKB, t.VMSwapKB = rss, swap
	}
}

func onSwitch(m *Machine, ev *Event) {
	t := ev.Thread
	swap, ok := ev.Uint32(5)
	if !ok {
		return
	}
	if b := ev.Param(1); len(b) == 8 {
		t.PFMajor = le64(b)
	}
	if b := ev.Param(2); len(b) == 8 {
		t.PFMinor = le64(b)
	}
	if l := t.Main(); l != nil {
		l.VMSizeKB, _ = ev.Uint32(3)
		l.VMRSSKB, _ = ev.Uint32(4)
		l.VMSwapKB = swap
	}
}

func onPrctl(m *Machine, ev *Event) {
	if res, ok := ev.Int64(0); !ok || res < 0 {
		return
	}
	t := ev.Thread
	option, _ := ev.Uint32(1)
	switch option {
	case schema.PPM_PR_SET_CHILD_SUBREAPER, schema.PPM_PR_GET_CHILD_SUBREAPER:
		if v, ok := ev.Int64(3); ok && t.grp != nil {
			t.grp.reaper = v != 0
		}
	case schema.PPM_PR_SET_NAME:
		if name, ok := ev.Text(2); ok {
			t.Comm = m.text.text(name[:min(len(name), maxComm)])
		}
	}
}

// maxComm is the length of a thread's name in the kernel (TASK_COMM_LEN - 1).
const maxComm = 15
