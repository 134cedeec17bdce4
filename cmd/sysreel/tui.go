package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/sysreel/sysreel/query"
	"github.com/sysreel/sysreel/rules"
	"github.com/sysreel/sysreel/tui"
)

func runTUI(e *env, args []string) error {
	var rulePaths []string
	var index string
	var ascii bool
	fs := newFlags(e, "tui FILE [flags] [FILTER]",
		"Look around inside a capture on the terminal: events, processes at any moment, files,\n"+
			"connections, alerts and why they fired. It starts at once and works while the index\n"+
			"is built, which is kept beside the capture as 'sysreel query' does. ? shows the keys.\n"+
			"Marks, filters and the place are kept in FILE.session.json.",
		"sysreel tui out.scap.zst",
		"sysreel tui out.scap.zst proc.name=curl and evt.type=connect",
		"sysreel tui out.scap.zst -r rules.yaml")
	fs.StringArrayVarP(&rulePaths, "rules", "r", nil, "find the alerts of these rule files or directories instead of the built-in rules")
	fs.StringVar(&index, "index", "", "keep the index at this path instead of beside the capture")
	fs.BoolVar(&ascii, "ascii", false, "draw with ASCII characters only")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	rest := fs.Args()
	switch {
	case len(rest) == 0:
		return usageErrorf("which capture? give a file")
	case rest[0] == "-":
		return usageErrorf("tui reads the capture more than once: save it to a file first")
	}
	file, words := rest[0], strings.Join(rest[1:], " ")
	if _, err := query.ParseFilter(words); err != nil {
		return filterError(err)
	}
	if !e.stdoutTTY {
		return usageErrorf("standard output is no terminal; 'sysreel query' and 'sysreel replay' print")
	}
	if len(rulePaths) == 0 {
		rulePaths = []string{"default"}
	}
	set, err := loadRules(rules.LoadOptions{}, rulePaths)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(e.ctx, syscall.SIGHUP)
	defer stop()
	ix, err := query.Start(ctx, file, query.Options{Index: index, Rules: set})
	if err != nil {
		return err
	}
	defer ix.Close()
	store := tui.NewIndexStore(ix, set)
	defer store.Close()
	err = tui.Run(ctx, store, tui.Options{
		NoColor: os.Getenv("NO_COLOR") != "",
		ASCII:   ascii,
		Session: tui.SessionPath(file),
		Filter:  words,
	})
	if errors.Is(err, tui.ErrEnded) {
		return fmt.Errorf("ended by a signal; marks and place are kept")
	}
	return err
}
