package rules

import "kelpie/event"

// Fact is one entry of `let`: either an expression (Expr != nil) or an aggregate over a window.
type Fact struct {
	Name string
	Expr *Expr // an expression over event fields, tables and earlier facts

	Agg      string       // count sum avg min max stddev distinct ratio p50..p99 (also "p1".."p99.9") first last previous gap rate unseen; "mean" is stored as avg, "median" as p50
	Quantile float64      // for p..: 0.5 for p50/median
	Arg      *Expr        // nil for previous, gap, rate and a bare count
	Of       []string     // `of TYPE`: these types in place of the rule's (and the rule's where does not apply), sorted; nil otherwise
	Where    *Expr        // the fact's own filter, nil if none
	By       []event.Path // another key; nil: the rule's
	BySlots  []int
	Window   Window

	Series   string  // "" or the function over past buckets: avg p.. min max sum stddev count ratio_to_mean ratio_to_median zscore robust_zscore ewma
	SeriesQ  float64 // quantile when Series is p..
	Seasonal bool    // at same hour-of-week

	Type  Type     // of its value
	Shows []string // the event fields that can be seen in its value, as rules write them, sorted
	Text  string   // canonical text with the params it reads; equal facts have equal Text
	At    Place
}

// WindowKind is the kind of a fact's window.
type WindowKind uint8

// The kinds of windows.
const (
	Sliding  WindowKind = iota // over d (before s)
	Tumbling                   // each d
	Hopping                    // over D each B
	Session                    // over session g (max m)
	Buckets                    // of a series: each B, over D (before s)
)

// Window is a fact's window; milliseconds.
type Window struct {
	Kind   WindowKind
	Over   int64 // Sliding, Hopping, Buckets: the length D
	Each   int64 // Tumbling, Hopping, Buckets: B
	Gap    int64 // Session
	Max    int64 // Session: 0 means none
	Before int64 // Sliding, Buckets
}

// Reach is how far back from a judgement the window reaches: what must be remembered.
func (w Window) Reach() int64 {
	switch w.Kind {
	case Tumbling:
		return w.Each
	case Session:
		return w.Gap
	case Buckets:
		return w.Over + w.Each + w.Before
	}
	return w.Over + w.Before
}
