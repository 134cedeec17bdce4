package replay

import "net/netip"

// Thread is one thread of the captured host, as known at the current event.
// The main thread of a process (TID == PID) owns what the process shares: its
// descriptors, working directory and environment. Records belong to the machine
// and change with every event: keep values, not pointers.
type Thread struct {
	TID, PID    int64  // host pid namespace
	PTID        int64  // parent thread; reparented when the parent dies
	SID         int64  // session, -1 unknown
	VPGID, PGID int64  // process group: innermost namespace, host namespace
	VTID, VPID  int64  // innermost pid namespace
	Comm        string // at most 15 bytes
	Exe         string // argv[0]
	ExePath     string // path of the executable file
	Args        []string
	Env         []string
	Root        string
	Cgroups     []string // "subsystem=/path"
	ContainerID string   // "" on the host
	FDLimit     int64
	Flags       uint32 // PPM_CL_ bits
	UID, GID    uint32 // effective
	LoginUID    uint32 // 0xFFFFFFFF: none
	TTY         uint32
	VMSizeKB    uint32
	VMRSSKB     uint32
	VMSwapKB    uint32
	PFMajor     uint64
	PFMinor     uint64

	ExeWritable, ExeUpperLayer, ExeLowerLayer, ExeFromMemfd bool
	CapInheritable, CapPermitted, CapEffective              uint64
	ExeIno, ExeInoCtime, ExeInoMtime                        uint64

	CloneTS     uint64 // start of the thread, ns since the epoch; 0 unknown (older than the capture)
	ExecTS      uint64 // last successful execve, ns since the epoch; 0 none seen
	PidnsInitTS uint64
	LastTS      uint64 // latest event, ns since the epoch; 0 none seen

	// Invented marks a thread first met in mid-stream, without clone or snapshot.
	Invented bool
	// Exited is set once its procexit was seen. The record of a main thread lives
	// on while other threads of the process do.
	Exited bool

	m   *Machine
	cwd string  // of main threads, with a trailing slash
	own fdTable // descriptors; see (*Thread).table
	grp *group  // nil for invented threads

	groupPrev, groupNext     *Thread
	parent                   *Thread // whose list of children holds the thread
	siblingPrev, siblingNext *Thread
	kids                     *Thread // newest child
	nkids                    int
	reaper                   int64 // the kernel's choice at exit, -1 unknown, 0 none

	enter enterEvent
	lines lines // command lines as text, made on demand
}

// FD is what a descriptor refers to. The record serves again for another
// descriptor once this one is closed: keep values, not pointers.
type FD struct {
	Num   int64
	Type  uint8  // SCAP_FD_ value
	Name  string // path made absolute, or tuple text
	Raw   string // path as the call gave it
	Flags uint32 // PPM_O_ bits
	Dev   uint32
	Ino   uint64

	Sock SockInfo

	NameChanged bool // the last event on it gave it this Name

	// CloseOnExec is set when the descriptor is known to be closed by execve.
	CloseOnExec bool

	shared bool  // several tables refer to this record; copy it before a change
	pid    int64 // of a pidfd: the process it stands for
}

// SockInfo describes a socket descriptor. For connected sockets Src is the
// client, Dst the server. A bound or listening socket (SCAP_FD_IPV4_SERVSOCK,
// SCAP_FD_IPV6_SERVSOCK) has its address in Dst.
type SockInfo struct {
	Src, Dst         netip.AddrPort
	L4               uint8 // SCAP_L4_ value
	Role             Role
	UnixSrc, UnixDst uint64
	Connected        bool
	Pending          bool // non-blocking connect under way
}

// Role is the part of a socket in its connection.
type Role uint8

// Roles.
const (
	RoleNone Role = iota
	RoleClient
	RoleServer
)
