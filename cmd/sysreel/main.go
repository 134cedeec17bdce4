// Command sysreel records what a Linux host does, system call by system call,
// into one compressed file, and replays, queries and explores such files.
//
// This package is the command line only: flags, help, exit codes. Whatever a
// library user would want lives in the packages it calls.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
	"github.com/sysreel/sysreel/capture"
	"github.com/sysreel/sysreel/scapfile/safe"
	"golang.org/x/term"
)

// Exit codes, the same for every verb and stated in its help.
const (
	exitOK    = 0
	exitFail  = 1 // what was asked for failed, or a violation was found
	exitUsage = 2 // wrong flags or arguments
	exitLoss  = 3 // loss or damage, where the caller asked to be told
)

// env is what a verb knows of the world: where to read and write, and whether
// a person is watching. Tests run verbs with their own.
type env struct {
	ctx       context.Context // cancelled by SIGINT and SIGTERM
	stdin     io.Reader
	stdout    io.Writer // results
	stderr    io.Writer // everything else
	stdoutTTY bool
	stderrTTY bool
}

// verb is one subcommand.
type verb struct {
	name  string
	brief string // one line for the overview
	run   func(e *env, args []string) error
}

// exitError is an error with an exit code of its own. An empty message prints
// nothing: the verb has already said what there was to say.
type exitError struct {
	code int
	msg  string
}

func (e *exitError) Error() string { return e.msg }

// usageErrorf reports wrong flags or arguments: exit code 2.
func usageErrorf(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

// exitWith ends the program with a code and without a message.
func exitWith(code int) error { return &exitError{code: code} }

func main() {
	capture.RunGate() // a child that waits to become the command of a capture
	os.Exit(realMain())
}

func realMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &env{
		ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		stdoutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		stderrTTY: term.IsTerminal(int(os.Stderr.Fd())),
	}
	return runMain(e, os.Args[1:])
}

// runMain runs the verb in args and maps its error to an exit code.
func runMain(e *env, args []string) int {
	if len(args) == 0 {
		overview(e.stderr)
		return exitUsage
	}
	name, rest := args[0], args[1:]
	switch name {
	case "-h", "--help", "help":
		if len(rest) == 1 {
			name, rest = rest[0], []string{"--help"}
			break
		}
		overview(e.stdout)
		return exitOK
	case "-V", "--version":
		name = "version"
	}
	v := findVerb(name)
	if name == incidentVerb {
		v = &verb{name: incidentVerb, run: runVictim}
	}
	if v == nil {
		fmt.Fprintf(e.stderr, "sysreel: no verb %q%s; 'sysreel help' lists them\n", name, didYouMean(name, verbNames()))
		return exitUsage
	}
	err := v.run(e, rest)
	var xe *exitError
	switch {
	case err == nil || errors.Is(err, pflag.ErrHelp):
		return exitOK
	case errors.As(err, &xe):
		if xe.msg != "" {
			fmt.Fprintf(e.stderr, "sysreel %s: %s\n", name, safeLines(xe.msg))
			if xe.code == exitUsage {
				fmt.Fprintf(e.stderr, "try 'sysreel %s --help'\n", name)
			}
		}
		return xe.code
	case errors.Is(err, syscall.EPIPE):
		// The reader of our output has seen enough (sysreel replay x | head).
		return exitOK
	}
	fmt.Fprintf(e.stderr, "sysreel %s: %s\n", name, safeLines(err.Error()))
	return exitFail
}

// safeLines neutralises a message that may quote file names and arguments, and
// keeps the line breaks of the errors that point into a filter.
func safeLines(msg string) string {
	lines := strings.Split(msg, "\n")
	for i, l := range lines {
		lines[i] = safe.String(l)
	}
	return strings.Join(lines, "\n")
}

func overview(w io.Writer) {
	fmt.Fprint(w, `sysreel records system calls with eBPF and replays, queries and explores the recordings.

usage: sysreel VERB [flags] [arguments]

`)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-10s %s\n", v.name, v.brief)
	}
	fmt.Fprint(w, `
'sysreel VERB --help' shows flags and examples. Begin with 'sysreel demo'.
Exit codes: 0 success, 1 failed or violation found, 2 wrong usage, 3 loss or damage where asked to be told.
`)
}

func findVerb(name string) *verb {
	for _, v := range verbs() {
		if v.name == name {
			return &v
		}
	}
	return nil
}

func verbNames() []string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return names
}
