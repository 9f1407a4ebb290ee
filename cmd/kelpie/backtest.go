package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"kelpie/backtest"
	"kelpie/backtest/compare"
	"kelpie/backtest/report"
	"kelpie/engine"
)

type backtestOptions struct {
	rules              []string
	config             string
	history            historyFlags
	variants           backtestVariants
	warmup             warmupFlag
	alerts             string
	order              choice
	disorder, lateness duration
	from, to           moment
	drain, json        bool
	shards             int
	labels             labelOptions
	reports            backtestReports
	gates              backtestGates
	explain            backtestExplain
}

func newBacktest() *cobra.Command {
	o := backtestOptions{warmup: backtest.AutoWarmup, order: choice{"arrival", []string{"arrival", "time"}}, disorder: 2000}
	c := &cobra.Command{
		Use:   "backtest -r RULES --events FILE",
		Short: "Run rules over history: what would they have caught",
		Long: `Folds the events of the past as the service would have, and says what the rules would have caught. Nobody is told: a
backtest cannot reach a receiver. Alerts have the ids that they have live.`,
		Example: `  kelpie backtest -r rules/ --events shop.jsonl.zst
  kelpie backtest -c kelpie.yml --events history/ --from 2026-01-01T00:00:00Z --json > result.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.StringArrayVarP(&o.rules, "rules", "r", nil, "a rule `file` or folder; may be given several times")
	o.history.add(f)
	f.StringVarP(&o.config, "config", "c", "", "the configuration `file`, for how events and time are read, and for rules if -r is not given")
	o.variants.add(f)
	f.Var(&o.order, "order", "arrival: events are folded in the order in which they come; time: in the order of event time")
	f.Var(&o.disorder, "disorder", "how far event times may be out of order")
	f.Var(&o.lateness, "lateness", "how long after its end a window still accepts events")
	f.Var(&o.from, "from", "only what is from this `time` on counts")
	f.Var(&o.warmup, "warmup", "how much history before --from only fills windows: auto (what they need), all, none, or a `duration`")
	f.Var(&o.to, "to", "only events before this `time`")
	f.BoolVar(&o.drain, "drain", false, "judge the windows that are open at the end as if the stream had ended")
	f.StringVar(&o.alerts, "alerts", "", "also write every alert to this `file`, as JSON lines")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	o.reports.addFlags(f)
	o.gates.addFlags(f)
	o.explain.addFlags(f)
	f.IntVar(&o.shards, "shards", runtime.GOMAXPROCS(0), "how many shards fold side by side; changes no result")
	o.labels.addFlags(f)
	return c
}

// run runs the backtest and prints what came of it.
func (o *backtestOptions) run(c *cobra.Command) error {
	if err := o.reports.check(); err != nil {
		return err
	}
	spec, err := o.spec(c)
	if err != nil {
		return err
	}
	if err := o.gates.read(spec, &o.labels); err != nil {
		return err
	}
	alerts, err := o.listen(spec)
	if err != nil {
		return err
	}
	history, err := o.history.open(o.config, c.InOrStdin(), spec.Event)
	if err != nil {
		return err
	}
	defer history.Close()
	show := newProgress(c.OutOrStdout(), c.ErrOrStderr(), history.Total())
	spec.Progress = func(p backtest.Progress) { show.at(p.Done, p.Events) }
	res, err := backtest.Run(c.Context(), spec, history)
	show.done()
	if res == nil {
		return err
	}
	for _, x := range spec.Sinks {
		if f, ok := x.(filler); ok {
			f.Fill(res)
		}
	}
	err = errors.Join(err, alerts.Close(), o.gates.judge(res), o.print(c.OutOrStdout(), res), o.reports.write(res))
	if err == nil && c.Context().Err() != nil {
		err = context.Canceled
	}
	if err != nil {
		return err
	}
	return o.gates.answer(c.ErrOrStderr(), res)
}

// filler is a sink that puts what it has heard into the result.
type filler interface{ Fill(*backtest.Result) }

// listen adds the sinks that the flags ask for; of them the one that writes alerts to a file is to be closed.
func (o *backtestOptions) listen(spec *backtest.Spec) (*alertLines, error) {
	labels, err := o.labels.sink(spec)
	if err != nil {
		return nil, err
	}
	if labels != nil {
		spec.Sinks = append(spec.Sinks, labels)
	}
	why, err := o.explain.sink(spec)
	if err != nil {
		return nil, err
	}
	if why != nil {
		spec.Sinks = append(spec.Sinks, why)
	}
	alerts, err := newAlertLines(o.alerts, spec)
	if err != nil {
		return nil, err
	}
	if alerts != nil {
		spec.Sinks = append(spec.Sinks, alerts)
	}
	if changes := compare.New(spec.Variants); changes != nil {
		spec.Sinks = append(spec.Sinks, changes)
	}
	return alerts, nil
}

// spec makes what is to be run from the flags and the configuration.
func (o *backtestOptions) spec(c *cobra.Command) (*backtest.Spec, error) {
	s, err := loadSettings(o.config)
	if err != nil {
		return nil, err
	}
	s.rules.Order = "" // decisions are refused under order: time, but nobody waits for one here
	variants, err := o.variants.variants(s, o.rules)
	if err != nil {
		return nil, err
	}
	return &backtest.Spec{
		Event: s.event, Time: o.timeSpec(c, s.time), From: int64(o.from), Warmup: int64(o.warmup), To: int64(o.to), Drain: o.drain, Shards: o.shards, Variants: variants,
	}, nil
}

// timeSpec puts the flags that were given over the configuration's settings.
func (o *backtestOptions) timeSpec(c *cobra.Command, t engine.TimeSpec) engine.TimeSpec {
	f := featuresOptions{order: o.order, disorder: o.disorder, lateness: o.lateness}
	return f.timeSpec(c, t)
}

func (o *backtestOptions) print(w io.Writer, res *backtest.Result) error {
	if !o.json {
		return report.Write(w, report.Text, res)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // conditions are full of < and >
	return e.Encode(res)
}
