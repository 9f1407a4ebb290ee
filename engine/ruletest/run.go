// Package ruletest runs the tests that stand beside rules, with the engine itself, and says why one failed: what was
// expected beside what opened, and for an opening that is missing why the rule did not fire.
//
// Each test has an engine of its own that knows only the rule under test (a rule's results never depend on which other
// rules are loaded). The stream is drained at the end, unless the test says `until:`: then it is looked at as of that
// time, so later events are not folded and the watermark ends there.
package ruletest

import (
	"fmt"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// Options are what tests share: they come from the configuration.
type Options struct {
	Event event.Spec
	Time  engine.TimeSpec // what a test does not say itself
}

// Runner runs tests of one set. It is not safe for concurrent use.
type Runner struct {
	set   *rules.Set
	o     Options
	plans map[planKey]*engine.Plan
}

type planKey struct {
	rule string
	time engine.TimeSpec
}

// New returns a runner for the tests of a set.
func New(set *rules.Set, o Options) *Runner {
	return &Runner{set: set, o: o, plans: map[planKey]*engine.Plan{}}
}

// Run runs one test of the set. The error is that of the engine, not of the test.
func (r *Runner) Run(t *rules.Test) (*Result, error) {
	p, err := r.plan(t)
	if err != nil {
		return nil, fmt.Errorf("ruletest: %s: %w", t.At, err)
	}
	x := &execution{test: t, rule: r.set.Rule(t.Rule), plan: p}
	if err := x.run(nil); err != nil {
		return nil, fmt.Errorf("ruletest: %s: %w", t.At, err)
	}
	res := &Result{Test: t, Rule: x.rule, Problems: x.problems}
	res.compare(x.openings)
	if res.Passed() || len(x.problems) > 0 {
		return res, nil
	}
	if err := r.explain(res, x); err != nil {
		return nil, fmt.Errorf("ruletest: %s: %w", t.At, err)
	}
	return res, nil
}

// plan returns the plan for the test's rule alone under the test's settings of time.
func (r *Runner) plan(t *rules.Test) (*engine.Plan, error) {
	k := planKey{t.Rule, r.o.Time}
	switch t.Order {
	case "arrival":
		k.time.ByTime = false
	case "time":
		k.time.ByTime = true
	}
	if t.HasDisorder {
		k.time.Disorder = t.Disorder
	}
	if t.HasLateness {
		k.time.Lateness = t.Lateness
	}
	if p := r.plans[k]; p != nil {
		return p, nil
	}
	alone := *r.set
	alone.Rules = []*rules.Rule{r.set.Rule(t.Rule)}
	p, err := engine.NewPlan(&alone, r.o.Event, k.time, engine.NewUnits())
	if err == nil {
		r.plans[k] = p
	}
	return p, err
}

// execution is one run of a test.
type execution struct {
	test     *rules.Test
	rule     *rules.Rule
	plan     *engine.Plan
	openings []*Opening
	problems []string
	open     map[string]*Opening // by the alert's id
}

// stream is how the events of a test are called in positions: the third one is given:3.
const stream = "given"

// run folds the test's events. observe is told of every evaluation; it may be nil.
func (x *execution) run(observe func(*engine.Observation)) error {
	x.openings, x.problems, x.open = nil, nil, map[string]*Opening{}
	e := engine.New(x.plan, engine.Options{Shards: 1, Seed: 1, Observe: observe})
	b := &engine.Batch{Partition: e.Partition(event.Position{Stream: stream, Kind: event.FilePosition})}
	dec, err := event.NewDecoder(x.plan.Schema)
	if err != nil {
		return err
	}
	var rec event.Record
	for i, g := range x.test.Given {
		if no := dec.Decode(g.JSON, &rec); no != nil {
			x.problems = append(x.problems, fmt.Sprintf("%s: this event is refused: %v", g.At, no))
			continue
		}
		if x.test.Until != 0 && rec.Time > x.test.Until {
			continue
		}
		start := len(b.Buf)
		b.Buf = append(b.Buf, g.JSON...)
		b.Lines = append(b.Lines, engine.Line{Start: start, End: len(b.Buf), Offset: int64(i + 1)})
	}
	if err := x.take(e.Step(b)); err != nil {
		return err
	}
	if err := x.take(e.End(x.test.Until == 0)); err != nil || x.test.Until == 0 {
		return err
	}
	return x.take(e.Tick(x.test.Until))
}

// take notes which alerts opened and resolved.
func (x *execution) take(fx *engine.Effects, err error) error {
	if err != nil {
		return err
	}
	for i := range fx.Changes {
		c := &fx.Changes[i]
		switch c.Kind {
		case engine.Opened:
			o := newOpening(c)
			x.openings = append(x.openings, o)
			x.open[c.ID] = o
		case engine.Resolved:
			if o := x.open[c.ID]; o != nil {
				at := c.At
				o.resolved = &at
				delete(x.open, c.ID)
			}
		}
	}
	return nil
}
