package traffic

import (
	"slices"
	"strconv"
)

// attack is one that is going on.
type attack struct {
	label    *Label
	from, to int64   // spikes and storms: the minutes in which they are, event time
	times    []int64 // when its next events come, ascending
	due      int64   // spikes and storms: from this event time on its label counts; never once it is listed
	left     int     // bursts: orders until its label counts
	customer int     // bursts and overruns
	region   int     // spikes
	service  int     // storms
	cents    int64   // bursts and overruns: what each order costs
}

// holds reports whether an event time is within the minutes of a storm.
func (a *attack) holds(t int64) bool { return t >= a.from && t < a.to }

// kinds is the order in which attacks take turns.
var kinds = [...]Kind{Burst, Overrun, Storm, Spike}

// planNext sets when the next attack is planned: every AttackEvery, earlier or later by at most a quarter.
func (g *Generator) planNext() {
	g.planned++
	every := g.cfg.AttackEvery
	g.planAt = g.cfg.Start + g.planned*every - every/4 + g.r.Int64N(every/2+1)
}

// plan begins an attack at a time: of the next kind in turn, or of the one after it where that cannot be.
func (g *Generator) plan(at int64) {
	g.planNext()
	for range kinds {
		kind := kinds[g.turn%len(kinds)]
		g.turn++
		var a *attack
		switch kind {
		case Burst:
			a = g.planBurst(at)
		case Overrun:
			a = g.planOverrun(at)
		case Storm:
			a = g.planStorm(at)
		case Spike:
			a = g.planSpike(at)
		}
		if a != nil {
			a.label.Kind = kind
			g.attacks = append(g.attacks, a)
			g.schedule()
			return
		}
	}
}

// planBurst plans six to nine small orders of one customer within at most eight minutes.
func (g *Generator) planBurst(at int64) *attack {
	g.now = at
	n := 6 + g.r.IntN(4)
	cents := int64(5_00 + g.r.IntN(15_00))
	c, ok := g.victim(int64(n) * cents)
	if !ok {
		return nil
	}
	a := &attack{left: 6, customer: c, cents: cents, due: never}
	a.times = g.spread(n, at+second, at+second+g.r.Int64N(6*minute)+2*minute)
	g.accounts[c].rest(a.times[n-1] + 11*minute)
	a.label = &Label{Rule: "order-burst", Key: "c" + strconv.Itoa(c)}
	return a
}

// planOverrun plans one order that costs more than the customer has left.
func (g *Generator) planOverrun(at int64) *attack {
	g.now = at
	c, ok := g.victim(0)
	if !ok {
		return nil
	}
	acc := &g.accounts[c]
	over := acc.limit - acc.outstanding + acc.limit*int64(10+g.r.IntN(50))/100
	a := &attack{left: 1, customer: c, cents: over, due: never, times: []int64{at + second}}
	acc.rest(at + 11*minute)
	a.label = &Label{Rule: "over-credit-limit", Key: "c" + strconv.Itoa(c)}
	return a
}

// planStorm plans requests to one service, so many that the rule must look at it, and lets it fail.
func (g *Generator) planStorm(at int64) *attack {
	s := g.r.IntN(len(services))
	if g.storms[s] != nil {
		return nil
	}
	from := nextMinute(at)
	a := &attack{service: s, from: from, to: from + minute*(1+g.r.Int64N(3)), due: from + minute}
	for m := from; m < a.to; m += minute {
		a.times = append(a.times, g.spread(120+g.r.IntN(60), m+g.cfg.Disorder.Bound, m+minute)...)
	}
	a.label = &Label{Rule: "error-rate", Key: services[s], From: from, To: a.to}
	g.storms[s] = a
	return a
}

// planSpike plans orders of new customers in one region: fourteen times the normal of the hour, within one minute.
// The rule must have seen ten minutes of orders before,
// and no region has two within an hour: the normal would have taken in the first.
func (g *Generator) planSpike(at int64) *attack {
	from := nextMinute(at)
	region, ok := g.calmRegion(from)
	if !ok {
		return nil
	}
	normal, minutes := g.volume.normal(from, region)
	if minutes < 12 {
		return nil
	}
	g.spiked[region] = from
	n := int(14*max(normal, 3)) + 10
	a := &attack{region: region, from: from, to: from + minute, due: from + minute}
	a.times = g.spread(n, from+g.cfg.Disorder.Bound, from+minute)
	a.label = &Label{Rule: "volume-10x", Key: regions[region], From: from, To: from + minute}
	return a
}

// calmRegion draws a region that had no spike within the hour, so that a spike is not part of its own normal.
func (g *Generator) calmRegion(from int64) (region int, ok bool) {
	for range 16 {
		region = g.r.IntN(len(regions))
		if from-g.spiked[region] > 61*minute {
			return region, true
		}
	}
	return 0, false
}

// nextMinute returns the beginning of the first whole minute after t.
func nextMinute(t int64) int64 { return (t/minute + 1) * minute }

// spread draws n times in [from, to), ascending.
func (g *Generator) spread(n int, from, to int64) []int64 {
	times := make([]int64, n)
	for i := range times {
		times[i] = from + g.r.Int64N(to-from)
	}
	slices.Sort(times)
	return times
}

// schedule finds out what comes next of the attacks, and forgets those that are over.
func (g *Generator) schedule() {
	g.attackAt, g.settleAt = never, never
	g.attacks = slices.DeleteFunc(g.attacks, func(a *attack) bool { return len(a.times) == 0 && a.due == never && g.newest >= a.to })
	for _, a := range g.attacks {
		if len(a.times) > 0 {
			g.attackAt = min(g.attackAt, a.times[0])
		}
		g.settleAt = min(g.settleAt, a.due)
		if a.to > g.newest {
			g.settleAt = min(g.settleAt, a.to)
		}
	}
}

// attackEvent appends the event that is due of an attack.
func (g *Generator) attackEvent(dst []byte) []byte {
	i := slices.IndexFunc(g.attacks, func(a *attack) bool { return len(a.times) > 0 && a.times[0] == g.attackAt })
	a := g.attacks[i]
	a.times = a.times[1:]
	switch a.label.Kind {
	case Burst, Overrun:
		g.blame(a)
		g.step(a)
		dst = g.order(dst, a.customer, a.cents)
	case Spike:
		g.blame(a)
		dst = g.guestOrder(dst, g.guest(a.region))
	case Storm:
		dst = g.request(dst, g.draw(), a.service)
	}
	g.schedule()
	return dst
}

// step widens the label of a burst or an overrun by the event, and lists it when that is the one its rule fires at.
func (g *Generator) step(a *attack) {
	l := a.label
	if l.From == 0 {
		l.From, l.To = g.t, g.t
	}
	l.From, l.To = min(l.From, g.t), max(l.To, g.t)
	if a.left--; a.left == 0 {
		g.labels = append(g.labels, l)
	}
}

// guest returns a person of a region.
func (g *Generator) guest(region int) person {
	for {
		if p := personOf(int(g.r.Int64())); p.region() == region {
			return p
		}
	}
}

// blame adds the event that is being written to the attack's label.
func (g *Generator) blame(a *attack) {
	a.label.Events = append(a.label.Events, string(appendID(nil, g.written, g.cfg.UUIDs)))
}

// settle lists the labels whose first minute is over, and ends what is over.
func (g *Generator) settle() {
	for _, a := range g.attacks {
		if g.newest >= a.due {
			g.labels = append(g.labels, a.label)
			a.due = never
		}
		if a.label.Kind == Storm && g.newest >= a.to {
			g.storms[a.service] = nil
		}
	}
	g.schedule()
}
