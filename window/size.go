package window

import "unsafe"

// Size returns about how many bytes the counter takes.
func (c *Counter) Size() int { return cap(c.slots) * int(unsafe.Sizeof(counted{})) }

// Size returns about how many bytes the multiset takes, what it keeps for later included.
func (o *Ordered) Size() int { return (cap(o.chunks) + cap(o.spare)) * (orderedChunk*8 + 24) }

// Size returns about how many bytes the queue takes.
func (q *Extremes) Size() int { return cap(q.entries) * int(unsafe.Sizeof(extreme{})) }
