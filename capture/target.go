package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Targets restrict a session to some tasks of the host; what is empty restricts
// nothing. They add up: a task must satisfy each one that is set.
type Targets struct {
	UIDs    []uint32 // real user ids
	Comms   []string // names of tasks, of which the first 15 bytes count
	Cgroups []uint64 // ids of version 2 cgroups
}

// ParseUsers returns the ids of users given by number or by name.
func ParseUsers(list []string) ([]uint32, error) {
	var ids []uint32
	var passwd []byte
	for _, u := range list {
		if n, err := strconv.ParseUint(u, 10, 32); err == nil {
			ids = append(ids, uint32(n))
			continue
		}
		if passwd == nil {
			var err error
			if passwd, err = os.ReadFile("/etc/passwd"); err != nil {
				return nil, fmt.Errorf("looking up user %q: %w", u, err)
			}
		}
		id, err := userID(passwd, u)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func userID(passwd []byte, name string) (uint32, error) {
	var known []string
	for _, u := range users(passwd) {
		if u.Name == name {
			return u.UID, nil
		}
		known = append(known, u.Name)
	}
	return 0, &UnknownNameError{Kind: "user", Name: name, Known: known}
}

// ErrNoCgroup means that no version 2 cgroup is the one asked for.
var ErrNoCgroup = errors.New("no such cgroup")

// FindCgroups returns the ids of the version 2 cgroup at a path below the
// hierarchy's root (as /proc/PID/cgroup has it), and of those below it. Groups
// made later are not included.
func FindCgroups(path string) ([]uint64, error) {
	root := newCgroupNamer().unified
	if root == "" {
		return nil, fmt.Errorf("%w: the version 2 hierarchy is not mounted", ErrNoCgroup)
	}
	dir := filepath.Join(root, strings.TrimPrefix(filepath.Clean("/"+path), root))
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrNoCgroup, dir)
	}
	return cgroupsBelow(dir)
}

// minContainerID is how much of a container's id must be given: what tools print.
const minContainerID = 12

// FindContainer returns the ids of the version 2 cgroups of a container, found by
// the beginning of its id in the names of cgroups, as container runtimes make
// them (docker/ID, docker-ID.scope, cri-containerd-ID.scope, libpod-ID.scope).
func FindContainer(id string) ([]uint64, error) {
	if len(id) < minContainerID {
		return nil, fmt.Errorf("container id %q is shorter than %d characters", id, minContainerID)
	}
	root := newCgroupNamer().unified
	if root == "" {
		return nil, fmt.Errorf("%w: the version 2 hierarchy is not mounted", ErrNoCgroup)
	}
	var ids []uint64
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // a group that is gone
		}
		name := d.Name()
		if i := strings.LastIndexByte(strings.TrimSuffix(name, ".scope"), '-'); i >= 0 {
			name = name[i+1:]
		}
		if !strings.HasPrefix(name, id) {
			return nil
		}
		below, err := cgroupsBelow(path)
		if err != nil {
			return err
		}
		ids = append(ids, below...)
		return fs.SkipDir
	})
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%w: no container's id begins with %s", ErrNoCgroup, id)
	}
	return ids, nil
}

// cgroupsBelow returns the ids of a cgroup directory and all below it. The id that
// the kernel compares is the directory's inode number.
func cgroupsBelow(dir string) ([]uint64, error) {
	var ids []uint64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil {
			ids = append(ids, st.Ino)
		}
		return nil
	})
	return ids, err
}
