package alert

import (
	"maps"
	"slices"
	"time"

	"kelpie/state"
)

// takeSize is how many messages are put into groups in one commit.
const takeSize = 1024

// take puts the messages that are new in the outbox into groups. The last ones are committed with what is made of them.
func (r *router) take(now time.Time) error {
	for r.upTo < r.store.LastMessage() {
		n, err := r.takeSome(now)
		if err != nil || n < takeSize {
			return err
		}
		if err := r.save(); err != nil {
			return err
		}
	}
	return nil
}

func (r *router) takeSome(now time.Time) (n int, err error) {
	err = r.store.Outbox(r.upTo+1, func(row state.Message) (bool, error) {
		m, err := messageOf(row)
		if err != nil {
			return false, err
		}
		if err := r.hear(m, now); err != nil {
			return false, err
		}
		r.upTo = row.Sequence
		n++
		return n < takeSize, nil
	})
	return n, err
}

// changed reports whether there is something to commit.
func (r *router) changed() bool {
	return len(r.touched) > 0 || len(r.ended) > 0 || r.upTo != r.stored
}

// save commits what has changed.
func (r *router) save() error {
	if !r.changed() {
		return nil
	}
	b := r.store.NewBatch()
	defer b.Close()
	return r.commit(b, false)
}

// commit writes what has changed, with what is in the batch already.
func (r *router) commit(b *state.Batch, sync bool) error {
	if err := r.settle(b); err != nil {
		return err
	}
	for _, p := range r.ended {
		if err := p.write(b); err != nil {
			return err
		}
	}
	r.ended = nil
	b.SetRouter(r.upTo, r.sequence)
	if err := r.store.Commit(b, sync); err != nil {
		return err
	}
	r.stored = r.upTo
	return nil
}

// hear takes in one message.
func (r *router) hear(m Message, now time.Time) error {
	a := m.Alert
	switch m.Kind {
	case KindOpened:
		set := a.LabelSet()
		if a.Open() {
			r.suppress.opened(a.ID, set)
		}
		r.join(a, set, now)
	case KindResolved:
		r.suppress.resolved(a.ID, a.LabelSet())
		return r.stands(a.ID, resolved, now)
	case KindAcknowledged:
		return r.stands(a.ID, acknowledged, now)
	}
	return nil
}

// stands notes how an alert stands in all its groups.
func (r *router) stands(id string, s status, now time.Time) error {
	subject := r.subjects[id]
	if subject == nil {
		return nil
	}
	for _, m := range subject.members {
		if m.Now == resolved {
			continue
		}
		m.Now, m.changed = s, true
		if m.Held != "" {
			if err := r.hold(m, now); err != nil {
				return err
			}
		}
		r.touch(m.group)
	}
	return nil
}

// join puts an alert that has opened into the groups of its routes, and of the receivers that its rule names.
func (r *router) join(a *Alert, set map[string]string, now time.Time) {
	told := map[string]bool{}
	for _, rt := range r.tree.root.find(set) {
		told[rt.receiver] = true
		r.joinRoute(rt, rt.receiver, a, set, now)
	}
	for _, name := range a.Actions {
		if _, ok := r.byReceiver[name]; !ok {
			if !r.strange[name] {
				r.strange[name] = true
				r.d.options.Log.Warn("alert: an action of a rule is no receiver", "action", name, "rule", a.Rule)
			}
			continue
		}
		if !told[name] {
			told[name] = true
			r.joinRoute(r.tree.actions, name, a, set, now)
		}
	}
	if len(told) == 0 {
		r.unrouted++
	}
}

func (r *router) joinRoute(rt *route, receiver string, a *Alert, set map[string]string, now time.Time) {
	labels := rt.labelsOf(a, set)
	for _, l := range r.byReceiver[receiver] {
		r.joinGroup(l, rt, labels, r.subject(a, set), a.Opened, now)
	}
}

// joinGroup puts an alert into the group of a lane, route and labels, which may be new.
func (r *router) joinGroup(l *lane, rt *route, labels map[string]string, s *subject, opened int64, now time.Time) {
	gid := groupID(l.name, rt.key, labels)
	g := r.groups[gid]
	if g == nil {
		g = &group{id: gid, members: map[string]*member{}, route: rt, lane: l, index: -1, changed: true, row: groupRow{
			Name: hash("life", gid, s.id), Lane: l.name, Route: rt.key, Labels: labels, Born: now.UnixMilli(),
		}}
		r.groups[gid] = g
		l.groups++
	}
	if g.members[s.id] == nil {
		r.addMember(g, s, memberRow{Opened: opened, Joined: now.UnixMilli(), Now: firing}).changed = true
		r.touch(g)
	}
}

// subject returns what is known of an alert, which may be new.
func (r *router) subject(a *Alert, set map[string]string) *subject {
	s := r.subjects[a.ID]
	if s == nil {
		s = &subject{id: a.ID}
		s.know(a, set, r.d.options.Mask)
		r.subjects[a.ID] = s
	}
	return s
}

func (r *router) addMember(g *group, s *subject, row memberRow) *member {
	m := &member{subject: s, group: g, memberRow: row}
	g.members[s.id] = m
	s.members = append(s.members, m)
	return m
}

// labels returns the labels of an alert, which are read from the store after a start.
func (r *router) labels(s *subject) (map[string]string, error) {
	if s.set == nil {
		row, err := r.store.Alert(s.id)
		if err != nil {
			return nil, err
		}
		a, err := decode(row)
		if err != nil {
			return nil, err
		}
		s.know(a, a.LabelSet(), r.d.options.Mask)
	}
	return s.set, nil
}

// hold sets whether the receiver is kept from hearing of an alert, and counts it, once for a reason.
func (r *router) hold(m *member, now time.Time) error {
	reason := ""
	if m.holdable() {
		set, err := r.labels(m.subject)
		if err != nil {
			return err
		}
		reason = r.suppress.held(m.group.route, m.subject, set, now)
	}
	if reason == m.Held {
		return nil
	}
	if reason == "" && m.Told == unknown {
		m.Joined = now.UnixMilli()
	}
	m.Held, m.changed = reason, true
	if reason != "" && m.Told == unknown && reason != m.Counted {
		m.Counted = reason
		m.group.lane.suppressed[parseHeld(reason).Reason]++
	}
	return nil
}

// review looks again at all alerts that receivers are kept from hearing of.
func (r *router) review(now time.Time) error {
	for _, g := range slices.SortedFunc(maps.Values(r.groups), compareGroups) {
		for _, m := range g.members {
			if m.Held == "" {
				continue
			}
			if err := r.hold(m, now); err != nil {
				return err
			}
			r.touch(g)
		}
	}
	return r.save()
}
