// Package explain says of every evaluation of a rule, for one key or on one event of a history, why it held or not: with
// the values, and with the part of the condition that was false.
package explain

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"kelpie/backtest"
	"kelpie/engine"
	"kelpie/engine/whynot"
	"kelpie/rules"
)

// most is how many evaluations of one rule and key are kept: more than anybody reads.
const most = 500

// Explainer is a Sink that watches today's rules.
type Explainer struct {
	of   string
	rule string // the only one that is watched; "": all
	from int64  // what is before is warm-up, ms; 0: nothing is

	mu    sync.Mutex
	rules map[*backtest.Rule]*whynot.Rule
	found []found
	kept  map[place]int
	more  int64
	ids   map[opening]string
	set   *rules.Set
}

// found is an evaluation with what puts it in order.
type found struct {
	backtest.Evaluation
	seq uint64
}

type place struct {
	rule *backtest.Rule
	key  string
}

type opening struct {
	rule, key string
	asOf      backtest.Time
	position  string
}

// New returns a sink for runs whose first variant holds the set. of is a key (of several parts: with commas between them,
// or as a list in JSON), the id of an event, or its position; rule is the rule that is watched, "" for all.
func New(of, rule string, set *rules.Set, from int64) (*Explainer, error) {
	if rule != "" && set.Rule(rule) == nil {
		var names []string
		for _, r := range set.Rules {
			names = append(names, r.Name)
		}
		return nil, fmt.Errorf("explain: there is no rule %s; there are %s", rule, strings.Join(names, ", "))
	}
	return &Explainer{of: of, rule: rule, from: from, set: set, rules: map[*backtest.Rule]*whynot.Rule{}, kept: map[place]int{}, ids: map[opening]string{}}, nil
}

// Watches implements backtest.Observer.
func (x *Explainer) Watches(r *backtest.Rule) bool {
	if r.Variants[0] != 0 || x.rule != "" && r.Name != x.rule {
		return false
	}
	x.rules[r] = whynot.New(x.set, x.set.Rule(r.Name))
	return true
}

// Observe implements backtest.Observer.
func (x *Explainer) Observe(r *backtest.Rule, o *engine.Observation) {
	id := ""
	if o.Env.HasEvent && o.Env.Rec != nil && o.Position != "" {
		id = o.Env.Rec.ID()
	}
	if x.of != id && x.of != o.Position && !x.isKey(o.Key) || x.of == "" {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	at := place{r, strings.Join(o.Key, "\x00")}
	if x.kept[at] == most {
		x.more++
		return
	}
	x.kept[at]++
	x.found = append(x.found, found{x.evaluation(r, o, strings.Clone(id)), o.Seq})
}

// isKey reports whether a key is the one that is asked for.
func (x *Explainer) isKey(key []string) bool {
	switch {
	case len(key) == 1:
		return key[0] == x.of
	case len(key) == 0:
		return false
	}
	return strings.Join(key, ", ") == x.of || strings.Join(key, ",") == x.of || string(engine.AppendKeyJSON(nil, key)) == x.of
}

func (x *Explainer) evaluation(r *backtest.Rule, o *engine.Observation, id string) backtest.Evaluation {
	why := x.rules[r]
	e := backtest.Evaluation{Rule: r.Name, Key: slices.Clone(o.Key), Time: backtest.Time(o.AsOf), Event: id, Position: o.Position,
		Warmup: x.from != 0 && o.AsOf < x.from, Held: o.Fired, Abstained: o.Abstained, Values: whynot.Object(why.Values(o.Env))}
	if o.Window != nil {
		e.Window = &backtest.SpanResult{Start: backtest.Time(o.Window.Start), End: backtest.Time(o.Window.End)}
	}
	parts, _ := why.Parts(o.Env)
	e.Lines = append(e.Lines, whynot.ValuesText(why.Values(o.Env)))
	for i := range parts {
		e.Lines = append(e.Lines, "  "+parts[i].Text())
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(parts) == nil { // they are JSON already
		e.Condition = bytes.TrimSpace(b.Bytes())
	}
	return e
}

// Opened implements backtest.Sink: it notes where alerts opened.
func (x *Explainer) Opened(a *backtest.Alert) error {
	if a.Rule.Variants[0] == 0 && (x.rule == "" || x.rule == a.Rule.Name) && (x.isKey(a.Key) || x.of == a.EventID || x.of == a.Position) {
		x.ids[opening{a.Rule.Name, backtest.Key(a.Key).String(), backtest.Time(a.Opened), a.Position}] = a.ID
	}
	return nil
}

// Resolved implements backtest.Sink.
func (x *Explainer) Resolved(*backtest.Alert) error { return nil }

// Fill puts what was found into the result of the run.
func (x *Explainer) Fill(res *backtest.Result) {
	slices.SortStableFunc(x.found, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.seq, b.seq), cmp.Compare(a.Rule, b.Rule), slices.Compare(a.Key, b.Key), cmp.Compare(start(a), start(b)))
	})
	out := &backtest.Explained{Of: x.of, More: x.more, Evaluations: []backtest.Evaluation{}}
	for _, f := range x.found {
		f.Alert = x.ids[opening{f.Rule, f.Key.String(), f.Time, f.Position}]
		out.Evaluations = append(out.Evaluations, f.Evaluation)
	}
	res.Explained = out
}

func start(f found) backtest.Time {
	if f.Window == nil {
		return backtest.NoTime
	}
	return f.Window.Start
}
