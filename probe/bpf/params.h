// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// Functions of the recipe table: each appends one parameter, or reads what
// several parameters are made of.
#ifndef SYSREEL_PARAMS_H
#define SYSREEL_PARAMS_H

#include "socket.h"

static __always_inline bool read_user(void *dst, u32 size, u32 nr, u64 ptr)
{
	if (!ptr)
		return false;
	if (bpf_probe_read_user(dst, size, (void *)ptr)) {
		count_fault(nr);
		return false;
	}
	return true;
}

static __always_inline void path(struct ev *e, u32 i, u32 nr, u64 ptr)
{
	set_len(e, i, add_str(e, nr, ptr, PATH_MAX));
}

static __always_inline void bytes(struct ev *e, u32 i, u32 nr, u64 ptr, u64 len)
{
	set_len(e, i, add_bytes(e, nr, ptr, len));
}

static __always_inline void optional32(struct ev *e, u32 i, bool have, u32 v)
{
	if (have)
		put32(e, i, v);
	else
		empty(e, i);
}

static __always_inline u64 limit(u64 n)
{
	return n < snaplen ? n : snaplen;
}

// Limits of buffers that the kernel filled and of those that it was given: the
// latter are recorded even if the call failed.
static __always_inline u64 out_limit(struct call *c)
{
	return c->ret > 0 ? limit(c->ret) : 0;
}
static __always_inline u64 in_limit(struct call *c, u64 size)
{
	return limit(c->ret > 0 ? c->ret : size);
}

static __always_inline void data_out(struct ev *e, u32 i, struct call *c, u64 ptr)
{
	bytes(e, i, c->nr, ptr, out_limit(c));
}

static __always_inline void data_in(struct ev *e, u32 i, struct call *c, u64 ptr, u64 size)
{
	bytes(e, i, c->nr, ptr, in_limit(c, size));
}

#define IOV_MAX 32

static __always_inline bool read_iovec(struct user_iovec *v, u64 iov, u32 k, u32 compat)
{
	if (compat) {
		u32 v32[2] = {};
		if (bpf_probe_read_user(v32, sizeof(v32), (void *)(iov + 8 * k)))
			return false;
		v->base = v32[0];
		v->len = v32[1];
		return true;
	}
	return !bpf_probe_read_user(v, sizeof(*v), (void *)(iov + 16 * k));
}

// add_iov appends the data of at most 32 vectors, up to limit bytes, stopping at
// the first that is empty or cannot be read.
static __noinline int add_iov(struct ev *e, struct call *c, u64 iov, u64 count, u64 max)
{
	u64 from = e->pos, total = 0;
	if (!iov)
		return 0;
	for (u32 k = 0; k < IOV_MAX; k++) {
		struct user_iovec v = {};
		if (k >= count || total >= max || !read_iovec(&v, iov, k, c->compat))
			break;
		u64 n = v.len < max - total ? v.len : max - total;
		if (!add_bytes(e, c->nr, v.base, n))
			break;
		total = forget(e, e->pos - from);
	}
	return 0;
}

static __always_inline void iov_out(struct ev *e, u32 i, struct call *c, u64 iov, u64 count)
{
	u64 from = e->pos;
	add_iov(e, c, iov, count, out_limit(c));
	end(e, i, from);
}

static __always_inline void iov_in(struct ev *e, u32 i, struct call *c, u64 iov, u64 count)
{
	u64 from = e->pos;
	add_iov(e, c, iov, count, in_limit(c, snaplen));
	end(e, i, from);
}

static __noinline u32 size_of_iov(struct call *c, u64 iov, u64 count)
{
	u32 sum = 0;
	if (!iov)
		return 0;
	for (u32 k = 0; k < IOV_MAX; k++) {
		struct user_iovec v = {};
		if (k >= count || !read_iovec(&v, iov, k, c->compat))
			break;
		sum += v.len;
	}
	return sum;
}

// Number and sum go through the call's memory: the verifier would carry on what
// it learns of them in the loop, for each number of vectors on its own.
static __always_inline u32 iov_size(struct call *c, u64 iov, u64 count)
{
	volatile u64 *p = &c->forgotten;
	*p = count;
	*p = size_of_iov(c, iov, *p);
	return *p;
}

// struct msghdr of a 32-bit program.
struct compat_msghdr {
	u32 name, namelen, iov, iovlen, control, controllen, flags;
};

static __always_inline bool read_msghdr(struct user_msghdr *m, struct call *c, u64 ptr)
{
	if (c->compat) {
		struct compat_msghdr m32 = {};
		if (!read_user(&m32, sizeof(m32), c->nr, ptr))
			return false;
		m->name = m32.name;
		m->namelen = m32.namelen;
		m->iov = m32.iov;
		m->iovlen = m32.iovlen;
		m->control = m32.control;
		m->controllen = m32.controllen;
		return true;
	}
	return read_user(m, sizeof(*m), c->nr, ptr);
}

static __always_inline u64 timespec(struct call *c, u64 ptr)
{
	struct user_timespec t = {};
	if (c->compat) {
		s32 t32[2] = {};
		read_user(t32, sizeof(t32), c->nr, ptr);
		t.sec = t32[0];
		t.nsec = t32[1];
	} else {
		read_user(&t, sizeof(t), c->nr, ptr);
	}
	return t.sec * 1000000000 + t.nsec;
}

// read_rlimit reads a limit pair; wide says that it is 64 bits wide even in
// 32-bit programs.
static __always_inline void read_rlimit(struct user_rlimit *r, struct call *c, u64 ptr, bool wide)
{
	r->cur = r->max = 0;
	if (c->compat && !wide) {
		u32 r32[2] = {};
		read_user(r32, sizeof(r32), c->nr, ptr);
		r->cur = r32[0];
		r->max = r32[1];
		return;
	}
	read_user(r, sizeof(*r), c->nr, ptr);
}

static __always_inline void read_fds(s32 fds[2], struct call *c, u64 ptr)
{
	if (!read_user(fds, 8, c->nr, ptr))
		fds[0] = fds[1] = -1;
}

static __always_inline void opened_path(struct ev *e, u32 i, s64 ret)
{
	u64 from = e->pos;
	struct file *f = ret > 0 ? file_of(ret) : NULL;
	if (f)
		add_file_path(e, f);
	end(e, i, from);
}

#define POLL_MAX 16

static __noinline int poll_list(struct ev *e, u32 i, struct call *c, u64 ptr, u64 count)
{
	u64 from = e->pos;
	u16 n = 0;
	count = (u32)count;
	add16(e, 0);
	for (u32 k = 0; k < POLL_MAX; k++) {
		struct user_pollfd p = {};
		if (k >= count || !ptr || bpf_probe_read_user(&p, sizeof(p), (void *)(ptr + k * sizeof(p))))
			break;
		add64(e, fd(p.fd));
		add16(e, poll_events(p.revents));
		e->pos = forget(e, e->pos);
		n++;
	}
	*(u16 *)(e->d + MASK(from)) = n;
	set_len(e, i & 31, e->pos - from);
	return 0;
}

static __always_inline u64 user_word(struct call *c, u64 ptr)
{
	u64 v = 0;
	read_user(&v, c->compat ? 4 : 8, c->nr, ptr);
	return v;
}

// add_dyn begins a PT_DYN parameter with its variant.
static __always_inline void add_dyn64(struct ev *e, u8 variant, u64 v)
{
	add8(e, variant);
	add64(e, v);
}

static __always_inline void ptrace_addr(struct ev *e, u32 i, struct call *c)
{
	u64 from = e->pos;
	add_dyn64(e, 0, c->ret < 0 ? 0 : c->arg[2]);
	end(e, i, from);
}

static __always_inline void ptrace_data(struct ev *e, u32 i, struct call *c)
{
	u64 from = e->pos;
	u64 v = c->arg[3];
	u8 variant = 0;
	if (c->ret < 0) {
		v = 0;
	} else {
		switch ((u32)c->arg[0]) {
		case 1: // PEEKTEXT, PEEKDATA, PEEKUSR: the kernel writes the word to data
		case 2:
		case 3:
			v = user_word(c, v);
			break;
		case 7: // CONT, SINGLESTEP, DETACH, SYSCALL: a signal
		case 9:
		case 17:
		case 24:
			variant = 1;
			break;
		}
	}
	if (variant) {
		add8(e, variant);
		add8(e, v);
	} else {
		add_dyn64(e, 0, v);
	}
	end(e, i, from);
}

#define PR_SET_NAME 15
#define PR_GET_NAME 16
#define PR_GET_CHILD_SUBREAPER 37

static __always_inline bool prctl_names(struct call *c)
{
	u32 op = c->arg[0];
	return op == PR_SET_NAME || op == PR_GET_NAME;
}

static __always_inline void prctl_string(struct ev *e, u32 i, struct call *c)
{
	path(e, i, c->nr, prctl_names(c) ? c->arg[1] : 0);
}

static __always_inline s64 prctl_int(struct call *c)
{
	if (prctl_names(c))
		return 0;
	if ((u32)c->arg[0] == PR_GET_CHILD_SUBREAPER) {
		s32 v = 0;
		read_user(&v, sizeof(v), c->nr, c->arg[1]);
		return v;
	}
	return c->arg[1];
}

// Two descriptors of a socketpair and the kernel's addresses of its ends.
struct pair {
	s32 fd1, fd2;
	u64 source, peer;
};

static __always_inline void read_pair(struct pair *p, struct call *c, u64 ptr)
{
	s32 fds[2] = {-1, -1};
	if (c->ret != 0)
		return;
	read_fds(fds, c, ptr);
	p->fd1 = fds[0];
	p->fd2 = fds[1];
	struct sock *sk = sock_of(fds[0]);
	if (!sk)
		return;
	p->source = (u64)sk;
	if (READ(sk, __sk_common.skc_family) == AF_UNIX)
		p->peer = (u64)READ((struct unix_sock *)sk, peer);
}

// Variants of socket option values.
enum {
	SOCKOPT_BYTES,
	SOCKOPT_ERRNO,
	SOCKOPT_U32,
	SOCKOPT_U64,
	SOCKOPT_TIME,
};

static __always_inline u8 sockopt_variant(struct call *c)
{
	if ((u32)c->arg[1] != 1) // SOL_SOCKET
		return SOCKOPT_BYTES;
	switch ((u32)c->arg[2]) {
	case 4: // SO_ERROR
		return SOCKOPT_ERRNO;
	case 20: // SO_RCVTIMEO, SO_SNDTIMEO, old and new
	case 21:
	case 66:
	case 67:
		return SOCKOPT_TIME;
	case 57: // SO_COOKIE
		return SOCKOPT_U64;
	case 13: // SO_LINGER, PEERCRED, ATTACH_FILTER, PEERNAME: structures
	case 17:
	case 26:
	case 28:
		return SOCKOPT_BYTES;
	case 63 ... 65: // SO_TIMESTAMP*_NEW
		return SOCKOPT_U32;
	}
	return (u32)c->arg[2] <= 49 ? SOCKOPT_U32 : SOCKOPT_BYTES;
}

static __noinline int sockopt_value(struct ev *e, u32 i, struct call *c, u64 ptr, u32 len)
{
	u64 from = e->pos;
	u8 variant = sockopt_variant(c);
	add8(e, variant);
	switch (variant) {
	case SOCKOPT_ERRNO: {
		s32 v = 0;
		read_user(&v, sizeof(v), c->nr, ptr);
		add64(e, -(s64)v);
		break;
	}
	case SOCKOPT_U32: {
		u32 v = 0;
		read_user(&v, sizeof(v), c->nr, ptr);
		add32(e, v);
		break;
	}
	case SOCKOPT_U64: {
		u64 v = 0;
		read_user(&v, sizeof(v), c->nr, ptr);
		add64(e, v);
		break;
	}
	case SOCKOPT_TIME: {
		struct user_timespec t = {};
		if (c->compat && (u32)c->arg[2] < 66) {
			s32 t32[2] = {};
			read_user(t32, sizeof(t32), c->nr, ptr);
			t.sec = t32[0];
			t.nsec = t32[1];
		} else {
			read_user(&t, sizeof(t), c->nr, ptr);
		}
		add64(e, t.sec * 1000000000 + t.nsec * 1000);
		break;
	}
	default:
		add_bytes(e, c->nr, ptr, len);
	}
	set_len(e, i & 31, e->pos - from);
	return 0;
}

enum {
	Q_QUOTAON = 1,
	Q_GETFMT = 4,
	Q_GETINFO = 8,
	Q_SETINFO = 0x10,
	Q_GETQUOTA = 0x20,
	Q_SETQUOTA = 0x40,
	Q_XGETQUOTA = 0x400,
	Q_XSETQLIM = 0x800,
};

struct quota {
	u64 bhard, bsoft, space, ihard, isoft, btime, itime, bgrace, igrace;
	u8 flags, fmt;
};
// struct if_dqblk and struct if_dqinfo of the kernel.
struct user_dqblk {
	u64 bhard, bsoft, space, ihard, isoft, inodes, btime, itime;
	u32 valid;
};
struct user_dqinfo {
	u64 bgrace, igrace;
	u32 flags, valid;
};

static __always_inline void read_quota(struct quota *q, struct call *c)
{
	u32 cmd = quota_cmd(c->arg[0]);
	if (cmd == Q_GETQUOTA || cmd == Q_SETQUOTA) {
		struct user_dqblk b = {};
		read_user(&b, sizeof(b), c->nr, c->arg[3]);
		if (b.valid & 1) {
			q->bhard = b.bhard;
			q->bsoft = b.bsoft;
		}
		if (b.valid & 2)
			q->space = b.space;
		if (b.valid & 4) {
			q->ihard = b.ihard;
			q->isoft = b.isoft;
		}
		if (b.valid & 16)
			q->btime = b.btime;
		if (b.valid & 32)
			q->itime = b.itime;
	} else if (cmd == Q_GETINFO || cmd == Q_SETINFO) {
		struct user_dqinfo b = {};
		read_user(&b, sizeof(b), c->nr, c->arg[3]);
		if (b.valid & 1)
			q->bgrace = b.bgrace;
		if (b.valid & 2)
			q->igrace = b.igrace;
		if (b.valid & 4)
			q->flags = b.flags & 1 ? 2 : 1; // V1_DQF_RSQUASH or none
	} else if (cmd == Q_GETFMT) {
		u32 v = 0;
		read_user(&v, sizeof(v), c->nr, c->arg[3]);
		q->fmt = quota_fmt(v);
	}
}

static __always_inline u32 quota_id(struct call *c)
{
	switch (quota_cmd(c->arg[0])) {
	case Q_GETQUOTA:
	case Q_SETQUOTA:
	case Q_XGETQUOTA:
	case Q_XSETQLIM:
		return c->arg[2];
	}
	return 0;
}

static __always_inline void fsconfig_bytes(struct ev *e, u32 i, struct call *c)
{
	bool binary = c->ret >= 0 && (u32)c->arg[1] == 2; // FSCONFIG_SET_BINARY
	bytes(e, i, c->nr, binary ? c->arg[3] : 0, c->arg[4]);
}

static __always_inline void fsconfig_string(struct ev *e, u32 i, struct call *c)
{
	u32 cmd = c->arg[1]; // SET_STRING, SET_PATH, SET_PATH_EMPTY
	path(e, i, c->nr, c->ret >= 0 && (cmd == 1 || cmd == 3 || cmd == 4) ? c->arg[3] : 0);
}

struct sem {
	u16 num;
	s16 op;
	u16 flags;
};
struct sems {
	struct sem op[2];
};

static __always_inline void read_sems(struct sems *s, struct call *c, u64 ptr, u64 count)
{
	if (c->ret != 0)
		return;
	if (count > 0)
		read_user(&s->op[0], sizeof(s->op[0]), c->nr, ptr);
	if (count > 1)
		read_user(&s->op[1], sizeof(s->op[1]), c->nr, ptr + sizeof(s->op[0]));
}

enum {
	KEY_ZERO,
	KEY_INT,
	KEY_STRING,
};

// keyctl_kind tells what argument k (1 to 4) of a keyctl operation is.
static __always_inline u32 keyctl_kind(u32 op, u32 k)
{
	u32 ints;
	switch (op) {
	case 1: // JOIN_SESSION_KEYRING
		if (k == 1)
			return KEY_STRING;
		ints = 0;
		break;
	case 29: // RESTRICT_KEYRING
		if (k == 2 || k == 3)
			return KEY_STRING;
		ints = 1;
		break;
	case 10: // SEARCH
		if (k == 2 || k == 3)
			return KEY_STRING;
		ints = 4;
		break;
	case 24: // PKEY_QUERY
		if (k == 3)
			return KEY_STRING;
		ints = 2;
		break;
	case 25 ... 28: // PKEY_ENCRYPT, DECRYPT, SIGN, VERIFY
		if (k == 2)
			return KEY_STRING;
		ints = 4;
		break;
	case 18: // SESSION_TO_PARENT
		ints = 0;
		break;
	case 3: // REVOKE, CLEAR, SET_REQKEY_KEYRING, ASSUME_AUTHORITY, INVALIDATE
	case 7:
	case 14:
	case 16:
	case 21:
		ints = 1;
		break;
	case 0: // GET_KEYRING_ID, SETPERM, LINK, UNLINK, SET_TIMEOUT, GET_PERSISTENT, CAPABILITIES
	case 5:
	case 8:
	case 9:
	case 15:
	case 22:
	case 31:
		ints = 2;
		break;
	case 2: // UPDATE, CHOWN, DESCRIBE, READ, NEGATE, GET_SECURITY, WATCH_KEY
	case 4:
	case 6:
	case 11:
	case 13:
	case 17:
	case 32:
		ints = 3;
		break;
	case 12: // INSTANTIATE, REJECT, INSTANTIATE_IOV, DH_COMPUTE, MOVE
	case 19:
	case 20:
	case 23:
	case 30:
		ints = 4;
		break;
	default:
		ints = 0;
	}
	return k <= ints ? KEY_INT : KEY_ZERO;
}

static __always_inline void keyctl_arg(struct ev *e, u32 i, struct call *c, u32 k)
{
	u64 from = e->pos;
	switch (keyctl_kind(c->arg[0], k)) {
	case KEY_STRING:
		add8(e, 1);
		add_str(e, c->nr, c->arg[k], PATH_MAX);
		break;
	case KEY_INT:
		add_dyn64(e, 0, c->arg[k]);
		break;
	default:
		add_dyn64(e, 0, 0);
	}
	end(e, i, from);
}

#endif
