package scapfile

import "net/netip"

// Snapshot is the state of a host when a capture began: the lists that stand in
// front of the events of a section.
type Snapshot struct {
	Machine    *MachineInfo // nil in captures that have none
	Interfaces []Interface
	Users      []User
	Groups     []Group
	Threads    []Thread
}

// MachineInfo describes the recording host.
type MachineInfo struct {
	NumCPUs   uint32
	MemoryB   uint64 // physical memory in bytes
	MaxPID    uint64
	Hostname  string // at most 127 bytes
	BootTime  uint64 // nanoseconds since the epoch, 0 in old files
	Flags     uint64
	Reserved1 uint64
	Reserved2 uint64
}

// Interface is one address of a network interface.
type Interface struct {
	Name      string
	Addr      netip.Addr
	Netmask   netip.Addr
	Broadcast netip.Addr
	LinkSpeed uint64
}

// User is an entry of the host's user database.
type User struct {
	UID, GID          uint32
	Name, Home, Shell string
}

// Group is an entry of the host's group database.
type Group struct {
	GID  uint32
	Name string
}

// Thread is one thread of the host, with the descriptors of its process when it
// is the main thread. Field meanings: scap file format, process list v9.
type Thread struct {
	TID, PID, PTID int64 // host namespace; PTID is the parent thread
	SID            int64 // session
	VPGID          int64 // process group, innermost pid namespace
	PGID           int64 // process group, host namespace; -1 unknown
	VTID, VPID     int64 // innermost pid namespace, -1 unknown
	Comm, Exe      string
	ExePath        string // path of the executable file
	Args, Env      []string
	CWD, Root      string
	Cgroups        []string // "subsystem=/path"
	FDLimit        int64
	Flags          uint32 // PPM_CL_ bits
	UID, GID       uint32 // effective
	LoginUID       uint32 // 0xFFFFFFFF: none
	VMSizeKB       uint32
	VMRSSKB        uint32
	VMSwapKB       uint32
	PageFaultsMaj  uint64
	PageFaultsMin  uint64
	PidnsInitTS    uint64 // start of the pid namespace's init, nanoseconds since the epoch
	TTY            uint32
	ExeWritable    bool
	ExeUpperLayer  bool
	ExeLowerLayer  bool
	ExeFromMemfd   bool
	CapInheritable uint64
	CapPermitted   uint64
	CapEffective   uint64
	ExeIno         uint64
	ExeInoCtime    uint64 // nanoseconds since the epoch
	ExeInoMtime    uint64
	FDs            []FD
}

// FD is an open descriptor of a process. Which fields are set depends on Type.
type FD struct {
	Num      int64
	Ino      uint64
	Type     uint8  // SCAP_FD_ value
	Name     string // path, or the kernel's name of the object
	Flags    uint32 // PPM_O_ bits, regular files only
	Dev      uint32 // device of a regular file
	Src, Dst netip.AddrPort
	L4       uint8  // SCAP_L4_ value
	UnixSrc  uint64 // kernel pointers of a unix socket and its peer
	UnixDst  uint64
}
