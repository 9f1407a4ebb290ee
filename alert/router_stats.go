package alert

import (
	"maps"
	"time"
)

// GroupStats says how one way to a receiver of groups stands. Counts are since the dispatcher was made.
type GroupStats struct {
	Receiver   string // the receiver's name and the notifier's, such as team/slack
	Groups     int    // that are not over
	Made       map[Kind]int64
	Suppressed map[string]int64 // alerts that it was not told of, by HeldSilence and so on
	Delivered  int64
	Failures   int64 // attempts that failed and are repeated
	GivenUp    int64
	Waiting    int       // notifications that are on their way
	Delayed    int       // groups that wait because of the limit
	Oldest     time.Time // when the oldest notification on its way was made; zero if there is none
}

// RouterStats says how routing stands.
type RouterStats struct {
	Receivers []GroupStats
	Unrouted  int64 // alerts that no route took
	Waiting   int64 // messages that are not in groups yet
}

// routerFigures is what the router says of itself after each round.
type routerFigures struct {
	RouterStats
	upTo      uint64
	ready     bool // something is being sent, or may be sent now
	finishing bool
	unsaid    int // with finishing: groups with something to say, and notifications on their way
}

// publish lets others see how the router stands.
func (r *router) publish() {
	now := r.d.now()
	f := &routerFigures{upTo: r.upTo, finishing: r.finish.Load()}
	f.Unrouted = r.unrouted
	for _, l := range r.sortedLanes() {
		s := GroupStats{
			Receiver: l.name, Groups: l.groups, Made: maps.Clone(l.made), Suppressed: maps.Clone(l.suppressed),
			Delivered: l.delivered, Failures: l.failures, GivenUp: l.givenUp, Waiting: len(l.queue), Delayed: len(l.waiting),
		}
		for _, p := range l.queue {
			s.Oldest = earliest(s.Oldest, time.UnixMilli(p.Made))
		}
		f.Receivers = append(f.Receivers, s)
		f.ready = f.ready || l.ready(now)
		f.unsaid += len(l.queue)
	}
	if f.finishing {
		for _, g := range r.groups {
			if k, _ := g.kind(g.summary()); k != "" && k != KindReminder {
				f.unsaid++
			}
		}
	}
	r.figures.Store(f)
}

// done reports whether all messages up to last are in groups and nothing can be sent now; with finishing, whether there is
// nothing left to say at all.
func (f *routerFigures) done(last uint64, finishing bool) bool {
	if f.upTo < last || f.ready {
		return false
	}
	return !finishing || f.finishing && f.unsaid == 0
}
