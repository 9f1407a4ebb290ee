package engine_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
)

// TestFactsNowOracle holds the facts of every key, as the API reads them from the state, against the brute force.
func TestFactsNowOracle(t *testing.T) { factsNowAgainstOracle(t, oracle.Random) }

// TestFactsNowOracleClocks does so for rules in time zones, while clocks are changed.
func TestFactsNowOracleClocks(t *testing.T) { factsNowAgainstOracle(t, oracle.RandomClocks) }

func factsNowAgainstOracle(t *testing.T, draw func(*rapid.T) oracle.Scenario) {
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t)
		s.Options.Drain = false
		limited := rapid.IntRange(0, 3).Draw(t, "limited") == 0
		if limited {
			s.Options.Limit, s.Options.Sketch = rapid.IntRange(1, 4).Draw(t, "limit"), sketched
		}
		want, err := s.Run()
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		d := newDurable(t, s, way{rapid.SampledFrom([]int{1, 2, 7}).Draw(t, "shards"), rapid.SampledFrom([]int{1, 3, 10, 1000}).Draw(t, "batch")})
		defer d.store.Close()
		if limited {
			d.tune = func(e *engine.Engine) {
				e.SetLimit(s.Options.Limit, 0)
				e.SetGrain()
			}
		}
		d.recover()
		for _, b := range d.all {
			d.take(d.engine.Step(b))
			if rapid.Bool().Draw(t, "commit") {
				d.commit()
			}
		}
		d.take(d.engine.End(false))
		d.commit()
		units, err := engine.LoadUnits(d.store)
		if err != nil {
			t.Fatal(err)
		}
		p := planOf(d, s, units)
		for _, n := range want.Now {
			f, err := engine.FactsOf(p, d.store, n.Rule, n.Key, d.tune)
			if err != nil {
				t.Fatalf("%v\n%s", err, s)
			}
			if !f.Known {
				continue // nothing of it can be seen any more
			}
			seen++
			differ(t, "facts now", factsLine(n.Rule, n.Key, named(n.Values), n.Approx, n.Inexact), factsLine(f.Rule, f.Key, f.Values, f.Approx, f.Inexact), s)
		}
	})
	if seen == 0 {
		t.Error("no facts were seen")
	}
}

func named(values []oracle.Named) (out []engine.NamedValue) {
	for _, v := range values {
		out = append(out, engine.NamedValue{Name: v.Name, Value: v.Value})
	}
	return out
}

// factsLine writes facts as JSON, to be compared.
func factsLine(rule string, key []string, values []engine.NamedValue, approx, inexact []string) []byte {
	all := map[string]json.RawMessage{}
	for _, v := range values {
		all[v.Name] = event.AppendJSON(nil, v.Value)
	}
	b, err := json.Marshal(map[string]any{"rule": rule, "key": key, "values": all, "approx": approx, "inexact": inexact})
	if err != nil {
		panic(err)
	}
	return b
}
