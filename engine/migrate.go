package engine

import (
	"errors"

	"kelpie/state"
)

type dropped struct{}

// adopt makes the rows of a store those of the plan.
func (p *Plan) adopt(units Units, s *state.Store, progress func(int64)) (*registry, error) {
	r, ok := units.(*registry)
	if !ok {
		return nil, errors.New("engine: recover: the plan was not made with the units of the store")
	}
	return r, nil
}

// takeUp goes on with what the store remembers beside its checkpoint.
func (e *Engine) takeUp(r *registry) error {
	e.warmth.read(e.plan, r.Since)
	text, err := e.store.Rules(e.plan.fingerprint)
	if err != nil {
		return err
	}
	if text == nil || !r.stored.holds(e.plan.parts) {
		e.memory = r
	}
	return nil
}

// putNotes adds to a batch what the store is to know from then on.
func (e *Engine) putNotes(b *state.Batch) {
	if e.memory == nil {
		return
	}
	e.memory.put(b)
	b.SetRules(e.plan.fingerprint, e.plan.text)
	e.memory = nil
}
