package alert

import (
	"math/rand/v2"
	"time"
)

// backoff says how long to wait after a number of failures in a row: twice as long each time, up to a limit, half of it
// by chance, so that receivers do not all try at the same moment.
type backoff struct {
	min, max time.Duration
	chance   func() float64 // in [0, 1); nil is the default source
}

func (b backoff) after(failures int) time.Duration {
	d := b.min
	for i := 1; i < failures && d < b.max; i++ {
		d *= 2
	}
	d = min(d, b.max)
	chance := b.chance
	if chance == nil {
		chance = rand.Float64
	}
	return d/2 + time.Duration(chance()*float64(d/2))
}
