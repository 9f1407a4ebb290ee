package traffic

import "math"

// background appends an event of the ordinary traffic.
func (g *Generator) background(dst []byte) []byte {
	if g.cfg.bench {
		return g.benchEvent(dst)
	}
	switch x := g.r.IntN(100); {
	case x < 2:
		return g.review(dst)
	case x < 38:
		return g.trade(dst)
	}
	return g.request(dst, g.draw(), g.r.IntN(len(services)))
}

// benchEvent is background for the profile of the benchmarks, which holds nothing back.
func (g *Generator) benchEvent(dst []byte) []byte {
	switch x := g.r.IntN(100); {
	case x < 45:
		return g.order(dst, g.draw(), g.amount())
	case x < 70 && g.unpaid.n > 0:
		return g.pay(dst)
	case x < 73:
		return g.changeLimit(dst, g.draw(), g.newLimit(), reviewed)
	}
	return g.request(dst, g.draw(), g.r.IntN(len(services)))
}

// trade appends an order, a payment, or the opening of an account; a request when the customers drawn may do none.
func (g *Generator) trade(dst []byte) []byte {
	settled := g.now - 2*g.cfg.Disorder.Bound - 30*second // so that no payment is older than its order
	if g.unpaid.due(settled) && (g.unpaid.full() || g.r.IntN(2) == 0) {
		return g.pay(dst)
	}
	cents := g.amount()
	c, opens, ok := g.buyer(cents)
	switch {
	case !ok || g.unpaid.full():
		return g.request(dst, g.draw(), g.r.IntN(len(services)))
	case opens:
		g.accounts[c].rest(g.now + g.cfg.Disorder.Bound + 10*second)
		return g.changeLimit(dst, c, g.newLimit(), opened)
	}
	a := &g.accounts[c]
	a.free, a.quiet = g.now+pace, g.now+11*minute
	return g.order(dst, c, cents)
}

// review appends a change of a credit limit that leaves room for twice what is outstanding.
func (g *Generator) review(dst []byte) []byte {
	c := g.draw()
	a := &g.accounts[c]
	limit := g.newLimit()
	if a.limit == 0 || a.free > g.now || limit < 2*a.outstanding {
		return g.request(dst, c, g.r.IntN(len(services)))
	}
	return g.changeLimit(dst, c, limit, reviewed)
}

// amount draws what an order costs, in cents: lognormal, about 45.00 in the middle.
func (g *Generator) amount() int64 {
	a := int64(math.Exp(float64(g.r.NormFloat64()*0.9)+3.8) * 100)
	return min(max(a, 1_99), 2_000_00)
}

// fails decides whether a request is answered with a failure: one in 250, or a good third of those of a service in a
// storm. Bench: 18 in 1,000.
func (g *Generator) fails(service int) bool {
	if s := g.storms[service]; s != nil && s.holds(g.t) {
		return g.r.IntN(100) < 35
	}
	if g.cfg.bench {
		return g.r.IntN(1000) < 18
	}
	return g.r.IntN(250) == 0
}
