package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits on rule files, to stop hostile ones early. Real rule sets stay far
// below.
const (
	maxFileSize = 64 << 20
	maxScalars  = 2 << 20 // values read from one file; aliases multiply them
)

// File is a rule file: its name for messages and its content. Without Data the
// content is read from Name.
type File struct {
	Name string
	Data []byte
}

// LoadOptions tune Load. The zero value loads as Falco does by default.
type LoadOptions struct {
	// MinPriority keeps less severe rules from being evaluated; 0 keeps none.
	MinPriority Priority
	// Matching is the strategy for events that several rules match.
	Matching Matching
	// Select enables and disables rules, in order, after all files are read.
	Select []Selection
	// Append adds to outputs and output fields.
	Append []AppendOutput
	// Static are constants for outputs: %static.NAME stands for its value.
	Static map[string]string
	// Lint adds advice that Falco does not give (the LINT_ codes).
	Lint bool
}

// Load reads rule files in order and compiles what they define together. A
// directory stands for its .yaml and .yml files in name order. The set is nil
// unless the report is OK.
func Load(opts LoadOptions, paths ...string) (*Set, *Report) {
	var files []File
	for _, p := range paths {
		files = append(files, Files(p)...)
	}
	return LoadFiles(opts, files...)
}

// Files returns the rule files that a path stands for: itself, or the .yaml and
// .yml files of a directory in name order. Nothing is read; a path that does not
// exist is for LoadFiles to report. The word default, unless there is a file of
// that name, stands for the rules that are part of sysreel.
func Files(path string) []File {
	st, err := os.Stat(path)
	if err != nil && path == "default" {
		return Default()
	}
	if err != nil || !st.IsDir() {
		return []File{{Name: path}}
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return []File{{Name: path}} // reading it as a file reports the error
	}
	var files []File
	for _, e := range entries { // sorted by name
		ext := filepath.Ext(e.Name())
		if !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, File{Name: filepath.Join(path, e.Name())})
		}
	}
	return files
}

// LoadFiles is Load for files that may be in memory already.
func LoadFiles(opts LoadOptions, files ...File) (*Set, *Report) {
	l := &loader{opts: opts, report: &Report{}, memo: map[string]*FileReport{}, seen: map[problemKey]bool{}}
	for i, f := range files {
		l.file(f, i == len(files)-1)
	}
	if len(files) == 0 {
		l.cur = &FileReport{seen: l.seen}
		l.compile(true)
	}
	if !l.report.OK() {
		return nil, l.report
	}
	return l.set, l.report
}

// loader holds the state of one Load.
type loader struct {
	opts   LoadOptions
	report *Report
	defs   definitions
	set    *Set
	cur    *FileReport            // file being read
	memo   map[string]*FileReport // reports by file name
	left   int                    // scalars that may still be read from the file at hand
	seen   map[problemKey]bool    // reported already, for this or an earlier file
}

// report problems of the file at hand.
func (l *loader) fail(c *ctx, code Code, format string, args ...any) {
	l.failHint(c, code, "", format, args...)
}

func (l *loader) failHint(c *ctx, code Code, hint, format string, args ...any) {
	if !l.cur.full(code) {
		l.cur.add(c.problem(code, hint, fmt.Sprintf(format, args...)))
	}
}

func (l *loader) file(f File, last bool) {
	rep := &FileReport{Name: f.Name, seen: l.seen}
	l.report.Files = append(l.report.Files, rep)
	l.cur, l.memo[f.Name] = rep, rep
	data := f.Data
	if data == nil {
		var err error
		if data, err = readFile(f.Name); err != nil {
			src := newSource(f.Name, nil)
			p := (&ctx{kind: "rules content", src: src}).problem(ErrFileRead, "", err.Error())
			p.Locations[0].Line, p.Locations[0].Column = 0, 0
			rep.add(p)
			if last {
				l.compile(true)
			}
			return
		}
	}
	src := newSource(f.Name, data)
	l.left = maxScalars
	l.documents(&ctx{kind: "rules content", src: src})
	l.compile(last)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			return nil, fmt.Errorf("reading rules file: %w", pe.Err)
		}
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fmt.Errorf("reading rules file: %w", err)
	}
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("rules file is larger than %d MiB", maxFileSize>>20)
	}
	return data, nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// documents reads every item of every document of a file.
func (l *loader) documents(c *ctx) {
	dec := yaml.NewDecoder(bytes.NewReader(c.src.data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if err == io.EOF {
			return
		}
		if err != nil {
			l.yamlError(c, err)
			return
		}
		root := deref(doc.Content[0])
		if isNull(root) {
			continue
		}
		if root.Kind != yaml.SequenceNode {
			l.failHint(c.child("rules content", "", root), ErrYAMLValidate,
				"begin each item with '- rule:', '- macro:' or '- list:'",
				"rules content is a %s, expected a sequence of items", kindName(root))
			continue
		}
		for _, n := range root.Content {
			if n = deref(n); !isNull(n) {
				l.item(c.child("rules content item", "", n), n)
			}
		}
	}
}

func (l *loader) yamlError(c *ctx, err error) {
	m := yamlLine.FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0])
	p := c.problem(ErrYAMLParse, "", err.Error())
	if m != nil {
		p.Message = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			at := &p.Locations[0]
			at.Line, at.Offset = n, c.src.offset(n, 1)
			p.Snippet = snippet(c.src.line(n), 1)
		}
	}
	l.cur.add(p)
}

// deref follows an alias; what it names is never an alias itself. An alias may
// name a node that contains it, so nothing here may descend without a bound.
func deref(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n.Kind == 0 || n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "sequence"
	case yaml.MappingNode:
		return "mapping"
	}
	if isNull(n) {
		return "null"
	}
	return "scalar"
}

func sortedUnique(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
