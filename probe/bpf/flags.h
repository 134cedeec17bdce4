// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// Translation of native flags and commands to those of the capture format.
// Native values are those of the kernel's uapi headers; where architectures
// differ, both are given.
#ifndef SYSREEL_FLAGS_H
#define SYSREEL_FLAGS_H

#include "types.h"

#if defined(__TARGET_ARCH_arm64)
#define O_DIRECTORY 040000
#define O_DIRECT 0200000
#define O_LARGEFILE 0400000
#else
#define O_DIRECT 040000
#define O_LARGEFILE 0100000
#define O_DIRECTORY 0200000
#endif
#define O_CREAT 0100
#define O_EXCL 0200
#define O_TRUNC 01000
#define O_APPEND 02000
#define O_NONBLOCK 04000
#define O_DSYNC 010000
#define O_CLOEXEC 02000000
#define O_SYNC (04000000 | O_DSYNC)
#define O_TMPFILE (020000000 | O_DIRECTORY)

// BIT maps a native bit to one of ours; any of several native bits counts.
#define BIT(native, ours) \
	if (f & (native)) \
	r |= (ours)

static __always_inline u32 open_flags(u64 f)
{
	u32 acc = f & 3;
	u32 r = acc == 1 ? 2 : acc == 2 ? 3 : 1;
	BIT(O_CREAT, 4);
	BIT(O_TMPFILE, 0x2000);
	BIT(O_APPEND, 8);
	BIT(O_DSYNC, 0x10);
	BIT(O_EXCL, 0x20);
	BIT(O_NONBLOCK, 0x40);
	BIT(O_SYNC, 0x80);
	BIT(O_TRUNC, 0x100);
	BIT(O_DIRECT, 0x200);
	BIT(O_DIRECTORY, 0x400);
	BIT(O_LARGEFILE, 0x800);
	BIT(O_CLOEXEC, 0x1000);
	return r;
}

static __always_inline u32 mode(u64 m)
{
	return m & 07777;
}

static __always_inline u32 open_mode(u64 flags, u64 m)
{
	return flags & (O_CREAT | O_TMPFILE) ? mode(m) : 0;
}

// Permission bits and file type; no type means a regular file.
static __always_inline u32 mknod_mode(u64 m)
{
	u32 type = m & 0170000;
	u32 r = mode(m);
	switch (type) {
	case 0:
		return r | 0100000;
	case 0140000: // socket
	case 0100000: // regular
	case 0060000: // block
	case 0020000: // character
	case 0010000: // fifo
		return r | type;
	}
	return r;
}

// Device number as user space passes it, re-encoded with 12 bits of major
// number (the kernel's own form needs 32 bits).
static __always_inline u32 device(u32 major, u32 minor)
{
	return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}
static __always_inline u32 user_device(u64 dev)
{
	u32 major = (dev & 0xfff00) >> 8, minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
	return device(major, minor);
}
static __always_inline u32 kernel_device(u32 dev)
{
	return device(dev >> 20, dev & 0xfffff);
}

static __always_inline u32 clone_flags(u64 f)
{
	u32 r = 0;
	BIT(0x400, 0x1);             // FILES
	BIT(0x200, 0x2);             // FS
	BIT(0x80000000, 0x4);        // IO
	BIT(0x08000000, 0x8);        // NEWIPC
	BIT(0x40000000, 0x10);       // NEWNET
	BIT(0x00020000, 0x20);       // NEWNS
	BIT(0x20000000, 0x40);       // NEWPID
	BIT(0x04000000, 0x80);       // NEWUTS
	BIT(0x00008000, 0x100);      // PARENT
	BIT(0x00100000, 0x200);      // PARENT_SETTID
	BIT(0x00002000, 0x400);      // PTRACE
	BIT(0x00000800, 0x800);      // SIGHAND
	BIT(0x00040000, 0x1000);     // SYSVSEM
	BIT(0x00010000, 0x2000);     // THREAD
	BIT(0x00800000, 0x4000);     // UNTRACED
	BIT(0x00000100, 0x8000);     // VM
	BIT(0x10000000, 0x100000);   // NEWUSER
	BIT(0x00200000, 0x800000);   // CHILD_CLEARTID
	BIT(0x01000000, 0x1000000);  // CHILD_SETTID
	BIT(0x00080000, 0x2000000);  // SETTLS
	BIT(0x00004000, 0x8000000);  // VFORK
	BIT(0x02000000, 0x10000000); // NEWCGROUP
	return r;
}
#define PPM_CL_FILES 0x1
#define PPM_CL_SIGHAND 0x800
#define PPM_CL_THREAD 0x2000
#define PPM_CL_VM 0x8000
#define PPM_CL_CHILD_IN_PIDNS 0x20000000

static __always_inline u32 prot_flags(u64 f)
{
	u32 r = f & 7; // READ, WRITE, EXEC
	BIT(0x8, 8);          // SEM
	BIT(0x01000000, 16);  // GROWSDOWN
	BIT(0x02000000, 32);  // GROWSUP
	return r;
}

static __always_inline u32 map_flags(u64 f)
{
	u32 r = 0;
	BIT(0x01, 1);   // SHARED
	BIT(0x02, 2);   // PRIVATE
	BIT(0x10, 4);   // FIXED
	BIT(0x20, 8);   // ANONYMOUS
#if defined(__TARGET_ARCH_x86)
	BIT(0x40, 16);  // 32BIT
#endif
	BIT(0x4000, 64);    // NORESERVE
	BIT(0x8000, 128);   // POPULATE
	BIT(0x10000, 256);  // NONBLOCK
	BIT(0x0100, 512);   // GROWSDOWN
	BIT(0x0800, 1024);  // DENYWRITE
	BIT(0x1000, 2048);  // EXECUTABLE
	BIT(0x2000, 16384); // LOCKED
	return r;
}

static __always_inline u32 family(u64 f)
{
	f &= 0xff;
	// PPM_AF_ numbers end at 39 and leave out 27 and 28.
	return f <= 39 && f != 27 && f != 28 ? f : 0;
}

static __always_inline u32 socket_flags(u64 f)
{
	u32 r = 0;
	BIT(O_NONBLOCK, 0x40);
	BIT(O_CLOEXEC, 0x1000);
	return r;
}

// nonblock_cloexec is for the calls whose flags are O_NONBLOCK and O_CLOEXEC;
// a negative number gives none.
static __always_inline u32 nonblock_cloexec(u64 f)
{
	return (s32)f < 0 ? 0 : socket_flags(f);
}

static __always_inline u32 cloexec(u64 f)
{
	return f & O_CLOEXEC ? 0x1000 : 0;
}

static __always_inline u32 pipe2_flags(u64 f)
{
	u32 r = 0;
	if ((s32)f < 0)
		return 0;
	BIT(O_CLOEXEC, 0x1000);
	BIT(O_DIRECT, 0x200);
	BIT(O_NONBLOCK, 0x40);
	return r;
}

static __always_inline u32 flock_flags(u64 f)
{
	u32 r = 0;
	BIT(1, 1); // SH
	BIT(2, 2); // EX
	BIT(4, 4); // NB
	BIT(8, 8); // UN
	return r;
}

static __always_inline u32 futex_op(u64 f)
{
	u32 op = f & 127;
	u32 r = op <= 12 ? op : 0;
	BIT(128, 128); // PRIVATE
	BIT(256, 256); // CLOCK_REALTIME
	return r;
}

static __always_inline u32 whence(u64 f)
{
	return f <= 2 ? f : 0;
}

static __always_inline u32 poll_events(u16 f)
{
	u32 r = f & 7;      // IN, PRI, OUT
	BIT(0x2000, 8);     // RDHUP
	BIT(0x008, 16);     // ERR
	BIT(0x010, 32);     // HUP
	BIT(0x020, 64);     // NVAL
	BIT(0x040, 128);    // RDNORM
	BIT(0x080, 256);    // RDBAND
	BIT(0x100, 512);    // WRNORM
	BIT(0x200, 1024);   // WRBAND
	return r;
}

static __always_inline u32 mount_flags(u64 f)
{
	f = (u32)f;
	return (f & 0xffff0000) == 0xc0ed0000 ? f & 0xffff : f;
}

static __always_inline u32 umount_flags(u64 f)
{
	return f & 15; // FORCE, DETACH, EXPIRE, NOFOLLOW
}

static __always_inline u32 access_mode(u64 f)
{
	return f & 7;
}

static __always_inline u32 shutdown_how(u64 f)
{
	return (u32)f <= 2 ? f : 0xff;
}

static __always_inline u32 rlimit_resource(u64 f)
{
	return (u32)f <= 15 ? f : 0xff;
}

static __always_inline u32 fcntl_cmd(u64 f)
{
	switch ((u32)f) {
	case 0: return 1;     // DUPFD
	case 1: return 2;     // GETFD
	case 2: return 3;     // SETFD
	case 3: return 4;     // GETFL
	case 4: return 5;     // SETFL
	case 5: return 6;     // GETLK
	case 6: return 8;     // SETLK
	case 7: return 9;     // SETLKW
	case 8: return 10;    // SETOWN
	case 9: return 12;    // GETOWN
	case 10: return 13;   // SETSIG
	case 11: return 15;   // GETSIG
	case 12: return 17;   // GETLK64 of 32-bit programs
	case 13: return 18;   // SETLK64
	case 14: return 19;   // SETLKW64
	case 15: return 21;   // SETOWN_EX
	case 16: return 22;   // GETOWN_EX
	case 36: return 30;   // OFD_GETLK
	case 37: return 31;   // OFD_SETLK
	case 38: return 32;   // OFD_SETLKW
	case 1024: return 23; // SETLEASE
	case 1025: return 24; // GETLEASE
	case 1026: return 27; // NOTIFY
	case 1029: return 25; // CANCELLK
	case 1030: return 26; // DUPFD_CLOEXEC
	case 1031: return 28; // SETPIPE_SZ
	case 1032: return 29; // GETPIPE_SZ
	}
	return 0;
}

static __always_inline u32 ptrace_request(u64 f)
{
	switch ((u32)f) {
	case 0: return 1;       // TRACEME
	case 1: return 2;       // PEEKTEXT
	case 2: return 3;       // PEEKDATA
	case 3: return 4;       // PEEKUSR
	case 4: return 5;       // POKETEXT
	case 5: return 6;       // POKEDATA
	case 6: return 7;       // POKEUSR
	case 7: return 8;       // CONT
	case 8: return 9;       // KILL
	case 9: return 10;      // SINGLESTEP
	case 16: return 11;     // ATTACH
	case 17: return 12;     // DETACH
	case 24: return 13;     // SYSCALL
	case 0x4200: return 14; // SETOPTIONS
	case 0x4201: return 15; // GETEVENTMSG
	case 0x4202: return 16; // GETSIGINFO
	case 0x4203: return 17; // SETSIGINFO
	case 0x4204: return 18; // GETREGSET
	case 0x4205: return 19; // SETREGSET
	case 0x4206: return 20; // SEIZE
	case 0x4207: return 21; // INTERRUPT
	case 0x4208: return 22; // LISTEN
	case 0x4209: return 23; // PEEKSIGINFO
	case 0x420a: return 24; // GETSIGMASK
	case 0x420b: return 25; // SETSIGMASK
#if defined(__TARGET_ARCH_x86)
	case 12: return 26; // GETREGS
	case 13: return 27; // SETREGS
	case 14: return 28; // GETFPREGS
	case 15: return 29; // SETFPREGS
	case 18: return 30; // GETFPXREGS
	case 19: return 31; // SETFPXREGS
	case 21: return 32; // OLDSETOPTIONS
	case 25: return 33; // GET_THREAD_AREA
	case 26: return 34; // SET_THREAD_AREA
	case 30: return 35; // ARCH_PRCTL
#endif
	case 31: return 36; // SYSEMU
	case 32: return 37; // SYSEMU_SINGLESTEP
#if defined(__TARGET_ARCH_x86)
	case 33: return 38; // SINGLEBLOCK
#endif
	}
	return 0;
}

static __always_inline u32 quota_cmd(u64 f)
{
	switch ((u32)f >> 8) {
	case 0x800001: return 0x80;   // SYNC
	case 0x800002: return 1;      // QUOTAON
	case 0x800003: return 2;      // QUOTAOFF
	case 0x800004: return 4;      // GETFMT
	case 0x800005: return 8;      // GETINFO
	case 0x800006: return 0x10;   // SETINFO
	case 0x800007: return 0x20;   // GETQUOTA
	case 0x800008: return 0x40;   // SETQUOTA
	case 0x5801: return 0x100;    // XQUOTAON
	case 0x5802: return 0x200;    // XQUOTAOFF
	case 0x5803: return 0x400;    // XGETQUOTA
	case 0x5804: return 0x800;    // XSETQLIM
	case 0x5805: return 0x1000;   // XGETQSTAT
	case 0x5806: return 0x2000;   // XQUOTARM
	case 0x5807: return 0x4000;   // XQUOTASYNC
	case 0x5808: return 0x8000;   // XGETQSTATV
	}
	return 0;
}

static __always_inline u32 quota_type(u64 f)
{
	u32 t = f & 0xff;
	return t == 0 ? 1 : t == 1 ? 2 : 0; // user, group
}

static __always_inline u32 quota_fmt(u64 f)
{
	switch ((u32)f) {
	case 1: return 2; // VFS_OLD
	case 2: return 4; // VFS_V0
	case 4: return 8; // VFS_V1
	}
	return 1; // not used
}

static __always_inline u32 sem_flags(u16 f)
{
	u32 r = 0;
	BIT(04000, 1);  // IPC_NOWAIT
	BIT(0x1000, 2); // SEM_UNDO
	return r;
}

static __always_inline u32 semget_flags(u64 f)
{
	u32 r = 0;
	BIT(01000, 0x2000); // IPC_CREAT
	BIT(02000, 0x4000); // IPC_EXCL
	return r;
}

static __always_inline u32 semctl_cmd(u64 f)
{
	switch ((u32)f) {
	case 0: return 4;      // IPC_RMID
	case 1: return 2;      // IPC_SET
	case 2: return 1;      // IPC_STAT
	case 3: return 8;      // IPC_INFO
	case 11: return 0x100; // GETPID
	case 12: return 0x200; // GETVAL
	case 13: return 0x40;  // GETALL
	case 14: return 0x80;  // GETNCNT
	case 15: return 0x400; // GETZCNT
	case 16: return 0x1000; // SETVAL
	case 17: return 0x800; // SETALL
	case 18: return 0x20;  // SEM_STAT
	case 19: return 0x10;  // SEM_INFO
	}
	return 0;
}

static __always_inline u32 at_flags(u64 f, u32 keep)
{
	return f & keep; // AT_ bits have the same values
}
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define AT_NO_AUTOMOUNT 0x800
#define AT_EMPTY_PATH 0x1000

static __always_inline u32 resolve_flags(u64 f)
{
	u32 r = 0;
	BIT(0x08, 1);  // BENEATH
	BIT(0x10, 2);  // IN_ROOT
	BIT(0x02, 4);  // NO_MAGICLINKS
	BIT(0x04, 8);  // NO_SYMLINKS
	BIT(0x01, 16); // NO_XDEV
	BIT(0x20, 32); // CACHED
	return r;
}

static __always_inline u32 uring_setup_flags(u64 f)
{
	u32 r = f & 3; // IOPOLL, SQPOLL
	BIT(0x4, 8);   // SQ_AFF
	BIT(0x8, 16);  // CQSIZE
	BIT(0x10, 32); // CLAMP
	BIT(0x20, 64); // ATTACH_WQ
	BIT(0x40, 128); // R_DISABLED
	return r;
}

static __always_inline u32 uring_features(u64 f)
{
	return f & 0x7ff; // the first eleven have the same values
}

static __always_inline u32 delete_module_flags(u64 f)
{
	u32 r = 0;
	BIT(O_TRUNC, 1);
	BIT(O_NONBLOCK, 2);
	return r;
}

static __always_inline u32 close_range_flags(u64 f)
{
	u32 r = 0;
	BIT(2, 2); // UNSHARE
	BIT(4, 4); // CLOEXEC
	return r;
}

static __always_inline u32 sockopt_level(u64 f)
{
	return (u32)f == 1 ? 1 : (u32)f == 6 ? 2 : 0; // SOL_SOCKET, SOL_TCP
}

// SOL_SOCKET options: native number to PPM_SOCKOPT_.
static __always_inline u32 sockopt_name(u64 level, u64 f)
{
	f = (u32)f;
	if ((u32)level != 1)
		return 0;
	if (f >= 1 && f <= 50)
		return f;
	switch (f) {
	case 57: return 53; // SO_COOKIE
	case 55: return 52; // SO_MEMINFO
	case 59: return 51; // SO_PEERGROUPS
	case 63: return 29; // SO_TIMESTAMP_NEW
	case 64: return 35; // SO_TIMESTAMPNS_NEW
	case 65: return 37; // SO_TIMESTAMPING_NEW
	case 66: return 20; // SO_RCVTIMEO_NEW
	case 67: return 21; // SO_SNDTIMEO_NEW
	}
	return 0;
}

#endif
