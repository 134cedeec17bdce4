package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"
)

// Options set up the UI.
type Options struct {
	// Screen replaces the terminal, for tests.
	Screen tcell.Screen
	// NoColor draws without colours (the NO_COLOR convention).
	NoColor bool
	// ASCII draws with ASCII characters only.
	ASCII bool
	// Session is the file that holds marks, notes and the last state; "" keeps none.
	Session string
	// Filter is set at the start; "" leaves that of the session.
	Filter string
}

// ErrEnded is returned by Run when its context ended before the user quit.
var ErrEnded = errors.New("ended")

// frameTime is the shortest time between two drawings that no key asked for:
// work in the background marks the frame dirty, a ticker draws it.
const frameTime = time.Second / 30

// app is the glue between tview and the Model.
type app struct {
	tv    *tview.Application
	model *Model
	root  *canvas
	dirty atomic.Bool
}

// Run shows store until the user quits or ctx ends. The terminal is restored on
// every way out, panics included.
func Run(ctx context.Context, store Store, opts Options) error {
	a := &app{tv: tview.NewApplication()}
	m, err := NewModel(store, opts, func() { a.dirty.Store(true) })
	if err != nil {
		return err
	}
	a.model = m
	defer m.Close()
	a.root = &canvas{Box: tview.NewBox(), m: m, noColor: opts.NoColor, frame: Frame{unicode: !opts.ASCII}}
	m.quit = a.tv.Stop
	m.suspend = func() { a.suspend() }
	m.redraw = func() { a.tv.Sync() }
	m.copyOut = a.copyOut
	if opts.Screen != nil {
		a.tv.SetScreen(opts.Screen)
	}
	a.tv.EnableMouse(true).EnablePaste(true).SetRoot(a.root, true)
	a.tv.SetInputCapture(func(ev *tcell.EventKey) *tcell.EventKey {
		m.Key(ev) // every key, ^C too, is the Model's
		return nil
	})
	onPanic.Store(a.tv.Stop)
	defer onPanic.Store(func() {})

	over, stop := context.WithCancel(ctx)
	defer stop()
	safego(func() {
		tick := time.NewTicker(frameTime)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if a.dirty.Swap(false) {
					a.tv.QueueUpdateDraw(func() {})
				}
			case <-over.Done():
				a.tv.Stop()
				return
			}
		}
	})
	if err := a.run(); err != nil {
		return err
	}
	if err := m.save(); err != nil {
		return fmt.Errorf("saving marks and place: %w", err)
	}
	if ctx.Err() != nil {
		return ErrEnded
	}
	return nil
}

// run runs the event loop. tview restores the terminal when it panics; the panic
// becomes an error.
func (a *app) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	err = a.tv.Run()
	if errors.Is(err, tcell.ErrTermNotFound) {
		err = fmt.Errorf("the terminal type TERM=%s is not known here; try TERM=xterm", os.Getenv("TERM"))
	}
	return err
}

// suspend hands the terminal back to the shell (^Z).
func (a *app) suspend() { a.tv.Suspend(stopSelf) }

// copyOut puts text into the clipboard of the terminal (OSC 52).
func (a *app) copyOut(text string) {
	if a.root.screen != nil {
		a.root.screen.SetClipboard([]byte(text))
	}
}

// onPanic restores the terminal before a panic of a background goroutine is
// reported; tview recovers only the goroutine it runs in.
var onPanic atomic.Value

// safego runs f in a goroutine whose panic restores the terminal, prints where
// it happened and ends the program.
func safego(f func()) {
	go func() {
		defer func() {
			if r := recover(); r != nil {
				if restore, ok := onPanic.Load().(func()); ok {
					restore()
				}
				fmt.Fprintf(os.Stderr, "sysreel tui: panic: %v\n%s", r, debug.Stack())
				os.Exit(1)
			}
		}()
		f()
	}()
}

// canvas is the one tview primitive: it copies the Model's frame to the screen.
type canvas struct {
	*tview.Box
	m       *Model
	frame   Frame
	noColor bool
	screen  tcell.Screen
}

// Draw implements tview.Primitive.
func (c *canvas) Draw(screen tcell.Screen) {
	c.screen = screen
	x0, y0, w, h := c.GetRect()
	c.frame.reset(w, h)
	c.m.Draw(&c.frame)
	for y := range h {
		for x := range w {
			cl := &c.frame.cells[y*w+x]
			if cl.text == "" {
				continue // second half of a wide grapheme
			}
			st := tcellStyle(cl.style, c.noColor)
			if len(cl.text) == 1 {
				screen.SetContent(x0+x, y0+y, rune(cl.text[0]), nil, st)
				continue
			}
			rs := []rune(cl.text)
			screen.SetContent(x0+x, y0+y, rs[0], rs[1:], st)
		}
	}
	if c.frame.cursorX >= 0 {
		screen.ShowCursor(x0+c.frame.cursorX, y0+c.frame.cursorY)
	} else {
		screen.HideCursor()
	}
}

// MouseHandler implements tview.Primitive.
func (c *canvas) MouseHandler() func(tview.MouseAction, *tcell.EventMouse, func(tview.Primitive)) (bool, tview.Primitive) {
	return func(action tview.MouseAction, ev *tcell.EventMouse, setFocus func(tview.Primitive)) (bool, tview.Primitive) {
		x, y := ev.Position()
		switch action {
		case tview.MouseLeftClick:
			c.m.Click(x, y, false)
		case tview.MouseLeftDoubleClick:
			c.m.Click(x, y, true)
		case tview.MouseScrollUp:
			c.m.Scroll(x, y, -3)
		case tview.MouseScrollDown:
			c.m.Scroll(x, y, 3)
		default:
			return false, nil
		}
		return true, nil
	}
}

// PasteHandler implements tview.Primitive.
func (c *canvas) PasteHandler() func(string, func(tview.Primitive)) {
	return func(text string, _ func(tview.Primitive)) { c.m.Paste(text) }
}

func tcellStyle(s Style, noColor bool) tcell.Style {
	st := tcell.StyleDefault
	if col := s & styleColorMask; col != 0 && !noColor {
		st = st.Foreground(tcell.PaletteColor(int(col) - 1))
	}
	return st.Bold(s&StyleBold != 0).Dim(s&StyleDim != 0).Reverse(s&StyleReverse != 0).Underline(s&StyleUnder != 0)
}
