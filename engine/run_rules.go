package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"kelpie/journal"
	"kelpie/source"
)

// rulesRecord is the payload of a journal.RulesLoaded record: the events behind it are folded with other rules than those
// before it. The state notes the version of the newest one, and the service writes one when it goes on with another.
type rulesRecord struct {
	Version string            `json:"version"` // Plan.Fingerprint
	Rules   map[string]string `json:"rules"`   // fingerprint of each rule, by name
	Tables  map[string]string `json:"tables,omitempty"`
	Text    string            `json:"text,omitempty"` // Plan.Version: the rules themselves, so that a replay has them
	Warm    *fillSpec         `json:"warm,omitempty"` // the windows that the rules before did not have are filled from the log
}

// rulesLoaded is the record of a plan, whose new windows are filled; warm nil: they start empty.
func rulesLoaded(p *Plan, warm *fillSpec) ([]byte, error) {
	r := rulesRecord{Version: p.Fingerprint(), Rules: map[string]string{}, Tables: map[string]string{}, Text: string(p.text), Warm: warm}
	for _, x := range p.Set.Rules {
		r.Rules[x.Name] = textFingerprint(x.Text)
	}
	for _, x := range p.Set.Tables {
		r.Tables[x.Name] = textFingerprint(x.Text)
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("engine: a record of the rules: %w", err)
	}
	return b, nil
}

// textFingerprint identifies the canonical text of a rule or a table.
func textFingerprint(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:8])
}

// announce writes to the log how it is divided and which rules are loaded, where that is not what it says last. Nothing is
// read meanwhile.
func (l *loop) announce(ctx context.Context) error {
	if x := layoutOf(l.s.o.Inputs, l.layout); !x.equal(&l.noted.layout) {
		payload, err := layoutRecord(x)
		if err == nil {
			err = l.append(ctx, journal.PartitionsAssigned, payload)
		}
		if err != nil {
			return err
		}
	}
	v := l.s.configured()
	p, err := v.plan(NewUnits())
	if err != nil || l.noted.Rules == p.Fingerprint() {
		return err
	}
	x, fill, err := l.fillable(v, p)
	if err != nil {
		return err
	}
	if fill && !l.s.o.UntilEnd {
		l.startFilling(ctx, x)
		return nil
	}
	var warm *fillSpec
	if fill {
		warm = &x.spec
	}
	payload, err := rulesLoaded(p, warm)
	if err != nil {
		return err
	}
	return l.append(ctx, journal.RulesLoaded, payload)
}

// append writes a record of the loop's own to the log and folds it, while the intake writes nothing. It waits for room
// on the disk.
func (l *loop) append(ctx context.Context, kind journal.Kind, payload []byte) error {
	for {
		at, err := l.s.o.Log.Append(ctx, kind, payload)
		if err == nil {
			line := source.Line{End: len(payload), Offset: at.First}
			return l.fold(&stretch{kind: kind, appended: at.Time, buf: payload, lines: []source.Line{line}})
		}
		if !errors.Is(err, journal.ErrDiskFull) {
			return err
		}
		select {
		case <-l.s.o.Clock.After(firstRetry):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// changeRules folds RulesLoaded records. The rules themselves stand in them, and come with the request of who has just
// read them.
func (l *loop) changeRules(x *stretch) error {
	for i := range x.lines {
		var r rulesRecord
		if err := json.Unmarshal(x.payload(i), &r); err != nil || r.Version == "" {
			return fmt.Errorf("%q is no RulesLoaded record", x.payload(i))
		}
		var v *version
		var f *fill
		switch {
		case x.requests != nil:
			l.tally.Reloads++
			l.tally.Refusal = nil
			v, f = x.requests[i].rules, x.requests[i].fill
		case r.Version != l.rules:
			v = l.versionOf(&r)
		}
		if v != nil && r.Warm != nil {
			if f != nil && f.old != l.engine.plan.Fingerprint() { // others have run since it began
				if err := f.close(); err != nil {
					return err
				}
				f = nil
			}
			var err error
			if f, err = l.refill(v, l.engine.plan, *r.Warm, x.lines[i].Offset, f); err != nil {
				return err
			}
		}
		if v != nil {
			if err := l.adopt(v, f); err != nil {
				return err
			}
		}
		var by *filler
		if x.requests != nil {
			by = x.requests[i].filler
		}
		l.filled(r.Version, by)
		l.noted.Rules = r.Version
		l.arm(x.lines[i].Offset, x.appended)
	}
	return nil
}

// loadRules reads the rules again and, if they are others than those of a version and nothing is wrong with them, brings
// them to the loop through the log.
func (s *Service) loadRules(ctx context.Context, running string, old *Plan) loadedRules {
	set, err := s.o.Load()
	if err != nil {
		return loadedRules{err: err}
	}
	v := &version{set: set, event: s.o.Event, time: s.o.Time}
	p, err := v.plan(NewUnits()) // with numbers of its own: whether they can be planned at all
	if err != nil {
		return loadedRules{err: err}
	}
	if p.Fingerprint() == running {
		return loadedRules{same: true}
	}
	if lacks := p.missingIn(old); s.o.Warm != nil && !lacks.empty() {
		return loadedRules{v: v, plan: p}
	}
	return s.bringRules(ctx, v, p)
}

// bringRules brings rules to the loop through the log, with windows that start empty where they are new.
func (s *Service) bringRules(ctx context.Context, v *version, p *Plan) loadedRules {
	payload, err := rulesLoaded(p, nil)
	if err != nil {
		return loadedRules{err: err}
	}
	r := newRequest(journal.RulesLoaded, payload)
	r.rules = v
	if err := s.ask(ctx, r, r.folded); err != nil {
		s.o.Logger.Warn("kelpie: the new rules come too late, the service ends", "error", err)
	}
	return loadedRules{}
}

// loadedRules is what came of reading the rules again; the zero value is that they have been brought to the loop.
type loadedRules struct {
	same bool  // as those that there are
	err  error // what is wrong with them

	v    *version // they have windows that are to be filled first
	plan *Plan
}
