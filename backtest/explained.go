package backtest

import "encoding/json"

// Explained is every evaluation of rules for a key, or on an event, in order of time.
type Explained struct {
	Of          string       `json:"of"` // the key, the id of the event, or its position
	Evaluations []Evaluation `json:"evaluations"`
	More        int64        `json:"more,omitempty"` // evaluations that are not listed: those after the first of each rule and key
}

// Evaluation is one evaluation of a rule.
type Evaluation struct {
	Rule      string          `json:"rule"`
	Key       Key             `json:"key"`
	Time      Time            `json:"time"` // as of which it was judged
	Event     string          `json:"event,omitempty"`
	Position  string          `json:"position,omitempty"` // of the event; absent on a close
	Window    *SpanResult     `json:"window,omitempty"`   // of a close or a session
	Warmup    bool            `json:"warmup,omitempty"`   // it is before the time that counts
	Held      bool            `json:"held"`
	Abstained string          `json:"abstained,omitempty"` // why it said neither yes nor no
	Alert     string          `json:"alert,omitempty"`     // the id of the alert that opened here
	Values    json.RawMessage `json:"values"`              // the facts, by name; null: missing
	Condition json.RawMessage `json:"condition,omitempty"` // the parts of ready and when, each with what became of it

	Lines []string `json:"-"` // the condition for people
}
