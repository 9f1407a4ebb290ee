package backtest

import (
	"math"

	"kelpie/rules"
)

// How much of the history before Spec.From is read, beside a number of ms.
const (
	AutoWarmup = -1 // as much as the windows of the rules need
	AllWarmup  = -2 // all of it
)

// warmupOf returns how much history before the first event that counts a rule needs to say what it would have said live, ms:
// its windows, twice, so that they are full when the first alert that may still be open was opened, and the time that it
// waits before and between alerts. A rule that reads a table needs all that there is.
func warmupOf(r *rules.Rule) int64 {
	if len(r.TableRefs) > 0 {
		return math.MaxInt64
	}
	return 2*r.Longest + r.For + r.Cooldown
}

// since returns the event time before which nothing is read; 0: all is.
func (r *run) since() int64 {
	if r.spec.From == 0 {
		return 0
	}
	need := r.spec.Warmup
	switch need {
	case AllWarmup:
		return 0
	case AutoWarmup:
		need = 0
		for _, rule := range r.rules {
			need = max(need, warmupOf(rule.Rule))
		}
	}
	if need == math.MaxInt64 || need >= r.spec.From {
		return 0
	}
	return r.spec.From - need
}
