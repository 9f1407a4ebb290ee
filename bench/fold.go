package main

import (
	"fmt"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/traffic"
)

// events are the stream of most studies.
func (l *lab) events() (*input, error) {
	return load(l.dir, fmt.Sprintf("events-%d-%d", l.Events, l.Customers), traffic.Bench(1, l.Events, l.Customers))
}

// foldStudy folds JSON lines without keeping anything on disk, as a backtest does.
func foldStudy(l *lab) ([]row, error) {
	in, err := l.events()
	if err != nil {
		return nil, err
	}
	j, err := l.memoryJob(in, foundingRules)
	if err != nil {
		return nil, err
	}
	all, err := l.turns(l.Runs, j)
	if err != nil {
		return nil, err
	}
	return []row{rateRow("JSON lines in memory, five rules", all[0], 2.5e6)}, nil
}

// position is the partition that events from memory are of.
var position = event.Position{Stream: "events.jsonl"}

// memoryJob folds an input by rules, each time from an empty state.
func (l *lab) memoryJob(in *input, rules string) (*job, error) {
	p, err := plan(rules, engine.NewUnits())
	if err != nil {
		return nil, err
	}
	return &job{in: in, run: func() error {
		e := engine.New(p, engine.Options{Shards: l.Cores, Seed: 1})
		part := e.Partition(position)
		err := newFeed(in.data, 0).each(func(b *engine.Batch) error {
			b.Partition = part
			_, err := e.Step(b)
			return err
		})
		if err != nil {
			return err
		}
		_, err = e.End(false)
		return err
	}}, nil
}
