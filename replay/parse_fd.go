package replay

import (
	"strconv"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// Native Linux bits that some parameters carry unmapped.
const (
	nativeSockCloexec = 0o2000000 // in the type of socket and socketpair
	nativeFDCloexec   = 1         // argument of fcntl F_SETFD
)

// probeFlags are the bits that the probe adds to open flags at the exit.
const probeFlags uint32 = ^uint32(schema.PPM_O_F_CREATED - 1)

func onOpen(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	name, _ := ev.Text(1)
	flags, _ := ev.Uint32(2)
	if n := m.entered.name(); n != nil {
		name, flags = n, m.entered.flags|flags&probeFlags
	}
	m.openFile(ev.Thread, num, ev.Thread.CWD(), name, flags, ev.Param(4), ev.Param(5))
}

func onCreat(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	name, _ := ev.Text(1)
	if n := m.entered.name(); n != nil {
		name = n
	}
	var flags uint32
	switch layer, _ := ev.Int(5); {
	case layer&schema.PPM_FD_UPPER_LAYER_CREAT != 0:
		flags = schema.PPM_FD_UPPER_LAYER
	case layer&schema.PPM_FD_LOWER_LAYER_CREAT != 0:
		flags = schema.PPM_FD_LOWER_LAYER
	}
	m.openFile(ev.Thread, num, ev.Thread.CWD(), name, flags, ev.Param(3), ev.Param(4))
}

func onOpenat(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	dirfd, haveDir := ev.Int64(1)
	name, ok := ev.Text(2)
	if !ok {
		name = notAvailable
	}
	flags, _ := ev.Uint32(3)
	dev, ino := 5, 6
	if ev.Type == schema.PPME_SYSCALL_OPENAT2_X {
		dev, ino = 6, 7
	}
	if n := m.entered.name(); n != nil {
		name, flags = n, m.entered.flags|flags&probeFlags
		dirfd, haveDir = m.entered.dirfd, true
	}
	dir := ""
	if haveDir {
		dir = ev.Thread.dirOf(dirfd, name)
	}
	m.openFile(ev.Thread, num, dir, name, flags, ev.Param(dev), ev.Param(ino))
}

// notAvailable is the text of a missing path.
var notAvailable = []byte("<NA>")

func onOpenByHandle(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	flags, _ := ev.Uint32(2)
	name, _ := ev.Text(3) // always absolute: the kernel's path
	m.openFile(ev.Thread, num, "", name, flags, ev.Param(4), ev.Param(5))
}

func (m *Machine) openFile(t *Thread, num int64, dir string, name []byte, flags uint32, dev, ino []byte) {
	fd := m.newFD(num, schema.SCAP_FD_FILE_V2)
	fd.Flags = flags
	if flags&schema.PPM_O_DIRECTORY != 0 {
		fd.Type = schema.SCAP_FD_DIRECTORY
	}
	fd.CloseOnExec = flags&schema.PPM_O_CLOEXEC != 0
	if len(dev) == 4 {
		fd.Dev = le32(dev)
		if len(ino) == 8 {
			fd.Ino = le64(ino)
		}
	}
	fd.Name, fd.Raw = m.path(dir, name)
	m.addFD(t, fd)
}

func onMemfdCreate(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	flags, _ := ev.Uint32(2)
	m.addFD(ev.Thread, &FD{
		Num: num, Type: schema.SCAP_FD_MEMFD, Flags: flags,
		Name: m.text.cstr(ev.Param(1)), CloseOnExec: flags&schema.PPM_MFD_CLOEXEC != 0,
	})
}

func onPidfdOpen(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	pid, _ := ev.Int64(1)
	flags, _ := ev.Uint32(2)
	m.buf = strconv.AppendInt(append(m.buf[:0], "/proc/"...), pid, 10)
	m.addFD(ev.Thread, &FD{
		Num: num, Type: schema.SCAP_FD_PIDFD, Flags: flags,
		Name: m.text.text(m.buf), CloseOnExec: true, pid: pid,
	})
}

func onPidfdGetfd(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	pidfd, _ := ev.Int64(1)
	target, _ := ev.Int64(2)
	fd := ev.Thread.FD(pidfd)
	if fd == nil || fd.Type != schema.SCAP_FD_PIDFD {
		return
	}
	// The number is the caller's; it is the host's unless the caller lives in a
	// pid namespace.
	if other := m.Thread(fd.pid); other != nil && !ev.Thread.InPIDNamespace() {
		if fd := other.FD(target); fd != nil {
			m.dupFD(ev.Thread, fd, num, true)
		}
	}
}

// onAnonFD returns the handler of a call whose result is a descriptor of type
// typ and whose flags, if it has some, stand in the given parameter.
func onAnonFD(typ uint8, flagsParam int) func(*Machine, *Event) {
	return func(m *Machine, ev *Event) {
		num, ok := ev.Int64(0)
		if !ok || num < 0 {
			return
		}
		fd := m.newFD(num, typ)
		if flagsParam > 0 {
			flags, _ := ev.Int(flagsParam)
			fd.Flags = uint32(flags)
			fd.CloseOnExec = fd.Flags&schema.PPM_O_CLOEXEC != 0
		}
		switch typ {
		case schema.SCAP_FD_BPF, schema.SCAP_FD_IOURING:
			fd.CloseOnExec = true // the kernel's choice
		case schema.SCAP_FD_EVENTPOLL:
			fd.CloseOnExec = fd.Flags&schema.PPM_EPOLL_CLOEXEC != 0
		case schema.SCAP_FD_SIGNALFD:
			// With a descriptor given, the call only changes that one's mask.
			if old := ev.Thread.FD(num); old != nil && old.Type == typ {
				fd.CloseOnExec = old.CloseOnExec
			}
		}
		m.addFD(ev.Thread, fd)
	}
}

func onPipe(m *Machine, ev *Event) {
	if res, ok := ev.Int64(0); !ok || res < 0 {
		return
	}
	var flags uint32
	if ev.Type == schema.PPME_SYSCALL_PIPE2_X {
		flags, _ = ev.Uint32(4)
	}
	var ino uint64
	if b := ev.Param(3); len(b) == 8 {
		ino = le64(b)
	}
	for i := 1; i <= 2; i++ {
		if num, ok := ev.Int64(i); ok && num >= 0 {
			fd := m.newFD(num, schema.SCAP_FD_FIFO)
			fd.Ino, fd.Flags, fd.CloseOnExec = ino, flags, flags&schema.PPM_O_CLOEXEC != 0
			m.addFD(ev.Thread, fd)
		}
	}
}

func onClose(m *Machine, ev *Event) {
	if res, ok := ev.Int64(0); ok && res >= 0 && ev.FD != nil {
		m.closed, m.closeFD = ev.Thread.table(), ev.FDNum
	}
}

func onCloseRange(m *Machine, ev *Event) {
	if res, ok := ev.Int64(0); !ok || res < 0 {
		return
	}
	first, ok1 := ev.Uint32(1)
	last, ok2 := ev.Uint32(2)
	tab := ev.Thread.table()
	if !ok1 || !ok2 || tab == nil {
		return
	}
	flags, _ := ev.Uint32(3)
	if flags&schema.PPM_CLOSE_RANGE_CLOEXEC == 0 {
		tab.removeRange(int64(first), int64(last))
		return
	}
	tab.all(func(fd *FD) bool {
		if fd.Num >= int64(first) && fd.Num <= int64(last) && !fd.CloseOnExec {
			tab.writable(fd).CloseOnExec = true
		}
		return true
	})
}

func onDup(m *Machine, ev *Event) {
	num, ok := ev.Int64(0)
	if !ok || num < 0 {
		return
	}
	t := ev.Thread
	// A process whose standard input or output is replaced is likely part of a
	// shell pipeline.
	switch num {
	case 0:
		t.Flags |= schema.PPM_CL_PIPE_DST
	case 1:
		t.Flags |= schema.PPM_CL_PIPE_SRC
	}
	if ev.FD == nil {
		// What the new descriptor referred to is closed all the same.
		m.addUnknown(t, num)
		return
	}
	cloexec := false
	switch ev.Type {
	case schema.PPME_SYSCALL_DUP3_X:
		flags, _ := ev.Uint32(3)
		cloexec = flags&schema.PPM_O_CLOEXEC != 0
	case schema.PPME_SYSCALL_DUP2_X:
		if num == ev.FDNum {
			cloexec = ev.FD.CloseOnExec // dup2 onto itself does nothing
		}
	}
	m.dupFD(t, ev.FD, num, cloexec)
}

func onFcntl(m *Machine, ev *Event) {
	res, ok := ev.Int64(0)
	if !ok || res < 0 || ev.FD == nil {
		return
	}
	cmd, _ := ev.Int(2)
	switch cmd {
	case schema.PPM_FCNTL_F_DUPFD, schema.PPM_FCNTL_F_DUPFD_CLOEXEC:
		m.dupFD(ev.Thread, ev.FD, res, cmd == schema.PPM_FCNTL_F_DUPFD_CLOEXEC)
	case schema.PPM_FCNTL_F_SETFD:
		arg, ok := ev.Int(3)
		if cloexec := arg&nativeFDCloexec != 0; ok && ev.FD.CloseOnExec != cloexec {
			m.writableFD(ev.Thread, ev.FD).CloseOnExec = cloexec
		}
	}
}
