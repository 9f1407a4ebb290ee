package state

// queue is a queue of numbers whose memory is used again.
type queue struct {
	items []uint32
	head  int // items before it have been taken
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(x uint32) {
	if q.head > len(q.items)/2 && len(q.items) == cap(q.items) {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	q.items = append(q.items, x)
}

// pop takes the oldest number; there is one.
func (q *queue) pop() uint32 {
	q.head++
	return q.items[q.head-1]
}
