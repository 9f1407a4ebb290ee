package score

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// NoKey is the dimension of a judge of alerts that have no key in common.
const NoKey = -1

// Judge counts what one rule, or a set of rules, hit. Not safe for concurrent use.
type Judge struct {
	truth *Truth
	dim   int

	hits   []bool         // by seen of the truth
	others map[string]hit // hits of events that are not labelled, by id
	alerts []Alert
	flags  []Alert // what says of a key that there is something about it, at the level of keys and incidents
}

// hit is a hit of an event that is not labelled.
type hit struct {
	time   int64
	amount float64
}

// Alert is an alert, as far as it is judged.
type Alert struct {
	ID     string
	Dim    int // the dimension of its key
	Key    string
	From   int64 // when what it looked at began: its opening, or the start of the window that opened it; ms
	Opened int64
	To     int64 // when it was over; math.MaxInt64: it is open
}

// NewJudge returns a judge whose keys and incidents are those of dimension dim; NoKey: it has none.
func (t *Truth) NewJudge(dim int) *Judge {
	return &Judge{truth: t, dim: dim, others: map[string]hit{}}
}

// Hit says that a rule held on an event. Further hits of the same event count as one.
func (j *Judge) Hit(e Event) {
	i, ok := j.truth.byID[e.ID]
	if !ok {
		if _, again := j.others[e.ID]; !again {
			j.others[strings.Clone(e.ID)] = hit{e.Time, e.Amount}
		}
		return
	}
	if i >= len(j.hits) {
		j.hits = append(j.hits, make([]bool, i+1-len(j.hits))...)
	}
	j.hits[i] = true
}

// Alert takes an alert that is over, or open at the end.
func (j *Judge) Alert(a Alert) {
	j.alerts = append(j.alerts, a)
	if a.Dim == j.dim {
		j.flags = append(j.flags, a)
	}
}

// Flag says that something was said about a key of the judge's dimension at a time, by an alert that has another key.
func (j *Judge) Flag(key string, at int64) {
	j.flags = append(j.flags, Alert{Dim: j.dim, Key: key, From: at, Opened: at, To: at})
}

// Figures works out how what was hit meets the truth. All events have been seen by then.
func (j *Judge) Figures() Figures {
	j.truth.finish()
	f := Figures{Alerts: j.alertFigures()}
	j.eventFigures(&f)
	if j.dim != NoKey {
		k := j.keyLevel()
		f.Keys = &k
		f.Incidents = j.incidentFigures()
	}
	return f
}

func (j *Judge) hitAt(i int) bool { return i < len(j.hits) && j.hits[i] }

// eventFigures counts at the level of events, and their money.
func (j *Judge) eventFigures(f *Figures) {
	var tp, fp, fn, unknown int
	classes := map[string][2]int{} // hit, all
	for i := range j.truth.seen {
		s, hit := &j.truth.seen[i], j.hitAt(i)
		switch {
		case s.label.Verdict == Positive && hit:
			tp++
			f.Money.add(&f.Money.Caught, s.Amount)
		case s.label.Verdict == Positive:
			fn++
			f.Money.add(&f.Money.Missed, s.Amount)
		case hit:
			fp++
			f.Money.add(&f.Money.Mistaken, s.Amount)
		}
		if s.label.Verdict == Positive && s.label.Class != "" {
			c := classes[s.label.Class]
			c[1]++
			if hit {
				c[0]++
			}
			classes[s.label.Class] = c
		}
	}
	for _, id := range slices.Sorted(maps.Keys(j.others)) { // in order: sums of money are the same each time
		h := j.others[id]
		if j.truth.unlabelled(h.time) == Negative {
			fp++
			f.Money.add(&f.Money.Mistaken, h.amount)
		} else {
			unknown++
			f.Money.add(&f.Money.Unknown, h.amount)
		}
	}
	f.Money.round()
	l := newLevel(tp, fp, fn, unknown)
	f.Events = &l
	for _, name := range slices.Sorted(maps.Keys(classes)) {
		f.Classes = append(f.Classes, ClassFigures{name, NewProportion(classes[name][0], classes[name][1])})
	}
}

// add adds an amount to a sum, or counts that there is none.
func (m *Money) add(to *float64, amount float64) {
	if math.IsNaN(amount) {
		m.NoAmount++
		return
	}
	*to += amount
}

// round takes away what adding amounts as binary fractions has left beyond a millionth.
func (m *Money) round() {
	for _, x := range []*float64{&m.Caught, &m.Missed, &m.Mistaken, &m.Unknown} {
		*x = math.Round(*x*1e6) / 1e6
	}
}

// keyLevel counts keys that were flagged against keys with a positive event.
func (j *Judge) keyLevel() Level {
	flagged := map[string]bool{}
	latest := map[string]int64{} // of a key's alerts
	for _, a := range j.flags {
		flagged[a.Key] = true
		latest[a.Key] = max(a.Opened, latest[a.Key])
	}
	verdicts := j.truth.keys[j.dim]
	var tp, fp, fn, unknown int
	for k := range flagged {
		v := verdicts[k]
		if v == Unknown {
			v = j.truth.unlabelled(latest[k])
		}
		switch v {
		case Positive:
			tp++
		case Negative:
			fp++
		default:
			unknown++
		}
	}
	for k, v := range verdicts {
		if v == Positive && !flagged[k] {
			fn++
		}
	}
	return newLevel(tp, fp, fn, unknown)
}

// incidentFigures counts the incidents in whose time an alert of their key was open.
func (j *Judge) incidentFigures() *Incidents {
	byKey := map[string][]Alert{}
	for _, a := range j.flags {
		byKey[a.Key] = append(byKey[a.Key], a)
	}
	var f Incidents
	var delays []int64
	for _, c := range j.truth.cases[j.dim] {
		first := int64(math.MaxInt64)
		for _, a := range byKey[c.key] {
			if a.meets(c) {
				first = min(first, a.Opened)
			}
		}
		if first == math.MaxInt64 {
			f.Missed++
			continue
		}
		f.Caught++
		delays = append(delays, max(0, first-c.start))
	}
	f.Recall = NewProportion(f.Caught, f.Caught+f.Missed)
	f.Delay = newDelay(delays)
	return &f
}

// meets reports whether an alert was open, or looked at events, in the time of an incident.
func (a *Alert) meets(c incident) bool { return a.From <= c.end && a.To >= c.start }

// newDelay returns the quantiles of times by the nearest rank.
func newDelay(ms []int64) *Delay {
	if len(ms) == 0 {
		return nil
	}
	slices.Sort(ms)
	rank := func(share float64) int64 { return ms[max(0, int(math.Ceil(share*float64(len(ms))))-1)] }
	return &Delay{Median: rank(0.5), P90: rank(0.9), Most: ms[len(ms)-1]}
}

// alertFigures says of each alert whether it was worth it.
func (j *Judge) alertFigures() AlertFigures {
	var f AlertFigures
	slices.SortFunc(j.alerts, func(a, b Alert) int { return cmp.Or(cmp.Compare(a.Opened, b.Opened), cmp.Compare(a.ID, b.ID)) })
	for i := range j.alerts {
		switch j.verdict(&j.alerts[i]) {
		case Positive:
			f.Positive++
		case Negative:
			f.Negative++
		default:
			f.Unknown++
		}
	}
	f.Precision = NewProportion(f.Positive, f.Positive+f.Negative)
	all := f.Positive + f.Negative + f.Unknown
	f.PrecisionLeast, f.PrecisionMost = share(f.Positive, all), share(f.Positive+f.Unknown, all)
	return f
}

func (j *Judge) verdict(a *Alert) Verdict {
	if l, ok := j.truth.labels.Alerts[a.ID]; ok && j.truth.known(l) {
		return l.Verdict
	}
	for _, c := range j.truth.of(a.Dim, a.Key) {
		if a.meets(c) {
			return Positive
		}
	}
	if j.truth.negativeIn(a.Dim, a.Key, a.From, a.To) {
		return Negative
	}
	return j.truth.unlabelled(a.Opened)
}
