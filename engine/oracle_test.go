package engine_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/rules"
)

// way is how a stream is cut up and spread: it must not change any result.
type way struct{ shards, batch int }

// fold runs a scenario through the engine and returns rows and lives as JSON lines.
func fold(tb rapid.TB, s oracle.Scenario, w way) (rows, lives []byte) {
	return foldAs(tb, s, w, func(*engine.Engine) {})
}

// foldAs is fold by an engine that tune has changed.
func foldAs(tb rapid.TB, s oracle.Scenario, w way, tune func(e *engine.Engine)) (rows, lives []byte) {
	return foldWith(tb, s, engine.Options{Shards: w.shards, Rows: true}, w.batch, tune)
}

// livesAlone returns the lives of an engine that writes no rows, and so need not judge what cannot be true.
func livesAlone(tb rapid.TB, s oracle.Scenario, w way) []byte {
	_, lives := foldWith(tb, s, engine.Options{Shards: w.shards}, w.batch, func(*engine.Engine) {})
	return lives
}

func foldWith(tb rapid.TB, s oracle.Scenario, o engine.Options, batch int, tune func(e *engine.Engine)) (rows, lives []byte) {
	set, err := rules.LoadBytes("rules.yml", []byte(s.RulesYAML), rules.Options{})
	if err != nil {
		tb.Fatalf("%v\n%s", err, s)
	}
	spec := engine.TimeSpec{ByTime: s.Options.ByTime, Disorder: s.Options.Disorder, Lateness: s.Options.Lateness}
	p, err := engine.NewPlan(set, event.Spec{}, spec, engine.NewUnits())
	if err != nil {
		tb.Fatalf("%v\n%s", err, s)
	}
	e := engine.New(p, o)
	tune(e)
	var all engine.Lives
	take := func(fx *engine.Effects, err error) {
		if err != nil {
			tb.Fatalf("%v\n%s", err, s)
		}
		for _, r := range fx.Rows {
			rows = append(rows, r...)
		}
		all.Add(fx.Changes)
	}
	n := e.Partition(event.Position{Stream: "events.jsonl"})
	for _, b := range batches(s.Lines, n, batch) {
		take(e.Step(b))
	}
	take(e.End(s.Options.Drain))
	return rows, all.Append(nil)
}

// batches cuts lines into batches of at most size lines, without those of white space only.
func batches(lines [][]byte, partition, size int) (out []*engine.Batch) {
	for i := 0; i < len(lines); i += size {
		b := &engine.Batch{Partition: partition}
		for k, l := range lines[i:min(i+size, len(lines))] {
			if len(bytes.TrimSpace(l)) == 0 {
				continue
			}
			at := len(b.Buf)
			b.Buf = append(append(b.Buf, l...), '\n')
			b.Lines = append(b.Lines, engine.Line{Start: at, End: at + len(l), Offset: int64(i + k + 1)})
		}
		out = append(out, b)
	}
	return out
}

func differ(tb rapid.TB, what string, want, got []byte, s oracle.Scenario) {
	diffs, err := oracle.Compare(want, got, 3)
	if err != nil {
		tb.Fatalf("%s: %v\n%s", what, err, s)
	}
	if len(diffs) > 0 {
		for _, d := range diffs {
			tb.Logf("%s: %s", what, d)
		}
		tb.Fatalf("%s", s)
	}
}

// TestOracle holds the engine against the brute force, whatever the shards and batches.
func TestOracle(t *testing.T) { againstOracle(t, oracle.Random) }

// TestOracleClocks does so for rules in time zones, while clocks are changed.
func TestOracleClocks(t *testing.T) { againstOracle(t, oracle.RandomClocks) }

func againstOracle(t *testing.T, draw func(*rapid.T) oracle.Scenario) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		w := way{rapid.SampledFrom([]int{1, 2, 7}).Draw(t, "shards"), rapid.SampledFrom([]int{1, 2, 5, 1000}).Draw(t, "batch")}
		want, err := s.Run()
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		rows, lives := fold(t, s, w)
		differ(t, "rows", oracle.WriteRows(want.Rows), rows, s)
		differ(t, "alerts", oracle.WriteAlerts(want.Alerts), lives, s)
		differ(t, "alerts without rows", oracle.WriteAlerts(want.Alerts), livesAlone(t, s, w), s)
	})
}
