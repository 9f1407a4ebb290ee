package backtest

import (
	"cmp"
	"slices"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/window"
)

const (
	hour = 3_600_000
	day  = 24 * hour
)

// The most that is kept of one rule: more is counted and not listed.
const (
	topKeys    = 10
	sampleSize = 20
)

// tally counts what happens, by rule of the run.
type tally struct {
	rules  []ruleTally
	refuse map[string]int64
}

// ruleTally is what one rule has done. Memory grows with the days and hours that had alerts, and with keys up to a limit.
type ruleTally struct {
	alerts, open int64
	warming      int64 // alerts that opened before all windows were full
	first, last  int64 // openings
	days, hours  map[int64]int64
	keys         keyTally
	sample       []sampled // by hash
}

func newTally(r *run) *tally {
	t := &tally{rules: make([]ruleTally, len(r.rules)), refuse: map[string]int64{}}
	for i := range t.rules {
		t.rules[i] = ruleTally{days: map[int64]int64{}, hours: map[int64]int64{}, keys: keyTally{counts: map[string]*keyCount{}}}
	}
	return t
}

func (t *tally) refused(list []engine.Rejection) {
	for i := range list {
		t.refuse[string(list[i].Reason)]++
	}
}

func (t *tally) opened(a *Alert) {
	if a.Warmup {
		return
	}
	x := &t.rules[a.Rule.Index]
	if x.alerts == 0 {
		x.first, x.last = a.Opened, a.Opened
	}
	x.first, x.last = min(x.first, a.Opened), max(x.last, a.Opened)
	x.alerts++
	if len(a.Warming) > 0 {
		x.warming++
	}
	x.open++
	x.days[floor(a.Opened, day)]++
	x.hours[floor(a.Opened, hour)]++
	x.keys.add(a.Key)
	x.keep(a)
}

func (t *tally) resolved(a *Alert) {
	if !a.Warmup {
		t.rules[a.Rule.Index].open--
	}
}

// floor returns the multiple of unit at or before t.
func floor(t, unit int64) int64 {
	if t < 0 {
		return -((-t + unit - 1) / unit) * unit
	}
	return t / unit * unit
}

// sampled is an alert of the sample.
type sampled struct {
	hash  uint64
	alert *Alert
}

// keep puts the alert into the sample if it is one of those with the smallest hashes of their ids: an even sample, that is
// the same however the run was cut.
func (x *ruleTally) keep(a *Alert) {
	s := sampled{window.HashText([]byte(a.ID)).Hi, a}
	i, _ := slices.BinarySearchFunc(x.sample, s, func(a, b sampled) int { return cmp.Compare(a.hash, b.hash) })
	if i == sampleSize {
		return
	}
	if len(x.sample) == sampleSize {
		x.sample = x.sample[:sampleSize-1]
	}
	x.sample = slices.Insert(x.sample, i, s)
}

// keyTally counts alerts by key: each key up to a limit; beyond it new keys are only estimated in number.
type keyTally struct {
	counts map[string]*keyCount
	sketch *window.DistinctSketch // of all keys, once there are too many
	text   []byte
}

type keyCount struct {
	key []string
	n   int64
}

// mostKeys is how many keys of one rule are counted one by one.
const mostKeys = 200_000

func (k *keyTally) add(key []string) {
	k.text = engine.AppendKeyJSON(k.text[:0], key)
	if c := k.counts[string(k.text)]; c != nil {
		c.n++
		return
	}
	if len(k.counts) < mostKeys {
		k.counts[string(k.text)] = &keyCount{key, 1}
		return
	}
	if k.sketch == nil {
		k.sketch = &window.DistinctSketch{}
		for text := range k.counts {
			k.sketch.Add(window.HashText([]byte(text)))
		}
	}
	k.sketch.Add(window.HashText(k.text))
}

// distinct returns how many keys there are; exact is false where that is an estimate.
func (k *keyTally) distinct() (n int64, exact bool) {
	if k.sketch != nil {
		return k.sketch.Estimate(), false
	}
	return int64(len(k.counts)), true
}

// top returns the keys with most alerts.
func (k *keyTally) top() (out []KeyCount) {
	texts := make([]string, 0, len(k.counts))
	for text := range k.counts {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(cmp.Compare(k.counts[b].n, k.counts[a].n), cmp.Compare(a, b)) })
	for _, text := range texts[:min(len(texts), topKeys)] {
		out = append(out, KeyCount{k.counts[text].key, k.counts[text].n})
	}
	return out
}

// busiest returns the entry with most alerts, the earliest of several; nil if there is none.
func busiest(counts map[int64]int64) *Busy {
	var b *Busy
	for t, n := range counts {
		if b == nil || n > b.Alerts || n == b.Alerts && Time(t) < b.Start {
			b = &Busy{Time(t), n}
		}
	}
	return b
}

// dayCounts lists days by date.
func dayCounts(counts map[int64]int64) (out []DayCount) {
	var days []int64
	for t := range counts {
		days = append(days, t)
	}
	slices.Sort(days)
	for _, t := range days {
		out = append(out, DayCount{event.FormatTime(t)[:len("2006-01-02")], counts[t]})
	}
	return out
}
