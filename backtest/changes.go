package backtest

import "encoding/json"

// Changes is what today's rules catch otherwise than those they are compared with.
//
// Two alerts of a rule for one key are the same if they have the same id, or if both were open at one time: then the other
// rule caught it too, sooner or later.
type Changes struct {
	Both        int64        `json:"both"`         // today's alerts that the other rules have too
	OnlyToday   int64        `json:"only_today"`   // alerts of today's rules alone
	OnlyAgainst int64        `json:"only_against"` // of the other rules alone
	Equal       int          `json:"equal"`        // rules that are equal in both
	Rules       []RuleChange `json:"rules"`        // the others, by name
}

// RuleChange is how the alerts of a rule differ.
type RuleChange struct {
	Rule        string       `json:"rule"`
	Kind        string       `json:"kind"` // changed, added or removed
	Both        int64        `json:"both"`
	OnlyToday   int64        `json:"only_today"`
	OnlyAgainst int64        `json:"only_against"`
	KeysBoth    int64        `json:"keys_both"`                  // keys that have alerts in both
	KeysToday   int64        `json:"keys_only_today"`            // keys that have alerts of today's rule alone
	KeysAgainst int64        `json:"keys_only_against"`          // of the other alone
	TopToday    []KeyCount   `json:"top_keys_today,omitempty"`   // keys with most of the alerts of today's rule alone
	TopAgainst  []KeyCount   `json:"top_keys_against,omitempty"` // of the other alone
	Samples     []Difference `json:"samples,omitempty"`          // some of the alerts of one alone, by time
}

// Difference is an alert of one of the rules alone, with what both said at the event that opened it.
type Difference struct {
	Only     string   `json:"only"` // today or against: whose alert it is
	Alert    string   `json:"alert"`
	Key      Key      `json:"key"`
	Opened   Time     `json:"opened"`
	Event    string   `json:"event,omitempty"`
	Position string   `json:"position"`
	Today    Judgment `json:"today"`
	Against  Judgment `json:"against"`
}

// Judgment is what a rule said, and why.
type Judgment struct {
	Held      bool            `json:"held"`
	Abstained string          `json:"abstained,omitempty"`
	Values    json.RawMessage `json:"values"`
	Condition json.RawMessage `json:"condition"` // the parts of ready and when, each with what became of it

	Lines []string `json:"-"` // both for people
}
