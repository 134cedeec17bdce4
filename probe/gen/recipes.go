package main

import "github.com/sysreel/sysreel/scapfile/schema"

// A recipe tells how the BPF program of one exit event fills its parameters.
//
// Each parameter is a C expression over the arguments a0..a5 and the return
// value ret. For a parameter of fixed size it is the value; for one of variable
// size it is a call of a function of probe/bpf that appends the bytes and sets
// the length, written without its first arguments (the event and the index of
// the parameter). pre holds statements that come first, for what several
// parameters need; c is the call, nr its native number.
type recipe struct {
	event  schema.EventType
	pre    string
	params []string
}

// Shorthands for what many recipes share.
const (
	preOpened = "struct opened o = {}; opened(&o, ret);"
	preVM     = "struct vm vm = {}; read_vm(&vm, current());"
	preHow    = preOpened + " struct user_open_how how = {}; read_user(&how, sizeof(how), nr, a2);"
	prePipe   = "s32 fds[2]; read_fds(fds, c, a0);"
	preQueue  = "struct queue q = {}; read_queue(&q, ret, a0);"
	preIDs    = "u32 id0 = 0, id1 = 0, id2 = 0; read_user(&id0, 4, nr, a0); read_user(&id1, 4, nr, a1); read_user(&id2, 4, nr, a2);"
)

func vm(first string, rest ...string) []string {
	return append([]string{first, "vm.size", "vm.rss", "vm.swap"}, rest...)
}

// recipes has one row for each exit event with a plain program. Those that the
// kernel makes hard (clone, exec, several messages in one call) are written by
// hand: see handWritten.
var recipes = []recipe{
	// Processes and signals.
	{event: schema.PPME_SYSCALL_KILL_X, params: []string{"ret", "fd(a0)", "a1"}},
	{event: schema.PPME_SYSCALL_TKILL_X, params: []string{"ret", "fd(a0)", "a1"}},
	{event: schema.PPME_SYSCALL_TGKILL_X, params: []string{"ret", "fd(a0)", "fd(a1)", "a2"}},
	{event: schema.PPME_SYSCALL_NANOSLEEP_X, params: []string{"ret", "timespec(c, a0)"}},
	{event: schema.PPME_SYSCALL_GETRLIMIT_X, pre: "struct user_rlimit r = {-1, -1}; if (ret == 0) read_rlimit(&r, c, a1, false);",
		params: []string{"ret", "r.cur", "r.max", "rlimit_resource(a0)"}},
	{event: schema.PPME_SYSCALL_SETRLIMIT_X, pre: "struct user_rlimit r = {}; read_rlimit(&r, c, a1, false);",
		params: []string{"ret", "r.cur", "r.max", "rlimit_resource(a0)"}},
	{event: schema.PPME_SYSCALL_PRLIMIT_X, pre: "struct user_rlimit r = {}, old = {-1, -1}; read_rlimit(&r, c, a2, true); if (ret == 0) read_rlimit(&old, c, a3, true);",
		params: []string{"ret", "r.cur", "r.max", "old.cur", "old.max", "fd(a0)", "rlimit_resource(a1)"}},
	{event: schema.PPME_SYSCALL_PTRACE_X, params: []string{"ret", "ptrace_addr(c)", "ptrace_data(c)", "ptrace_request(a0)", "fd(a1)"}},
	{event: schema.PPME_SYSCALL_SETNS_X, params: []string{"ret", "fd(a0)", "clone_flags(a1)"}},
	{event: schema.PPME_SYSCALL_SETSID_X, params: []string{"ret"}},
	{event: schema.PPME_SYSCALL_UNSHARE_X, params: []string{"ret", "clone_flags(a0)"}},
	{event: schema.PPME_SYSCALL_SETPGID_X, params: []string{"ret", "fd(a0)", "fd(a1)"}},
	{event: schema.PPME_SYSCALL_SECCOMP_X, params: []string{"ret", "a0", "(u32)a1"}},
	{event: schema.PPME_SYSCALL_CAPSET_X, pre: "const struct cred *cred = READ(current(), cred);",
		params: []string{"ret", "CAPABILITIES(cred, cap_inheritable)", "CAPABILITIES(cred, cap_permitted)", "CAPABILITIES(cred, cap_effective)"}},
	{event: schema.PPME_SYSCALL_PRCTL_X, params: []string{"ret", "a0", "prctl_string(c)", "prctl_int(c)"}},
	{event: schema.PPME_SYSCALL_PROCESS_VM_READV_X, params: []string{"ret", "a0", "iov_out(c, ret > 0 ? a1 : 0, a2)"}},
	{event: schema.PPME_SYSCALL_PROCESS_VM_WRITEV_X, params: []string{"ret", "a0", "iov_out(c, ret > 0 ? a1 : 0, a2)"}},

	// Opening, creating and duplicating descriptors.
	{event: schema.PPME_SYSCALL_OPEN_X, pre: preOpened,
		params: []string{"ret", "path(nr, a0)", "open_flags(a1) | o.flags", "open_mode(a1, a2)", "o.dev", "o.ino"}},
	{event: schema.PPME_SYSCALL_CLOSE_X, params: []string{"ret", "fd(a0)"}},
	{event: schema.PPME_SYSCALL_CREAT_X, pre: preOpened,
		params: []string{"ret", "path(nr, a0)", "mode(a1)", "o.dev", "o.ino", "o.layer"}},
	{event: schema.PPME_SYSCALL_PIPE_X, pre: prePipe, params: []string{"ret", "fds[0]", "fds[1]", "inode_of_fd(ret, fds[0])"}},
	{event: schema.PPME_SYSCALL_EVENTFD_X, params: []string{"ret", "a0", "0"}},
	{event: schema.PPME_SYSCALL_EPOLLWAIT_X, params: []string{"ret", "fd(a2)"}},
	{event: schema.PPME_SYSCALL_SIGNALFD_X, params: []string{"ret", "fd(a0)", "0", "0"}},
	{event: schema.PPME_SYSCALL_TIMERFD_CREATE_X, params: []string{"ret", "a0", "socket_flags(a1)"}},
	{event: schema.PPME_SYSCALL_INOTIFY_INIT_X, params: []string{"ret", "0"}},
	{event: schema.PPME_SYSCALL_FCNTL_X, params: []string{"ret", "fd(a0)", "fcntl_cmd(a1)", "a2"}},
	{event: schema.PPME_SYSCALL_OPENAT_2_X, pre: preOpened,
		params: []string{"ret", "fd(a0)", "path(nr, a1)", "open_flags(a2) | o.flags", "open_mode(a2, a3)", "o.dev", "o.ino"}},
	{event: schema.PPME_SYSCALL_USERFAULTFD_X, params: []string{"ret", "a0"}},
	{event: schema.PPME_SYSCALL_OPENAT2_X, pre: preHow,
		params: []string{"ret", "fd(a0)", "path(nr, a1)", "open_flags(how.flags) | o.flags", "open_mode(how.flags, how.mode)", "resolve_flags(how.resolve)", "o.dev", "o.ino"}},
	{event: schema.PPME_SYSCALL_OPEN_BY_HANDLE_AT_X, pre: preOpened,
		params: []string{"ret", "fd(a0)", "open_flags(a2) | o.flags", "opened_path(ret)", "o.dev", "o.ino"}},
	{event: schema.PPME_SYSCALL_IO_URING_SETUP_X, pre: "u32 p[6] = {}; read_user(p, sizeof(p), nr, a1);",
		params: []string{"ret", "a0", "p[0]", "p[1]", "uring_setup_flags(p[2])", "p[3]", "p[4]", "uring_features(p[5])"}},
	{event: schema.PPME_SYSCALL_IO_URING_ENTER_X, params: []string{"ret", "fd(a0)", "a1", "a2", "a3 & 15", "a4"}},
	{event: schema.PPME_SYSCALL_IO_URING_REGISTER_X, params: []string{"ret", "fd(a0)", "a1", "a2", "a3"}},
	{event: schema.PPME_SYSCALL_DUP2_X, params: []string{"fd(ret)", "fd(a0)", "fd(a1)"}},
	{event: schema.PPME_SYSCALL_DUP3_X, params: []string{"fd(ret)", "fd(a0)", "fd(a1)", "cloexec(a2)"}},
	{event: schema.PPME_SYSCALL_DUP_1_X, params: []string{"fd(ret)", "fd(a0)"}},
	{event: schema.PPME_SYSCALL_EPOLL_CREATE_X, params: []string{"ret", "a0"}},
	{event: schema.PPME_SYSCALL_EPOLL_CREATE1_X, params: []string{"ret", "a0 & O_CLOEXEC ? 1 : 0"}},
	{event: schema.PPME_SYSCALL_PIPE2_X, pre: prePipe,
		params: []string{"ret", "fds[0]", "fds[1]", "inode_of_fd(ret, fds[0])", "pipe2_flags(a1)"}},
	{event: schema.PPME_SYSCALL_INOTIFY_INIT1_X, params: []string{"ret", "nonblock_cloexec(a0)"}},
	{event: schema.PPME_SYSCALL_EVENTFD2_X, params: []string{"ret", "nonblock_cloexec(a1)", "(u32)a0"}},
	{event: schema.PPME_SYSCALL_SIGNALFD4_X, params: []string{"fd(ret)", "nonblock_cloexec(a3)", "fd(a0)", "0"}},
	{event: schema.PPME_SYSCALL_MEMFD_CREATE_X, params: []string{"ret", "path(nr, a0)", "a1 & 7"}},
	{event: schema.PPME_SYSCALL_PIDFD_GETFD_X, params: []string{"ret", "fd(a0)", "fd(a1)", "a2"}},
	{event: schema.PPME_SYSCALL_PIDFD_OPEN_X, params: []string{"ret", "fd(a0)", "a1 & O_NONBLOCK ? 1 : 0"}},
	{event: schema.PPME_SYSCALL_CLOSE_RANGE_X, params: []string{"ret", "a0", "a1", "close_range_flags(a2)"}},

	// Data transfer.
	{event: schema.PPME_SYSCALL_READ_X, params: []string{"ret", "data_out(c, a1)", "fd(a0)", "a2"}},
	{event: schema.PPME_SYSCALL_WRITE_X, params: []string{"ret", "data_in(c, a1, a2)", "fd(a0)", "a2"}},
	{event: schema.PPME_SYSCALL_POLL_X, params: []string{"ret", "poll_list(c, a0, a1)", "(u32)a2"}},
	{event: schema.PPME_SYSCALL_SELECT_X, params: []string{"ret"}},
	{event: schema.PPME_SYSCALL_LSEEK_X, params: []string{"ret", "fd(a0)", "a1", "whence(a2)"}},
	{event: schema.PPME_SYSCALL_LLSEEK_X, params: []string{"ret", "fd(a0)", "(a1 << 32) + (u32)a2", "whence(a4)"}},
	{event: schema.PPME_SYSCALL_PREAD_X, params: []string{"ret", "data_out(c, a1)", "fd(a0)", "a2", "a3"}},
	{event: schema.PPME_SYSCALL_PWRITE_X, params: []string{"ret", "data_in(c, a1, a2)", "fd(a0)", "a2", "a3"}},
	{event: schema.PPME_SYSCALL_READV_X, params: []string{"ret", "ret > 0 ? ret : 0", "iov_out(c, ret > 0 ? a1 : 0, a2)", "fd(a0)"}},
	{event: schema.PPME_SYSCALL_WRITEV_X, params: []string{"ret", "iov_in(c, a1, a2)", "fd(a0)", "iov_size(c, a1, a2)"}},
	{event: schema.PPME_SYSCALL_PREADV_X, params: []string{"ret", "ret > 0 ? ret : 0", "iov_out(c, ret > 0 ? a1 : 0, a2)", "fd(a0)", "a3"}},
	{event: schema.PPME_SYSCALL_PWRITEV_X, params: []string{"ret", "iov_in(c, a1, a2)", "fd(a0)", "iov_size(c, a1, a2)", "a3"}},
	{event: schema.PPME_SYSCALL_SPLICE_X, params: []string{"ret", "fd(a0)", "fd(a2)", "a4", "a5 & 15"}},
	{event: schema.PPME_SYSCALL_IOCTL_3_X, params: []string{"ret", "fd(a0)", "a1", "a2"}},
	{event: schema.PPME_SYSCALL_SENDFILE_X, pre: "u64 off = 0; read_user(&off, c->compat ? 4 : 8, nr, a2);",
		params: []string{"ret", "off", "fd(a0)", "fd(a1)", "a3"}},
	{event: schema.PPME_SYSCALL_FLOCK_X, params: []string{"ret", "fd(a0)", "flock_flags(a1)"}},
	{event: schema.PPME_SYSCALL_PPOLL_X, pre: "u32 mask = 0; read_user(&mask, 4, nr, a3);",
		params: []string{"ret", "poll_list(c, a0, a1)", "timespec(c, a2)", "mask"}},
	{event: schema.PPME_SYSCALL_COPY_FILE_RANGE_X, params: []string{"ret", "fd(a2)", "a3", "fd(a0)", "a1", "a4"}},

	// Sockets.
	{event: schema.PPME_SOCKET_SOCKET_X, params: []string{"ret", "family(a0)", "a1", "a2", "socket_flags(a1)"}},
	{event: schema.PPME_SOCKET_BIND_X, params: []string{"ret", "sockaddr(nr, a1, a2)", "fd(a0)"}},
	{event: schema.PPME_SOCKET_CONNECT_X, params: []string{"ret", "tuple(ret == 0 || ret == -115 ? (s32)a0 : -1, OUTBOUND, a1, a2)", "fd(a0)", "sockaddr(nr, a1, a2)"}},
	{event: schema.PPME_SOCKET_LISTEN_X, params: []string{"ret", "fd(a0)", "a1"}},
	{event: schema.PPME_SOCKET_SEND_X, params: []string{"ret", "data_in(c, a1, a2)", "fd(a0)", "a2", "tuple(ret >= 0 ? (s32)a0 : -1, OUTBOUND, 0, 0)"}},
	{event: schema.PPME_SOCKET_SENDTO_X, params: []string{"ret", "data_in(c, a1, a2)", "fd(a0)", "a2", "tuple(ret >= 0 ? (s32)a0 : -1, OUTBOUND, a4, a5)"}},
	{event: schema.PPME_SOCKET_RECV_X, params: []string{"ret", "data_out(c, a1)", "fd(a0)", "a2", "tuple(ret >= 0 ? (s32)a0 : -1, INBOUND, 0, 0)"}},
	{event: schema.PPME_SOCKET_RECVFROM_X, params: []string{"ret", "data_out(c, a1)", "tuple(ret >= 0 ? (s32)a0 : -1, INBOUND, a4, a4 ? 28 : 0)", "fd(a0)", "a2"}},
	{event: schema.PPME_SOCKET_SHUTDOWN_X, params: []string{"ret", "fd(a0)", "shutdown_how(a1)"}},
	{event: schema.PPME_SOCKET_GETSOCKNAME_X},
	{event: schema.PPME_SOCKET_GETPEERNAME_X},
	{event: schema.PPME_SOCKET_SOCKETPAIR_X, pre: "struct pair p = {-1, -1}; read_pair(&p, c, a3);",
		params: []string{"ret", "p.fd1", "p.fd2", "p.source", "p.peer", "family(a0)", "a1", "a2"}},
	{event: schema.PPME_SOCKET_SETSOCKOPT_X, params: []string{"ret", "fd(a0)", "sockopt_level(a1)", "sockopt_name(a1, a2)", "sockopt_value(c, a3, (u16)a4)", "(u16)a4"}},
	{event: schema.PPME_SOCKET_GETSOCKOPT_X, pre: "u32 optlen = 0; read_user(&optlen, 4, nr, a4);",
		params: []string{"ret", "fd(a0)", "sockopt_level(a1)", "sockopt_name(a1, a2)", "sockopt_value(c, a3, (u16)optlen)", "optlen"}},
	{event: schema.PPME_SOCKET_SENDMSG_X, pre: "struct user_msghdr m = {}; bool have = read_msghdr(&m, c, a1);",
		params: []string{"ret", "iov_in(c, m.iov, m.iovlen)", "fd(a0)", "optional32(have, iov_size(c, m.iov, m.iovlen))", "tuple(have && ret >= 0 ? (s32)a0 : -1, OUTBOUND, m.name, m.namelen)"}},
	{event: schema.PPME_SOCKET_RECVMSG_X, pre: "struct user_msghdr m = {}; if (ret >= 0) read_msghdr(&m, c, a1);",
		params: []string{"ret", "ret > 0 ? ret : 0", "iov_out(c, m.iov, m.iovlen)", "tuple(ret >= 0 ? (s32)a0 : -1, INBOUND, m.name, m.namelen)", "bytes(nr, m.control, m.controllen)", "fd(a0)"}},
	{event: schema.PPME_SOCKET_ACCEPT_5_X, pre: preQueue,
		params: []string{"ret", "tuple(ret, INBOUND, 0, 0)", "q.percent", "q.len", "q.max"}},
	{event: schema.PPME_SOCKET_ACCEPT4_6_X, pre: preQueue,
		params: []string{"ret", "tuple(ret, INBOUND, 0, 0)", "q.percent", "q.len", "q.max", "nonblock_cloexec(a3)"}},

	// File system.
	{event: schema.PPME_SYSCALL_STAT_X, params: []string{"ret", "path(nr, a0)"}},
	{event: schema.PPME_SYSCALL_LSTAT_X, params: []string{"ret", "path(nr, a0)"}},
	{event: schema.PPME_SYSCALL_FSTAT_X, params: []string{"ret", "fd(a0)"}},
	{event: schema.PPME_SYSCALL_GETCWD_X, params: []string{"ret", "path(nr, ret >= 0 ? a0 : 0)"}},
	{event: schema.PPME_SYSCALL_CHDIR_X, params: []string{"ret", "path(nr, a0)"}},
	{event: schema.PPME_SYSCALL_FCHDIR_X, params: []string{"ret", "fd(a0)"}},
	{event: schema.PPME_SYSCALL_RENAME_X, params: []string{"ret", "path(nr, a0)", "path(nr, a1)"}},
	{event: schema.PPME_SYSCALL_RENAMEAT_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "fd(a2)", "path(nr, a3)"}},
	{event: schema.PPME_SYSCALL_SYMLINK_X, params: []string{"ret", "path(nr, a0)", "path(nr, a1)"}},
	{event: schema.PPME_SYSCALL_SYMLINKAT_X, params: []string{"ret", "path(nr, a0)", "fd(a1)", "path(nr, a2)"}},
	{event: schema.PPME_SYSCALL_QUOTACTL_X, pre: "struct quota q = {.fmt = 1}; read_quota(&q, c);",
		params: []string{"ret", "path(nr, a1)", "path(nr, quota_cmd(a0) == 1 ? a3 : 0)", "q.bhard", "q.bsoft", "q.space", "q.ihard", "q.isoft", "q.btime", "q.itime",
			"q.bgrace", "q.igrace", "q.flags", "q.fmt", "quota_cmd(a0)", "quota_type(a0)", "quota_id(c)", "quota_cmd(a0) == 1 ? quota_fmt(a2) : 1"}},
	{event: schema.PPME_SYSCALL_GETDENTS_X, params: []string{"ret", "fd(a0)"}},
	{event: schema.PPME_SYSCALL_GETDENTS64_X, params: []string{"ret", "fd(a0)"}},
	{event: schema.PPME_SYSCALL_MOUNT_X, params: []string{"ret", "path(nr, a0)", "path(nr, a1)", "path(nr, a2)", "mount_flags(a3)"}},
	{event: schema.PPME_SYSCALL_ACCESS_X, params: []string{"ret", "path(nr, a0)", "access_mode(a1)"}},
	{event: schema.PPME_SYSCALL_CHROOT_X, params: []string{"ret", "path(nr, a0)"}},
	{event: schema.PPME_SYSCALL_MKDIR_2_X, params: []string{"ret", "path(nr, a0)", "a1"}},
	{event: schema.PPME_SYSCALL_RMDIR_2_X, params: []string{"ret", "path(nr, a0)"}},
	{event: schema.PPME_SYSCALL_UNLINK_2_X, params: []string{"ret", "path(nr, a0)"}},
	{event: schema.PPME_SYSCALL_UNLINKAT_2_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "at_flags(a2, AT_REMOVEDIR)"}},
	{event: schema.PPME_SYSCALL_MKDIRAT_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "a2"}},
	{event: schema.PPME_SYSCALL_LINK_2_X, params: []string{"ret", "path(nr, a0)", "path(nr, a1)"}},
	{event: schema.PPME_SYSCALL_LINKAT_2_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "fd(a2)", "path(nr, a3)", "at_flags(a4, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)"}},
	{event: schema.PPME_SYSCALL_FCHMODAT_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "mode(a2)"}},
	{event: schema.PPME_SYSCALL_CHMOD_X, params: []string{"ret", "path(nr, a0)", "mode(a1)"}},
	{event: schema.PPME_SYSCALL_FCHMOD_X, params: []string{"ret", "fd(a0)", "mode(a1)"}},
	{event: schema.PPME_SYSCALL_RENAMEAT2_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "fd(a2)", "path(nr, a3)", "a4"}},
	{event: schema.PPME_SYSCALL_FSCONFIG_X, params: []string{"ret", "fd(a0)", "a1", "path(nr, a2)", "fsconfig_bytes(c)", "fsconfig_string(c)", "a4"}},
	{event: schema.PPME_SYSCALL_CHOWN_X, params: []string{"ret", "path(nr, a0)", "a1", "a2"}},
	{event: schema.PPME_SYSCALL_LCHOWN_X, params: []string{"ret", "path(nr, a0)", "a1", "a2"}},
	{event: schema.PPME_SYSCALL_FCHOWN_X, params: []string{"ret", "fd(a0)", "a1", "a2"}},
	{event: schema.PPME_SYSCALL_FCHOWNAT_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "a2", "a3", "at_flags(a4, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)"}},
	{event: schema.PPME_SYSCALL_UMOUNT_1_X, params: []string{"ret", "path(nr, a0)"}},
	{event: schema.PPME_SYSCALL_UMOUNT2_X, params: []string{"ret", "path(nr, a0)", "umount_flags(a1)"}},
	{event: schema.PPME_SYSCALL_MKNOD_X, params: []string{"ret", "path(nr, a0)", "mknod_mode(a1)", "user_device(a2)"}},
	{event: schema.PPME_SYSCALL_MKNODAT_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "mknod_mode(a2)", "user_device(a3)"}},
	{event: schema.PPME_SYSCALL_NEWFSTATAT_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "at_flags(a3, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT)"}},

	// Memory.
	{event: schema.PPME_SYSCALL_FUTEX_X, params: []string{"ret", "a0", "futex_op(a1)", "a2"}},
	{event: schema.PPME_SYSCALL_BRK_4_X, pre: preVM, params: vm("ret", "a0")},
	{event: schema.PPME_SYSCALL_MMAP_X, pre: preVM, params: vm("ret", "a0", "a1", "prot_flags(a2)", "map_flags(a3)", "fd(a4)", "a5")},
	{event: schema.PPME_SYSCALL_MMAP2_X, pre: preVM, params: vm("ret", "a0", "a1", "prot_flags(a2)", "map_flags(a3)", "fd(a4)", "a5")},
	{event: schema.PPME_SYSCALL_MUNMAP_X, pre: preVM, params: vm("ret", "a0", "a1")},
	{event: schema.PPME_SYSCALL_MPROTECT_X, params: []string{"ret", "a0", "a1", "prot_flags(a2)"}},
	{event: schema.PPME_SYSCALL_MLOCK_X, params: []string{"ret", "a0", "a1"}},
	{event: schema.PPME_SYSCALL_MUNLOCK_X, params: []string{"ret", "a0", "a1"}},
	{event: schema.PPME_SYSCALL_MLOCKALL_X, params: []string{"ret", "a0 & 7"}},
	{event: schema.PPME_SYSCALL_MUNLOCKALL_X, params: []string{"ret"}},
	{event: schema.PPME_SYSCALL_MLOCK2_X, params: []string{"ret", "a0", "a1", "a2 & 1"}},

	// Identity, IPC, modules, keys.
	{event: schema.PPME_SYSCALL_SETRESUID_X, params: []string{"ret", "a0", "a1", "a2"}},
	{event: schema.PPME_SYSCALL_SETRESGID_X, params: []string{"ret", "a0", "a1", "a2"}},
	{event: schema.PPME_SYSCALL_SETUID_X, params: []string{"ret", "a0"}},
	{event: schema.PPME_SYSCALL_SETGID_X, params: []string{"ret", "a0"}},
	{event: schema.PPME_SYSCALL_GETUID_X, params: []string{"ret"}},
	{event: schema.PPME_SYSCALL_GETEUID_X, params: []string{"ret"}},
	{event: schema.PPME_SYSCALL_GETGID_X, params: []string{"ret"}},
	{event: schema.PPME_SYSCALL_GETEGID_X, params: []string{"ret"}},
	{event: schema.PPME_SYSCALL_GETRESUID_X, pre: preIDs, params: []string{"ret", "id0", "id1", "id2"}},
	{event: schema.PPME_SYSCALL_GETRESGID_X, pre: preIDs, params: []string{"ret", "id0", "id1", "id2"}},
	{event: schema.PPME_SYSCALL_SEMOP_X, pre: "struct sems sem = {}; read_sems(&sem, c, a1, a2);",
		params: []string{"ret", "a2", "sem.op[0].num", "sem.op[0].op", "sem_flags(sem.op[0].flags)", "sem.op[1].num", "sem.op[1].op", "sem_flags(sem.op[1].flags)", "a0"}},
	{event: schema.PPME_SYSCALL_SEMCTL_X, params: []string{"ret", "a0", "a1", "semctl_cmd(a2)", "a2 == 16 ? a3 : 0"}},
	{event: schema.PPME_SYSCALL_SEMGET_X, params: []string{"ret", "a0", "a1", "semget_flags(a2)"}},
	{event: schema.PPME_SYSCALL_BPF_2_X, params: []string{"ret", "a0"}},
	{event: schema.PPME_SYSCALL_INIT_MODULE_X, params: []string{"ret", "bytes(nr, a0, (u16)a1)", "a1", "path(nr, a2)"}},
	{event: schema.PPME_SYSCALL_FINIT_MODULE_X, params: []string{"ret", "fd(a0)", "path(nr, a1)", "a2 & 7"}},
	{event: schema.PPME_SYSCALL_DELETE_MODULE_X, params: []string{"ret", "path(nr, a0)", "delete_module_flags(a1)"}},
	{event: schema.PPME_SYSCALL_SETREUID_X, params: []string{"ret", "a0", "a1"}},
	{event: schema.PPME_SYSCALL_SETREGID_X, params: []string{"ret", "a0", "a1"}},
	{event: schema.PPME_SYSCALL_KEYCTL_X, params: []string{"ret", "a0", "keyctl_arg(c, 1)", "keyctl_arg(c, 2)", "keyctl_arg(c, 3)", "keyctl_arg(c, 4)"}},
}

// handWritten are the exit events whose programs stand in probe/bpf/process.h
// and probe/bpf/message.h.
var handWritten = []schema.EventType{
	schema.PPME_GENERIC_X,
	schema.PPME_SYSCALL_CLONE_20_X,
	schema.PPME_SYSCALL_CLONE3_X,
	schema.PPME_SYSCALL_FORK_20_X,
	schema.PPME_SYSCALL_VFORK_20_X,
	schema.PPME_SYSCALL_EXECVE_19_X,
	schema.PPME_SYSCALL_EXECVEAT_X,
	schema.PPME_SOCKET_SENDMMSG_X,
	schema.PPME_SOCKET_RECVMMSG_X,
}
