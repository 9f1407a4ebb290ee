package main

import (
	"fmt"

	"kelpie/engine"
	"kelpie/traffic"
)

// noAllocation is up to how many objects per event count as none: what a batch of 9,000 events needs as a whole.
const noAllocation = 0.01

// steadyStudy counts what Step allocates once all keys are known and every window has been full: while nothing is
// found, since an alert is an allocation.
func steadyStudy(l *lab) ([]row, error) {
	st, err := newSteady(l)
	if err != nil {
		return nil, err
	}
	j := &job{in: st.in, before: st.restart, run: st.rest, events: st.in.count - st.warm}
	all, err := l.turns(l.Runs, j)
	if err != nil {
		return nil, err
	}
	r := commonRow("objects that Step allocates per event, nothing being found", all[0])
	r.Figure = fmt.Sprintf("%.4f", r.Allocs)
	r.Goal, r.Met = "0", r.Allocs < noAllocation
	return []row{r}, nil
}

// steady is an engine in the middle of a stream in which nothing is found.
type steady struct {
	in      *input
	plan    *engine.Plan
	cores   int
	engine  *engine.Engine
	batches []*engine.Batch
	next    int
	warm    int // events in the first half of the batches
}

func newSteady(l *lab) (*steady, error) {
	c := traffic.Config{Seed: 4, Events: l.Events, Customers: l.Customers / 10, Flat: true,
		Disorder: traffic.Disorder{Share: 0.05}}
	in, err := load(l.dir, fmt.Sprintf("steady-%d-%d", l.Events, l.Customers), c.Over(6*hour))
	if err != nil {
		return nil, err
	}
	st := &steady{in: in, cores: l.Cores}
	if st.plan, err = plan(foundingRules, engine.NewUnits()); err != nil {
		return nil, err
	}
	for cut, b := (&cutter{data: in.data}), new(engine.Batch); cut.next(b); b = new(engine.Batch) {
		st.batches = append(st.batches, b)
	}
	for _, b := range st.batches[:len(st.batches)/2] {
		st.warm += len(b.Lines)
	}
	return st, nil
}

// restart folds the first half with a new engine.
func (st *steady) restart() error {
	st.engine = engine.New(st.plan, engine.Options{Shards: st.cores, Seed: 1})
	st.next = 0
	part := st.engine.Partition(position)
	for _, b := range st.batches {
		b.Partition = part
	}
	return st.upTo(len(st.batches) / 2)
}

// rest folds the second half.
func (st *steady) rest() error { return st.upTo(len(st.batches)) }

func (st *steady) upTo(n int) error {
	for ; st.next < n; st.next++ {
		if _, err := st.engine.Step(st.batches[st.next]); err != nil {
			return err
		}
	}
	return nil
}
