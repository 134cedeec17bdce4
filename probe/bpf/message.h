// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// Calls that transfer several messages: one event for each.
#ifndef SYSREEL_MESSAGE_H
#define SYSREEL_MESSAGE_H

#include "params.h"

#define PPME_SENDMMSG_X 51
#define PPME_RECVMMSG_X 55
#define MESSAGES_MAX 16

// read_mmsghdr reads element k of a vector of struct mmsghdr.
static __always_inline bool read_mmsghdr(struct user_mmsghdr *m, struct call *c, u32 k)
{
	u64 ptr = c->arg[1] + k * (c->compat ? 32 : 64);
	if (!c->compat)
		return read_user(m, sizeof(*m), c->nr, ptr);
	return read_msghdr(&m->hdr, c, ptr) && read_user(&m->len, 4, c->nr, ptr + 28);
}

// The two functions that record message k are global: the verifier checks them
// once, on their own, instead of once for each message.
__noinline int sent_message(u32 k)
{
	struct scratch *s = scratch_of(0);
	struct user_mmsghdr m = {};
	if (!s)
		return 0;
	struct call *c = &s->call;
	struct ev e;
	read_mmsghdr(&m, c, k);
	start(&e, s, PPME_SENDMMSG_X, 5, c->tid);
	put64(&e, 0, m.len);
	put64(&e, 1, (u32)c->arg[0]);
	put32(&e, 2, iov_size(c, m.hdr.iov, m.hdr.iovlen));
	u64 from = e.pos;
	add_iov(&e, c, m.hdr.iov, m.hdr.iovlen, limit(m.len ? m.len : snaplen));
	end(&e, 3, from);
	tuple(&e, 4, c->arg[0], OUTBOUND, m.hdr.name, m.hdr.namelen);
	finish(&e, c->nr);
	return 0;
}

__noinline int received_message(u32 k)
{
	struct scratch *s = scratch_of(0);
	struct user_mmsghdr m = {};
	if (!s)
		return 0;
	struct call *c = &s->call;
	struct ev e;
	read_mmsghdr(&m, c, k);
	start(&e, s, PPME_RECVMMSG_X, 6, c->tid);
	put64(&e, 0, m.len);
	put64(&e, 1, (u32)c->arg[0]);
	put32(&e, 2, m.len);
	u64 from = e.pos;
	add_iov(&e, c, m.hdr.iov, m.hdr.iovlen, limit(m.len));
	end(&e, 3, from);
	tuple(&e, 4, c->arg[0], INBOUND, m.hdr.name, m.hdr.namelen);
	bytes(&e, 5, c->nr, m.hdr.control, m.hdr.controllen);
	finish(&e, c->nr);
	return 0;
}

SEC("tp_btf/sys_exit")
int sendmmsg_x51(void *ctx)
{
	struct scratch *s = scratch_of(0);
	if (!s)
		return 0;
	struct call *c = &s->call;
	if (c->ret <= 0) {
		struct ev e;
		start(&e, s, PPME_SENDMMSG_X, 5, c->tid);
		put64(&e, 0, c->ret);
		put64(&e, 1, fd(c->arg[0]));
		put32(&e, 2, 0);
		empty(&e, 3);
		empty(&e, 4);
		finish(&e, c->nr);
		return 0;
	}
	for (u32 k = 0; k < MESSAGES_MAX; k++) {
		if (k >= c->ret)
			break;
		if (k) // the dispatcher has counted one
			COUNT(seen, c->nr, 1);
		sent_message(k);
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int recvmmsg_x55(void *ctx)
{
	struct scratch *s = scratch_of(0);
	if (!s)
		return 0;
	struct call *c = &s->call;
	if (c->ret <= 0) {
		struct ev e;
		start(&e, s, PPME_RECVMMSG_X, 6, c->tid);
		put64(&e, 0, c->ret);
		put64(&e, 1, fd(c->arg[0]));
		put32(&e, 2, 0);
		empty(&e, 3);
		empty(&e, 4);
		empty(&e, 5);
		finish(&e, c->nr);
		return 0;
	}
	for (u32 k = 0; k < MESSAGES_MAX; k++) {
		if (k >= c->ret)
			break;
		if (k)
			COUNT(seen, c->nr, 1);
		received_message(k);
	}
	return 0;
}

#endif
