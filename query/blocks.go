package query

import (
	"context"
	"database/sql/driver"
	"math/bits"
	"sort"
)

// blockInfo is a block of events: what the table block says of it.
type blockInfo struct {
	id       int64 // num >> blockShift
	firstNum int64
	rank     int64 // events before it
	events   int64
	failed   int64
	minTS    int64
	maxTS    int64
	offset   int64
}

// blockCache is the table block in memory, extended as the index grows.
type blockCache struct {
	list []blockInfo
}

// blockList returns the blocks committed so far. The slice is only appended to.
func (ix *Index) blockList(ctx context.Context, c *conn) ([]blockInfo, error) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	list := ix.blocks.list
	last := int64(-1)
	rank := int64(0)
	if n := len(list); n > 0 {
		b := &list[n-1]
		if b.rank+b.events >= ix.progress.Load().Events {
			return list, nil
		}
		last, rank = b.id, b.rank+b.events
	}
	err := c.each(ctx, "SELECT block, first_num, events, failed, min_ts, max_ts, offset FROM block WHERE block > ? ORDER BY block",
		[]any{last}, func(v []driver.Value) error {
			b := blockInfo{id: v[0].(int64), firstNum: v[1].(int64), events: v[2].(int64), failed: v[3].(int64),
				minTS: v[4].(int64), maxTS: v[5].(int64), offset: v[6].(int64), rank: rank}
			rank += b.events
			list = append(list, b)
			return nil
		})
	if err == nil {
		ix.blocks.list = list
	}
	return list, err
}

// blockOfNum returns the position in list of the block that holds num.
func blockOfNum(list []blockInfo, num int64) (int, bool) {
	id := num >> blockShift
	i := sort.Search(len(list), func(i int) bool { return list[i].id >= id })
	return i, i < len(list) && list[i].id == id
}

// blockOfRank returns the position of the block with the event of that rank.
func blockOfRank(list []blockInfo, rank int64) (int, bool) {
	i := sort.Search(len(list), func(i int) bool { return list[i].rank+list[i].events > rank })
	return i, i < len(list)
}

// blockSet is a set of positions in a block list.
type blockSet []uint64

func newBlockSet(n int) blockSet { return make(blockSet, (n+63)/64) }

func fullBlockSet(n int) blockSet {
	s := newBlockSet(n)
	for i := range s {
		s[i] = ^uint64(0)
	}
	if r := n % 64; r != 0 {
		s[len(s)-1] = 1<<r - 1
	}
	return s
}

func (s blockSet) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s blockSet) remove(i int)   { s[i>>6] &^= 1 << (i & 63) }
func (s blockSet) has(i int) bool { return s[i>>6]&(1<<(i&63)) != 0 }

func (s blockSet) and(o blockSet) {
	for i := range s {
		s[i] &= o[i]
	}
}

func (s blockSet) or(o blockSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s blockSet) len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}
