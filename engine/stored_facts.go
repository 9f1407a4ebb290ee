package engine

import (
	"fmt"
	"math"

	"kelpie/event"
	"kelpie/state"
)

// FactsNow are the facts of a rule for a key, as of the newest event time that has been committed.
type FactsNow struct {
	Rule    string
	Key     []string
	AsOf    int64        // ms
	Known   bool         // something is kept for the key
	Values  []NamedValue // in the rule's order; a fact that depends on an event of the moment has none
	Approx  []string     // facts that come from a sketch
	Inexact []string     // facts that hold float64 sums
	Warming []string     // facts whose windows could not be full yet
}

// FactsNow computes a rule's facts for a key from what was committed last, on rows of its own: the fold is not disturbed,
// and nothing is changed. Windows are as of the newest event time: of a window that is open, what is in it so far; of those
// that overlap, what is in the one that closes next.
func (p *Plan) FactsNow(s *state.Store, rule string, key []string) (f FactsNow, err error) {
	return p.factsOf(s, rule, key, func(*Engine) {})
}

// factsOf is FactsNow by an engine that tune has changed.
func (p *Plan) factsOf(s *state.Store, rule string, key []string, tune func(*Engine)) (f FactsNow, err error) {
	var rp *rulePlan
	for _, x := range p.rules {
		if x.Name == rule {
			rp = x
		}
	}
	if rp == nil || len(key) != len(rp.By) {
		return f, fmt.Errorf("engine: facts: there is no rule %s with a key of %d parts", rule, len(key))
	}
	c, ok, err := s.Checkpoint()
	if err != nil || !ok {
		return f, err
	}
	sh, err := p.reader(s, c)
	if err != nil {
		return f, err
	}
	tune(sh.engine)
	text := joinKey(key)
	row, known, err := sh.rows[rp.scope.dim.at].Get(sh.engine.hash(text), text)
	if err != nil {
		return f, err
	}
	f = FactsNow{Rule: rule, Key: key, AsOf: max(c.Newest, c.Watermark), Known: known}
	if !known {
		return f, nil
	}
	sh.factsNow(rp, &row, &f)
	return f, sh.err
}

// reader returns a shard of its own over what is committed, that folds nothing.
func (p *Plan) reader(s *state.Store, c state.Checkpoint) (*shard, error) {
	e := New(p, Options{Shards: 1, Seed: s.Seed()})
	e.store = s
	if err := e.restore(c); err != nil {
		return nil, err
	}
	r, err := loadRegistry(s)
	if err != nil {
		return nil, err
	}
	e.warmth.read(p, r.Since)
	sh := e.shards[0]
	for i, d := range p.dims {
		sh.rows[i] = state.NewRows(d.id, &sh.mem, s, manyRows)
	}
	sh.now, sh.was = e.w, e.w
	return sh, nil
}

// factsNow evaluates all facts of a rule as an event of the moment would see them, without one.
func (sh *shard) factsNow(rp *rulePlan, row *state.Row, f *FactsNow) {
	if s := rp.scope; len(s.views) > 0 {
		if b := row.Block(s.unit); b != nil {
			sh.moveTo(s, row, b, f.AsOf)
		}
	}
	j := &sh.judged
	*j = judgement{rule: rp, mode: onEvent, now: true, asOf: f.AsOf, w: sh.engine.w, t: f.AsOf, seq: math.MaxUint64, rows: sh.onlyRow(rp, row)}
	sh.prepare(rp)
	sh.noEvent()
	sh.evalFacts(j, true)
	f.Warming = sh.warming(j)
	for i, x := range rp.Facts {
		v := sh.env.Facts[i]
		if x.Agg == "previous" || v.Kind == event.Missing {
			continue
		}
		f.Values = append(f.Values, NamedValue{Name: x.Name, Value: v})
		if j.approx&(1<<i) != 0 {
			f.Approx = append(f.Approx, x.Name)
		}
		if j.inexact&(1<<i) != 0 {
			f.Inexact = append(f.Inexact, x.Name)
		}
	}
}

// AppendJSON appends the facts as JSON.
func (f *FactsNow) AppendJSON(b []byte) []byte {
	b = event.AppendJSON(append(b, `{"rule":`...), event.StringValue(f.Rule))
	b = AppendKeyJSON(append(b, `,"key":`...), f.Key)
	b = append(event.AppendTime(append(b, `,"as_of":"`...), f.AsOf), '"')
	b = appendValues(append(b, `,"values":`...), f.Values)
	for _, l := range []struct {
		name string
		list []string
	}{{"approx", f.Approx}, {"inexact", f.Inexact}, {"warming", f.Warming}} {
		if len(l.list) == 0 {
			continue
		}
		b = append(append(append(b, `,"`...), l.name...), `":[`...)
		for i, s := range l.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = event.AppendJSON(b, event.StringValue(s))
		}
		b = append(b, ']')
	}
	return append(b, '}')
}
