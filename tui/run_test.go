package tui

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
)

// panicStore panics in a worker.
type panicStore struct{ *fakeStore }

func (panicStore) Procs(context.Context) ([]Proc, error) { panic("the store broke") }

// TestPanicRestores runs the UI in a terminal, in a process of its own, and lets
// a worker panic: the terminal is left first, then the panic is printed.
func TestPanicRestores(t *testing.T) {
	if os.Getenv("SYSREEL_TEST_PANIC") != "" {
		go func() {
			time.Sleep(100 * time.Millisecond)
			// As if the user pressed 2: the loader of the processes panics.
			newLazy(func() {}, func(ctx context.Context, _ int) ([]Proc, error) { return panicStore{}.Procs(ctx) }).get(0)
		}()
		t.Fatal(Run(t.Context(), newFakeStore(5), Options{}))
	}
	if _, err := exec.LookPath("script"); err != nil {
		t.Skip("script (util-linux) is not installed")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("script", "-qec", exe+" -test.run=^TestPanicRestores$", "/dev/null")
	cmd.Env = append(os.Environ(), "SYSREEL_TEST_PANIC=1", "TERM=xterm")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("the process ended with %v, want exit code 1", err)
	}
	const leave = "\x1b[?1049l"
	left, told := strings.LastIndex(string(out), leave), strings.Index(string(out), "panic: the store broke")
	if left < 0 || told < left {
		t.Errorf("the terminal was left at %d, the panic told at %d of\n%q", left, told, out)
	}
}

// TestRun drives the whole application on a simulated screen: keys, mouse, quit,
// and the end of its context.
func TestRun(t *testing.T) {
	screen := newShownScreen()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, newFakeStore(60), Options{Screen: screen, NoColor: true}) }()
	screen.wait(t, "accept4")
	screen.InjectKey(tcell.KeyRune, '5', 0)
	screen.wait(t, "Run shell untrusted")
	screen.InjectKey(tcell.KeyRune, 'q', 0)
	if err := <-ended; err != nil {
		t.Errorf("q ended with %v", err)
	}
	screen = newShownScreen()
	go func() { ended <- Run(ctx, newFakeStore(60), Options{Screen: screen}) }()
	screen.wait(t, "accept4")
	cancel()
	if err := <-ended; !errors.Is(err, ErrEnded) {
		t.Errorf("the end of the context ended with %v, want ErrEnded", err)
	}
}

// shownScreen keeps what was shown last as text; the simulated screen's own
// contents may only be read while nothing draws.
type shownScreen struct {
	tcell.SimulationScreen
	mu   sync.Mutex
	text string
}

func newShownScreen() *shownScreen {
	return &shownScreen{SimulationScreen: tcell.NewSimulationScreen("UTF-8")}
}

// Show implements tcell.Screen.
func (s *shownScreen) Show() {
	s.SimulationScreen.Show()
	cells, w, _ := s.GetContents()
	var b strings.Builder
	for i, c := range cells {
		if i%max(w, 1) == 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(c.Runes))
	}
	s.mu.Lock()
	s.text = b.String()
	s.mu.Unlock()
}

func (s *shownScreen) wait(t *testing.T, text string) {
	t.Helper()
	var got string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		got = s.text
		s.mu.Unlock()
		if strings.Contains(got, text) {
			return
		}
	}
	t.Fatalf("%q never appeared in\n%s", text, got)
}
