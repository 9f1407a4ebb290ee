package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
)

// The version of a plan is the text from which it can be made again: a YAML stream whose first document holds the
// settings and each further one a rule or a table in its canonical form. The store keeps it under the plan's
// fingerprint for as long as alerts or rows may ask what the rules were.

// settings are what, beside the rules, decides what they mean.
type settings struct {
	Event    event.Spec            `json:"event"`
	Time     TimeSpec              `json:"time"`
	Timezone string                `json:"timezone"`
	Strict   bool                  `json:"strict"`
	Types    map[string]rules.Type `json:"types,omitempty"`
}

const nextDocument = "---\n"

func (p *Plan) setVersion() {
	o := p.Set.Options
	s := settings{p.Schema.Spec.WithDefaults(), p.Time, o.Timezone, o.Strict, o.Types}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(s); err != nil {
		panic("BUG: settings that are no JSON: " + err.Error())
	}
	for _, t := range p.Set.Tables {
		b.WriteString(nextDocument + t.Text)
	}
	for _, r := range p.Set.Rules {
		b.WriteString(nextDocument + r.Text)
	}
	p.text = b.Bytes()
	h := sha256.Sum256(p.text)
	p.fingerprint = hex.EncodeToString(h[:16])
}

// Fingerprint identifies what the plan's rules and tables mean.
func (p *Plan) Fingerprint() string { return p.fingerprint }

// Version returns the text that the plan can be made from again; the store keeps it under the fingerprint.
func (p *Plan) Version() []byte { return p.text }

// loadPlan makes the plan again whose version is in the store, with the numbers that its rows have.
func loadPlan(s *state.Store, fingerprint string, r *registry) (*Plan, error) {
	text, err := s.Rules(fingerprint)
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, fmt.Errorf("engine: the state does not hold the text of the rules that it was made with (version %s)", fingerprint)
	}
	p, err := parsePlan(string(text), r)
	if err != nil {
		return nil, fmt.Errorf("engine: the rules that the state was made with (version %s): %w", fingerprint, err)
	}
	if p.fingerprint != fingerprint || !r.stored.holds(p.parts) {
		return nil, notLaidOut(fingerprint)
	}
	return p, nil
}

// parsePlan makes a plan from its version.
func parsePlan(text string, units Units) (*Plan, error) {
	v, err := parseVersion(text)
	if err != nil {
		return nil, err
	}
	return v.plan(units)
}
