package probe

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// iov builds a vector of buffers in the arena.
func (c *child) iov(bufs ...[]byte) uintptr {
	var b []byte
	for _, buf := range bufs {
		b = binary.NativeEndian.AppendUint64(b, uint64(c.bytes(buf)))
		b = binary.NativeEndian.AppendUint64(b, uint64(len(buf)))
	}
	return c.bytes(b)
}

var _ = addCases(map[string]func(c *child){
	"read and write": func(c *child) {
		fd := c.open(c.file("f", ""))
		data := bytes.Repeat([]byte("0123456789"), 50)
		r := c.call(unix.SYS_WRITE, fd, c.bytes(data), len(data))
		c.expect(schema.PPME_SYSCALL_WRITE_X, r, data[:200], fd, 500)
		r = c.call(unix.SYS_WRITE, 333, c.bytes([]byte("lost")), 4)
		c.expect(schema.PPME_SYSCALL_WRITE_X, r, []byte("lost"), 333, 4)
		r = c.call(unix.SYS_PWRITE64, fd, c.bytes([]byte("AB")), 2, 100)
		c.expect(schema.PPME_SYSCALL_PWRITE_X, r, []byte("AB"), fd, 2, 100)
		buf := c.bytes(make([]byte, 600))
		r = c.call(unix.SYS_PREAD64, fd, buf, 5, 99)
		c.expect(schema.PPME_SYSCALL_PREAD_X, r, []byte("9AB23"), fd, 5, 99)
		c.must(unix.SYS_LSEEK, fd, 497, 0)
		r = c.call(unix.SYS_READ, fd, buf, 600)
		c.expect(schema.PPME_SYSCALL_READ_X, r, []byte("789"), fd, 600)
		r = c.call(unix.SYS_READ, fd, buf, 600) // end of file
		c.expect(schema.PPME_SYSCALL_READ_X, r, nil, fd, 600)
		r = c.call(unix.SYS_READ, 333, buf, 10)
		c.expect(schema.PPME_SYSCALL_READ_X, r, nil, 333, 10)
		r = c.call(unix.SYS_WRITE, fd, 8, 10) // unreadable memory
		c.expect(schema.PPME_SYSCALL_WRITE_X, r, nil, fd, 10)
	},
	"vectors": func(c *child) {
		fd := c.open(c.file("f", ""))
		v := c.iov([]byte("one "), bytes.Repeat([]byte("x"), 150), bytes.Repeat([]byte("y"), 100))
		all := append(append([]byte("one "), bytes.Repeat([]byte("x"), 150)...), bytes.Repeat([]byte("y"), 46)...)
		r := c.call(unix.SYS_WRITEV, fd, v, 3)
		c.expect(schema.PPME_SYSCALL_WRITEV_X, r, all, fd, 254)
		r = c.call(unix.SYS_WRITEV, 333, v, 1)
		c.expect(schema.PPME_SYSCALL_WRITEV_X, r, []byte("one "), 333, 4)
		r = c.call(unix.SYS_PWRITEV, fd, c.iov([]byte("Z"), []byte("ZZ")), 2, 1, 0)
		c.expect(schema.PPME_SYSCALL_PWRITEV_X, r, []byte("ZZZ"), fd, 3, 1)
		c.must(unix.SYS_LSEEK, fd, 0, 0)
		v = c.iov(make([]byte, 2), make([]byte, 0), make([]byte, 3))
		r = c.call(unix.SYS_READV, fd, v, 3)
		c.expect(schema.PPME_SYSCALL_READV_X, r, 5, []byte("oZ"), fd)
		v = c.iov(make([]byte, 2), make([]byte, 3))
		r = c.call(unix.SYS_PREADV, fd, v, 2, 1, 0)
		c.expect(schema.PPME_SYSCALL_PREADV_X, r, 5, []byte("ZZZxx"), fd, 1)
		r = c.call(unix.SYS_PREADV, fd, v, -1, 1, 0)
		c.expect(schema.PPME_SYSCALL_PREADV_X, r, 0, nil, fd, 1)
		// More vectors than are looked at.
		var many [][]byte
		for range 40 {
			many = append(many, []byte("ab"))
		}
		r = c.call(unix.SYS_WRITEV, fd, c.iov(many...), 40)
		c.expect(schema.PPME_SYSCALL_WRITEV_X, r, bytes.Repeat([]byte("ab"), 32), fd, 64)
		r = c.call(unix.SYS_PROCESS_VM_READV, unix.Getpid(), c.iov(make([]byte, 4)), 1, c.iov([]byte("peek")), 1, 0)
		c.expect(schema.PPME_SYSCALL_PROCESS_VM_READV_X, r, unix.Getpid(), []byte("peek"))
		r = c.call(unix.SYS_PROCESS_VM_WRITEV, unix.Getpid(), c.iov([]byte("poke")), 1, c.iov(make([]byte, 4)), 1, 0)
		c.expect(schema.PPME_SYSCALL_PROCESS_VM_WRITEV_X, r, unix.Getpid(), []byte("poke"))
	},
	"copying": func(c *child) {
		in, out := c.open(c.file("in", "some content")), c.open(c.file("out", ""))
		off := c.words(2)
		r := c.call(unix.SYS_SENDFILE, out, in, off, 4)
		c.expect(schema.PPME_SYSCALL_SENDFILE_X, r, 6, out, in, 4)
		r = c.call(unix.SYS_SENDFILE, 333, in, 0, 4)
		c.expect(schema.PPME_SYSCALL_SENDFILE_X, r, 0, 333, in, 4)
		p := c.u32s(0, 0)
		c.must(unix.SYS_PIPE2, p, 0)
		r = c.call(unix.SYS_SPLICE, in, 0, c.u32At(p+4), 0, 3, 1|4)
		c.expect(schema.PPME_SYSCALL_SPLICE_X, r, in, c.u32At(p+4), 3, schema.PPM_SPLICE_F_MOVE|schema.PPM_SPLICE_F_MORE)
		o1, o2 := c.words(1), c.words(0)
		r = c.call(unix.SYS_COPY_FILE_RANGE, in, o1, out, o2, 5, 0)
		c.expect(schema.PPME_SYSCALL_COPY_FILE_RANGE_X, r, out, o2, in, o1, 5)
	},
})
