package backtest

import (
	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// Spec says what is run.
type Spec struct {
	Event    event.Spec
	Time     engine.TimeSpec
	Variants []Variant // at least one; the first is the one that others are compared with
	From, To int64     // event times that count, ms: From <= t < To; 0: no bound
	Warmup   int64     // how much of the history before From only fills windows, ms; or AutoWarmup, AllWarmup
	Drain    bool      // windows that are open at the end are judged as if the stream had ended
	Shards   int       // default 1; changes no result
	Sinks    []Sink    // told of what happens, in this order

	// Progress, if set, is told now and then how far the run is, by the goroutine that runs.
	Progress func(Progress)
}

// Role is what a variant is in a run.
type Role string

// The roles.
const (
	Today   Role = "rules"   // the rules that the backtest is about
	Against Role = "against" // rules that they are compared with
	Point   Role = "point"   // the rules with other values of the params that are swept
)

// Variant is one set of rules of a run.
type Variant struct {
	Name   string // unique in the run: "rules", "against", "order-burst.limit=7"
	Role   Role
	Params []Setting  // of a point: what is set
	Set    *rules.Set // sets of one run number fields alike: see rules.Options.Like
}

// Setting is a value of a rule's param.
type Setting struct {
	Rule  string      `json:"rule"`
	Param string      `json:"param"`
	Text  string      `json:"text"` // as it would be written in YAML
	Value event.Value `json:"-"`
}

// Progress says how far a run is.
type Progress struct {
	Done, Total int64 // bytes of the history, as it is stored; Total is 0 if it is not known
	Events      int64 // records that have been read
	Time        int64 // the newest event time, ms; state.NoTime before the first event
	Alerts      int64 // opened so far, in all variants
}
