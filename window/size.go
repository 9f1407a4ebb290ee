package window

import "unsafe"

// Size returns about how many bytes the counter takes.
func (c *Counter) Size() int { return cap(c.slots) * int(unsafe.Sizeof(counted{})) }

// Size returns about how many bytes the multiset takes, what it keeps for later included.
func (o *Ordered) Size() int { return (cap(o.chunks) + cap(o.spare)) * (orderedChunk*8 + 24) }

// Size returns about how many bytes the queue takes.
func (q *Extremes) Size() int { return cap(q.entries) * int(unsafe.Sizeof(extreme{})) }

// Each calls f with every different hash, in no order that means anything.
func (c *Counter) Each(f func(h Hash128)) {
	for i := range c.slots {
		if c.slots[i].times != 0 {
			f(c.slots[i].hash)
		}
	}
}

// Each calls f with every value, in order.
func (o *Ordered) Each(f func(x float64)) {
	for _, c := range o.chunks {
		for _, x := range c {
			f(x)
		}
	}
}
