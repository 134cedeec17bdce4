package tui

// forest is the processes by parent.
type forest struct {
	up   map[*Proc]*Proc
	kids map[*Proc][]*Proc // of nil: the roots
	size map[*Proc]int     // processes below
}

func newForest(procs []Proc) *forest {
	fo := &forest{up: make(map[*Proc]*Proc), kids: make(map[*Proc][]*Proc), size: make(map[*Proc]int)}
	byID := make(map[int64]*Proc, len(procs))
	for i := range procs {
		byID[procs[i].ID] = &procs[i]
	}
	for i := range procs {
		p := &procs[i]
		up := byID[p.Parent]
		for a := up; a != nil; a = fo.up[a] {
			if a == p {
				up = nil // parents in a circle, in a damaged capture
			}
		}
		fo.up[p] = up
		fo.kids[up] = append(fo.kids[up], p)
	}
	for i := range procs {
		for a := fo.up[&procs[i]]; a != nil; a = fo.up[a] {
			fo.size[a]++
		}
	}
	return fo
}
