package alert

import (
	"fmt"
	"slices"
	"time"

	"kelpie/state"
)

// load reads what the state holds. Groups of lanes that are not configured any more are forgotten, and notifications to
// them given up; groups of routes that are not there any more go on until their alerts have resolved, as the settings
// beside the routes say.
func (r *router) load() error {
	b := r.store.NewBatch()
	defer b.Close()
	upTo, sequence, ok, err := r.store.Router()
	if err != nil {
		return err
	}
	if r.upTo, r.sequence = upTo, sequence; !ok {
		r.upTo = r.store.LastMessage()
	}
	r.stored = r.upTo
	for _, load := range []func(*state.Batch) error{r.loadGroups, r.loadMembers, r.loadOutcomes, r.loadSources} {
		if err := load(b); err != nil {
			return err
		}
	}
	if len(r.lanes) > 0 {
		b.SetRouter(r.upTo, r.sequence)
	} else if ok {
		b.DeleteRouter()
	}
	for _, g := range r.groups {
		if !slices.ContainsFunc(g.lane.queue, func(p *parcel) bool { return p.seq == g.row.Open }) {
			g.row.Open = 0
		}
		r.setWake(g, g.next())
	}
	if b.Empty() {
		return nil
	}
	return r.store.Commit(b, true)
}

func (r *router) loadGroups(b *state.Batch) error {
	rows, err := r.store.Groups()
	if err != nil {
		return err
	}
	forgotten := map[string]int{}
	for _, row := range rows {
		g := &group{id: row.Name, members: map[string]*member{}, index: -1}
		if err := decodeRow("group", row.Name, row.Value, &g.row); err != nil {
			return err
		}
		if g.lane = r.lanes[g.row.Lane]; g.lane == nil {
			forgotten[g.row.Lane]++
			b.DeleteGroup(g.id)
			continue
		}
		if g.route = r.tree.byKey[g.row.Route]; g.route == nil {
			orphan := *r.tree.root
			orphan.key, orphan.receiver, orphan.routes = g.row.Route, g.lane.receiver, nil
			g.route = &orphan
		}
		g.lane.groups++
		r.groups[g.id] = g
		r.sawAt(max(g.row.Born, g.row.Flushed))
	}
	for name, n := range forgotten {
		r.d.options.Log.Warn("alert: receiver is not configured any more and forgotten", "receiver", name, "groups", n)
	}
	return nil
}

func (r *router) loadMembers(b *state.Batch) error {
	return r.store.Members("", func(row state.Member) error {
		g := r.groups[row.Group]
		if g == nil {
			b.DeleteMember(row.Alert, row.Group)
			return nil
		}
		var m memberRow
		if err := decodeRow("member", row.Alert, row.Value, &m); err != nil {
			return err
		}
		r.sawAt(m.Joined)
		r.addMember(g, r.subject(&Alert{ID: row.Alert}, nil), m)
		return nil
	})
}

// loadOutcomes finds notifications that are on their way, and counts those delivered in the last minute against the limits.
func (r *router) loadOutcomes(b *state.Batch) error {
	now := r.d.now()
	err := r.store.Outcomes(func(seq uint64, v []byte) (bool, error) {
		p := &parcel{seq: seq}
		if err := decodeRow("outcome", fmt.Sprint(seq), v, &p.Outcome); err != nil {
			return false, err
		}
		r.sawAt(max(p.Made, p.Done))
		p.lane = r.lanes[p.Receiver]
		if p.lane != nil && !p.GivenUp && now.Sub(time.UnixMilli(p.Done)) < time.Minute {
			p.lane.sent(time.UnixMilli(p.Done))
		}
		switch {
		case p.Done != 0:
			return true, nil
		case p.lane != nil:
			p.lane.queue = append(p.lane.queue, p)
			return true, nil
		}
		p.Done, p.Next, p.GivenUp = now.UnixMilli(), 0, true
		p.attempt(Try{At: p.Done, Error: "the receiver is not configured any more"})
		return true, p.write(b)
	})
	for _, l := range r.lanes {
		slices.SortFunc(l.recent, time.Time.Compare)
	}
	return err
}

// loadSources finds the alerts that inhibit others.
func (r *router) loadSources(*state.Batch) error {
	if len(r.suppress.inhibits) == 0 {
		return nil
	}
	open, err := List(r.store, Query{State: Firing})
	for _, a := range open {
		if a.Mode != Shadow {
			r.suppress.opened(a.ID, a.LabelSet())
		}
	}
	return err
}
