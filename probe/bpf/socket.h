// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// Socket addresses and tuples.
#ifndef SYSREEL_SOCKET_H
#define SYSREEL_SOCKET_H

#include "kernel.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

static __always_inline u16 ntohs(u16 v)
{
	return __builtin_bswap16(v);
}

// The largest address of user space that is looked at.
union user_sockaddr {
	u16 family;
	struct {
		u16 family, port;
		u32 addr;
	} in;
	struct {
		u16 family, port;
		u32 flow;
		u64 addr[2];
	} in6;
	struct {
		u16 family;
		char path[108];
	} un;
	u8 raw[112];
};

// read_sockaddr copies an address of len bytes from user memory and returns its
// family, 0 if there is none or it is too short for its family.
static __always_inline u16 read_sockaddr(union user_sockaddr *a, u32 nr, u64 ptr, u64 len)
{
	if (!ptr || !len)
		return 0;
	len = (u32)len;
	if (len > 110)
		len = 110;
	barrier_var(len);
	if (bpf_probe_read_user(a, len & 127, (void *)ptr)) {
		count_fault(nr);
		return 0;
	}
	switch (a->family) {
	case AF_INET:
		return len >= 8 ? AF_INET : 0;
	case AF_INET6:
		return len >= 24 ? AF_INET6 : 0;
	case AF_UNIX:
		return len > 2 ? AF_UNIX : 0;
	}
	return 0;
}

// add_user_unix appends the path of a unix address; an abstract name loses its
// leading NUL.
static __always_inline void add_unix_path(struct ev *e, const char *path, u32 max)
{
	if (!path[0])
		path++;
	if (!add_kernel_str(e, path, max))
		add8(e, 0);
}

static __noinline int sockaddr(struct ev *e, u32 i, u32 nr, u64 ptr, u64 len)
{
	union user_sockaddr a = {};
	u64 from = e->pos;
	switch (read_sockaddr(&a, nr, ptr, len)) {
	case AF_INET:
		add8(e, AF_INET);
		add32(e, a.in.addr);
		add16(e, ntohs(a.in.port));
		break;
	case AF_INET6:
		add8(e, AF_INET6);
		add64(e, a.in6.addr[0]);
		add64(e, a.in6.addr[1]);
		add16(e, ntohs(a.in6.port));
		break;
	case AF_UNIX:
		add8(e, AF_UNIX);
		add_unix_path(e, a.un.path, 109);
		break;
	}
	e->pos = forget(e, e->pos);
	set_len(e, i & 31, e->pos - from);
	return 0;
}

static __always_inline struct sock *sock_of(s32 n)
{
	struct file *f = file_of(n);
	if (!f || READ(f, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return NULL;
	struct socket *socket = READ(f, private_data);
	return READ(socket, sk);
}

// read_unix copies the name a unix socket is bound to.
static __always_inline void read_unix(union user_sockaddr *a, struct unix_sock *u)
{
	struct unix_address *addr = u ? READ(u, addr) : NULL;
	if (addr)
		bpf_probe_read_kernel(a, 110, &addr->name[0]);
}

enum direction {
	INBOUND,  // source is the peer
	OUTBOUND, // source is this socket
};

// tuple records the two ends of the socket n. addr and addr_len are an address
// given by the caller, used when the socket itself has no peer.
static __noinline int tuple_of(struct ev *e, struct sock *sk, u32 outbound, u64 addr, u64 addr_len)
{
	union user_sockaddr a = {};
	u64 from = e->pos;
	u16 fam = READ(sk, __sk_common.skc_family);
	struct inet_sock *inet = (void *)sk;

	if (fam == AF_INET) {
		u32 local = READ(inet, inet_saddr), remote = READ(sk, __sk_common.skc_daddr);
		u16 lport = ntohs(READ(inet, inet_sport)), rport = ntohs(READ(sk, __sk_common.skc_dport));
		if (!rport && read_sockaddr(&a, SLOT_COUNT, addr, addr_len) == AF_INET) {
			remote = a.in.addr;
			rport = ntohs(a.in.port);
		}
		add8(e, AF_INET);
		add32(e, outbound ? local : remote);
		add16(e, outbound ? lport : rport);
		add32(e, outbound ? remote : local);
		add16(e, outbound ? rport : lport);
	} else if (fam == AF_INET6) {
		u64 local[2] = {}, remote[2] = {};
		u16 lport = ntohs(READ(inet, inet_sport)), rport = ntohs(READ(sk, __sk_common.skc_dport));
		struct ipv6_pinfo *p = READ(inet, pinet6);
		if (p)
			bpf_core_read(local, sizeof(local), &p->saddr);
		bpf_core_read(remote, sizeof(remote), &sk->__sk_common.skc_v6_daddr);
		if (!rport && read_sockaddr(&a, SLOT_COUNT, addr, addr_len) == AF_INET6) {
			remote[0] = a.in6.addr[0];
			remote[1] = a.in6.addr[1];
			rport = ntohs(a.in6.port);
		}
		add8(e, AF_INET6);
		add64(e, outbound ? local[0] : remote[0]);
		add64(e, outbound ? local[1] : remote[1]);
		add16(e, outbound ? lport : rport);
		add64(e, outbound ? remote[0] : local[0]);
		add64(e, outbound ? remote[1] : local[1]);
		add16(e, outbound ? rport : lport);
	} else if (fam == AF_UNIX) {
		struct unix_sock *u = (void *)sk, *peer = (void *)READ(u, peer);
		if (!outbound)
			read_unix(&a, u);
		else if (peer)
			read_unix(&a, peer);
		else if (read_sockaddr(&a, SLOT_COUNT, addr, addr_len) != AF_UNIX)
			__builtin_memset(&a, 0, sizeof(a));
		add8(e, AF_UNIX);
		add64(e, (u64)(outbound ? peer : u));
		add64(e, (u64)(outbound ? u : peer));
		add_unix_path(e, a.un.path, 109);
	}
	e->pos = forget(e, e->pos);
	return e->pos - from;
}

static __always_inline void tuple(struct ev *e, u32 i, s32 n, u32 outbound, u64 addr, u64 addr_len)
{
	struct sock *sk = sock_of(n);
	u64 from = e->pos;
	if (sk)
		tuple_of(e, sk, outbound, addr, addr_len);
	end(e, i, from);
}

// Fill level of a listening socket's queue.
struct queue {
	u8 percent;
	u32 len, max;
};

static __always_inline void read_queue(struct queue *q, s64 ret, s32 n)
{
	struct sock *sk = ret >= 0 ? sock_of(n) : NULL;
	if (!sk)
		return;
	q->len = READ(sk, sk_ack_backlog);
	q->max = READ(sk, sk_max_ack_backlog);
	if (q->len && q->max)
		q->percent = (u64)q->len * 100 / q->max;
}

#endif
