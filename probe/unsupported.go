//go:build !amd64 && !386 && !arm64

package probe

import (
	"fmt"
	"runtime"

	"github.com/cilium/ebpf"
)

// loadProbe stands in for the generated loader where there is no BPF object.
func loadProbe() (*ebpf.CollectionSpec, error) {
	return nil, fmt.Errorf("%w: there is no BPF object for %s", ErrUnsupported, runtime.GOARCH)
}
