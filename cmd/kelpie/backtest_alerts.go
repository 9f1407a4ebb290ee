package main

import (
	"encoding/json"

	"kelpie/backtest"
	"kelpie/rules"
)

// warmupFlag is the value of --warmup: a duration in ms, backtest.AutoWarmup or backtest.AllWarmup.
type warmupFlag int64

func (w *warmupFlag) Set(s string) error {
	switch s {
	case "auto":
		*w = backtest.AutoWarmup
	case "all":
		*w = backtest.AllWarmup
	case "none":
		*w = 0
	default:
		ms, err := rules.ParseDuration(s)
		if err != nil {
			return err
		}
		*w = warmupFlag(ms)
	}
	return nil
}

func (w *warmupFlag) String() string {
	switch *w {
	case backtest.AutoWarmup:
		return "auto"
	case backtest.AllWarmup:
		return "all"
	case 0:
		return "none"
	}
	return rules.FormatDuration(int64(*w))
}

func (w *warmupFlag) Type() string { return "duration" }

// alertLines writes alerts as JSON lines when they have resolved, and those that are open at the end. It is a sink.
type alertLines struct {
	out      *output
	variants []backtest.Variant
	open     []*backtest.Alert // in the order of opening; those that have resolved are taken out now and then
	done     int               // of open
}

// alertLine is one line.
type alertLine struct {
	Rule     string   `json:"rule"`
	Variants []string `json:"variants"` // of the run that hold the rule
	Severity string   `json:"severity"`
	backtest.AlertResult
}

// newAlertLines creates the file; nil if no name is given.
func newAlertLines(name string, spec *backtest.Spec) (*alertLines, error) {
	if name == "" {
		return nil, nil
	}
	out, err := createOutput(name)
	if err != nil {
		return nil, err
	}
	return &alertLines{out: out, variants: spec.Variants}, nil
}

// Opened implements backtest.Sink.
func (l *alertLines) Opened(a *backtest.Alert) error {
	if !a.Warmup {
		l.open = append(l.open, a)
	}
	return nil
}

// Resolved implements backtest.Sink.
func (l *alertLines) Resolved(a *backtest.Alert) error {
	if a.Warmup {
		return nil
	}
	if l.done++; l.done > 1000 && 2*l.done > len(l.open) {
		l.tidy()
	}
	return l.write(a)
}

// tidy lets go of the alerts that have been written.
func (l *alertLines) tidy() {
	left := l.open[:0]
	for _, a := range l.open {
		if !a.Done {
			left = append(left, a)
		}
	}
	clear(l.open[len(left):])
	l.open, l.done = left, 0
}

func (l *alertLines) write(a *backtest.Alert) error {
	x := alertLine{Rule: a.Rule.Name, Severity: a.Rule.Severity, AlertResult: a.Result()}
	for _, v := range a.Rule.Variants {
		x.Variants = append(x.Variants, l.variants[v].Name)
	}
	line, err := json.Marshal(&x)
	if err != nil {
		return err
	}
	_, err = l.out.Write(append(line, '\n'))
	return err
}

// Close writes the alerts that are open.
func (l *alertLines) Close() (err error) {
	if l == nil {
		return nil
	}
	l.tidy()
	for _, a := range l.open {
		if err == nil {
			err = l.write(a)
		}
	}
	if e := l.out.Close(); err == nil {
		err = e
	}
	return err
}
