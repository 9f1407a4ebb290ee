package figure

import (
	"maps"
	"slices"

	"kelpie/backtest"
	"kelpie/backtest/score"
)

// needs says what a figure is there for.
type needs int8

const (
	anyRun needs = iota
	labels       // --labels
	scored       // --score, of a rule
)

// source is where a figure is read.
type source struct {
	needs needs
	of    func(*backtest.HistoryResult, *entry) (float64, bool)
}

// entry is one rule's figures, or those of all rules; ranking is nil for the latter.
type entry struct {
	*backtest.Figures
	ranking *score.RankingFigures
}

func counted(of func(*backtest.Figures) int64) source {
	return source{anyRun, func(_ *backtest.HistoryResult, e *entry) (float64, bool) { return float64(of(e.Figures)), true }}
}

func busiest(of func(*backtest.Figures) *backtest.Busy) source {
	return counted(func(f *backtest.Figures) int64 {
		if b := of(f); b != nil {
			return b.Alerts
		}
		return 0
	})
}

// judged is a figure that needs labels and may have no value.
func judged(of func(*backtest.Figures) *float64) source {
	return source{labels, func(_ *backtest.HistoryResult, e *entry) (float64, bool) {
		if e.Truth == nil {
			return 0, false
		}
		if v := of(e.Figures); v != nil {
			return *v, true
		}
		return 0, false
	}}
}

func number(x float64) *float64 { return &x }

// level is a figure of one level, which not every rule has.
func level(at func(*score.Figures) *score.Level, of func(*score.Level) *float64) source {
	return judged(func(f *backtest.Figures) *float64 {
		if l := at(f.Truth); l != nil {
			return of(l)
		}
		return nil
	})
}

func events(f *score.Figures) *score.Level { return f.Events }
func keys(f *score.Figures) *score.Level   { return f.Keys }

func money(of func(*score.Money) float64) source {
	return judged(func(f *backtest.Figures) *float64 { return number(of(&f.Truth.Money)) })
}

func incidents(of func(*score.Incidents) *float64) source {
	return judged(func(f *backtest.Figures) *float64 {
		if f.Truth.Incidents == nil {
			return nil
		}
		return of(f.Truth.Incidents)
	})
}

// known are the figures by name.
var known = map[string]source{
	"alerts":      counted(func(f *backtest.Figures) int64 { return f.Alerts }),
	"open":        counted(func(f *backtest.Figures) int64 { return f.Open }),
	"keys":        counted(func(f *backtest.Figures) int64 { return f.Keys }),
	"evaluations": counted(func(f *backtest.Figures) int64 { return f.Evaluations }),
	"missing":     counted(func(f *backtest.Figures) int64 { return f.Abstained.Missing }),
	"not_ready":   counted(func(f *backtest.Figures) int64 { return f.Abstained.NotReady }),
	"errors":      counted(func(f *backtest.Figures) int64 { return f.Abstained.Errors }),
	"worst_day":   busiest(func(f *backtest.Figures) *backtest.Busy { return f.WorstDay }),
	"worst_hour":  busiest(func(f *backtest.Figures) *backtest.Busy { return f.WorstHour }),
	"days":        {anyRun, func(h *backtest.HistoryResult, _ *entry) (float64, bool) { return h.Days, true }},

	"precision":        judged((*backtest.Figures).Precision),
	"recall":           judged((*backtest.Figures).Recall),
	"f1":               judged((*backtest.Figures).F1),
	"event_precision":  level(events, func(l *score.Level) *float64 { return l.Precision.Value }),
	"event_recall":     level(events, func(l *score.Level) *float64 { return l.Recall.Value }),
	"true_positives":   level(events, func(l *score.Level) *float64 { return number(float64(l.TruePositives)) }),
	"false_positives":  level(events, func(l *score.Level) *float64 { return number(float64(l.FalsePositives)) }),
	"false_negatives":  level(events, func(l *score.Level) *float64 { return number(float64(l.FalseNegatives)) }),
	"unknown":          level(events, func(l *score.Level) *float64 { return number(float64(l.Unknown)) }),
	"precision_least":  level(events, func(l *score.Level) *float64 { return l.PrecisionLeast }),
	"precision_most":   level(events, func(l *score.Level) *float64 { return l.PrecisionMost }),
	"precision_low":    level(events, func(l *score.Level) *float64 { return l.Precision.Low }),
	"recall_low":       level(events, func(l *score.Level) *float64 { return l.Recall.Low }),
	"key_precision":    level(keys, func(l *score.Level) *float64 { return l.Precision.Value }),
	"key_recall":       level(keys, func(l *score.Level) *float64 { return l.Recall.Value }),
	"key_f1":           level(keys, func(l *score.Level) *float64 { return l.F1 }),
	"alert_precision":  judged(func(f *backtest.Figures) *float64 { return f.Truth.Alerts.Precision.Value }),
	"incident_recall":  incidents(func(i *score.Incidents) *float64 { return i.Recall.Value }),
	"incidents_caught": incidents(func(i *score.Incidents) *float64 { return number(float64(i.Caught)) }),
	"incidents_missed": incidents(func(i *score.Incidents) *float64 { return number(float64(i.Missed)) }),
	"delay_seconds": incidents(func(i *score.Incidents) *float64 {
		if i.Delay == nil {
			return nil
		}
		return number(float64(i.Delay.Median) / 1000)
	}),
	"money_caught":   money(func(m *score.Money) float64 { return m.Caught }),
	"money_missed":   money(func(m *score.Money) float64 { return m.Missed }),
	"money_mistaken": money(func(m *score.Money) float64 { return m.Mistaken }),
	"money_unknown":  money(func(m *score.Money) float64 { return m.Unknown }),
	"average_precision": {scored, func(_ *backtest.HistoryResult, e *entry) (float64, bool) {
		if e.ranking == nil || e.ranking.AveragePrecision == nil {
			return 0, false
		}
		return *e.ranking.AveragePrecision, true
	}},
}

// Names are the figures that there are, in order.
func Names() []string { return slices.Sorted(maps.Keys(known)) }
