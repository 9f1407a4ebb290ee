package explain

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"kelpie/backtest"
	"kelpie/event"
	"kelpie/rules"
)

// TestMost keeps the first evaluations of a key that has very many, however many shards there are, and finds a key of two
// parts in each way of writing it.
func TestMost(t *testing.T) {
	set, err := rules.LoadBytes("rules.yml", []byte(`
rules:
  burst:
    event: Tried
    by: [who, what]
    let: {tries: count over 1h}
    when: tries > 1000
`), rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range most + 10 {
		fmt.Fprintf(&b, `{"type":"Tried","time":"2026-01-01T10:00:00.%03dZ","id":"e%d","who":"ann","what":"x"}`+"\n", i, i)
	}
	for _, of := range []string{"ann, x", "ann,x", `["ann","x"]`} {
		for _, shards := range []int{1, 3} {
			x, err := New(of, "burst", set, 0)
			if err != nil {
				t.Fatal(err)
			}
			h, err := backtest.OpenFiles([]string{"-"}, strings.NewReader(b.String()), event.Spec{})
			if err != nil {
				t.Fatal(err)
			}
			res, err := backtest.Run(context.Background(), &backtest.Spec{Shards: shards, Sinks: []backtest.Sink{x},
				Variants: []backtest.Variant{{Name: "rules", Role: backtest.Today, Set: set}}}, h)
			if err != nil {
				t.Fatal(err)
			}
			x.Fill(res)
			e := res.Explained
			if len(e.Evaluations) != most || e.More != 10 || e.Evaluations[most-1].Event != fmt.Sprintf("e%d", most-1) || string(e.Evaluations[1].Values) != `{"tries":2}` {
				t.Errorf("%s with %d shards: %d evaluations and %d more", of, shards, len(e.Evaluations), e.More)
			}
		}
	}
}
