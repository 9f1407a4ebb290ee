package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"kelpie/event"
	"kelpie/state"
)

// Pending is a commit that has been gathered and not been applied yet. While it is, the fold may go on.
type Pending struct {
	Batch  *state.Batch
	Rows   int // written
	epochs []uint32
}

// Flush gathers everything that has changed since the last Flush into a batch: rows, and the checkpoint that they lead
// to. The caller adds what else belongs to the same moment (alerts, outbox, refused events), commits the batch, and
// says so with Committed; a second Flush may come before that.
func (e *Engine) Flush() *Pending {
	batches := make([]*state.Batch, len(e.shards))
	epochs := make([]uint32, len(e.shards))
	rows := make([]int, len(e.shards))
	e.parallel(func(i int) {
		sh := e.shards[i]
		batches[i] = e.batch(i)
		for _, r := range sh.rows {
			epoch, n := r.Flush(batches[i])
			epochs[i], rows[i] = epoch, rows[i]+n
		}
	})
	p := &Pending{Batch: batches[0], epochs: epochs}
	for i, b := range batches {
		p.Rows += rows[i]
		if i > 0 {
			p.Batch.Merge(b)
			b.Reset()
			e.spare[i] = append(e.spare[i], b)
		}
	}
	p.Batch.SetCheckpoint(e.checkpoint())
	e.saveIDs(p.Batch)
	e.putNotes(p.Batch)
	return p
}

// batch returns an empty batch for shard i, one used before if there is one.
func (e *Engine) batch(i int) *state.Batch {
	if n := len(e.spare[i]); n > 0 {
		b := e.spare[i][n-1]
		e.spare[i] = e.spare[i][:n-1]
		return b
	}
	return e.store.NewBatch()
}

// Committed notes that a Pending has been committed, so that its rows may leave memory.
func (e *Engine) Committed(p *Pending) {
	for i, sh := range e.shards {
		for _, r := range sh.rows {
			r.Committed(p.epochs[i])
		}
	}
	e.spare[0] = append(e.spare[0], p.Batch)
}

// Trim takes rows that were not used lately out of memory until all rows together take no more than limit bytes. What
// has not been committed stays.
func (e *Engine) Trim(limit int64) (evicted int) {
	each := limit / int64(len(e.shards))
	if !slices.ContainsFunc(e.shards, func(sh *shard) bool { return sh.bytes() > each }) {
		return 0
	}
	counts := make([]int, len(e.shards))
	e.parallel(func(i int) {
		sh := e.shards[i]
		over := sh.bytes() - each
		if over <= 0 {
			return
		}
		over += each / 16
		for _, r := range sh.rows {
			if r.Len() > 0 {
				counts[i] += r.Evict(over * int64(r.Len()) / int64(sh.len()))
			}
		}
	})
	for _, n := range counts {
		evicted += n
	}
	return evicted
}

// bytes returns what the rows in memory take.
func (sh *shard) bytes() int64 {
	total := sh.mem.Bytes()
	for _, r := range sh.rows {
		total += r.Overhead()
	}
	return total
}

func (sh *shard) len() (n int) {
	for _, r := range sh.rows {
		n += r.Len()
	}
	return max(n, 1)
}

// extra is the engine's own part of a checkpoint: the partitions in the order of their numbers, which entries in rows
// refer to.
type extra struct {
	Order []streamRef `json:"order"`
	Fold  int64       `json:"fold"`
	Start int64       `json:"start"` // the first event's time
	Front int         `json:"front"` // with order: time, the number of the frontier's partition
	Seen  []seenRef   `json:"seen,omitempty"`
}

type streamRef struct {
	Stream    string `json:"stream"`
	Partition int32  `json:"partition"`
	Kind      uint8  `json:"kind"`
}

func (e *Engine) checkpoint() state.Checkpoint {
	c := state.Checkpoint{Watermark: e.w, Newest: e.newest, Events: e.events, Rules: e.plan.Fingerprint()}
	x := extra{Fold: e.fold, Start: e.warmth.start, Seen: e.seenRefs()}
	least := e.leastWaiting()
	held := e.heldFrom(least)
	for i, p := range e.partitions {
		next := min(p.next, least[i])
		if p.inLog() {
			next = min(next, held)
		}
		x.Order = append(x.Order, streamRef{p.stream.Stream, p.stream.Partition, uint8(p.stream.Kind)})
		c.Partitions = append(c.Partitions, state.Partition{Stream: p.stream.Stream, Partition: p.stream.Partition,
			Next: next, Read: p.read, Newest: p.newest, Idle: p.idle, Mark: p.mark, Since: p.since})
	}
	if e.plan.Time.ByTime {
		p := event.Position{}
		if len(e.partitions) > 0 {
			p = e.partitions[e.frontSeq>>offsetBits].stream
			x.Front = int(e.frontSeq >> offsetBits)
		}
		c.Frontier = &state.Frontier{Time: e.front, Stream: p.Stream, Partition: p.Partition, Offset: int64(e.frontSeq & (1<<offsetBits - 1))}
	}
	c.Extra, _ = json.Marshal(x)
	return c
}

// Recover returns an engine that goes on where a store was committed last, with the units that LoadUnits has found in it
// and the plan was made with. If other rules ran until then, the rows are rewritten first (migrate.go).
func Recover(p *Plan, units Units, s *state.Store, o Options) (e *Engine, err error) {
	defer orBroken("reading the state", &err)
	o.Seed = s.Seed()
	u, err := p.adopt(units, s, o.Filled, o.Migrated)
	if err != nil {
		return nil, err
	}
	e = New(p, o)
	e.store = s
	e.spare = make([][]*state.Batch, len(e.shards))
	c, ok, err := s.Checkpoint()
	if err != nil {
		return nil, err
	}
	if ok {
		if err := e.restore(c); err != nil {
			return nil, err
		}
	}
	for i, d := range p.dims {
		if err := e.recoverDim(i, d); err != nil {
			return nil, err
		}
	}
	return e, e.takeUp(u)
}

// recoverDim finds out which rows of a dimension there are and when they are due.
func (e *Engine) recoverDim(i int, d *dim) error {
	cold := make([]int64, len(e.shards))
	behind := make([][]behindRow, len(e.shards))
	need := state.RowHeaderSize
	watches := d.watches()
	if watches {
		need = -1
	}
	err := e.store.ScanRows(d.id, need, func(hash uint64, key, head []byte) error {
		if len(head) < state.RowHeaderSize {
			return fmt.Errorf("engine: row %d/%016x is damaged", d.id, hash)
		}
		to := e.shardOf(d.lane, hash)
		cold[to]++
		due, gc := state.RowDue(head)
		switch {
		case due == state.Never:
		case due <= e.w:
			behind[to] = append(behind[to], behindRow{hash, bytes.Clone(key)})
		default:
			e.shards[to].timers[d.lane.id].push(timer{due, hash, nowhere, uint16(i), state.RowCheck(key)})
		}
		if gc != state.Never {
			e.shards[to].timers[d.lane.id].later(timer{gc, hash, nowhere, uint16(i), state.RowCheck(key)})
		}
		if watches {
			return e.shards[to].watchAgain(d, hash, key, head)
		}
		return nil
	})
	for k, sh := range e.shards {
		sh.rows[i] = state.NewRows(d.id, &sh.mem, e.store, cold[k])
	}
	if err != nil {
		return err
	}
	return e.guarded(0, func(k int) { e.shards[k].resume(d, behind[k]) })
}

// shardOf returns the shard that folds a key of the lane.
func (e *Engine) shardOf(l *lane, hash uint64) int {
	if len(l.dims) > 1 {
		return l.id % len(e.shards)
	}
	return int(uint64(uint32(hash>>32)) * uint64(len(e.shards)) >> 32)
}

func (e *Engine) restore(c state.Checkpoint) error {
	var x extra
	if err := json.Unmarshal(c.Extra, &x); err != nil {
		return fmt.Errorf("engine: checkpoint: %w", err)
	}
	e.w, e.newest, e.events, e.fold, e.warmth.start = c.Watermark, c.Newest, c.Events, x.Fold, x.Start
	e.before = max(e.w, e.before)
	if len(x.Order) != len(c.Partitions) {
		return fmt.Errorf("engine: checkpoint: %d partitions and %d places", len(x.Order), len(c.Partitions))
	}
	for i, r := range x.Order {
		q := c.Partitions[i]
		if q.Stream != r.Stream || q.Partition != r.Partition {
			return fmt.Errorf("engine: checkpoint: the place of partition %s/%d is that of %s/%d", r.Stream, r.Partition, q.Stream, q.Partition)
		}
		e.partitions = append(e.partitions, &partition{
			stream: event.Position{Stream: r.Stream, Partition: r.Partition, Kind: event.PositionKind(r.Kind)},
			next:   q.Next, read: q.Read, newest: q.Newest, idle: q.Idle, mark: q.Mark, since: q.Since,
		})
	}
	if f := c.Frontier; f != nil {
		e.front = f.Time
		if x.Front < len(e.partitions) {
			e.frontSeq = pack(x.Front, f.Offset)
		}
	}
	return e.recoverIDs(x.Seen)
}

// Next returns from which offset on a partition is to be read after a recovery.
func (e *Engine) Next(partition int) int64 { return e.partitions[partition].next }
