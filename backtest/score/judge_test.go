package score

import (
	"math"
	"strings"
	"testing"
)

const hour = 3_600_000

// truthOf sees events e1, e2, … of key k, an hour apart, under the labels of a file.
func truthOf(t *testing.T, labels string, n int, o Options) *Truth {
	t.Helper()
	l, err := read(labels, Columns{})
	if err != nil {
		t.Fatal(err)
	}
	truth := NewTruth(l, 1, o)
	for i := range n {
		truth.See(nth(i + 1))
	}
	return truth
}

func nth(n int) Event {
	return Event{ID: "e" + string(rune('0'+n)), Time: int64(n) * hour, Keys: []string{"k"}, Amount: 10}
}

// What nobody labelled is not false: it widens the bounds.
func TestUnknownIsNotFalse(t *testing.T) {
	truth := truthOf(t, "id,fraud\ne1,1\ne2,0\n", 3, Options{})
	j := truth.NewJudge(0)
	for n := range 3 {
		j.Hit(nth(n + 1))
	}
	l := j.Figures().Events
	if l.Unknown != 1 || *l.Precision.Value != 0.5 || *l.PrecisionLeast != 1.0/3 || *l.PrecisionMost != 2.0/3 {
		t.Errorf("%+v", l)
	}
}

// Labels come late: what is young cannot be called negative yet, and what became known later is not known.
func TestDelayOfLabels(t *testing.T) {
	labels := "id,fraud,known\ne1,1,1970-01-01T09:00:00Z\n"
	o := Options{Unlabelled: Negative, Delay: 3 * hour, AsOf: 8 * hour}
	truth := truthOf(t, labels, 8, o)
	j := truth.NewJudge(0)
	for n := range 8 {
		j.Hit(nth(n + 1))
	}
	l := j.Figures().Events
	if l.TruePositives != 0 || l.FalsePositives != 5 || l.Unknown != 3 {
		t.Errorf("at 08:00, labels being 3 h late: %+v", l)
	}
	if c := truth.Coverage(); c.NotYet != 1 || c.Unmet != 0 {
		t.Errorf("coverage: %+v", c)
	}
}

func TestAlertsOfSpans(t *testing.T) {
	truth := truthOf(t, "key,from,to,label\nk,1970-01-01T02:00:00Z,1970-01-01T03:00:00Z,1\nk,1970-01-01T06:00:00Z,1970-01-01T07:00:00Z,0\nx,0,1,1\n", 9, Options{})
	j := truth.NewJudge(0)
	for _, h := range []int64{1, 3, 5, 6} { // before and into the incident, in it, outside all, in what is negative
		j.Alert(Alert{ID: string(rune('a' + h)), Key: "k", From: h * hour, Opened: h * hour, To: (h + 1) * hour})
	}
	f := j.Figures()
	if f.Alerts.Positive != 2 || f.Alerts.Negative != 2 || f.Incidents.Caught != 1 || f.Incidents.Delay.Most != 0 {
		t.Errorf("%+v %+v", f.Alerts, f.Incidents)
	}
	if c := truth.Coverage(); c.Unmet != 1 || c.Unmatched[0] != (Unmet{4, "x"}) {
		t.Errorf("coverage: %+v", c)
	}
}

func TestLabelledAlerts(t *testing.T) {
	truth := truthOf(t, "alert,label\na,tp\nb,fp\n", 1, Options{})
	j := truth.NewJudge(NoKey)
	for _, id := range []string{"a", "b", "c"} {
		j.Alert(Alert{ID: id, Key: "k", To: math.MaxInt64})
	}
	f := j.Figures()
	if a := f.Alerts; a.Positive != 1 || a.Negative != 1 || a.Unknown != 1 || f.Keys != nil {
		t.Errorf("%+v", f)
	}
}

// A rule that hits nothing has no precision, which is not 0.
func TestNothingHit(t *testing.T) {
	f := truthOf(t, "id\ne1\n", 1, Options{}).NewJudge(0)
	l := f.Figures().Events
	if l.Precision.Value != nil || l.PrecisionMost != nil || *l.Recall.Value != 0 || *l.F1 != 0 {
		t.Errorf("%+v", l)
	}
}

// Ties at the cut count by their share, so the answer does not depend on an order that the score does not give.
func TestTies(t *testing.T) {
	truth := truthOf(t, "id,fraud\ne1,1\ne2,0\ne3,0\ne4,1\n", 5, Options{})
	r := truth.NewRanking()
	for n, s := range []float64{9, 5, 5, 5, 100} {
		r.Score(nth(n+1), s)
	}
	f := r.Figures(2)
	if f.Ranked != 4 || f.Unknown != 1 || math.Abs(*f.TopK[0].Precision-(1+1.0/3)/2) > 1e-12 || math.Abs(*f.AveragePrecision-0.75) > 1e-12 {
		t.Errorf("%+v, precision at 2: %v, average precision: %v", f, *f.TopK[0].Precision, *f.AveragePrecision)
	}
}

// A wrong order of magnitude in Wilson's interval would show at its ends.
func TestProportion(t *testing.T) {
	for _, c := range []struct {
		hits, n   int
		low, high float64
	}{{0, 10, 0, 0.2775328}, {10, 10, 0.7224672, 1}, {1, 2, 0.0945312, 0.9054688}} {
		p := NewProportion(c.hits, c.n)
		if math.Abs(*p.Low-c.low) > 1e-6 || math.Abs(*p.High-c.high) > 1e-6 {
			t.Errorf("%d of %d: %v–%v, want %v–%v", c.hits, c.n, *p.Low, *p.High, c.low, c.high)
		}
	}
	if p := NewProportion(0, 0); p.Value != nil {
		t.Error("a share of nothing has a value")
	}
	if s := strings.Join([]string{Unknown.String(), Positive.String(), Negative.String()}, " "); s != "unknown positive negative" {
		t.Error(s)
	}
}

// Of spans that overlap and say the same each is met by the events that lie in it.
func TestSpansOverlap(t *testing.T) {
	truth := truthOf(t, "key,from,to\nk,1970-01-01T01:00:00Z,1970-01-01T03:00:00Z\nk,1970-01-01T02:00:00Z,1970-01-01T03:00:00Z\nk,1970-01-01T20:00:00Z,1970-01-01T21:00:00Z\n", 4, Options{})
	if c := truth.Coverage(); c.Positive != 3 || c.Unmet != 1 || c.Unmatched[0].Line != 4 {
		t.Errorf("coverage: %+v", c)
	}
}
