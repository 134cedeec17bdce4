package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Follow adds a process with all its threads and existing descendants to the
// recorded tree. New descendants are added by the kernel side before they run
// their first instruction.
func (p *Probe) Follow(pid int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return ErrClosed
	}
	if !inHostPidNamespace() {
		return fmt.Errorf("following process %d: %w: process numbers of this pid namespace mean nothing to the kernel side; run in the host's pid namespace", pid, ErrUnsupported)
	}
	p.followed = append(p.followed, pid)
	return p.follow(pid)
}

// follow adds pid and what descends from it, again and again until nothing new
// is found: a process may be forked while /proc is read, by a parent that was
// not in the tree yet.
func (p *Probe) follow(pid int) error {
	if err := p.addToTree(pid); err != nil {
		return err
	}
	inTree := map[int]bool{pid: true}
	for {
		children, err := children()
		if err != nil {
			return err
		}
		added := false
		queue := []int{pid}
		for len(queue) > 0 {
			parent := queue[0]
			queue = queue[1:]
			for _, child := range children[parent] {
				queue = append(queue, child)
				if inTree[child] {
					continue
				}
				inTree[child] = true
				added = true
				if err := p.addToTree(child); err != nil {
					return err
				}
			}
		}
		if !added {
			return nil
		}
	}
}

func (p *Probe) addToTree(pid int) error {
	if err := p.coll.Maps["tree"].Put(uint32(pid), uint8(1)); err != nil {
		return fmt.Errorf("following process %d: %w", pid, err)
	}
	return nil
}

// children returns the children of each process.
func children() (map[int][]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("looking for descendants: %w", err)
	}
	m := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue // it has ended
		}
		if ppid, ok := parentOf(string(stat)); ok {
			m[ppid] = append(m[ppid], pid)
		}
	}
	return m, nil
}

// parentOf takes the parent's id out of /proc/PID/stat, behind the name, which
// may contain anything.
func parentOf(stat string) (int, bool) {
	end := strings.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, false
	}
	f := strings.Fields(stat[end+1:])
	if len(f) < 2 {
		return 0, false
	}
	ppid, err := strconv.Atoi(f[1])
	return ppid, err == nil
}
