package tui

import "slices"

// State is what drilling, undo and the session file save and restore.
type State struct {
	Screen scope
	Filter string
	Range  Range
	T      uint64 // time cursor
	Event  uint64 // selected event, 0 none
	Proc   int64  // selected process incarnation, 0 none
	// Columns are the fields added to the event list.
	Columns []string
}

// view is what all screens show of the capture.
func (st *State) view() view { return view{st.Filter, st.Range} }

// crumb is one step of a drill-down: where it led, and the state it left.
type crumb struct {
	title string
	from  State
}

// mark is a bookmark on an event.
type mark struct {
	Letter string
	Event  uint64
	Note   string
}

// maxUndo bounds the undo stack.
const maxUndo = 200

// history holds the crumb, undo and redo stacks.
type history struct {
	crumbs []crumb
	undo   []State
	redo   []State
}

// note records st as a state to come back to with undo.
func (h *history) note(st State) {
	if n := len(h.undo); n > 0 && equalState(h.undo[n-1], st) {
		return
	}
	h.undo = append(h.undo, st)
	if len(h.undo) > maxUndo {
		h.undo = slices.Delete(h.undo, 0, 1)
	}
	h.redo = nil
}

// back exchanges cur for the newest undone state.
func (h *history) back(cur State) (State, bool) { return swap(&h.undo, &h.redo, cur) }

// forward takes back a back.
func (h *history) forward(cur State) (State, bool) { return swap(&h.redo, &h.undo, cur) }

func swap(from, to *[]State, cur State) (State, bool) {
	n := len(*from)
	if n == 0 {
		return cur, false
	}
	st := (*from)[n-1]
	*from = (*from)[:n-1]
	*to = append(*to, cur)
	return st, true
}

func equalState(a, b State) bool {
	return a.Screen == b.Screen && a.Filter == b.Filter && a.Range == b.Range && slices.Equal(a.Columns, b.Columns)
}
