// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// What the kernel knows about the current task, its files and their paths.
#ifndef SYSREEL_KERNEL_H
#define SYSREEL_KERNEL_H

#include "event.h"
#include "flags.h"

#define OVERLAYFS_MAGIC 0x794c7630
#define SOCKFS_MAGIC 0x534f434b
#define FMODE_CREATED 0x100000
#define PF_EXITING 0x4
#define PF_KTHREAD 0x200000
#define SB_RDONLY 1
#define S_IMMUTABLE 8
#define RLIMIT_NOFILE 7

static __always_inline struct task_struct *current(void)
{
	return (void *)bpf_get_current_task();
}

static __always_inline s64 fd(u64 v)
{
	return (s32)v;
}

static __always_inline struct file *file_of(s32 n)
{
	struct file **table, *f = NULL;
	struct fdtable *fdt = READ(current(), files, fdt);
	if (n < 0 || (u32)n >= READ(fdt, max_fds))
		return NULL;
	table = READ(fdt, fd);
	bpf_probe_read_kernel(&f, sizeof(f), table + n);
	return f;
}

static __always_inline u64 inode_of_fd(s64 ret, s32 n)
{
	struct file *f = ret == 0 ? file_of(n) : NULL;
	return f ? READ(f, f_inode, i_ino) : 0;
}

enum layer {
	LAYER_NONE,
	LAYER_UPPER,
	LAYER_LOWER,
};

static __noinline int overlay_layer(struct inode *inode)
{
	// struct ovl_inode embeds the inode, and the upper dentry follows it; it is
	// not described by the kernel's own BTF when overlayfs is a module.
	struct dentry *upper = NULL;
	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	if (upper && READ(upper, d_inode, i_ino))
		return LAYER_UPPER;
	return LAYER_LOWER;
}

static __always_inline int layer_of(struct inode *inode, struct super_block *sb)
{
	return READ(sb, s_magic) == OVERLAYFS_MAGIC ? overlay_layer(inode) : LAYER_NONE;
}

// What the kernel knows about a file just opened.
struct opened {
	u32 flags; // PPM_O_F_CREATED, PPM_FD_UPPER_LAYER, PPM_FD_LOWER_LAYER
	u32 dev;
	u64 ino;
	enum layer layer;
};

static __always_inline void opened(struct opened *o, s64 ret)
{
	struct file *f = ret >= 0 ? file_of(ret) : NULL;
	if (!f)
		return;
	if (READ(f, f_mode) & FMODE_CREATED)
		o->flags = 0x4000;
	if (ret == 0) // as the libs do: no device and inode for descriptor 0
		return;
	struct inode *inode = READ(f, f_inode);
	struct super_block *sb = READ(inode, i_sb);
	o->ino = READ(inode, i_ino);
	o->dev = kernel_device(READ(sb, s_dev));
	o->layer = layer_of(inode, sb);
	if (o->layer == LAYER_UPPER)
		o->flags |= 0x8000;
	else if (o->layer == LAYER_LOWER)
		o->flags |= 0x10000;
}

#define PATH_COMPONENTS 96
#define PATH_AREA 65536 // where in the scratch buffer paths are put together, from the end

// add_file_path appends the path of f as seen from its mount namespace: from the
// dentry upwards, over mount points. Without any component it is the bare name
// of the dentry, as for a memfd.
static __noinline u64 add_file_path(struct ev *e, struct file *f)
{
	u8 *area = e->d + PATH_AREA;
	u32 off = PATH_MAX - 1;
	struct dentry *dentry = READ(f, f_path.dentry), *first = dentry;
	struct vfsmount *vfsmnt = READ(f, f_path.mnt);
	struct mount *mnt = (void *)vfsmnt - bpf_core_field_offset(struct mount, mnt);

	for (int i = 0; i < PATH_COMPONENTS; i++) {
		struct dentry *parent = READ(dentry, d_parent);
		struct dentry *root = READ(mnt, mnt.mnt_root);
		if (dentry == root) {
			struct mount *up = READ(mnt, mnt_parent);
			if (up == mnt || !up)
				break;
			dentry = READ(mnt, mnt_mountpoint);
			mnt = up;
			continue;
		}
		if (dentry == parent || !parent)
			break;
		u32 len = READ(dentry, d_name.len) & 0xff;
		if (len + 1 > off)
			break;
		off -= len;
		barrier_var(off);
		bpf_probe_read_kernel(area + (off & 0xfff), len & 0xff, READ(dentry, d_name.name));
		off -= 1;
		area[off & 0xfff] = '/';
		off = forget(e, off);
		if (off >= PATH_MAX)
			break;
		dentry = parent;
	}
	u64 n = PATH_MAX - 1 - off;
	if (!n)
		return add_kernel_str(e, READ(first, d_name.name), PATH_MAX);
	barrier_var(off);
	barrier_var(n);
	if (bpf_probe_read_kernel(e->d + MASK(e->pos), n & 0xfff, area + (off & 0xfff)))
		return 0;
	e->pos += n;
	add8(e, 0);
	e->pos = forget(e, e->pos);
	return n + 1;
}

static __always_inline u32 task_level(struct task_struct *t)
{
	return READ(t, thread_pid, level);
}

// pid_nr returns the number of pid at a namespace level, 0 if it has none there.
static __always_inline s32 pid_nr(struct pid *pid, u32 level)
{
	s32 nr = 0;
	if (!pid || READ(pid, level) < level)
		return 0;
	void *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) + (u64)(level & 31) * bpf_core_type_size(struct upid);
	bpf_probe_read_kernel(&nr, sizeof(nr), upid + bpf_core_field_offset(struct upid, nr));
	return nr;
}

static __always_inline struct pid_namespace *pid_ns(struct task_struct *t)
{
	struct pid *pid = READ(t, thread_pid);
	struct pid_namespace *ns = NULL;
	u32 level = READ(pid, level);
	void *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) + (u64)(level & 31) * bpf_core_type_size(struct upid);
	bpf_probe_read_kernel(&ns, sizeof(ns), upid + bpf_core_field_offset(struct upid, ns));
	return ns;
}

static __always_inline s32 vtid(struct task_struct *t)
{
	return pid_nr(READ(t, thread_pid), task_level(t));
}

static __always_inline s32 vpid(struct task_struct *t)
{
	return pid_nr(READ(t, group_leader, thread_pid), task_level(t));
}

static __always_inline s32 pgid(struct task_struct *t, u32 level)
{
	return pid_nr(READ(t, signal, pids[PIDTYPE_PGID]), level);
}

static __always_inline u64 fd_limit(struct task_struct *t)
{
	return READ(t, signal, rlim[RLIMIT_NOFILE].rlim_cur);
}

// Memory counters in KiB.
struct vm {
	u32 size, rss, swap;
};

static __always_inline u64 rss_counter(struct mm_struct *mm, u32 which)
{
	s64 v;
	if (bpf_core_type_exists(struct mm_rss_stat)) {
		barrier();
		v = READ((struct mm_struct___rss_stat *)mm, rss_stat.count[which].counter);
	} else {
		barrier();
		// The kernel's counter is longer than the part declared here, so the
		// distance from one to the next has to be asked for.
		struct percpu_counter *c = (void *)mm + bpf_core_field_offset(struct mm_struct, rss_stat) +
					   which * bpf_core_type_size(struct percpu_counter);
		v = READ(c, count);
	}
	return v < 0 ? 0 : v;
}

static __always_inline void read_vm(struct vm *vm, struct task_struct *t)
{
	struct mm_struct *mm = READ(t, mm);
	u32 shift = page_shift - 10;
	if (!mm)
		return;
	vm->size = READ(mm, total_vm) << shift;
	u64 rss = rss_counter(mm, 0) + rss_counter(mm, 1) + rss_counter(mm, 3); // file, anon, shmem
	vm->rss = rss << shift;
	vm->swap = rss_counter(mm, 2) << shift;
}

static __always_inline u64 capabilities(const kernel_cap_t *set)
{
	u64 v = 0;
	bpf_probe_read_kernel(&v, sizeof(v), set);
	return v & ((1ULL << 41) - 1); // up to CAP_CHECKPOINT_RESTORE, same bits as PPM_CAP_
}

// CAPABILITIES reads one of the sets of a struct cred.
#define CAPABILITIES(cred, set) capabilities(__builtin_preserve_access_index(&(cred)->set))

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___parent *old = (void *)kn;
	if (bpf_core_field_exists(old->parent)) {
		barrier();
		return READ(old, parent);
	}
	barrier();
	return READ(kn, __parent);
}

#define CGROUP_COMPONENTS 6

// add_cgroup_path appends the path of a cgroup with its NUL, from at most its
// last six components.
static __noinline int add_cgroup_path(struct ev *e, struct cgroup_subsys_state *css)
{
	const char *names[CGROUP_COMPONENTS] = {};
	struct kernfs_node *kn = READ(css, cgroup, kn);
	int n = 0;
#pragma unroll
	for (int k = 0; k < CGROUP_COMPONENTS; k++) {
		struct kernfs_node *parent = kn ? kernfs_parent(kn) : NULL;
		if (parent) {
			names[k] = READ(kn, name);
			n++;
		}
		kn = parent;
	}
	if (!n)
		add8(e, '/');
#pragma unroll
	for (int k = CGROUP_COMPONENTS - 1; k >= 0; k--) {
		if (names[k]) {
			add8(e, '/');
			if (add_kernel_str(e, names[k], 256))
				e->pos--; // the next component overwrites the NUL
		}
		e->pos = forget(e, e->pos);
	}
	add8(e, 0);
	return 0;
}

#define ADD_CGROUP(id, name)                                                                     \
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, id)) {                             \
		u32 n = bpf_core_enum_value(enum cgroup_subsys_id, id);                          \
		struct cgroup_subsys_state *css = NULL;                                          \
		bpf_probe_read_kernel(&css, sizeof(css),                                         \
				      (void *)set + bpf_core_field_offset(struct css_set, subsys) + 8 * (n & 15)); \
		for (u32 k = 0; k < sizeof(name) - 1; k++)                                       \
			add8(e, name[k]);                                                        \
		add_cgroup_path(e, css);                                                         \
	}

static __always_inline void put_cgroups(struct ev *e, u32 i, struct task_struct *t)
{
	struct css_set *set = READ(t, cgroups);
	u64 from = e->pos;
	ADD_CGROUP(cpuset_cgrp_id, "cpuset=");
	ADD_CGROUP(cpu_cgrp_id, "cpu=");
	ADD_CGROUP(cpuacct_cgrp_id, "cpuacct=");
	ADD_CGROUP(io_cgrp_id, "io=");
	ADD_CGROUP(memory_cgrp_id, "memory=");
	end(e, i, from);
}

static __always_inline void put_comm(struct ev *e, u32 i, struct task_struct *t)
{
	u64 from = e->pos;
	add_kernel_str(e, t->comm, 16);
	end(e, i, from);
}

#define ARGS_MAX 4096

// put_args records parameter i, argv[0], and i+1, the other arguments, from the
// memory image of the current process.
static __always_inline void put_args(struct ev *e, u32 i, u32 nr, struct mm_struct *mm)
{
	u64 from = e->pos;
	u64 start = mm ? READ(mm, arg_start) : 0, stop = mm ? READ(mm, arg_end) : 0;
	u64 n = add_str(e, nr, start, ARGS_MAX);
	end(e, i, from);
	from = e->pos;
	u64 total = stop - start;
	if (total > ARGS_MAX)
		total = ARGS_MAX;
	if (n && total > n)
		add_bytes(e, nr, start + n, total - n);
	end(e, i + 1, from);
}

static __always_inline void put_env(struct ev *e, u32 i, u32 nr, struct mm_struct *mm)
{
	u64 from = e->pos;
	u64 start = mm ? READ(mm, env_start) : 0;
	u64 n = mm ? READ(mm, env_end) - start : 0;
	add_bytes(e, nr, start, n > ARGS_MAX ? ARGS_MAX : n);
	end(e, i, from);
}

#endif
