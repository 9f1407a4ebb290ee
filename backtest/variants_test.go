package backtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/rules"
)

// evaluations writes down every evaluation, by variant, rule and key in order.
type evaluations struct {
	mu   sync.Mutex
	list map[string][]string
}

func (e *evaluations) Opened(*Alert) error   { return nil }
func (e *evaluations) Resolved(*Alert) error { return nil }
func (e *evaluations) Watches(*Rule) bool    { return true }

func (e *evaluations) Observe(r *Rule, o *engine.Observation) {
	text := fmt.Sprint(o.AsOf, o.Position, o.Fired, o.Abstained, o.Window)
	for _, f := range o.Env.Facts {
		text += fmt.Sprint(" ", f)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range r.Variants {
		k := fmt.Sprint(v, r.Name, o.Key)
		e.list[k] = append(e.list[k], text)
	}
}

// said is what a run says of each variant: its results, and every evaluation if looked is true.
func said(t rapid.TB, variants []Variant, o oracle.Options, lines []byte, looked bool) []string {
	t.Helper()
	h, err := OpenFiles([]string{"-"}, bytes.NewReader(lines), event.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	spec := &Spec{Time: engine.TimeSpec{ByTime: o.ByTime, Disorder: o.Disorder, Lateness: o.Lateness}, Drain: o.Drain, Variants: variants, Shards: 2}
	e := &evaluations{list: map[string][]string{}}
	if looked {
		spec.Sinks = append(spec.Sinks, e)
	}
	res, err := Run(context.Background(), spec, h)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for v := range res.Variants {
		text, err := json.MarshalIndent(&res.Variants[v].Rules, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for k := range e.list {
			if strings.HasPrefix(k, fmt.Sprint(v)) {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			text = fmt.Append(text, "\n", k[len(fmt.Sprint(v)):], "\n", strings.Join(e.list[k], "\n"))
		}
		out = append(out, string(text))
	}
	return out
}

// TestVariantsApart folds random sets of rules together and each alone: no rule's results depend on other variants.
func TestVariantsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := oracle.Random(t), oracle.Random(t)
		one, err := rules.LoadBytes("a.yml", []byte(a.RulesYAML), rules.Options{})
		if err != nil {
			t.Fatal(err)
		}
		two, err := rules.LoadBytes("b.yml", []byte(b.RulesYAML), rules.Options{Like: one})
		if err != nil {
			t.Fatal(err)
		}
		variants := []Variant{{Name: "a", Role: Today, Set: one}, {Name: "b", Role: Against, Set: two}}
		lines := append(bytes.Join(a.Lines, []byte("\n")), '\n')
		looked := rapid.Bool().Draw(t, "looked")
		i := rapid.IntRange(0, 1).Draw(t, "variant")
		got, want := said(t, variants, a.Options, lines, looked)[i], said(t, variants[i:i+1], a.Options, lines, looked)[0]
		if got != want {
			t.Fatalf("%s with\n%s\nvariant %s beside the other one: %s\n%s\nalone\n%s", a, b.RulesYAML, variants[i].Name, differ(got, want), got, want)
		}
	})
}

// swept has a param in every place where one can stand.
const swept = `
tables:
  credit:
    key: k
    on:
      B: {lim: x, n: += 1}
rules:
  in-when:
    event: A
    by: k
    params: {p: 2}
    let:
      n: count over 3s
      s: sum(x) over 3s
      twice: n * p
      more: twice + 1
    when: (n >= p and s > p) or (credit.n > p and more > 9)
  in-where:
    event: [A, B]
    by: k
    params: {p: 2}
    where: x != p
    let: {n: count over 2s, prev: previous over 5s, others: count over 2s by g}
    when: n > 1 and (prev.x ?? 0) < p + others
    for: 500ms
  in-window:
    event: A
    by: k
    params: {p: 2}
    let: {n: "count where x > p each 1s", past: mean(count each 1s) over 3s}
    on: [event, close]
    when: n > past
  first:
    event: A
    by: k
    params: {p: 2}
    let: {n: count over 1s, d: distinct(s) over 5s}
    when: n > p and d > 1
    cooldown: 2s
`

// TestPointsApart folds the points of a sweep together and each alone.
func TestPointsApart(t *testing.T) {
	set := load(t, swept, rules.Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		rule := rapid.SampledFrom([]string{"in-when", "in-where", "in-window", "first"}).Draw(t, "rule")
		sweep, err := ParseSweep(rule + ".p=0..4")
		if err != nil {
			t.Fatal(err)
		}
		points, err := Points(set, sweep)
		if err != nil {
			t.Fatal(err)
		}
		variants := append([]Variant{{Name: "rules", Role: Today, Set: set}}, points...)
		lines := append(bytes.Join(s.Lines, []byte("\n")), '\n')
		looked := rapid.Bool().Draw(t, "looked")
		i := rapid.IntRange(0, len(variants)-1).Draw(t, "variant")
		got, want := said(t, variants, s.Options, lines, looked)[i], said(t, variants[i:i+1], s.Options, lines, looked)[0]
		if got != want {
			t.Fatalf("%s\nvariant %s beside the others: %s\n%s\nalone\n%s", s, variants[i].Name, differ(got, want), got, want)
		}
	})
}

// differ is the first line in which two texts differ.
func differ(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is %q, alone %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, alone %d", len(g), len(w))
}
