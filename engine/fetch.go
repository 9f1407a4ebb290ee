package engine

import "kelpie/state"

// fetch loads the rows that the shard's events of the stride will ask for and that are not in memory.
func (sh *shard) fetch(evs []foldEvent) {
	for i, d := range sh.engine.plan.dims {
		if len(d.lane.dims) > 1 || !sh.rows[i].Reads() {
			continue
		}
		sh.wanted = sh.wanted[:0]
		for _, p := range sh.engine.now.used() {
			sh.want(d, p, evs)
		}
		if err := sh.rows[i].Fetch(sh.wanted); err != nil {
			sh.fatal(err)
			return
		}
	}
}

// want notes the rows of a dimension that the events are about to change and that are not in memory.
func (sh *shard) want(d *dim, p *piece, evs []foldEvent) {
	ops := p.ops[sh.index][d.lane.id]
	for i := range ops {
		o := &ops[i]
		if sh.rows[d.at].Find(o.hash) != nowhere {
			continue
		}
		ev := &evs[p.base+o.ev]
		if sh.current(ev); sh.concerns(d.lane.workOf(ev.rec.Type)) {
			sh.wanted = append(sh.wanted, state.Wanted{Hash: o.hash, Key: p.keys[o.from:o.to]})
		}
	}
}
