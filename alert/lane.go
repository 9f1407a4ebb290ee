package alert

import (
	"context"
	"errors"
	"slices"
	"time"
)

// lane is the way to one notifier of one receiver. But for run, which only calls the notifier, it belongs to the router.
type lane struct {
	router       *router
	receiver     string // as in the configuration
	name         string // with the notifier's name
	notifier     GroupNotifier
	limit        int // a minute; 0: none
	giveUp       time.Duration
	sendResolved bool
	backoff      backoff
	jobs         chan job // holds at most one

	queue   []*parcel   // made and neither delivered nor given up, by number
	busy    bool        // the notifier works
	rest    time.Time   // until then nothing is sent
	failed  int         // attempts in a row that failed, of different notifications
	recent  []time.Time // deliveries of the last minute
	waiting []*group    // due, and kept back because of the limit
	storm   bool        // some have been kept back: the next ones come as a digest

	groups     int
	made       map[Kind]int64
	suppressed map[string]int64 // alerts, by reason
	delivered  int64
	failures   int64
	givenUp    int64
}

// job is an attempt for the notifier to make.
type job struct {
	*parcel
	n *Notification
}

// result is how an attempt has ended.
type result struct {
	*parcel
	memo string
	err  error
}

func newLane(r *router, rc GroupReceiver, n NamedNotifier) *lane {
	l := &lane{
		router: r, receiver: rc.Name, name: rc.Name + "/" + n.Kind, notifier: n.Notifier, limit: defaultLimit,
		giveUp: defaultGiveUp, sendResolved: true, jobs: make(chan job, 1), made: map[Kind]int64{}, suppressed: map[string]int64{},
		backoff: backoff{r.d.options.MinBackoff, r.d.options.MaxBackoff, r.d.options.Chance},
	}
	if rc.Limit != nil {
		l.limit = *rc.Limit
	}
	if rc.GiveUp != nil {
		l.giveUp = *rc.GiveUp
	}
	if rc.SendResolved != nil {
		l.sendResolved = *rc.SendResolved
	}
	return l
}

// run calls the notifier, until there are no more jobs.
func (l *lane) run(ctx context.Context) {
	for j := range l.jobs {
		memo, err := l.try(ctx, j.n)
		l.router.results <- result{j.parcel, memo, err}
	}
}

func (l *lane) try(ctx context.Context, n *Notification) (memo string, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.router.d.options.Timeout)
	defer cancel()
	return l.notifier.NotifyGroup(ctx, n.Masked(l.router.d.options.Mask))
}

// errGone is the failure of a notification that is not kept any more.
var errGone = &DeliveryError{Err: errors.New("the notification is not kept any more"), Final: true}

// give gives the notifier, if it is idle, the notification that has been due for longest; so one that fails again and again
// lets the others pass.
func (l *lane) give(now time.Time) error {
	if l.busy || now.Before(l.rest) {
		return nil
	}
	i := -1
	for j, p := range l.queue {
		if p.Next <= now.UnixMilli() && (i < 0 || p.Next < l.queue[i].Next) {
			i = j
		}
	}
	if i < 0 {
		return nil
	}
	p := l.queue[i]
	n, err := l.router.loadNotification(p)
	if err != nil {
		return err
	}
	if n == nil {
		l.router.giveUp(p, Try{At: now.UnixMilli(), Error: errGone.Error()})
		return nil
	}
	l.busy, p.busy = true, true
	l.jobs <- job{p, n}
	return nil
}

// ready reports whether something is being sent, or may be sent now.
func (l *lane) ready(now time.Time) bool {
	return l.busy || !now.Before(l.rest) && slices.ContainsFunc(l.queue, func(p *parcel) bool { return p.Next <= now.UnixMilli() })
}

// next returns when there is something to do for the lane; zero if that is not known.
func (l *lane) next(now time.Time) (at time.Time) {
	if !l.busy {
		for _, p := range l.queue {
			at = earliest(at, time.UnixMilli(p.Next))
		}
		if !at.IsZero() && at.Before(l.rest) {
			at = l.rest
		}
	}
	if i := len(l.recent) + len(l.queue) - l.limit; len(l.waiting) > 0 && i >= 0 && i < len(l.recent) {
		at = earliest(at, l.recent[i].Add(time.Minute))
	}
	return at
}

// sent counts a delivery against the limit.
func (l *lane) sent(now time.Time) {
	if l.limit > 0 {
		l.recent = append(l.recent, now)
	}
}

// slots returns how many notifications may be made now, so that those of the last minute and those on their way are not
// more than the limit.
func (l *lane) slots(now time.Time) int {
	if l.limit == 0 {
		return 1 << 30
	}
	l.recent = slices.DeleteFunc(l.recent, func(t time.Time) bool { return !now.Before(t.Add(time.Minute)) })
	return max(0, l.limit-len(l.recent)-len(l.queue))
}

// wait keeps groups back until the lane may have more.
func (l *lane) wait(groups []*group) {
	for _, g := range groups {
		g.waiting = true
	}
	l.waiting = append(l.waiting, groups...)
}
