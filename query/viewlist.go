package query

// View names a view of the index and its columns; README.md tells what they mean.
type View struct {
	Name    string
	Doc     string
	Columns []string
}

// Views lists the views that questions are asked of.
func Views() []View {
	out := make([]View, len(views))
	for i := range views {
		v := &views[i]
		out[i] = View{Name: v.name, Doc: v.doc}
		for _, c := range v.columns {
			out[i].Columns = append(out[i].Columns, c.name)
		}
	}
	return out
}
