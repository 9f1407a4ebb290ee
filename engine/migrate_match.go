package engine

import (
	"kelpie/event"
)

// matchLog finds out which feeds and columns of the old logs the new one's come from.
func (mv *scopeMove) matchLog(pathsOf func(*scope) []event.Path, newPaths []event.Path) {
	mv.feeds = make([][]bitMove, len(mv.from))
	mv.columns = make([][]pairMove, len(mv.from))
	for i, f := range mv.to.facts {
		k, o := mv.source[i], mv.origin[i]
		if k < 0 || f.feed < 0 {
			continue
		}
		mv.addFeed(k, bitMove{o.bit, f.bit})
		oldPaths := pathsOf(mv.from[k])
		if f.column >= 0 {
			mv.addColumn(k, pairMove{o.column, f.column})
		}
		for _, p := range f.prev {
			for _, q := range o.prev {
				if slotName(p.slot, newPaths) == slotName(q.slot, oldPaths) {
					mv.addColumn(k, pairMove{q.column, p.column})
				}
			}
		}
	}
	for _, x := range mv.to.sessions { // with a maximum: the events that make up the sessions
		if y, k := mv.sessionsOf(x); y != nil && x.feed >= 0 && y.feed >= 0 {
			mv.addFeed(k, bitMove{1 << y.feed, 1 << x.feed})
		}
	}
}

func (mv *scopeMove) addFeed(k int, b bitMove) {
	for _, o := range mv.feeds[k] {
		if o == b {
			return
		}
	}
	mv.feeds[k] = append(mv.feeds[k], b)
}

func (mv *scopeMove) addColumn(k int, p pairMove) {
	for _, o := range mv.columns[k] {
		if o == p {
			return
		}
	}
	mv.columns[k] = append(mv.columns[k], p)
}

// sessionsOf returns the old sessions that new ones go on with, and in which of mv.from they are; nil if all facts over
// them are new.
func (mv *scopeMove) sessionsOf(x *sessions) (*sessions, int) {
	for i, f := range mv.to.facts {
		if f.sess == x && mv.source[i] >= 0 {
			return mv.origin[i].sess, mv.source[i]
		}
	}
	return nil, -1
}
