package docs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kelpie/engine"
	"kelpie/engine/ruletest"
	"kelpie/event"
	"kelpie/rules"
)

// settings are what the rules are folded with.
type settings struct {
	event event.Spec
	time  engine.TimeSpec
	drain bool
}

func defaults() settings { return settings{time: engine.TimeSpec{Disorder: 2000}} }

// with returns s with the arguments of `kelpie features`.
func (s settings) with(args []string) (settings, error) {
	for len(args) > 0 {
		name := args[0]
		args = args[1:]
		if name == "--drain" {
			s.drain = true
			continue
		}
		if len(args) == 0 {
			return s, fmt.Errorf("%s needs a value", name)
		}
		ms, err := rules.ParseDuration(args[0])
		switch name {
		case "--order":
			s.time.ByTime, err = args[0] == "time", nil
		case "--disorder":
			s.time.Disorder = ms
		case "--lateness":
			s.time.Lateness = ms
		default:
			err = fmt.Errorf("there is no argument %s", name)
		}
		if err != nil {
			return s, err
		}
		args = args[1:]
	}
	return s, nil
}

// outcome is what a fold gives.
type outcome struct {
	rows, alerts []map[string]any
}

// fold folds events in JSON lines, positioned as lines of events.jsonl.
func fold(set *rules.Set, s settings, events []byte) (*outcome, error) {
	plan, err := engine.NewPlan(set, s.event, s.time, engine.NewUnits())
	if err != nil {
		return nil, err
	}
	e := engine.New(plan, engine.Options{Rows: true, Seed: 1})
	b := &engine.Batch{Buf: events, Partition: e.Partition(event.Position{Stream: "events.jsonl", Kind: event.FilePosition})}
	at := 0
	for line := range bytes.Lines(events) {
		if text := bytes.TrimSpace(line); len(text) > 0 {
			b.Lines = append(b.Lines, engine.Line{Start: at, End: at + len(bytes.TrimRight(line, "\n")), Offset: int64(1 + bytes.Count(events[:at], []byte("\n")))})
		}
		at += len(line)
	}
	o := &outcome{}
	open := map[string]map[string]any{}
	take := func(fx *engine.Effects, err error) error {
		if err != nil {
			return err
		}
		for _, r := range fx.Rejected {
			return fmt.Errorf("%s: the event is refused: %v %s", r.Position, r.Reason, r.Detail)
		}
		for _, line := range fx.Rows {
			var row map[string]any
			if err := json.Unmarshal(line, &row); err != nil {
				return fmt.Errorf("row %s: %w", line, err)
			}
			o.rows = append(o.rows, row)
		}
		for i := range fx.Changes {
			o.change(&fx.Changes[i], open)
		}
		return nil
	}
	return o, errors.Join(take(e.Step(b)), take(e.End(s.drain)))
}

// change notes what happened to an alert, as the lives of `kelpie features --alerts` do, and its message.
func (o *outcome) change(c *engine.Change, open map[string]map[string]any) {
	switch c.Kind {
	case engine.Opened:
		a := map[string]any{"rule": c.Rule.Name, "severity": c.Rule.Severity, "opened": event.FormatTime(c.Opened), "message": c.Message}
		a["key"] = key(c.Key)
		if c.Window != nil {
			a["window"] = map[string]any{"start": event.FormatTime(c.Window.Start), "end": event.FormatTime(c.Window.End)}
		} else {
			a["position"] = c.Position
		}
		if c.EventID != "" {
			a["id"] = c.EventID
		}
		open[c.ID] = a
		o.alerts = append(o.alerts, a)
	case engine.Resolved:
		open[c.ID]["resolved"] = event.FormatTime(c.At)
	}
}

func key(parts []string) any {
	if len(parts) == 1 {
		return parts[0]
	}
	all := make([]any, len(parts))
	for i, p := range parts {
		all[i] = p
	}
	return all
}

// runTests runs the tests beside rules and says what failed, with the reasons that `kelpie test` gives.
func runTests(set *rules.Set, s settings) (failed []string, err error) {
	r := ruletest.New(set, ruletest.Options{Event: s.event, Time: s.time})
	for _, t := range set.Tests {
		res, err := r.Run(t)
		if err != nil {
			return failed, err
		}
		if res.Passed() {
			continue
		}
		text := fmt.Sprintf("%s: %s: %s", t.At, t.Rule, t.Name)
		for _, p := range res.Problems {
			text += "\n    " + p
		}
		for _, l := range res.Lines {
			for _, m := range l.Members {
				text += fmt.Sprintf("\n    %s: want %s, got %s", m.Name, m.Want, m.Got)
			}
		}
		failed = append(failed, text)
	}
	return failed, nil
}

// millis turns a duration of the configuration into that of the engine.
func millis(d time.Duration) int64 { return d.Milliseconds() }
