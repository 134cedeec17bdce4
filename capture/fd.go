package capture

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/schema"
	"golang.org/x/sys/unix"
)

// oLargefile is the kernel's O_LARGEFILE, which package unix has as 0 on 64-bit
// machines.
var oLargefile = map[string]uint64{"amd64": 0o100000, "arm64": 0o400000}[runtime.GOARCH]

// descriptors lists the open descriptors of the process at dir, in the order of
// their numbers. It is empty when the caller may not look.
func (s *scanner) descriptors(dir int) []scapfile.FD {
	fds, err := s.open(dir, "fd")
	if err != nil {
		return nil
	}
	defer unix.Close(fds)
	info, err := s.open(dir, "fdinfo")
	if err != nil {
		return nil
	}
	defer unix.Close(info)
	var netns uint64 // asked for at the first socket
	var list []scapfile.FD
	_ = s.numbers(fds, func(n int, name string) {
		link, err := s.readlink(fds, name)
		if err != nil {
			return
		}
		fd := scapfile.FD{Num: int64(n)}
		switch {
		case bytes.HasPrefix(link, []byte("socket:[")):
			ino, _ := bracketed(link)
			if netns == 0 {
				netns = namespaceOf(s.procfs, dir, "ns/net")
			}
			known := s.socketTable(dir, netns)[ino]
			if known == nil {
				return // of a family without a table, as packet or vsock
			}
			fd = *known
			fd.Num, fd.Ino = int64(n), ino
		case bytes.HasPrefix(link, []byte("pipe:[")):
			fd.Type, fd.Name = schema.SCAP_FD_FIFO, string(link)
			fd.Ino, _ = bracketed(link)
		case bytes.HasPrefix(link, []byte("pidfd:[")): // since Linux 6.9
			fd.Type = schema.SCAP_FD_PIDFD
			fd.Ino, _ = bracketed(link)
		case bytes.HasPrefix(link, []byte("anon_inode:")):
			fd.Type = anonType(string(link[len("anon_inode:"):]))
			fd.Ino = s.fdinfo(info, name).ino
		default:
			if !s.pathFD(fds, info, name, string(link), &fd) {
				return
			}
		}
		list = append(list, fd)
	})
	return list
}

// pathFD describes a descriptor whose link is a path.
func (s *scanner) pathFD(fds, info int, name, link string, fd *scapfile.FD) bool {
	var st unix.Statx_t
	if unix.Statx(fds, name, unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE|unix.STATX_INO, &st) != nil {
		return false
	}
	fd.Ino, fd.Name = st.Ino, clip(link, maxPath)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		fd.Type = schema.SCAP_FD_DIRECTORY
	case unix.S_IFIFO:
		fd.Type = schema.SCAP_FD_FIFO
	case unix.S_IFREG, unix.S_IFBLK, unix.S_IFCHR, unix.S_IFLNK:
		if strings.HasPrefix(link, "/memfd:") {
			fd.Type = schema.SCAP_FD_MEMFD
			break
		}
		fd.Type = schema.SCAP_FD_FILE_V2
		fd.Flags = openFlags(s.fdinfo(info, name).flags)
		fd.Dev = makeDev(st.Dev_major, st.Dev_minor)
	default:
		fd.Type, fd.Name = schema.SCAP_FD_UNSUPPORTED, ""
	}
	return true
}

type fdinfo struct {
	flags uint64 // native open flags
	ino   uint64 // 0 before Linux 5.14
}

func (s *scanner) fdinfo(dir int, name string) fdinfo {
	var fi fdinfo
	b, err := s.read(dir, name, 0)
	if err != nil {
		return fi
	}
	colonLines(b, func(key, v []byte) {
		switch string(key) {
		case "flags":
			fi.flags, _ = strconv.ParseUint(string(v), 8, 64)
		case "ino":
			fi.ino = uint64(decimal(v))
		}
	})
	return fi
}

// anonTypes are the kernel's names of anonymous inodes, without brackets.
var anonTypes = map[string]uint8{
	"eventfd":     schema.SCAP_FD_EVENT,
	"eventpoll":   schema.SCAP_FD_EVENTPOLL,
	"inotify":     schema.SCAP_FD_INOTIFY,
	"signalfd":    schema.SCAP_FD_SIGNALFD,
	"timerfd":     schema.SCAP_FD_TIMERFD,
	"bpf-map":     schema.SCAP_FD_BPF,
	"bpf-prog":    schema.SCAP_FD_BPF,
	"bpf_link":    schema.SCAP_FD_BPF,
	"bpf-link":    schema.SCAP_FD_BPF,
	"btf":         schema.SCAP_FD_BPF,
	"userfaultfd": schema.SCAP_FD_USERFAULTFD,
	"io_uring":    schema.SCAP_FD_IOURING,
	"pidfd":       schema.SCAP_FD_PIDFD,
}

// anonType returns the type of an anonymous inode, whose name the kernel writes
// with or without brackets.
func anonType(name string) uint8 {
	if t, ok := anonTypes[strings.Trim(name, "[]")]; ok {
		return t
	}
	return schema.SCAP_FD_UNSUPPORTED
}

// makeDev encodes a device number as captures do.
func makeDev(major, minor uint32) uint32 {
	return minor&0xff | major<<8 | minor&^0xff<<12
}

// openFlags translates native open flags to PPM_O_ bits.
func openFlags(native uint64) uint32 {
	var f uint32
	switch native & unix.O_ACCMODE {
	case unix.O_WRONLY:
		f = schema.PPM_O_WRONLY
	case unix.O_RDWR:
		f = schema.PPM_O_RDWR
	default:
		f = schema.PPM_O_RDONLY
	}
	for _, b := range [...]struct {
		native uint64
		ppm    uint32
	}{
		{unix.O_CREAT, schema.PPM_O_CREAT},
		{unix.O_TMPFILE, schema.PPM_O_TMPFILE},
		{unix.O_APPEND, schema.PPM_O_APPEND},
		{unix.O_DSYNC, schema.PPM_O_DSYNC},
		{unix.O_EXCL, schema.PPM_O_EXCL},
		{unix.O_NONBLOCK, schema.PPM_O_NONBLOCK},
		{unix.O_SYNC, schema.PPM_O_SYNC},
		{unix.O_TRUNC, schema.PPM_O_TRUNC},
		{unix.O_DIRECT, schema.PPM_O_DIRECT},
		{unix.O_DIRECTORY, schema.PPM_O_DIRECTORY},
		{oLargefile, schema.PPM_O_LARGEFILE},
		{unix.O_CLOEXEC, schema.PPM_O_CLOEXEC},
	} {
		// Any bit counts, as in the probe: O_DIRECTORY alone is TMPFILE too.
		if native&b.native != 0 {
			f |= b.ppm
		}
	}
	return f
}
