package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kelpie/backtest"
	"kelpie/event"
	"kelpie/rules"
)

const ruleset = `
rules:
  burst:
    event: Tried
    by: who
    params: {most: 3}
    let: {tries: count over 1m}
    when: tries > most
  far:
    event: Tried
    by: who
    when: place == "away"
`

// history is tries of five keys: customer-n tries n times in a row.
func history() string {
	var b strings.Builder
	for who := 1; who <= 5; who++ {
		for i := range who {
			fmt.Fprintf(&b, `{"type":"Tried","time":"2026-01-01T10:%02d:%02dZ","id":"e%d-%d","who":"customer-%d","place":"away"}`+"\n", who*5, i, who, i, who)
		}
	}
	return b.String()
}

func run(t *testing.T, shards int, today, against string) *backtest.Changes {
	t.Helper()
	load := func(text string, like *rules.Set) *rules.Set {
		set, err := rules.LoadBytes("rules.yml", []byte(text), rules.Options{Like: like})
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	set := load(today, nil)
	variants := []backtest.Variant{{Name: "rules", Role: backtest.Today, Set: set}, {Name: "against", Role: backtest.Against, Set: load(against, set)}}
	c := New(variants)
	h, err := backtest.OpenFiles([]string{"-"}, strings.NewReader(history()), event.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := backtest.Run(context.Background(), &backtest.Spec{Variants: variants, Shards: shards, Sinks: []backtest.Sink{c}}, h)
	if err != nil {
		t.Fatal(err)
	}
	c.Fill(res)
	return res.Changes
}

// TestChanged lowers a threshold: one key more is caught, the others sooner, which makes no difference.
func TestChanged(t *testing.T) {
	c := run(t, 1, strings.Replace(ruleset, "most: 3", "most: 2", 1), ruleset)
	if c.Equal != 1 || len(c.Rules) != 1 || c.Both != 2+15 || c.OnlyToday != 1 || c.OnlyAgainst != 0 {
		t.Fatalf("in all %+v", c)
	}
	r := c.Rules[0]
	if r.Rule != "burst" || r.Kind != "changed" || r.Both != 2 || r.OnlyToday != 1 || r.KeysBoth != 2 || r.KeysToday != 1 || fmt.Sprint(r.TopToday) != "[{customer-3 1}]" {
		t.Errorf("burst: %+v", r)
	}
	if len(r.Samples) != 1 {
		t.Fatalf("the samples are %+v", r.Samples)
	}
	s := r.Samples[0]
	if s.Only != "today" || s.Key.String() != "customer-3" || s.Event != "e3-2" || !s.Today.Held || s.Against.Held || string(s.Against.Values) != `{"tries":3}` ||
		strings.Join(s.Against.Lines, ";") != "tries = 3;  no       tries > most   (tries = 3)" {
		t.Errorf("the sample is %+v", s)
	}
	other := run(t, 1, ruleset, strings.Replace(ruleset, "most: 3", "most: 2", 1))
	if r := other.Rules[0]; r.OnlyAgainst != 1 || r.OnlyToday != 0 || r.Both != 2 || len(r.Samples) != 1 || r.Samples[0].Only != "against" {
		t.Errorf("the other way round burst is %+v", r)
	}
}

// TestAddedAndRemoved has rules that only one of the sets has.
func TestAddedAndRemoved(t *testing.T) {
	c := run(t, 2, ruleset, strings.Replace(ruleset, "far:", "gone:", 1))
	if c.Equal != 1 || len(c.Rules) != 2 || c.Rules[0].Kind != "added" || c.Rules[1].Kind != "removed" || c.OnlyToday != 15 || c.OnlyAgainst != 15 || c.Both != 2 {
		t.Errorf("in all %+v", c)
	}
}

// TestShards wants the same from any number of shards.
func TestShards(t *testing.T) {
	var first []byte
	for shards := 1; shards <= 4; shards++ {
		b, err := json.Marshal(run(t, shards, strings.Replace(ruleset, "most: 3", "most: 1", 1), ruleset))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if string(first) != string(b) {
			t.Errorf("%d shards: %s, want %s", shards, b, first)
		}
	}
}

// TestNothingCompared has no rules to compare with.
func TestNothingCompared(t *testing.T) {
	if New([]backtest.Variant{{Role: backtest.Today}}) != nil {
		t.Error("there is a comparer")
	}
}
