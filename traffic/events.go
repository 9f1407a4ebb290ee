package traffic

// Why a credit limit changes.
const (
	opened   = "account opened"
	reviewed = "periodic review of the account"
)

// begin starts a line with its head.
func (g *Generator) begin(dst []byte, typ string) line {
	l := line{dst: dst, text: &g.text}
	l.head(typ, g.written, g.cfg.UUIDs, g.t)
	return l
}

// address returns the customer's usual address, or any other one in ten.
func (g *Generator) address(p person) uint64 {
	if g.r.IntN(10) == 0 {
		return g.r.Uint64()
	}
	return uint64(p) >> 30
}

// order appends an OrderCreated of a customer who has an account.
func (g *Generator) order(dst []byte, customer int, cents int64) []byte {
	p := personOf(customer)
	o := payment{customer: int64(customer), order: g.orders, merchant: int64(g.r.IntN(2000)), cents: cents, ordered: g.now}
	g.unpaid.push(o)
	if g.accounts != nil {
		g.accounts[customer].outstanding += cents
	}
	return g.orderLine(dst, 'c', o, p)
}

// guestOrder appends an OrderCreated of a customer nobody has seen before, of a region.
func (g *Generator) guestOrder(dst []byte, p person) []byte {
	o := payment{customer: g.orders, order: g.orders, merchant: int64(g.r.IntN(2000)), cents: g.amount()}
	return g.orderLine(dst, 'g', o, p)
}

func (g *Generator) orderLine(dst []byte, kind byte, o payment, p person) []byte {
	g.orders++
	g.volume.add(g.t, p.region())
	l := g.begin(dst, "OrderCreated")
	l.customer(kind, o.customer)
	g.deal(&l, o, p)
	l.dst = append(l.dst, `,"status":"new"`...)
	g.items(&l, o.cents)
	l.number(`,"payment":{"method":"card","last4":"`, 1000+int64(uint64(p)>>40%9000))
	l.dst = append(l.dst, `"}`...)
	l.tail(p, g.address(p))
	return l.dst
}

// items appends the goods of an order; quantity times price adds up to the amount.
func (g *Generator) items(l *line, cents int64) {
	l.dst = append(l.dst, `,"items":[`...)
	for n := 1 + g.r.IntN(2); n > 0; n-- {
		price, quantity := cents, int64(1)
		if n > 1 {
			price = cents * int64(30+g.r.IntN(40)) / 100
		} else if cents%2 == 0 {
			price, quantity = cents/2, 2
		}
		cents -= price * quantity
		l.dst = append(l.dst, `{"sku":"sku-`...)
		l.dst = appendPadded(l.dst, int64(g.r.IntN(20_000)), 5)
		l.number(`","qty":`, quantity)
		l.cents(`,"price":`, price)
		l.dst = append(l.dst, "},"...)
	}
	l.dst[len(l.dst)-1] = ']'
}

// deal appends what an order and its payment have in common.
func (g *Generator) deal(l *line, o payment, p person) {
	l.dst = append(l.dst, `,"order_id":"o-`...)
	l.dst = appendPadded(l.dst, o.order, 10)
	l.number(`","merchant_id":"m`, o.merchant)
	l.member(`","region":"`, regions[p.region()])
	l.cents(`,"amount":`, o.cents)
	l.member(`,"currency":"`, p.city().currency)
}

// pay appends an OrderPaid for the order that has waited longest.
func (g *Generator) pay(dst []byte) []byte {
	o := g.unpaid.pop()
	p := personOf(int(o.customer))
	if g.accounts != nil {
		g.accounts[o.customer].outstanding -= o.cents
	}
	l := g.begin(dst, "OrderPaid")
	l.customer('c', o.customer)
	g.deal(&l, o, p)
	l.dst = append(l.dst, `,"status":"paid","payment":{"method":"card","reference":"`...)
	l.dst = appendHex(l.dst, g.r.Uint64())
	l.dst = append(l.dst, `"}`...)
	l.tail(p, g.address(p))
	return l.dst
}

// changeLimit appends a CreditLimitChanged to a limit in cents.
func (g *Generator) changeLimit(dst []byte, customer int, limit int64, reason string) []byte {
	p := personOf(customer)
	if g.accounts != nil {
		g.accounts[customer].limit = limit
	}
	l := g.begin(dst, "CreditLimitChanged")
	l.customer('c', int64(customer))
	l.cents(`,"limit":`, limit)
	l.member(`,"currency":"`, p.city().currency)
	l.member(`,"region":"`, regions[p.region()])
	l.member(`,"reason":"`, reason)
	l.dst = append(l.dst, `,"changed_by":"credit-desk","status":"active"`...)
	l.tail(p, g.address(p))
	return l.dst
}

// request appends an HttpRequest to a service; one that fails in a storm is added to its label.
func (g *Generator) request(dst []byte, customer, service int) []byte {
	p := personOf(customer)
	status := successes[g.r.IntN(len(successes))]
	if g.fails(service) {
		status = failures[g.r.IntN(len(failures))]
		if s := g.storms[service]; s != nil && s.holds(g.t) {
			g.blame(s)
		}
	}
	l := g.begin(dst, "HttpRequest")
	l.customer('c', int64(customer))
	l.member(`,"service":"`, services[service])
	l.member(`,"region":"`, regions[p.region()])
	l.member(`,"method":"`, methods[g.r.IntN(len(methods))])
	l.member(`,"path":"`, paths[service])
	l.dst = append(l.dst, `,"status":`...)
	l.dst = append(l.dst, status...)
	l.number(`,"latency_ms":`, int64(3+g.r.IntN(200)))
	l.number(`,"bytes":`, int64(200+g.r.IntN(20_000)))
	l.dst = append(l.dst, `,"trace_id":"`...)
	l.dst = appendHex(l.dst, g.r.Uint64())
	l.dst = append(l.dst, '"')
	l.tail(p, g.address(p))
	return l.dst
}
