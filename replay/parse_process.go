package replay

import (
	"strings"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// deletedSuffix is what the kernel appends to the path of a removed file.
const deletedSuffix = " (deleted)"

// Parameters that clone, fork and execve events have in common.
const (
	parExe       = 1
	parArgs      = 2
	parPID       = 4
	parPTID      = 5
	parFDLimit   = 7
	parPFMajor   = 8
	parPFMinor   = 9
	parVMSize    = 10
	parVMRSS     = 11
	parVMSwap    = 12
	parComm      = 13
	parCgroups   = 14
	cloneFlags   = 15
	cloneUID     = 16
	cloneGID     = 17
	cloneVTID    = 18
	cloneVPID    = 19
	clonePidns   = 20
	execEnv      = 15
	execTTY      = 16
	execVPGID    = 17
	execLoginUID = 18
	execFlags    = 19
	execCaps     = 20
	execIno      = 23
	execCtime    = 24
	execMtime    = 25
	execUID      = 26
	execPath     = 27
	execPGID     = 28
	execGID      = 29
	execFilename = 30
)

// onClone handles both halves of a process creation. They come in any order;
// the first one creates the child.
func onClone(m *Machine, ev *Event) {
	res, ok := ev.Int64(0)
	switch {
	case !ok || res < 0:
	case res == 0:
		m.cloneChild(ev)
	default:
		m.cloneParent(ev, res)
	}
}

// cloneParent handles the half of the caller, whose result is the child's id.
func (m *Machine) cloneParent(ev *Event, childTID int64) {
	caller := m.lookupOrInvent(ev.TID)
	ev.Thread = caller
	if caller == nil {
		return
	}
	known := !caller.incomplete()
	if !known {
		caller.PID, _ = ev.Int64(parPID)
		caller.PTID, _ = ev.Int64(parPTID)
		caller.setVirtualIDs(ev)
		m.relate(caller)
	}
	flags, _ := ev.Uint32(cloneFlags)
	// The result is numbered in the caller's pid namespace. Where that is not
	// the host's, or the child's is another one, only the child can tell.
	// Captures before CHILD_IN_PIDNS show it by CLONE_PARENT, as runc calls it.
	if flags&(schema.PPM_CL_CHILD_IN_PIDNS|schema.PPM_CL_CLONE_NEWPID|schema.PPM_CL_CLONE_PARENT) != 0 || ev.TID != caller.VTID {
		return
	}
	// A vfork returns after its child has called execve or is gone, so its child
	// was seen, and knows better.
	if flags&schema.PPM_CL_CLONE_VFORK != 0 || ev.Type == schema.PPME_SYSCALL_VFORK_20_X {
		return
	}
	if old := m.lookup(childTID); old != nil {
		if old.Flags&schema.PPM_CL_CLONE_INVERTED != 0 && ev.TS-old.CloneTS < staleClone {
			return
		}
		// The id is in use again and its former owner's exit was lost.
		m.stats.Collisions++
		m.remove(old)
	} else if m.exits.has(childTID, ev.TS) {
		return
	}

	c := newThread(m, childTID)
	c.Flags = flags
	if flags&schema.PPM_CL_CLONE_THREAD == 0 {
		c.PID, c.PTID = childTID, caller.TID
	} else {
		c.PID, c.PTID = caller.PID, caller.PTID
		c.Flags |= schema.PPM_CL_CLONE_FILES
	}
	c.VTID, c.VPID = c.TID, c.PID
	m.fillClone(c, ev)
	c.PidnsInitTS = m.bootTime
	if known {
		c.inherit(caller)
	} else {
		caller.Exe, caller.Comm, caller.Args = c.Exe, c.Comm, c.Args
	}
	m.store(c)
}

// cloneChild handles the half of the child.
func (m *Machine) cloneChild(ev *Event) {
	if t := ev.Thread; t != nil && t.CloneTS != 0 {
		if ev.TS-t.CloneTS < staleClone {
			return // the caller's half has created it
		}
		m.stats.Collisions++
		m.remove(t)
	}
	ev.Thread = nil
	c := newThread(m, ev.TID)
	c.PID, _ = ev.Int64(parPID)
	c.PTID, _ = ev.Int64(parPTID)
	c.setVirtualIDs(ev)
	c.Flags, _ = ev.Uint32(cloneFlags)
	c.Flags |= schema.PPM_CL_CLONE_INVERTED // the child's half came first
	isThread := c.Flags&schema.PPM_CL_CLONE_THREAD != 0
	from := c.PTID
	if isThread {
		from = c.PID
		c.Flags |= schema.PPM_CL_CLONE_FILES
	}
	origin := m.lookupOrInvent(from)
	if origin == nil {
		return
	}
	m.fillClone(c, ev)
	switch {
	case !origin.incomplete():
		c.inherit(origin)
	case isThread:
		origin.PID, origin.PTID, origin.VPID, origin.VTID = c.PID, c.PTID, c.VPID, c.VPID
		origin.Exe, origin.Comm, origin.Args = c.Exe, c.Comm, c.Args
		m.relate(origin)
	}
	c.PidnsInitTS = m.bootTime
	if c.InPIDNamespace() || c.Flags&schema.PPM_CL_CLONE_NEWPID != 0 {
		c.PidnsInitTS = 0
		if b := ev.Param(clonePidns); len(b) == 8 {
			c.PidnsInitTS = le64(b) + m.bootTime
		}
	}
	if m.store(c) {
		ev.Thread = c
	}
}

func (t *Thread) setVirtualIDs(ev *Event) {
	vtid, ok := ev.Int64(cloneVTID)
	vpid, ok2 := ev.Int64(cloneVPID)
	if !ok || !ok2 {
		vtid, vpid = t.TID, -1
	}
	t.VTID, t.VPID = vtid, vpid
}

// fillClone takes what a clone event says about the child.
func (m *Machine) fillClone(c *Thread, ev *Event) {
	m.fillImage(c, ev)
	if id, ok := ev.Uint32(cloneUID); ok {
		c.UID = id
	}
	if id, ok := ev.Uint32(cloneGID); ok {
		c.GID = id
	}
	c.CloneTS = ev.TS
}

// fillImage takes what clone and execve events have in common.
func (m *Machine) fillImage(t *Thread, ev *Event) {
	t.Exe = m.text.cstr(ev.Param(parExe))
	t.Comm = t.Exe // captures before 2015 have no comm
	if b := ev.Param(parComm); len(b) > 0 {
		t.Comm = m.text.cstr(b)
	}
	t.Args = m.text.list(ev.Param(parArgs))
	if limit, ok := ev.Int64(parFDLimit); ok {
		t.FDLimit = limit
	}
	if swap, ok := ev.Uint32(parVMSwap); ok {
		if b := ev.Param(parPFMajor); len(b) == 8 {
			t.PFMajor = le64(b)
		}
		if b := ev.Param(parPFMinor); len(b) == 8 {
			t.PFMinor = le64(b)
		}
		t.VMSizeKB, _ = ev.Uint32(parVMSize)
		t.VMRSSKB, _ = ev.Uint32(parVMRSS)
		t.VMSwapKB = swap
	}
	if b := ev.Param(parCgroups); len(b) > 0 {
		c := m.text.cgroupSet(b)
		t.Cgroups, t.ContainerID = c.list, c.containerID
	}
}

// inherit takes what a clone hands down and no event tells: from the caller or,
// for threads whose caller is not known, from their main thread.
func (c *Thread) inherit(from *Thread) {
	c.ExePath, c.Root = from.ExePath, from.Root
	c.ExeWritable, c.ExeUpperLayer, c.ExeLowerLayer, c.ExeFromMemfd = from.ExeWritable, from.ExeUpperLayer, from.ExeLowerLayer, from.ExeFromMemfd
	c.SID, c.VPGID, c.PGID, c.TTY, c.LoginUID = from.SID, from.VPGID, from.PGID, from.TTY, from.LoginUID
	c.CapInheritable, c.CapPermitted, c.CapEffective = from.CapInheritable, from.CapPermitted, from.CapEffective
	c.ExeIno, c.ExeInoCtime, c.ExeInoMtime = from.ExeIno, from.ExeInoCtime, from.ExeInoMtime
	// Events of old captures tell less.
	if c.Cgroups == nil {
		c.Cgroups, c.ContainerID = from.Cgroups, from.ContainerID
	}
	if c.UID == unsetID {
		c.UID, c.GID = from.UID, from.GID
	}
	if c.Flags&schema.PPM_CL_CLONE_THREAD != 0 {
		c.ExecTS = from.ExecTS
		return
	}
	if tab := from.table(); tab != nil {
		c.own = tab.clone()
	}
	c.cwd = from.CWD()
	c.Env = from.Environ()
}

func onExec(m *Machine, ev *Event) {
	if res, ok := ev.Int64(0); !ok || res < 0 {
		return
	}
	t := ev.Thread
	if t.Exited {
		// The main thread was gone and another one called execve: it takes over
		// the main thread's id.
		t.Exited = false
		if t.grp != nil {
			t.grp.alive++
		}
		if m.gone == t {
			m.gone = nil
		}
	}
	m.fillImage(t, ev)
	t.ExecTS = ev.TS
	if pid, ok := ev.Int64(parPID); ok && pid != t.PID {
		m.leave(t)
		t.PID = pid
	}
	if t.incomplete() {
		t.PTID, _ = ev.Int64(parPTID)
		if t.Flags&schema.PPM_CL_CHILD_IN_PIDNS == 0 {
			t.VTID, t.VPID = t.TID, t.PID
		}
	}
	m.relate(t)
	if b := ev.Param(execEnv); len(b) > 0 {
		t.Env = m.text.list(b)
	}
	if v, ok := ev.Uint32(execTTY); ok {
		t.TTY = v
	}
	m.setExePath(t, ev)
	if v, ok := ev.Int64(execVPGID); ok {
		t.VPGID = v
	}
	if v, ok := ev.Uint32(execLoginUID); ok {
		t.LoginUID = v
	}
	if flags, ok := ev.Uint32(execFlags); ok {
		t.ExeWritable = flags&schema.PPM_EXE_WRITABLE != 0
		t.ExeUpperLayer = flags&schema.PPM_EXE_UPPER_LAYER != 0
		t.ExeLowerLayer = flags&schema.PPM_EXE_LOWER_LAYER != 0
		t.ExeFromMemfd = flags&schema.PPM_EXE_FROM_MEMFD != 0
	}
	setCaps(t, ev, execCaps)
	if ino, ctime, mtime := ev.Param(execIno), ev.Param(execCtime), ev.Param(execMtime); len(ino) == 8 && len(ctime) == 8 && len(mtime) == 8 {
		t.ExeIno, t.ExeInoCtime, t.ExeInoMtime = le64(ino), le64(ctime), le64(mtime)
	}
	if v, ok := ev.Uint32(execUID); ok {
		t.UID = v
	}
	t.PGID = -1
	if v, ok := ev.Int64(execPGID); ok {
		t.PGID = v
	}
	if v, ok := ev.Uint32(execGID); ok {
		t.GID = v
	}
	const kept = schema.PPM_CL_PIPE_SRC | schema.PPM_CL_PIPE_DST | schema.PPM_CL_IS_MAIN_THREAD | schema.PPM_CL_CLONE_INVERTED
	t.Flags = t.Flags&kept | schema.PPM_CL_ACTIVE | schema.PPM_CL_NAME_CHANGED
	if tab := t.table(); tab != nil {
		m.closeOnExec(tab)
	}
	m.killSiblings(t)
}

// killSiblings removes the other threads of a process that called execve.
func (m *Machine) killSiblings(t *Thread) {
	if t.grp == nil || t.grp.alive <= 1 {
		return
	}
	for s := t.grp.head; s != nil; {
		next := s.groupNext
		if s != t && !s.IsMain() {
			m.remove(s)
		}
		s = next
	}
}

// setExePath finds the path of the new image: as the kernel tells it or, in
// older captures, from the name that was asked for.
func (m *Machine) setExePath(t *Thread, ev *Event) {
	if b := ev.Param(execPath); len(b) > 0 {
		t.ExePath = strings.TrimSuffix(m.text.cstr(b), deletedSuffix)
		return
	}
	in := m.entered
	if in == nil {
		if name, ok := ev.Text(execFilename); ok && ev.Type == schema.PPME_SYSCALL_EXECVE_19_X {
			t.ExePath, _ = m.path(t.CWD(), name)
		}
		return
	}
	if in.typ == schema.PPME_SYSCALL_EXECVE_19_E {
		t.ExePath, _ = m.path(t.CWD(), in.text)
		return
	}
	// execveat: a path below a directory, or the descriptor itself.
	dir := t.dirOf(in.dirfd, in.text)
	switch empty := in.flags&schema.PPM_EXVAT_AT_EMPTY_PATH != 0; {
	case dir == unknownDir, !empty && len(in.text) == 0:
		t.ExePath = "<NA>"
	case empty && len(in.text) == 0:
		t.ExePath, _ = m.path("", []byte(dir))
	default:
		t.ExePath, _ = m.path(dir, in.text)
	}
}

func onExit(m *Machine, ev *Event) {
	t := ev.Thread
	if !t.Exited {
		t.Exited = true
		if t.grp != nil {
			t.grp.alive--
		}
	}
	m.exits.add(t.TID, ev.TS)
	m.gone = t
	t.reaper = -1
	if r, ok := ev.Int64(4); ok {
		t.reaper = r
	}
}
