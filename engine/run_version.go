package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/state"
)

// version is a set of rules with the settings that decide what they mean.
type version struct {
	set   *rules.Set
	event event.Spec
	time  TimeSpec
	name  string // under which it is known, where that is not its fingerprint: of a part of a version
}

func (v *version) plan(units Units) (*Plan, error) { return NewPlan(v.set, v.event, v.time, units) }

// fingerprint identifies the version.
func (v *version) fingerprint() (string, error) {
	p, err := v.plan(NewUnits())
	if err != nil {
		return "", err
	}
	return p.Fingerprint(), nil
}

// parseVersion reads the text of a version (Plan.Version).
func parseVersion(text string) (*version, error) {
	docs := strings.Split(text, "\n"+nextDocument)
	var x settings
	if err := json.Unmarshal([]byte(docs[0]), &x); err != nil {
		return nil, err
	}
	set, err := rules.LoadTexts("rules", docs[1:], rules.Options{Types: x.Types, Strict: x.Strict, Timezone: x.Timezone, Event: x.Event})
	if err != nil {
		return nil, err
	}
	return &version{set: set, event: x.Event, time: x.Time}, nil
}

// configured is the version that the configuration asks for.
func (s *Service) configured() *version {
	return &version{set: s.o.Rules, event: s.o.Event, time: s.o.Time}
}

// firstVersion returns the version that the loop begins with: the one that the state was folded with last, or is being
// rewritten for. A new state begins with the one that the log begins with, so that it becomes what it was; with none
// there, with the configured one. The log says where others take its place.
func (l *loop) firstVersion() (*version, error) {
	mine := l.s.configured()
	fingerprint, err := mine.fingerprint()
	if err != nil {
		return nil, err
	}
	c, ok, err := l.s.o.Store.Checkpoint()
	if err != nil {
		return nil, err
	}
	if !ok {
		return l.firstOfLog(mine)
	}
	r, err := loadRegistry(l.s.o.Store)
	if err != nil {
		return nil, err
	}
	last := c.Rules
	if r.Into != "" {
		last = r.Into
	}
	if last == fingerprint {
		return mine, nil
	}
	p, err := loadPlan(l.s.o.Store, last, r)
	if err != nil {
		return nil, err
	}
	return &version{set: p.Set, event: p.Schema.Spec, time: p.Time}, nil
}

// firstOfLog returns the version that stands in the log before its first event, and takes over how the log is divided
// there. Without these mine is returned, and the log is divided as the inputs ask for.
func (l *loop) firstOfLog(mine *version) (*version, error) {
	head, err := readHead(l.s.o.Log)
	if err != nil {
		return nil, err
	}
	v := (*version)(nil)
	if head.rules != nil {
		v = l.versionOf(head.rules)
	}
	l.layout = layoutOf(l.s.o.Inputs, layout{})
	if l.s.seen != nil && l.s.o.Log.FirstOffset() > 0 {
		if v, l.layout, err = seenAt(l.s.seen, l.s.o.Log.FirstOffset()); err != nil {
			return nil, err
		}
	}
	if head.layout != nil {
		l.layout = *head.layout
	}
	if v == nil {
		v = mine
	}
	return l.narrowed(v), nil
}

// logHead is what a log says before its first event.
type logHead struct {
	rules  *rulesRecord
	layout *layout
}

func readHead(log *journal.Log) (head logHead, err error) {
	p := newPast(log, log.FirstOffset(), log.NextOffset(), newRereader(nil))
	p.has = func(*source.Run, int64) bool { return true } // the records themselves are not asked for
	defer func() { err = errors.Join(err, p.close()) }()
	for {
		x, err := p.next(context.Background())
		switch {
		case errors.Is(err, io.EOF):
			return head, nil
		case err != nil:
			return head, fmt.Errorf("engine: the beginning of the log: %w", err)
		}
		for i := range x.lines {
			switch x.kind {
			case journal.RulesLoaded:
				var r rulesRecord
				if json.Unmarshal(x.payload(i), &r) == nil && head.rules == nil && r.Text != "" {
					head.rules = &r
				}
			case journal.PartitionsAssigned:
				var r partitionsRecord
				if json.Unmarshal(x.payload(i), &r) == nil && r.Log != nil && head.layout == nil {
					head.layout = r.Log
				}
			case journal.TimeAdvanced, journal.SilenceAdded, journal.SilenceExpired:
			default:
				return head, nil
			}
		}
	}
}

// versionOf returns the version that a record of the log names; nil if this Kelpie cannot make it, which is said.
func (l *loop) versionOf(r *rulesRecord) *version {
	mine := l.s.configured()
	if f, err := mine.fingerprint(); err == nil && f == r.Version {
		mine.name = f
		return l.narrowed(mine)
	}
	text := r.Text
	if text == "" { // of an older log
		text = l.keptText(r.Version)
	}
	if text == "" {
		return nil
	}
	v, err := parseVersion(text)
	if err != nil {
		l.s.o.Logger.Warn("kelpie: the log names rules that this Kelpie does not understand; those before go on", "version", r.Version, "error", err)
		return nil
	}
	v.name = r.Version
	return l.narrowed(v)
}

// keptText returns the text of a version that a store has kept, "" if none has.
func (l *loop) keptText(name string) string {
	for _, s := range []*state.Store{l.s.o.Store, l.s.seen} {
		if s == nil {
			continue
		}
		if text, err := s.Rules(name); err == nil && text != nil {
			return string(text)
		}
	}
	return ""
}

// narrowed returns what of a version the loop is about.
func (l *loop) narrowed(v *version) *version {
	if l.s.narrow == nil {
		return v
	}
	few, err := l.s.narrow(v)
	if err != nil { // what is a part of a set that can be read can be read
		l.s.o.Logger.Warn("kelpie: a part of the rules cannot be read by itself; all are taken", "version", v.name, "error", err)
		return v
	}
	return few
}
