package engine

import (
	"maps"
	"slices"

	"kelpie/state"
)

// An event that judges nothing may still change when an open instance is to be looked at: it will leave a window one
// day. Events of other types (`of`) stand in the instance's own row; events that share another key with the event
// judged last (`by`) stand in a row of that key, and watchers remembers whose instances look at it.
type watchers map[watchKey]map[watcher]struct{}

type watchKey struct {
	dim  int // index in the plan
	hash uint64
}

type watcher struct {
	rule  int
	hash  uint64 // of the instance's own key
	check uint16
}

// newcomers looks again at the open instances that an event without a judgement may concern.
func (sh *shard) newcomers(w *dimWork, row *state.Row) {
	for _, s := range w.stirred {
		if s.foreign {
			sh.wakeWatchers(s.dim, row)
		} else {
			sh.resettle(s, row)
		}
	}
}

// resettle computes anew when the instances of a scope are due.
func (sh *shard) resettle(s *scope, row *state.Row) {
	b := row.Block(s.unit)
	if b == nil || le.Uint64(b[scopeFlags:]) == 0 {
		return
	}
	for _, rp := range s.rules {
		if rp.OnEvent && sh.hasInstance(rp, row) {
			sh.resettleRule(rp, row)
		}
	}
}

func (sh *shard) resettleRule(rp *rulePlan, row *state.Row) {
	in, err := sh.load(rp, row)
	if err != nil || in.state == inactive {
		return
	}
	rows := sh.rowsOf(rp, row, &in)
	sh.settle(rp, row, &in, sh.nextLeave(rp, rows, &in))
}

func (sh *shard) wakeWatchers(d *dim, row *state.Row) {
	set := sh.watch[watchKey{d.at, row.Hash()}]
	if len(set) == 0 {
		return
	}
	list := slices.SortedFunc(maps.Keys(set), func(a, b watcher) int {
		if a.rule != b.rule {
			return a.rule - b.rule
		}
		if a.hash < b.hash {
			return -1
		}
		return 1
	})
	for _, x := range list {
		rp := sh.engine.plan.rules[x.rule]
		err := sh.rows[rp.scope.dim.at].ByHash(x.hash, x.check, func(home state.Row) error {
			if sh.hasInstance(rp, &home) {
				sh.touch(rp.scope.dim, &home)
				sh.resettleRule(rp, &home)
			}
			return nil
		})
		if err != nil {
			sh.fatal(err)
			return
		}
	}
}

// watchFor notes which rows of other keys an instance looks at, or that it looks at none any more.
func (sh *shard) watchFor(rp *rulePlan, row *state.Row, in *instance, old []string) {
	me := watcher{rp.index, row.Hash(), row.Check()}
	each := func(keys []string, f func(watchKey)) {
		for i, k := range keys {
			if k != "" && i != rp.scope.dim.index {
				f(watchKey{rp.scope.dim.lane.dims[i].at, sh.engine.hash([]byte(k[1:]))})
			}
		}
	}
	each(old, func(k watchKey) {
		delete(sh.watch[k], me)
		if len(sh.watch[k]) == 0 {
			delete(sh.watch, k)
		}
	})
	if in.state == inactive {
		return
	}
	each(in.keys, func(k watchKey) {
		if sh.watch[k] == nil {
			sh.watch[k] = map[watcher]struct{}{}
		}
		sh.watch[k][me] = struct{}{}
	})
}

// watches reports whether instances in the dimension's rows look at rows of other keys.
func (d *dim) watches() bool {
	return slices.ContainsFunc(d.scopes, func(s *scope) bool {
		return slices.ContainsFunc(s.rules, func(rp *rulePlan) bool { return rp.foreign })
	})
}

// watchAgain notes, after a recovery, which rows of other keys the instances in a stored row look at.
func (sh *shard) watchAgain(d *dim, hash uint64, key, stored []byte) error {
	rows := state.NewRows(d.id, new(state.Memory), &oneRow{stored}, 1)
	row, _, err := rows.Get(hash, key)
	if err != nil || row.Note() == 0 {
		return err
	}
	for i := range row.Blocks() {
		rp := d.unit(row.Unit(i)).rule
		if rp == nil || !rp.foreign {
			continue
		}
		in, err := sh.load(rp, &row)
		if err != nil {
			return err
		}
		sh.watchFor(rp, &row, &in, nil)
	}
	return nil
}
