package capture

import (
	"bytes"
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// procfs reads files below /proc with as few system calls as there can be: one
// open, one read and one close for a file, one openat for a process' directory.
// Its buffers are reused; a slice that a method returns is valid until the next
// call of that method. Not for use by several goroutines.
type procfs struct {
	root string
	file []byte // content of the file read last
	link []byte
	dir  []byte // raw directory entries
}

// maxProcFile bounds what is read of one /proc file. Socket tables of busy hosts
// have tens of megabytes; nothing useful is larger.
const maxProcFile = 1 << 30

func newProcfs(root string) *procfs {
	return &procfs{
		root: root,
		file: make([]byte, 16<<10),
		link: make([]byte, 4<<10+1),
		dir:  make([]byte, 32<<10),
	}
}

// open opens the directory of a process or thread, relative to at (a directory
// descriptor) when that is not negative, else below the root.
func (p *procfs) open(at int, name string) (int, error) {
	if at < 0 {
		at, name = unix.AT_FDCWD, p.root+"/"+name
	}
	return ignoreEINTR(func() (int, error) {
		return unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
}

// read returns the content of a file, at most max bytes of it (0: no limit).
func (p *procfs) read(at int, name string, max int) ([]byte, error) {
	fd, err := ignoreEINTR(func() (int, error) {
		return unix.Openat(at, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	})
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if max <= 0 {
		max = maxProcFile
	}
	n := 0
	for {
		if n == len(p.file) {
			p.file = append(p.file, make([]byte, len(p.file))...)
		}
		r, err := ignoreEINTR(func() (int, error) { return unix.Read(fd, p.file[n:]) })
		if err != nil {
			return nil, err
		}
		n += r
		// A short read is the end of a small /proc file only sometimes: the
		// kernel also cuts tables between records. Ask until it says 0.
		if r == 0 || n >= max {
			return p.file[:min(n, max)], nil
		}
	}
}

// readlink returns the target of a link.
func (p *procfs) readlink(at int, name string) ([]byte, error) {
	n, err := unix.Readlinkat(at, name, p.link)
	if err != nil {
		return nil, err
	}
	return p.link[:n], nil
}

// numbers calls f with every entry of an open directory whose name is a decimal
// number.
func (p *procfs) numbers(dirfd int, f func(n int, name string)) error {
	if _, err := unix.Seek(dirfd, 0, unix.SEEK_SET); err != nil {
		return err
	}
	var list []string
	for {
		n, err := ignoreEINTR(func() (int, error) { return unix.Getdents(dirfd, p.dir) })
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		_, _, list = unix.ParseDirent(p.dir[:n], -1, list[:0])
		for _, name := range list {
			if num, err := strconv.Atoi(name); err == nil {
				f(num, name)
			}
		}
	}
	return nil
}

func ignoreEINTR(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// fields iterates over the lines of b that look like "Key:\tvalue".
func colonLines(b []byte, f func(key, value []byte)) {
	for len(b) > 0 {
		line, rest, _ := bytes.Cut(b, []byte{'\n'})
		b = rest
		key, value, ok := bytes.Cut(line, []byte{':'})
		if ok {
			f(key, bytes.TrimSpace(value))
		}
	}
}

// decimal parses a decimal number, 0 when it is none.
func decimal(b []byte) int64 {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return n
}

// hexadecimal parses a hexadecimal number, 0 when it is none.
func hexadecimal(b []byte) uint64 {
	n, _ := strconv.ParseUint(string(b), 16, 64)
	return n
}

// lastField returns the last of the white-space separated words in b.
func lastField(b []byte) []byte {
	if i := bytes.LastIndexAny(b, " \t"); i >= 0 {
		return b[i+1:]
	}
	return b
}
