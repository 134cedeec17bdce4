package replay

import (
	"encoding/binary"
	"strconv"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// fdlistFields are the fields of the descriptors that poll and ppoll wait for.
var fdlistFields = []row{
	fdlistField("fdlist.nums", "Numbers of the descriptors of a poll, joined by commas.", func(b []byte, num int64, _ *FD) []byte {
		return strconv.AppendInt(b, num, 10)
	}).as(schema.PF_ID),
	fdlistField("fdlist.names", "Names of the descriptors of a poll, joined by commas; <NA> for unknown ones.", func(b []byte, _ int64, fd *FD) []byte {
		if fd == nil || fd.Name == "" {
			return append(b, notKnown...)
		}
		return append(b, fd.Name...)
	}),
	fdlistField("fdlist.cips", "Client addresses of a poll, joined by commas.", func(b []byte, _ int64, fd *FD) []byte {
		if fd == nil || !fd.isConn() {
			return b
		}
		return fd.Sock.Src.Addr().AppendTo(b)
	}),
	fdlistField("fdlist.sips", "Server addresses of a poll, joined by commas.", func(b []byte, _ int64, fd *FD) []byte {
		if fd == nil || !fd.isIP() {
			return b
		}
		return fd.Sock.Dst.Addr().AppendTo(b)
	}),
	fdlistField("fdlist.cports", "Client ports of a poll, joined by commas.", func(b []byte, _ int64, fd *FD) []byte {
		if fd == nil || !fd.isConn() {
			return b
		}
		return strconv.AppendUint(b, uint64(fd.Sock.Src.Port()), 10)
	}).as(schema.PF_DEC),
	fdlistField("fdlist.sports", "Server ports of a poll, joined by commas.", func(b []byte, _ int64, fd *FD) []byte {
		if fd == nil || !fd.isIP() {
			return b
		}
		return strconv.AppendUint(b, uint64(fd.Sock.Dst.Port()), 10)
	}).as(schema.PF_DEC),
}

// pollItem is the size of a descriptor in PT_FDLIST: number and flags.
const pollItem = 8 + 2

// fdlistField joins what f appends for each descriptor of a poll; descriptors
// for which it appends nothing are left out.
func fdlistField(name, desc string, f func(b []byte, num int64, fd *FD) []byte) row {
	return textField(name, desc, func(ev *Event) (string, bool) {
		if ev.Type != schema.PPME_SYSCALL_POLL_X && ev.Type != schema.PPME_SYSCALL_PPOLL_X || ev.Thread == nil {
			return "", false
		}
		p := ev.Param(1)
		if len(p) < 2 {
			return "", false
		}
		b := ev.open()
		for p = p[2:]; len(p) >= pollItem; p = p[pollItem:] {
			num := int64(binary.LittleEndian.Uint64(p))
			if len(b) > 0 && b[len(b)-1] != ',' {
				b = append(b, ',')
			}
			b = f(b, num, ev.Thread.FD(num))
		}
		if n := len(b); n > 0 && b[n-1] == ',' {
			b = b[:n-1]
		}
		s, _ := ev.close(b)
		return s, s != ""
	})
}
