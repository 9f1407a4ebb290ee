package alert

import (
	"fmt"
	"math"
	"slices"
	"time"

	"kelpie/state"
)

// mostListed is how many alerts a notification lists.
const mostListed = 200

// parcel is a notification on its way to a receiver.
type parcel struct {
	Outcome
	seq  uint64
	lane *lane
	busy bool // the notifier has it
}

// notification makes a notification of what is new in a group.
func (r *router) notification(b *state.Batch, g *group, now time.Time) (*parcel, error) {
	k, _ := g.kind(g.summary())
	n := &Notification{Kind: k, State: Resolved, Labels: g.row.Labels, Since: math.MaxInt64}
	var about []string
	var listed []*member
	for _, m := range g.sorted() {
		if m.fires() {
			n.State, n.Since = Firing, min(n.Since, m.Opened)
		}
		if m.Held != "" {
			continue
		}
		listed = append(listed, m)
		if k == KindReminder || m.news() || m.Missed {
			about = append(about, m.subject.id)
		}
	}
	if n.State == Resolved {
		for _, m := range listed {
			n.Since = min(n.Since, m.Opened)
		}
	}
	listed, n.Omitted = shortlist(listed)
	for _, m := range listed {
		row, err := r.store.Alert(m.subject.id)
		if err != nil {
			return nil, err
		}
		a, err := decode(row)
		if err != nil {
			return nil, err
		}
		n.Alerts = append(n.Alerts, Notice{Alert: a, New: m.Told == unknown || m.Missed})
	}
	g.number(now)
	g.row.Alone = true
	n.Group, n.Key = g.row.Name, fmt.Sprintf("%s/%d", g.row.Name, g.row.Number)
	return r.parcel(b, g.lane, n, []*group{g}, about, now)
}

// shortlist leaves out some of very many alerts: rather those of which there is nothing new.
func shortlist(all []*member) (listed []*member, omitted int) {
	omitted = max(0, len(all)-mostListed)
	for _, leave := range []func(*member) bool{func(m *member) bool { return !m.news() }, func(*member) bool { return true }} {
		for i := len(all) - 1; i >= 0 && len(all) > mostListed; i-- {
			if leave(all[i]) {
				all = slices.Delete(all, i, i+1)
			}
		}
	}
	return all, omitted
}

// number counts a notification of the group.
func (g *group) number(now time.Time) {
	g.row.Number++
	g.row.Flushed, g.changed = now.UnixMilli(), true
}

// parcel puts a notification about groups into the batch.
func (r *router) parcel(b *state.Batch, l *lane, n *Notification, groups []*group, about []string, now time.Time) (*parcel, error) {
	r.sequence++
	n.Receiver = l.receiver
	p := &parcel{seq: r.sequence, lane: l, Outcome: Outcome{Receiver: l.name, Kind: n.Kind, Key: n.Key, Made: now.UnixMilli()}}
	for _, g := range groups {
		p.Groups = append(p.Groups, g.id)
		g.row.Open, g.changed = p.seq, true
		for _, m := range g.members {
			if m.news() || m.Missed && m.Held == "" {
				m.Telling, m.changed = m.Now, true
			}
		}
		r.touch(g)
	}
	v, err := encodeNotification(n, about)
	if err != nil {
		return nil, err
	}
	b.SetNotification(p.seq, about, v)
	if err := p.write(b); err != nil {
		return nil, err
	}
	l.made[n.Kind]++
	return p, nil
}

func (p *parcel) write(b *state.Batch) error {
	v, err := marshal(p.Outcome)
	if err != nil {
		return fmt.Errorf("alert: write outcome %d: %w", p.seq, err)
	}
	b.SetOutcome(p.seq, v)
	return nil
}

// load returns the notification to be sent; nil if it is not kept any more.
func (r *router) loadNotification(p *parcel) (*Notification, error) {
	v, err := r.store.Notification(p.seq)
	if err != nil || v == nil {
		return nil, err
	}
	n, _, err := decodeNotification(p.seq, v)
	if err != nil {
		return nil, err
	}
	n.Attempt = p.Attempts + 1
	if g := r.groups[p.Groups[0]]; g != nil && g.row.Name == n.Group {
		n.Memo = g.row.Memo
	}
	for i := range n.Alerts {
		n.Alerts[i].Link = r.d.link(n.Alerts[i].Alert.ID)
	}
	newest := int64(math.MinInt64)
	for _, a := range n.Alerts {
		if a.Alert.Opened >= newest {
			newest, n.Link = a.Alert.Opened, a.Link
		}
	}
	return n, nil
}
