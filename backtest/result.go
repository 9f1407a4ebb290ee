package backtest

import (
	"time"

	"kelpie/backtest/score"
	"kelpie/event"
	"kelpie/state"
)

// ResultVersion is the version of the schema of a Result in JSON. It is raised when a member changes its meaning or goes;
// members may be added at any time.
const ResultVersion = 1

// Result is what a backtest says. Its JSON form is documented in docs/backtest.md.
//
// Lists are in a fixed order, so that the same run gives the same bytes: variants as they were given, rules by name, days
// by date, keys by alerts and then by key.
type Result struct {
	Version   int             `json:"version"`           // ResultVersion
	Partial   string          `json:"partial,omitempty"` // why not all of the history was read; "" if it was
	History   HistoryResult   `json:"history"`
	Labels    *LabelResult    `json:"labels,omitempty"`    // what was known of the history, if anything
	Variants  []VariantResult `json:"variants"`            // parallel to Spec.Variants
	Choice    *Choice         `json:"choice,omitempty"`    // with a sweep: the best point and the knee
	Verdicts  []Verdict       `json:"verdicts,omitempty"`  // what the conditions of --fail-if came to
	Explained *Explained      `json:"explained,omitempty"` // the evaluations of --explain
	Changes   *Changes        `json:"changes,omitempty"`   // with rules to compare with: what differs
}

// HistoryResult is what was read.
type HistoryResult struct {
	Names   []string         `json:"names"`             // files, topics or the log
	Bytes   int64            `json:"bytes"`             // as it is stored
	Records int64            `json:"records"`           // lines or records that were read
	Events  int64            `json:"events"`            // of them folded, warm-up included
	Warmup  int64            `json:"warmup"`            // of the events those before the time that counts, which only fill windows
	Outside int64            `json:"outside"`           // events that were left out for their time
	Refused map[string]int64 `json:"refused,omitempty"` // of them no events, by reason
	First   Time             `json:"first"`             // the oldest event time that counts; null if there are no events
	Last    Time             `json:"last"`              // the newest event time
	Days    float64          `json:"days"`              // between these two: what "per day" means; at least one day
	Order   OrderResult      `json:"order"`
}

// OrderResult is how far the history is out of order. With `order: time` a result is that of the events in order of time
// only if TooFar is 0.
type OrderResult struct {
	ByTime  bool  `json:"by_time"`     // order: time
	Allowed int64 `json:"disorder_ms"` // the disorder that was allowed
	Needed  int64 `json:"needed_ms"`   // the disorder that would have been enough for all events
	TooFar  int64 `json:"too_far"`     // events that were further out of order than allowed
}

// VariantResult is what one variant of the rules came to.
type VariantResult struct {
	Name     string       `json:"name"`
	Role     Role         `json:"role"` // rules, against or point
	Params   []Setting    `json:"params,omitempty"`
	Total    Figures      `json:"total"`              // of all its rules; keys are counted once for each rule
	Overlaps []Overlap    `json:"overlaps,omitempty"` // rules whose alerts meet, by name
	Rules    []RuleResult `json:"rules"`              // by name; of a point those that it sets a param of: the others are the first variant's
}

// RuleResult is what one rule came to.
type RuleResult struct {
	Rule        string   `json:"rule"`
	Description string   `json:"description,omitempty"`
	Severity    string   `json:"severity"`
	Mode        string   `json:"mode"` // shadow, alert or enforce
	Decide      string   `json:"decide,omitempty"`
	By          []string `json:"by"` // the fields of its key
	Figures
	Ranking *score.RankingFigures `json:"ranking,omitempty"`  // with labels and a score of this rule: how well it ranks
	Alone   int64                 `json:"alone"`              // alerts that met none of another rule of the variant: see Overlap
	History string                `json:"history,omitempty"`  // how far back its windows reach: 7d; "" if it has none
	Full    Time                  `json:"full"`               // from when on all its windows were full; null before the first event
	Never   *Never                `json:"never,omitempty"`    // why it has no alert
	TopKeys []KeyCount            `json:"top_keys,omitempty"` // those with most alerts
	Samples []AlertResult         `json:"samples,omitempty"`  // some of the alerts, by time of opening
}

// Figures are counts. Alerts and evaluations are those that count: warm-up is left out.
type Figures struct {
	Evaluations int64       `json:"evaluations"` // judgements, those that abstained included
	Abstained   Abstentions `json:"abstained"`
	Alerts      int64       `json:"alerts"`         // opened
	Open        int64       `json:"open"`           // of them open at the end
	Warming     int64       `json:"warming"`        // of them opened before all windows of the rule were full
	Keys        int64       `json:"keys"`           // different keys that had an alert
	PerDay      float64     `json:"alerts_per_day"` // Alerts / HistoryResult.Days
	First       Time        `json:"first"`          // opening of the first alert; null if there is none
	Last        Time        `json:"last"`           // of the last one
	WorstDay    *Busy       `json:"worst_day,omitempty"`
	WorstHour   *Busy       `json:"worst_hour,omitempty"`
	Days        []DayCount  `json:"days,omitempty"` // days (UTC) that had alerts

	Truth *score.Figures `json:"truth,omitempty"` // with labels: how what was caught meets them; a total leaves shadow rules out
}

// Abstentions are judgements that said neither yes nor no, by reason.
type Abstentions struct {
	Missing  int64            `json:"missing"`         // a name that the condition needs was missing
	Names    map[string]int64 `json:"names,omitempty"` // these, by name
	NotReady int64            `json:"not_ready"`       // `ready` was false
	Errors   int64            `json:"errors"`          // the evaluation failed
}

// Busy is the stretch of time in which most alerts opened, the earliest of several.
type Busy struct {
	Start  Time  `json:"start"`
	Alerts int64 `json:"alerts"`
}

// DayCount is how many alerts opened on a day.
type DayCount struct {
	Day    string `json:"day"` // 2006-01-02, UTC
	Alerts int64  `json:"alerts"`
}

// KeyCount is how many alerts a key had.
type KeyCount struct {
	Key    Key   `json:"key"`
	Alerts int64 `json:"alerts"`
}

// AlertResult is one alert.
type AlertResult struct {
	ID       string         `json:"id"` // as it is live
	Key      Key            `json:"key"`
	Opened   Time           `json:"opened"`
	Resolved Time           `json:"resolved"`         // null: it was open at the end
	Reason   string         `json:"reason,omitempty"` // why it resolved
	EventID  string         `json:"event,omitempty"`  // the id of the event that opened it
	Position string         `json:"position,omitempty"`
	Window   *SpanResult    `json:"window,omitempty"` // the window that opened it
	Message  string         `json:"message"`
	Values   map[string]any `json:"values"`            // the facts, by name
	Warming  []string       `json:"warming,omitempty"` // facts whose windows could not be full yet
}

// SpanResult is a window: Start <= t < End.
type SpanResult struct {
	Start Time `json:"start"`
	End   Time `json:"end"`
}

// Time is an event time in ms. In JSON it is RFC 3339 in UTC with milliseconds, or null for state.NoTime.
type Time int64

// NoTime stands for what has not happened.
const NoTime Time = state.NoTime

// String is the time as in JSON, "" for NoTime.
func (t Time) String() string {
	if t == NoTime {
		return ""
	}
	return event.FormatTime(int64(t))
}

// MarshalJSON writes the time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == NoTime {
		return []byte("null"), nil
	}
	b := append(make([]byte, 0, 32), '"')
	return append(event.AppendTime(b, int64(t)), '"'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Time) UnmarshalJSON(b []byte) error {
	*t = NoTime
	if string(b) == "null" {
		return nil
	}
	x, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(b))
	if err == nil {
		*t = Time(x.UnixMilli())
	}
	return err
}
