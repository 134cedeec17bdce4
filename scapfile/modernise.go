package scapfile

import (
	"encoding/binary"
	"fmt"

	"github.com/sysreel/sysreel/scapfile/schema"
)

// modernise rewrites the body of an event block of a big-endian file or of block
// version 1 into the little-endian version 2 form, in r.flip.
func (r *Reader) modernise(body []byte, layout eventBlock) ([]byte, error) {
	order := r.order()
	h := body[layout.prefix:]
	e := Event{TS: order.Uint64(h), TID: int64(order.Uint64(h[8:])), Type: schema.EventType(order.Uint16(h[20:]))}
	size := order.Uint32(h[16:])
	if size < uint32(layout.header) || uint64(size) > uint64(len(h)) {
		return nil, fmt.Errorf("event length %d does not fit in the %d bytes it stands in: %w", size, len(h), ErrCorrupt)
	}
	data := h[layout.header:size]
	count := uint32(0)
	if layout.header == headerSize {
		count = order.Uint32(h[22:])
	} else {
		n, cut, err := inferCount(e.Type, data, order)
		if err != nil {
			return nil, err
		}
		count, data = uint32(n), data[:len(data)-cut]
	}
	width := e.Type.LengthWidth()
	if uint64(count)*uint64(width) > uint64(len(data)) {
		return nil, e.errLengths(count, len(data))
	}

	out := binary.LittleEndian.AppendUint16(r.flip[:0], order.Uint16(body))
	if layout.prefix == 6 {
		out = binary.LittleEndian.AppendUint32(out, order.Uint32(body[2:]))
	}
	start := len(out)
	e.data, e.count = data, count
	out = e.AppendRaw(out)
	if order == binary.ByteOrder(binary.BigEndian) {
		if err := swapData(&e, out[start+headerSize:]); err != nil {
			return nil, err
		}
	}
	r.flip = out
	return out, nil
}

// swapData turns a big-endian length array and its parameters around in place.
func swapData(e *Event, b []byte) error {
	width := e.Type.LengthWidth()
	for i := range int(e.count) {
		swap(b[i*width : (i+1)*width])
	}
	if err := e.setData(e.count, b); err != nil {
		return err
	}
	info := e.Info()
	if info == nil {
		return nil // unknown layout: the bytes stay as they are
	}
	for i := range e.NumParams() {
		swapParam(e.Param(i), info.Params[i])
	}
	return nil
}

// inferCount finds the number of parameters of a version 1 event, which does not
// say it: the largest one not above today's whose lengths add up to the size
// of the event. cut is how many bytes at the end do not belong to it.
func inferCount(t schema.EventType, data []byte, order binary.ByteOrder) (n, cut int, err error) {
	// Old writers counted three bytes too many for these two.
	if t == schema.PPME_NOTIFICATION_E || t == schema.PPME_INFRASTRUCTURE_EVENT_E {
		cut = min(3, len(data))
	}
	data = data[:len(data)-cut]
	info := schema.Lookup(t)
	if info == nil {
		return 0, 0, fmt.Errorf("event of unknown type %d in a block that does not tell its parameters: %w", t, ErrCorrupt)
	}
	width := t.LengthWidth()
	for n := len(info.Params); n >= 0; n-- {
		sum := uint64(n * width)
		if sum > uint64(len(data)) {
			continue
		}
		for i := range n {
			if width == 4 {
				sum += uint64(order.Uint32(data[4*i:]))
			} else {
				sum += uint64(order.Uint16(data[2*i:]))
			}
		}
		switch {
		case sum == uint64(len(data)):
			return n, cut, nil
		case sum < uint64(len(data)):
			return 0, 0, fmt.Errorf("lengths of %s event do not add up to its size: %w", t, ErrCorrupt)
		}
	}
	return 0, 0, fmt.Errorf("lengths of %s event do not add up to its size: %w", t, ErrCorrupt)
}

// swapParam turns the integers of a parameter around in place. Addresses are in
// network order everywhere and stay.
func swapParam(b []byte, p schema.Param) {
	if n := p.Type.Size(); n != 0 {
		if len(b) == n && p.Type != schema.PT_IPV4ADDR && p.Type != schema.PT_IPV6ADDR {
			swap(b)
		}
		return
	}
	switch p.Type {
	case schema.PT_SOCKADDR:
		swapSockAddr(b)
	case schema.PT_SOCKTUPLE:
		swapSockTuple(b)
	case schema.PT_FDLIST:
		if len(b) >= 2 {
			swap(b[:2])
			for b = b[2:]; len(b) >= 10; b = b[10:] {
				swap(b[:8])
				swap(b[8:10])
			}
		}
	case schema.PT_DYN:
		if len(b) > 1 && int(b[0]) < len(p.Dyn) {
			swapParam(b[1:], p.Dyn[b[0]])
		}
	}
}

func swapSockAddr(b []byte) {
	switch {
	case len(b) == 7 && b[0] == schema.PPM_AF_INET:
		swap(b[5:7])
	case len(b) == 19 && b[0] == schema.PPM_AF_INET6:
		swap(b[17:19])
	}
}

func swapSockTuple(b []byte) {
	switch {
	case len(b) == 13 && b[0] == schema.PPM_AF_INET:
		swap(b[5:7])
		swap(b[11:13])
	case len(b) == 37 && b[0] == schema.PPM_AF_INET6:
		swap(b[17:19])
		swap(b[35:37])
	case len(b) >= 17 && b[0] == schema.PPM_AF_UNIX:
		swap(b[1:9])
		swap(b[9:17])
	}
}

func swap(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}
