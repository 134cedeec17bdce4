package query

import (
	"strings"
	"testing"
)

// TestViews selects every column that Views names.
func TestViews(t *testing.T) {
	ix := buildIndex(t, copyCapture(t, "testdata/incident.scap"))
	if len(Views()) == 0 {
		t.Fatal("no views")
	}
	for _, v := range Views() {
		if v.Doc == "" {
			t.Errorf("view %s has no description", v.Name)
		}
		ask(t, ix, "SELECT "+strings.Join(v.Columns, ", ")+" FROM "+v.Name+" LIMIT 1")
	}
}
