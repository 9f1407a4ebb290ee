package rules

// maxBuckets bounds the buckets of one window: each is kept.
const maxBuckets = 100_000

// window reads a fact's window and reports what does not fit together.
func (rr *ruleReader) window(f *factSyntax) (w Window) {
	if f.series != nil {
		return rr.buckets(f)
	}
	read := func(s span, name string) (ms int64) {
		if s.given() {
			ms, _ = rr.durationIn(s, name, true)
		}
		return ms
	}
	w.Over, w.Each, w.Gap, w.Max, w.Before = read(f.over, "over"), read(f.each, "each"), read(f.session, "session"), read(f.max, "max"), read(f.before, "before")
	switch {
	case f.at.given():
		rr.failIn(f.at, "write for instance median(count each 10m) over 28d at same hour-of-week", "at belongs to a series of buckets")
	case f.session.given():
		w.Kind = Session
		rr.onlySession(f)
	case f.over.given() && f.each.given():
		w.Kind = Hopping
		if rr.multiple(f.over, w.Over, w.Each, "over") && w.Over == w.Each {
			w = Window{Kind: Tumbling, Each: w.Each}
		}
	case f.each.given():
		w.Kind = Tumbling
	case !f.over.given():
		rr.failIn(f.head, "write for instance "+f.head.text+" over 10m, or each 1m", "%s needs a window", f.head.text)
	}
	if f.max.given() && !f.session.given() {
		rr.failIn(f.max, "write over session 5m max 1h", "max belongs to a session")
	}
	if f.before.given() && w.Kind != Sliding {
		rr.failIn(f.before, "only over … and series can be moved into the past", "before cannot stand with %s", w.Kind)
	}
	return w
}

// String names the kind as it is written.
func (k WindowKind) String() string {
	return [...]string{"over", "each", "over … each", "a session", "a series"}[k]
}

// onlySession refuses what a session cannot have.
func (rr *ruleReader) onlySession(f *factSyntax) {
	for _, c := range []struct {
		s    span
		name string
	}{{f.over, "over"}, {f.each, "each"}} {
		if c.s.given() {
			rr.failIn(c.s, "", "a session has no %s: a gap ends it", c.name)
		}
	}
	if f.where.given() {
		rr.failIn(f.where, "filter with the rule's where:, or with a condition in the aggregate", "a session has no where of its own: it holds the events that judge the rule")
	}
	if f.head.text == "rate" {
		rr.failIn(f.head, "count / 60 is per minute", "rate needs a window of a known length, and a session has none")
	}
}

// buckets reads the window of a series.
func (rr *ruleReader) buckets(f *factSyntax) Window {
	in := f.series
	w := Window{Kind: Buckets}
	for _, c := range []struct {
		s          span
		name, hint string
	}{{in.over, "over", "a bucket is written each 1m"}, {in.session, "session", "a bucket is written each 1m"}, {in.before, "before", "write it behind the series"},
		{in.at, "at", "write it behind the series"}, {in.max, "max", ""}, {f.session, "session", "write over 1h"}, {f.max, "max", ""},
		{f.each, "each", "write it inside the parentheses"}, {f.where, "where", "write it inside the parentheses"}, {f.of, "of", "write it inside the parentheses"}} {
		if c.s.given() {
			rr.failIn(c.s, c.hint, "%s cannot stand here in a series", c.name)
		}
	}
	if in.series != nil {
		rr.failIn(in.head, "", "a series of a series cannot be taken")
	}
	if !in.each.given() {
		rr.failIn(in.head, "write for instance median(count each 1m) over 1h", "the buckets of a series need each")
		return w
	}
	if !f.over.given() {
		rr.failIn(f.head, "write for instance "+f.head.text+"("+in.head.text+" each 1m) over 1h", "a series needs over: how far it goes back")
		return w
	}
	w.Each, _ = rr.durationIn(in.each, "each", true)
	w.Over, _ = rr.durationIn(f.over, "over", true)
	if f.before.given() {
		w.Before, _ = rr.durationIn(f.before, "before", true)
		rr.multiple(f.before, w.Before, w.Each, "before")
	}
	rr.multiple(f.over, w.Over, w.Each, "over")
	if f.at.given() {
		rr.seasonal(f, w)
	}
	return w
}

// multiple reports a length that is no multiple of the buckets', or holds too many of them.
func (rr *ruleReader) multiple(s span, length, each int64, what string) bool {
	switch {
	case length == 0 || each == 0: // reported already
	case length%each != 0:
		rr.failIn(s, "", "%s must be a multiple of each: %s is none of %s", what, s.text, FormatDuration(each))
	case length/each > maxBuckets:
		rr.failIn(s, "", "%s holds %d buckets of %s, more than %d", s.text, length/each, FormatDuration(each), maxBuckets)
	default:
		return true
	}
	return false
}

// seasonal checks `at same hour-of-week`.
func (rr *ruleReader) seasonal(f *factSyntax, w Window) {
	switch {
	case f.at.text != "same hour-of-week":
		rr.failIn(f.at, "", "the only season is `at same hour-of-week`, not %q", f.at.text)
	case w.Each > 0 && week%w.Each != 0:
		rr.failIn(f.series.each, "", "a week must be a multiple of each, so that there is a bucket at the same hour: %s does not divide it", f.series.each.text)
	case w.Over > 0 && w.Over < week:
		rr.failIn(f.over, "write over 28d", "at the same hour of the week there is nothing within %s", f.over.text)
	}
}
