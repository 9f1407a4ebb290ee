package server

import (
	"bytes"
	"math"
	"sync"
	"unicode/utf8"

	"kelpie/event"
	"kelpie/ids"
)

// What has become of an event.
const (
	todo      uint8 = iota
	reserved        // it is on its way to the log
	accepted        // durable at result.at
	underway        // another event with its id is on its way to the log
	duplicate       // another event with its id is at result.at
	refused
)

// result is what has become of an event of a body.
type result struct {
	item
	time   int64 // ms
	status uint8
	line   int32 // its line in the post that it went with
	at     int64 // offset in the log; of a refused one the number of its refusal
	id     ids.ID
	by     *claim   // of underway: whose event has the id
	no     *refusal // of refused
}

// refusal is why an event was refused, and where in the body.
type refusal struct {
	event.Refusal
	line, column int // from 1; the column counts characters
}

// decoders are used by one request after the other, since they learn.
type decoders struct {
	schema event.Schema
	pool   sync.Pool
}

// decoder decodes an event and finds what its id is.
type decoder struct {
	*event.Decoder
	rec event.Record
	key []byte
}

// The slots of what is read of an event beside type, time and id: ids.Paths.
const (
	specVersion = iota
	cloudSource
)

func (d *decoders) init(spec event.Spec) error {
	d.schema = event.Schema{Spec: spec, Paths: ids.Paths}
	_, err := event.NewDecoder(&d.schema)
	return err
}

// hash returns what the decoded event's id is known by.
func (d *decoder) hash() (id ids.ID) {
	id, d.key = ids.Of(d.key, &d.rec, d.rec.Value(specVersion), d.rec.Value(cloudSource))
	return id
}

func (d *decoders) get() *decoder {
	if x, ok := d.pool.Get().(*decoder); ok {
		return x
	}
	x, err := event.NewDecoder(&d.schema)
	if err != nil {
		panic("BUG: " + err.Error()) // init has tried
	}
	return &decoder{Decoder: x}
}

func (d *decoders) put(x *decoder) {
	x.rec.Reset()
	d.pool.Put(x)
}

// check decodes the event at an item of a body, and refuses it if it is none, or in the future: later than limit (ms).
func (d *decoder) check(b []byte, it item, f form, limit int64) (r result) {
	r.item = it
	no := d.Decode(b[it.start:it.end], &d.rec)
	if no == nil && (f == objectForm || f == listForm) {
		no = d.notCloud()
	}
	if no == nil && d.rec.Time > limit {
		no = &event.Refusal{Reason: event.InFuture, Detail: "the event's time is " + event.FormatTime(d.rec.Time) + ", later than " + event.FormatTime(limit)}
	}
	if no != nil {
		r.status, r.no = refused, &refusal{Refusal: *no}
		return r
	}
	r.time, r.id = d.rec.Time, d.hash()
	return r
}

// latest returns the time (ms) beyond which an event that comes now is in the future.
func (s *Server) latest() int64 {
	if s.o.Future <= 0 {
		return math.MaxInt64
	}
	return s.o.Now().Add(s.o.Future).UnixMilli()
}

// places finds line and column of refusals, which come in order.
type places struct {
	b            []byte
	at           int // a byte
	line, column int // of it, from 0
}

// find says where in the body the refusal of an event at start is.
func (p *places) find(start int, no *refusal) {
	if at := min(start+no.Offset, len(p.b)); at > p.at {
		between := p.b[p.at:at]
		if last := bytes.LastIndexByte(between, '\n'); last >= 0 {
			p.line += bytes.Count(between, []byte{'\n'})
			p.column, between = 0, between[last+1:]
		}
		p.column += utf8.RuneCount(between)
		p.at = at
	}
	no.line, no.column = p.line+1, p.column+1
}
