package scapfile

import "encoding/binary"

// cursor reads the fields of a metadata block one after the other. Reading past
// the end sets short and yields zeros, so that a caller checks once per entry.
type cursor struct {
	b     []byte
	big   bool // byte order of the file
	short bool
}

func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.short = true
		c.b = nil
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() uint8 {
	if v := c.bytes(1); v != nil {
		return v[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	v := c.bytes(2)
	switch {
	case v == nil:
		return 0
	case c.big:
		return binary.BigEndian.Uint16(v)
	}
	return binary.LittleEndian.Uint16(v)
}

func (c *cursor) u32() uint32 {
	v := c.bytes(4)
	switch {
	case v == nil:
		return 0
	case c.big:
		return binary.BigEndian.Uint32(v)
	}
	return binary.LittleEndian.Uint32(v)
}

func (c *cursor) u64() uint64 {
	v := c.bytes(8)
	switch {
	case v == nil:
		return 0
	case c.big:
		return binary.BigEndian.Uint64(v)
	}
	return binary.LittleEndian.Uint64(v)
}

func (c *cursor) i64() int64 { return int64(c.u64()) }

func (c *cursor) bool() bool { return c.u8() != 0 }

// str reads a string with its 16-bit length.
func (c *cursor) str() string { return string(c.bytes(int(c.u16()))) }

// has reports whether n more bytes are there.
func (c *cursor) has(n int) bool { return len(c.b) >= n }
