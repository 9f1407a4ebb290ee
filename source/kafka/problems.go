package kafka

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Problem is something that is not as it should be at the moment.
type Problem struct {
	Where string // a broker (host:port), a topic, a partition (orders/3), or the group
	What  string // a sentence
	Since time.Time
}

// problems are those of the moment, each logged once when it comes and once when it goes. The Reader's mutex guards them.
type problems struct {
	log *slog.Logger
	all map[string]Problem
	old map[string]Problem // that have gone, to be known when they come again
}

// quiet is how long after it has gone a problem that comes again says nothing.
const quiet = 30 * time.Second

// set says what is wrong somewhere.
func (p *problems) set(where, what string) {
	now := time.Now()
	is, has := p.all[where]
	if has && is.What == what {
		return
	}
	if p.all == nil {
		p.all, p.old = map[string]Problem{}, map[string]Problem{}
	}
	since := now
	if has {
		since = is.Since
	}
	p.all[where] = Problem{where, what, since}
	if was, again := p.old[where]; again && was.What == what && now.Sub(was.Since) < quiet {
		return
	}
	p.log.Warn("kafka: " + what)
}

// clear says that all is well somewhere.
func (p *problems) clear(where string) {
	is, has := p.all[where]
	if !has {
		return
	}
	delete(p.all, where)
	now := time.Now()
	was, again := p.old[where]
	p.old[where] = Problem{where, is.What, now}
	if again && was.What == is.What && now.Sub(was.Since) < quiet {
		return
	}
	p.log.Info("kafka: well again", "where", where, "after", now.Sub(is.Since).Round(time.Millisecond))
}

// list returns all, in order.
func (p *problems) list() (all []Problem) {
	for _, is := range p.all {
		all = append(all, is)
	}
	slices.SortFunc(all, func(a, b Problem) int { return strings.Compare(a.Where, b.Where) })
	return all
}

// jitter changes a time by up to a quarter, so that many clients do not come at once.
func jitter(d time.Duration) time.Duration {
	return d - d/4 + rand.N(d/2+1)
}
