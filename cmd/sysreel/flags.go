package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// newFlags returns the flag set of a verb. usage is the line after "sysreel",
// about says what it does, examples are whole command lines, one a line.
// --help prints all of it to standard output.
func newFlags(e *env, usage, about string, examples ...string) *pflag.FlagSet {
	name, _, _ := strings.Cut(usage, " ")
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(e.stderr)
	fs.Usage = func() {
		fmt.Fprintf(e.stdout, "usage: sysreel %s\n\n%s\n", usage, about)
		if fs.HasAvailableFlags() {
			// That a boolean flag may also be given a value is not worth a column.
			flags := strings.ReplaceAll(fs.FlagUsages(), "[=true|false]", strings.Repeat(" ", len("[=true|false]")))
			fmt.Fprintf(e.stdout, "\nflags:\n%s", flags)
		}
		if len(examples) > 0 {
			fmt.Fprintf(e.stdout, "\nexamples:\n")
			for _, x := range examples {
				fmt.Fprintf(e.stdout, "  %s\n", x)
			}
		}
		fmt.Fprintf(e.stdout, "\nexit codes: 0 success, 1 failed or violation found, 2 wrong usage, 3 loss or damage where asked to be told\n")
	}
	return fs
}

// parseFlags parses args; errors are usage errors with a suggestion.
func parseFlags(fs *pflag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if err == nil || err == pflag.ErrHelp {
		return err
	}
	msg := err.Error()
	if bad, ok := strings.CutPrefix(msg, "unknown flag: --"); ok {
		var names []string
		fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		msg += didYouMean(bad, names)
	}
	return usageErrorf("%s", msg)
}

// didYouMean returns ` (did you mean "x"?)` for the nearest name, or nothing
// when none is near.
func didYouMean(got string, names []string) string {
	best, bestD := "", len(got)/2+1
	for _, n := range names {
		if d := editDistance(got, n); d < bestD {
			best, bestD = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// editDistance is the Levenshtein distance of a and b in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			up := row[j+1]
			d := diag
			if a[i] != b[j] {
				d = 1 + min(diag, up, row[j])
			}
			row[j+1], diag = d, up
		}
	}
	return row[len(b)]
}
