package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/sysreel/sysreel/query"
	"github.com/sysreel/sysreel/scapfile"
)

// outputFlags are the flags of every verb that makes a capture from others.
type outputFlags struct {
	compress string
	level    int
	force    bool
}

func (of *outputFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&of.compress, "compress", "", "zstd, gzip or none, whatever the name of the output says (.scap.zst, .scap, .scap.raw)")
	fs.IntVar(&of.level, "level", 0, "level of the compressor: 1-22 for zstd, 1-9 for gzip; 0 is the default")
	fs.BoolVar(&of.force, "force", false, "replace an existing output")
}

// output is a capture being made. A file is written under another name in its
// directory and renamed when it is complete, so that it appears whole or not at
// all; what is no regular file (a pipe, a device, - for standard output) is
// written directly.
type output struct {
	path string // as the user gave it
	tmp  string // where it is written
	opts scapfile.WriterOptions
}

// newOutput prepares the output at path, which must not be one of the sources.
func newOutput(e *env, path string, of *outputFlags, sources ...string) (*output, error) {
	o := &output{path: path, tmp: path}
	o.opts = scapfile.WriterOptions{Path: path, Level: of.level, SyncEvery: -1, Compression: scapfile.CompressionByName(path)}
	switch of.compress {
	case "":
	case "zstd":
		o.opts.Compression = scapfile.CompressionZstd
	case "gzip":
		o.opts.Compression = scapfile.CompressionGzip
	case "none":
		o.opts.Compression = scapfile.CompressionNone
	default:
		return nil, usageErrorf("--compress takes zstd, gzip or none, not %q", of.compress)
	}
	highest := map[scapfile.Compression]int{scapfile.CompressionZstd: 22, scapfile.CompressionGzip: 9}[o.opts.Compression]
	if of.level < 0 || of.level > highest {
		return nil, usageErrorf("--level %d: %s has levels up to %d", of.level, o.opts.Compression, highest)
	}
	if path == "-" {
		if e.stdoutTTY {
			return nil, usageErrorf("a capture is binary and would garble the terminal: redirect the output or name a file")
		}
		return o, nil
	}
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, err
	case st.IsDir():
		return nil, usageErrorf("%s is a directory: name a file in it", path)
	case !st.Mode().IsRegular():
		return o, nil
	default:
		for _, src := range sources {
			if s, err := os.Stat(src); err == nil && os.SameFile(s, st) {
				return nil, usageErrorf("%s is both input and output: name another output", src)
			}
		}
		if !of.force {
			return nil, usageErrorf("%s exists; --force replaces it", path)
		}
		// The file that a link leads to is replaced, not the link.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		o.path = path
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	o.tmp = f.Name()
	return o, f.Close()
}

// make runs write, which writes a capture to o.tmp, and brings the result to its
// place. An interrupt ends it early. Whatever goes wrong, nothing of a regular
// file is left.
func (o *output) make(ctx context.Context, write func() error) error {
	done := make(chan error, 1)
	go func() { done <- write() }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		// The program ends: the writer dies with it.
		err = errors.New("interrupted")
	}
	if o.tmp == o.path {
		return err
	}
	if err == nil {
		err = syncFile(o.tmp)
	}
	if err == nil {
		err = os.Rename(o.tmp, o.path)
	}
	if err == nil {
		return nil
	}
	os.Remove(o.tmp)
	if errno := syscall.Errno(0); errors.As(err, &errno) && (errno == syscall.ENOSPC || errno == syscall.EDQUOT) {
		// The writer's own message says that the part written so far can be read.
		return fmt.Errorf("writing %s: %w; nothing was left there", o.path, errno)
	}
	return err
}

// syncFile brings a file to the disk, so that the name never stands for less.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// progress returns a callback that shows how much of a capture has been read.
func (b *progressBar) progress() func(done, total int64) {
	begin := time.Now()
	return func(done, total int64) {
		if total > 0 {
			b.show(query.Progress{Bytes: done, TotalBytes: total, Elapsed: time.Since(begin)})
		}
	}
}
