package score

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
)

// Options say how labels are to be taken.
type Options struct {
	// Unlabelled is what an event without label counts as: Unknown, or Negative for those who know that all positives
	// are labelled.
	Unlabelled Verdict
	// Delay is how long after its event a label may come, ms. What happened less than that before AsOf and has no label
	// is unknown, whatever Unlabelled says.
	Delay int64
	// AsOf is the time at which one looks, ms: what became known later is not known. Always: at the end of the history,
	// with all labels known.
	AsOf int64
	// Gap ends an incident: positives of one key that are further apart than this, ms, belong to two. 0: a day.
	Gap int64
}

const day = 24 * 60 * 60 * 1000

// Event is an event of the history.
type Event struct {
	ID     string   // or its position, if it has no id
	Time   int64    // ms since the epoch
	Keys   []string // its key in each dimension that a Judge may name; "" where it has none
	Amount float64  // what is at stake; NaN: it does not say
}

// Truth holds labels against the events of a history. First all events are seen, or at least each before it is hit, then
// figures are asked for. Not safe for concurrent use.
type Truth struct {
	labels *Labels
	o      Options
	dims   int

	events   int // seen, labelled or not
	last     int64
	seen     []seen
	byID     map[string]int  // of seen
	before   map[string]bool // labelled events before the time that counts, by id
	repeated int             // labelled events that came again under the same id
	spans    []bool          // which of labels.Spans an event lay in
	done     bool
	cases    [][]incident         // by dimension, by key, then start
	calm     []map[string][]int64 // by dimension and key: the times of negative events
	keys     []map[string]Verdict
}

// seen is a labelled event of the history.
type seen struct {
	Event
	label Label
}

// NewTruth returns a truth for events that have keys in so many dimensions.
func NewTruth(l *Labels, dims int, o Options) *Truth {
	if o.Gap == 0 {
		o.Gap = day
	}
	if o.AsOf == 0 {
		o.AsOf = Always
	}
	return &Truth{labels: l, o: o, dims: dims, byID: map[string]int{}, before: map[string]bool{}, spans: make([]bool, len(l.Spans)), last: math.MinInt64}
}

// See takes in an event of the history. The event's strings are kept if it is labelled.
func (t *Truth) See(e Event) {
	t.Pass(e.Time)
	label, ok := t.labels.Events[e.ID]
	if !ok {
		label, ok = t.spanned(e)
	}
	if !ok || !t.known(label) {
		return
	}
	if _, again := t.byID[e.ID]; again {
		t.repeated++
		return
	}
	if !math.IsNaN(label.Amount) {
		e.Amount = label.Amount
	}
	e.ID = strings.Clone(e.ID)
	keys := make([]string, len(e.Keys))
	for i, k := range e.Keys {
		keys[i] = strings.Clone(k)
	}
	e.Keys = keys
	t.byID[e.ID] = len(t.seen)
	t.seen = append(t.seen, seen{e, label})
}

// Wants reports whether See may have to know more of an event than its time: else Pass is enough, and faster.
func (t *Truth) Wants(id string) bool {
	if len(t.labels.Spans) > 0 {
		return true
	}
	_, ok := t.labels.Events[id]
	return ok
}

// Pass takes in an event of the history that no label is about.
func (t *Truth) Pass(at int64) {
	t.events++
	t.last = max(t.last, at)
}

// PassBefore takes in an event that is before the time that counts: if it is labelled, the label is met there.
func (t *Truth) PassBefore(id string) {
	if _, ok := t.labels.Events[id]; ok {
		t.before[strings.Clone(id)] = true
	}
}

// known reports whether a label counts at the time at which one looks.
func (t *Truth) known(l Label) bool { return t.o.AsOf == Always || l.Known <= t.o.AsOf }

// spanned returns the label of the first span in which an event lies, by any of its keys, and notes all of them as met.
func (t *Truth) spanned(e Event) (Label, bool) {
	if len(t.labels.Spans) == 0 {
		return Label{}, false
	}
	var label Label
	met := false
	for _, k := range e.Keys {
		for i := t.spanAt(k); k != "" && i < len(t.labels.Spans) && t.labels.Spans[i].Key == k; i++ {
			s := t.labels.Spans[i]
			if e.Time < s.From || s.To < e.Time {
				continue
			}
			t.spans[i] = true
			if !met {
				label, met = s.Label, true
			}
		}
	}
	return label, met
}

// spanAt returns where the spans of a key begin.
func (t *Truth) spanAt(key string) int {
	return sort.Search(len(t.labels.Spans), func(i int) bool { return t.labels.Spans[i].Key >= key })
}

// unlabelled returns what an event without label counts as.
func (t *Truth) unlabelled(at int64) Verdict {
	asOf := t.o.AsOf
	if asOf == Always {
		asOf = t.last
	}
	if t.o.Unlabelled == Negative && at <= asOf-t.o.Delay {
		return Negative
	}
	return Unknown
}

// incident is what happened to one key in one go.
type incident struct {
	key        string
	start, end int64
}

// finish works out keys and incidents, once all events have been seen.
func (t *Truth) finish() {
	if t.done {
		return
	}
	t.done = true
	for d := range t.dims {
		t.cases = append(t.cases, t.incidents(d))
		t.keys = append(t.keys, t.verdicts(d))
		t.calm = append(t.calm, t.negatives(d))
	}
}

// incidents joins the positive events of each key that are no further apart than the gap.
func (t *Truth) incidents(dim int) []incident {
	var all []incident
	for i := range t.seen {
		if s := &t.seen[i]; s.label.Verdict == Positive && dim < len(s.Keys) && s.Keys[dim] != "" {
			all = append(all, incident{s.Keys[dim], s.Time, s.Time})
		}
	}
	slices.SortFunc(all, func(a, b incident) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.start, b.start)) })
	var joined []incident
	for _, c := range all {
		if n := len(joined) - 1; n >= 0 && joined[n].key == c.key && c.start-joined[n].end <= t.o.Gap {
			joined[n].end = c.end
			continue
		}
		joined = append(joined, c)
	}
	return joined
}

// verdicts says of each key that has a labelled event whether one of them is positive.
func (t *Truth) verdicts(dim int) map[string]Verdict {
	m := map[string]Verdict{}
	for i := range t.seen {
		s := &t.seen[i]
		if dim >= len(s.Keys) || s.Keys[dim] == "" {
			continue
		}
		if k := s.Keys[dim]; m[k] != Positive {
			m[k] = s.label.Verdict
		}
	}
	return m
}

// negatives returns when each key had negative events, in order.
func (t *Truth) negatives(dim int) map[string][]int64 {
	m := map[string][]int64{}
	for i := range t.seen {
		if s := &t.seen[i]; s.label.Verdict == Negative && dim < len(s.Keys) && s.Keys[dim] != "" {
			m[s.Keys[dim]] = append(m[s.Keys[dim]], s.Time)
		}
	}
	for _, at := range m {
		slices.Sort(at)
	}
	return m
}

// negativeIn reports whether an event of a key in a time is labelled negative.
func (t *Truth) negativeIn(dim int, key string, from, to int64) bool {
	at := t.calm[dim][key]
	i, _ := slices.BinarySearch(at, from)
	return i < len(at) && at[i] <= to
}

// of returns the incidents of a key, in order of time.
func (t *Truth) of(dim int, key string) []incident {
	c := t.cases[dim]
	i := sort.Search(len(c), func(i int) bool { return c[i].key >= key })
	j := i
	for j < len(c) && c[j].key == key {
		j++
	}
	return c[i:j]
}

// Coverage says how labels and history meet.
type Coverage struct {
	Events    int     `json:"events"`              // of the history that was judged
	Positive  int     `json:"positive"`            // of them, labelled so
	Negative  int     `json:"negative"`            // of them, labelled so
	Labels    int     `json:"labels"`              // rows of the file that say something new
	Repeated  int     `json:"repeated"`            // rows that repeat another
	Unmet     int     `json:"unmet"`               // labels of events and spans of which the history holds nothing
	Before    int     `json:"before"`              // labels of events before the time that counts
	NotYet    int     `json:"not_yet"`             // labels that became known only after the time at which one looks
	SameID    int     `json:"same_id"`             // labelled events that came more than once; they count once
	Unmatched []Unmet `json:"unmatched,omitempty"` // the first of the unmet, in order of their lines
}

// Unmet is a label that met no event.
type Unmet struct {
	Line int    `json:"line"`
	Name string `json:"name"` // the event's id or the key
}

// unmetShown is how many unmet labels are named.
const unmetShown = 10

// Coverage returns how labels and the events seen meet.
func (t *Truth) Coverage() Coverage {
	c := Coverage{Events: t.events, Labels: t.labels.Positive + t.labels.Negative, Repeated: t.labels.Repeated, SameID: t.repeated}
	for i := range t.seen {
		if t.seen[i].label.Verdict == Positive {
			c.Positive++
		} else {
			c.Negative++
		}
	}
	var unmet []Unmet
	for id, l := range t.labels.Events {
		if !t.known(l) {
			c.NotYet++
		} else if t.before[id] {
			c.Before++
		} else if _, ok := t.byID[id]; !ok {
			unmet = append(unmet, Unmet{l.Line, id})
		}
	}
	for i, s := range t.labels.Spans {
		if !t.known(s.Label) {
			c.NotYet++
		} else if !t.spans[i] {
			unmet = append(unmet, Unmet{s.Line, s.Key})
		}
	}
	slices.SortFunc(unmet, func(a, b Unmet) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name)) })
	c.Unmet = len(unmet)
	c.Unmatched = unmet[:min(len(unmet), unmetShown)]
	return c
}
