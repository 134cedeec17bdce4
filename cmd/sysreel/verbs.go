package main

// verbs is the table of subcommands, in the order of the overview. One verb
// lives in one file of its own name.
func verbs() []verb {
	return []verb{
		{"version", "print the version of sysreel and of the event schema", runVersion},
	}
}
