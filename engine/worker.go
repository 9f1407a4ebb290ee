package engine

import (
	"bytes"

	"kelpie/event"
)

// worker decodes a share of a batch and routes a share of a stride; one per shard, each in its own goroutine.
type worker struct {
	engine  *Engine
	dec     *event.Decoder
	recs    []event.Record
	fields  []event.Field
	seqs    []uint64
	refused []bool
	outside int64 // events that were left out, for their time
	bad     []Rejection
	ops     [][][]op // by shard and lane
	keys    []byte
}

func newWorker(e *Engine) *worker {
	d, err := event.NewDecoder(e.schema)
	if err != nil {
		panic("BUG: the plan's schema was not checked: " + err.Error())
	}
	w := &worker{engine: e, dec: d, ops: make([][][]op, len(e.shards))}
	for i := range w.ops {
		w.ops[i] = make([][]op, len(e.plan.lanes))
	}
	return w
}

// decode decodes a batch, its lines in equal shares to the workers.
func (e *Engine) decode(b *Batch, fx *Effects) error {
	n := len(e.workers)
	err := e.guarded(len(b.Lines), func(i int) {
		lines := b.Lines[len(b.Lines)*i/n : len(b.Lines)*(i+1)/n]
		e.workers[i].decode(b, lines)
	})
	for _, w := range e.workers {
		fx.Rejected = append(fx.Rejected, w.bad...)
	}
	return err
}

func (w *worker) decode(b *Batch, lines []Line) {
	n, slots := len(lines), len(w.engine.schema.Paths)+3 // the decoder wants type, time and id too
	w.bad = nil
	if cap(w.recs) < n || w.engine.plan.Time.ByTime { // waiting events keep their records
		w.recs = make([]event.Record, n)
		w.fields = make([]event.Field, n*slots)
		w.seqs = make([]uint64, n)
		w.refused = make([]bool, n)
	}
	w.recs, w.seqs, w.refused = w.recs[:n], w.seqs[:n], w.refused[:n]
	w.clear()
	future := w.engine.plan.Time.Future
	read, later, taken := w.engine.partitions[b.Partition].read, w.engine.plan.Time.ByTime || w.engine.sifting, uint32(0)
	for i, l := range lines {
		r := &w.recs[i]
		r.Fields = w.fields[i*slots : (i+1)*slots : (i+1)*slots]
		raw := b.Buf[l.Start:l.End]
		no := w.dec.DecodeAt(raw, r, l.Created)
		if no != nil && len(raw) == 0 {
			no = &event.Refusal{Reason: event.NoValue, Detail: "a record without a value (a tombstone)"}
		}
		if no == nil && future > 0 && l.Appended > 0 && r.Time > l.Appended+future {
			no = &event.Refusal{Reason: event.InFuture, Detail: "the event's time is " + event.FormatTime(r.Time) + ", its record was appended at " + event.FormatTime(l.Appended)}
		}
		w.seqs[i] = pack(b.Partition, l.Offset)
		outside := no == nil && (r.Time < w.engine.since || r.Time >= w.engine.until)
		w.refused[i] = no != nil || outside
		switch {
		case outside:
			w.outside++
		case no != nil:
			if l.Offset >= read {
				w.reject(b, l, raw, no)
			}
		case !later && l.Offset >= read:
			w.route(r, taken) // while its bytes are at hand
			taken++
		}
	}
}

func (w *worker) reject(b *Batch, l Line, raw []byte, no *event.Refusal) {
	p := w.engine.partitions[b.Partition].stream
	p.Offset = l.Offset
	w.bad = append(w.bad, Rejection{Position: p, Reason: no.Reason, Offset: no.Offset, Detail: no.Detail, Raw: bytes.Clone(raw)})
}

// clear begins a new stride.
func (w *worker) clear() {
	for _, lanes := range w.ops {
		for k := range lanes {
			lanes[k] = lanes[k][:0]
		}
	}
	w.keys = w.keys[:0]
}

// routeShare turns a share of the stride's events into operations of the shards.
func (w *worker) routeShare(evs []foldEvent, i, n int) {
	w.clear()
	for k := len(evs) * i / n; k < len(evs)*(i+1)/n; k++ {
		w.route(evs[k].rec, uint32(k))
	}
}

// moveBy adds n to the indexes of the events in the worker's operations, which have been counted from its own first one.
func (w *worker) moveBy(n uint32) {
	if n == 0 {
		return
	}
	for _, lanes := range w.ops {
		for _, ops := range lanes {
			for i := range ops {
				ops[i].ev += n
			}
		}
	}
}

// route turns an event, the one with index ev of the stride, into operations of the shards.
func (w *worker) route(rec *event.Record, ev uint32) {
	e := w.engine
	for _, l := range e.plan.lookup(rec.Type) {
		o := op{ev: ev}
		to := l.id % len(w.ops)
		if len(l.dims) == 1 {
			at := len(w.keys)
			var ok bool
			if w.keys, ok = e.appendKey(w.keys, rec, l.dims[0].slots); !ok {
				w.keys = w.keys[:at]
				continue
			}
			o.from, o.to = uint32(at), uint32(len(w.keys))
			o.hash = e.hash(w.keys[at:])
			to = e.shardOf(l, o.hash)
		}
		ops := &w.ops[to][l.id]
		*ops = append(*ops, o)
	}
}
