package backtest

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"kelpie/backtest/score"
)

// writeTruth writes how what was caught meets the labels.
func writeTruth(w io.Writer, res *Result, v *VariantResult) error {
	if res.Labels == nil {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nagainst labels\tprecision\trecall\tF1\tunknown\talerts right\tincidents\tdelay\tcaught\tmissed\tmistaken")
	for i := range v.Rules {
		writeFigures(t, v.Rules[i].Rule, v.Rules[i].Truth)
	}
	writeFigures(t, "total", v.Total.Truth)
	for i := range v.Rules {
		if r := v.Rules[i].Ranking; r != nil {
			fmt.Fprintf(t, "\nranked by %s: average precision %s", res.Labels.Score, fraction(r.AveragePrecision))
			for _, k := range r.TopK {
				fmt.Fprintf(t, "; among the first %d of a day precision %s, recall %s", k.K, fraction(k.Precision), fraction(k.Recall))
			}
			fmt.Fprintln(t)
		}
	}
	return t.Flush()
}

func writeFigures(w io.Writer, name string, f *score.Figures) {
	if f == nil {
		return
	}
	precision, recall, f1, unknown := "", "", "", ""
	if e := f.Events; e != nil {
		precision, recall, f1, unknown = proportion(e.Precision), proportion(e.Recall), fraction(e.F1), fmt.Sprint(e.Unknown)
	}
	incidents, delay := "", ""
	if i := f.Incidents; i != nil {
		incidents = fmt.Sprintf("%d of %d", i.Caught, i.Caught+i.Missed)
		if i.Delay != nil {
			delay = (time.Duration(i.Delay.Median) * time.Millisecond).Round(time.Second).String()
		}
	}
	m := &f.Money
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%.2f\t%.2f\n", name, precision, recall, f1, unknown, proportion(f.Alerts.Precision),
		incidents, delay, m.Caught, m.Missed, m.Mistaken)
}

// proportion writes a share with its interval.
func proportion(p score.Proportion) string {
	if p.Value == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f (%.2f–%.2f)", *p.Value, *p.Low, *p.High)
}

func fraction(f *float64) string {
	if f == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *f)
}
