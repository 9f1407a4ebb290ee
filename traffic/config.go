package traffic

import "fmt"

// Durations in milliseconds.
const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
)

// DefaultStart is where the event time of a Config without Start begins: 2026-01-05, a Monday, at 10:00 UTC.
const DefaultStart int64 = 1_767_607_200_000

// Config describes a stream. The zero Config is an endless one of the default shop without attacks.
// Times and durations are event time in milliseconds.
type Config struct {
	Seed      uint64
	Start     int64   // the first events come after it; default DefaultStart
	Duration  int64   // the stream ends so long after Start; 0: by Events, or never
	Events    int64   // the stream ends after so many events; 0: by Duration, or never
	Rate      float64 // events a second, the mean over a day; default 50
	Flat      bool    // the same rate at every hour of the day
	Customers int     // default 10,000

	Attacks     int   // how many are planted over the stream, about; needs Duration or Events
	AttackEvery int64 // or: how far they are apart, about; 0 without Attacks: none are planted

	Disorder Disorder
	UUIDs    bool // ids that look random and do not compress, in place of numbers that count up

	bench   bool
	uniform bool
}

// Disorder says how many events arrive late, and by how much at most.
type Disorder struct {
	Share float64 // of all events, 0 to 1
	Bound int64   // ms; 0 with a Share: 2 seconds
}

// maxBound is the largest Disorder.Bound: an attack within one minute must stay within it.
const maxBound = 20 * second

// Bench returns the profile of the benchmarks: events over six hours, of which 45 % are orders, 25 % payments, 3 %
// changes of a limit and 27 % requests; customers by Zipf's law without any regard to thresholds; 5 % of the events up to
// 2 s out of order; no attacks.
func Bench(seed uint64, events int64, customers int) Config {
	return Config{
		Seed: seed, Events: events, Rate: float64(events) / (6 * 3600), Flat: true, Customers: customers,
		Disorder: Disorder{Share: 0.05, Bound: 2 * second}, bench: true,
	}
}

// Uniform returns c with all customers equally keen. It is meant for Bench: a shop's customers still keep their pace.
func (c Config) Uniform() Config {
	c.uniform = true
	return c
}

// Over returns c with its events spread over a duration in ms, for finite streams by Events.
func (c Config) Over(ms int64) Config {
	c.Rate = float64(c.Events) * second / float64(ms)
	return c
}

// withDefaults returns c with what it leaves out filled in, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	if c.Start == 0 {
		c.Start = DefaultStart
	}
	if c.Rate == 0 {
		c.Rate = 50
	}
	if c.Customers == 0 {
		c.Customers = 10_000
	}
	if c.Disorder.Share > 0 && c.Disorder.Bound == 0 {
		c.Disorder.Bound = 2 * second
	}
	if err := c.validate(); err != nil {
		return c, fmt.Errorf("traffic: %w", err)
	}
	if c.Attacks > 0 {
		c.AttackEvery = max(c.span()/int64(c.Attacks+1), second)
	}
	return c, nil
}

func (c Config) validate() error {
	switch {
	case !(c.Rate > 0 && c.Rate <= 1e7):
		return fmt.Errorf("rate: %v events a second: must be above 0 and at most 10 million", c.Rate)
	case c.Duration < 0 || c.Events < 0 || c.Attacks < 0 || c.AttackEvery < 0:
		return fmt.Errorf("duration, events and attacks must not be negative")
	case c.Customers < 1 || c.Customers > 100_000_000:
		return fmt.Errorf("customers: %d: must be from 1 to 100 million", c.Customers)
	case !(c.Disorder.Share >= 0 && c.Disorder.Share <= 1):
		return fmt.Errorf("disorder: a share of %v: must be from 0 to 1", c.Disorder.Share)
	case c.Disorder.Bound < 0 || c.Disorder.Bound > maxBound:
		return fmt.Errorf("disorder: %d ms: must be from 0 to %d", c.Disorder.Bound, maxBound)
	case c.AttackEvery > 0 && c.AttackEvery < second:
		return fmt.Errorf("attacks: %d ms apart: must be at least a second", c.AttackEvery)
	case c.Attacks > 0 && c.AttackEvery > 0:
		return fmt.Errorf("attacks: give their number or their distance, not both")
	case c.Attacks > 0 && c.span() == 0:
		return fmt.Errorf("attacks: a number of them needs a stream that ends, by duration or events")
	case c.bench && c.Attacks+int(c.AttackEvery) > 0:
		return fmt.Errorf("attacks: the bench profile has none")
	}
	return nil
}

// span returns how long the stream is, about; 0 if it does not end.
func (c Config) span() int64 {
	byEvents := int64(float64(c.Events) / c.Rate * second)
	switch {
	case c.Events == 0:
		return c.Duration
	case c.Duration == 0:
		return byEvents
	}
	return min(c.Duration, byEvents)
}
