package main

// verbs is the table of subcommands, in the order of the overview. One verb
// lives in one file of its own name.
func verbs() []verb {
	return []verb{
		{"demo", "play, record and solve a small incident", runDemo},
		{"capture", "record system calls of this host, or of one command", runCapture},
		{"replay", "print events or alerts of a capture", runReplay},
		{"query", "ask a capture: filters, SQL, reports", runQuery},
		{"tui", "look around inside a capture on the terminal", runTUI},
		{"info", "tell what a capture is: host, time, events, losses, damage", runInfo},
		{"convert", "copy a capture into another compression or event model; repair it", runConvert},
		{"slice", "cut a piece out of a capture, with the state its events need", runSlice},
		{"merge", "merge captures of one host by time", runMerge},
		{"verify", "check that captures are whole and sound", runVerify},
		{"rules", "check, list and explain rule files", runRules},
		{"fixtures", "test rules: run, write and record cases", runFixtures},
		{"doctor", "tell whether this host is ready to record, and what to do if not", runDoctor},
		{"fields", "list the fields of filters, rules and output templates", runFields},
		{"events", "list the event types of the capture format", runEvents},
		{"syscalls", "list the system calls and how they are recorded", runSyscalls},
		{"version", "print the version of sysreel and of the event schema", runVersion},
	}
}
