package tui

import "bytes"

// open is the section of what p had open at T.
func (s *procsScreen) open(p *Proc) Section {
	sec := Section{Title: "Open at T"}
	t := s.m.st.T
	if t == 0 || !p.alive(t) {
		sec.Title = "Open at T: not alive then"
		return sec
	}
	fds, ready, err := s.fds.get(fdsKey{p.PID, t})
	switch {
	case err != nil:
		sec.Title += ": " + safeText(err.Error())
	case !ready:
		sec.Title += "  loading..."
	default:
		sec.Fields = fds
	}
	return sec
}

// life draws the lifetime of p within the capture: '=' alive, '^' T.
func (s *procsScreen) life(p *Proc, w int) string {
	in := s.m.store.Info()
	if w < 10 || in.End <= in.Start {
		return ""
	}
	b := bytes.Repeat([]byte{'.'}, w)
	from, to := 0, w-1
	if p.Start != 0 {
		from = in.column(p.Start, w)
		b[from] = '['
	}
	if p.End != 0 {
		to = in.column(p.End, w)
		b[to] = ']'
	}
	for i := from; i <= to; i++ {
		if b[i] == '.' {
			b[i] = '='
		}
	}
	if s.m.st.T != 0 {
		b[in.column(s.m.st.T, w)] = '^'
	}
	return string(b)
}

func endText(p *Proc) string {
	if p.End == 0 {
		return "still alive"
	}
	return clockMicro(p.End)
}
