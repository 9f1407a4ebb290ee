package engine

import (
	"encoding/json"
	"fmt"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

// moveInstance takes an instance over, if the key at hand has one.
func (m *migration) moveInstance(row *state.Row, r *ruleMove) error {
	old := &m.rows[r.from.scope.dim.at]
	if !old.Valid() || old.Block(r.from.unit) == nil {
		return nil
	}
	in, err := m.old.load(r.from, old)
	if err != nil {
		return err
	}
	if s := r.to.scope; !s.stateless() && row.Block(s.unit) == nil {
		m.newScope(row, s) // for its flags
	}
	in.fields = r.moveFields(in.fields)
	in.keys = r.moveKeys(in.keys, row)
	in.stored, in.tail = nil, false
	if !r.same && in.state != inactive {
		in.due = min(in.due, in.judged) // it is looked at as soon as time goes on, to see when it is due
	}
	m.new.save(r.to, row, &in)
	return nil
}

// moveFields returns the remembered fields in the order in which the new plan has them.
func (r *ruleMove) moveFields(old []event.Value) []event.Value {
	if len(old) == 0 {
		return nil
	}
	fields := make([]event.Value, len(r.fields))
	for i, k := range r.fields {
		if k >= 0 && k < len(old) {
			fields[i] = old[k]
		}
	}
	return fields
}

// moveKeys returns the remembered keys by the dimensions of the new lane.
func (r *ruleMove) moveKeys(old []string, row *state.Row) []string {
	if r.keys == nil {
		return nil
	}
	keys := make([]string, len(r.keys))
	for i, k := range r.keys {
		if k >= 0 && k < len(old) {
			keys[i] = old[k]
		}
	}
	keys[r.to.scope.dim.index] = "=" + string(row.Key())
	return keys
}

// ending is an alert that ends because its rule is not there any more, or has another key.
type ending struct {
	Rule     string       `json:"rule"`
	Severity string       `json:"severity"`
	Mode     string       `json:"mode"`
	Key      []string     `json:"key"`
	ID       string       `json:"id"`
	Opened   int64        `json:"opened"`
	At       int64        `json:"at"`
	EventID  string       `json:"event,omitempty"`
	Position string       `json:"position,omitempty"`
	Window   *window.Span `json:"window,omitempty"`
	Updates  int64        `json:"updates"`
}

// endInstance notes the end of an instance, if it is an alert.
func (m *migration) endInstance(rp *rulePlan, row *state.Row) error {
	if row.Block(rp.unit) == nil {
		return nil
	}
	in, err := m.old.load(rp, row)
	if err != nil {
		return err
	}
	if in.state == firing {
		j := judgement{rule: rp, rows: make([]state.Row, len(rp.scope.dim.lane.dims))}
		j.rows[rp.scope.dim.index] = *row
		c := m.old.change(&j, &in, Resolved, max(in.judged, m.check.Watermark), alert.Removed)
		m.ended = append(m.ended, ending{Rule: rp.Name, Severity: rp.Severity, Mode: rp.Mode, Key: c.Key, ID: c.ID, Opened: c.Opened,
			At: c.At, EventID: c.EventID, Position: c.Position, Window: c.Window, Updates: c.Updates})
	}
	return nil
}

// The notes of alerts that have ended with a rewriting: each holds those of one chunk.
const endedNote = "ended/"

func endedName(i int) string { return fmt.Sprint(endedNote, i) }

// putEnded keeps what has ended in the chunk until it has been told.
func (m *migration) putEnded() error {
	if len(m.ended) == 0 {
		return nil
	}
	v, err := json.Marshal(m.ended)
	if err != nil {
		return err
	}
	m.registry.Dropped++
	m.batch.SetNote(endedName(m.registry.Dropped), v)
	m.registry.put(m.batch)
	m.ended = m.ended[:0]
	return nil
}

// dropped is what has ended with a rewriting of the rows.
type dropped struct {
	changes []Change
	told    bool
}

// Dropped returns the alerts that ended when the rules changed, because their rule is not there any more or has another
// key: each has resolved with alert.Removed. They are remembered until a commit that was flushed after this call, so the
// caller puts them into its next one.
func (e *Engine) Dropped() []Change {
	e.dropped.told = true
	return e.dropped.changes
}

// loadDropped reads what has ended and has not been told.
func (e *Engine) loadDropped() error {
	for i := range e.registry.Dropped {
		b, err := e.store.Note(endedName(i + 1))
		if err != nil {
			return err
		}
		var all []ending
		if err := json.Unmarshal(b, &all); err != nil {
			return fmt.Errorf("engine: alerts that ended with their rules: %w", err)
		}
		for _, x := range all {
			e.dropped.changes = append(e.dropped.changes, Change{
				Kind: Resolved, Rule: &rules.Rule{Name: x.Rule, Severity: x.Severity, Mode: x.Mode}, Key: x.Key, ID: x.ID,
				Opened: x.Opened, At: x.At, EventID: x.EventID, Position: x.Position, Window: x.Window, Updates: x.Updates,
				Reason: alert.Removed,
			})
		}
	}
	return nil
}

// forgetDropped deletes the notes of what has been told; it reports whether there are any.
func (e *Engine) forgetDropped(b *state.Batch) bool {
	if !e.dropped.told || e.registry == nil || e.registry.Dropped == 0 {
		return false
	}
	for i := range e.registry.Dropped {
		b.DeleteNote(endedName(i + 1))
	}
	e.registry.Dropped, e.dropped.changes = 0, nil
	return true
}
