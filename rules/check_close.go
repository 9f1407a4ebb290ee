package rules

import (
	"slices"

	"kelpie/event"
)

// checkCloseTables refuses tables by another key than the rule's: on a close the key is all there is to find a row by.
func (rr *ruleReader) checkCloseTables() {
	for _, ref := range rr.r.TableRefs {
		t := rr.set.Tables[ref.Table]
		if !slices.EqualFunc(t.Key, rr.r.By, slices.Equal[event.Path]) {
			rr.fail(rr.name, "write by: "+pathsText(t.Key)+", or on: event",
				"%s reads %s when its windows close, when there is no event: so it must be by the table's key, %s", rr.r.Name, ref.Name, pathsText(t.Key))
		}
	}
}

// checkCloseEvent refuses what is always missing on a close, because there is no event. A rule that is judged on closes
// only cannot read the event in its expressions at all, which their compiler says; what is left is its alert. One that
// is judged both ways may, where something else stands in for it: amount ?? 0.
func (rr *ruleReader) checkCloseEvent() {
	r := rr.r
	if !r.OnEvent {
		rr.checkCloseAlert()
		return
	}
	check := func(s span, x *Expr) {
		if n := r.neededOfEvent(x); n != nil {
			rr.failIn(span{s.text[n.from:n.to], s.node, s.off + n.from}, "give what stands in for it ("+n.name+" ?? 0), filter with where:, or judge on: event only",
				"%s is of an event, and when a window closes there is none: the rule would never be judged then", n.name)
		}
	}
	for _, c := range []struct {
		key string
		x   *Expr
	}{{"ready", r.Ready}, {"when", r.When}, {"resolve", r.Resolve}} {
		if c.x != nil {
			check(whole(rr.keys[c.key]), c.x)
		}
	}
	for i, reached := range r.reached(r.Ready, r.When, r.Resolve) {
		if x := r.Facts[i].Expr; reached && x != nil {
			check(rr.written[i].expr, x)
		}
	}
}

// checkCloseAlert refuses an alert that shows fields which are never there: all but those of the key.
func (rr *ruleReader) checkCloseAlert() {
	if rr.r.Alert == nil {
		return
	}
	for _, slot := range rr.r.Alert.Fields {
		p := rr.set.Paths[slot]
		if !slices.ContainsFunc(rr.r.By, func(by event.Path) bool { return slices.Equal(by, p) }) {
			rr.fail(rr.keys["alert"], "use a fact, such as last("+p.String()+") each 1m", "the alert shows %s, a field of the event, and when a window closes there is none", p)
		}
	}
}

// neededOfEvent finds a part of an expression that only an event can give and that nothing stands in for; nil if there
// is none.
func (r *Rule) neededOfEvent(x *Expr) *node {
	var find func(n *node) *node
	find = func(n *node) *node {
		switch n.op {
		case opField, opTime, opType, opPrev:
			return n
		case opFact:
			if f := r.Facts[n.slot]; f.Expr == nil && (needsEvent[f.Agg] || f.By != nil) {
				return n
			}
		case opPresent, opAbsent:
			return nil
		case opCoalesce:
			return find(n.args[len(n.args)-1])
		}
		for _, a := range n.args {
			if found := find(a); found != nil {
				return found
			}
		}
		return nil
	}
	return find(x.root)
}
