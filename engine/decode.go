package engine

import (
	"bytes"
	"sync/atomic"

	"kelpie/event"
)

// decoding is the lines of a stride on their way to the shards. They are cut into pieces, and each goroutine that has nothing
// else to do takes one after the other: so those whose shards have less to fold decode more of the stride to come.
type decoding struct {
	batch  *Batch
	lines  []Line
	pieces []*piece // in the order of the lines; of them
	n      int      // are in use
	taken  atomic.Int32
}

// piecesPerShard is how many pieces there are for each shard.
const piecesPerShard = 4

func newDecoding(e *Engine) *decoding {
	d := &decoding{}
	for range piecesPerShard * len(e.shards) {
		d.pieces = append(d.pieces, newPiece(e))
	}
	return d
}

// begin says what is to be decoded. Few lines are one piece.
func (d *decoding) begin(b *Batch, lines []Line, few int) {
	d.batch, d.lines, d.n = b, lines, len(d.pieces)
	if len(lines) <= few {
		d.n = min(len(lines), 1)
	}
	d.taken.Store(0)
}

// work decodes pieces as long as there are some.
func (d *decoding) work(dec *event.Decoder) {
	for {
		k := int(d.taken.Add(1)) - 1
		if k >= d.n {
			return
		}
		d.pieces[k].decode(dec, d.batch, d.lines[len(d.lines)*k/d.n:len(d.lines)*(k+1)/d.n])
	}
}

// used returns the pieces in use.
func (d *decoding) used() []*piece { return d.pieces[:d.n] }

// clear begins a stride without lines, in which waiting events may be folded.
func (d *decoding) clear() {
	d.n = max(d.n, 1)
	for _, p := range d.used() {
		p.clear()
	}
}

// route turns the events of the stride into operations of the shards, where that can be done only after they have been put in
// order.
func (d *decoding) route(e *Engine) {
	e.parallel(func(i int) {
		for k := i; k < d.n; k += len(e.shards) {
			d.pieces[k].routeShare(e.evs, k, d.n)
		}
	})
}

// piece is some lines of a stride, decoded and routed.
type piece struct {
	engine  *Engine
	recs    []event.Record
	fields  []event.Field
	seqs    []uint64
	refused []bool
	outside int64 // events that were left out, for their time
	survey  *survey
	bad     []Rejection
	ops     [][][]op // by shard and lane
	keys    []byte
	base    uint32 // the index in the stride of the event that ops count as 0
}

func newPiece(e *Engine) *piece {
	p := &piece{engine: e, ops: make([][][]op, len(e.shards))}
	if e.survey {
		p.survey = newSurvey(e.plan)
	}
	for i := range p.ops {
		p.ops[i] = make([][]op, len(e.plan.lanes))
	}
	return p
}

func newDecoder(e *Engine) *event.Decoder {
	d, err := event.NewDecoder(e.schema)
	if err != nil {
		panic("BUG: the plan's schema was not checked: " + err.Error())
	}
	return d
}

func (p *piece) decode(dec *event.Decoder, b *Batch, lines []Line) {
	n, slots := len(lines), len(p.engine.schema.Paths)+3 // the decoder wants type, time and id too
	p.bad, p.outside = nil, 0
	if cap(p.recs) < n || p.engine.plan.Time.ByTime { // waiting events keep their records
		p.recs = make([]event.Record, n)
		p.fields = make([]event.Field, n*slots)
		p.seqs = make([]uint64, n)
		p.refused = make([]bool, n)
	}
	p.recs, p.seqs, p.refused = p.recs[:n], p.seqs[:n], p.refused[:n]
	p.clear()
	future := p.engine.plan.Time.Future
	read, later, taken := p.engine.partitions[b.Partition].read, p.engine.plan.Time.ByTime || p.engine.sifting, uint32(0)
	for i, l := range lines {
		r := &p.recs[i]
		r.Fields = p.fields[i*slots : (i+1)*slots : (i+1)*slots]
		raw := b.Buf[l.Start:l.End]
		no := dec.DecodeAt(raw, r, l.Created)
		if no != nil && len(raw) == 0 {
			no = &event.Refusal{Reason: event.NoValue, Detail: "a record without a value (a tombstone)"}
		}
		if no == nil && future > 0 && l.Appended > 0 && r.Time > l.Appended+future {
			no = &event.Refusal{Reason: event.InFuture, Detail: "the event's time is " + event.FormatTime(r.Time) + ", its record was appended at " + event.FormatTime(l.Appended)}
		}
		p.seqs[i] = pack(b.Partition, l.Offset)
		outside := no == nil && (r.Time < p.engine.since || r.Time >= p.engine.until)
		p.refused[i] = no != nil || outside
		if p.survey != nil && !p.refused[i] {
			p.survey.see(r)
		}
		switch {
		case outside:
			p.outside++
		case no != nil:
			if l.Offset >= read {
				p.reject(b, l, raw, no)
			}
		case !later && l.Offset >= read:
			p.route(r, taken) // while its bytes are at hand
			taken++
		}
	}
}

func (p *piece) reject(b *Batch, l Line, raw []byte, no *event.Refusal) {
	at := p.engine.partitions[b.Partition].stream
	at.Offset = l.Offset
	p.bad = append(p.bad, Rejection{Position: at, Reason: no.Reason, Offset: no.Offset, Detail: no.Detail, Raw: bytes.Clone(raw)})
}

// clear begins anew.
func (p *piece) clear() {
	for _, lanes := range p.ops {
		for k := range lanes {
			lanes[k] = lanes[k][:0]
		}
	}
	p.keys, p.base = p.keys[:0], 0
}

// routeShare turns a share of the stride's events into operations of the shards.
func (p *piece) routeShare(evs []foldEvent, i, n int) {
	p.clear()
	for k := len(evs) * i / n; k < len(evs)*(i+1)/n; k++ {
		p.route(evs[k].rec, uint32(k))
	}
}

// route turns an event, the one with index ev of those that ops count, into operations of the shards.
func (p *piece) route(rec *event.Record, ev uint32) {
	e := p.engine
	for _, l := range e.plan.lookup(rec.Type) {
		o := op{ev: ev}
		to := l.id % len(p.ops)
		if len(l.dims) == 1 {
			at := len(p.keys)
			var ok bool
			if p.keys, ok = e.appendKey(p.keys, rec, l.dims[0].slots); !ok {
				p.keys = p.keys[:at]
				continue
			}
			o.from, o.to = uint32(at), uint32(len(p.keys))
			o.hash = e.hash(p.keys[at:])
			to = e.shardOf(l, o.hash)
		}
		ops := &p.ops[to][l.id]
		*ops = append(*ops, o)
	}
}
