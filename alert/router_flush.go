package alert

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"kelpie/state"
)

// flush makes notifications of the groups that are due, until none is: a step of an escalation may make another one due.
func (r *router) flush(now time.Time) error {
	if r.finish.Load() {
		r.hurry(now)
	}
	for {
		due, err := r.due(now)
		if err != nil {
			return err
		}
		if len(due) == 0 && !r.changed() {
			return nil
		}
		if err := r.make(due, now); err != nil {
			return err
		}
	}
}

// hurry makes due all groups that have something new to say.
func (r *router) hurry(now time.Time) {
	for _, g := range r.groups {
		if k, due := g.kind(g.summary()); k != "" && k != KindReminder && due.After(now) && !g.waiting {
			r.setWake(g, now)
		}
	}
}

// due returns, by lane, the groups that are to be told now, those that waited for their lane included.
func (r *router) due(now time.Time) (due map[*lane][]*group, err error) {
	due = map[*lane][]*group{}
	look := func(g *group) error {
		r.touch(g)
		is, err := r.look(g, now)
		if is {
			due[g.lane] = append(due[g.lane], g)
		}
		return err
	}
	for _, l := range r.sortedLanes() {
		if len(l.waiting) == 0 || l.slots(now) == 0 {
			continue
		}
		waited := l.waiting
		l.waiting, l.storm = nil, true
		for _, g := range waited {
			g.waiting = false
			if err := look(g); err != nil {
				return nil, err
			}
		}
	}
	for len(r.wakes) > 0 && !r.wakes[0].wake.After(now) {
		g := r.wakes[0]
		r.setWake(g, time.Time{})
		if err := look(g); err != nil {
			return nil, err
		}
	}
	return due, nil
}

// look takes the steps of an escalation that are due, and reports whether the group is to be told now.
func (r *router) look(g *group, now time.Time) (due bool, err error) {
	for _, m := range g.sorted() {
		if m.Now == firing || m.Now != m.Told {
			if err := r.hold(m, now); err != nil {
				return false, err
			}
		}
		if err := r.escalate(m, now); err != nil {
			return false, err
		}
	}
	k, at := g.kind(g.summary())
	return k != "" && (!at.After(now) || r.finish.Load() && k != KindReminder), nil
}

// escalate gives an alert to the next receiver if nobody has acknowledged it in time.
func (r *router) escalate(m *member, now time.Time) error {
	steps := m.group.route.steps
	for m.Now == firing && m.Held == "" && m.Steps < len(steps) {
		next := steps[m.Steps]
		if time.UnixMilli(m.Joined).Add(next.after).After(now) {
			return nil
		}
		if _, err := r.labels(m.subject); err != nil {
			return err
		}
		m.Steps++
		m.changed = true
		for _, l := range r.byReceiver[next.receiver] {
			r.joinGroup(l, next.route, m.group.row.Labels, m.subject, m.Opened, now)
		}
	}
	return nil
}

// make makes notifications of groups, as many as each lane may have, and commits them; then they may be sent.
func (r *router) make(due map[*lane][]*group, now time.Time) error {
	b := r.store.NewBatch()
	defer b.Close()
	var made []*parcel
	for _, l := range r.sortedLanes() {
		ps, err := r.release(b, l, due[l], now)
		if err != nil {
			return err
		}
		made = append(made, ps...)
	}
	if err := r.commit(b, len(made) > 0); err != nil {
		return err
	}
	for _, p := range made {
		p.lane.queue = append(p.lane.queue, p)
	}
	return nil
}

// release makes notifications for a lane: one of each group while it may have so many, else one of each that must not be
// swallowed, and a digest of the others. Groups for which there is no room wait.
func (r *router) release(b *state.Batch, l *lane, due []*group, now time.Time) (made []*parcel, err error) {
	room := l.slots(now)
	if room >= len(due) && !l.storm {
		return r.each(b, due, now)
	}
	var alone, others []*group
	for _, g := range due {
		if k, _ := g.kind(g.summary()); g.row.Alone && (k == KindResolved || k == KindAcknowledged) {
			alone = append(alone, g)
		} else {
			others = append(others, g)
		}
	}
	if !l.storm && room > 0 { // the storm begins: what there is room for comes by itself
		n := min(len(others), max(0, room-1))
		alone, others = append(alone, others[:n]...), others[n:]
	}
	keep := min(1, len(others)) // room for the digest
	n := min(len(alone), max(0, room-keep))
	if made, err = r.each(b, alone[:n], now); err != nil {
		return nil, err
	}
	l.wait(alone[n:])
	switch {
	case len(others) == 0:
	case n == room:
		l.wait(others)
	default:
		p, err := r.digest(b, l, others, now)
		if err != nil {
			return nil, err
		}
		made = append(made, p)
	}
	l.storm = len(l.waiting) > 0
	return made, nil
}

// each makes a notification of each group.
func (r *router) each(b *state.Batch, groups []*group, now time.Time) (made []*parcel, err error) {
	for _, g := range groups {
		p, err := r.notification(b, g, now)
		if err != nil {
			return nil, err
		}
		made = append(made, p)
	}
	return made, nil
}

func (r *router) sortedLanes() []*lane {
	return slices.SortedFunc(maps.Values(r.lanes), func(a, b *lane) int { return cmp.Compare(a.name, b.name) })
}
