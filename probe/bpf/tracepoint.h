// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// Events of kernel tracepoints, recorded on request: context switches, page
// faults, signal deliveries. All are of fixed size.
#ifndef SYSREEL_TRACEPOINT_H
#define SYSREEL_TRACEPOINT_H

#include "kernel.h"

#define PPME_SCHEDSWITCH_6_E 152
#define PPME_SIGNALDELIVER_E 232
#define PPME_PAGE_FAULT_E 290

// RESERVE begins an event of fixed size, counted under slot nr.
#define RESERVE(nr, type, nparams, size)                                          \
	COUNT(seen, nr, 1);                                                       \
	void *ring = ring_of();                                                   \
	u8 *d = ring ? bpf_ringbuf_reserve(ring, HEADER + 2 * (nparams) + (size), 0) : NULL; \
	if (!d) {                                                                 \
		count_full(nr);                                                   \
		return 0;                                                         \
	}                                                                         \
	struct ev e = {.d = d, .pos = HEADER + 2 * (nparams)};                    \
	header(d, type, nparams, bpf_get_current_pid_tgid(), HEADER + 2 * (nparams) + (size))

#define SUBMIT()                                  \
	bpf_ringbuf_submit(d, BPF_RB_NO_WAKEUP);  \
	return 0

SEC("tp_btf/sched_switch")
int sched_switch(u64 *ctx)
{
	struct task_struct *prev = (void *)ctx[1], *next = (void *)ctx[2];
	struct vm vm = {};
	if (!wanted())
		return 0;
	read_vm(&vm, prev);
	RESERVE(SLOT_SWITCH, PPME_SCHEDSWITCH_6_E, 6, 8 + 8 + 8 + 4 + 4 + 4);
	put64(&e, 0, fd(READ(next, pid)));
	put64(&e, 1, READ(prev, maj_flt));
	put64(&e, 2, READ(prev, min_flt));
	put32(&e, 3, vm.size);
	put32(&e, 4, vm.rss);
	put32(&e, 5, vm.swap);
	SUBMIT();
}

// The sender is known for signals that always carry it, and for the usual ones
// when a process sent them.
static __always_inline s32 sender(s32 sig, struct kernel_siginfo *info)
{
	s32 code = READ(info, si_code);
	switch (sig) {
	case 15: // TERM, HUP, INT, TSTP, QUIT
	case 1:
	case 2:
	case 20:
	case 3:
		if (code > 0) // the kernel sent it; SI_USER is 0, SI_QUEUE and others are negative
			return 0;
		break;
	case 9: // KILL, CHLD
	case 17:
		break;
	default:
		if (sig < 32)
			return 0;
	}
	return READ(info, _sifields._kill._pid);
}

SEC("tp_btf/signal_deliver")
int signal_deliver(u64 *ctx)
{
	s32 sig = ctx[0];
	struct kernel_siginfo *info = (void *)ctx[1];
	if (!wanted())
		return 0;
	RESERVE(SLOT_SIGNAL, PPME_SIGNALDELIVER_E, 3, 8 + 8 + 1);
	put64(&e, 0, fd(sender(sig, info)));
	put64(&e, 1, fd(bpf_get_current_pid_tgid()));
	put8(&e, 2, sig);
	SUBMIT();
}

#if defined(__TARGET_ARCH_x86)
static __always_inline u32 fault_flags(u64 f)
{
	u32 r = f & 1 ? 1 : 2; // protection violation, page not present
	r |= f & 2 ? 4 : 8;    // write, read
	r |= f & 4 ? 16 : 32;  // user, supervisor
	BIT(8, 64);            // reserved page
	BIT(16, 128);          // instruction fetch
	return r;
}

// The parameter ip is the instruction pointer. The libs store the eight bytes
// it points to, which no reader can have use for.
static __always_inline int page_fault(u32 nr, u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[1];
	if (!wanted())
		return 0;
	RESERVE(nr, PPME_PAGE_FAULT_E, 3, 8 + 8 + 4);
	put64(&e, 0, ctx[0]);
	put64(&e, 1, READ(regs, ip));
	put32(&e, 2, fault_flags(ctx[2]));
	SUBMIT();
}

SEC("tp_btf/page_fault_user")
int page_fault_user(u64 *ctx)
{
	return page_fault(SLOT_PAGEFAULT_USER, ctx);
}

SEC("tp_btf/page_fault_kernel")
int page_fault_kernel(u64 *ctx)
{
	return page_fault(SLOT_PAGEFAULT_KERNEL, ctx);
}
#endif

#endif
