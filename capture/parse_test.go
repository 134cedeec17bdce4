package capture

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
)

func TestParseStat(t *testing.T) {
	var th scapfile.Thread
	st, ok := parseStat([]byte("42 (a) b (c\n) S 7 8 9 34816 9 4194560 11 0 13 0 1 2 0 0 20 0 5 0 777 1 1"), &th)
	if !ok {
		t.Fatal("not understood")
	}
	want := scapfile.Thread{Comm: "a) b (c\n", PTID: 7, PGID: 8, SID: 9, TTY: 34816, PageFaultsMin: 11, PageFaultsMaj: 13}
	if !reflect.DeepEqual(th, want) {
		t.Errorf("thread = %+v, want %+v", th, want)
	}
	if want := (statFacts{start: 777, threads: 5}); st != want {
		t.Errorf("facts = %+v, want %+v", st, want)
	}
	if st, _ := parseStat([]byte("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0"), &th); !st.kernel {
		t.Error("a kernel thread is not recognised")
	}
	if st, _ := parseStat([]byte("3 (x) Z 1 3 3 0 -1 4228100 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0"), &th); !st.zombie {
		t.Error("a zombie is not recognised")
	}
	for _, bad := range []string{"", "1 (a", "1 a) S", "1 (a) S 1 2"} {
		if _, ok := parseStat([]byte(bad), &th); ok {
			t.Errorf("%q is understood", bad)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const status = "Name:\tx: y\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t10 20 \nNStgid:\t100\t50\t1\n" +
		"NSpid:\t101\t51\t2\nNSpgid:\t100\t50\t1\nVmSize:\t    3060 kB\nVmRSS:\t12 kB\nVmSwap:\t3 kB\n" +
		"CapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000002\n"
	th := scapfile.Thread{TID: 101, PID: 100, PGID: 100}
	c := parseStatus([]byte(status), &th)
	want := scapfile.Thread{
		TID: 101, PID: 100, PGID: 100, VTID: 2, VPID: 1, VPGID: 1, UID: 2, GID: 6,
		VMSizeKB: 3060, VMRSSKB: 12, VMSwapKB: 3,
		CapInheritable: 1, CapPermitted: 0x1ffffffffff, CapEffective: 2,
	}
	if !reflect.DeepEqual(th, want) {
		t.Errorf("thread = %+v, want %+v", th, want)
	}
	if want := (creds{fsuid: 4, fsgid: 8, groups: []uint32{10, 20}}); !reflect.DeepEqual(c, want) {
		t.Errorf("creds = %+v, want %+v", c, want)
	}
}

func TestParseLimits(t *testing.T) {
	const limits = "Limit                     Soft Limit           Hard Limit           Units\n" +
		"Max processes             unlimited            unlimited            processes\n" +
		"Max open files            1024                 4096                 files\n"
	if got := parseLimits([]byte(limits)); got != 1024 {
		t.Errorf("limit = %d, want 1024", got)
	}
	if got := parseLimits([]byte("Max open files unlimited unlimited files\n")); got != -1 {
		t.Errorf("limit = %d, want -1", got)
	}
}

func TestParseSocketTables(t *testing.T) {
	got := map[uint64]*scapfile.FD{}
	parseInet([]byte("  sl  local_address rem_address   st ...\n"+
		"   0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 0 0 11 1 0 100 0 0 10 0\n"+
		"   1: 0100007F:1F90 0200007F:C001 01 0:0 00:0 0 0 0 12 1 0 20 4 30 10 -1\n"+
		"   2: 0100007F:1F90 0200007F:C002 06 0:0 00:0 0 0 0 0 1 0\n"+ // TIME_WAIT
		"   3: garbage 0200007F:C002 06 0:0 00:0 0 0 0 13 1 0\n"), schema.SCAP_L4_TCP, got)
	parseInet([]byte("head\n"+
		"   0: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 14 2 0 0\n"), schema.SCAP_L4_UDP, got)
	parseUnix([]byte("Num       RefCount Protocol Flags    Type St Inode Path\n"+
		"ffff888100000000: 00000003 00000000 00000000 0001 03 15\n"+
		"ffff888100000001: 00000002 00000000 00010000 0001 01    16 /run/a b 16 c\n"), got)
	parseNetlink([]byte("sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n"+
		"00000000f2528c4d 0   0          00000000 0        0        0     2        0        17      \n"), got)
	want := map[uint64]*scapfile.FD{
		11: {Type: schema.SCAP_FD_IPV4_SERVSOCK, L4: schema.SCAP_L4_TCP, Src: netip.MustParseAddrPort("127.0.0.1:8080")},
		12: {Type: schema.SCAP_FD_IPV4_SOCK, L4: schema.SCAP_L4_TCP, Src: netip.MustParseAddrPort("127.0.0.1:8080"), Dst: netip.MustParseAddrPort("127.0.0.2:49153")},
		14: {Type: schema.SCAP_FD_IPV6_SERVSOCK, L4: schema.SCAP_L4_UDP, Src: netip.MustParseAddrPort("[2001:db8::1]:53")},
		15: {Type: schema.SCAP_FD_UNIX_SOCK, L4: schema.SCAP_L4_NA, UnixSrc: 0xffff888100000000},
		16: {Type: schema.SCAP_FD_UNIX_SOCK, L4: schema.SCAP_L4_NA, UnixSrc: 0xffff888100000001, Name: "/run/a b 16 c"},
		17: {Type: schema.SCAP_FD_NETLINK},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("sockets differ (-want +got):\n%s", diff)
	}
}

func TestCgroupNames(t *testing.T) {
	const docker = "/docker/3f1c0ffee0ddba11cafe1234567890abcdef1234567890abcdef1234567890ab"
	tests := []struct {
		name, file string
		unified    map[string][]string // version 2 directories with their controllers
		want       string
	}{
		{
			"version 1", "9:name=systemd:/\n7:blkio:/b\n4:memory:/m:x\n3:cpuset:/\n2:cpu,cpuacct:/c\n", nil,
			"cpuset=/ cpu=/c cpuacct=/c io=/b memory=/m:x",
		},
		{
			"both, controllers in version 1", "4:memory:/m\n0::/unified\n", map[string][]string{"/unified": {"cpu"}},
			"cpuset=/ cpu=/unified cpuacct=/ io=/ memory=/m",
		},
		{
			"version 2", "0::" + docker + "\n",
			map[string][]string{docker: {"cpuset", "cpu", "io", "memory"}, "/docker": {"cpuset"}},
			"cpuset=" + docker + " cpu=" + docker + " cpuacct=/ io=" + docker + " memory=" + docker,
		},
		{
			"version 2, a controller of an ancestor", "0::/a/b\n",
			map[string][]string{"/a/b": {"memory"}, "/a": {"memory", "cpu"}},
			"cpuset=/ cpu=/a cpuacct=/ io=/ memory=/a/b",
		},
	}
	for _, tt := range tests {
		n := &cgroupNamer{lists: map[string][]string{}, controllers: tt.unified}
		if tt.unified != nil {
			n.unified = "/nowhere"
		}
		for range 2 { // the second answer is remembered
			if got := strings.Join(n.names([]byte(tt.file)), " "); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}
	}
	n := &cgroupNamer{lists: map[string][]string{}}
	if got := n.names([]byte("0::/x\n")); len(got) != 5 || got[1] != "cpu=/x" {
		t.Errorf("without a mounted hierarchy: %v", got)
	}
}

func TestMountinfo(t *testing.T) {
	mounts := map[mountKey]mountFacts{}
	parseMountinfo([]byte(`36 35 98:0 / / rw,noatime master:1 - ext3 /dev/root rw,errors=continue
37 36 0:50 / /merged\040dir ro shared:2 master:1 - overlay overlay rw,lowerdir=/l,upperdir=/up\040per,workdir=/w
38 36 7:0 /sub /cd rw - iso9660 /dev/loop0 ro
bad line
`), mounts)
	want := map[mountKey]mountFacts{
		36: {root: "/", point: "/"},
		37: {root: "/", point: "/merged dir", overlay: true, upperDir: "/up per"},
		38: {root: "/sub", point: "/cd", readOnly: true},
	}
	if !reflect.DeepEqual(mounts, want) {
		t.Errorf("mounts = %+v, want %+v", mounts, want)
	}
}

func TestUsersAndGroups(t *testing.T) {
	u := users([]byte("root:x:0:0:root:/root:/bin/bash\n# comment\nbad:x:y:0:::\nnobody:x:65534:65534::/:\n"))
	if want := []scapfile.User{{UID: 0, GID: 0, Name: "root", Home: "/root", Shell: "/bin/bash"},
		{UID: 65534, GID: 65534, Name: "nobody", Home: "/"}}; !reflect.DeepEqual(u, want) {
		t.Errorf("users = %+v", u)
	}
	g := groups([]byte("root:x:0:\nadm:x:4:syslog,a\n+\n"))
	if want := []scapfile.Group{{GID: 0, Name: "root"}, {GID: 4, Name: "adm"}}; !reflect.DeepEqual(g, want) {
		t.Errorf("groups = %+v", g)
	}
}

func TestSplitNUL(t *testing.T) {
	long := strings.Repeat("x", maxArgs+10)
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil}, {"a\x00b\x00", []string{"a", "b"}}, {"a\x00b", []string{"a", "b"}},
		{"a\x00\x00", []string{"a", ""}}, {long, []string{long[:maxArgs-1]}},
	}
	for _, tt := range tests {
		if got := splitNUL([]byte(tt.in)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("splitNUL(%.10q) = %.10q, want %.10q", tt.in, got, tt.want)
		}
	}
}

// FuzzProcfs feeds every parser of /proc content: a process chooses its name,
// its paths and its arguments.
func FuzzProcfs(f *testing.F) {
	f.Add([]byte("1 (a) S 1 1 1 0 -1 4194560 1 1 1 1 1 1 0 0 20 0 1 0 1 1 1"))
	f.Add([]byte("Uid:\t1\t2\t3\t4\nNSpid:\t1\t2\nGroups:\t1 2 \n"))
	f.Add([]byte("h\n0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 0 0 11 1\n"))
	f.Add([]byte("h\nffff: 0 0 0 1 1 15 /a b\n"))
	f.Add([]byte("36 35 98:0 / /a\\040b rw - overlay overlay rw,upperdir=/u\\134\n"))
	f.Add([]byte("4:memory:/m\n0::/x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var th scapfile.Thread
		parseStat(b, &th)
		parseStatus(b, &th)
		parseLimits(b)
		socks := map[uint64]*scapfile.FD{}
		parseInet(b, schema.SCAP_L4_TCP, socks)
		parseUnix(b, socks)
		parseNetlink(b, socks)
		for ino, fd := range socks {
			if ino == 0 || len(fd.Name) > maxPath {
				t.Errorf("socket %d: %+v", ino, fd)
			}
		}
		parseMountinfo(b, map[mountKey]mountFacts{})
		if got := (&cgroupNamer{lists: map[string][]string{}}).names(b); len(got) > len(cgroupSubsystems) {
			t.Errorf("cgroups: %q", got)
		}
		size := 0
		for _, s := range splitNUL(b) {
			size += len(s) + 1
		}
		if size > maxArgs {
			t.Errorf("%d bytes of arguments", size)
		}
		users(b)
		groups(b)
	})
}
