package query

import (
	"bufio"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sysreel/sysreel/replay"
	"github.com/sysreel/sysreel/scapfile/safe"
)

// RowSource yields rows for output: a Result or a report.
type RowSource interface {
	// Next returns the next row, valid until the following call; io.EOF at the end.
	Next() ([]any, error)
}

// Writer writes rows in one of the formats.
type Writer interface {
	// Write writes all rows of src under the column names and returns how many.
	Write(columns []string, src RowSource) (int64, error)
}

// TableWriter writes aligned columns for people. Captured strings are made
// harmless.
type TableWriter struct {
	W io.Writer
	// MaxCell cuts cells to that many characters, 0 never.
	MaxCell int
}

// tableSample is how many rows decide the widths of the columns; later rows that
// are wider push theirs out.
const tableSample = 2000

// Write writes a heading and the rows.
func (t *TableWriter) Write(columns []string, src RowSource) (int64, error) {
	w := bufio.NewWriter(t.W)
	defer w.Flush()
	var sample [][]string
	right := make([]bool, len(columns))
	width := make([]int, len(columns))
	for i, c := range columns {
		right[i] = true
		width[i] = utf8.RuneCountInString(c)
	}
	var n int64
	var end error
	for len(sample) < tableSample {
		row, err := src.Next()
		if err != nil {
			end = err
			break
		}
		cells := t.cells(row)
		for i, c := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(c))
			if !isNumber(row[i]) {
				right[i] = false
			}
		}
		sample = append(sample, cells)
	}
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = strings.ToUpper(safe.String(c))
	}
	if len(columns) > 0 {
		writeCells(w, heads, width, right)
	}
	for _, cells := range sample {
		writeCells(w, cells, width, right)
		n++
	}
	for end == nil {
		row, err := src.Next()
		if err != nil {
			end = err
			break
		}
		writeCells(w, t.cells(row), width, right)
		n++
	}
	if end == io.EOF {
		end = nil
	}
	if err := w.Flush(); end == nil {
		end = err
	}
	return n, end
}

func (t *TableWriter) cells(row []any) []string {
	out := make([]string, len(row))
	for i, v := range row {
		s := safe.String(cellText(v))
		if t.MaxCell > 0 && utf8.RuneCountInString(s) > t.MaxCell {
			r := []rune(s)
			s = string(r[:t.MaxCell-1]) + "~"
		}
		out[i] = s
	}
	return out
}

func writeCells(w *bufio.Writer, cells []string, width []int, right []bool) {
	for i, c := range cells {
		if i > 0 {
			w.WriteString("  ")
		}
		pad := width[i] - utf8.RuneCountInString(c)
		if right[i] {
			writePad(w, pad)
		}
		w.WriteString(c)
		if !right[i] && i < len(cells)-1 {
			writePad(w, pad)
		}
	}
	w.WriteByte('\n')
}

func writePad(w *bufio.Writer, n int) {
	for ; n > 0; n-- {
		w.WriteByte(' ')
	}
}

func isNumber(v any) bool {
	switch v.(type) {
	case int64, float64, nil:
		return true
	}
	return false
}

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case []byte:
		return string(v)
	case string:
		return v
	}
	return "?"
}

// JSONWriter writes one JSON object a line, losslessly: bytes that are not UTF-8
// become the lone surrogates \udc80 to \udcff, as elsewhere in sysreel.
type JSONWriter struct{ W io.Writer }

// Write writes the rows.
func (j *JSONWriter) Write(columns []string, src RowSource) (int64, error) {
	w := bufio.NewWriter(j.W)
	var buf []byte
	var n int64
	for {
		row, err := src.Next()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			if ferr := w.Flush(); err == nil {
				err = ferr
			}
			return n, err
		}
		buf = append(buf[:0], '{')
		for i, v := range row {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = replay.AppendJSONString(buf, columns[i])
			buf = append(buf, ':')
			buf = appendJSONValue(buf, v)
		}
		if _, err := w.Write(append(buf, '}', '\n')); err != nil {
			return n, err
		}
		n++
	}
}

func appendJSONValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case int64, float64, bool:
		return append(b, cellText(v)...)
	}
	return replay.AppendJSONString(b, cellText(v))
}

// CSVWriter writes comma-separated values with a heading. Control characters
// become visible escapes, and text that a spreadsheet would take for a formula
// gets an apostrophe in front. Use JSON where every byte matters.
type CSVWriter struct{ W io.Writer }

// Write writes the rows.
func (c *CSVWriter) Write(columns []string, src RowSource) (int64, error) {
	w := csv.NewWriter(c.W)
	cells := make([]string, len(columns))
	for i, s := range columns {
		cells[i] = harmlessCell(s)
	}
	if len(columns) > 0 {
		if err := w.Write(cells); err != nil {
			return 0, err
		}
	}
	var n int64
	for {
		row, err := src.Next()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			w.Flush()
			if err == nil {
				err = w.Error()
			}
			return n, err
		}
		for i, v := range row {
			cells[i] = cellText(v)
			if !isNumber(v) {
				cells[i] = harmlessCell(cells[i])
			}
		}
		if err := w.Write(cells); err != nil {
			return n, err
		}
		n++
	}
}

// harmlessCell is text that neither a terminal nor a spreadsheet acts upon.
func harmlessCell(s string) string {
	s = safe.String(s)
	if t := strings.TrimLeft(s, " "); t != "" && strings.ContainsRune("=+-@|%", rune(t[0])) {
		return "'" + s
	}
	return s
}

// sliceRows is a RowSource over rows in memory.
type sliceRows [][]any

func (s *sliceRows) Next() ([]any, error) {
	if len(*s) == 0 {
		return nil, io.EOF
	}
	row := (*s)[0]
	*s = (*s)[1:]
	return row, nil
}
