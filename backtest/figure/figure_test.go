package figure

import (
	"math"
	"strings"
	"testing"

	"kelpie/backtest"
	"kelpie/backtest/score"
)

// made is a result of ten days: two rules, labels, and rules that are compared.
func made() *backtest.Result {
	truth := func(tp, fp, fn int) *score.Figures {
		l := &score.Level{TruePositives: tp, FalsePositives: fp, FalseNegatives: fn, Precision: score.NewProportion(tp, tp+fp), Recall: score.NewProportion(tp, tp+fn)}
		return &score.Figures{Events: l, Money: score.Money{Caught: 100, Mistaken: 30}}
	}
	rule := func(name string, alerts int64, t *score.Figures) backtest.RuleResult {
		return backtest.RuleResult{Rule: name, Figures: backtest.Figures{Alerts: alerts, PerDay: float64(alerts) / 10, Keys: 5, Truth: t}}
	}
	return &backtest.Result{
		History: backtest.HistoryResult{Days: 10}, Labels: &backtest.LabelResult{},
		Variants: []backtest.VariantResult{
			{Name: "rules", Role: backtest.Today, Total: backtest.Figures{Alerts: 600, Truth: truth(7, 3, 1)},
				Rules: []backtest.RuleResult{rule("order-burst", 12, truth(0, 0, 4)), rule("far", 588, truth(7, 3, 1))}},
			{Name: "against", Role: backtest.Against, Total: backtest.Figures{Alerts: 500}, Rules: []backtest.RuleResult{rule("far", 500, truth(7, 3, 1))}},
		},
	}
}

func TestHolds(t *testing.T) {
	f := func(text string, want bool, said string) {
		t.Helper()
		c, err := Parse(text)
		if err != nil {
			t.Error(err)
			return
		}
		if got, words, err := c.Holds(made(), nil); err != nil || got != want || words != said {
			t.Errorf("%s: %v, %q, %v, want %v, %q", text, got, words, err, want, said)
		}
	}
	f("precision < 0.8 or alerts/day > 50", true, "precision is 0.7, alerts/day is 60")
	f("precision < 0.6 and alerts / day > 50", false, "precision is 0.7, alerts/day is 60")
	f("alerts/hour == 2.5", true, "alerts/hour is 2.5")
	f("2*alerts/day == 120 and alerts/10 == 60", true, "alerts is 600")
	f("order-burst.alerts > 10", true, "rules.order-burst.alerts is 12")
	f(`rules["order-burst"].alerts > 12`, false, "rules.order-burst.alerts is 12")
	f("far.alerts - order-burst.alerts == 576", true, "far.alerts is 588, rules.order-burst.alerts is 12")
	f("alerts > 1.1 * against.alerts", true, "alerts is 600, against.alerts is 500")
	f("against.far.alerts/day >= 50", true, "against.far.alerts/day is 50")
	f("not (keys > 0) && recall != 0", true, "keys is 0, recall is 0.875")
	f("-money_mistaken + money_caught >= 70", true, "money_mistaken is 30, money_caught is 100")
	f("order-burst.alerts > 0 or order-burst.precision < 0.8", true, "rules.order-burst.alerts is 12, rules.order-burst.precision has no value")
	f("order-burst.alerts == 0 and order-burst.precision < 0.8", false, "rules.order-burst.alerts is 12, rules.order-burst.precision has no value")
}

// TestNoTruth asks for what has no value: that is neither yes nor no.
func TestNoTruth(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		c, err := Parse(text)
		if err != nil {
			t.Error(err)
			return
		}
		if _, _, err = c.Holds(made(), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	f("order-burst.precision < 0.8", "neither yes nor no: rules.order-burst.precision has no value")
	f("not (order-burst.precision < 0.8)", "neither yes nor no")
	f("alerts / (keys - keys) > 3", "neither yes nor no")
	f("against.order-burst.alerts > 3", "has no value")
}

func TestMistakes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	f("precison < 0.8", "there is no figure precison: did you mean precision?")
	f("zzz < 1", "there is no figure zzz: there are alert_precision, alerts,")
	f("precision", "precision is no comparison")
	f("alerts/day", "a number where yes or no is expected")
	f("day > 3", "day stands behind a stroke, as in alerts/day")
	f("(alerts > 3) > 2", "yes or no where a number is expected")
	f("alerts > 3 ?", "unexpected")
	f("3 > 2", "it asks for no figure; there are")
	f(`alerts > "3"`, "is no figure")
	f("a.b.c.alerts > 1", "write a figure, RULE.FIGURE")
	f("len(alerts) > 1", "only figures, numbers and signs")
	f("alerts ** 2 > 1", "there is no ** between figures")
	f("", "")
}

func TestCheck(t *testing.T) {
	f := func(text, want string, s Scope) {
		t.Helper()
		c, err := Parse(text)
		if err != nil {
			t.Error(err)
			return
		}
		if err := c.Check(s); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	plain := Scope{Rules: []string{"far", "order-burst"}}
	f("alerts > 1 and order-burst.keys > 1", "", plain)
	f("alerts > 1 or precision < 1", "precision: it needs labels, see --labels", plain)
	f("slow.alerts > 1", "there is no rule slow; there are far, order-burst", plain)
	f("against.alerts > 1", "nothing is compared, see --against", plain)
	f("against.far.alerts > 1", "there is no rule far among those that are compared; there are near", Scope{Rules: plain.Rules, Against: []string{"near"}})
	f("far.average_precision > 0.5", "it is a figure of the rule by whose score", Scope{Rules: plain.Rules, Labels: true})
	f("far.average_precision > 0.5", "", Scope{Rules: plain.Rules, Labels: true, Score: "far"})
}

// curve is a sweep whose points have these alerts a day and, with labels, this recall in percent.
func curve(labels bool, at ...[2]int) *backtest.Result {
	res := &backtest.Result{History: backtest.HistoryResult{Days: 1}, Variants: []backtest.VariantResult{{Role: backtest.Today}}}
	if labels {
		res.Labels = &backtest.LabelResult{}
	}
	for i, p := range at {
		f := backtest.Figures{Alerts: int64(p[0]), PerDay: float64(p[0])}
		if labels {
			f.Truth = &score.Figures{Events: &score.Level{Recall: score.NewProportion(p[1], 100), F1: number(1 - math.Abs(float64(p[1]-50)))}}
		}
		res.Variants = append(res.Variants, backtest.VariantResult{Name: string(rune('a' + i)), Role: backtest.Point,
			Params: []backtest.Setting{{Rule: "r", Param: "p", Text: "x"}}, Rules: []backtest.RuleResult{{Rule: "r", Figures: f}}})
	}
	return res
}

func TestBest(t *testing.T) {
	f := func(res *backtest.Result, budget, best, knee string, within int) {
		t.Helper()
		var b *Condition
		if budget != "" {
			var err error
			if b, err = Parse(budget); err != nil {
				t.Fatal(err)
			}
		}
		c, err := Best(res, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		name := func(p *backtest.Chosen) string {
			if p == nil {
				return ""
			}
			return p.Variant
		}
		if name(c.Best) != best || name(c.Knee) != knee || c.Within != within {
			t.Errorf("best %q, knee %q, %d within, want %q, %q, %d", name(c.Best), name(c.Knee), c.Within, best, knee, within)
		}
	}
	// a to e: recall rises steeply, then hardly. f is beaten by c.
	curved := curve(true, [2]int{1, 10}, [2]int{5, 50}, [2]int{10, 80}, [2]int{40, 90}, [2]int{80, 95}, [2]int{20, 60})
	f(curved, "alerts/day <= 20", "c", "c", 4)
	f(curved, "alerts/day <= 0", "", "c", 0)
	f(curved, "", "b", "c", 6)                                                                                  // the best f1
	f(curve(true, [2]int{1, 10}, [2]int{2, 20}, [2]int{3, 30}), "alerts > 0", "c", "", 3)                       // straight
	f(curve(true, [2]int{1, 10}, [2]int{50, 11}, [2]int{60, 90}), "alerts > 0", "c", "", 3)                     // bent the wrong way
	f(curve(true, [2]int{1, 10}, [2]int{2, 20}), "alerts > 0", "b", "", 2)                                      // too few
	f(curve(false, [2]int{100, 0}, [2]int{30, 0}, [2]int{10, 0}, [2]int{5, 0}), "alerts/day < 50", "b", "b", 3) // an elbow
	if c, err := Best(made(), nil, nil); c != nil || err != nil {
		t.Errorf("without a sweep there is a choice: %+v, %v", c, err)
	}
}
