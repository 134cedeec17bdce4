package replay

import "github.com/sysreel/sysreel/scapfile/schema"

// joinPath appends name, made absolute with dir, to buf and returns it. dir is
// taken as it is and ends with a slash; name is normalised: repeated slashes,
// "." and ".." are resolved (never above the root) and a slash at the end is
// dropped. Symbolic links are not followed: the capture does not know them.
// Unlike the libs it never gives a long path up: hiding in one is an old trick.
func joinPath(buf []byte, dir string, name []byte) []byte {
	base := len(buf)
	if len(name) > 0 && name[0] != '/' {
		buf = append(buf, dir...)
	}
	relative := len(buf) == base
	for i := 0; i < len(name); {
		// A component starts here, or a slash.
		j := i
		for j < len(name) && name[j] != '/' {
			j++
		}
		atStart := len(buf) == base || buf[len(buf)-1] == '/'
		switch part := name[i:j]; {
		case j == i: // a slash
			if len(buf) > base && buf[len(buf)-1] != '/' || len(buf) == base && relative {
				buf = append(buf, '/')
			}
			i++
			continue
		case atStart && len(part) == 1 && part[0] == '.':
			i = j + 1
		case atStart && len(part) == 2 && part[0] == '.' && part[1] == '.':
			buf = parentPath(buf, base)
			i = j + 1
		default:
			buf = append(buf, part...)
			i = j
		}
	}
	if len(buf) > base+1 && buf[len(buf)-1] == '/' {
		buf = buf[:len(buf)-1]
	}
	return buf
}

// parentPath drops the last component of buf[base:], which ends with a slash.
func parentPath(buf []byte, base int) []byte {
	if len(buf) <= base+1 {
		return buf
	}
	n := len(buf) - 1
	for n > base && buf[n-1] != '/' {
		n--
	}
	return buf[:n]
}

// isClean reports an absolute path that joinPath would not change.
func isClean(name []byte) bool {
	if len(name) < 2 || name[0] != '/' {
		return false
	}
	for i, c := range name {
		if c == '/' && (i+1 == len(name) || name[i+1] == '/' || name[i+1] == '.') {
			return false // also hidden files: they take the longer way
		}
	}
	return true
}

// path makes a path parameter absolute and returns it interned, with the text
// as given.
func (m *Machine) path(dir string, name []byte) (full, raw string) {
	if isClean(name) {
		full = m.text.text(name)
		return full, full
	}
	m.buf = joinPath(m.buf[:0], dir, name)
	full = m.text.text(m.buf)
	if full == string(name) {
		return full, full
	}
	return full, m.text.text(name)
}

// dirOf returns the directory that a relative name starts from: the working
// directory, or the path of dirfd. The unknown one is "<UNKNOWN>", as the libs
// have it.
func (t *Thread) dirOf(dirfd int64, name []byte) string {
	if len(name) > 0 && name[0] == '/' {
		return ""
	}
	if dirfd == schema.PPM_AT_FDCWD {
		return t.CWD()
	}
	fd := t.FD(dirfd)
	if fd == nil {
		return unknownDir
	}
	if fd.Name == "" || fd.Name[len(fd.Name)-1] == '/' {
		return fd.Name
	}
	return t.m.text.text(append(append(t.m.buf[:0], fd.Name...), '/'))
}

// unknownDir stands for a directory whose path is not known, as in the libs.
const unknownDir = "<UNKNOWN>"
