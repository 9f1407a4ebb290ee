package cards

import "fmt"

// DefaultStart is the time at which a stream begins unless told otherwise: 2026-01-01T00:00:00Z.
const DefaultStart = 1_767_225_600_000

const day = 24 * 60 * 60 * 1000

// Config describes a stream.
type Config struct {
	Seed         uint64
	Days         int   // how long it is; default 91
	Start        int64 // ms since the epoch, at the beginning of a day; default DefaultStart
	Customers    int   // default 1,000
	Terminals    int   // default 2,000
	ConfirmAfter int64 // ms from a fraud to its confirmation; default 7 days
}

func (c Config) withDefaults() (Config, error) {
	for _, f := range []struct {
		at  *int
		def int
		max int
		is  string
	}{{&c.Days, 91, 3660, "days"}, {&c.Customers, 1000, 1_000_000, "customers"}, {&c.Terminals, 2000, 1_000_000, "terminals"}} {
		if *f.at == 0 {
			*f.at = f.def
		}
		if *f.at < 1 || *f.at > f.max {
			return c, fmt.Errorf("cards: %d %s: wanted are 1 to %d", *f.at, f.is, f.max)
		}
	}
	if c.Start == 0 {
		c.Start = DefaultStart
	}
	if c.ConfirmAfter == 0 {
		c.ConfirmAfter = 7 * day
	}
	if c.Start < 0 || c.ConfirmAfter < 0 {
		return c, fmt.Errorf("cards: times before 1970 and negative delays are not made up")
	}
	c.Start -= c.Start % day
	return c, nil
}
