package engine

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/window"
)

// phases of an event: what the watermark makes due comes before the event itself.
const (
	phaseDue = iota
	phaseEvent
)

// order places an effect among all effects of a stride, whatever shard it comes from.
type order struct {
	ev    uint32
	phase uint8
	due   int64
	rule  int32
	key   string
	n     int32 // in the shard
}

func (a *order) compare(b *order) int {
	return cmp.Or(cmp.Compare(a.ev, b.ev), cmp.Compare(a.phase, b.phase), cmp.Compare(a.due, b.due),
		cmp.Compare(a.rule, b.rule), cmp.Compare(a.key, b.key), cmp.Compare(a.n, b.n))
}

// output gathers the effects of one shard.
type output struct {
	ev      uint32
	phase   uint8
	n       int32
	rows    []rowEffect
	buf     []byte
	changes []Change
	updated []updateKey // firing instances that were judged true in the stride, in order
	pending map[updateKey]*Change

	verdicts []Verdict
	firings  []Firing
	opened   string // the id of the alert that the judgement at hand has opened
}

type rowEffect struct {
	order
	from, to int
}

type updateKey struct {
	rule int
	hash uint64 // of the key
}

// heldTrue notes a true judgement of a firing instance. Of all in one stride only the newest is told.
func (sh *shard) heldTrue(j *judgement, in *instance) {
	if !sh.engine.keepUpdates {
		return
	}
	o := &sh.out
	k := updateKey{j.rule.index, j.rows[j.rule.scope.dim.index].Hash()}
	c := o.pending[k]
	if c == nil {
		n := sh.change(j, in, Updated, j.asOf, "")
		c = &n
		o.pending[k] = c
		o.updated = append(o.updated, k)
	}
	c.At, c.Updates, c.Values = j.asOf, in.updates, sh.values(j, c.Values[:0])
}

// tell puts the update of an instance, if there is one, among the changes.
func (o *output) tell(k updateKey) {
	if c := o.pending[k]; c != nil {
		o.changes = append(o.changes, *c)
		delete(o.pending, k)
	}
}

// tellAll puts all updates that are left among the changes.
func (o *output) tellAll() {
	for _, k := range o.updated {
		o.tell(k)
	}
	o.updated = o.updated[:0]
}

func (o *output) at(ev uint32, phase uint8) { o.ev, o.phase = ev, phase }

// reset begins a stride. What earlier ones of the same call have written stays in buf, see Effects.Rows.
func (o *output) reset() {
	o.rows, o.changes, o.verdicts, o.firings, o.n = o.rows[:0], nil, o.verdicts[:0], o.firings[:0], 0
}

func (sh *shard) place(rp *rulePlan, key string) order {
	o := &sh.out
	o.n++
	ord := order{ev: o.ev, phase: o.phase, rule: int32(rp.index), n: o.n}
	if o.phase == phaseDue {
		ord.due, ord.key = sh.dueKey, key
	}
	return ord
}

// emitRow writes the row of `kelpie features` for an evaluation.
func (sh *shard) emitRow(j *judgement, v verdict, why reason) {
	rp := j.rule
	o := &sh.out
	from := len(o.buf)
	b := append(o.buf, `{"rule":`...)
	b = appendString(b, rp.Name)
	b = append(b, `,"key":`...)
	row := &j.rows[rp.scope.dim.index]
	b = appendKeyJSON(b, row.Key(), len(rp.By))
	b = append(b, `,"time":"`...)
	b = append(b, event.FormatTime(j.asOf)...)
	b = append(b, '"')
	if j.mode == onEvent {
		if id := sh.env.Rec.ID(); id != "" {
			b = append(b, `,"id":`...)
			b = appendString(b, id)
		}
		b = append(b, `,"position":`...)
		b = appendString(b, sh.engine.position(j.seq))
	}
	b = append(b, `,"values":{`...)
	first := true
	for i, f := range rp.Facts {
		x := sh.env.Facts[i]
		if f.Agg == "previous" || x.IsMissing() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(b, f.Name)
		b = append(b, ':')
		b = event.AppendJSON(b, x)
	}
	b = append(b, `},"fired":`...)
	b = strconv.AppendBool(b, v == yes)
	if j.named {
		b = append(b, `,"window":`...)
		b = appendSpan(b, j.span)
	}
	if j.late {
		b = append(b, `,"late":true`...)
	}
	if v == abstain {
		b = append(b, `,"abstained":`...)
		b = appendString(b, why.String())
	}
	b = sh.appendNotes(b, j)
	b = append(b, '}', '\n')
	o.buf = b
	o.rows = append(o.rows, rowEffect{sh.place(rp, string(row.Key())), from, len(b)})
}

// appendNotes names the facts whose values are not exact.
func (sh *shard) appendNotes(b []byte, j *judgement) []byte {
	if j.approx != 0 {
		b = appendApprox(b, j)
	}
	if j.inexact == 0 {
		return b
	}
	b = append(b, `,"inexact":[`...)
	first := true
	for i, f := range j.rule.Facts {
		if i < 64 && j.inexact&(1<<i) != 0 {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = appendString(b, f.Name)
		}
	}
	return append(b, ']')
}

func appendSpan(b []byte, s window.Span) []byte {
	b = append(b, `{"start":"`...)
	b = append(b, event.FormatTime(s.Start)...)
	b = append(b, `","end":"`...)
	b = append(b, event.FormatTime(s.End)...)
	return append(b, `"}`...)
}

func appendString(b []byte, s string) []byte { return event.AppendJSON(b, event.StringValue(s)) }

// appendKeyJSON writes a key: a simple one as a string, a compound one as a list.
func appendKeyJSON(b, key []byte, parts int) []byte {
	if parts == 1 {
		return appendString(b, string(key))
	}
	b = append(b, '[')
	for i, p := range splitKey(key, parts) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, p)
	}
	return append(b, ']')
}

// ChangeKind says what happened to an alert.
type ChangeKind uint8

// The kinds of changes.
const (
	Opened ChangeKind = iota
	Updated
	Resolved
)

// String names the change.
func (k ChangeKind) String() string { return [...]string{"opened", "updated", "resolved"}[k] }

// Change is one step in the life of an alert.
type Change struct {
	order
	Kind     ChangeKind
	Rule     *rules.Rule
	Key      []string
	ID       string // of the alert
	Opened   int64  // event time, ms
	At       int64  // event time of this change, ms
	EventID  string // of the event that opened it; "" for a window or an event without an id
	Position string // of that event
	Window   *window.Span
	Message  string        // on opening
	Shown    []rules.Shown // event fields that can be seen in the message
	Values   []NamedValue
	Reason   alert.Reason // on resolving
	Warming  []string     // on opening: the facts whose windows could not be full yet
	Updates  int64        // true judgements so far

	Watermark int64 // as it stood when this happened; ms
}

// NamedValue is the value of a fact.
type NamedValue struct {
	Name    string
	Value   event.Value
	Approx  float64 // the relative error, where the value comes from a sketch; else 0
	Inexact bool    // float64s were in a sum that is exact otherwise
}

func (sh *shard) openerOf(j *judgement) opener {
	if j.mode == onClose {
		return opener{isWindow: true, span: j.span}
	}
	return opener{id: sh.env.Rec.ID(), seq: j.seq}
}

// emitChange records a step of an alert's life.
func (sh *shard) emitChange(j *judgement, in *instance, kind ChangeKind, at int64, why alert.Reason) {
	c := sh.change(j, in, kind, at, why)
	if kind == Opened {
		c.Values = sh.values(j, nil)
		c.Message, c.Shown = j.rule.Message(&sh.env, c.Key)
		c.Warming = sh.warming(j)
		sh.out.opened = c.ID
	}
	sh.out.changes = append(sh.out.changes, c)
}

// change describes a step of an alert's life, but for values and message.
func (sh *shard) change(j *judgement, in *instance, kind ChangeKind, at int64, why alert.Reason) Change {
	rp := j.rule
	row := &j.rows[rp.scope.dim.index]
	c := Change{order: sh.place(rp, string(row.Key())), Kind: kind, Rule: rp.Rule, Key: splitKey(row.Key(), len(rp.By)),
		Opened: in.opened, At: at, Reason: why, Updates: in.updates}
	by := alert.Opener{}
	if in.opener.isWindow {
		span := in.opener.span
		c.Window, by.Window = &span, &span
	} else {
		c.EventID, c.Position = strings.Clone(in.opener.id), sh.engine.position(in.opener.seq)
		by.Event, by.Position = c.EventID, c.Position
	}
	c.ID = alert.ID(rp.Name, c.Key, in.opened, by)
	return c
}

// values appends all facts of the judgement that have a value; text is copied.
func (sh *shard) values(j *judgement, out []NamedValue) []NamedValue {
	if !sh.wantsAll(j.rule) || j.mode == onLeave {
		sh.evalFacts(j, true)
	}
	for i, f := range j.rule.Facts {
		v := sh.env.Facts[i]
		if f.Agg == "previous" || v.IsMissing() {
			continue
		}
		v.S = strings.Clone(v.S)
		x := NamedValue{Name: f.Name, Value: v}
		if i < 64 && j.approx&(1<<i) != 0 {
			x.Approx = errorOf(f.Agg)
		}
		x.Inexact = i < 64 && j.inexact&(1<<i) != 0
		out = append(out, x)
	}
	return out
}

// Effects are what a stride of events has brought about, in fold order.
type Effects struct {
	Rows     [][]byte // lines of `kelpie features`, if asked for; valid until the next call
	Changes  []Change
	Rejected []Rejection
	Verdicts []Verdict // of the events of a batch that asks for decisions
	Firings  []Firing  // if asked for
}

// Rejection is a record that was refused.
type Rejection struct {
	Position event.Position
	Reason   event.Reason
	Offset   int // byte in the record
	Detail   string
	Raw      []byte
}

// gather merges what the shards have emitted.
func (e *Engine) gather(fx *Effects) {
	type ref struct {
		*rowEffect
		sh *shard
	}
	var rows []ref
	from := len(fx.Changes)
	for _, sh := range e.shards {
		for i := range sh.out.rows {
			rows = append(rows, ref{&sh.out.rows[i], sh})
		}
		fx.Changes = append(fx.Changes, sh.out.changes...)
	}
	slices.SortStableFunc(rows, func(a, b ref) int { return a.order.compare(&b.order) })
	for _, r := range rows {
		fx.Rows = append(fx.Rows, r.sh.out.buf[r.from:r.to])
	}
	slices.SortStableFunc(fx.Changes[from:], func(a, b Change) int { return a.order.compare(&b.order) })
	for i := range fx.Changes[from:] {
		c := &fx.Changes[from+i]
		if c.Watermark = e.before; int(c.ev) < len(e.evs) {
			c.Watermark = e.evs[c.ev].w
		}
	}
	e.gatherFirings(fx)
}
