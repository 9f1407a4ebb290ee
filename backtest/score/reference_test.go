package score

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

// rows reads a table of testdata as reference.py does.
func rows(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range all[1:] {
		m := map[string]string{}
		for i, name := range all[0] {
			m[name] = r[i]
		}
		out = append(out, m)
	}
	return out
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// judged judges the tables of testdata.
func judged(t *testing.T, o Options) (Figures, RankingFigures, Coverage) {
	t.Helper()
	f, err := os.Open("testdata/labels.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	labels, err := ReadLabels(f, "labels.csv", Columns{})
	if err != nil {
		t.Fatal(err)
	}
	truth := NewTruth(labels, 1, o)
	events := map[string]Event{}
	for _, r := range rows(t, "events.csv") {
		e := Event{ID: r["id"], Time: int64(number(t, r["time"])), Keys: []string{r["key"]}, Amount: number(t, r["amount"])}
		events[e.ID] = e
		truth.See(e)
	}
	j, rank := truth.NewJudge(0), truth.NewRanking()
	for _, r := range rows(t, "hits.csv") {
		j.Hit(events[r["id"]])
		j.Hit(events[r["id"]])
	}
	for _, r := range rows(t, "alerts.csv") {
		at := int64(number(t, r["opened"]))
		j.Alert(Alert{ID: r["id"], Key: r["key"], From: at, Opened: at, To: int64(number(t, r["resolved"]))})
	}
	for _, r := range rows(t, "scores.csv") {
		rank.Score(events[r["id"]], number(t, r["score"]))
	}
	return j.Figures(), rank.Figures(5), truth.Coverage()
}

// TestReference holds the figures against those of reference.py, which shares no code with them.
func TestReference(t *testing.T) {
	b, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Unknown, Negative map[string]float64
		Incidents         struct {
			Caught, Missed, Median, P90, Most int64
			PositiveAlerts                    int `json:"positive_alerts"`
			KeysTP                            int `json:"keys_tp"`
			KeysFN                            int `json:"keys_fn"`
			Classes                           map[string][2]int
		}
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for _, u := range []Verdict{Unknown, Negative} {
		f, rank, cover := judged(t, Options{Unlabelled: u, Gap: 24 * 3_600_000})
		w := want.Unknown
		if u == Negative {
			w = want.Negative
		}
		for name, got := range map[string]float64{
			"tp": float64(f.Events.TruePositives), "fp": float64(f.Events.FalsePositives), "fn": float64(f.Events.FalseNegatives),
			"unknown": float64(f.Events.Unknown), "precision": *f.Events.Precision.Value, "precision_low": *f.Events.Precision.Low,
			"precision_high": *f.Events.Precision.High, "precision_least": *f.Events.PrecisionLeast, "precision_most": *f.Events.PrecisionMost,
			"recall": *f.Events.Recall.Value, "f1": *f.Events.F1, "caught": f.Money.Caught, "missed": f.Money.Missed,
			"mistaken": f.Money.Mistaken, "average_precision": *rank.AveragePrecision, "top5": *rank.TopK[0].Precision,
		} {
			if exp, ok := w[name]; !ok || math.Abs(got-exp) > 1e-9*max(1, math.Abs(exp)) {
				t.Errorf("unlabelled %s: %s: got %v, want %v", u, name, got, exp)
			}
		}
		i := want.Incidents
		if got, exp := [...]int64{int64(f.Incidents.Caught), int64(f.Incidents.Missed), f.Incidents.Delay.Median, f.Incidents.Delay.P90, f.Incidents.Delay.Most},
			[...]int64{i.Caught, i.Missed, i.Median, i.P90, i.Most}; got != exp {
			t.Errorf("incidents: got %v, want %v (caught, missed, delays)", got, exp)
		}
		if f.Alerts.Positive != i.PositiveAlerts || f.Keys.TruePositives != i.KeysTP || f.Keys.FalseNegatives != i.KeysFN {
			t.Errorf("alerts and keys: got %d %d %d, want %d %d %d", f.Alerts.Positive, f.Keys.TruePositives, f.Keys.FalseNegatives, i.PositiveAlerts, i.KeysTP, i.KeysFN)
		}
		for _, c := range f.Classes {
			if got := [2]int{c.Recall.Hits, c.Recall.Of}; got != i.Classes[c.Class] {
				t.Errorf("class %s: got %v, want %v", c.Class, got, i.Classes[c.Class])
			}
		}
		if len(f.Classes) != len(i.Classes) {
			t.Errorf("%d classes, want %d", len(f.Classes), len(i.Classes))
		}
		if cover.Unmet != 1 || cover.Unmatched[0].Name != "no-such-event" {
			t.Errorf("unmet labels: %+v", cover)
		}
	}
}
