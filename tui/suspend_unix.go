//go:build unix

package tui

import "syscall"

// stopSelf stops the process group as ^Z does, until the shell continues it.
func stopSelf() { syscall.Kill(0, syscall.SIGTSTP) }
