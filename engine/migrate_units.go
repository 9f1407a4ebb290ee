package engine

import (
	"encoding/json"
	"errors"
	"fmt"

	"kelpie/state"
)

// Units gives every part of a row a number that stays the same as long as the part means the same and is laid out the
// same, whatever else is loaded. 0 says that there are no more numbers.
type Units interface {
	// Unit returns the number of the part with the fingerprint.
	Unit(fingerprint string) uint16
	// Dim returns the number of a key dimension.
	Dim(fingerprint string) uint16
}

// NewUnits returns Units that count from 1 and remember nothing: for a state that starts empty and is not stored.
func NewUnits() Units { return newParts() }

// parts are the numbers of the units and of the key dimensions, by fingerprint.
type parts struct {
	Units *numbers `json:"units"`
	Dims  *numbers `json:"dims"`
}

func newParts() parts { return parts{newNumbers(), newNumbers()} }

func (p parts) Unit(fingerprint string) uint16 { return p.Units.of(fingerprint) }
func (p parts) Dim(fingerprint string) uint16  { return p.Dims.of(fingerprint) }

// add takes in what others number.
func (p parts) add(q parts) {
	p.Units.add(q.Units)
	p.Dims.add(q.Dims)
}

func (p parts) clone() parts {
	c := newParts()
	c.add(p)
	return c
}

// holds reports whether all parts of q have numbers.
func (p parts) holds(q parts) bool { return p.Units.holds(q.Units) && p.Dims.holds(q.Dims) }

// numbers gives names numbers from 1 on, each the smallest that is free. In JSON they are an object.
type numbers struct {
	byName map[string]uint16
	used   map[uint16]bool
}

func newNumbers() *numbers { return &numbers{map[string]uint16{}, map[uint16]bool{}} }

// of returns the number of a name, 0 if there are no more.
func (n *numbers) of(name string) uint16 {
	k, ok := n.byName[name]
	if ok || len(n.byName) == 1<<16-1 {
		return k
	}
	k = uint16(len(n.byName) + 1)
	for k == 0 || n.used[k] {
		k++ // from the last one on to 0
	}
	n.set(name, k)
	return k
}

func (n *numbers) set(name string, k uint16) {
	n.byName[name] = k
	n.used[k] = true
}

func (n *numbers) add(o *numbers) {
	for name, k := range o.byName {
		n.set(name, k)
	}
}

func (n *numbers) holds(o *numbers) bool {
	for name := range o.byName {
		if _, ok := n.byName[name]; !ok {
			return false
		}
	}
	return true
}

// MarshalJSON writes the names with their numbers.
func (n *numbers) MarshalJSON() ([]byte, error) { return json.Marshal(n.byName) }

// UnmarshalJSON reads them.
func (n *numbers) UnmarshalJSON(b []byte) error {
	var m map[string]uint16
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*n = *newNumbers()
	for name, k := range m {
		n.set(name, k)
	}
	return nil
}

// unit returns the number of a part, and notes that the plan has it.
func (b *planner) unit(fingerprint string) uint16 {
	n := b.units.Unit(fingerprint)
	b.enough(n)
	b.parts.Units.set(fingerprint, n)
	return n
}

// dimNumber returns the number of a key dimension, and notes that the plan has it.
func (b *planner) dimNumber(fingerprint string) uint16 {
	n := b.units.Dim(fingerprint)
	b.enough(n)
	b.parts.Dims.set(fingerprint, n)
	return n
}

func (b *planner) enough(n uint16) {
	if n == 0 && b.err == nil {
		b.err = errors.New("engine: the rules have more than 65,535 different parts of rows")
	}
}

// layoutVersion is changed whenever a row of the same plan has other bytes than before.
const layoutVersion = 3

// registry is what a store remembers of its rows: the numbers of their parts, and since when facts have been kept.
type registry struct {
	Layout int `json:"layout"`
	parts
	// Since is, of facts that were added to a state (by identity), the first event time that counts for them.
	Since map[string]int64 `json:"since,omitempty"`
	// Rewrites counts the times that rows were rewritten; Into is the fingerprint of the plan for which they are being
	// rewritten, "" if they are not.
	Rewrites uint32 `json:"rewrites"`
	Into     string `json:"into,omitempty"`
	// Filling says, while rows are rewritten, which windows are filled from the log with it.
	Filling *fillSpec `json:"filling,omitempty"`
	// Dropped is how many notes hold alerts that ended with a rewrite and have not been told of.
	Dropped int `json:"dropped,omitempty"`

	stored parts // as they are in the store
}

const unitsNote = "units"

// LoadUnits returns the numbers that a store has given to the parts of its rows.
func LoadUnits(s *state.Store) (Units, error) { return loadRegistry(s) }

func loadRegistry(s *state.Store) (*registry, error) {
	r := &registry{Layout: layoutVersion, parts: newParts(), Since: map[string]int64{}}
	b, err := s.Note(unitsNote)
	if err != nil {
		return nil, err
	}
	if b != nil {
		if err := json.Unmarshal(b, r); err != nil {
			return nil, fmt.Errorf("engine: the numbers of the rows' parts: %w", err)
		}
		if r.Layout != layoutVersion {
			return nil, fmt.Errorf("engine: the rows are laid out as version %d has them, and this Kelpie has version %d: "+
				"use the Kelpie that wrote them, or delete the state, which is then made anew from the log", r.Layout, layoutVersion)
		}
	}
	r.stored = r.parts.clone()
	return r, nil
}

// put adds the registry to a batch.
func (r *registry) put(b *state.Batch) {
	v, err := json.Marshal(r)
	if err != nil {
		panic("BUG: numbers that are no JSON: " + err.Error())
	}
	b.SetNote(unitsNote, v)
}
