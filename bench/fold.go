package main

import (
	"kelpie/engine"
	"kelpie/event"
)

// position is the partition that the events of memory and files are of.
var position = event.Position{Stream: "events.jsonl"}

// foldMemory folds an input without keeping anything on disk, as a backtest does.
func foldMemory(in *input, p *engine.Plan, shards int) error {
	e := engine.New(p, engine.Options{Shards: shards, Seed: 1})
	part := e.Partition(position)
	f := feedLines(in.data)
	defer f.stop()
	for b := range f.full {
		b.Partition = part
		if _, err := e.Step(b); err != nil {
			return err
		}
		f.free <- b
	}
	_, err := e.End(false)
	return err
}

// feed cuts an input into batches in a goroutine of its own, as sources do.
type feed struct {
	full, free chan *engine.Batch
	quit       chan struct{}
}

// readAhead is how many batches a feed is ahead at most.
const readAhead = 2

func feedLines(data []byte) *feed {
	f := &feed{make(chan *engine.Batch, readAhead), make(chan *engine.Batch, readAhead+2), make(chan struct{})}
	for range readAhead + 2 {
		f.free <- &engine.Batch{}
	}
	go func() {
		defer close(f.full)
		l := lines{data: data}
		for {
			b := <-f.free
			if !l.next(b) {
				return
			}
			select {
			case f.full <- b:
			case <-f.quit:
				return
			}
		}
	}()
	return f
}

// stop ends the goroutine.
func (f *feed) stop() { close(f.quit) }
