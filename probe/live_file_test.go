package probe

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sysreel/sysreel/scapfile/schema"
)

const fdcwd = -100

// device returns the device number of a path in the form of the capture format.
func (c *child) device(path string) uint32 {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		c.fail("%v", err)
	}
	return encodeDev(uint64(st.Dev))
}

func encodeDev(dev uint64) uint32 {
	major, minor := unix.Major(dev), unix.Minor(dev)
	return minor&0xff | major<<8 | minor&^0xff<<12
}

func (c *child) inode(path string) uint64 {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		c.fail("%v", err)
	}
	return st.Ino
}

// layer returns the flag that a newly written file at path carries.
func (c *child) layer(path string) int {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		c.fail("%v", err)
	}
	if fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return schema.PPM_FD_UPPER_LAYER
	}
	return 0
}

const enoent = -int(unix.ENOENT)

var _ = addCases(map[string]func(c *child){
	"openat": func(c *child) {
		p := c.path("new file")
		fd := c.call(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(p), unix.O_CREAT|unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o4640)
		layer := c.layer(p)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, fd, fdcwd, p,
			schema.PPM_O_RDWR|schema.PPM_O_CREAT|schema.PPM_O_EXCL|schema.PPM_O_CLOEXEC|schema.PPM_O_F_CREATED|layer, 0o4640, c.device(p), c.inode(p))
		// The same again fails.
		r := c.call(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(p), unix.O_CREAT|unix.O_RDWR|unix.O_EXCL, 0o600)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, fdcwd, p, schema.PPM_O_RDWR|schema.PPM_O_CREAT|schema.PPM_O_EXCL, 0o600, 0, 0)
		// Relative to a directory, which needs no O_CREAT.
		dir := c.call(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(c.dir), unix.O_DIRECTORY, 0)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, dir, fdcwd, c.dir, schema.PPM_O_RDONLY|schema.PPM_O_DIRECTORY|schema.PPM_O_TMPFILE, 0, c.device(c.dir), c.inode(c.dir))
		fd = c.call(unix.SYS_OPENAT, dir, c.str("new file"), unix.O_WRONLY|unix.O_APPEND|unix.O_NONBLOCK|unix.O_TRUNC|unix.O_DSYNC, 0o777)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, fd, dir, "new file",
			schema.PPM_O_WRONLY|schema.PPM_O_APPEND|schema.PPM_O_NONBLOCK|schema.PPM_O_TRUNC|schema.PPM_O_DSYNC|schema.PPM_O_SYNC|layer, 0, c.device(p), c.inode(p))
		// An empty string, no string, unmapped memory, and the longest path.
		r = c.call(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(""), unix.O_RDONLY, 0)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, fdcwd, "", schema.PPM_O_RDONLY, 0, 0, 0)
		r = c.call(unix.SYS_OPENAT, unix.AT_FDCWD, 0, unix.O_RDONLY, 0)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, fdcwd, nil, schema.PPM_O_RDONLY, 0, 0, 0)
		r = c.call(unix.SYS_OPENAT, -7, uintptr(0x10000-8), unix.O_RDONLY, 0)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, -7, nil, schema.PPM_O_RDONLY, 0, 0, 0)
		long := strings.Repeat("/x", 2047) + "y" // 4095 bytes
		r = c.call(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(long), unix.O_RDONLY, 0)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, fdcwd, long, schema.PPM_O_RDONLY, 0, 0, 0)
		r = c.call(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(long+"cut"), unix.O_RDONLY, 0)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, fdcwd, long, schema.PPM_O_RDONLY, 0, 0, 0)
	},
	"openat of a page never touched": func(c *child) {
		// The kernel faults the page in during the call, which is why arguments are
		// read at its exit.
		exe, err := os.Open("/proc/self/exe")
		if err != nil {
			c.fail("%v", err)
		}
		st, _ := exe.Stat()
		m, err := unix.Mmap(int(exe.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
		if err != nil {
			c.fail("%v", err)
		}
		c.must(unix.SYS_MADVISE, addr(m), len(m), unix.MADV_DONTNEED)
		r := c.call(unix.SYS_OPENAT, unix.AT_FDCWD, addr(m), unix.O_RDONLY, 0)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, fdcwd, prefix("\x7fELF"), schema.PPM_O_RDONLY, 0, 0, 0)
	},
	"openat as descriptor 0": func(c *child) {
		p := c.file("f", "")
		c.must(unix.SYS_CLOSE, 0)
		r := c.call(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(p), unix.O_RDONLY, 0)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, fdcwd, p, schema.PPM_O_RDONLY, 0, 0, 0)
	},
	"openat on overlayfs": func(c *child) {
		for _, d := range []string{"lower", "upper", "work", "merged"} {
			if err := os.Mkdir(c.path(d), 0o755); err != nil {
				c.fail("%v", err)
			}
		}
		c.file("lower/old", "x")
		c.must(unix.SYS_UNSHARE, unix.CLONE_NEWNS)
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			c.skip("mount namespace: %v", err)
		}
		opts := "lowerdir=" + c.path("lower") + ",upperdir=" + c.path("upper") + ",workdir=" + c.path("work")
		if err := unix.Mount("overlay", c.path("merged"), "overlay", 0, opts); err != nil {
			c.skip("overlayfs: %v", err)
		}
		lower, upper := c.path("merged/old"), c.path("merged/new")
		r := c.call(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(lower), unix.O_RDONLY, 0)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, fdcwd, lower, schema.PPM_O_RDONLY|schema.PPM_FD_LOWER_LAYER, 0, c.device(c.path("merged")), c.inode(lower))
		r = c.call(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(upper), unix.O_RDONLY|unix.O_CREAT, 0o600)
		c.expect(schema.PPME_SYSCALL_OPENAT_2_X, r, fdcwd, upper, schema.PPM_O_RDONLY|schema.PPM_O_CREAT|schema.PPM_O_F_CREATED|schema.PPM_FD_UPPER_LAYER, 0o600, c.device(c.path("merged")), c.inode(upper))
	},
	"openat2": func(c *child) {
		p := c.file("f", "")
		resolve := schema.PPM_RESOLVE_NO_SYMLINKS
		how := c.words(unix.O_RDWR, 0, unix.RESOLVE_BENEATH)
		dir := c.open2(c.dir)
		r := c.call(unix.SYS_OPENAT2, dir, c.str("f"), how, 24)
		c.expect(schema.PPME_SYSCALL_OPENAT2_X, r, dir, "f", schema.PPM_O_RDWR|c.layer(p), 0, schema.PPM_RESOLVE_BENEATH, c.device(p), c.inode(p))
		how = c.words(unix.O_RDONLY, 0, unix.RESOLVE_NO_SYMLINKS)
		r = c.call(unix.SYS_OPENAT2, unix.AT_FDCWD, c.str("/absent"), how, 24)
		c.expect(schema.PPME_SYSCALL_OPENAT2_X, r, fdcwd, "/absent", schema.PPM_O_RDONLY, 0, resolve, 0, 0)
		r = c.call(unix.SYS_OPENAT2, unix.AT_FDCWD, c.str("/absent"), 8, 24)
		c.expect(schema.PPME_SYSCALL_OPENAT2_X, r, fdcwd, "/absent", schema.PPM_O_RDONLY, 0, 0, 0, 0)
	},
	"open_by_handle_at": func(c *child) {
		p := c.file("f", "")
		h := c.bytes(append([]byte{64, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 64)...))
		id := c.u32s(0)
		if r := c.call(unix.SYS_NAME_TO_HANDLE_AT, unix.AT_FDCWD, c.str(p), h, id, 0); r < 0 {
			c.skip("name_to_handle_at: %v", unix.Errno(-r))
		}
		dir := c.open2(c.dir)
		r := c.call(unix.SYS_OPEN_BY_HANDLE_AT, dir, h, unix.O_RDWR)
		c.expect(schema.PPME_SYSCALL_OPEN_BY_HANDLE_AT_X, r, dir, schema.PPM_O_RDWR|c.layer(p), p, c.device(p), c.inode(p))
		r = c.call(unix.SYS_OPEN_BY_HANDLE_AT, -1, h, unix.O_RDONLY)
		c.expect(schema.PPME_SYSCALL_OPEN_BY_HANDLE_AT_X, r, -1, schema.PPM_O_RDONLY, nil, 0, 0)
	},
	"close": func(c *child) {
		fd := c.open(c.file("f", ""))
		c.call(unix.SYS_CLOSE, fd)
		c.expect(schema.PPME_SYSCALL_CLOSE_X, 0, fd)
		r := c.call(unix.SYS_CLOSE, fd)
		c.expect(schema.PPME_SYSCALL_CLOSE_X, r, fd)
		c.expect(schema.PPME_SYSCALL_CLOSE_X, -int(unix.EBADF), fd)
	},
	"close_range": func(c *child) {
		r := c.call(unix.SYS_CLOSE_RANGE, 100, uint32(0xffffffff), unix.CLOSE_RANGE_CLOEXEC)
		c.expect(schema.PPME_SYSCALL_CLOSE_RANGE_X, r, 100, 0xffffffff, schema.PPM_CLOSE_RANGE_CLOEXEC)
		r = c.call(unix.SYS_CLOSE_RANGE, 9, 8, 0)
		c.expect(schema.PPME_SYSCALL_CLOSE_RANGE_X, r, 9, 8, 0)
	},
	"dup": func(c *child) {
		fd := c.open(c.file("f", ""))
		r := c.call(unix.SYS_DUP, fd)
		c.expect(schema.PPME_SYSCALL_DUP_1_X, r, fd)
		r = c.call(unix.SYS_DUP3, fd, 77, unix.O_CLOEXEC)
		c.expect(schema.PPME_SYSCALL_DUP3_X, r, fd, 77, schema.PPM_O_CLOEXEC)
		r = c.call(unix.SYS_DUP3, fd, fd, 0)
		c.expect(schema.PPME_SYSCALL_DUP3_X, r, fd, fd, 0)
	},
	"pipe2": func(c *child) {
		p := c.u32s(0, 0)
		r := c.call(unix.SYS_PIPE2, p, unix.O_CLOEXEC|unix.O_NONBLOCK)
		fd1, fd2 := c.u32At(p), c.u32At(p+4)
		var st unix.Stat_t
		if err := unix.Fstat(int(fd1), &st); err != nil {
			c.fail("%v", err)
		}
		c.expect(schema.PPME_SYSCALL_PIPE2_X, r, fd1, fd2, st.Ino, schema.PPM_O_CLOEXEC|schema.PPM_O_NONBLOCK)
		r = c.call(unix.SYS_PIPE2, p, -1)
		c.expect(schema.PPME_SYSCALL_PIPE2_X, r, fd1, fd2, 0, 0)
		r = c.call(unix.SYS_PIPE2, 16, 0)
		c.expect(schema.PPME_SYSCALL_PIPE2_X, r, -1, -1, 0, 0)
	},
	"descriptors of other kinds": func(c *child) {
		r := c.call(unix.SYS_EVENTFD2, 7, unix.O_NONBLOCK|unix.O_CLOEXEC)
		c.expect(schema.PPME_SYSCALL_EVENTFD2_X, r, schema.PPM_O_NONBLOCK|schema.PPM_O_CLOEXEC, 7)
		r = c.call(unix.SYS_INOTIFY_INIT1, unix.O_NONBLOCK)
		c.expect(schema.PPME_SYSCALL_INOTIFY_INIT1_X, r, schema.PPM_O_NONBLOCK)
		r = c.call(unix.SYS_TIMERFD_CREATE, 1, unix.O_NONBLOCK|unix.O_CLOEXEC)
		c.expect(schema.PPME_SYSCALL_TIMERFD_CREATE_X, r, 1, schema.PPM_O_NONBLOCK)
		r = c.call(unix.SYS_SIGNALFD4, -1, c.words(1<<9), 8, unix.O_CLOEXEC)
		c.expect(schema.PPME_SYSCALL_SIGNALFD4_X, r, schema.PPM_O_CLOEXEC, -1, 0)
		r = c.call(unix.SYS_EPOLL_CREATE1, unix.EPOLL_CLOEXEC)
		c.expect(schema.PPME_SYSCALL_EPOLL_CREATE1_X, r, schema.PPM_EPOLL_CLOEXEC)
		r = c.call(unix.SYS_USERFAULTFD, unix.O_CLOEXEC)
		c.expect(schema.PPME_SYSCALL_USERFAULTFD_X, r, unix.O_CLOEXEC)
		r = c.call(unix.SYS_MEMFD_CREATE, c.str("secret"), unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
		c.expect(schema.PPME_SYSCALL_MEMFD_CREATE_X, r, "secret", schema.PPM_MFD_CLOEXEC|schema.PPM_MFD_ALLOW_SEALING)
		pid := unix.Getpid()
		r = c.call(unix.SYS_PIDFD_OPEN, pid, unix.O_NONBLOCK)
		c.expect(schema.PPME_SYSCALL_PIDFD_OPEN_X, r, pid, schema.PPM_PIDFD_NONBLOCK)
		r2 := c.call(unix.SYS_PIDFD_GETFD, r, 2, 0)
		c.expect(schema.PPME_SYSCALL_PIDFD_GETFD_X, r2, r, 2, 0)
		r2 = c.call(unix.SYS_PIDFD_GETFD, 999, 2, 1)
		c.expect(schema.PPME_SYSCALL_PIDFD_GETFD_X, r2, 999, 2, 1)
	},
	"io_uring": func(c *child) {
		params := c.bytes(make([]byte, 120))
		copy(c.at(params+8, 4), []byte{8}) // IORING_SETUP_CQSIZE
		copy(c.at(params+4, 4), []byte{16})
		r := c.call(unix.SYS_IO_URING_SETUP, 4, params)
		if r < 0 {
			c.skip("io_uring_setup: %v", unix.Errno(-r))
		}
		c.expect(schema.PPME_SYSCALL_IO_URING_SETUP_X, r, 4, 4, 16, schema.PPM_IORING_SETUP_CQSIZE, 0, 0, c.u32At(params+20)&0x7ff)
		e := c.call(unix.SYS_IO_URING_ENTER, r, 0, 0, 1, 0, 8)
		c.expect(schema.PPME_SYSCALL_IO_URING_ENTER_X, e, r, 0, 0, schema.PPM_IORING_ENTER_GETEVENTS, 0)
		probe := c.bytes(make([]byte, 2064))
		g := c.call(unix.SYS_IO_URING_REGISTER, r, 8, probe, 5)
		c.expect(schema.PPME_SYSCALL_IO_URING_REGISTER_X, g, r, schema.PPM_IORING_REGISTER_PROBE, probe, 5)
	},
	"fcntl": func(c *child) {
		fd := c.open(c.file("f", ""))
		r := c.call(unix.SYS_FCNTL, fd, unix.F_DUPFD_CLOEXEC, 50)
		c.expect(schema.PPME_SYSCALL_FCNTL_X, r, fd, schema.PPM_FCNTL_F_DUPFD_CLOEXEC, 50)
		r = c.call(unix.SYS_FCNTL, fd, 4711, 1)
		c.expect(schema.PPME_SYSCALL_FCNTL_X, r, fd, schema.PPM_FCNTL_UNKNOWN, 1)
	},
	"lseek": func(c *child) {
		fd := c.open(c.file("f", "0123456789"))
		r := c.call(unix.SYS_LSEEK, fd, -3, 2)
		c.expect(schema.PPME_SYSCALL_LSEEK_X, r, fd, -3, schema.PPM_SEEK_END)
		r = c.call(unix.SYS_LSEEK, 99, 1, 1)
		c.expect(schema.PPME_SYSCALL_LSEEK_X, r, 99, 1, schema.PPM_SEEK_CUR)
	},
	"ioctl and flock": func(c *child) {
		fd := c.open(c.file("f", ""))
		r := c.call(unix.SYS_IOCTL, fd, 0x541b, c.u32s(0))
		c.expect(schema.PPME_SYSCALL_IOCTL_3_X, r, fd, 0x541b, anything{})
		r = c.call(unix.SYS_FLOCK, fd, unix.LOCK_EX|unix.LOCK_NB)
		c.expect(schema.PPME_SYSCALL_FLOCK_X, r, fd, schema.PPM_LOCK_EX|schema.PPM_LOCK_NB)
	},
	"stat": func(c *child) {
		p := c.file("f", "")
		buf := c.bytes(make([]byte, 256))
		fd := c.open(p)
		r := c.call(unix.SYS_FSTAT, fd, buf)
		c.expect(schema.PPME_SYSCALL_FSTAT_X, r, fd)
		r = c.call(sysNewfstatat, unix.AT_FDCWD, c.str(p), buf, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT)
		c.expect(schema.PPME_SYSCALL_NEWFSTATAT_X, r, fdcwd, p, schema.PPM_AT_SYMLINK_NOFOLLOW|schema.PPM_AT_NO_AUTOMOUNT)
	},
	"getdents64": func(c *child) {
		fd := c.open2(c.dir)
		r := c.call(unix.SYS_GETDENTS64, fd, c.bytes(make([]byte, 1024)), 1024)
		c.expect(schema.PPME_SYSCALL_GETDENTS64_X, r, fd)
	},
	"working directory": func(c *child) {
		r := c.call(unix.SYS_CHDIR, c.str(c.dir))
		c.expect(schema.PPME_SYSCALL_CHDIR_X, r, c.dir)
		buf := c.bytes(make([]byte, 512))
		r = c.call(unix.SYS_GETCWD, buf, 512)
		c.expect(schema.PPME_SYSCALL_GETCWD_X, r, c.dir)
		r = c.call(unix.SYS_GETCWD, buf, 1)
		c.expect(schema.PPME_SYSCALL_GETCWD_X, r, nil)
		fd := c.open2("/")
		r = c.call(unix.SYS_FCHDIR, fd)
		c.expect(schema.PPME_SYSCALL_FCHDIR_X, r, fd)
		r = c.call(unix.SYS_CHDIR, c.str("absent\x1b[31m"))
		c.expect(schema.PPME_SYSCALL_CHDIR_X, r, "absent\x1b[31m")
		r = c.call(unix.SYS_CHROOT, c.str(c.dir))
		c.expect(schema.PPME_SYSCALL_CHROOT_X, r, c.dir)
	},
	"names": func(c *child) {
		dir := c.open2(c.dir)
		r := c.call(unix.SYS_MKDIRAT, dir, c.str("d"), 0o1750)
		c.expect(schema.PPME_SYSCALL_MKDIRAT_X, r, dir, "d", 0o1750)
		c.file("f", "")
		r = c.call(sysRenameat2, dir, c.str("f"), unix.AT_FDCWD, c.str(c.path("g")), unix.RENAME_NOREPLACE)
		c.expect(schema.PPME_SYSCALL_RENAMEAT2_X, r, dir, "f", fdcwd, c.path("g"), unix.RENAME_NOREPLACE)
		h := c.call(unix.SYS_RENAMEAT, dir, c.str("g"), dir, c.str("g2"))
		c.expect(schema.PPME_SYSCALL_RENAMEAT_X, h, dir, "g", dir, "g2")
		c.must(unix.SYS_RENAMEAT, dir, c.str("g2"), dir, c.str("g"))
		r = c.call(unix.SYS_SYMLINKAT, c.str("/etc/shadow"), dir, c.str("s"))
		c.expect(schema.PPME_SYSCALL_SYMLINKAT_X, r, "/etc/shadow", dir, "s")
		r = c.call(unix.SYS_LINKAT, dir, c.str("g"), dir, c.str("h"), unix.AT_SYMLINK_FOLLOW)
		c.expect(schema.PPME_SYSCALL_LINKAT_2_X, r, dir, "g", dir, "h", schema.PPM_AT_SYMLINK_FOLLOW)
		r = c.call(unix.SYS_UNLINKAT, dir, c.str("d"), unix.AT_REMOVEDIR)
		c.expect(schema.PPME_SYSCALL_UNLINKAT_2_X, r, dir, "d", schema.PPM_AT_REMOVEDIR)
		c.call(unix.SYS_UNLINKAT, unix.AT_FDCWD, c.str("/absent"), 0)
		c.expect(schema.PPME_SYSCALL_UNLINKAT_2_X, enoent, fdcwd, "/absent", 0)
		r = c.call(unix.SYS_MKNODAT, dir, c.str("p"), unix.S_IFIFO|0o622, 0)
		c.expect(schema.PPME_SYSCALL_MKNODAT_X, r, dir, "p", unix.S_IFIFO|0o622, 0)
		dev := unix.Mkdev(8, 300)
		r = c.call(unix.SYS_MKNODAT, dir, c.str("b"), unix.S_IFBLK|0o600, dev)
		c.expect(schema.PPME_SYSCALL_MKNODAT_X, r, dir, "b", unix.S_IFBLK|0o600, encodeDev(dev))
	},
	"modes and owners": func(c *child) {
		p := c.file("f", "")
		dir := c.open2(c.dir)
		fd := c.open(p)
		r := c.call(unix.SYS_FCHMODAT, dir, c.str("f"), 0o4711)
		c.expect(schema.PPME_SYSCALL_FCHMODAT_X, r, dir, "f", 0o4711)
		r = c.call(unix.SYS_FCHMOD, fd, 0o2750)
		c.expect(schema.PPME_SYSCALL_FCHMOD_X, r, fd, 0o2750)
		r = c.call(unix.SYS_FCHOWN, fd, 12, uint32(0xffffffff))
		c.expect(schema.PPME_SYSCALL_FCHOWN_X, r, fd, 12, uint32(0xffffffff))
		r = c.call(unix.SYS_FCHOWNAT, dir, c.str("f"), 1, 2, unix.AT_SYMLINK_NOFOLLOW)
		c.expect(schema.PPME_SYSCALL_FCHOWNAT_X, r, dir, "f", 1, 2, 0)
	},
	"mounts": func(c *child) {
		c.must(unix.SYS_UNSHARE, unix.CLONE_NEWNS)
		r := c.call(unix.SYS_MOUNT, c.str("none"), c.str("/"), 0, unix.MS_REC|unix.MS_PRIVATE, 0)
		c.expect(schema.PPME_SYSCALL_MOUNT_X, r, "none", "/", nil, schema.PPM_MS_REC|schema.PPM_MS_PRIVATE)
		r = c.call(unix.SYS_MOUNT, c.str("src"), c.str(c.dir), c.str("tmpfs"), unix.MS_NOSUID|0xc0ed0000, 0)
		c.expect(schema.PPME_SYSCALL_MOUNT_X, r, "src", c.dir, "tmpfs", schema.PPM_MS_NOSUID)
		r = c.call(unix.SYS_UMOUNT2, c.str(c.dir), unix.MNT_DETACH)
		c.expect(schema.PPME_SYSCALL_UMOUNT2_X, r, c.dir, schema.PPM_MNT_DETACH)
		fs := c.call(unix.SYS_FSOPEN, c.str("tmpfs"), 0)
		if fs < 0 {
			c.skip("fsopen: %v", unix.Errno(-fs))
		}
		r = c.call(unix.SYS_FSCONFIG, fs, 1, c.str("size"), c.str("4096k"), 0)
		c.expect(schema.PPME_SYSCALL_FSCONFIG_X, r, fs, schema.PPM_FSCONFIG_SET_STRING, "size", nil, "4096k", 0)
		r = c.call(unix.SYS_FSCONFIG, fs, 2, c.str("blob"), c.str("xyz"), 3)
		c.expect(schema.PPME_SYSCALL_FSCONFIG_X, r, fs, schema.PPM_FSCONFIG_SET_BINARY, "blob", nil, nil, 3)
	},
	"quotactl": func(c *child) {
		r := c.call(unix.SYS_QUOTACTL, 0x80000200, c.str("/dev/absent"), 2, c.str("/aquota.user"))
		c.expect(schema.PPME_SYSCALL_QUOTACTL_X, r, "/dev/absent", "/aquota.user", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, schema.PPM_QFMT_NOT_USED,
			schema.PPM_Q_QUOTAON, schema.PPM_USRQUOTA, 0, schema.PPM_QFMT_VFS_V0)
		blk := c.words(1, 2, 3, 4, 5, 6, 7, 8, 63)
		r = c.call(unix.SYS_QUOTACTL, 0x80000801, c.str("/dev/absent"), 1000, blk)
		c.expect(schema.PPME_SYSCALL_QUOTACTL_X, r, "/dev/absent", nil, 1, 2, 3, 4, 5, 7, 8, 0, 0, 0, schema.PPM_QFMT_NOT_USED,
			schema.PPM_Q_SETQUOTA, schema.PPM_GRPQUOTA, 1000, schema.PPM_QFMT_NOT_USED)
	},
	"generic": func(c *child) {
		c.call(unix.SYS_SYNC_FILE_RANGE, 99, 0, 0, 0)
		sc := schema.SyscallByName("sync_file_range")
		c.expect(schema.PPME_GENERIC_X, int(sc.Code), unix.SYS_SYNC_FILE_RANGE)
	},
})

// open2 opens a directory.
func (c *child) open2(path string) int64 {
	return c.must(unix.SYS_OPENAT, unix.AT_FDCWD, c.str(path), unix.O_RDONLY|unix.O_DIRECTORY, 0)
}
