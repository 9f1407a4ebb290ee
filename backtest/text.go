package backtest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes a result for people.
func WriteText(w io.Writer, res *Result) error {
	b := bufio.NewWriter(w)
	h := &res.History
	fmt.Fprintf(b, "%d events from %s to %s (%.1f days)\n", h.Events, h.First, h.Last, h.Days)
	if res.Partial != "" {
		fmt.Fprintf(b, "this is a part of the history: %s\n", res.Partial)
	}
	for i := range res.Variants {
		v := &res.Variants[i]
		fmt.Fprintf(b, "\n%s\n", v.Name)
		t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "rule\talerts\tkeys\tper day\tworst day\tevaluations\tabstained\tdays")
		for j := range v.Rules {
			line(t, v.Rules[j].Rule, &v.Rules[j].Figures)
		}
		line(t, "total", &v.Total)
		if err := t.Flush(); err != nil {
			return err
		}
		if err := writeTruth(b, res, v); err != nil {
			return err
		}
	}
	return b.Flush()
}

func line(w io.Writer, name string, f *Figures) {
	worst := ""
	if f.WorstDay != nil {
		worst = fmt.Sprintf("%s: %d", f.WorstDay.Start.String()[:len("2006-01-02")], f.WorstDay.Alerts)
	}
	a := f.Abstained
	fmt.Fprintf(w, "%s\t%d\t%d\t%.1f\t%s\t%d\t%d\t%s\n", name, f.Alerts, f.Keys, f.PerDay, worst, f.Evaluations, a.Missing+a.NotReady+a.Errors, spark(f.Days))
}

// spark draws counts as a line of bars.
func spark(days []DayCount) string {
	var most int64
	for _, d := range days {
		most = max(most, d.Alerts)
	}
	var b strings.Builder
	for _, d := range days {
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[(d.Alerts*7+most-1)/most])
	}
	return b.String()
}
