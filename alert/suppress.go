package alert

import (
	"fmt"
	"strings"
	"time"

	"kelpie/state"
)

// The reasons for which a receiver is not told of an alert.
const (
	HeldSilence     = "silence"     // somebody has silenced it; By is the silence's id
	HeldMaintenance = "maintenance" // By is the window's name, or its number
	HeldInhibited   = "inhibited"   // By is the id of an alert that is firing
	HeldMuted       = "muted"       // the route tells nobody at this time
)

// HeldReasons are all of them.
var HeldReasons = []string{HeldSilence, HeldMaintenance, HeldInhibited, HeldMuted}

// suppressor knows why a receiver is not to be told of an alert. It belongs to the router.
type suppressor struct {
	silences    []*Silence
	version     uint64 // of the silences; 0: not loaded
	maintenance []maintenance
	inhibits    []*inhibit
	clocks      []weekly  // all that something depends on
	next        time.Time // when the answer may be another one though nothing has happened; zero: never
	lifted      bool      // an alert that inhibited others is over
}

// maintenance is a MaintenanceSpec to be asked.
type maintenance struct {
	name     string
	match    Matchers
	from, to time.Time
	weekly   []weekly
}

func newSuppressor(s Spec, t *tree) (*suppressor, error) {
	p := &suppressor{}
	for i, m := range s.Maintenance {
		w, err := newWeeklies(m.Weekly)
		if err != nil {
			return nil, err
		}
		name := m.Name
		if name == "" {
			name = fmt.Sprint(i + 1)
		}
		one := maintenance{name: name, match: m.Match, weekly: w}
		if m.From != 0 {
			one.from, one.to = time.UnixMilli(int64(m.From)), time.UnixMilli(int64(m.To))
		}
		p.maintenance = append(p.maintenance, one)
		p.clocks = append(p.clocks, w...)
	}
	for _, r := range t.byKey {
		p.clocks = append(append(p.clocks, r.mute...), r.active...)
	}
	for _, i := range s.Inhibit {
		p.inhibits = append(p.inhibits, newInhibit(i))
	}
	return p, nil
}

// refresh takes in what has changed up to now. changed says that somebody who was not told may have to be told now.
func (p *suppressor) refresh(s *state.Store, now time.Time) (changed bool, err error) {
	changed = p.lifted || !p.next.IsZero() && !now.Before(p.next)
	p.lifted = false
	if v := s.SilencesVersion() + 1; v != p.version {
		if p.silences, err = Silences(s); err != nil {
			return false, err
		}
		p.version, changed = v, true
	}
	if changed {
		p.next = p.boundary(now)
	}
	return changed, nil
}

// boundary returns when something begins or ends next.
func (p *suppressor) boundary(now time.Time) (next time.Time) {
	later := func(t time.Time) {
		if t.After(now) {
			next = earliest(next, t)
		}
	}
	for _, s := range p.silences {
		later(time.UnixMilli(s.From))
		later(time.UnixMilli(s.To))
	}
	for _, m := range p.maintenance {
		later(m.from)
		later(m.to)
	}
	for i := range p.clocks {
		later(p.clocks[i].next(now))
	}
	return next
}

// held returns why nobody is to be told by a route of an alert with labels; "" if somebody is.
func (p *suppressor) held(r *route, x *subject, set map[string]string, now time.Time) string {
	for _, s := range p.silences {
		if s.State(now.UnixMilli()) == SilenceActive && s.Match.MatchEither(set, x.seen) {
			return HeldSilence + ":" + s.ID
		}
	}
	for i := range p.maintenance {
		if m := &p.maintenance[i]; m.active(now) && m.match.Match(set) {
			return HeldMaintenance + ":" + m.name
		}
	}
	for _, i := range p.inhibits {
		if by := i.by(x.id, set); by != "" {
			return HeldInhibited + ":" + by
		}
	}
	if r.muted(now) {
		return HeldMuted
	}
	return ""
}

func (m *maintenance) active(now time.Time) bool {
	for i := range m.weekly {
		if m.weekly[i].contains(now) {
			return true
		}
	}
	return !m.from.IsZero() && !now.Before(m.from) && now.Before(m.to)
}

func parseHeld(text string) Held {
	reason, by, _ := strings.Cut(text, ":")
	return Held{Reason: reason, By: by}
}

// inhibit is an InhibitSpec with the alerts that match its source and are firing.
type inhibit struct {
	InhibitSpec
	sources map[string]map[string]bool // by what is to be equal, then by id: whether it matches target as well
}

func newInhibit(s InhibitSpec) *inhibit {
	return &inhibit{s, map[string]map[string]bool{}}
}

// equal returns the values that source and target must share.
func (i *inhibit) equal(set map[string]string) string {
	var b []byte
	for _, name := range i.Equal {
		b = appendText(b, set[name])
	}
	return string(b)
}

// opened notes an alert that fires.
func (p *suppressor) opened(id string, set map[string]string) {
	for _, i := range p.inhibits {
		if !i.Source.Match(set) {
			continue
		}
		key := i.equal(set)
		if i.sources[key] == nil {
			i.sources[key] = map[string]bool{}
		}
		i.sources[key][id] = i.Target.Match(set)
	}
}

// resolved notes that an alert is over.
func (p *suppressor) resolved(id string, set map[string]string) {
	for _, i := range p.inhibits {
		key := i.equal(set)
		if _, ok := i.sources[key][id]; !ok {
			continue
		}
		p.lifted = true
		if delete(i.sources[key], id); len(i.sources[key]) == 0 {
			delete(i.sources, key)
		}
	}
}

// by returns the first, by id, of the alerts that inhibit one with the given labels. An alert that matches both sides is
// inhibited by those only that match source alone; so none inhibits itself.
func (i *inhibit) by(id string, set map[string]string) (by string) {
	sources := i.sources[i.equal(set)]
	if len(sources) == 0 || !i.Target.Match(set) {
		return ""
	}
	both := i.Source.Match(set)
	for source, alsoTarget := range sources {
		if source != id && !(both && alsoTarget) && (by == "" || source < by) {
			by = source
		}
	}
	return by
}
