// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// Birth, change and end of tasks.
#ifndef SYSREEL_PROCESS_H
#define SYSREEL_PROCESS_H

#include "params.h"

#define PPME_CLONE_20_X 223
#define PPME_FORK_20_X 225
#define PPME_VFORK_20_X 227
#define PPME_CLONE3_X 335
#define PPME_EXECVE_19_X 293
#define PPME_EXECVEAT_X 331
#define PPME_PROCEXIT_1_E 186

// put_task records parameters 3 to 14, common to clone and exec: identity,
// descriptor limit, page faults, memory, comm and cgroups. The page faults may
// be those of another task.
static __always_inline void put_task(struct ev *e, struct task_struct *t, struct task_struct *faults)
{
	struct vm vm = {};
	read_vm(&vm, t);
	put64(e, 3, fd(READ(t, pid)));
	put64(e, 4, fd(READ(t, tgid)));
	put64(e, 5, fd(READ(t, real_parent, pid)));
	empty(e, 6); // cwd, to be derived from the parent
	put64(e, 7, fd_limit(t));
	put64(e, 8, READ(faults, maj_flt));
	put64(e, 9, READ(faults, min_flt));
	put32(e, 10, vm.size);
	put32(e, 11, vm.rss);
	put32(e, 12, vm.swap);
	put_comm(e, 13, t);
	put_cgroups(e, 14, t);
}

// put_clone records the parameters of a clone event about task t.
static __always_inline void put_clone(struct ev *e, u32 nr, s64 ret, struct task_struct *t, struct task_struct *faults, u32 flags)
{
	const struct cred *cred = READ(t, cred);
	u64 init_start = 0;
	put64(e, 0, ret);
	if (ret >= 0) {
		put_args(e, 1, nr, READ(t, mm));
	} else {
		empty(e, 1);
		empty(e, 2);
	}
	put_task(e, t, faults);
	put32(e, 15, flags);
	put32(e, 16, READ(cred, euid.val));
	put32(e, 17, READ(cred, egid.val));
	put64(e, 18, fd(vtid(t)));
	put64(e, 19, fd(vpid(t)));
	if (ret == 0)
		init_start = READ(pid_ns(t), child_reaper, start_time);
	put64(e, 20, init_start);
}

// in_pidns is the flag that the child does not live in the host's pid namespace.
static __always_inline u32 in_pidns(struct task_struct *t, s64 ret)
{
	if (task_level(t))
		return PPM_CL_CHILD_IN_PIDNS;
	if (ret > 0 && READ(t, nsproxy, pid_ns_for_children) != pid_ns(t))
		return PPM_CL_CHILD_IN_PIDNS;
	return 0;
}

static __always_inline int record_clone(u16 type, u64 native)
{
	struct scratch *s = scratch_of(0);
	if (!s)
		return 0;
	struct call *c = &s->call;
	struct task_struct *t = current();
	struct ev e;
	start(&e, s, type, 21, c->tid);
	put_clone(&e, c->nr, c->ret, t, t, clone_flags(native) | in_pidns(t, c->ret));
	finish(&e, c->nr);
	return 0;
}

SEC("tp_btf/sys_exit")
int clone_x223(void *ctx)
{
	struct scratch *s = scratch_of(0);
	return s ? record_clone(PPME_CLONE_20_X, s->call.arg[0]) : 0;
}

SEC("tp_btf/sys_exit")
int clone3_x335(void *ctx)
{
	struct scratch *s = scratch_of(0);
	u64 flags = 0; // first member of struct clone_args
	if (!s)
		return 0;
	read_user(&flags, sizeof(flags), s->call.nr, s->call.arg[0]);
	return record_clone(PPME_CLONE3_X, flags);
}

SEC("tp_btf/sys_exit")
int fork_x225(void *ctx)
{
	return record_clone(PPME_FORK_20_X, 0);
}

SEC("tp_btf/sys_exit")
int vfork_x227(void *ctx)
{
	return record_clone(PPME_VFORK_20_X, 0);
}

static __always_inline u32 tty_device(struct task_struct *t)
{
	struct tty_struct *tty = READ(t, signal, tty);
	if (!tty)
		return 0;
	struct tty_driver *d = READ(tty, driver);
	return device(READ(d, major), READ(d, minor_start) + READ(tty, index));
}

// epoch makes one number of seconds and nanoseconds. Since 6.13 the highest bit
// of the latter marks a time that has been asked for.
static __always_inline u64 epoch(s64 sec, s64 nsec)
{
	return sec < 0 ? 0 : sec * 1000000000 + (nsec & 0x3fffffff);
}

// The fields of times have changed twice. Each branch begins with a barrier, or
// the compiler would compute the addresses of all of them beforehand, also those
// that this kernel does not have, which the verifier refuses.
static __always_inline u64 inode_ctime(struct inode *inode)
{
	struct inode___timespec *old = (void *)inode;
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		barrier();
		return epoch(READ(inode, i_ctime_sec), READ(inode, i_ctime_nsec));
	}
	if (bpf_core_field_exists(old->__i_ctime)) {
		barrier();
		return epoch(READ(old, __i_ctime.tv_sec), READ(old, __i_ctime.tv_nsec));
	}
	barrier();
	return epoch(READ(old, i_ctime.tv_sec), READ(old, i_ctime.tv_nsec));
}

static __always_inline u64 inode_mtime(struct inode *inode)
{
	struct inode___timespec *old = (void *)inode;
	if (bpf_core_field_exists(inode->i_mtime_sec)) {
		barrier();
		return epoch(READ(inode, i_mtime_sec), READ(inode, i_mtime_nsec));
	}
	if (bpf_core_field_exists(old->__i_mtime)) {
		barrier();
		return epoch(READ(old, __i_mtime.tv_sec), READ(old, __i_mtime.tv_nsec));
	}
	barrier();
	return epoch(READ(old, i_mtime.tv_sec), READ(old, i_mtime.tv_nsec));
}

// in_group tells whether the sorted supplementary groups of cred contain gid.
static __noinline int in_group(const struct cred *cred, u32 gid)
{
	struct group_info *g = READ(cred, group_info);
	u32 lo = 0, hi = READ(g, ngroups);
	for (int k = 0; k < 17; k++) { // at most 65536 groups
		if (lo >= hi)
			return 0;
		u32 mid = (lo + hi) / 2, v = 0;
		bpf_probe_read_kernel(&v, sizeof(v), (void *)g + bpf_core_field_offset(struct group_info, gid) + 4ULL * mid);
		if (v == gid)
			return 1;
		if (v < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

// mapped tells whether the host id is known in a user namespace, among its
// first five ranges.
static __noinline int mapped(struct uid_gid_map *map, u32 id)
{
	u32 n = READ(map, nr_extents);
	for (u32 k = 0; k < 5 && k < n; k++) {
		struct uid_gid_extent x = {};
		bpf_probe_read_kernel(&x, sizeof(x), (void *)map + bpf_core_field_offset(struct uid_gid_map, extent) + sizeof(x) * k);
		if (id >= x.lower_first && id - x.lower_first < x.count)
			return 1;
	}
	return 0;
}

#define CAP_DAC_OVERRIDE 2
#define CAP_FOWNER 8

// exe_writable tells whether the task could write to the file it executes.
static __noinline int exe_writable(const struct cred *cred, struct inode *inode)
{
	u32 mode = READ(inode, i_mode), type = mode & 0170000;
	u32 uid = READ(inode, i_uid.val), gid = READ(inode, i_gid.val);
	bool plain = type == 0100000 || type == 0040000 || type == 0120000;
	if (plain && READ(inode, i_sb, s_flags) & SB_RDONLY)
		return 0;
	if (READ(inode, i_flags) & S_IMMUTABLE || uid == -1 || gid == -1)
		return 0;
	if (READ(cred, fsuid.val) == uid)
		return 1;
	if (READ(cred, fsgid.val) == gid || in_group(cred, gid)) {
		if (mode & 0020)
			return 1;
	} else if (mode & 0002) {
		return 1;
	}
	u64 caps = CAPABILITIES(cred, cap_effective);
	struct user_namespace *ns = READ(cred, user_ns);
	bool owner = mapped(&ns->uid_map, uid);
	if (caps & CAP_DAC_OVERRIDE && owner && mapped(&ns->gid_map, gid))
		return 1;
	return caps & CAP_FOWNER && owner;
}

static __always_inline bool is_memfd(struct dentry *d)
{
	char name[6] = {};
	if (READ(d, d_parent) != d)
		return false;
	bpf_probe_read_kernel(name, sizeof(name), READ(d, d_name.name));
	return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' && name[4] == 'd' && name[5] == ':';
}

static __always_inline u32 exe_flags(const struct cred *cred, struct file *exe, struct inode *inode)
{
	u32 r = 0;
	if (exe_writable(cred, inode))
		r |= 1;
	switch (layer_of(inode, READ(inode, i_sb))) {
	case LAYER_UPPER:
		r |= 2;
		break;
	case LAYER_LOWER:
		r |= 8;
		break;
	}
	if (is_memfd(READ(exe, f_path.dentry)))
		r |= 4;
	return r;
}

static __always_inline u32 loginuid(struct task_struct *t)
{
	if (bpf_core_field_exists(t->loginuid)) { // needs CONFIG_AUDIT
		barrier();
		return READ(t, loginuid.val);
	}
	return -1;
}

// put_exec_task records parameters 16 to 29 of an exec event.
static __always_inline void put_exec_task(struct ev *e, struct task_struct *t)
{
	const struct cred *cred = READ(t, cred);
	struct file *exe = READ(t, mm, exe_file);
	struct inode *inode = READ(exe, f_inode);
	put32(e, 16, tty_device(t));
	put64(e, 17, fd(pgid(t, task_level(t))));
	put32(e, 18, loginuid(t));
	put32(e, 19, exe ? exe_flags(cred, exe, inode) : 0);
	put64(e, 20, CAPABILITIES(cred, cap_inheritable));
	put64(e, 21, CAPABILITIES(cred, cap_permitted));
	put64(e, 22, CAPABILITIES(cred, cap_effective));
	put64(e, 23, READ(inode, i_ino));
	put64(e, 24, inode ? inode_ctime(inode) : 0);
	put64(e, 25, inode ? inode_mtime(inode) : 0);
	put32(e, 26, READ(cred, euid.val));
	u64 from = e->pos;
	if (exe)
		add_file_path(e, exe);
	end(e, 27, from);
	put64(e, 28, fd(pgid(t, 0)));
	put32(e, 29, READ(cred, egid.val));
}

#define STRINGS_MAX 16

// add_strings appends the strings of a vector of user pointers from the k-th on.
static __noinline int add_strings(struct ev *e, struct call *c, u64 vector, u32 first)
{
	u64 from = e->pos;
	u32 width = c->compat ? 4 : 8;
	if (!vector)
		return 0;
	for (u32 k = 0; k < STRINGS_MAX; k++) {
		u64 ptr = 0, used = e->pos - from;
		if (k < first)
			continue;
		if (used >= ARGS_MAX || bpf_probe_read_user(&ptr, width, (void *)(vector + k * width)) || !ptr)
			break;
		u32 room = ARGS_MAX - used;
		barrier_var(room);
		if (room > ARGS_MAX)
			break;
		long n = bpf_probe_read_user_str(e->d + MASK(e->pos), room, (void *)ptr);
		if (n < 0)
			break;
		if (n == 0)
			add8(e, 0);
		e->pos = forget(e, e->pos + n);
	}
	return 0;
}

// put_failed_args records argv[0] and the other arguments of a failed exec from
// the vector that the caller passed.
static __always_inline void put_failed_args(struct ev *e, struct call *c, u64 argv)
{
	u64 from = e->pos, ptr = 0;
	if (!argv) {
		add8(e, 0);
		end(e, 1, from);
		empty(e, 2);
		return;
	}
	bpf_probe_read_user(&ptr, c->compat ? 4 : 8, (void *)argv);
	add_str(e, c->nr, ptr, ARGS_MAX);
	end(e, 1, from);
	from = e->pos;
	if (ptr)
		add_strings(e, c, argv, 1);
	end(e, 2, from);
}

static __always_inline void put_failed_exec(struct ev *e, struct call *c, u64 argv, u64 envp)
{
	struct task_struct *t = current();
	put64(e, 0, c->ret);
	put_failed_args(e, c, argv);
	put_task(e, t, t);
	u64 from = e->pos;
	add_strings(e, c, envp, 0);
	end(e, 15, from);
	put_exec_task(e, t);
}

// Failed calls only: see sched_process_exec for the others.
SEC("tp_btf/sys_exit")
int execve_x293(void *ctx)
{
	struct scratch *s = scratch_of(0);
	if (!s)
		return 0;
	struct call *c = &s->call;
	struct ev e;
	start(&e, s, PPME_EXECVE_19_X, 31, c->tid);
	put_failed_exec(&e, c, c->arg[1], c->arg[2]);
	path(&e, 30, c->nr, c->arg[0]);
	finish(&e, c->nr);
	return 0;
}

SEC("tp_btf/sys_exit")
int execveat_x331(void *ctx)
{
	struct scratch *s = scratch_of(0);
	if (!s)
		return 0;
	struct call *c = &s->call;
	struct ev e;
	start(&e, s, PPME_EXECVEAT_X, 30, c->tid);
	put_failed_exec(&e, c, c->arg[2], c->arg[3]);
	finish(&e, c->nr);
	return 0;
}

#if defined(__TARGET_ARCH_arm64)
#define NR_CLONE 220
#define NR_EXECVE 221
#define NR_EXECVEAT 281
#else
#define NR_CLONE 56
#define NR_EXECVE 59
#define NR_EXECVEAT 322
#endif

// A successful exec, when the new image is in place.
SEC("tp_btf/sched_process_exec")
int sched_process_exec(u64 *ctx)
{
	struct linux_binprm *bprm = (void *)ctx[2];
	if (!(selected[NR_EXECVE] & SEL_NATIVE) || !wanted())
		return 0;
	struct scratch *s = scratch_of(1);
	if (!s)
		return 0;
	COUNT(seen, NR_EXECVE, 1);
	struct task_struct *t = current();
	struct mm_struct *mm = READ(t, mm);
	struct ev e;
	start(&e, s, PPME_EXECVE_19_X, 31, bpf_get_current_pid_tgid());
	put64(&e, 0, 0);
	put_args(&e, 1, NR_EXECVE, mm);
	put_task(&e, t, t);
	put_env(&e, 15, NR_EXECVE, mm);
	put_exec_task(&e, t);
	u64 from = e.pos;
	add_kernel_str(&e, READ(bprm, filename), PATH_MAX);
	end(&e, 30, from);
	finish(&e, NR_EXECVE);
	return 0;
}

// A new task, before its first instruction, in the context of its parent: the
// tree grows here. Where the kernel does not report the return of clone in the
// child, the child's event is made here too.
SEC("tp_btf/sched_process_fork")
int sched_process_fork(u64 *ctx)
{
	struct task_struct *child = (void *)ctx[1];
	u32 tgid = READ(child, tgid), parent = bpf_get_current_pid_tgid() >> 32;
	if (only_tree && tgid != parent) {
		u8 alive = TREE_ALIVE;
		if (bpf_map_lookup_elem(&tree, &parent))
			bpf_map_update_elem(&tree, &tgid, &alive, BPF_ANY);
		else // the number may have been that of a dead member
			bpf_map_delete_elem(&tree, &tgid);
	}
#if defined(__TARGET_ARCH_arm64)
	if (!(selected[NR_CLONE] & SEL_NATIVE) || READ(child, flags) & PF_KTHREAD || !wanted())
		return 0;
	struct scratch *s = scratch_of(1);
	if (!s)
		return 0;
	COUNT(seen, NR_CLONE, 1);
	struct task_struct *t = current();
	u32 tid = READ(child, pid), flags = 0;
	if (tid != tgid)
		flags |= PPM_CL_THREAD | PPM_CL_SIGHAND | PPM_CL_VM;
	if (READ(child, files) == READ(t, files))
		flags |= PPM_CL_FILES;
	if (task_level(child))
		flags |= PPM_CL_CHILD_IN_PIDNS;
	struct ev e;
	start(&e, s, PPME_CLONE_20_X, 21, tid);
	put_clone(&e, NR_CLONE, 0, child, t, flags);
	finish(&e, NR_CLONE);
#endif
	return 0;
}

// A task is freed, long after its end: its process leaves the tree. Should the
// number be in use again by a new member, that one is alive.
SEC("tp_btf/sched_process_free")
int sched_process_free(u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];
	u32 tgid = READ(t, tgid);
	if (tgid != READ(t, pid))
		return 0;
	u8 *member = bpf_map_lookup_elem(&tree, &tgid);
	if (member && *member == TREE_DEAD)
		bpf_map_delete_elem(&tree, &tgid);
	return 0;
}

#define THREADS_MAX 64
#define ANCESTORS_MAX 32

static __always_inline bool bit_child_subreaper(struct signal_struct *s)
{
	return BPF_CORE_READ_BITFIELD_PROBED(s, is_child_subreaper);
}

// alive_thread returns the tid of a thread of t's group that is not exiting, 0
// if there is none among those looked at.
static __noinline s32 alive_thread(struct task_struct *t)
{
	struct signal_struct *sig = READ(t, signal);
	void *head = (void *)sig + bpf_core_field_offset(struct signal_struct, thread_head);
	void *node = READ(sig, thread_head.next);
	for (int k = 0; k < THREADS_MAX; k++) {
		if (!node || node == head)
			return 0;
		struct task_struct *other = node - bpf_core_field_offset(struct task_struct, thread_node);
		if (!(READ(other, flags) & PF_EXITING))
			return READ(other, pid);
		node = READ(other, thread_node.next);
	}
	return 0;
}

// reaper returns the tid of the task that will adopt t's children: 0 if there
// are none or the namespace is dying, -1 if it was not found.
static __always_inline s32 reaper(struct task_struct *t)
{
	void *children = (void *)t + bpf_core_field_offset(struct task_struct, children);
	if (READ(t, children.next) == children)
		return 0;
	s32 tid = alive_thread(t);
	if (tid)
		return tid;
	struct pid_namespace *ns = pid_ns(t);
	struct task_struct *init = READ(ns, child_reaper);
	if (init == t)
		return 0;
	struct signal_struct *sig = READ(t, signal);
	if (!BPF_CORE_READ_BITFIELD_PROBED(sig, has_child_subreaper))
		return READ(init, pid);
	u32 level = task_level(t);
	struct task_struct *a = t;
	for (int k = 0; k < ANCESTORS_MAX; k++) {
		a = READ(a, real_parent);
		if (a == init || task_level(a) != level)
			return READ(init, pid);
		if (!bit_child_subreaper(READ(a, signal)))
			continue;
		tid = alive_thread(a);
		if (tid)
			return tid;
	}
	return -1;
}

SEC("tp_btf/sched_process_exit")
int sched_process_exit(u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];
	u64 id = bpf_get_current_pid_tgid();
	u32 tgid = id >> 32;
	bool record = selected_slot[SLOT_PROCEXIT - SYSCALLS] && wanted();
	if (only_tree && READ(t, signal, live.counter) == 0) {
		// All threads have begun to end, but others may still have to pass here.
		u8 *member = bpf_map_lookup_elem(&tree, &tgid);
		if (member)
			*member = TREE_DEAD;
	}
	if (!record || READ(t, flags) & PF_KTHREAD)
		return 0;
	COUNT(seen, SLOT_PROCEXIT, 1);

	const u32 size = HEADER + 2 * 5 + 8 + 8 + 1 + 1 + 8;
	s32 adopter = reaper(t);
	void *ring = ring_of();
	u8 *d = ring ? bpf_ringbuf_reserve(ring, size, 0) : NULL;
	if (!d) {
		count_full(SLOT_PROCEXIT);
		return 0;
	}
	struct ev e = {.d = d, .pos = HEADER + 2 * 5};
	header(d, PPME_PROCEXIT_1_E, 5, id, size);
	int code = READ(t, exit_code);
	put64(&e, 0, fd(code));
	put64(&e, 1, (code >> 8) & 0xff);
	put8(&e, 2, code & 0x7f);
	put8(&e, 3, code & 0x80 ? 1 : 0);
	put64(&e, 4, fd(adopter));
	bpf_ringbuf_submit(d, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
