// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// The kernel structures that the probe reads, with only the fields it reads.
// Every access is relocated to the running kernel (CO-RE), so order and size
// here mean nothing. A name with three underscores describes an older or newer
// layout of the same structure.
#ifndef SYSREEL_TYPES_H
#define SYSREEL_TYPES_H

typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
// Names that the libbpf headers expect.
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s8 __s8;
typedef s16 __s16;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u64 __be64;
typedef u32 __wsum;
typedef _Bool bool;

#define NULL ((void *)0)
#define true 1
#define false 0

// From the kernel's uapi headers, which BTF does not carry.
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_ANY = 0,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1 << 10,
	BPF_RB_NO_WAKEUP = 1,
};

struct uid_gid_extent { // not relocated: three numbers in every kernel
	u32 first, lower_first, count;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;
typedef struct {
	s64 counter;
} atomic64_t;
typedef struct {
	u32 val;
} kuid_t;
typedef struct {
	u32 val;
} kgid_t;
typedef struct {
	u32 cap[2];
} kernel_cap_t; // one u64 since 6.3, the same eight bytes: read as a whole

struct list_head {
	struct list_head *next, *prev;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip;
};
struct thread_info {
	u32 status;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31];
	u64 sp, pc, pstate;
};
struct pt_regs {
	u64 regs[31];
	u64 sp, pc, pstate;
	u64 orig_x0;
	s32 syscallno;
};
struct thread_info {
	unsigned long flags;
};
#endif

struct qstr {
	u32 len;
	const unsigned char *name;
};
struct super_block {
	u32 s_dev;
	unsigned long s_flags;
	unsigned long s_magic;
};
struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};
struct inode {
	u16 i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	u32 i_flags;
	struct super_block *i_sb;
	unsigned long i_ino;
	s64 i_mtime_sec, i_ctime_sec; // since 6.11
	u32 i_mtime_nsec, i_ctime_nsec;
};
struct inode___timespec { // before 6.11; the name of ctime changed in 6.6
	struct timespec64 i_mtime, i_ctime, __i_mtime, __i_ctime;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct file {
	u32 f_mode;
	void *private_data;
	struct inode *f_inode;
	struct path f_path;
};
struct fdtable {
	u32 max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};

struct kernfs_node {
	struct kernfs_node *__parent; // since 6.15
	const char *name;
};
struct kernfs_node___parent {
	struct kernfs_node *parent;
};
struct cgroup {
	struct kernfs_node *kn;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
struct css_set {
	struct cgroup_subsys_state *subsys[16];
};
enum cgroup_subsys_id {
	cpuset_cgrp_id,
	cpu_cgrp_id,
	cpuacct_cgrp_id,
	io_cgrp_id,
	memory_cgrp_id,
};

struct percpu_counter {
	s64 count;
};
struct mm_struct {
	unsigned long total_vm;
	unsigned long arg_start, arg_end, env_start, env_end;
	struct percpu_counter rss_stat[4]; // since 6.2
	struct file *exe_file;
};
struct mm_rss_stat {
	atomic64_t count[4];
};
struct mm_struct___rss_stat {
	struct mm_rss_stat rss_stat;
};

struct pid_namespace {
	struct task_struct *child_reaper;
	u32 level;
};
struct upid {
	int nr;
	struct pid_namespace *ns;
};
struct pid {
	u32 level;
	struct upid numbers[1];
};
struct nsproxy {
	struct pid_namespace *pid_ns_for_children;
};
struct uid_gid_map {
	struct uid_gid_extent extent[5];
	u32 nr_extents;
};
struct user_namespace {
	struct uid_gid_map uid_map, gid_map;
	int level;
};
struct group_info {
	int ngroups;
	kgid_t gid[1];
};
struct cred {
	kuid_t uid, euid, fsuid;
	kgid_t gid, egid, fsgid;
	kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};

struct tty_driver {
	int major, minor_start;
};
struct tty_struct {
	int index;
	struct tty_driver *driver;
};
struct rlimit {
	unsigned long rlim_cur, rlim_max;
};
enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,
	PIDTYPE_PGID,
	PIDTYPE_SID,
};
struct signal_struct {
	atomic_t live;
	struct list_head thread_head;
	u32 is_child_subreaper : 1;
	u32 has_child_subreaper : 1;
	struct pid *pids[4];
	struct tty_struct *tty;
	struct rlimit rlim[16];
};
struct task_struct {
	struct thread_info thread_info;
	u32 flags;
	struct mm_struct *mm;
	int exit_code;
	int exit_state;
	int pid, tgid;
	struct task_struct *real_parent;
	struct list_head children;
	struct list_head sibling;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct list_head thread_node;
	u64 start_time;
	unsigned long min_flt, maj_flt;
	const struct cred *cred;
	char comm[16];
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	kuid_t loginuid;
	struct css_set *cgroups;
};
struct linux_binprm {
	const char *filename;
	struct file *file;
};

struct in6_addr {
	u8 s6_addr[16];
};
struct sock_common {
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num;
	u16 skc_family;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	u32 sk_ack_backlog, sk_max_ack_backlog;
};
struct ipv6_pinfo {
	struct in6_addr saddr;
};
struct inet_sock {
	struct sock sk;
	struct ipv6_pinfo *pinet6;
	u32 inet_saddr;
	u16 inet_sport;
};
struct socket {
	struct sock *sk;
};
struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
};
struct unix_address {
	int len;
	struct sockaddr_un name[0];
};
struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct sock *peer;
};

union __sifields {
	struct {
		int _pid;
		u32 _uid;
	} _kill;
};
struct kernel_siginfo {
	int si_signo;
	int si_errno;
	int si_code;
	union __sifields _sifields;
};

#pragma clang attribute pop

// User-space structures, as the system call interface defines them.
struct user_iovec {
	u64 base, len;
};
struct user_msghdr {
	u64 name;
	u32 namelen, pad;
	u64 iov, iovlen, control, controllen;
	u32 flags;
};
struct user_mmsghdr {
	struct user_msghdr hdr;
	u32 len, pad;
};
struct user_timespec {
	s64 sec, nsec;
};
struct user_open_how {
	u64 flags, mode, resolve;
};
struct user_rlimit {
	s64 cur, max;
};
struct user_pollfd {
	s32 fd;
	s16 events, revents;
};

#endif
