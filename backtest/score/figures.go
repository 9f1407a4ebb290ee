package score

// Figures is how a rule, or a set of rules, met the truth.
type Figures struct {
	Events    *Level         `json:"events,omitempty"`    // an event counts as hit when a rule held on it; absent: the rules are judged on closes only
	Keys      *Level         `json:"keys,omitempty"`      // a key counts as hit when there was an alert for it; absent: there is no key in common
	Incidents *Incidents     `json:"incidents,omitempty"` // the same
	Alerts    AlertFigures   `json:"alerts"`
	Money     Money          `json:"money"`
	Classes   []ClassFigures `json:"classes,omitempty"` // of positive events, by class, in order of their names
}

// Level is the confusion of one level. What was not hit and is not positive is not counted: there is no end of it.
type Level struct {
	TruePositives  int `json:"true_positives"`
	FalsePositives int `json:"false_positives"`
	FalseNegatives int `json:"false_negatives"`
	Unknown        int `json:"unknown"` // hit, and nobody knows

	Precision      Proportion `json:"precision"`       // among the hits of which one knows
	PrecisionLeast *float64   `json:"precision_least"` // if all unknown hits are negative
	PrecisionMost  *float64   `json:"precision_most"`  // if all are positive
	Recall         Proportion `json:"recall"`          // of the known positives
	F1             *float64   `json:"f1"`              // the harmonic mean of precision and recall
}

// newLevel derives the shares from the counts.
func newLevel(tp, fp, fn, unknown int) Level {
	l := Level{TruePositives: tp, FalsePositives: fp, FalseNegatives: fn, Unknown: unknown,
		Precision: NewProportion(tp, tp+fp), Recall: NewProportion(tp, tp+fn),
		PrecisionLeast: share(tp, tp+fp+unknown), PrecisionMost: share(tp+unknown, tp+fp+unknown)}
	if 2*tp+fp+fn > 0 {
		l.F1 = share(2*tp, 2*tp+fp+fn)
	}
	return l
}

// Incidents says how many incidents were caught, and how soon.
type Incidents struct {
	Caught int        `json:"caught"` // an alert of the key was open in their time
	Missed int        `json:"missed"`
	Recall Proportion `json:"recall"`
	Delay  *Delay     `json:"delay,omitempty"` // from the first positive event to the opening, of those caught
}

// Delay is a distribution of times, ms.
type Delay struct {
	Median int64 `json:"median_ms"`
	P90    int64 `json:"p90_ms"`
	Most   int64 `json:"most_ms"`
}

// AlertFigures says what alerts were worth. An alert is what it is labelled; without a label it is positive if it was open
// in the time of an incident of its key, and negative if events of its key in its time are labelled, all of them negative.
type AlertFigures struct {
	Positive       int        `json:"positive"`
	Negative       int        `json:"negative"`
	Unknown        int        `json:"unknown"`
	Precision      Proportion `json:"precision"`
	PrecisionLeast *float64   `json:"precision_least"`
	PrecisionMost  *float64   `json:"precision_most"`
}

// Money sums the amounts of events.
type Money struct {
	Caught   float64 `json:"caught"`    // of positive events that were hit
	Missed   float64 `json:"missed"`    // of positive events that were not
	Mistaken float64 `json:"mistaken"`  // of negative events that were hit: good customers' money
	Unknown  float64 `json:"unknown"`   // of hits of which nobody knows
	NoAmount int     `json:"no_amount"` // events among all these that have no amount
}

// ClassFigures is the recall of one class of positives.
type ClassFigures struct {
	Class  string     `json:"class"`
	Recall Proportion `json:"recall"`
}
