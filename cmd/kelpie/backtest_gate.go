package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"kelpie/backtest"
	"kelpie/backtest/figure"
)

// backtestGates are the flags that judge what a backtest came to.
type backtestGates struct {
	failIf       []string
	budget, best string

	conditions []*figure.Condition
	within     *figure.Condition
	most       *figure.Quantity
}

func (o *backtestGates) addFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.failIf, "fail-if", nil, "end with exit code 1 if this `condition` holds, such as 'precision < 0.8 or alerts/day > 50' or 'order-burst.alerts > 10'; may be given several times")
	f.StringVar(&o.budget, "budget", "", "with --sweep: a `condition` to which the best value has to keep, such as 'alerts/day <= 20'")
	f.StringVar(&o.best, "best", "", "with --sweep: the `figure` of which the best value has most: with labels recall under a budget and f1 without, else alerts; or what is computed of several, such as 'money_caught - money_mistaken'")
}

// read reads the conditions and finds what is wrong with them before the work begins.
func (o *backtestGates) read(spec *backtest.Spec, labels *labelOptions) error {
	s := scopeOf(spec, labels)
	for _, text := range o.failIf {
		c, err := figure.Parse(text)
		if err == nil {
			err = c.Check(s)
		}
		if err != nil {
			return fmt.Errorf("--fail-if %w", err)
		}
		o.conditions = append(o.conditions, c)
	}
	var err error
	if o.budget != "" {
		if o.within, err = figure.Parse(o.budget); err == nil {
			err = o.within.Check(s)
		}
		if err != nil {
			return fmt.Errorf("--budget %w", err)
		}
	}
	if o.best != "" {
		if o.most, err = figure.ParseQuantity(o.best); err == nil {
			err = o.most.Check(s)
		}
		if err != nil {
			return fmt.Errorf("--best %w", err)
		}
	}
	if (o.budget != "" || o.best != "") && spec.Variants[len(spec.Variants)-1].Role != backtest.Point {
		return errors.New("--budget and --best choose among the values of a --sweep")
	}
	return nil
}

// scopeOf says what conditions may ask of a run.
func scopeOf(spec *backtest.Spec, labels *labelOptions) figure.Scope {
	s := figure.Scope{Labels: labels.file != ""}
	s.Score, _, _ = strings.Cut(labels.score, ".")
	for _, v := range spec.Variants {
		names := []string{}
		for _, r := range v.Set.Rules {
			names = append(names, r.Name)
		}
		switch v.Role {
		case backtest.Today:
			s.Rules = names
		case backtest.Against:
			s.Against = names
		}
	}
	return s
}

// judge fills in what the conditions come to. The error is that of a condition without truth.
func (o *backtestGates) judge(res *backtest.Result) (err error) {
	if res.Choice, err = figure.Best(res, o.within, o.most); err != nil {
		return err
	}
	for _, c := range o.conditions {
		holds, said, e := c.Holds(res, nil)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("--fail-if %w", e))
			continue
		}
		res.Verdicts = append(res.Verdicts, backtest.Verdict{Condition: c.String(), Holds: holds, Said: said})
	}
	return err
}

// answer says on w for which conditions the backtest fails. The error is then errNo.
func (o *backtestGates) answer(w io.Writer, res *backtest.Result) error {
	var no error
	for _, v := range res.Verdicts {
		if v.Holds {
			no = errNo
			fmt.Fprintf(w, "kelpie: the backtest fails, for %s: %s\n", v.Condition, v.Said)
		}
	}
	return no
}
