package replay

type fdTable struct{ byNum map[int64]*FD }

// FD returns what descriptor num of the process refers to, nil when unknown.
func (t *Thread) FD(num int64) *FD {
	if t.fds == nil {
		return nil
	}
	return t.fds.byNum[num]
}

// FDs calls f for the descriptors of the process, in no particular order, until
// it returns false.
func (t *Thread) FDs(f func(*FD) bool) {
	if t.fds == nil {
		return
	}
	for _, fd := range t.fds.byNum {
		if !f(fd) {
			return
		}
	}
}

// NumFDs returns how many descriptors of the process are known.
func (t *Thread) NumFDs() int {
	if t.fds == nil {
		return 0
	}
	return len(t.fds.byNum)
}
