package backtest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"kelpie/backtest/score"
	"kelpie/event"
	"kelpie/rules"
)

// large and busy are two rules of one key, and a third that only ranks.
const large = `
rules:
  large:
    event: Paid
    by: who
    when: amount > 50
  busy:
    event: Paid
    by: shop
    let: {paid: count over 1h}
    when: paid > 2
  rank:
    event: Paid
    by: who
    mode: shadow
    let: {paid: sum(amount) over 1h}
    when: paid > 1000
`

func paid(minute, id int, who, shop string, amount int) string {
	return fmt.Sprintf(`{"type":"Paid","time":"2026-01-01T10:%02d:00Z","id":"e%d","who":%q,"shop":%q,"amount":%d}`+"\n", minute, id, who, shop, amount)
}

// labelled runs rules over payments of which e2 and e4 were fraud.
func labelled(t *testing.T, spec LabelSpec, labels string, shards int) *Result {
	t.Helper()
	var err error
	if spec.Labels, err = score.ReadLabels(strings.NewReader(labels), "labels.csv", score.Columns{}); err != nil {
		t.Fatal(err)
	}
	variants := []Variant{{Name: "rules", Role: Today, Set: load(t, large, rules.Options{})}}
	l, err := NewLabels(spec, variants)
	if err != nil {
		t.Fatal(err)
	}
	lines := paid(1, 1, "ann", "s", 10) + paid(2, 2, "ann", "s", 60) + paid(3, 3, "bob", "s", 20) + paid(4, 4, "cid", "t", 30) + paid(5, 5, "cid", "t", 70)
	res := backtest(t, &Spec{Variants: variants, Shards: shards, Sinks: []Sink{l}}, lines)
	l.Fill(res)
	return res
}

func TestLabels(t *testing.T) {
	for _, shards := range []int{1, 3} {
		res := labelled(t, LabelSpec{Entity: event.Path{"who"}, Score: "rank.paid", Top: []int{2}}, "id,fraud\ne2,1\ne4,1\ne5,0\ne9,1\n", shards)
		if c := res.Labels.Coverage; c.Events != 5 || c.Positive != 2 || c.Unmet != 1 {
			t.Errorf("coverage: %+v", c)
		}
		x := res.Variants[0].rule("large").Truth
		if e := x.Events; e.TruePositives != 1 || e.FalsePositives != 1 || e.FalseNegatives != 1 || x.Money != (score.Money{Caught: 60, Missed: 30, Mistaken: 70}) {
			t.Errorf("large: %+v %+v", e, x.Money)
		}
		if k := x.Keys; k.TruePositives != 2 || k.FalseNegatives != 0 || x.Incidents.Caught != 1 || x.Incidents.Missed != 1 {
			t.Errorf("large by key: %+v %+v", k, x.Incidents)
		}
		if b := res.Variants[0].rule("busy").Truth; b.Events.Unknown != 1 || b.Keys.FalsePositives != 0 || b.Keys.TruePositives != 1 {
			t.Errorf("busy: %+v %+v", b.Events, b.Keys)
		}
		// e2, e3 and e5 were hit by some rule: as a whole, by whom they are about, ann and cid are rightly flagged.
		all := res.Variants[0].Total.Truth
		if all.Events.TruePositives != 1 || all.Events.FalsePositives != 1 || all.Events.Unknown != 1 || all.Keys.TruePositives != 2 || all.Keys.Unknown != 1 {
			t.Errorf("all: %+v %+v", all.Events, all.Keys)
		}
		// Sums over an hour: e5 100 (negative), e2 70, e4 30 (positive).
		if r := res.Variants[0].rule("rank").Ranking; r.Ranked != 3 || math.Abs(*r.AveragePrecision-7.0/12) > 1e-12 || *r.TopK[0].Precision != 0.5 {
			t.Errorf("ranking: %+v", r)
		}
	}
}

// What has no label is negative only for those who say so.
func TestUnlabelledNegative(t *testing.T) {
	res := labelled(t, LabelSpec{Options: score.Options{Unlabelled: score.Negative}}, "id\ne2\n", 1)
	all := res.Variants[0].Total.Truth
	if all.Events.TruePositives != 1 || all.Events.FalsePositives != 2 || all.Events.Unknown != 0 || all.Keys != nil || !res.Labels.Implied {
		t.Errorf("%+v, keys %+v", all.Events, all.Keys)
	}
}

func TestScoreIsChecked(t *testing.T) {
	v := []Variant{{Name: "rules", Role: Today, Set: load(t, large, rules.Options{})}}
	for in, want := range map[string]string{
		"paid":      `the score "paid" is not RULE.NAME`,
		"rink.paid": "there is no rule rink",
		"rank.pay":  "the rule has the facts paid",
		"large.x":   "the rule has nothing to rank events by",
	} {
		if _, err := NewLabels(LabelSpec{Labels: &score.Labels{}, Score: in}, v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

// A point of a sweep is judged as a whole, with the rules that it leaves as they are.
func TestLabelsOfSweep(t *testing.T) {
	set := load(t, strings.Replace(large, "when: amount > 50", "params: {limit: 50}\n    when: amount > limit", 1), rules.Options{})
	sweep, err := ParseSweep("large.limit=50,65")
	if err != nil {
		t.Fatal(err)
	}
	points, err := Points(set, sweep)
	if err != nil {
		t.Fatal(err)
	}
	variants := append([]Variant{{Name: "rules", Role: Today, Set: set}}, points...)
	labels, err := score.ReadLabels(strings.NewReader("id\ne2\n"), "labels.csv", score.Columns{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLabels(LabelSpec{Labels: labels}, variants)
	if err != nil {
		t.Fatal(err)
	}
	res := backtest(t, &Spec{Variants: variants, Sinks: []Sink{l}}, paid(1, 1, "ann", "s", 10)+paid(2, 2, "ann", "s", 60)+paid(3, 3, "bob", "s", 70))
	l.Fill(res)
	for i, want := range []int{1, 1, 0} {
		v := &res.Variants[i]
		if got := v.rule("large").Truth.Events.TruePositives; got != want || v.Total.Truth.Events.TruePositives != want {
			t.Errorf("%s: %d of the rule's hits are right, %d of all, want %d", v.Name, got, v.Total.Truth.Events.TruePositives, want)
		}
	}
}

// What is flagged by an event is that event's, however many are folded at once.
func TestLabelsOfLongHistory(t *testing.T) {
	variants := []Variant{{Name: "rules", Role: Today, Set: load(t, large, rules.Options{})}}
	labels, err := score.ReadLabels(strings.NewReader("id\nx\n"), "labels.csv", score.Columns{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLabels(LabelSpec{Labels: labels, Options: score.Options{Unlabelled: score.Negative}, Entity: event.Path{"who"}}, variants)
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	pad := strings.Repeat("x", 1000)
	for i := range 4000 { // several strides of the engine
		who, amount := fmt.Sprintf("c%d", i), 1
		if i%10 == 0 {
			who, amount = "rich", 100
		}
		fmt.Fprintf(&lines, `{"type":"Paid","time":"2026-01-01T10:00:00Z","id":"e%d","who":%q,"shop":"s%d","amount":%d,"pad":%q}`+"\n", i, who, i, amount, pad)
	}
	res := backtest(t, &Spec{Variants: variants, Shards: 2, Sinks: []Sink{l}}, lines.String())
	l.Fill(res)
	if x := res.Variants[0].Total.Truth; x.Events.FalsePositives != 400 || x.Money.Mistaken != 40_000 || x.Keys.FalsePositives != 1 {
		t.Errorf("%+v %+v %+v", x.Events, x.Money, x.Keys)
	}
}
