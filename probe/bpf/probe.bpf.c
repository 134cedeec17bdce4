//go:build ignore
// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// The probe. sys_exit finds out which system call returned and whether it is
// recorded, and jumps to the program of that call; the programs of plain calls
// are generated from the recipe table in probe/gen. No program but the
// dispatchers looks at the hook's arguments, so that all of them can be loaded
// for tp_btf and for raw_tp hooks alike.

#include "types.h"
#include "event.h"
#include "select.h"
#include "process.h"
#include "message.h"
#include "tracepoint.h"

#define BEGIN(type, nparams)                       \
	struct scratch *s = scratch_of(0);         \
	if (!s)                                    \
		return 0;                          \
	struct call *c = &s->call;                 \
	struct ev e;                               \
	start(&e, s, type, nparams, c->tid)
#define END()               \
	finish(&e, c->nr);  \
	return 0

#define BEGIN_FIXED(type, nparams, size)                                        \
	struct scratch *s = scratch_of(0);                                      \
	if (!s)                                                                 \
		return 0;                                                       \
	struct call *c = &s->call;                                              \
	void *ring = ring_of();                                                 \
	u8 *d = ring ? bpf_ringbuf_reserve(ring, size, 0) : NULL;               \
	if (!d) {                                                               \
		count_full(c->nr);                                              \
		return 0;                                                       \
	}                                                                       \
	struct ev e = {.d = d, .pos = HEADER + 2 * (nparams)};                  \
	header(d, type, nparams, c->tid, size)
#define END_FIXED()                               \
	(void)e;                                  \
	bpf_ringbuf_submit(d, BPF_RB_NO_WAKEUP);  \
	return 0

#include "syscalls.gen.h"

// A system call without an event of its own.
SEC("tp_btf/sys_exit")
int syscall_x1(void *ctx)
{
	BEGIN_FIXED(1, 2, HEADER + 2 * 2 + 2 + 2);
	put16(&e, 0, code_of[c->nr & (SYSCALLS - 1)]);
	put16(&e, 1, c->nr);
	END_FIXED();
}

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 2
#define X32_BIT 0x40000000
#define IA32_SOCKETCALL 102

static __always_inline bool in_compat_call(void)
{
	return READ(current(), thread_info.status) & TS_COMPAT;
}

// Native numbers of the calls behind socketcall. send and recv are sendto and
// recvfrom without an address.
static const volatile u16 socketcalls[32] = {
	[1] = 41, 49, 42, 50, 43, 51, 52, 53, 44, 45, 44, 45, 48, 54, 55, 46, 47, 288, 299, 307,
};
#elif defined(__TARGET_ARCH_arm64)
#define TIF_32BIT (1 << 22)

static __always_inline bool in_compat_call(void)
{
	return READ(current(), thread_info.flags) & TIF_32BIT;
}
#endif

// REG reads a register of the caller: directly where the verifier knows the
// type of the pointer, else with a helper.
#define REG(field) (direct ? (u64)regs->field : (u64)READ(regs, field))

static __always_inline u32 native_nr(struct pt_regs *regs, const bool direct)
{
#if defined(__TARGET_ARCH_x86)
	return REG(orig_ax);
#else
	return REG(syscallno);
#endif
}

static __always_inline void native_args(struct call *c, struct pt_regs *regs, const bool direct)
{
#if defined(__TARGET_ARCH_x86)
	c->arg[0] = REG(di);
	c->arg[1] = REG(si);
	c->arg[2] = REG(dx);
	c->arg[3] = REG(r10);
	c->arg[4] = REG(r8);
	c->arg[5] = REG(r9);
#else
	c->arg[0] = REG(orig_x0);
	c->arg[1] = REG(regs[1]);
	c->arg[2] = REG(regs[2]);
	c->arg[3] = REG(regs[3]);
	c->arg[4] = REG(regs[4]);
	c->arg[5] = REG(regs[5]);
#endif
}

// compat_call translates a 32-bit call; it returns its native number, SYSCALLS
// if there is none.
static __always_inline u32 compat_call(struct call *c, struct pt_regs *regs, u32 nr, const bool direct)
{
#if defined(__TARGET_ARCH_x86)
	c->arg[0] = (u32)REG(bx);
	c->arg[1] = (u32)REG(cx);
	c->arg[2] = (u32)REG(dx);
	c->arg[3] = (u32)REG(si);
	c->arg[4] = (u32)REG(di);
	c->arg[5] = (u32)REG(bp);
	if (nr == IA32_SOCKETCALL) {
		u32 args[6] = {}, call = c->arg[0];
		u64 ptr = c->arg[1];
		// Fewer than six may be readable: the array is as long as the call needs.
		if (bpf_probe_read_user(args, 24, (void *)ptr) &&
		    bpf_probe_read_user(args, 16, (void *)ptr) && bpf_probe_read_user(args, 8, (void *)ptr))
			COUNT(faults, SLOT_COUNT, 1);
		bool plain = call == 9 || call == 10; // send, recv
		c->arg[0] = args[0];
		c->arg[1] = args[1];
		c->arg[2] = args[2];
		c->arg[3] = args[3];
		c->arg[4] = plain ? 0 : args[4];
		c->arg[5] = plain ? 0 : args[5];
		nr = call < 32 ? socketcalls[call & 31] : 0;
		return nr ? nr : SYSCALLS;
	}
#else
	// A 32-bit call passes its arguments in the first registers, its number in r7.
	native_args(c, regs, direct);
#endif
	s32 native = compat_nr[nr & (SYSCALLS - 1)];
	return native < 0 ? SYSCALLS : native;
}

static __always_inline int dispatch(void *ctx, struct pt_regs *regs, s64 ret, const bool direct)
{
	u32 nr = native_nr(regs, direct);
#if defined(__TARGET_ARCH_x86)
	if ((s32)nr > 0)
		nr &= ~X32_BIT;
#endif
	if (nr >= SYSCALLS) // also -1: no system call at all
		return 0;
	// The verifier must see the bound on the very register that is the index.
	barrier_var(nr);
	u8 sel = selected[nr & (SYSCALLS - 1)];
	if (!sel)
		return 0;

	bool compat = in_compat_call();
	if (!(sel & (compat ? SEL_COMPAT : SEL_NATIVE)))
		return 0;
	if (drop_failed && ret < 0)
		return 0;
	if (!wanted())
		return 0;
	struct scratch *s = scratch_of(0);
	if (!s)
		return 0;
	struct call *c = &s->call;
	if (compat) {
		// A process that has just become a 32-bit one by exec looks like this.
		if (ret == 0 && (nr == NR_EXECVE || nr == NR_EXECVEAT))
			return 0;
		nr = compat_call(c, regs, nr, direct);
		if (nr >= SYSCALLS)
			return 0;
		barrier_var(nr);
		sel = selected[nr & (SYSCALLS - 1)];
		if (!(sel & SEL_NATIVE))
			return 0;
	} else {
		native_args(c, regs, direct);
	}
	if (sel & SEL_FAILED_ONLY && ret == 0)
		return 0;
	u64 id = bpf_get_current_pid_tgid();
	c->ret = ret;
	c->tid = id;
	c->tgid = id >> 32;
	c->nr = nr;
	c->compat = compat;
	COUNT(seen, nr, 1);
	bpf_tail_call(ctx, &programs, nr);
	// No program, which does not happen: they are installed before their calls
	// are selected. (No function is called here: kernels before 6.0 do not allow
	// functions and tail calls together on arm64.)
	COUNT(full, nr, 1);
	return 0;
}

SEC("tp_btf/sys_exit")
int dispatch_btf(u64 *ctx)
{
	return dispatch(ctx, (struct pt_regs *)ctx[0], ctx[1], true);
}

SEC("raw_tp/sys_exit")
int dispatch_raw(u64 *ctx)
{
	return dispatch(ctx, (struct pt_regs *)ctx[0], ctx[1], false);
}

// An empty program on the same hook: what recording costs is measured against it.
SEC("tp_btf/sys_exit")
int nothing(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
