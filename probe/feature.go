package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// explain turns an error of loading or attaching into one that says what is
// missing and what to do.
func explain(err error) error {
	var ve *ebpf.VerifierError
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) && !errors.As(err, &ve):
		return fmt.Errorf("loading the BPF probe: %w: %w", ErrNoPrivilege, err)
	default:
		return fmt.Errorf("loading the BPF probe: %w: %w", ErrUnsupported, err)
	}
}

// Feature is one thing that recording depends on.
type Feature struct {
	Name   string // "kernel BTF", "tp_btf sys_exit", ...
	OK     bool
	Detail string // what was found
	Remedy string // what to do when it is missing, empty when OK
}

// Check looks at what this host offers, without changing anything on it.
func Check() []Feature { return nil }
