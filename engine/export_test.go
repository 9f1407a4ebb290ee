package engine

import "kelpie/state"

// SetBig sets from how many entries on windows have companions, and how many bytes those of each shard may take; 0 bytes
// turn them off.
func (e *Engine) SetBig(from int, limit int64) {
	for _, sh := range e.shards {
		sh.big.from, sh.big.limit = from, limit
	}
}

// SetStride sets how many bytes of events a stride has, and up to how many events one goroutine folds alone.
func (e *Engine) SetStride(size, few int) { e.strideSize, e.few = size, few }

// SetLimit sets up to how many values facts with a limit are exact, and that folding is considered at one of 2^bits.
func (e *Engine) SetLimit(values, bits int) {
	for _, sh := range e.shards {
		sh.big.values, sh.big.foldBits = values, bits
	}
}

// RowBytes returns how large the rows are.
func (e *Engine) RowBytes() (n int64) {
	for _, sh := range e.shards {
		n += sh.mem.Bytes()
	}
	return n
}

// Bigs returns how many logs have companions.
func (e *Engine) Bigs() (n int) {
	for _, sh := range e.shards {
		n += len(sh.big.logs)
	}
	return n
}

// DecisionEvent writes the DecisionMade that follows an event.
var DecisionEvent = decisionEvent

// SetGrain makes the panes of facts with a limit that have none of their own a millisecond long, so that what comes from
// them does not depend on what has been folded.
func (e *Engine) SetGrain() {
	for _, f := range e.plan.facts {
		f.grain = 1
	}
}

// Folded returns how many panes there are in all rows in memory.
func (e *Engine) Folded() (n int) {
	for _, s := range e.plan.allScopes() {
		for _, sh := range e.shards {
			sh.rows[s.dim.at].All(func(row state.Row) bool {
				for _, f := range s.limited {
					n += f.panes(&row).n()
				}
				return true
			})
		}
	}
	return n
}

// HoldsPanes reports whether a block of a row holds what has been folded into sketches.
func (p *Plan) HoldsPanes(dim, unit uint16) bool {
	for _, d := range p.dims {
		for _, s := range d.scopes {
			for _, f := range s.limited {
				if d.id == dim && f.sketch == unit {
					return true
				}
			}
		}
	}
	return false
}

// FactsOf is Plan.FactsNow by an engine that tune has changed.
func FactsOf(p *Plan, s *state.Store, rule string, key []string, tune func(*Engine)) (FactsNow, error) {
	return p.factsOf(s, rule, key, tune)
}
