package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bundledIncident is a recording of the demo's incident, for hosts where nobody
// may record. It was made by 'sysreel demo' itself.
//
//go:embed demo/incident.scap.zst
var bundledIncident []byte

func runDemo(e *env, args []string) error {
	fs := newFlags(e, "demo",
		"Play a small incident on loopback (a web server with a command injection, and\n"+
			"somebody who uses it), record it, and find it again with rules and queries. Where\n"+
			"recording is not possible a bundled recording of the same incident takes its\n"+
			"place. Nothing is left behind but a directory, which the output names.")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return usageErrorf("demo takes no arguments")
	}
	dir, err := os.MkdirTemp("", "sysreel-demo-")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "incident.scap.zst")
	fmt.Fprintf(e.stdout, "A web server on loopback is about to be attacked. Everything stays in %s.\n", dir)

	if err := recordIncident(e, dir, file); err != nil {
		if e.ctx.Err() != nil {
			return e.ctx.Err()
		}
		fmt.Fprintf(e.stdout, "\nThis host was not recorded: %v\nA bundled recording of the same incident takes its place.\n", err)
		if err := os.WriteFile(file, bundledIncident, 0o600); err != nil {
			return err
		}
	}
	for _, step := range []struct {
		why  string
		args []string
	}{
		{"What do the rules inside sysreel say about it?",
			[]string{"replay", file, "-r", "default"}},
		{"Who was that? The index beside the capture answers in SQL:",
			[]string{"query", file, "--sql", demoQuery}},
		{"And what did the stolen shell open?",
			[]string{"replay", file, "-p", "%evt.num %proc.name %evt.type %fd.name", "evt.type in (open, openat) and proc.name = cat and fd.name startswith /etc"}},
	} {
		if err := demoStep(e, step.why, step.args); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.stdout, "\nLook around in it yourself (? shows the keys, 5 the alerts):\n\n  sysreel tui %s\n\n", file)
	fmt.Fprintf(e.stdout, "Record something of your own (as root):\n\n  sysreel capture -w out.scap.zst -- COMMAND\n\n")
	fmt.Fprintf(e.stdout, "Remove the demo with: rm -r %s\n", dir)
	return nil
}

// demoQuery shows every program that was started and by whom.
const demoQuery = "SELECT proc_pid AS pid, proc_pname AS parent, proc_cmdline AS cmdline FROM execs ORDER BY num"

// demoStep runs one verb as the user would, after showing its command line.
func demoStep(e *env, why string, args []string) error {
	fmt.Fprintf(e.stdout, "\n%s\n\n$ sysreel %s\n", why, shellLine(args))
	if code := runMain(e, args); code != exitOK {
		return exitWith(code)
	}
	return nil
}

// shellLine writes arguments as one would type them.
func shellLine(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`*?()[]{}<>|&;#~!%") {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// recordIncident records the incident live into file. Its errors say why this
// host cannot.
func recordIncident(e *env, dir, file string) error {
	server := filepath.Join(dir, "httpd")
	if err := linkSelf(server); err != nil {
		return err
	}
	defer os.Remove(server) // large, and of no further use
	ctx, cancel := context.WithTimeout(e.ctx, 30*time.Second)
	defer cancel()
	attacked := make(chan error, 1)
	go func() { attacked <- attack(ctx, dir) }()

	args := []string{"-w", file, "--", server, incidentVerb, dir}
	var told bytes.Buffer
	rec := &env{ctx: ctx, stdin: e.stdin, stdout: io.Discard, stderr: &told}
	err := runCapture(rec, args)
	cancel()
	attackErr := <-attacked
	if err != nil {
		var xe *exitError
		if errors.As(err, &xe) && xe.msg == "" {
			return fmt.Errorf("%s", strings.TrimSpace(told.String()))
		}
		return err
	}
	if attackErr != nil && !errors.Is(attackErr, context.Canceled) {
		return fmt.Errorf("the attack did not go as planned: %w", attackErr)
	}
	fmt.Fprintf(e.stdout, "\nRecorded live with:\n\n$ sysreel capture %s\n%s", shellLine(args), told.String())
	return nil
}

// linkSelf makes path another name of this program, or a copy where a link
// cannot be made.
func linkSelf(path string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Link(self, path); err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	src, err := os.Open(self)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
