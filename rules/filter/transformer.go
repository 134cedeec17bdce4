package filter

// transformer is a row of the table of functions that may be applied to values.
type transformer struct {
	name             string
	minArgs, maxArgs int // maxArgs -1: any number
}

var transformers = [...]transformer{
	{"tolower", 1, 1},
	{"toupper", 1, 1},
	{"b64", 1, 1},
	{"basename", 1, 1},
	{"len", 1, 1},
	{"join", 2, 2},
	{"concat", 2, -1},
	{"getopt", 2, 2},
}

func transformerByName(name string) *transformer {
	for i := range transformers {
		if transformers[i].name == name {
			return &transformers[i]
		}
	}
	return nil
}

func transformerNames() []string {
	names := make([]string, len(transformers))
	for i := range transformers {
		names[i] = transformers[i].name
	}
	return names
}
