package engine

import (
	"maps"
	"time"
)

// Quiet is how long a rule has been without a judgement, by the clock. A rule that sees nothing for longer than it ever
// did may be blind: its events have another name, or do not come any more.
type Quiet struct {
	Seen    int64 `json:"seen"`    // when a judgement was noticed last, ms
	Longest int64 `json:"longest"` // the longest time between two of them, ms
	Times   int64 `json:"times"`   // how often one was noticed
}

// What is usual is known after a rule has been seen so often; a short silence means nothing.
const (
	quietTimes = 20
	quietLeast = 10 * time.Minute
)

// Blind reports whether the rule has been quiet for longer than is usual: for twice its longest silence, and at least for
// ten minutes.
func (q Quiet) Blind(now time.Time) bool {
	return q.Times >= quietTimes && now.UnixMilli()-q.Seen > max(quietLeast.Milliseconds(), 2*q.Longest)
}

// watch notes which rules have been judged since the last time.
func (t *tally) watch(rules []RuleCounters, now time.Time) {
	ms := now.UnixMilli()
	for i := range rules {
		r := &rules[i]
		q := t.Quiet[r.Rule]
		if r.Evaluated == t.judged[r.Rule] {
			continue
		}
		if q.Times > 0 {
			q.Longest = max(q.Longest, ms-q.Seen)
		}
		q.Seen, q.Times = ms, q.Times+1
		t.Quiet[r.Rule], t.judged[r.Rule] = q, r.Evaluated
	}
}

// keepQuiet puts what is usual into the notes, so that a restart does not forget it.
func (l *loop) keepQuiet() {
	l.noted.Quiet = maps.Clone(l.tally.Quiet)
	known := map[string]bool{}
	for _, rp := range l.engine.plan.rules {
		known[rp.Name] = true
	}
	maps.DeleteFunc(l.noted.Quiet, func(rule string, _ Quiet) bool { return !known[rule] })
}
