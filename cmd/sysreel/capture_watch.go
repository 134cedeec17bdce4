package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sysreel/sysreel/capture"
	"github.com/sysreel/sysreel/probe"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// watch starts what can end the recording: the command or the processes ending,
// time, signals.
func (r *recording) watch() {
	if r.command != nil {
		r.waiting.Go(func() {
			status, err := r.command.Wait()
			if err != nil {
				fmt.Fprintf(r.e.stderr, "sysreel capture: %v\n", err)
			}
			r.status = status
			close(r.ended)
			r.stop()
		})
	}
	if len(r.flags.pids) > 0 {
		go r.watchProcesses()
	}
	if d := r.flags.duration; d > 0 {
		time.AfterFunc(d, r.stop)
	}
	go r.watchSignals()
}

// stop ends the recording; an error shows again when the session is closed.
func (r *recording) stop() { _ = r.session.Stop() }

// watchProcesses ends the recording when all processes of --pid have ended.
func (r *recording) watchProcesses() {
	for _, pid := range r.flags.pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // ended already
		}
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			if _, err := unix.Poll(p, -1); err != unix.EINTR {
				break
			}
		}
		unix.Close(fd)
	}
	r.stop()
}

// watchSignals ends the recording at SIGINT or SIGTERM. With a command they are
// the command's business: it ends, and the recording with it; a second signal ends
// the recording alone.
func (r *recording) watchSignals() {
	if r.command == nil {
		if r.rules != nil {
			hup := make(chan os.Signal, 1)
			signal.Notify(hup, syscall.SIGHUP)
			go func() {
				for range hup {
					r.reload.Store(true)
				}
			}()
		}
		<-r.e.ctx.Done()
		r.stop()
		return
	}
	sigs := make(chan os.Signal, 4)
	signal.Notify(sigs, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(sigs)
	for n := 0; ; n++ {
		select {
		case <-r.ended:
			return
		case sig := <-sigs:
			if n > 0 {
				r.stop()
				continue
			}
			// The terminal has sent these to the command itself.
			if (sig == syscall.SIGINT || sig == syscall.SIGQUIT) && term.IsTerminal(int(os.Stdin.Fd())) {
				continue
			}
			_ = r.command.Signal(sig) // it may have just ended
		}
	}
}

// tellSelection says which calls were added, and what an exact selection costs.
func (r *recording) tellSelection() {
	if r.flags.quiet {
		return
	}
	if n := len(r.sel.Added); n > 0 {
		fmt.Fprintf(r.e.stderr, "recording %s; added for the state of processes and descriptors: %s\n",
			plural(uint64(len(r.sel.Codes)), "call"), strings.Join(r.sel.Added, " "))
	}
	if len(r.sel.Unreliable) > 0 {
		fmt.Fprintf(r.e.stderr, "recording exactly %s; unreliable without others: %s\n",
			plural(uint64(len(r.sel.Codes)), "call"), strings.Join(r.sel.Unreliable, " "))
	}
}

// summary tells events, size, time and losses at the end.
func (r *recording) summary(stats probe.Stats) {
	lost := capture.Drops(stats, probe.Stats{})
	if r.flags.quiet {
		return
	}
	w := r.e.stderr
	if r.rec != nil {
		events, size := r.rec.Written()
		fmt.Fprintf(w, "%s in %s, %s to %s\n", plural(events, "event"), roundDuration(time.Since(r.began)), byteCount(size), r.files())
	}
	if r.rules != nil {
		fmt.Fprintln(w, plural(r.alerts.Total, "alert"))
	}
	if len(lost) > 0 {
		fmt.Fprintf(w, "%s lost:%s; a larger --buffer or a narrower selection helps\n", plural(stats.Lost(), "event"), causes(lost))
	}
}

func (r *recording) files() string {
	files := r.rec.Files()
	if len(files) == 1 {
		if files[0] == "-" {
			return "the standard output"
		}
		return files[0]
	}
	return fmt.Sprintf("%d files, %s to %s", len(files), files[0], files[len(files)-1])
}

func causes(lost map[string]uint64) string {
	var b strings.Builder
	for _, name := range []string{"ring full", "too large", "missed by the kernel"} {
		if n := lost[name]; n > 0 {
			fmt.Fprintf(&b, " %d %s", n, name)
		}
	}
	return b.String()
}

// tick lets the recorder do what time demands and refreshes the live line.
func (r *recording) tick() error {
	r.flush()
	if r.reload.Swap(false) {
		r.reloadRules()
	}
	if r.rec != nil {
		if err := r.rec.Tick(); err != nil {
			return err
		}
	}
	if !r.live.due() {
		return nil
	}
	stats, err := r.session.Stats()
	if err != nil {
		return err
	}
	var events uint64
	var size int64
	if r.rec != nil {
		events, size = r.rec.Written()
	} else {
		events = stats.Written
	}
	r.live.show(fmt.Sprintf("%s  %s  %s  %d lost", roundDuration(time.Since(r.began)), plural(events, "event"), byteCount(size), stats.Lost()))
	return nil
}

// liveLine is a line on a terminal that is written over and over.
type liveLine struct {
	w     io.Writer
	on    bool
	shown bool
	last  time.Time
}

const livePeriod = 250 * time.Millisecond

func (l *liveLine) due() bool { return l.on && time.Since(l.last) >= livePeriod }

func (l *liveLine) show(text string) {
	fmt.Fprintf(l.w, "\r\x1b[K%s", text)
	l.shown, l.last = true, time.Now()
}

// clear removes the line, so that other output can begin at the left.
func (l *liveLine) clear() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.shown = false
	}
}

func roundDuration(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// plural writes a count with its noun.
func plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// byteCount writes a size for people.
func byteCount(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
