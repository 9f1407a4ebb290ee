package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"kelpie/backtest"
	"kelpie/backtest/score"
	"kelpie/event"
)

// labelOptions are the flags about labels.
type labelOptions struct {
	file           string
	verdict, id    string
	unlabelled     choice
	delay, gap     duration
	asOf           moment
	amount, entity string
	score          string
	top            []int
}

func (o *labelOptions) addFlags(f *pflag.FlagSet) {
	o.unlabelled = choice{"unknown", []string{"unknown", "negative"}}
	o.gap = duration(24 * 60 * 60 * 1000)
	f.StringVar(&o.file, "labels", "", "a CSV `file` that says which events (id), alerts (alert) or times of a key (key,from,to) were positive")
	f.StringVar(&o.verdict, "label-column", "", "the `column` that says whether a row is positive, if it is not label, fraud, positive, verdict or truth")
	f.StringVar(&o.id, "label-id", "", "the `column` of the event's id, if it is not id, event or event_id")
	f.Var(&o.unlabelled, "unlabelled", "what an event without a label is: unknown, or negative if all positives are labelled")
	f.Var(&o.delay, "label-delay", "how long after its event a label may come: what is younger at the end is unknown")
	f.Var(&o.asOf, "labels-as-of", "leave out labels that became known after this `time` (column known)")
	f.Var(&o.gap, "incident-gap", "positive events of a key that are no further apart are one incident")
	f.StringVar(&o.amount, "amount", "amount", "the `field` that says what is at stake")
	f.StringVar(&o.entity, "entity", "", "the `field` by which all rules together are judged, where they have different keys")
	f.StringVar(&o.score, "score", "", "rank events by this fact of a rule, `RULE.NAME`")
	f.IntSliceVar(&o.top, "top", []int{100}, "with --score: how many of the highest of each day are looked at")
}

// sink returns what holds the run against the labels; nil if there are none.
func (o *labelOptions) sink(run *backtest.Spec) (*backtest.Labels, error) {
	if o.file == "" {
		if o.score != "" || o.entity != "" {
			return nil, errors.New("--score and --entity say something with --labels only")
		}
		return nil, nil
	}
	spec := backtest.LabelSpec{Name: o.file, Score: o.score, Top: o.top, From: run.From,
		Options: score.Options{Delay: int64(o.delay), AsOf: score.Always, Gap: int64(o.gap)}}
	if o.unlabelled.value == "negative" {
		spec.Options.Unlabelled = score.Negative
	}
	if o.asOf != 0 {
		spec.Options.AsOf = int64(o.asOf)
	}
	for _, k := range o.top {
		if k < 1 {
			return nil, fmt.Errorf("--top %d: at least one event a day", k)
		}
	}
	var err error
	if spec.Amount, err = event.ParsePath(o.amount); err != nil {
		return nil, fmt.Errorf("--amount %q: %w", o.amount, err)
	}
	if o.entity != "" {
		if spec.Entity, err = event.ParsePath(o.entity); err != nil {
			return nil, fmt.Errorf("--entity %q: %w", o.entity, err)
		}
	}
	if spec.Labels, err = o.read(); err != nil {
		return nil, err
	}
	return backtest.NewLabels(spec, run.Variants)
}

func (o *labelOptions) read() (*score.Labels, error) {
	f, err := os.Open(o.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return score.ReadLabels(f, filepath.Base(o.file), score.Columns{Verdict: o.verdict, Event: o.id})
}
