package engine_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/state"
)

// drawRepeats draws a scenario whose lines come again, now and later, with its settings.
func drawRepeats(t *rapid.T) oracle.Scenario {
	s := oracle.Random(t)
	s.Options.Dedupe = rapid.SampledFrom([]int64{5_000, 1, 500, 1_000, 20_000, 1_000_000}).Draw(t, "dedupe")
	s.Options.IDs = rapid.SampledFrom([]int{1_000_000, 1, 3, 10}).Draw(t, "ids")
	var lines [][]byte
	for i, l := range s.Lines {
		lines = append(lines, l)
		for range rapid.IntRange(0, 1).Draw(t, "again") {
			lines = append(lines, s.Lines[rapid.IntRange(max(0, i-8), i).Draw(t, "which")])
		}
	}
	s.Lines = lines
	return s
}

func dedupeOf(s oracle.Scenario) []engine.Dedupe {
	return []engine.Dedupe{{Name: "another", Span: 1, IDs: 1}, {Name: "shop", Span: s.Options.Dedupe, IDs: s.Options.IDs}}
}

// foldWithStops folds a scenario, and now and then commits and goes on with another engine.
func foldWithStops(t *rapid.T, s oracle.Scenario, w way) result {
	store, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1, Cache: 1 << 20, MemTable: 1 << 20, PageSize: smallPage})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var r recorder
	var e *engine.Engine
	part := 0
	take := func(fx *engine.Effects, err error) {
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		r.take(fx)
	}
	start := func(from, read int64) {
		units, err := engine.LoadUnits(store)
		if err != nil {
			t.Fatal(err)
		}
		e, err = engine.Recover(planOf(t, s, units), units, store, engine.Options{Shards: w.shards, Rows: true, Dedupe: dedupeOf(s)})
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		part = e.Partition(event.Position{Stream: "events.jsonl", Kind: event.FilePosition})
		for _, b := range batches(s.Lines[:read], part, 1) { // what waited waits again
			if len(b.Lines) > 0 && b.Lines[0].Offset >= e.Next(part) {
				b.Source = "shop"
				take(e.Step(b))
			}
		}
	}
	start(0, 0)
	for _, b := range batches(s.Lines, part, w.batch) {
		b.Partition, b.Source = part, "shop"
		take(e.Step(b))
		if rapid.IntRange(0, 5).Draw(t, "stop") > 0 {
			continue
		}
		p := e.Flush()
		if err := store.Commit(p.Batch, false); err != nil {
			t.Fatal(err)
		}
		e.Committed(p)
		if n := len(b.Lines); n > 0 && rapid.Bool().Draw(t, "start again") {
			start(e.Next(part), b.Lines[n-1].Offset)
		}
	}
	take(e.End(s.Options.Drain))
	return r.result()
}

// TestDedupe holds events that come again against the brute force, in both orders, whatever the shards and batches, and
// with stops in between.
func TestDedupe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawRepeats(t)
		want, err := s.Run()
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		w := way{rapid.SampledFrom([]int{1, 2, 7}).Draw(t, "shards"), rapid.SampledFrom([]int{1, 2, 5, 1000}).Draw(t, "batch")}
		got := foldWithStops(t, s, w)
		differ(t, "rows", oracle.WriteRows(want.Rows), got.rows, s)
		differ(t, "alerts", oracle.WriteAlerts(want.Alerts), got.lives, s)
	})
}

// TestDedupeStored wants no more ids in the store than are known, and a chunk, however many have come; and none of a source
// of which nobody wants to know them any more.
func TestDedupeStored(t *testing.T) {
	store, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1, Cache: 1 << 20, MemTable: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := oracle.Scenario{RulesYAML: "rules: {r: {event: A, by: k, let: {n: count over 1m}, when: n > 1}}"}
	commit := func(e *engine.Engine) (chunks, stored int) {
		p := e.Flush()
		if err := store.Commit(p.Batch, false); err != nil {
			t.Fatal(err)
		}
		e.Committed(p)
		err := store.IDs("shop", func(_ uint64, v []byte) error {
			chunks, stored = chunks+1, stored+len(v)/idBytes
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return chunks, stored
	}
	open := func(all ...engine.Dedupe) *engine.Engine {
		units, err := engine.LoadUnits(store)
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.Recover(planOf(t, s, units), units, store, engine.Options{Dedupe: all})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open(engine.Dedupe{Name: "shop", Span: 10_000, IDs: 1_000_000})
	var lines [][]byte
	for i := range 6_000 { // a thousand of them are known at a time
		lines = append(lines, fmt.Appendf(nil, `{"type":"A","time":%d,"id":"e%d","k":"x"}`, 1_700_000_000_000+10*i, i))
	}
	for i, b := range batches(lines, e.Partition(event.Position{Stream: "events.jsonl"}), 37) {
		b.Source = "shop"
		if _, err := e.Step(b); err != nil {
			t.Fatal(err)
		}
		if chunks, stored := commit(e); chunks == 0 || chunks > 7 || stored > 1_700 {
			t.Fatalf("after commit %d: %d chunks with about %d ids", i, chunks, stored)
		}
	}
	if chunks, _ := commit(open()); chunks != 0 {
		t.Errorf("%d chunks of a source whose ids are not wanted any more", chunks)
	}
}

// idBytes is about what an id takes in a chunk.
const idBytes = 19
