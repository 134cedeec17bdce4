package probe

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// addr returns the address of b's first byte.
func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

// pollList encodes pairs of descriptor and events.
func pollList(pairs ...int64) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(len(pairs)/2))
	for i := 0; i < len(pairs); i += 2 {
		b = binary.LittleEndian.AppendUint64(b, uint64(pairs[i]))
		b = binary.LittleEndian.AppendUint16(b, uint16(pairs[i+1]))
	}
	return b
}

var _ = addCases(map[string]func(c *child){
	"memory": func(c *child) {
		m := c.call(unix.SYS_MMAP, 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE, -1, 0)
		c.expect(schema.PPME_SYSCALL_MMAP_X, m, atLeast(1), atLeast(1), anything{}, 0, 8192, schema.PPM_PROT_READ|schema.PPM_PROT_WRITE,
			schema.PPM_MAP_PRIVATE|schema.PPM_MAP_ANONYMOUS|schema.PPM_MAP_NORESERVE, -1, 0)
		r := c.call(unix.SYS_MMAP, 0, 0, 0, unix.MAP_PRIVATE, 77, 4096)
		c.expect(schema.PPME_SYSCALL_MMAP_X, r, atLeast(1), atLeast(1), anything{}, 0, 0, 0, schema.PPM_MAP_PRIVATE, 77, 4096)
		r = c.call(unix.SYS_MPROTECT, m, 4096, unix.PROT_READ|unix.PROT_EXEC)
		c.expect(schema.PPME_SYSCALL_MPROTECT_X, r, m, 4096, schema.PPM_PROT_READ|schema.PPM_PROT_EXEC)
		r = c.call(unix.SYS_MLOCK, m, 4096)
		c.expect(schema.PPME_SYSCALL_MLOCK_X, r, m, 4096)
		r = c.call(unix.SYS_MLOCK2, m, 4096, 1)
		c.expect(schema.PPME_SYSCALL_MLOCK2_X, r, m, 4096, schema.PPM_MLOCK_ONFAULT)
		r = c.call(unix.SYS_MUNLOCK, m, 4096)
		c.expect(schema.PPME_SYSCALL_MUNLOCK_X, r, m, 4096)
		r = c.call(unix.SYS_MLOCKALL, 64)
		c.expect(schema.PPME_SYSCALL_MLOCKALL_X, r, 0)
		r = c.call(unix.SYS_MLOCKALL, 2|4)
		c.expect(schema.PPME_SYSCALL_MLOCKALL_X, r, schema.PPM_MLOCKALL_MCL_FUTURE|schema.PPM_MLOCKALL_MCL_ONFAULT)
		r = c.call(unix.SYS_MUNLOCKALL)
		c.expect(schema.PPME_SYSCALL_MUNLOCKALL_X, r)
		r = c.call(unix.SYS_MUNMAP, m, 8192)
		c.expect(schema.PPME_SYSCALL_MUNMAP_X, r, atLeast(1), atLeast(1), anything{}, m, 8192)
		r = c.call(unix.SYS_BRK, 0)
		c.expect(schema.PPME_SYSCALL_BRK_4_X, r, atLeast(1), atLeast(1), anything{}, 0)
	},
	"futex": func(c *child) {
		w := c.u32s(5)
		r := c.call(unix.SYS_FUTEX, w, 1|128, 3)
		c.expect(schema.PPME_SYSCALL_FUTEX_X, r, w, schema.PPM_FU_FUTEX_WAKE|schema.PPM_FU_FUTEX_PRIVATE_FLAG, 3)
		r = c.call(unix.SYS_FUTEX, w, 0, 6, 0)
		c.expect(schema.PPME_SYSCALL_FUTEX_X, r, w, schema.PPM_FU_FUTEX_WAIT, 6)
	},
	"sleeping": func(c *child) {
		r := c.call(unix.SYS_NANOSLEEP, c.words(0, 1500), 0)
		c.expect(schema.PPME_SYSCALL_NANOSLEEP_X, r, 1500)
		p := c.u32s(0, 0)
		c.must(unix.SYS_PIPE2, p, 0)
		fd := c.u32At(p)
		c.must(unix.SYS_CLOSE, c.u32At(p+4))
		fds := c.bytes([]byte{byte(fd), byte(fd >> 8), 0, 0, 1, 0, 0, 0})
		r = c.call(unix.SYS_PPOLL, fds, 1, c.words(1, 5), c.words(0x4002), 8)
		c.expect(schema.PPME_SYSCALL_PPOLL_X, r, pollList(int64(fd), schema.PPM_POLLHUP), atLeast(900000000), 0x4002) // the kernel stores the time left
		r = c.call(unix.SYS_PPOLL, 0, 0, c.words(0, 0), 0, 8)
		c.expect(schema.PPME_SYSCALL_PPOLL_X, r, []byte{0, 0}, 0, 0)
	},
	"semaphores": func(c *child) {
		id := c.call(unix.SYS_SEMGET, 0, 2, unix.IPC_CREAT|unix.IPC_EXCL|0o600)
		c.expect(schema.PPME_SYSCALL_SEMGET_X, id, 0, 2, schema.PPM_IPC_CREAT|schema.PPM_IPC_EXCL)
		r := c.call(unix.SYS_SEMCTL, id, 1, 16, 9)
		c.expect(schema.PPME_SYSCALL_SEMCTL_X, r, id, 1, schema.PPM_SETVAL, 9)
		ops := c.bytes([]byte{0, 0, 3, 0, 0, 8, 1, 0, 0xff, 0xff, 0, 0x10})
		r = c.call(unix.SYS_SEMOP, id, ops, 2)
		c.expect(schema.PPME_SYSCALL_SEMOP_X, r, 2, 0, 3, schema.PPM_IPC_NOWAIT, 1, -1, schema.PPM_SEM_UNDO, id)
		r = c.call(unix.SYS_SEMOP, 999999, ops, 1)
		c.expect(schema.PPME_SYSCALL_SEMOP_X, r, 1, 0, 0, 0, 0, 0, 0, 999999)
		r = c.call(unix.SYS_SEMCTL, id, 0, 0, 5)
		c.expect(schema.PPME_SYSCALL_SEMCTL_X, r, id, 0, schema.PPM_IPC_RMID, 0)
	},
	"modules": func(c *child) {
		img := c.bytes([]byte("not a module"))
		r := c.call(unix.SYS_INIT_MODULE, img, 12, c.str("debug=1"))
		c.expect(schema.PPME_SYSCALL_INIT_MODULE_X, r, []byte("not a module"), 12, "debug=1")
		fd := c.open(c.file("m.ko", "nothing"))
		r = c.call(unix.SYS_FINIT_MODULE, fd, c.str("a=b"), 3)
		c.expect(schema.PPME_SYSCALL_FINIT_MODULE_X, r, fd, "a=b", schema.PPM_MODULE_INIT_IGNORE_MODVERSIONS|schema.PPM_MODULE_INIT_IGNORE_VERMAGIC)
		r = c.call(unix.SYS_DELETE_MODULE, c.str("no_such_module"), unix.O_NONBLOCK|unix.O_TRUNC)
		c.expect(schema.PPME_SYSCALL_DELETE_MODULE_X, r, "no_such_module", schema.PPM_DELETE_MODULE_O_NONBLOCK|schema.PPM_DELETE_MODULE_O_TRUNC)
		r = c.call(unix.SYS_BPF, 5, 0, 0)
		c.expect(schema.PPME_SYSCALL_BPF_2_X, r, schema.PPM_BPF_PROG_LOAD)
	},
	"keys": func(c *child) {
		num := func(v int64) []byte { return binary.LittleEndian.AppendUint64([]byte{0}, uint64(v)) }
		r := c.call(unix.SYS_KEYCTL, 1, c.str("mine"), 2, 3, 4)
		c.expect(schema.PPME_SYSCALL_KEYCTL_X, r, schema.PPM_KEYCTL_JOIN_SESSION_KEYRING, []byte("\x01mine\x00"), num(0), num(0), num(0))
		r = c.call(unix.SYS_KEYCTL, 5, 77, 0x3f, 9, 9)
		c.expect(schema.PPME_SYSCALL_KEYCTL_X, r, schema.PPM_KEYCTL_SETPERM, num(77), num(0x3f), num(0), num(0))
		r = c.call(unix.SYS_KEYCTL, 10, -3, c.str("user"), c.str("name"), 1)
		c.expect(schema.PPME_SYSCALL_KEYCTL_X, r, schema.PPM_KEYCTL_SEARCH, num(-3), []byte("\x01user\x00"), []byte("\x01name\x00"), num(1))
	},
})
