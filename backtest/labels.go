package backtest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"kelpie/backtest/score"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// LabelSpec says what is known of the history, and how it is taken.
type LabelSpec struct {
	Name    string // of the file
	Labels  *score.Labels
	Options score.Options
	Amount  event.Path // the field that says what is at stake
	Entity  event.Path // whom events are about, for the keys and incidents of a whole set of rules; nil: the key of the rules, if they have one in common
	Score   string     // RULE.NAME: a fact of a rule by whose value its events are ranked; "": none
	From    int64      // the run's: what is before does not count; 0: no bound
	Top     []int      // how many of the highest scores of a day are looked at
}

// Labels is a Sink that holds what the rules of a run caught against labels. It wants to be told of events, firings and,
// for a score, evaluations.
type Labels struct {
	spec   LabelSpec
	truth  *score.Truth
	fields []event.Path
	dims   [][]int         // by dimension: which fields make the key
	types  map[string]bool // of events that some rule is judged on; nil: of all
	entity int             // the dimension of Entity; score.NoKey
	rules  map[*Rule]*ruleJudge
	totals []*score.Judge // by variant
	open   map[*Alert]bool
	keys   []string // scratch

	rule, fact string     // of the score
	mu         sync.Mutex // held while a score is taken in
}

// ruleJudge judges one rule.
type ruleJudge struct {
	*score.Judge
	dim     int
	ranking *score.Ranking // nil: its events have no score
}

// amountField is where the amount stands among the fields.
const amountField = 0

// NewLabels returns a sink for runs of these variants.
func NewLabels(spec LabelSpec, variants []Variant) (*Labels, error) {
	l := &Labels{spec: spec, fields: []event.Path{spec.Amount}, entity: score.NoKey, types: map[string]bool{}, rules: map[*Rule]*ruleJudge{}, open: map[*Alert]bool{}}
	if len(spec.Amount) == 0 {
		l.fields[amountField] = event.Path{"amount"}
	}
	if len(spec.Entity) > 0 {
		l.entity = l.dim([]event.Path{spec.Entity})
	}
	for _, v := range variants {
		for _, r := range v.Set.Rules {
			l.dim(r.By)
			l.judgedOn(r)
		}
	}
	l.truth = score.NewTruth(spec.Labels, len(l.dims), spec.Options)
	for _, v := range variants {
		l.totals = append(l.totals, l.truth.NewJudge(l.common(v.Set)))
	}
	return l, l.findScore(variants)
}

// dim returns the number of a key's dimension, giving it one if it has none.
func (l *Labels) dim(by []event.Path) int {
	var at []int
	for _, p := range by {
		i := slices.IndexFunc(l.fields, func(q event.Path) bool { return slices.Equal(p, q) })
		if i < 0 {
			i = len(l.fields)
			l.fields = append(l.fields, p)
		}
		at = append(at, i)
	}
	for d, other := range l.dims {
		if slices.Equal(at, other) {
			return d
		}
	}
	l.dims = append(l.dims, at)
	return len(l.dims) - 1
}

// judgedOn notes the types of event that a rule is judged on.
func (l *Labels) judgedOn(r *rules.Rule) {
	if r.Events == nil {
		l.types = nil
	}
	for _, t := range r.Events {
		if l.types != nil {
			l.types[t] = true
		}
	}
}

// common returns the dimension at which a whole set is judged.
func (l *Labels) common(set *rules.Set) int {
	if l.entity != score.NoKey {
		return l.entity
	}
	common := score.NoKey
	for _, r := range set.Rules {
		if silent(r) {
			continue
		}
		d := l.dim(r.By)
		if common != score.NoKey && common != d {
			return score.NoKey
		}
		common = d
	}
	return common
}

// silent reports whether nobody is told of a rule's alerts: then it does not count for its set.
func silent(r *rules.Rule) bool { return r.Mode == "shadow" }

// findScore finds the fact that ranks.
func (l *Labels) findScore(variants []Variant) error {
	if l.spec.Score == "" {
		return nil
	}
	rule, fact, ok := strings.Cut(l.spec.Score, ".")
	if !ok {
		return fmt.Errorf("backtest: the score %q is not RULE.NAME", l.spec.Score)
	}
	l.rule, l.fact = rule, fact
	err := fmt.Errorf("backtest: the score %q: there is no rule %s", l.spec.Score, rule)
	for _, v := range variants {
		for _, r := range v.Set.Rules {
			if r.Name != rule {
				continue
			}
			if r.Fact(fact) >= 0 && r.OnEvent {
				return nil
			}
			err = fmt.Errorf("backtest: the score %q: the rule has %s", l.spec.Score, ranks(r))
		}
	}
	return err
}

// ranks says by what a rule's events could be ranked.
func ranks(r *rules.Rule) string {
	if !r.OnEvent || len(r.Facts) == 0 {
		return "nothing to rank events by: wanted is a fact of a rule that is judged on events"
	}
	names := make([]string, len(r.Facts))
	for i, f := range r.Facts {
		names[i] = f.Name
	}
	return "the facts " + strings.Join(names, ", ")
}

// Fields is what labels need of events: amounts and keys.
func (l *Labels) Fields() []event.Path { return l.fields }

// Event takes in an event of the history.
func (l *Labels) Event(e *Event) error {
	if l.types != nil && !l.types[e.Type()] {
		return nil
	}
	if e.Warmup {
		l.truth.PassBefore(e.ID())
		return nil
	}
	if id := e.ID(); id != "" && !l.truth.Wants(id) {
		l.truth.Pass(e.Time)
		return nil
	}
	l.truth.See(score.Event{ID: name(e.ID(), e.Position), Time: e.Time, Keys: l.keysOf(e.Value), Amount: amount(e.Value(amountField))})
	return nil
}

// name returns an event's id, or its position if it has none.
func name(id string, position func() string) string {
	if id != "" {
		return id
	}
	return position()
}

// amount returns a number, NaN if it is none.
func amount(v event.Value) float64 {
	if f, ok := v.Float64(); ok {
		return f
	}
	return math.NaN()
}

// keysOf returns an event's key in each dimension, "" where a part is missing. The list is used again for the next event.
func (l *Labels) keysOf(value func(int) event.Value) []string {
	l.keys = l.keys[:0]
	for d := range l.dims {
		l.keys = append(l.keys, l.keyOf(d, value))
	}
	return l.keys
}

func (l *Labels) keyOf(dim int, value func(int) event.Value) string {
	var parts Key
	for _, f := range l.dims[dim] {
		text, ok := event.AppendKey(nil, value(f))
		if !ok {
			return ""
		}
		parts = append(parts, string(text))
	}
	return parts.String()
}

// Fired takes in that a rule held on an event.
func (l *Labels) Fired(f *Firing) error {
	if f.Warmup || !f.OnEvent() {
		return nil
	}
	e := score.Event{ID: name(f.EventID, func() string { return f.Position }), Time: f.AsOf, Amount: amount(f.Value(amountField))}
	l.rules[f.Rule].Hit(e)
	if silent(f.Rule.Rule) {
		return nil
	}
	var entity string
	if l.entity != score.NoKey {
		entity = l.keyOf(l.entity, f.Value)
	}
	for _, v := range f.Rule.Variants {
		l.totals[v].Hit(e)
		if entity != "" {
			l.totals[v].Flag(entity, f.AsOf)
		}
	}
	return nil
}

// Opened waits for the alert's end.
func (l *Labels) Opened(a *Alert) error {
	if !a.Warmup {
		l.open[a] = true
	}
	return nil
}

// Resolved takes in an alert that is over.
func (l *Labels) Resolved(a *Alert) error {
	if !a.Warmup {
		delete(l.open, a)
		l.take(a)
	}
	return nil
}

// take takes in an alert that is over, or open at the end.
func (l *Labels) take(a *Alert) {
	j := l.rules[a.Rule]
	x := score.Alert{ID: a.ID, Dim: j.dim, Key: Key(a.Key).String(), From: a.Opened, Opened: a.Opened, To: math.MaxInt64}
	if a.Done {
		x.To = a.Resolved
	}
	if a.Window != nil {
		x.From = min(x.From, a.Window.Start)
	}
	j.Alert(x)
	if silent(a.Rule.Rule) {
		return
	}
	for _, v := range a.Rule.Variants {
		l.totals[v].Alert(x)
	}
}

// Watches says whether the rule is the one of the score. It is asked about each rule, so each has its judge.
func (l *Labels) Watches(r *Rule) bool {
	d := l.dim(r.By)
	l.rules[r] = &ruleJudge{Judge: l.truth.NewJudge(d), dim: d}
	if l.rule == "" || r.Name != l.rule || r.Fact(l.fact) < 0 {
		return false
	}
	l.rules[r].ranking = l.truth.NewRanking()
	return true
}

// Observe takes in the score of an event. Goroutines of several shards call it.
func (l *Labels) Observe(r *Rule, o *engine.Observation) {
	if o.Position == "" || o.Env.Rec == nil || o.AsOf < l.spec.From {
		return
	}
	v := o.Env.Facts[r.Fact(l.fact)]
	if v.IsMissing() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := score.Event{ID: name(o.Env.Rec.ID(), func() string { return o.Position }), Time: o.AsOf}
	l.rules[r].ranking.Score(e, amount(v))
}

// LabelResult says what was known of the history.
type LabelResult struct {
	Name       string         `json:"name"`              // the file
	Implied    bool           `json:"implied,omitempty"` // the file has no column for the verdict: each row is a positive
	Unlabelled string         `json:"unlabelled"`        // what an event without label counts as: unknown or negative
	Delay      int64          `json:"delay_ms"`          // how long after its event a label may come
	AsOf       Time           `json:"as_of"`             // what became known later is not known; null: all is known
	Coverage   score.Coverage `json:"coverage"`          // how labels and history meet
	Entity     string         `json:"entity,omitempty"`  // the field at whose keys a whole set of rules is judged
	Score      string         `json:"score,omitempty"`   // RULE.NAME: what events are ranked by
}

// Fill puts what came of the run that l was a sink of into its result.
func (l *Labels) Fill(res *Result) {
	for a := range l.open {
		l.take(a)
	}
	clear(l.open)
	o := l.spec.Options
	res.Labels = &LabelResult{Name: l.spec.Name, Implied: l.spec.Labels.Implied, Unlabelled: o.Unlabelled.String(), Delay: o.Delay, AsOf: NoTime,
		Coverage: l.truth.Coverage(), Entity: l.spec.Entity.String(), Score: l.spec.Score}
	if o.AsOf != score.Always {
		res.Labels.AsOf = Time(o.AsOf)
	}
	for r, j := range l.rules {
		f := j.Figures()
		if !r.OnEvent {
			f.Events = nil
		}
		for _, v := range r.Variants {
			x := res.Variants[v].rule(r.Name)
			if x == nil { // a point of a sweep lists the rule that is swept
				continue
			}
			x.Truth = &f
			if j.ranking != nil {
				ranked := j.ranking.Figures(l.spec.Top...)
				x.Ranking = &ranked
			}
		}
	}
	for v, j := range l.totals {
		f := j.Figures()
		res.Variants[v].Total.Truth = &f
	}
}

// rule returns what one rule came to, nil if it is not listed.
func (v *VariantResult) rule(name string) *RuleResult {
	i, ok := slices.BinarySearchFunc(v.Rules, name, func(r RuleResult, name string) int { return strings.Compare(r.Rule, name) })
	if !ok {
		return nil
	}
	return &v.Rules[i]
}
