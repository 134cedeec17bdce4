package main

import (
	"fmt"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
)

func runConvert(e *env, args []string) error {
	var of outputFlags
	var raw, failDamage bool
	fs := newFlags(e, "convert IN OUT [flags]",
		"Copy a capture into another form. The name of OUT decides the compression:\n"+
			".scap.zst is zstd, .scap gzip (which every scap tool opens), .scap.raw plain.\n"+
			"Captures of years ago, with an event at the enter and one at the exit of each\n"+
			"call, become captures of today unless --raw is given. What is damaged is passed\n"+
			"over and told; the copy is sound. - is standard input or output. An existing OUT\n"+
			"is kept unless --force is given, and OUT appears whole or not at all.",
		"sysreel convert out.scap.zst out.scap",
		"sysreel convert old.scap new.scap.zst",
		"sysreel convert damaged.scap.zst repaired.scap.zst",
		"sysreel convert out.scap.zst - --compress none | tshark -r -")
	of.register(fs)
	fs.BoolVar(&raw, "raw", false, "keep the events as they stand in IN, old enter/exit pairs included")
	fs.BoolVar(&failDamage, "fail-on-damage", false, "exit with 3 when IN is damaged or cut short")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	rest := fs.Args()
	if len(rest) != 2 {
		return usageErrorf("which captures? give an input and an output, - for standard input or output")
	}
	in, out := rest[0], rest[1]
	o, err := newOutput(e, out, &of, in)
	if err != nil {
		return err
	}
	bar := &progressBar{e: e, what: "converting"}
	var res *scapfile.RewriteResult
	err = o.make(e.ctx, func() (err error) {
		res, err = scapfile.Rewrite(in, o.tmp, scapfile.RewriteOptions{Raw: raw, Writer: o.opts, Progress: bar.progress()})
		return err
	})
	bar.clear()
	if err != nil {
		return err
	}
	damaged := tellRewrite(e, in, res)
	fmt.Fprintf(e.stderr, "sysreel: %s: %d events written\n", safe.String(out), res.Events)
	if damaged && failDamage {
		return exitWith(exitLoss)
	}
	return nil
}

// tellRewrite says what of the source could not be carried over, and whether
// there was any.
func tellRewrite(e *env, in string, res *scapfile.RewriteResult) bool {
	for _, d := range res.Damage {
		fmt.Fprintf(e.stderr, "sysreel: %s: damaged: %s\n", safe.String(in), safe.String(d.String()))
	}
	if res.Truncated != nil {
		fmt.Fprintf(e.stderr, "sysreel: %s\n", safe.String(res.Truncated.Error()))
	}
	return len(res.Damage) > 0 || res.Truncated != nil
}
