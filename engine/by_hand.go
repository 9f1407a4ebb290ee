package engine

import (
	"slices"

	"kelpie/alert"
	"kelpie/state"
)

// ResolveByHand ends the instance of a rule whose alert has an id, as of the newest event time: should the rule still
// hold for the key, its next judgement opens an alert of its own. found is false if no such alert is open.
func (e *Engine) ResolveByHand(rule string, key []string, id string) (fx *Effects, found bool, err error) {
	fx = &Effects{}
	i := slices.IndexFunc(e.plan.rules, func(rp *rulePlan) bool { return rp.Name == rule })
	if i < 0 || len(e.plan.rules[i].By) != len(key) {
		return fx, false, nil
	}
	rp := e.plan.rules[i]
	d := rp.scope.dim
	text := joinKey(key)
	hash := e.hash(text)
	e.begin()
	for _, sh := range e.shards {
		sh.out.reset()
	}
	sh := e.shards[e.shardOf(d.lane, hash)]
	row, ok, err := sh.rows[d.at].Get(hash, text)
	if err != nil || !ok {
		return fx, false, err
	}
	found, err = sh.resolveByHand(rp, &row, id, max(e.w, e.newest))
	e.gather(fx)
	return fx, found, err
}

func (sh *shard) resolveByHand(rp *rulePlan, row *state.Row, id string, t int64) (found bool, err error) {
	in, err := sh.load(rp, row)
	if err != nil || in.state != firing {
		return false, err
	}
	j := &sh.judged
	*j = judgement{rule: rp, mode: onLeave, asOf: t, w: t, rows: sh.onlyRow(rp, row)}
	sh.out.at(0, phaseDue)
	sh.now, sh.dueKey = max(sh.now, sh.engine.w), t
	if c := sh.change(j, &in, Resolved, t, alert.ByHand); c.ID != id {
		return false, nil
	}
	sh.end(j, row, &in, max(t, in.judged), alert.ByHand)
	sh.touch(rp.scope.dim, row)
	return true, nil
}
