package oracle

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules"
)

// Options are the time settings of a run. Durations are milliseconds.
type Options struct {
	ByTime   bool // order: time
	Disorder int64
	Lateness int64
	Drain    bool
	Spec     event.Spec

	// Dedupe is for how long the id of an event is known, 0: it is not; IDs how many are known at most.
	Dedupe int64
	IDs    int

	// Limit is up to how many values in a window distinct and percentiles are exact, 0: always; beyond that Sketch
	// computes them, and says how far off they may be.
	Limit  int
	Sketch func(agg string, q float64, vals []event.Value) (v event.Value, off float64)
}

// Line is one line of input, in order of arrival.
type Line struct {
	Raw []byte
	Pos event.Position
}

// FileLines makes lines of one file, numbered from 1.
func FileLines(name string, raw [][]byte) []Line {
	lines := make([]Line, len(raw))
	for i, b := range raw {
		lines[i] = Line{Raw: b, Pos: event.Position{Stream: name, Offset: int64(i + 1), Kind: event.FilePosition}}
	}
	return lines
}

// Result is all that a run says.
type Result struct {
	Rows     []Row
	Alerts   []Alert // in order of opening
	Rejected []Rejected
	Now      []Now // by rule and key, before the stream is drained
}

// Rejected is one refused line.
type Rejected struct {
	Pos    event.Position
	Reason event.Reason
}

// Span is [Start, End) in milliseconds; of a session End is last + gap.
type Span struct{ Start, End int64 }

// Row is one evaluation, as `kelpie features` prints it.
type Row struct {
	Rule      string
	Key       Key
	Time      int64
	ID        string
	Position  string
	Values    []Named
	Fired     bool
	Window    *Span
	Abstained string
	Late      bool
	Inexact   []string
	Approx    map[string]float64
}

// Named is a fact's value.
type Named struct {
	Name  string
	Value event.Value
}

// Alert is the life of one instance. Resolved is nil while it is open.
type Alert struct {
	Rule         string
	Key          Key
	Opened       int64
	Resolved     *int64
	ID, Position string
	Window       *Span
}

// Key is the values of a rule's or table's `by`, as text.
type Key []string

// text is the key as one string, injectively.
func (k Key) text() string {
	var b strings.Builder
	for _, s := range k {
		fmt.Fprintf(&b, "%d:%s", len(s), s)
	}
	return b.String()
}

// happened is one event that was not refused.
type happened struct {
	rec   *event.Record
	pos   event.Position
	time  int64
	typ   string
	id    string
	order int   // of arrival: the position that breaks ties
	fold  int   // of folding
	seenW int64 // the watermark when it was folded
}

// compare orders by (time, position).
func (e *happened) compare(f *happened) int {
	switch {
	case e.time != f.time && e.time < f.time:
		return -1
	case e.time != f.time:
		return 1
	}
	return e.order - f.order
}

// keyOf returns the event's values of the slots as a key, ok false if one is missing.
func (e *happened) keyOf(slots []int) (Key, bool) {
	k := Key{}
	for _, s := range slots {
		b, ok := event.AppendKey(nil, e.rec.Value(s))
		if !ok {
			return nil, false
		}
		k = append(k, string(b))
	}
	return k, true
}

const (
	minTime = math.MinInt64 / 4
	maxTime = math.MaxInt64 / 4
)

// oracle is one run.
type oracle struct {
	set    *rules.Set
	opts   Options
	rules  []*ruleState
	tables []*tableState
	w      int64 // the watermark: all that is due up to it has been handled
	was    int64 // the watermark before it moved last: what was due by then had been handled
	newest int64
	ended  bool // the stream is drained
	folded int
	known  []known
	off    float64 // of the fact computed last, if it comes from sketches
	out    Result
}

// Run folds the lines and returns every row, alert and refusal.
func Run(set *rules.Set, opts Options, lines []Line) (Result, error) {
	dec, err := event.NewDecoder(&event.Schema{Spec: opts.Spec, Paths: set.Paths, Types: set.Types})
	if err != nil {
		return Result{}, fmt.Errorf("oracle: %w", err)
	}
	o := &oracle{set: set, opts: opts, w: minTime, was: minTime, newest: minTime}
	for _, t := range set.Tables {
		o.tables = append(o.tables, newTable(t))
	}
	for _, r := range set.Rules {
		o.rules = append(o.rules, newRule(o, r))
	}
	var waiting []*happened
	for i, l := range lines {
		if strings.Trim(string(l.Raw), " \t\r\n") == "" {
			continue
		}
		rec := new(event.Record)
		if refusal := dec.Decode(l.Raw, rec); refusal != nil {
			o.out.Rejected = append(o.out.Rejected, Rejected{l.Pos, refusal.Reason})
			continue
		}
		e := &happened{rec: rec, pos: l.Pos, time: rec.Time, typ: rec.TypeText(), id: rec.ID(), order: i}
		if !opts.ByTime && o.again(e, o.w) {
			continue
		}
		o.newest = max(o.newest, e.time)
		w := max(o.w, o.newest-opts.Disorder)
		if !opts.ByTime {
			o.advance(w)
			o.fold(e)
			continue
		}
		waiting = o.release(append(waiting, e), w)
		o.advance(w)
	}
	o.release(waiting, maxTime)
	if o.newest > minTime {
		o.advance(max(o.w, o.newest))
	}
	o.out.Now = o.now()
	if opts.Drain {
		o.ended = true
		o.advance(maxTime)
	}
	return o.out, nil
}

// release folds, in order of time, the events that the watermark w has passed. The watermark they see is
// that of a stream in which they had come in this order; a late one sees the watermark as it is.
func (o *oracle) release(waiting []*happened, w int64) (rest []*happened) {
	slices.SortFunc(waiting, (*happened).compare)
	for i, e := range waiting {
		if e.time >= w {
			return slices.Clone(waiting[i:])
		}
		w := max(o.w, e.time)
		if o.again(e, w) {
			continue
		}
		o.advance(w)
		o.fold(e)
	}
	return nil
}

// known is the id of an event that was folded.
type known struct {
	id    string
	until int64 // the watermark at which it is known no more
}

// again reports whether an event with the same id is known at a watermark.
func (o *oracle) again(e *happened, w int64) bool {
	if e.id == "" || o.opts.Dedupe == 0 {
		return false
	}
	for _, k := range o.known[max(0, len(o.known)-o.opts.IDs):] {
		if k.id == e.id && k.until > w {
			return true
		}
	}
	o.known = append(o.known, known{e.id, max(e.time, w) + o.opts.Dedupe})
	return false
}
