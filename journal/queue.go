package journal

// queue holds what has been begun and is not yet with the writer. It is guarded by Log.mu.
type queue struct {
	entries []*entry
	open    *entry        // the last of entries if it is small and takes more, or nil
	bytes   int           // of memory that entries hold
	work    chan struct{} // holds a token when there may be work
	room    chan struct{} // closed, and made anew, when bytes have been taken out
}

// entry is what becomes durable as a whole or not at all: one large append, or small ones that share a block.
type entry struct {
	order   *Appender // that has begun all of it; nil: none
	blocks  []*encoded
	small   *builder // its block is built by the writer
	bytes   int
	pending []*Pending
}

const (
	queueMost = 64 << 20 // bytes of memory that may wait for the writer
	groupMost = 32 << 20 // bytes of memory after which a group takes nothing more
	smallMost = 64 << 10 // payload bytes up to which appends share a block
)

func (q *queue) init() { q.work, q.room = make(chan struct{}, 1), make(chan struct{}) }

func (q *queue) push(e *entry) {
	q.entries = append(q.entries, e)
	q.bytes += e.bytes
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.work <- struct{}{}:
	default:
	}
}

// take removes the entries of one group: all of them, unless they are too much.
func (q *queue) take() []*entry {
	n, bytes := 0, 0
	for n < len(q.entries) && (n == 0 || bytes+q.entries[n].bytes <= groupMost) {
		bytes += q.entries[n].bytes
		n++
	}
	group := q.entries[:n:n]
	q.entries = q.entries[n:]
	if len(q.entries) == 0 {
		q.entries, q.open = nil, nil
	} else {
		q.wake()
	}
	q.bytes -= bytes
	close(q.room)
	q.room = make(chan struct{})
	return group
}

// drop fails and removes the entries for which why gives a reason.
func (q *queue) drop(why func(*entry) error) {
	kept := q.entries[:0]
	for _, e := range q.entries {
		err := why(e)
		if err == nil {
			kept = append(kept, e)
			continue
		}
		if q.open == e {
			q.open = nil
		}
		q.bytes -= e.bytes
		e.fail(err)
	}
	q.entries = kept
	close(q.room)
	q.room = make(chan struct{})
}

// fail ends an entry with an error, after which its Appender begins nothing until Resume.
func (e *entry) fail(err error) {
	if e.order != nil {
		e.order.failed = err
	}
	for _, p := range e.pending {
		p.finish(Appended{}, err)
	}
	e.release()
}
