package replay

import (
	"slices"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// denseFDs is the number of descriptors that a table keeps in an array; the
// rare larger numbers go to a map.
const denseFDs = 1 << 12

// fdTable maps descriptor numbers to what they refer to. The zero value is an
// empty table.
type fdTable struct {
	dense  []*FD // by number
	sparse map[int64]*FD
	n      int
}

func (t *fdTable) get(num int64) *FD {
	if uint64(num) < uint64(len(t.dense)) {
		return t.dense[num]
	}
	if t.sparse == nil {
		return nil
	}
	return t.sparse[num]
}

// put stores fd under its number, in place of what was there.
func (t *fdTable) put(fd *FD) {
	num := fd.Num
	if uint64(num) >= denseFDs {
		if t.sparse == nil {
			t.sparse = make(map[int64]*FD)
		}
		before := len(t.sparse)
		t.sparse[num] = fd
		t.n += len(t.sparse) - before
		return
	}
	if int(num) >= len(t.dense) {
		grown := make([]*FD, max(8, min(denseFDs, 2*(int(num)+1))))
		copy(grown, t.dense)
		t.dense = grown
	}
	if t.dense[num] == nil {
		t.n++
	}
	t.dense[num] = fd
}

// remove takes a descriptor out and returns its record, nil if there is none.
func (t *fdTable) remove(num int64) *FD {
	fd := t.get(num)
	if fd == nil {
		return nil
	}
	t.n--
	if uint64(num) < uint64(len(t.dense)) {
		t.dense[num] = nil
	} else {
		delete(t.sparse, num)
	}
	return fd
}

// clone returns a copy of the table that shares its records.
func (t *fdTable) clone() fdTable {
	c := fdTable{n: t.n}
	used := len(t.dense)
	for used > 0 && t.dense[used-1] == nil {
		used--
	}
	if used > 0 {
		c.dense = slices.Clone(t.dense[:used])
	}
	if len(t.sparse) > 0 {
		c.sparse = make(map[int64]*FD, len(t.sparse))
		for num, fd := range t.sparse {
			c.sparse[num] = fd
		}
	}
	for fd := range t.all {
		fd.shared = true
	}
	return c
}

// writable returns a record of the table that may be changed: fd itself, or a
// copy put in its place when other tables refer to it too.
func (t *fdTable) writable(fd *FD) *FD {
	if !fd.shared {
		return fd
	}
	c := *fd
	c.shared = false
	t.put(&c)
	return &c
}

// all yields the records in the order of their numbers.
func (t *fdTable) all(yield func(*FD) bool) {
	for _, fd := range t.dense {
		if fd != nil && !yield(fd) {
			return
		}
	}
	if len(t.sparse) == 0 {
		return
	}
	nums := make([]int64, 0, len(t.sparse))
	for num := range t.sparse {
		nums = append(nums, num)
	}
	slices.Sort(nums)
	for _, num := range nums {
		if !yield(t.sparse[num]) {
			return
		}
	}
}

// removeRange drops the descriptors from first to last.
func (t *fdTable) removeRange(first, last int64) {
	for num := first; num <= last && num < int64(len(t.dense)); num++ {
		t.remove(num)
	}
	for num := range t.sparse {
		if num >= first && num <= last {
			t.remove(num)
		}
	}
}

// closeOnExec drops the descriptors that execve closes.
func (m *Machine) closeOnExec(t *fdTable) {
	for fd := range t.all {
		if fd.CloseOnExec {
			m.recycle(t.remove(fd.Num))
		}
	}
}

// table returns the descriptor table that the thread uses: its own, or that of
// its process. Nil when the process is not known.
func (t *Thread) table() *fdTable {
	if t.Flags&schema.PPM_CL_CLONE_FILES == 0 || t.TID == t.PID {
		return &t.own
	}
	if l := t.Main(); l != nil {
		return &l.own
	}
	return nil
}

// FD returns what descriptor num of the process refers to, nil when unknown.
func (t *Thread) FD(num int64) *FD {
	if num < 0 {
		return nil
	}
	if tab := t.table(); tab != nil {
		return tab.get(num)
	}
	return nil
}

// FDs calls f for the descriptors of the process, in the order of their
// numbers, until it returns false.
func (t *Thread) FDs(f func(*FD) bool) {
	if tab := t.table(); tab != nil {
		tab.all(f)
	}
}

// NumFDs returns how many descriptors of the process are known.
func (t *Thread) NumFDs() int {
	if tab := t.table(); tab != nil {
		return tab.n
	}
	return 0
}

// newFD returns an empty record, which may have served before: descriptors come
// and go by the million in a long capture.
func (m *Machine) newFD(num int64, typ uint8) *FD {
	n := len(m.spareFDs)
	if n == 0 {
		return &FD{Num: num, Type: typ}
	}
	fd := m.spareFDs[n-1]
	m.spareFDs = m.spareFDs[:n-1]
	*fd = FD{Num: num, Type: typ}
	return fd
}

// maxSpareFDs bounds the records kept for newFD.
const maxSpareFDs = 1 << 12

// recycle keeps a record that nothing refers to any more.
func (m *Machine) recycle(fd *FD) {
	if fd != nil && !fd.shared && len(m.spareFDs) < maxSpareFDs {
		m.spareFDs = append(m.spareFDs, fd)
	}
}

// recycleTable does so for the descriptors of a process that is gone.
func (m *Machine) recycleTable(t *fdTable) {
	for fd := range t.all {
		m.recycle(fd)
	}
	*t = fdTable{}
}

// addFD stores a new descriptor and makes it that of the current event.
func (m *Machine) addFD(t *Thread, fd *FD) *FD {
	m.ev.FDNum = fd.Num
	tab := t.table()
	if tab == nil {
		return nil
	}
	old := tab.get(fd.Num)
	if old == nil && tab.n >= m.fdLimit {
		m.stats.DroppedFDs++
		m.ev.FD = nil
		return nil
	}
	fd.NameChanged = fd.Name != ""
	tab.put(fd)
	m.ev.FD = fd
	return fd
}

// addUnknown notes that num is an open descriptor of which nothing else is
// known; whatever it was before is over. The event stays about its own.
func (m *Machine) addUnknown(t *Thread, num int64) {
	on, fd := m.ev.FDNum, m.ev.FD
	m.addFD(t, m.newFD(num, schema.SCAP_FD_UNKNOWN))
	m.ev.FDNum, m.ev.FD = on, fd
}

// dupFD makes num refer to what fd refers to, as dup and its kin do.
func (m *Machine) dupFD(t *Thread, fd *FD, num int64, closeOnExec bool) {
	c := m.newFD(num, fd.Type)
	*c = *fd
	c.Num, c.shared, c.CloseOnExec = num, false, closeOnExec
	if m.addFD(t, c) != nil {
		c.NameChanged = false // the name is as old as the original
	}
}

// rename gives the descriptor of the current event a new name, made of text in
// m.buf, and returns the record that carries it.
func (m *Machine) rename(t *Thread, fd *FD, name []byte) *FD {
	if fd.Name == string(name) {
		return fd
	}
	fd = m.writableFD(t, fd)
	fd.Name = m.text.text(name)
	fd.NameChanged = true
	return fd
}

// writableFD returns a record of the current event's descriptor that may be
// changed.
func (m *Machine) writableFD(t *Thread, fd *FD) *FD {
	if !fd.shared {
		return fd
	}
	fd = t.table().writable(fd)
	m.ev.FD = fd
	return fd
}
