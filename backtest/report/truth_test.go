package report

import (
	"os"
	"path/filepath"
	"testing"

	"kelpie/backtest"
	"kelpie/backtest/score"
)

// TestTruth says how figures met labels.
func TestTruth(t *testing.T) {
	res := result(t, 2, 4)
	half, least := 0.5, 0.25
	level := &score.Level{TruePositives: 10, FalsePositives: 10, FalseNegatives: 30, Unknown: 20, Precision: score.NewProportion(10, 20),
		PrecisionLeast: &least, PrecisionMost: &half, Recall: score.NewProportion(10, 40), F1: &half}
	truth := &score.Figures{Events: level, Alerts: score.AlertFigures{Positive: 3, Negative: 1, Precision: score.NewProportion(3, 4)},
		Incidents: &score.Incidents{Caught: 1, Missed: 3, Recall: score.NewProportion(1, 4), Delay: &score.Delay{Median: 500, P90: 61_000, Most: 26 * 3_600_000}},
		Money:     score.Money{Caught: 12.5, Missed: 30_000.75, Mistaken: 7}, Classes: []score.ClassFigures{{Class: "takeover", Recall: score.NewProportion(1, 2)}}}
	res.Labels = &backtest.LabelResult{Name: "labels.csv", Unlabelled: "negative", Delay: 7 * day, AsOf: res.History.Last, Score: "burst.tries",
		Coverage: score.Coverage{Events: 403, Positive: 40, Negative: 60, NotYet: 2, Unmet: 1, Unmatched: []score.Unmet{{Line: 7, Name: "e9999"}}, Repeated: 1}}
	for v := range res.Variants {
		res.Variants[v].Total.Truth = truth
		res.Variants[v].Rules[0].Truth = truth
	}
	res.Variants[0].Rules[0].Ranking = &score.RankingFigures{Ranked: 100, Positive: 40, Unknown: 3, AveragePrecision: &half, TopK: []score.TopK{{K: 10, Days: 3, Precision: &half, Recall: &least}}}
	got := written(t, Text, res)
	want, err := os.ReadFile(filepath.Join("testdata", "truth.txt"))
	if err != nil || got != string(want) {
		t.Errorf("%v, the report is\n%s\nwant\n%s", err, got, want)
	}
}
