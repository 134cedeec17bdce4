package capture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/sysreel/sysreel/scapfile"
	"golang.org/x/sys/unix"
)

// machineInfo describes this host. boot is its boot time as the probe uses it.
func machineInfo(boot uint64) *scapfile.MachineInfo {
	m := &scapfile.MachineInfo{NumCPUs: onlineCPUs(), BootTime: boot}
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) == nil {
		m.MemoryB = uint64(si.Totalram) * uint64(si.Unit)
	}
	if b, err := os.ReadFile("/proc/sys/kernel/pid_max"); err == nil {
		m.MaxPID = uint64(decimal(bytes.TrimSpace(b)))
	}
	if name, err := os.Hostname(); err == nil {
		m.Hostname = name[:min(len(name), 127)]
	}
	return m
}

// onlineCPUs counts the processors that run, whatever this process may use.
func onlineCPUs() uint32 {
	b, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return 0
	}
	var n uint32
	for _, r := range strings.Split(strings.TrimSpace(string(b)), ",") {
		lo, hi, isRange := strings.Cut(r, "-")
		a, err := strconv.ParseUint(lo, 10, 32)
		if err != nil {
			return 0
		}
		z := a
		if isRange {
			if z, err = strconv.ParseUint(hi, 10, 32); err != nil || z < a {
				return 0
			}
		}
		n += uint32(z-a) + 1
	}
	return n
}

// users reads a user database in the format of /etc/passwd. Lines that are not
// entries are skipped.
func users(passwd []byte) []scapfile.User {
	var list []scapfile.User
	for line := range strings.Lines(string(passwd)) {
		f := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(f) < 7 {
			continue
		}
		uid, err1 := strconv.ParseUint(f[2], 10, 32)
		gid, err2 := strconv.ParseUint(f[3], 10, 32)
		if err1 != nil || err2 != nil {
			continue
		}
		list = append(list, scapfile.User{UID: uint32(uid), GID: uint32(gid), Name: f[0], Home: f[5], Shell: f[6]})
	}
	return list
}

// groups reads a group database in the format of /etc/group.
func groups(group []byte) []scapfile.Group {
	var list []scapfile.Group
	for line := range strings.Lines(string(group)) {
		f := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(f) < 3 {
			continue
		}
		gid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			continue
		}
		list = append(list, scapfile.Group{GID: uint32(gid), Name: f[0]})
	}
	return list
}

// interfaces lists the addresses of this network namespace's interfaces, IPv4
// first as the file format wants them. It speaks netlink itself: package net
// would not tell the broadcast address.
func interfaces() ([]scapfile.Interface, error) {
	links, err := netlinkDump(unix.RTM_GETLINK)
	if err != nil {
		return nil, err
	}
	names := map[uint32]string{}
	for _, m := range links {
		if m.Header.Type != unix.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg {
			continue
		}
		index := binary.NativeEndian.Uint32(m.Data[4:])
		netlinkAttrs(m.Data[unix.SizeofIfInfomsg:], func(typ uint16, v []byte) {
			if typ == unix.IFLA_IFNAME {
				names[index] = string(bytes.TrimRight(v, "\x00"))
			}
		})
	}
	addrs, err := netlinkDump(unix.RTM_GETADDR)
	if err != nil {
		return nil, err
	}
	var list []scapfile.Interface
	for _, m := range addrs {
		if m.Header.Type != unix.RTM_NEWADDR || len(m.Data) < unix.SizeofIfAddrmsg {
			continue
		}
		if i, ok := interfaceOf(m.Data, names); ok {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b scapfile.Interface) int {
		return cmp.Compare(a.Addr.BitLen(), b.Addr.BitLen())
	})
	return list, nil
}

// interfaceOf decodes the body of an RTM_NEWADDR message.
func interfaceOf(msg []byte, names map[uint32]string) (scapfile.Interface, bool) {
	bits := int(msg[1])
	i := scapfile.Interface{Name: names[binary.NativeEndian.Uint32(msg[4:])]}
	netlinkAttrs(msg[unix.SizeofIfAddrmsg:], func(typ uint16, v []byte) {
		a, ok := netip.AddrFromSlice(v)
		switch {
		case !ok:
		case typ == unix.IFA_LOCAL: // on point-to-point links IFA_ADDRESS is the peer
			i.Addr = a
		case typ == unix.IFA_ADDRESS && !i.Addr.IsValid():
			i.Addr = a
		case typ == unix.IFA_BROADCAST:
			i.Broadcast = a
		}
	})
	if !i.Addr.IsValid() || bits > i.Addr.BitLen() {
		return i, false
	}
	mask := make([]byte, i.Addr.BitLen()/8)
	for b := range bits {
		mask[b/8] |= 0x80 >> (b % 8)
	}
	i.Netmask, _ = netip.AddrFromSlice(mask)
	if !i.Broadcast.IsValid() || i.Broadcast.BitLen() != i.Addr.BitLen() {
		i.Broadcast = zeroAddr(i.Addr)
	}
	return i, true
}

// zeroAddr is the unspecified address of a's family.
func zeroAddr(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

func netlinkDump(request int) ([]syscall.NetlinkMessage, error) {
	b, err := syscall.NetlinkRIB(request, unix.AF_UNSPEC)
	if err != nil {
		return nil, err
	}
	return syscall.ParseNetlinkMessage(b)
}

// netlinkAttrs calls f with each attribute in b.
func netlinkAttrs(b []byte, f func(typ uint16, value []byte)) {
	for len(b) >= unix.SizeofRtAttr {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofRtAttr || n > len(b) {
			return
		}
		f(binary.NativeEndian.Uint16(b[2:]), b[unix.SizeofRtAttr:n])
		b = b[min((n+3)&^3, len(b)):]
	}
}
