package engine

import (
	"kelpie/state"
	"kelpie/window"
)

// bigOverhead is about what the companions of a log take besides their values.
const bigOverhead = 300

func newBigs(limit int64) bigs {
	return bigs{from: bigFrom, values: maxValues, foldBits: foldBits, limit: limit, logs: map[bigKey]*bigLog{}}
}

// find returns the companions of the scope's log in the row, nil if there are none.
func (b *bigs) find(s *scope, row *state.Row) *bigLog {
	if len(b.logs) == 0 {
		return nil
	}
	k := bigKey{row.Hash(), row.Dim(), s.unit}
	lately := &b.lately[(k.hash+uint64(k.unit))%uint64(len(b.lately))]
	g := *lately
	if g == nil || g.bigKey != k {
		if g = b.logs[k]; g != nil {
			*lately = g
		}
	}
	if g == nil || g.key != string(row.Key()) {
		return nil
	}
	return g
}

// open returns the companions of the scope's log in the row for use. It makes room for new ones if those that were used
// longest ago seem to be used no more: with more logs in turn than there is room for, some have companions and the others
// none, rather than each pushing the next one out.
func (b *bigs) open(s *scope, row *state.Row, l *window.Log) *bigLog {
	g := b.find(s, row)
	if g == nil {
		if b.bytes > b.limit && !b.evict() {
			b.clock++
			return nil
		}
		g = b.add(s, row, l)
	}
	if g.n != l.N { // not the log that it went along with
		clear(g.bigs)
		g.bigs, g.n = g.bigs[:0], l.N
	}
	b.clock++
	g.used = b.clock
	if b.newest != g {
		b.unlink(g)
		b.link(g)
	}
	return g
}

func (b *bigs) add(s *scope, row *state.Row, l *window.Log) *bigLog {
	k := bigKey{row.Hash(), row.Dim(), s.unit}
	if old := b.logs[k]; old != nil { // of another key with the same hash
		b.forget(old)
	}
	g := &bigLog{bigKey: k, key: string(row.Key()), n: l.N}
	b.logs[k] = g
	b.link(g)
	return g
}

// weigh counts the memory of the companions again when enough of them has changed.
func (b *bigs) weigh(g *bigLog) {
	if g.bytes > 0 && g.changes < 256 {
		return
	}
	n := bigOverhead + int64(len(g.key))
	for _, c := range g.bigs {
		n += c.size()
	}
	for _, c := range g.tallies {
		n += c.size()
	}
	b.bytes += n - g.bytes
	g.bytes, g.changes = n, 0
	for b.bytes > b.limit+b.limit/8 && g.newer != g && b.evict() {
	}
	if b.bytes > b.limit+b.limit/4 && g.newer != g {
		b.forget(g) // for the asker it is still good
	}
}

// evict forgets what was used longest ago, if others have been used for twice as often as there are logs since.
func (b *bigs) evict() bool {
	if b.newest == nil {
		return false
	}
	oldest := b.newest.newer // around the ring
	if b.clock-oldest.used < 2*uint64(len(b.logs)) {
		return false
	}
	b.forget(oldest)
	return true
}

func (b *bigs) forget(g *bigLog) {
	b.unlink(g)
	delete(b.logs, g.bigKey)
	b.lately[(g.hash+uint64(g.unit))%uint64(len(b.lately))] = nil
	b.bytes -= g.bytes
}

func (b *bigs) link(g *bigLog) {
	if b.newest == nil {
		g.newer, g.older = g, g
	} else {
		g.older, g.newer = b.newest, b.newest.newer
		g.older.newer, g.newer.older = g, g
	}
	b.newest = g
}

func (b *bigs) unlink(g *bigLog) {
	if g.older == g {
		b.newest = nil
		return
	}
	g.older.newer, g.newer.older = g.newer, g.older
	if b.newest == g {
		b.newest = g.older
	}
}
