package traffic

// account is what the shop knows about a customer.
type account struct {
	free        int64 // ms: from when on the customer may order again
	quiet       int64 // ms: from when on no order of the last ten minutes can be in a burst
	limit       int64 // cents; 0: no account yet, the first order must wait for one
	outstanding int64 // cents: ordered and not yet paid
	attacked    bool  // an attack has been planted on this account
}

// pace is the least time between two orders of a customer: a little more than a quarter of the ten minutes in which the
// rule order-burst allows five.
const pace = 160 * second

// rest keeps an account from ordering until t.
func (a *account) rest(t int64) { a.free, a.quiet = t, t }

// payment is an order that waits to be paid.
type payment struct {
	customer int64
	order    int64
	merchant int64
	cents    int64
	ordered  int64 // ms
}

// payments is a queue of orders that wait to be paid, of bounded length.
type payments struct {
	ring  [1 << 14]payment
	first int
	n     int
}

func (q *payments) full() bool { return q.n == len(q.ring) }

// push adds an order; a full queue forgets its oldest.
func (q *payments) push(p payment) {
	if q.full() {
		q.pop()
	}
	q.ring[(q.first+q.n)%len(q.ring)] = p
	q.n++
}

// due returns the oldest order, if there is one that was placed at or before t.
func (q *payments) due(t int64) bool { return q.n > 0 && q.ring[q.first].ordered <= t }

func (q *payments) pop() payment {
	p := q.ring[q.first]
	q.first = (q.first + 1) % len(q.ring)
	q.n--
	return p
}

// draw returns a customer.
func (g *Generator) draw() int {
	if g.cfg.uniform {
		return g.r.IntN(g.cfg.Customers)
	}
	return int(g.zipf.Uint64())
}

// tries is how often a customer is drawn again who may not order now.
const tries = 8

// buyer returns a customer who may place an order of so many cents without any rule noticing.
// opens is true if the customer must first get an account.
func (g *Generator) buyer(cents int64) (customer int, opens, ok bool) {
	for range tries {
		c := g.draw()
		a := &g.accounts[c]
		if a.limit == 0 {
			return c, true, true
		}
		if a.free <= g.now && a.outstanding+cents <= a.limit {
			return c, false, true
		}
	}
	return 0, false, false
}

// victim returns a customer to plant an attack on: with an account, no order within ten minutes, and so many cents left
// to spend. Nobody is attacked twice while others are found.
func (g *Generator) victim(cents int64) (customer int, ok bool) {
	for i := range 64 {
		c := g.draw()
		a := &g.accounts[c]
		if a.limit > 0 && a.quiet <= g.now && a.limit-a.outstanding >= cents && (!a.attacked || i >= 48) {
			a.attacked = true
			return c, true
		}
	}
	return 0, false
}

// newLimit draws a credit limit in cents.
func (g *Generator) newLimit() int64 { return 100_00 * int64(5+g.r.IntN(50)) }
