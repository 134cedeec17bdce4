package probe

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sysreel/sysreel/scapfile/schema"
)

const (
	sysNewfstatat = unix.SYS_NEWFSTATAT
	sysRenameat2  = unix.SYS_RENAMEAT2
)

// The calls that newer architectures do not have any more.
var _ = addCases(map[string]func(c *child){
	"open": func(c *child) {
		p := c.path("new")
		fd := c.call(unix.SYS_OPEN, c.str(p), unix.O_CREAT|unix.O_WRONLY, 0o600)
		c.expect(schema.PPME_SYSCALL_OPEN_X, fd, p, schema.PPM_O_WRONLY|schema.PPM_O_CREAT|schema.PPM_O_F_CREATED|c.layer(p), 0o600, c.device(p), c.inode(p))
		r := c.call(unix.SYS_OPEN, c.str("/absent"), unix.O_RDONLY, 0)
		c.expect(schema.PPME_SYSCALL_OPEN_X, r, "/absent", schema.PPM_O_RDONLY, 0, 0, 0)
	},
	"creat": func(c *child) {
		p := c.path("new")
		fd := c.call(unix.SYS_CREAT, c.str(p), 0o640)
		layer := 0
		if c.layer(p) != 0 {
			layer = schema.PPM_FD_UPPER_LAYER_CREAT
		}
		c.expect(schema.PPME_SYSCALL_CREAT_X, fd, p, 0o640, c.device(p), c.inode(p), layer)
		r := c.call(unix.SYS_CREAT, c.str("/absent/x"), 0o640)
		c.expect(schema.PPME_SYSCALL_CREAT_X, r, "/absent/x", 0o640, 0, 0, 0)
	},
	"old file calls": func(c *child) {
		p, q := c.file("f", ""), c.path("g")
		buf := c.bytes(make([]byte, 512))
		r := c.call(unix.SYS_STAT, c.str(p), buf)
		c.expect(schema.PPME_SYSCALL_STAT_X, r, p)
		c.call(unix.SYS_LSTAT, c.str("/absent"), buf)
		c.expect(schema.PPME_SYSCALL_LSTAT_X, enoent, "/absent")
		r = c.call(unix.SYS_ACCESS, c.str(p), 6)
		c.expect(schema.PPME_SYSCALL_ACCESS_X, r, p, schema.PPM_R_OK|schema.PPM_W_OK)
		r = c.call(unix.SYS_RENAME, c.str(p), c.str(q))
		c.expect(schema.PPME_SYSCALL_RENAME_X, r, p, q)
		c.must(unix.SYS_RENAME, c.str(q), c.str(p))
		r = c.call(unix.SYS_LINK, c.str(p), c.str(q))
		c.expect(schema.PPME_SYSCALL_LINK_2_X, r, p, q)
		r = c.call(unix.SYS_SYMLINK, c.str("target"), c.str(c.path("s")))
		c.expect(schema.PPME_SYSCALL_SYMLINK_X, r, "target", c.path("s"))
		r = c.call(unix.SYS_CHMOD, c.str(p), 0o4755)
		c.expect(schema.PPME_SYSCALL_CHMOD_X, r, p, 0o4755)
		r = c.call(unix.SYS_CHOWN, c.str(p), 3, 4)
		c.expect(schema.PPME_SYSCALL_CHOWN_X, r, p, 3, 4)
		r = c.call(unix.SYS_LCHOWN, c.str(p), uint32(0xffffffff), 0)
		c.expect(schema.PPME_SYSCALL_LCHOWN_X, r, p, uint32(0xffffffff), 0)
		r = c.call(unix.SYS_UNLINK, c.str(q))
		c.expect(schema.PPME_SYSCALL_UNLINK_2_X, r, q)
		r = c.call(unix.SYS_MKDIR, c.str(q), 0o711)
		c.expect(schema.PPME_SYSCALL_MKDIR_2_X, r, q, 0o711)
		r = c.call(unix.SYS_RMDIR, c.str(q))
		c.expect(schema.PPME_SYSCALL_RMDIR_2_X, r, q)
		r = c.call(unix.SYS_MKNOD, c.str(q), 0o600, 0)
		c.expect(schema.PPME_SYSCALL_MKNOD_X, r, q, unix.S_IFREG|0o600, 0)
		fd := c.open2(c.dir)
		r = c.call(unix.SYS_GETDENTS, fd, buf, 512)
		c.expect(schema.PPME_SYSCALL_GETDENTS_X, r, fd)
	},
	"old descriptors": func(c *child) {
		p := c.u32s(0, 0)
		r := c.call(unix.SYS_PIPE, p)
		var st unix.Stat_t
		_ = unix.Fstat(int(c.u32At(p)), &st)
		c.expect(schema.PPME_SYSCALL_PIPE_X, r, c.u32At(p), c.u32At(p+4), st.Ino)
		r = c.call(unix.SYS_DUP2, c.u32At(p), 88)
		c.expect(schema.PPME_SYSCALL_DUP2_X, r, c.u32At(p), 88)
		r = c.call(unix.SYS_DUP2, 555, 88)
		c.expect(schema.PPME_SYSCALL_DUP2_X, r, 555, 88)
		r = c.call(unix.SYS_EVENTFD, 5)
		c.expect(schema.PPME_SYSCALL_EVENTFD_X, r, 5, 0)
		r = c.call(unix.SYS_SIGNALFD, -1, c.words(2), 8)
		c.expect(schema.PPME_SYSCALL_SIGNALFD_X, r, -1, 0, 0)
		r = c.call(unix.SYS_INOTIFY_INIT)
		c.expect(schema.PPME_SYSCALL_INOTIFY_INIT_X, r, 0)
		ep := c.call(unix.SYS_EPOLL_CREATE, 9)
		c.expect(schema.PPME_SYSCALL_EPOLL_CREATE_X, ep, 9)
		r = c.call(unix.SYS_EPOLL_WAIT, ep, c.bytes(make([]byte, 64)), 3, 0)
		c.expect(schema.PPME_SYSCALL_EPOLLWAIT_X, r, 3)
		fds := c.bytes([]byte{byte(c.u32At(p)), 0, 0, 0, 1, 0, 0, 0, byte(c.u32At(p + 4)), 0, 0, 0, 4, 0, 0, 0})
		r = c.call(unix.SYS_POLL, fds, 2, -1)
		c.expect(schema.PPME_SYSCALL_POLL_X, r, pollList(int64(c.u32At(p)), 0, int64(c.u32At(p+4)), schema.PPM_POLLOUT), 0xffffffff)
		r = c.call(unix.SYS_POLL, 8, 2, 1)
		c.expect(schema.PPME_SYSCALL_POLL_X, r, []byte{0, 0}, 1)
		r = c.call(unix.SYS_SELECT, 0, 0, 0, 0, c.words(0, 0))
		c.expect(schema.PPME_SYSCALL_SELECT_X, r)
	},
	"32-bit calls": func(c *child) {
		low, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_32BIT)
		if err != nil {
			c.fail("%v", err)
		}
		path := "/absent" + strings.Repeat("/y", 10)
		copy(low, path+"\x00")
		r := int32(int80(5, uintptr(addr(low)), unix.O_RDONLY, 0)) // open
		if r == -int32(unix.ENOSYS) {
			c.skip("the kernel does not do 32-bit calls")
		}
		c.expect(schema.PPME_SYSCALL_OPEN_X, int64(r), path, schema.PPM_O_RDONLY, 0, 0, 0)
		r = int32(int80(212, uintptr(addr(low)), 5, 6)) // chown32
		c.expect(schema.PPME_SYSCALL_CHOWN_X, int64(r), path, 5, 6)
		args := addr(low) + 512
		copy(low[512:], []byte{2, 0, 0, 0, 2, 0, 8, 0, 17, 0, 0, 0}) // AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, UDP
		r = int32(int80(102, 1, uintptr(args), 0))                   // socketcall(SYS_SOCKET)
		c.expect(schema.PPME_SOCKET_SOCKET_X, int64(r), schema.PPM_AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 17, schema.PPM_O_CLOEXEC)
	},
})

// childEventFromExit says that the kernel reports the return of clone in the
// child too, so that its event has the type and flags of the call.
const childEventFromExit = true

var _ = addCases(map[string]func(c *child){
	"fork and vfork": func(c *child) {
		tid := unix.Gettid()
		for nr, t := range map[uintptr]schema.EventType{unix.SYS_FORK: schema.PPME_SYSCALL_FORK_20_X, unix.SYS_VFORK: schema.PPME_SYSCALL_VFORK_20_X} {
			var pid int64
			if nr == unix.SYS_FORK {
				r, _, _ := unix.RawSyscall(nr, 0, 0, 0)
				pid = int64(r)
				if pid == 0 {
					exitNow(0)
				}
			} else {
				pid = int64(vforkExit())
			}
			c.reap(pid)
			c.expect(t, pid, nonEmpty{}, anything{}, tid, unix.Getpid(), atLeast(1), nil, noFile(c), anything{}, anything{}, anything{}, anything{}, anything{}, comm(), cgroups(c), 0, 0, 0, tid, unix.Getpid(), 0)
			c.expectOf(int(pid), t, 0, nonEmpty{}, anything{}, pid, pid, tid, nil, noFile(c), anything{}, anything{}, anything{}, anything{}, anything{}, comm(), cgroups(c), 0, 0, 0, pid, pid, anything{})
		}
	},
})

const pageFaults = true // the kernel has tracepoints for them
