package capture

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sysreel/sysreel/scapfile"
)

func TestParseUsers(t *testing.T) {
	got, err := ParseUsers([]string{"root", "1000", "0"})
	if err != nil || !slices.Equal(got, []uint32{0, 1000, 0}) {
		t.Errorf("ParseUsers = %v, %v", got, err)
	}
	_, err = ParseUsers([]string{"rooot"})
	var unknown *UnknownNameError
	if !errors.As(err, &unknown) || !slices.Contains(unknown.Known, "root") {
		t.Errorf("error = %v, want an UnknownNameError", err)
	}
}

// makeCgroup makes a version 2 cgroup below a new one and returns both paths
// below the hierarchy's root.
func makeCgroup(t *testing.T, name string) (outer, inner string) {
	t.Helper()
	needRoot(t)
	root := newCgroupNamer().unified
	if root == "" {
		t.Skip("needs a mounted cgroup version 2 hierarchy")
	}
	outer = "/sysreel-test-" + strconv.Itoa(os.Getpid())
	inner = outer + "/" + name
	if err := os.MkdirAll(root+inner, 0o755); err != nil {
		t.Skipf("cannot make a cgroup: %v", err)
	}
	t.Cleanup(func() {
		_ = os.Remove(root + inner)
		_ = os.Remove(root + outer)
	})
	return outer, inner
}

func TestFindCgroups(t *testing.T) {
	const id = "3f1c0ffee0ddba11cafe1234567890abcdef1234567890abcdef1234567890ab"
	outer, inner := makeCgroup(t, "docker-"+id+".scope")
	all, err := FindCgroups(outer)
	if err != nil || len(all) != 2 {
		t.Fatalf("FindCgroups(%s) = %v, %v; want it and its child", outer, all, err)
	}
	one, err := FindCgroups(inner)
	if err != nil || len(one) != 1 || one[0] != all[1] {
		t.Errorf("FindCgroups(%s) = %v, %v; want %v", inner, one, err, all[1:])
	}
	for _, prefix := range []string{id, id[:12]} {
		if got, err := FindContainer(prefix); err != nil || !slices.Equal(got, one) {
			t.Errorf("FindContainer(%s) = %v, %v; want %v", prefix, got, err, one)
		}
	}
	for _, bad := range []string{"3f1c", "000000000000"} {
		if got, err := FindContainer(bad); err == nil {
			t.Errorf("FindContainer(%s) = %v", bad, got)
		}
	}
	if _, err := FindCgroups("/no/such/group"); !errors.Is(err, ErrNoCgroup) {
		t.Errorf("error = %v, want ErrNoCgroup", err)
	}
}

// TestLiveTargets checks each way to choose tasks against others that do the same.
func TestLiveTargets(t *testing.T) {
	_, group := makeCgroup(t, "live")
	ids, err := FindCgroups(group)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	work := func(prepare func(*exec.Cmd)) int64 {
		t.Helper()
		cmd := exec.Command("/bin/cat", "/etc/passwd")
		if prepare != nil {
			prepare(cmd)
		}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		return int64(cmd.Process.Pid)
	}
	asNobody := func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	renamed := func(c *exec.Cmd) {
		link := filepath.Join(dir, "chosen")
		_ = os.Symlink("/bin/cat", link)
		c.Path = link
	}
	inGroup := func(c *exec.Cmd) {
		f, err := os.Open(newCgroupNamer().unified + group)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(f.Fd())}
	}
	for _, tt := range []struct {
		name    string
		targets Targets
		prepare func(*exec.Cmd)
	}{
		{"uid", Targets{UIDs: []uint32{65534}}, asNobody},
		{"comm", Targets{Comms: []string{"chosen"}}, renamed},
		{"cgroup", Targets{Cgroups: ids}, inGroup},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sel := selectNames(t, "openat", true)
			s := openLive(t, Options{Selection: sel, Targets: tt.targets})
			other, chosen := work(nil), work(tt.prepare)
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			seen := map[int64]int{}
			err := s.Each(func(e *scapfile.Event) error {
				if strings.HasSuffix(text(e, "name"), "passwd") {
					seen[e.TID]++
				}
				return nil
			})
			if err != nil || seen[chosen] != 1 || seen[other] != 0 {
				t.Errorf("opened /etc/passwd: chosen task %d times, other %d times, %v", seen[chosen], seen[other], err)
			}
		})
	}
}
