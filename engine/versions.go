package engine

import (
	"encoding/json"
	"fmt"
	"slices"

	"kelpie/rules"
	"kelpie/source"
	"kelpie/state"
)

// Armed says that a version of the rules ran from an offset of the log on. Members may be added to its JSON form.
type Armed struct {
	Offset  int64  `json:"offset"`           // of the entry RulesLoaded
	Version string `json:"rules"`            // Plan.Fingerprint
	At      int64  `json:"at"`               // append time of the entry, ms
	Newest  int64  `json:"newest,omitempty"` // newest event time then, ms; 0: there was none
}

// armedNote begins the names of the notes that say which rules ran from when on; the offset in the log follows.
const armedNote = "armed/"

// ArmedRules returns which rules ran from when on, oldest first, as a store remembers it.
func ArmedRules(s *state.Store) (all []Armed, err error) {
	notes, err := s.Notes(armedNote)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		var a Armed
		if err := json.Unmarshal(n.Value, &a); err != nil {
			return nil, fmt.Errorf("engine: the note %s: %w", n.Name, err)
		}
		all = append(all, a)
	}
	return all, nil
}

// StoredRules returns the rules of a version that a store keeps; nil if it does not keep it.
func StoredRules(s *state.Store, version string) (*rules.Set, error) {
	v, err := storedVersion(s, version)
	if v == nil {
		return nil, err
	}
	return v.set, err
}

// ReadUpTo returns the offset in the log below which everything has been read into a state with the checkpoint.
func ReadUpTo(c *state.Checkpoint) (at int64) {
	for _, p := range c.Partitions {
		if p.Stream == source.LogStream {
			at = max(at, p.Read)
		}
	}
	return at
}

// RuleFingerprint identifies a rule or a table by its canonical text, whatever stands beside it.
func RuleFingerprint(text string) string { return textFingerprint(text) }

func storedVersion(s *state.Store, name string) (*version, error) {
	text, err := s.Rules(name)
	if err != nil || text == nil {
		return nil, err
	}
	v, err := parseVersion(string(text))
	if err != nil {
		return nil, fmt.Errorf("engine: version %s of the rules: %w", name, err)
	}
	v.name = name
	return v, nil
}

// arm notes that the rules run from an offset of the log on.
func (l *loop) arm(offset, at int64) {
	a := Armed{Offset: offset, Version: l.noted.Rules, At: at}
	if l.engine.newest != none {
		a.Newest = l.engine.newest
	}
	l.armed = append(l.armed, a)
}

// putArmed adds to a batch which rules were loaded since the last one.
func (l *loop) putArmed(b *state.Batch) error {
	for _, a := range l.armed {
		v, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("engine: a note of the rules: %w", err)
		}
		b.SetNote(fmt.Sprintf("%s%016x", armedNote, a.Offset), v)
	}
	l.armed = l.armed[:0]
	return nil
}

// seenAt returns, from a store that has seen the beginning of a log, the version that ran at an offset, and how the log was
// divided when it was looked at last.
func seenAt(s *state.Store, offset int64) (*version, layout, error) {
	all, err := ArmedRules(s)
	if err != nil {
		return nil, layout{}, err
	}
	i := slices.IndexFunc(all, func(a Armed) bool { return a.Offset > offset })
	if i < 0 {
		i = len(all)
	}
	var n notes
	if err := n.load(s); err != nil || i == 0 {
		return nil, n.layout, err
	}
	v, err := storedVersion(s, all[i-1].Version)
	return v, n.layout, err
}
