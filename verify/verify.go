// Package verify derives alerts again from the log, with the rules that made them, and says whether they come out as they
// are kept. It tells nobody of what it finds: it has no receivers.
package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/mask"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/state"
)

// Outcome is what came of deriving an alert again.
type Outcome string

// The outcomes.
const (
	Equal   Outcome = "equal"    // it comes out as it is kept, to the byte
	Differs Outcome = "differs"  // something of it is different, or the log does not say that it opened
	Unknown Outcome = "unknown"  // it cannot be derived: what it rests on is gone
	Unkept  Outcome = "not-kept" // the log says that it opened, and the state does not have it
)

// Finding is what is said of one alert.
type Finding struct {
	Alert       *alert.Alert // as it is kept; of an Unkept one as it was derived
	Outcome     Outcome
	Why         string       // in a sentence, where there are no differences to show
	Differences []Difference // of Differs

	derived *alert.Alert // with Differences: as it came out
}

// Masked returns the finding as it may leave. Of a difference that is personal only the name is left.
func (f Finding) Masked(m *mask.Fields) Finding {
	if m == nil {
		return f
	}
	out := f
	out.Alert = f.Alert.Masked(m)
	if len(f.Differences) == 0 {
		return out
	}
	seen, err := differences(out.Alert, f.derived.Masked(m))
	if err != nil {
		seen = nil
	}
	out.Differences = nil
	for _, d := range f.Differences {
		i := slices.IndexFunc(seen, func(x Difference) bool { return x.Member == d.Member })
		if i < 0 {
			d = Difference{Member: d.Member, Kept: "masked", Derived: "masked"}
		} else {
			d = seen[i]
		}
		out.Differences = append(out.Differences, d)
	}
	return out
}

// Difference is a member of an alert's JSON form that did not come out as it is kept; "" stands for none.
type Difference struct {
	Member  string `json:"member"`
	Kept    string `json:"kept"`
	Derived string `json:"derived"`
}

// Options say what is derived from what.
type Options struct {
	Log    *journal.Log
	State  *state.Store    // a view, opened before the log was: what it has read stands in the log
	Rule   string          // with all: of this rule only; "": of any
	Inputs []engine.Input  // of the configuration: through them records of topics are read again
	Rules  *rules.Set      // those of the configuration, for logs that do not say which rules ran; may be nil
	Event  event.Spec      // of the configuration, likewise
	Time   engine.TimeSpec // likewise

	Forgotten int64        // alerts that resolved before this event time may have been forgotten, ms; 0: none has
	Scratch   *state.Store // an empty store to fold into, mostly in memory
	Shards    int
	Memory    int64              // bytes of rows that may be in memory
	At        func(offset int64) // is told how far the log has been folded, now and then; may be nil
	Logger    *slog.Logger       // nil discards
}

// Check derives the alerts again. With all it also finds those that the log says and the state does not have, among those
// that opened from from to, and without, to (event times, ms; 0: no bound). Findings are in the order of the alerts.
func Check(ctx context.Context, o Options, alerts []*alert.Alert, all bool, from, to int64) ([]Finding, error) {
	c, ok, err := o.State.Checkpoint()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, nil
	}
	p := &verifier{o: o, upTo: engine.ReadUpTo(&c)}
	switch {
	case !all:
		p.only = ruleNames(alerts)
	case o.Rule != "":
		p.only = []string{o.Rule}
	}
	if err := p.derive(ctx); err != nil {
		return nil, err
	}
	var out []Finding
	known := map[string]bool{}
	for _, a := range alerts {
		f, err := p.check(a)
		if err != nil {
			return nil, err
		}
		known[a.ID] = true
		out = append(out, f)
	}
	if !all || p.broken != nil {
		return out, nil
	}
	more, err := p.unkept(known, from, to)
	return append(out, more...), err
}

func ruleNames(alerts []*alert.Alert) []string {
	names := map[string]bool{}
	for _, a := range alerts {
		names[a.Rule] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// verifier has the log folded once more.
type verifier struct {
	o      Options
	upTo   int64    // offset in the log before which the state has read everything
	only   []string // rules; nil: all
	lost   string   // records that were there and are gone
	broken error    // why the log could not be folded
}

// derive folds the log. What keeps it from that is remembered; only an end that was asked for is an error.
func (p *verifier) derive(ctx context.Context) error {
	o := &p.o
	err := engine.Replay(ctx, engine.ReplayOptions{
		Log: o.Log, Inputs: o.Inputs, To: p.upTo, Store: o.Scratch, Seen: o.State, Rules: o.Rules, Event: o.Event, Time: o.Time,
		Only: p.only, Shards: o.Shards, Memory: o.Memory, At: o.At, Logger: o.Logger,
		Lost: func(r *source.Run, why string) {
			if p.lost == "" {
				p.lost = fmt.Sprintf("records of %s from %d on are gone: %s", r.Partition, r.From, why)
			}
		},
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.broken = err
	return nil
}

// check sets an alert beside what was derived.
func (p *verifier) check(a *alert.Alert) (Finding, error) {
	f := Finding{Alert: a}
	if p.broken != nil {
		f.Outcome, f.Why = Unknown, p.broken.Error()
		return f, nil
	}
	again, err := alert.Get(p.o.Scratch, a.ID)
	switch {
	case errors.Is(err, state.ErrNotFound):
		if f.Why, err = p.insteadOf(a); err != nil {
			return f, err
		}
	case err != nil:
		return f, err
	default:
		f.derived = again
		if f.Differences, err = differences(a, again); err != nil {
			return f, err
		}
		if len(f.Differences) == 0 {
			f.Outcome = Equal
			return f, nil
		}
	}
	f.Outcome = Differs
	if gone := p.gone(a); gone != "" {
		f.Outcome, f.Why, f.Differences = Unknown, gone, nil
	}
	return f, nil
}

// gone says what is missing to derive an alert, "" if nothing is.
func (p *verifier) gone(a *alert.Alert) string {
	if first := p.o.Log.FirstOffset(); first > 0 {
		return fmt.Sprintf("the log begins with record %d, those before have been removed, and the alert may rest on them", first)
	}
	if p.lost != "" {
		return p.lost
	}
	if a.Rules != "" {
		if set, err := engine.StoredRules(p.o.State, a.Rules); err != nil || set == nil {
			return fmt.Sprintf("the rules that made it (version %s) are not kept", a.Rules)
		}
	}
	return ""
}

// insteadOf says what the log has in place of an alert that it does not say opened.
func (p *verifier) insteadOf(a *alert.Alert) (string, error) {
	list, err := alert.List(p.o.Scratch, alert.Query{Rule: a.Rule, Key: a.Key})
	if err != nil {
		return "", err
	}
	why := "the log does not say that it opened"
	if len(list) == 0 {
		return why + "; nothing opened for this rule and key", nil
	}
	near := slices.MinFunc(list, func(x, y *alert.Alert) int {
		return int(min(max(distance(x.Opened, a.Opened)-distance(y.Opened, a.Opened), -1), 1))
	})
	return fmt.Sprintf("%s; nearest to it for this rule and key is %s, opened %s", why, near.ID, event.FormatTime(near.Opened)), nil
}

func distance(x, y int64) int64 { return max(x-y, y-x) }

// unkept returns the alerts that were derived and are not kept.
func (p *verifier) unkept(known map[string]bool, from, to int64) (out []Finding, err error) {
	list, err := alert.List(p.o.Scratch, alert.Query{Rule: p.o.Rule, From: from, To: to, Oldest: true})
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		if known[a.ID] || !a.Open() && a.Resolved < p.o.Forgotten {
			continue
		}
		if _, err := alert.Get(p.o.State, a.ID); err == nil {
			continue // it was not asked for
		}
		f := Finding{Alert: a, Outcome: Unkept, Why: "the log says that it opened, and the state does not have it"}
		if gone := p.gone(a); gone != "" {
			f.Outcome, f.Why = Unknown, "it is not kept, and was derived now; but "+gone
		}
		out = append(out, f)
	}
	return out, nil
}

// differences compares two alerts by the members of their JSON forms; those of values are named one by one.
func differences(kept, derived *alert.Alert) (all []Difference, err error) {
	a, err := members(kept)
	if err != nil {
		return nil, err
	}
	b, err := members(derived)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for n := range a {
		names[n] = true
	}
	for n := range b {
		names[n] = true
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if !bytes.Equal(a[n], b[n]) {
			all = append(all, Difference{n, string(a[n]), string(b[n])})
		}
	}
	return all, nil
}

// members returns the members of an alert's JSON form by name, those of an object in it by "name.member".
func members(a *alert.Alert) (map[string]json.RawMessage, error) {
	doc, err := a.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(doc, &top); err != nil {
		return nil, err
	}
	all := map[string]json.RawMessage{}
	for name, v := range top {
		var inner map[string]json.RawMessage
		if !bytes.HasPrefix(v, []byte("{")) || json.Unmarshal(v, &inner) != nil {
			all[name] = v
			continue
		}
		for k, x := range inner {
			all[strings.Join([]string{name, k}, ".")] = x
		}
	}
	return all, nil
}
