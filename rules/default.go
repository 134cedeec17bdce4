package rules

import "embed"

//go:embed default/*.yaml
var defaultFS embed.FS

// Default returns the rule files that are part of sysreel.
func Default() []File {
	entries, err := defaultFS.ReadDir("default")
	if err != nil {
		panic(err) // the directory is compiled in
	}
	var files []File
	for _, e := range entries {
		data, err := defaultFS.ReadFile("default/" + e.Name())
		if err != nil {
			panic(err)
		}
		files = append(files, File{Name: "default/" + e.Name(), Data: data})
	}
	return files
}
