package capture

// setTables are the selection sets that stand for a fixed list of calls. The
// lists are strace's classes (%file, %process, %network, %desc, %signal, %ipc,
// %memory, %creds), read off strace 6.1 by making every call under it; calls that are
// newer than that, 32-bit forms, and the tracepoints that belong to a set were
// added by strace's own definitions of the classes.
var setTables = []struct {
	name  string
	about string
	calls string
}{
	{"file", "a path is an argument", `
		access acct chdir chmod chown chroot creat execve execveat faccessat faccessat2 fanotify_mark
		fchmodat fchmodat2 fchownat file_getattr file_setattr fsconfig fspick fstatat64 futimesat getcwd
		getxattr getxattrat inotify_add_watch lchown lgetxattr link linkat listxattr listxattrat llistxattr
		lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat mount mount_setattr move_mount
		name_to_handle_at newfstatat oldlstat oldstat open open_tree open_tree_attr openat openat2
		pivot_root quotactl readlink readlinkat removexattr removexattrat rename renameat renameat2 rmdir
		setxattr setxattrat stat stat64 statfs statfs64 statx swapoff swapon symlink symlinkat
		truncate umount umount2 unlink unlinkat uselib utime utimensat utimes`},
	{"process", "life of processes: creation, execution, waiting, signals sent", `
		clone clone3 execve execveat exit exit_group fork kill pidfd_send_signal rt_sigqueueinfo
		rt_tgsigqueueinfo sched_process_exit tgkill tkill vfork wait4 waitid waitpid`},
	{"network", "sockets", `
		accept accept4 bind connect getpeername getpmsg getsockname getsockopt listen recv recvfrom recvmmsg
		recvmsg send sendfile sendmmsg sendmsg sendto setsockopt shutdown socket socketcall socketpair`},
	{"desc", "a file descriptor is an argument or the result", `
		_llseek _newselect bpf cachestat close close_range copy_file_range creat dup dup2 dup3 epoll_create
		epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
		eventfd2 execveat faccessat faccessat2 fadvise64 fallocate fanotify_init fanotify_mark fchdir fchmod
		fchmodat fchmodat2 fchown fchownat fcntl fcntl64 fdatasync fgetxattr file_getattr file_setattr
		finit_module flistxattr flock fremovexattr fsconfig fsetxattr fsmount fsopen fspick fstat fstat64
		fstatat64 fstatfs fstatfs64 fsync ftruncate futimesat getdents getdents64 getxattrat
		inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_uring_enter io_uring_register
		io_uring_setup ioctl kexec_file_load landlock_add_rule landlock_create_ruleset
		landlock_restrict_self linkat listxattrat lseek memfd_create memfd_secret mkdirat mknodat mmap mmap2
		mount_setattr move_mount mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend
		name_to_handle_at newfstatat oldfstat open open_by_handle_at open_tree open_tree_attr openat openat2
		perf_event_open pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 poll ppoll pread64 preadv
		preadv2 process_madvise process_mrelease pselect6 pwrite64 pwritev pwritev2 quotactl_fd read
		readahead readdir readlinkat readv removexattrat renameat renameat2 select sendfile sendfile64 setns
		setxattrat signalfd signalfd4 splice statx symlinkat sync_file_range sync_file_range2 syncfs tee
		timerfd_create timerfd_gettime timerfd_settime unlinkat userfaultfd utimensat vmsplice write writev`},
	{"signal", "signals", `
		io_uring_enter kill pause pidfd_send_signal rt_sigaction rt_sigpending rt_sigprocmask
		rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sgetmask sigaction
		sigaltstack signal signal_deliver signalfd signalfd4 sigpending sigprocmask sigreturn sigsuspend
		ssetmask tgkill tkill`},
	{"ipc", "System V IPC", `
		ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget`},
	{"memory", "address space", `
		brk get_mempolicy io_destroy io_setup io_uring_register madvise map_shadow_stack mbind migrate_pages
		mincore mlock mlock2 mlockall mmap mmap2 move_pages mprotect mremap mseal msync munlock munlockall
		munmap pkey_mprotect remap_file_pages set_mempolicy set_mempolicy_home_node shmat shmdt`},
	{"creds", "user and group ids, capabilities", `
		capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getresgid getresgid32
		getresuid getresuid32 getuid getuid32 prctl setfsgid setfsuid setgid setgid32 setgroups setregid
		setresgid setresgid32 setresuid setresuid32 setreuid setuid setuid32`},
	{"exec", "programs started", `
		execve execveat`},
}
