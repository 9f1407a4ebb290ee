package main

import (
	"errors"

	"github.com/spf13/pflag"

	"kelpie/backtest"
	"kelpie/backtest/explain"
)

// backtestExplain are the flags that ask why a rule held or not.
type backtestExplain struct{ of, rule string }

func (o *backtestExplain) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.of, "explain", "", "say of every evaluation for this `key`, or on the event of this id or position, which part of the condition was false")
	f.StringVar(&o.rule, "rule", "", "with --explain: of this `rule` only")
}

// sink returns what watches the rules; nil if nobody asks.
func (o *backtestExplain) sink(spec *backtest.Spec) (*explain.Explainer, error) {
	switch {
	case o.of != "":
		return explain.New(o.of, o.rule, spec.Variants[0].Set, spec.From)
	case o.rule != "":
		return nil, errors.New("--rule stands with --explain KEY or --explain EVENT-ID")
	}
	return nil, nil
}
