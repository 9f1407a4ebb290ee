package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

type featuresOptions struct {
	rules, events []string
	order         string
	disorder      time.Duration
	lateness      time.Duration
	drain         bool
	alerts        string
	shards        int
	batch         int
}

func newFeatures() *cobra.Command {
	var o featuresOptions
	c := &cobra.Command{
		Use:   "features -r RULES --events FILE",
		Short: "Print every rule's named facts at every evaluation, as JSON lines",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return features(c.OutOrStdout(), &o) },
	}
	f := c.Flags()
	f.StringArrayVarP(&o.rules, "rules", "r", nil, "rule file or folder")
	f.StringArrayVar(&o.events, "events", nil, "event file")
	f.StringVar(&o.order, "order", "arrival", "arrival or time")
	f.DurationVar(&o.disorder, "disorder", 2*time.Second, "how far events may be out of order")
	f.DurationVar(&o.lateness, "lateness", 0, "how long after its end a window still accepts")
	f.BoolVar(&o.drain, "drain", false, "judge the windows that are open at the end")
	f.StringVar(&o.alerts, "alerts", "", "write the alerts' lives to this file")
	f.IntVar(&o.shards, "shards", 1, "shards")
	f.IntVar(&o.batch, "batch", 10000, "lines per batch")
	return c
}

func features(w io.Writer, o *featuresOptions) error {
	set, err := rules.Load(o.rules, rules.Options{})
	if err != nil {
		return err
	}
	p, err := engine.NewPlan(set, event.Spec{}, engine.TimeSpec{ByTime: o.order == "time", Disorder: o.disorder.Milliseconds(), Lateness: o.lateness.Milliseconds()}, engine.NewUnits())
	if err != nil {
		return err
	}
	e := engine.New(p, engine.Options{Shards: o.shards, Rows: true})
	out := bufio.NewWriter(w)
	defer out.Flush()
	var changes []engine.Change
	put := func(fx *engine.Effects, err error) error {
		if err != nil {
			return err
		}
		for _, r := range fx.Rows {
			out.Write(r)
		}
		changes = append(changes, fx.Changes...)
		for _, r := range fx.Rejected {
			json.NewEncoder(os.Stderr).Encode(map[string]any{"line": r.Position.Offset, "reason": r.Reason})
		}
		return nil
	}
	for _, name := range o.events {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		n := e.Partition(event.Position{Stream: "events.jsonl"})
		b := &engine.Batch{Partition: n, Buf: data}
		line := int64(0)
		for at := 0; at < len(data); {
			end := at
			for end < len(data) && data[end] != '\n' {
				end++
			}
			line++
			blank := true
			for _, c := range data[at:end] {
				blank = blank && (c == ' ' || c == '\t' || c == '\r')
			}
			if !blank {
				b.Lines = append(b.Lines, engine.Line{Start: at, End: end, Offset: line})
			}
			at = end + 1
		}
		for len(b.Lines) > 0 {
			k := min(o.batch, len(b.Lines))
			c := *b
			c.Lines = b.Lines[:k]
			b.Lines = b.Lines[k:]
			if err := put(e.Step(&c)); err != nil {
				return err
			}
		}
	}
	if err := put(e.End(o.drain)); err != nil {
		return err
	}
	if o.alerts == "" {
		return nil
	}
	return writeLives(o.alerts, changes)
}

func writeLives(name string, changes []engine.Change) error {
	type life struct {
		Rule     string            `json:"rule"`
		Key      any               `json:"key"`
		Opened   string            `json:"opened"`
		ID       string            `json:"id,omitempty"`
		Position string            `json:"position,omitempty"`
		Window   map[string]string `json:"window,omitempty"`
		Resolved string            `json:"resolved,omitempty"`
	}
	var lives []*life
	open := map[string]*life{}
	for _, c := range changes {
		if c.Kind == 2 {
			open[c.ID].Resolved = event.FormatTime(c.At)
			continue
		}
		l := &life{Rule: c.Rule.Name, Key: c.Key, Opened: event.FormatTime(c.Opened), ID: c.EventID, Position: c.Position}
		if len(c.Key) == 1 {
			l.Key = c.Key[0]
		}
		if c.Window != nil {
			l.Window = map[string]string{"start": event.FormatTime(c.Window.Start), "end": event.FormatTime(c.Window.End)}
		}
		open[c.ID] = l
		lives = append(lives, l)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	e := json.NewEncoder(f)
	for _, l := range lives {
		if err := e.Encode(l); err != nil {
			return err
		}
	}
	return f.Close()
}
