package main

import (
	"bufio"
	"context"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"kelpie/engine"
)

type featuresOptions struct {
	rules, events      []string
	config             string
	order              choice
	disorder, lateness duration
	partitions, drain  bool
	alerts, rejected   string
	shards, batch      int
}

func newFeatures() *cobra.Command {
	o := featuresOptions{order: choice{"arrival", []string{"arrival", "time"}}, disorder: 2000}
	c := &cobra.Command{
		Use:   "features -r RULES --events FILE",
		Short: "Print every rule's named facts at every evaluation, as JSON lines",
		Long: `Folds events from files or standard input (JSON lines, also compressed by gzip or zstd) and prints one JSON object for
each evaluation of each rule, in fold order:

  {"rule","key","time","id","position","values":{…},"fired":true|false}

with "window" for windows that close and sessions, "late" for windows that are judged again, "abstained" with the reason
where a rule abstained, and "approx" and "inexact" naming values that are. Several files are one stream, read in the
order given, unless --partitions. Lines that are no events are counted and summed up on standard error.`,
		Example: `  kelpie features -r rules/ --events shop.jsonl.zst
  kelpie features -c kelpie.yml --events security.jsonl > features.jsonl
  kelpie features -r rules/ --events a.jsonl --events b.jsonl --order time --disorder 30s --drain --alerts alerts.jsonl
  kelpie generate --for 1h | kelpie features -r rules/ --events - --rejected rejected.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return features(c, &o) },
	}
	f := c.Flags()
	f.StringArrayVarP(&o.rules, "rules", "r", nil, "a rule `file` or folder; may be given several times")
	f.StringArrayVar(&o.events, "events", nil, "a `file` of events, - for standard input; may be given several times")
	f.StringVarP(&o.config, "config", "c", "", "the configuration `file`, for how events and time are read, and for rules if -r is not given")
	f.Var(&o.order, "order", "arrival: events are folded in the order in which they come; time: in the order of event time")
	f.Var(&o.disorder, "disorder", "how far event times may be out of order")
	f.Var(&o.lateness, "lateness", "how long after its end a window still accepts events")
	f.BoolVar(&o.partitions, "partitions", false, "each file is a partition of its own, read side by side with the others")
	f.BoolVar(&o.drain, "drain", false, "judge the windows that are open at the end as if the stream had ended")
	f.StringVar(&o.alerts, "alerts", "", "also write the alerts' lives to this `file`, a JSON object each, in the order of opening")
	f.StringVar(&o.rejected, "rejected", "", "also write the lines that are no events to this `file`, as JSON lines with the reason")
	f.IntVar(&o.shards, "shards", runtime.GOMAXPROCS(0), "how many shards fold side by side; changes no result")
	f.IntVar(&o.batch, "batch", 0, "how many lines are folded at once, 0 for as many as suit; changes no result")
	f.Lookup("batch").Hidden = true
	return c
}

// timeSpec puts the flags that were given over the configuration's settings.
func (o *featuresOptions) timeSpec(c *cobra.Command, t engine.TimeSpec) engine.TimeSpec {
	if c.Flags().Changed("order") {
		t.ByTime = o.order.value == "time"
	}
	if c.Flags().Changed("disorder") {
		t.Disorder = int64(o.disorder)
	}
	if c.Flags().Changed("lateness") {
		t.Lateness = int64(o.lateness)
	}
	return t
}

func features(c *cobra.Command, o *featuresOptions) (err error) {
	s, err := loadSettings(o.config)
	if err != nil {
		return err
	}
	s.rules.Order = "" // decisions are refused under order: time, but nobody waits for one here
	set, err := s.loadRules(o.rules)
	if err != nil {
		return err
	}
	p, err := engine.NewPlan(set, s.event, o.timeSpec(c, s.time), engine.NewUnits())
	if err != nil {
		return err
	}
	in, err := newReading(o.events, c.InOrStdin(), s.event)
	if err != nil {
		return err
	}
	in.engine = engine.New(p, engine.Options{Shards: max(1, o.shards), Rows: true})
	in.size = o.batch
	out, err := o.openOutputs(c.OutOrStdout())
	if err != nil {
		return err
	}
	show := newProgress(c.OutOrStdout(), c.ErrOrStderr(), in.total())
	in.take = func(fx *engine.Effects) error {
		show.at(in.bytes, in.events)
		return out.take(fx)
	}
	in.pause = out.rows.Flush
	err = o.fold(c.Context(), in)
	show.done()
	if e := out.close(); err == nil {
		err = e
	}
	out.rejected.summary(c.ErrOrStderr(), o.rejected)
	return err
}

// fold folds all events, and what is due at their end.
func (o *featuresOptions) fold(ctx context.Context, in *reading) error {
	read := in.inTurn
	if o.partitions {
		read = in.sideBySide
	}
	if err := read(ctx); err != nil {
		return err
	}
	fx, err := in.engine.End(o.drain)
	if err != nil {
		return err
	}
	return in.take(fx)
}

// featuresOutputs are where the results go.
type featuresOutputs struct {
	rows     *bufio.Writer
	lives    *lives // nil: nobody wants them
	rejected *rejected
}

func (o *featuresOptions) openOutputs(stdout io.Writer) (*featuresOutputs, error) {
	out := &featuresOutputs{rows: bufio.NewWriterSize(stdout, outputBuffer)}
	var err error
	if out.rejected, err = newRejected(o.rejected); err == nil && o.alerts != "" {
		out.lives, err = newLives(o.alerts)
	}
	return out, err
}

func (out *featuresOutputs) take(fx *engine.Effects) error {
	for _, row := range fx.Rows {
		if _, err := out.rows.Write(row); err != nil {
			return err
		}
	}
	if err := out.rejected.take(fx.Rejected); err != nil || out.lives == nil {
		return err
	}
	return out.lives.take(fx.Changes)
}

// close writes what is left; after an interrupt, all that has been found until then.
func (out *featuresOutputs) close() error {
	err := out.rows.Flush()
	if e := out.rejected.close(); err == nil {
		err = e
	}
	if out.lives != nil {
		if e := out.lives.Close(); err == nil {
			err = e
		}
	}
	return err
}
