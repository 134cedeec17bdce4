package filter

// transformer is a row of the table of functions that may be applied to values.
type transformer struct {
	name             string
	minArgs, maxArgs int // maxArgs -1: any number
	build            func(*Call, []*source) (*source, error)
}

// transformers is filled on start, as its functions refer to it.
var transformers []transformer

func init() {
	transformers = []transformer{
		{"tolower", 1, 1, buildCase(lower)},
		{"toupper", 1, 1, buildCase(upper)},
		{"b64", 1, 1, buildB64},
		{"basename", 1, 1, buildBasename},
		{"len", 1, 1, buildLen},
		{"join", 2, 2, buildJoin},
		{"concat", 2, -1, buildConcat},
		{"getopt", 2, 2, buildGetopt},
	}
}

func transformerByName(name string) *transformer {
	for i := range transformers {
		if transformers[i].name == name {
			return &transformers[i]
		}
	}
	return nil
}

// Transformers returns the names of the transformers, val not included, for
// listings and completion.
func Transformers() []string {
	names := make([]string, len(transformers))
	for i := range transformers {
		names[i] = transformers[i].name
	}
	return names
}
