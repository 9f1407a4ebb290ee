package cards

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Scenario is a kind of fraud.
type Scenario int8

// The scenarios.
const (
	Genuine     Scenario = iota
	LargeAmount          // more than 220
	BadTerminal          // at a terminal that has turned bad
	StolenCard           // five times the customer's amount
)

const (
	largest   = 220_00 // cents: what is above is fraud
	badFor    = 28     // days that a terminal is bad
	stolenFor = 14     // days that a card is in wrong hands
	reach     = 5.0    // how far a customer goes to pay, on a map of 100 by 100

	turnBad = 2.0 / 10_000 // share of the terminals that turn bad on a day
	steal   = 3.0 / 5_000  // share of the cards that are stolen on a day
)

// Generator writes one stream. It is not safe for concurrent use.
type Generator struct {
	cfg       Config
	r         *rand.Rand
	customers []customer
	terminals []terminal

	day     int
	today   []payment // those of the day that are still to come, in order of time
	due     []payment // frauds that wait to be confirmed, in order of time
	written int64
	paid    int64
	frauds  []Fraud
}

type customer struct {
	mean     float64 // cents
	perDay   float64
	near     []int32 // terminals
	stolenTo int     // the day from which on the card is in good hands
}

type terminal struct {
	x, y  float64
	badTo int
}

type payment struct {
	at                 int64 // ms
	number             int64
	customer, terminal int32
	cents              int64
	scenario           Scenario
}

// Fraud is a payment that was fraud.
type Fraud struct {
	ID       string
	Scenario Scenario
	Known    int64 // when it is confirmed, ms
}

// New returns a generator at the beginning of a stream.
func New(c Config) (*Generator, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Generator{cfg: c, r: rand.New(rand.NewPCG(c.Seed, 0x6361726473))}
	for range c.Terminals {
		g.terminals = append(g.terminals, terminal{x: 100 * g.r.Float64(), y: 100 * g.r.Float64()})
	}
	grid := newGrid(g.terminals)
	for range c.Customers {
		g.customers = append(g.customers, customer{mean: 500 + 9500*g.r.Float64(), perDay: 4 * g.r.Float64(),
			near: grid.near(100*g.r.Float64(), 100*g.r.Float64())})
	}
	return g, nil
}

// Next appends the next event to dst: one JSON object and a newline. At the end of the stream ok is false and dst is
// returned as it is.
func (g *Generator) Next(dst []byte) (line []byte, ok bool) {
	for len(g.today) == 0 {
		if g.day == g.cfg.Days {
			return dst, false // what would be confirmed after the end is not
		}
		g.newDay()
	}
	g.written++
	if p := g.today[0]; len(g.due) == 0 || p.at < g.due[0].at+g.cfg.ConfirmAfter {
		g.today = g.today[1:]
		return g.pay(dst, p), true
	}
	p := g.due[0]
	g.due = g.due[1:]
	return g.confirm(dst, p), true
}

// Written is the number of events so far.
func (g *Generator) Written() int64 { return g.written }

// Frauds returns the frauds so far, confirmed or not, in order of time. It is owned by the generator.
func (g *Generator) Frauds() []Fraud { return g.frauds }

// newDay makes up the payments of the next day.
func (g *Generator) newDay() {
	for range g.poisson(turnBad * float64(len(g.terminals))) {
		g.terminals[g.r.IntN(len(g.terminals))].badTo = g.day + badFor
	}
	for range g.poisson(steal * float64(len(g.customers))) {
		g.customers[g.r.IntN(len(g.customers))].stolenTo = g.day + stolenFor
	}
	start := g.cfg.Start + int64(g.day)*day
	g.today = g.today[:0:0]
	for i := range g.customers {
		g.shop(int32(i), start)
	}
	slices.SortStableFunc(g.today, func(a, b payment) int { return cmp.Compare(a.at, b.at) })
	for i := range g.today {
		p := &g.today[i]
		p.number = g.paid
		g.paid++
		if p.scenario != Genuine {
			g.due = append(g.due, *p)
			g.frauds = append(g.frauds, Fraud{fmt.Sprintf("tx-%d", p.number), p.scenario, p.at + g.cfg.ConfirmAfter})
		}
	}
	g.day++
}

// shop makes up what one customer pays on one day.
func (g *Generator) shop(number int32, start int64) {
	c := &g.customers[number]
	if len(c.near) == 0 {
		return
	}
	for range g.poisson(c.perDay) {
		at := int64(43_200_000 + 20_000_000*g.r.NormFloat64())
		if at < 0 || at >= day {
			continue
		}
		cents := c.mean + c.mean/2*g.r.NormFloat64()
		if cents < 0 {
			cents = 2 * c.mean * g.r.Float64()
		}
		p := payment{at: start + at/1000*1000, customer: number, terminal: c.near[g.r.IntN(len(c.near))], cents: max(1, int64(cents))}
		g.spoil(&p, c)
		g.today = append(g.today, p)
	}
}

// spoil makes a payment fraud where a scenario says so.
func (g *Generator) spoil(p *payment, c *customer) {
	if p.cents > largest {
		p.scenario = LargeAmount
	}
	if g.terminals[p.terminal].badTo > g.day {
		p.scenario = BadTerminal
	}
	if c.stolenTo > g.day && g.r.IntN(3) == 0 {
		p.scenario = StolenCard
		p.cents *= 5
	}
}

// poisson draws a number of independent happenings of which so many are expected.
func (g *Generator) poisson(mean float64) (n int) {
	for t := g.r.ExpFloat64(); t < mean; t += g.r.ExpFloat64() {
		n++
	}
	return n
}

func (g *Generator) pay(dst []byte, p payment) []byte {
	return fmt.Appendf(dst, `{"id":"tx-%d","type":"PaymentAuthorized","time":"%s","customer_id":"c%d","terminal_id":"t%d","amount":%d.%02d}`+"\n",
		p.number, when(p.at), p.customer, p.terminal, p.cents/100, p.cents%100)
}

func (g *Generator) confirm(dst []byte, p payment) []byte {
	return fmt.Appendf(dst, `{"id":"fraud-tx-%d","type":"FraudConfirmed","time":"%s","payment":"tx-%d","customer_id":"c%d","terminal_id":"t%d","amount":%d.%02d}`+"\n",
		p.number, when(p.at+g.cfg.ConfirmAfter), p.number, p.customer, p.terminal, p.cents/100, p.cents%100)
}

func when(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
