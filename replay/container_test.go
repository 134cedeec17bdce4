package replay

import (
	"slices"
	"strings"
	"testing"
)

const (
	testLong  = "3f1c0ffee0ddba11cafe1234567890abcdef1234567890abcdef1234567890ab"
	testShort = "3f1c0ffee0dd"
	testPod   = "0e5a3b0c-8c3f-4c3e-9b1a-6f0f1d2c3b4a"
)

func TestContainerFromCgroup(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"/docker/" + testLong, testShort},
		{"/system.slice/docker-" + testLong + ".scope", testShort},
		{"/kubepods/burstable/pod" + testPod + "/" + testLong, testShort},
		{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + strings.ReplaceAll(testPod, "-", "_") + ".slice/cri-containerd-" + testLong + ".scope", testShort},
		{"/kubepods.slice/kubepods-pod1.slice/crio-" + testLong + ".scope", testShort},
		{"/kubepods/pod1/crio-" + testLong, testShort},
		{"/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:" + testLong, testShort},
		{"/machine.slice/libpod-" + testLong + ".scope", testShort},
		{"/machine.slice/libpod-" + testLong + ".scope/container", testShort},
		{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + testLong + ".scope", testShort},
		{"/libpod_parent/libpod-" + testLong, testShort},
		{"/default/redis", "redis"},
		{"/k8s.io/" + testLong, testShort},
		{"/lxc/web/system.slice", "web"},
		{"/lxc.payload/web", "web"},
		{"/lxc.payload.web/init.scope", "web"},
		{"/machine.slice/machine-arch\\x2dbuild.scope/payload", "arch-build"},
		{"/machine.slice/systemd-nspawn@arch.service/payload", "arch"},
		{"/machine/demo.libvirt-lxc", "demo"},
		{`/machine.slice/machine-lxc\x2d2293906\x2ddemo.scope/libvirt`, `2293906\x2ddemo`},
		{"/libvirt/lxc/demo", "demo"},
		{"/system.slice/bpm-job.scope", "job"},

		{"/", ""},
		{"", ""},
		{"/supervisord/277e5c326449b9e6a13ba36f70314717", ""}, // 32 digits: no container
		{"/system.slice/ssh.service", ""},
		{"/user.slice/user-1000.slice/session-5.scope", ""},
		{"/docker/" + testLong[1:], ""},
		{"/docker/" + testLong[1:] + "g", ""},
		{"/machine.slice/machine-qemu\\x2d1.scope", ""},
	} {
		if got, _ := containerFromCgroup(c.path); got != c.want {
			t.Errorf("%s: got %q, want %q", c.path, got, c.want)
		}
	}
}

func TestPodUID(t *testing.T) {
	for _, c := range []struct{ cgroup, want string }{
		{"cpu=/kubepods/burstable/pod" + testPod + "/" + testLong, testPod},
		{"cpu=/kubepods.slice/kubepods-pod" + strings.ReplaceAll(testPod, "-", "_") + ".slice/crio-" + testLong + ".scope", testPod},
		{"cpu=/libpod-" + testLong, ""},
		{"cpu=/", ""},
	} {
		if got := (&Thread{Cgroups: []string{"mem=/", c.cgroup}}).PodUID(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.cgroup, got, c.want)
		}
	}
}

func TestCgroupSet(t *testing.T) {
	got := newCgroupSet([]string{"perf_cgroup=/a", "mem=/b", "io=/c", "cpuset_cgroup=/d=e", "broken", "cpu=/late"}).list
	want := []string{"perf_event=/a", "memory=/b", "blkio=/c", "cpuset=/d=e"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzContainerFromCgroup: any path, and the id is never longer than the path.
func FuzzContainerFromCgroup(f *testing.F) {
	f.Add("/docker/" + testLong)
	f.Add(`/machine.slice/machine-lxc\x2d1.scope`)
	f.Fuzz(func(t *testing.T, path string) {
		if id, ok := containerFromCgroup(path); len(id) > len(path) || ok != (id != "") {
			t.Errorf("got %q, %v", id, ok)
		}
	})
}
