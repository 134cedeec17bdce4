// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// Maps, settings, and the building of one event.
//
// An event is a 26-byte header, an array of 16-bit parameter lengths and the
// parameters themselves, unaligned. Events of fixed size are written straight
// into the ring buffer; the others are put together in a scratch buffer of the
// CPU and copied into the ring in one piece, so that an event is recorded whole
// or not at all.
#ifndef SYSREEL_EVENT_H
#define SYSREEL_EVENT_H

#include "types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define READ(src, field, ...) BPF_CORE_READ(src, field, ##__VA_ARGS__)

#define HEADER 26
#define EVENT_MAX 65535
// Offsets are masked to 16 bits before each access, so that a write starts
// below 64 KiB, and a write is at most 64 KiB long: twice that is always
// enough, and no branch is needed. What wraps is found by the check of the
// event's size.
#define SCRATCH_DATA (128 * 1024)
#define MASK(off) ((off) & 0xffff)

#define SYSCALLS 512 // native numbers are below this on all architectures
// Counters of what is not a system call follow those of the system calls.
enum {
	SLOT_PROCEXIT = SYSCALLS,
	SLOT_SWITCH,
	SLOT_PAGEFAULT_USER,
	SLOT_PAGEFAULT_KERNEL,
	SLOT_SIGNAL,
	SLOT_COUNT = SYSCALLS + 8,
	COUNTERS = 1024, // a power of two above: indices are masked
};

// Bits of selected[].
enum {
	SEL_NATIVE = 1,      // record the call with this native number
	SEL_COMPAT = 2,      // record the 32-bit call with this number
	SEL_FAILED_ONLY = 4, // success is reported by another hook (exec)
};

// Settings that do not change after loading; the verifier removes what is off.
const volatile u64 boot_time;    // ns from the epoch to boot
const volatile u32 self_tgid;    // never recorded
const volatile u32 snaplen = 80; // bytes kept of a data buffer
const volatile u32 ring_count = 1;
const volatile u32 cpu_count = 1;
const volatile u32 page_shift = 12;
const volatile u8 drop_failed;
const volatile u8 only_tree;
const volatile u8 only_uids;
const volatile u8 only_comms;
const volatile u8 only_cgroups;
const volatile u16 code_of[SYSCALLS];   // native number -> PPM_SC code
const volatile s16 compat_nr[SYSCALLS]; // 32-bit number -> native number, -1 if none

// Selection, changed while running. Index: native number, for SEL_COMPAT the
// 32-bit one.
volatile u8 selected[SYSCALLS];
volatile u8 selected_slot[SLOT_COUNT - SYSCALLS];

// One system call, filled in by the dispatcher for the program that records it.
struct call {
	u64 arg[6];
	s64 ret;
	u32 tid, tgid;
	u32 nr;     // native number
	u32 compat; // made through the 32-bit interface
	u64 forgotten; // see iov_size
};

struct scratch {
	struct call call;
	u8 data[SCRATCH_DATA];
};

struct counts {
	u64 seen[COUNTERS];
	u64 full[COUNTERS];
	u64 large[COUNTERS];
	u64 faults[COUNTERS];
};

// Values of a per-CPU array may not exceed 32 KiB; so a plain array, of which
// each CPU uses two elements: 0 for system calls, 1 for the scheduler hooks,
// which may interrupt the building of the former.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counts);
} counters SEC(".maps");

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct ring);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SYSCALLS);
	__uint(key_size, 4);
	__uint(value_size, 4);
} programs SEC(".maps");

#define SET(name, key_type, size)                        \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_HASH);         \
		__uint(max_entries, size);               \
		__uint(map_flags, BPF_F_NO_PREALLOC);    \
		__type(key, key_type);                   \
		__type(value, u8);                       \
	} name SEC(".maps")

struct comm {
	char name[16];
};
SET(tree, u32, 1 << 20); // thread group ids; the value is one of the following
enum {
	TREE_ALIVE = 1,
	TREE_DEAD = 2, // its last thread has ended or is about to
};
SET(uids, u32, 1024);
SET(comms, struct comm, 1024);
SET(cgroups, u64, 1024);

// An event being built.
struct ev {
	u8 *d;
	u64 pos; // where the next parameter goes
};

static __always_inline struct scratch *scratch_of(u32 hook)
{
	u32 k = bpf_get_smp_processor_id() * 2 + hook;
	return bpf_map_lookup_elem(&scratches, &k);
}

static __always_inline void *ring_of(void)
{
	u32 k = bpf_get_smp_processor_id();
	if (k >= ring_count) // came online after the start: share
		k = ring_count ? k % ring_count : 0;
	return bpf_map_lookup_elem(&rings, &k);
}

static __always_inline struct counts *counts(void)
{
	u32 zero = 0;
	return bpf_map_lookup_elem(&counters, &zero);
}

static __always_inline u64 slot(u64 nr)
{
	barrier_var(nr); // or the compiler drops the mask, which older verifiers need
	return nr & (COUNTERS - 1);
}

#define COUNT(field, nr, n)                     \
	do {                                    \
		struct counts *_c = counts();   \
		if (_c)                         \
			_c->field[slot(nr)] += (n); \
	} while (0)

static __noinline int count_full(u32 nr)
{
	COUNT(full, nr, 1);
	return 0;
}

static __noinline int count_large(u32 nr)
{
	COUNT(large, nr, 1);
	return 0;
}

static __noinline int count_fault(u32 nr)
{
	COUNT(faults, nr, 1);
	return 0;
}

static __always_inline void header(u8 *d, u16 type, u32 nparams, u32 tid, u32 len)
{
	*(u64 *)d = boot_time + bpf_ktime_get_boot_ns();
	*(u64 *)(d + 8) = tid;
	*(u32 *)(d + 16) = len;
	*(u16 *)(d + 20) = type;
	*(u32 *)(d + 22) = nparams;
}

// start begins an event of variable size in scratch memory.
static __always_inline void start(struct ev *e, struct scratch *s, u16 type, u32 nparams, u32 tid)
{
	e->d = s->data;
	e->pos = HEADER + 2 * nparams;
	header(e->d, type, nparams, tid, 0);
}

// finish hands the event over to the ring buffer, or counts it as lost.
static __always_inline void finish(struct ev *e, u32 nr)
{
	u64 len = e->pos;
	if (len > EVENT_MAX) {
		count_large(nr);
		return;
	}
	*(u32 *)(e->d + 16) = len;
	void *ring = ring_of();
	if (!ring || bpf_ringbuf_output(ring, e->d, len, BPF_RB_NO_WAKEUP))
		count_full(nr);
}

static __always_inline void set_len(struct ev *e, u32 i, u16 len)
{
	*(u16 *)(e->d + HEADER + 2 * i) = len;
}

#define PUT(name, type)                                                         \
	static __always_inline void name(struct ev *e, u32 i, type v)           \
	{                                                                       \
		*(type *)(e->d + MASK(e->pos)) = v;                             \
		e->pos += sizeof(type);                                         \
		set_len(e, i, sizeof(type));                                    \
	}
PUT(put8, u8)
PUT(put16, u16)
PUT(put32, u32)
PUT(put64, u64)

// Pieces of a structured parameter, whose length is set afterwards.
static __always_inline void add8(struct ev *e, u8 v)
{
	*(e->d + MASK(e->pos)) = v;
	e->pos += 1;
}
static __always_inline void add16(struct ev *e, u16 v)
{
	*(u16 *)(e->d + MASK(e->pos)) = v;
	e->pos += 2;
}
static __always_inline void add32(struct ev *e, u32 v)
{
	*(u32 *)(e->d + MASK(e->pos)) = v;
	e->pos += 4;
}
static __always_inline void add64(struct ev *e, u64 v)
{
	*(u64 *)(e->d + MASK(e->pos)) = v;
	e->pos += 8;
}

static __always_inline void empty(struct ev *e, u32 i)
{
	set_len(e, i, 0);
}

// end sets the length of a parameter that began at position from.
static __always_inline void end(struct ev *e, u32 i, u64 from)
{
	set_len(e, i, e->pos - from);
}

// forget makes the verifier forget what it knows of v, by a detour through the
// end of the scratch buffer. Paths through a program that differ only in the
// position they have reached then look alike to it and are verified once, not
// once for every combination. It costs a store and a load.
static __always_inline u64 forget(struct ev *e, u64 v)
{
	volatile u64 *p = (void *)(e->d + SCRATCH_DATA - 8);
	*p = v;
	return *p;
}

#define PATH_MAX 4096

// add_str appends a string of user memory with its NUL, at most max bytes, and
// returns the bytes appended: 0 when the pointer is NULL or unreadable.
static __always_inline u64 add_str(struct ev *e, u32 nr, u64 ptr, u32 max)
{
	if (!ptr)
		return 0;
	u64 from = e->pos;
	long n = bpf_probe_read_user_str(e->d + MASK(from), max, (void *)ptr);
	if (n > 0)
		e->pos = from + n;
	else if (n == 0) // older kernels do not count the NUL of an empty string
		add8(e, 0);
	else
		count_fault(nr);
	e->pos = forget(e, e->pos);
	return e->pos - from;
}

// add_bytes appends len bytes of user memory; nothing if not all can be read.
static __always_inline u64 add_bytes(struct ev *e, u32 nr, u64 ptr, u64 len)
{
	len &= 0xffff;
	if (!ptr || !len)
		return 0;
	barrier_var(len);
	u64 from = e->pos;
	if (!bpf_probe_read_user(e->d + MASK(from), len & 0xffff, (void *)ptr))
		e->pos = from + len;
	else
		count_fault(nr);
	e->pos = forget(e, e->pos);
	return e->pos - from;
}

// add_kernel_str is add_str for kernel memory.
static __always_inline u64 add_kernel_str(struct ev *e, const void *ptr, u32 max)
{
	u64 from = e->pos;
	long n = bpf_probe_read_kernel_str(e->d + MASK(from), max, ptr);
	if (n > 0)
		e->pos = from + n;
	else if (n == 0)
		add8(e, 0);
	e->pos = forget(e, e->pos);
	return e->pos - from;
}

#endif
