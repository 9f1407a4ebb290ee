package engine

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"kelpie/event"
	"kelpie/state"
	"kelpie/window"
)

type instanceState uint8

const (
	inactive instanceState = iota
	pending
	firing
)

// instance is the alert's life of one (rule, key) as it is remembered in the row. It has a block of its own, which
// exists only while there is something to remember.
type instance struct {
	state    instanceState
	judged   int64       // as of when it was judged last; none: never
	left     int64       // up to when the leaving of events has been judged, by an event or for itself
	since    int64       // pending: from when; firing: opened
	opened   int64       // the last opening, for the cooldown; none: never
	windows  []int64     // ends of windows that have opened an alert and may still be judged again
	opener   opener      // of the instance, or of the last one
	due      int64       // when it is to be looked at without an event; state.Never: not at all
	byClose  bool        // the last judgement was of the close of a window,
	span     window.Span // of this one
	time     int64       // of the event judged last
	seq      uint64
	hasEvent bool
	typ      string
	updates  int64
	fields   []event.Value // parallel to rulePlan.keep
	keys     []string      // of the lane's dimensions, for the event judged last: '=' and the key, "" if it had none
	stored   []string      // keys as they were when the instance was loaded
	tail     bool          // what stands in the block behind its header has not changed since then
}

// opener is what opened an alert: an event or a window.
type opener struct {
	isWindow bool
	span     window.Span
	id       string
	seq      uint64
}

// A block of an instance is
//
//	length u32 | version u8 | state u8 | marks u8 | 0 u8 | due i64 | judged i64 | left i64 | since i64 | opened i64
//	time i64 | seq u64 | updates i64 | span 2 × i64 | opener's span 2 × i64 | opener's seq u64
//	windows: n, n times | opener's id | type | fields: n, n values | keys: n, n texts
//
// the last line as varints and text. What is asked most, whether something is due, can be read without decoding it.
const (
	instanceVersion = 1
	instanceHeader  = 112
)

// marks
const (
	byWindow = 1 << iota // the opener is a window
	byClose
	hasEvent
)

// instanceDue returns when the instance in a block is due.
func instanceDue(b []byte) int64 {
	if len(b) < instanceHeader {
		return state.Never
	}
	return getTime(b, 8)
}

// judgedAt returns as of when the instance in a block was judged last, if it is pending or firing.
func judgedAt(b []byte) (judged int64, ok bool) {
	if len(b) < instanceHeader || instanceState(b[5]) == inactive {
		return none, false
	}
	return getTime(b, 16), true
}

// fieldBuffer returns room for the fields of an instance. A few instances are in use at once at most, one within the
// handling of another, so a few buffers serve in turn.
func (sh *shard) fieldBuffer() []event.Value {
	sh.turn++
	b := &sh.buffers[sh.turn%len(sh.buffers)]
	if *b == nil {
		*b = make([]event.Value, 0, 16)
	}
	return (*b)[:0]
}

// load reads the instance of a rule; a missing block is an inactive one.
func (sh *shard) load(rp *rulePlan, row *state.Row) (in instance, err error) {
	in.judged, in.left, in.opened, in.due = none, none, none, state.Never
	b := row.Block(rp.unit)
	if b == nil {
		return in, nil
	}
	n := le.Uint32(b)
	if n < instanceHeader || int(n) > len(b) {
		return in, fmt.Errorf("engine: the instance of rule %s is damaged", rp.Name)
	}
	if b[4] != instanceVersion {
		return in, fmt.Errorf("engine: the instance of rule %s has format %d", rp.Name, b[4])
	}
	in.state, in.due, in.judged = instanceState(b[5]), getTime(b, 8), getTime(b, 16)
	in.left, in.since, in.opened = getTime(b, 24), getTime(b, 32), getTime(b, 40)
	in.time, in.seq, in.updates = getTime(b, 48), le.Uint64(b[56:]), getTime(b, 64)
	in.span = window.Span{Start: getTime(b, 72), End: getTime(b, 80)}
	in.opener.span = window.Span{Start: getTime(b, 88), End: getTime(b, 96)}
	in.opener.seq = le.Uint64(b[104:])
	in.opener.isWindow, in.byClose, in.hasEvent = b[6]&byWindow != 0, b[6]&byClose != 0, b[6]&hasEvent != 0
	d := decoder{b: b[instanceHeader:n]}
	for k := d.uint(); k > 0 && d.err == nil; k-- {
		in.windows = append(in.windows, d.int())
	}
	in.opener.id, in.typ = d.text(), d.text()
	in.fields = sh.fieldBuffer()
	for k := d.uint(); k > 0 && d.err == nil; k-- {
		in.fields = append(in.fields, d.value())
	}
	for k := d.uint(); k > 0 && d.err == nil; k-- {
		in.keys = append(in.keys, d.text())
	}
	in.stored, in.tail = in.keys, true
	if d.err != nil {
		return in, fmt.Errorf("engine: the instance of rule %s: %w", rp.Name, d.err)
	}
	return in, nil
}

// save writes the instance, or removes its block when there is nothing to remember.
func (sh *shard) save(rp *rulePlan, row *state.Row, in *instance) {
	if rp.foreign {
		sh.watchFor(rp, row, in, in.stored)
	}
	if in.state == inactive {
		t := in.until(rp)
		if t == none || t < sh.now {
			sh.dropInstance(rp, row)
			return
		}
		in.due = state.Never
		sh.gcAt(row, t+1)
	}
	b := row.Block(rp.unit)
	if b != nil && in.tail {
		in.putHeader(b)
	} else {
		e := sh.encode(in)
		if b == nil {
			row.SetNote(row.Note() + 1)
		}
		b = row.Ensure(rp.unit, len(e))
		copy(b, e)
		clear(b[len(e):])
		sh.flag(rp, row, true)
	}
	if in.due < row.Due() {
		sh.dueAt(row, in.due)
	}
}

// encode returns the bytes of an instance's block, in the shard's scratch.
func (sh *shard) encode(in *instance) []byte {
	var header [instanceHeader]byte
	e := append(sh.enc[:0], header[:]...)
	e = binary.AppendUvarint(e, uint64(len(in.windows)))
	for _, t := range in.windows {
		e = binary.AppendVarint(e, t)
	}
	e = appendText(e, in.opener.id)
	e = appendText(e, in.typ)
	e = binary.AppendUvarint(e, uint64(len(in.fields)))
	for _, v := range in.fields {
		e = appendValue(e, v)
	}
	e = binary.AppendUvarint(e, uint64(len(in.keys)))
	for _, k := range in.keys {
		e = appendText(e, k)
	}
	sh.enc = e
	le.PutUint32(e, uint32(len(e)))
	in.putHeader(e)
	return e
}

// putHeader writes the header of a block, but for its length.
func (in *instance) putHeader(b []byte) {
	b = b[:instanceHeader]
	b[4], b[5], b[6] = instanceVersion, byte(in.state), in.marks()
	putTime(b, 8, in.due)
	putTime(b, 16, in.judged)
	putTime(b, 24, in.left)
	putTime(b, 32, in.since)
	putTime(b, 40, in.opened)
	putTime(b, 48, in.time)
	le.PutUint64(b[56:], in.seq)
	putTime(b, 64, in.updates)
	putTime(b, 72, in.span.Start)
	putTime(b, 80, in.span.End)
	putTime(b, 88, in.opener.span.Start)
	putTime(b, 96, in.opener.span.End)
	le.PutUint64(b[104:], in.opener.seq)
}

func (in *instance) marks() (m byte) {
	if in.opener.isWindow {
		m |= byWindow
	}
	if in.byClose {
		m |= byClose
	}
	if in.hasEvent {
		m |= hasEvent
	}
	return m
}

// dropInstance removes the block of an instance. The row's note counts the instances, so that most events need not look
// for any.
func (sh *shard) dropInstance(rp *rulePlan, row *state.Row) {
	if row.Block(rp.unit) == nil {
		return
	}
	row.Remove(rp.unit)
	row.SetNote(row.Note() - 1)
	sh.flag(rp, row, false)
}

// lateOpening is how much longer than its cooldown an opening is remembered, so that an event that comes very late does
// not open an alert before it: 30 days.
const lateOpening = 30 * 24 * 3600 * 1000

// until returns the event time until which an inactive instance must be remembered, none if not at all: for its
// cooldown, and so that no window opens an alert twice.
func (in *instance) until(rp *rulePlan) int64 {
	t := int64(none)
	if rp.Cooldown > 0 && in.opened != none {
		t = in.opened + rp.Cooldown + lateOpening
	}
	for _, e := range in.windows {
		t = max(t, e+rp.scope.lateness)
	}
	return t
}

// flag notes in the scope's block whether the rule has an instance.
func (sh *shard) flag(rp *rulePlan, row *state.Row, on bool) {
	b := row.Block(rp.scope.unit)
	if b == nil {
		return
	}
	f := le.Uint64(b[scopeFlags:])
	if on {
		f |= rp.bit
	} else {
		f &^= rp.bit
	}
	le.PutUint64(b[scopeFlags:], f)
}

func appendText(e []byte, s string) []byte {
	e = binary.AppendUvarint(e, uint64(len(s)))
	return append(e, s...)
}

func appendValue(e []byte, v event.Value) []byte {
	e = append(e, byte(v.Kind), v.Scale)
	e = binary.AppendVarint(e, v.N)
	return appendText(e, v.S)
}

// decoder reads what the append functions wrote; the first error stays.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() { d.err = fmt.Errorf("truncated"); d.b = nil }

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) text() string {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return ""
	}
	if n == 0 {
		return ""
	}
	s := unsafe.String(&d.b[0], n) // part of the row, which does not move before the instance has been handled
	d.b = d.b[n:]
	return s
}

func (d *decoder) value() (v event.Value) {
	if len(d.b) < 2 {
		d.fail()
		return v
	}
	v.Kind, v.Scale = event.Kind(d.b[0]), d.b[1]
	d.b = d.b[2:]
	v.N = d.int()
	v.S = d.text()
	return v
}
