// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
//
// Whose calls are recorded.
#ifndef SYSREEL_SELECT_H
#define SYSREEL_SELECT_H

#include "event.h"

// wanted tells whether the current task is recorded. The recorder itself never
// is. What is switched off costs nothing: the verifier removes it.
static __always_inline bool wanted(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	if (tgid == self_tgid)
		return false;
	if (only_tree && !bpf_map_lookup_elem(&tree, &tgid))
		return false;
	if (only_uids) {
		u32 uid = bpf_get_current_uid_gid();
		if (!bpf_map_lookup_elem(&uids, &uid))
			return false;
	}
	if (only_cgroups) {
		u64 id = bpf_get_current_cgroup_id();
		if (!bpf_map_lookup_elem(&cgroups, &id))
			return false;
	}
	if (only_comms) {
		struct comm name = {};
		bpf_get_current_comm(&name, sizeof(name));
		if (!bpf_map_lookup_elem(&comms, &name))
			return false;
	}
	return true;
}

#endif
