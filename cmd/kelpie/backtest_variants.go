package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"kelpie/backtest"
	"kelpie/rules"
)

// backtestVariants are the flags that say which rules are run beside today's.
type backtestVariants struct {
	against []string
	sweep   []string
}

func (o *backtestVariants) add(f *pflag.FlagSet) {
	f.StringArrayVar(&o.against, "against", nil, "compare with the rules of this `file or folder`, or with the rules as they were in git: git:REF; may be given several times")
	f.StringArrayVar(&o.sweep, "sweep", nil, "also run with other values of a rule's param: `RULE.PARAM=3..20`, =3..20/0.5, =3,5,8; two of them for every pair of values")
}

// variants loads the rules of the run: today's first.
func (o *backtestVariants) variants(s *settings, names []string) ([]backtest.Variant, error) {
	set, err := s.loadRules(names)
	if err != nil {
		return nil, err
	}
	all := []backtest.Variant{{Name: "rules", Role: backtest.Today, Set: set}}
	if len(o.against) > 0 {
		v, err := o.compared(s, names, set)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	points, err := o.points(set)
	if err != nil {
		return nil, err
	}
	return append(all, points...), nil
}

// compared loads the rules that today's are compared with.
func (o *backtestVariants) compared(s *settings, names []string, set *rules.Set) (backtest.Variant, error) {
	v := backtest.Variant{Name: "against", Role: backtest.Against}
	options := *s
	options.rules.Like = set
	var err error
	if ref, ok := strings.CutPrefix(o.against[0], "git:"); !ok {
		v.Set, err = options.loadRules(o.against)
	} else if len(o.against) > 1 {
		err = errors.New("--against git:REF stands alone")
	} else {
		if len(names) == 0 {
			names = s.files
		}
		v.Set, err = rulesOfGit(ref, names, options.rules)
	}
	if err != nil {
		var wrong rules.Errors
		if errors.As(err, &wrong) {
			return v, err
		}
		return v, fmt.Errorf("--against: %w", err)
	}
	return v, nil
}

// points makes a variant for each value that is swept.
func (o *backtestVariants) points(set *rules.Set) ([]backtest.Variant, error) {
	if len(o.sweep) > 2 {
		return nil, errors.New("--sweep can be given twice, for every pair of values of two params")
	}
	var sweeps []backtest.Sweep
	for _, text := range o.sweep {
		s, err := backtest.ParseSweep(text)
		if err != nil {
			return nil, err
		}
		sweeps = append(sweeps, s)
	}
	return backtest.Points(set, sweeps...)
}
