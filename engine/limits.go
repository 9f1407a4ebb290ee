package engine

import (
	"fmt"
	"io"

	"kelpie/rules"
	"kelpie/state"
	"kelpie/window"
)

// Most judgements say no, and most of these say it by their first condition, which holds a count against a number:
// `orders > 5`. The count stands in the row, so that it can be looked at without computing anything (limit). And what a
// session's count says does not change once its last event has come: where it says no of all rules, nobody has to wait for
// the session to close (quiet).

// limit is the first condition of a rule as a look into the row.
type limit struct {
	rules.Limit
	fact *fact // a count with an accumulator; nil: there is no such condition
}

// denies reports whether a rule is false because of its limit; acc is what the fact's accumulator stands in.
func (l *limit) denies(acc []byte) bool {
	return !l.Holds(int64(le.Uint64(acc[l.fact.acc:])))
}

// setLimits finds the limits of the rules, once it is known how their facts are kept.
func (s *scope) setLimits() {
	s.quiet = s.onClose && !s.onEvent && s.beat == 0 && len(s.sessions) == 1
	for _, rp := range s.rules {
		rp.limit = rp.limitOf()
		s.quiet = s.quiet && rp.limit.fact != nil && rp.limit.fact.kind == sessionAcc
	}
}

func (rp *rulePlan) limitOf() (l limit) {
	x, ok := rp.When.Limit()
	if !ok || rp.Ready != nil {
		return l
	}
	fp := &rp.facts[x.Fact]
	if f := fp.shared; f != nil && fp.scope == rp.scope && f.Agg == "count" && f.arg == nil && (f.kind == slidingAcc || f.kind == sessionAcc) {
		return limit{x, f}
	}
	return l
}

// describeLimits writes down on what it depends which sessions are due: where it changes, they are found out anew.
func (s *scope) describeLimits(w io.Writer) {
	if !s.quiet {
		return
	}
	for _, rp := range s.rules {
		fmt.Fprintf(w, "closes of %q where %s\n", rp.limit.fact.Text, rp.When.Canon)
	}
}

// awaited reports whether something may come of the close of session i, if no event comes to it any more. b is the block of
// the scope.
func (sh *shard) awaited(s *scope, b []byte, p *window.Spans, i int) bool {
	if !s.quiet || le.Uint64(b[scopeFlags:]) != 0 {
		return true
	}
	for _, rp := range s.rules {
		if sh.wantsAll(rp) || !rp.limit.denies(p.At(i)) {
			return true
		}
	}
	return false
}

// nextAwaited returns the watermark at which an awaited session closes next, state.Never if there is none. b is the block of
// the scope. What has closed by watermark w and is not awaited is marked as judged.
func (sh *shard) nextAwaited(s *scope, x *sessions, b []byte, p *window.Spans, w int64) int64 {
	due := int64(state.Never)
	for i := p.N() - 1; i >= 0 && p.Mask(i)&judgedSession == 0; i-- {
		switch end := p.Last(i) + x.gap; {
		case sh.awaited(s, b, p, i):
			due = end + 1
		case end < w:
			p.SetMask(i, p.Mask(i)|judgedSession)
		}
	}
	return due
}
