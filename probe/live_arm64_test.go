package probe

import "golang.org/x/sys/unix"

const (
	sysNewfstatat = unix.SYS_FSTATAT
	sysRenameat2  = unix.SYS_RENAMEAT2
)

// childEventFromExit is false: the child's event comes from the fork hook.
const childEventFromExit = false

const pageFaults = false // the kernel has tracepoints for them
