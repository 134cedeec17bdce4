package main

import (
	"fmt"
	"strings"

	"github.com/sysreel/sysreel/scapfile"
	"github.com/sysreel/sysreel/scapfile/safe"
)

func runMerge(e *env, args []string) error {
	var of outputFlags
	fs := newFlags(e, "merge OUT IN... [flags]",
		"Merge captures of one host into one, by time: the parts of a rotated recording,\n"+
			"or recordings of different system calls that ran side by side. The lists of\n"+
			"processes, users and interfaces at the start are united. Captures of different\n"+
			"hosts, or from before and after a reboot, are refused. The inputs may be\n"+
			"compressed in different ways and named in any order.",
		"sysreel merge all.scap.zst part-*.scap.zst",
		"sysreel merge both.scap.zst files.scap.zst network.scap.zst")
	of.register(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	rest := fs.Args()
	if len(rest) < 2 {
		return usageErrorf("which captures? give the output and then the inputs")
	}
	out, ins := rest[0], rest[1:]
	for i, in := range ins {
		if in == "-" {
			return usageErrorf("merge reads its inputs more than once: save standard input to a file first")
		}
		for _, earlier := range ins[:i] {
			if earlier == in {
				return usageErrorf("%s is given twice: its events would stand in the output twice", in)
			}
		}
	}
	o, err := newOutput(e, out, &of, ins...)
	if err != nil {
		return err
	}
	var res *scapfile.RewriteResult
	err = o.make(e.ctx, func() (err error) {
		res, err = scapfile.Merge(o.tmp, ins, o.opts)
		return err
	})
	if err != nil {
		return err
	}
	tellRewrite(e, strings.Join(ins, ", "), res)
	fmt.Fprintf(e.stderr, "sysreel: %s: %d events of %d captures written\n", safe.String(out), res.Events, len(ins))
	return nil
}
