package traffic

import (
	"math"
	"math/rand/v2"
)

// never is later than every time.
const never = math.MaxInt64

// Generator writes one stream of events. It is not safe for concurrent use.
type Generator struct {
	cfg      Config
	r        *rand.Rand
	zipf     *rand.Zipf
	arrivals arrivals
	end      int64

	now     int64 // the clock: when the last event came
	t       int64 // its event time
	newest  int64 // the greatest event time so far
	written int64 // events
	orders  int64

	accounts []account
	unpaid   payments
	volume   volume
	text     timeText

	turn     int   // which kind of attack comes next
	planned  int64 // attacks planned so far
	planAt   int64 // when the next attack is planned; never without attacks
	attackAt int64 // when the next event of an attack is due; never without one
	settleAt int64 // the event time at which the next label is due
	attacks  []*attack
	storms   [len(services)]*attack
	spiked   [len(regions)]int64 // when each region had its last spike
	labels   []*Label
}

// New returns a generator at the beginning of the stream that c describes.
func New(c Config) (*Generator, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(c.Seed, 0x6b656c706965))
	g := &Generator{
		cfg:      c,
		r:        r,
		zipf:     rand.NewZipf(r, 1.05, 50, uint64(c.Customers-1)),
		arrivals: arrivals{rate: c.Rate, flat: c.Flat, at: float64(c.Start), gapTill: float64(c.Start)},
		end:      never,
		now:      c.Start, newest: c.Start,
		planAt: never, attackAt: never, settleAt: never,
	}
	if c.Duration > 0 {
		g.end = c.Start + c.Duration
	}
	if !c.bench {
		g.accounts = make([]account, c.Customers)
	}
	if c.AttackEvery > 0 {
		g.planNext()
	}
	for i := range g.spiked {
		g.spiked[i] = c.Start - 2*hour
	}
	g.arrivals.refresh()
	g.arrivals.next(r.ExpFloat64())
	return g, nil
}

// Next appends the next event to dst: one JSON object and a newline. At the end of the stream ok is false and dst is
// returned as it is. It allocates nothing but what dst and a planted attack need.
func (g *Generator) Next(dst []byte) (line []byte, ok bool) {
	at := min(g.arrivals.due(), g.attackAt)
	for at > g.planAt {
		g.plan(g.planAt)
		at = min(g.arrivals.due(), g.attackAt)
	}
	if at >= g.end || g.cfg.Events > 0 && g.written == g.cfg.Events {
		return dst, false
	}
	g.now = at
	g.t = at
	if s := g.cfg.Disorder.Share; s > 0 && g.r.Float64() < s {
		g.t -= 1 + g.r.Int64N(g.cfg.Disorder.Bound)
	}
	g.newest = max(g.newest, g.t)
	if g.attackAt <= g.arrivals.due() {
		dst = g.attackEvent(dst)
	} else {
		g.arrivals.next(g.r.ExpFloat64())
		dst = g.background(dst)
	}
	g.written++
	if g.newest >= g.settleAt {
		g.settle()
	}
	return dst, true
}

// Now is when the last event came, in ms: it never goes back. A live stream is paced by it.
func (g *Generator) Now() int64 { return g.now }

// EventTime is the event time of the last event in ms.
func (g *Generator) EventTime() int64 { return g.t }

// Written is the number of events so far.
func (g *Generator) Written() int64 { return g.written }
