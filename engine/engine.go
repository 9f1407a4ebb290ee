package engine

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"

	"github.com/zeebo/xxh3"

	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
)

// TimeSpec is the part `time:` of the configuration (semantics.md, Order, watermark, lateness); milliseconds.
type TimeSpec struct {
	ByTime   bool  // order: time
	Disorder int64 // how far event times may be out of order
	Lateness int64 // how long after its end a window still accepts
	Idle     int64 // after which a silent partition is idle
	Future   int64 // how far an event may be ahead of its append time; 0: no limit
}

// Options are the settings of an engine. Of them only Dedupe changes its results.
type Options struct {
	Dedupe      []Dedupe // of sources whose events may come again
	Shards      int      // default 1
	Rows        bool     // emit the rows of `kelpie features`
	KeepUpdates bool     // emit updates of firing alerts
	Seed        uint64

	// Filled are windows that were filled from the log, for facts that Recover finds new; nil: they start empty.
	Filled *side

	// Migrated, if set, is told by Recover how many rows have been looked at while rows are rewritten for other rules.
	Migrated func(rows int64)

	// Observe, if set, is told of every evaluation on an event or a close of the rules that Observed names, by the shards'
	// goroutines. All facts of these rules are evaluated then. The observation is valid during the call only.
	Observe  func(*Observation)
	Observed func(*rules.Rule) bool // nil: of all rules

	// Since and Until leave out events that are earlier than Since, or not earlier than Until: they are as if they were not
	// there. Times are ms; 0: no bound.
	Since, Until int64

	// CountFrom has counters leave out what is done before the first event of this time (ms) or a later one is folded: the
	// history before only fills windows. 0: all counts.
	CountFrom int64

	// Survey has the engine note which types and fields events have: see Engine.Survey.
	Survey bool

	// Firings has Effects tell of every judgement on an event or a close that says true.
	Firings      bool
	FiringFields []int // field slots whose values they carry

	// Tap, if set, is told of each event that is folded, in fold order, by the goroutine that calls Step, before what came of
	// it is returned.
	Tap func(*Folded)
}

// Engine folds events. It has no clock, writes nothing, and gives the same effects for the same events in the same
// order, however they are cut into batches and spread over shards. It is not safe for concurrent use.
type Engine struct {
	plan         *Plan
	shards       []*shard
	decoders     []*event.Decoder // by shard
	now, next    *decoding        // of the stride that is folded, and of the one to come
	outside      int64            // events that were left out, for their time
	strideSize   int              // see the constants
	few          int
	partitions   []*partition
	keepUpdates  bool
	observe      func(*Observation)
	tap          func(*Folded)
	firingFields []int
	since        int64 // events before it are left out,
	until        int64 // and those from it on
	counting     counting
	behind       behind
	survey       bool
	seed         uint64

	w       int64 // the stream's watermark
	before  int64 // the same, at the end of the stride before
	newest  int64 // the newest event time
	fold    int64 // order: time: up to where has been folded
	waiting waiting
	evs     []foldEvent
	warmth  warmth
	dropped dropped

	front    int64 // order: time: the last event folded in order, by (time, position)
	frontSeq uint64
	events   uint64 // folded since the state is there
	store    *state.Store
	spare    [][]*state.Batch // by shard
	registry *registry        // of the store
	runs     []heldRun        // of streams, in order of the log: those of which an event may wait
	schema   *event.Schema    // the plan's, and what identifies events
	seen     []*seen          // ids, by source
	unseen   []string         // sources whose ids are to be deleted
	sifting  bool             // events of the stride may have come before
	unknown  bool             // the store does not know the rules and the numbers yet
	decides  bool             // verdicts are asked for
}

// partition is one ordered part of a stream.
type partition struct {
	stream event.Position // of which Offset is not used
	newest int64
	idle   bool
	next   int64 // where reading stands: the next offset to come
	read   int64 // offsets below it have been read: more than next while a recovery reads again

	mark  []byte // of a stream's partition: where reading it goes on, as the stream writes it
	since int64  // the same: from which offset of our log on this is the partition of that name
}

// New returns an engine for a plan, with empty state.
func New(p *Plan, o Options) *Engine {
	if o.Shards < 1 {
		o.Shards = 1
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64() | 1
	}
	e := &Engine{plan: p, keepUpdates: o.KeepUpdates, observe: o.Observe, tap: o.Tap, firingFields: o.FiringFields, since: none, until: state.Never, seed: o.Seed, w: none, before: none >> 2, newest: none, fold: none, front: none, warmth: newWarmth(p)}
	e.behind.oldest, e.survey = state.Never, o.Survey
	e.counting = counting{from: o.CountFrom}
	if o.CountFrom == 0 {
		e.counting = counting{from: none, begun: true}
	}
	if o.Since != 0 {
		e.since = o.Since
	}
	if o.Until != 0 {
		e.until = o.Until
	}
	e.recall(o.Dedupe)
	for i := range o.Shards {
		sh := newShard(e, i)
		sh.big.limit /= int64(o.Shards)
		sh.wantRows, sh.wantAll, sh.wantFirings = o.Rows, o.wanted(p), o.Firings
		sh.out.pending = map[updateKey]*Change{}
		e.shards = append(e.shards, sh)
	}
	for range o.Shards {
		e.decoders = append(e.decoders, newDecoder(e))
	}
	e.now, e.next = newDecoding(e), newDecoding(e)
	e.strideSize, e.few = strideSize, few
	return e
}

// A position is packed into 64 bits so that its order is kept: partition (of the engine's list) and offset.
const offsetBits = 44

// Partition returns the number of a partition, registering it if it is new. Partitions are numbered, and so ordered, as
// they come.
func (e *Engine) Partition(p event.Position) int {
	if i := e.partitionAt(p, state.Never); i >= 0 {
		return i
	}
	e.partitions = append(e.partitions, &partition{stream: p, newest: none})
	return len(e.partitions) - 1
}

// partitionAt returns the number of the partition that had a name at an offset of our log; -1 if none had.
func (e *Engine) partitionAt(p event.Position, at int64) int {
	for i, q := range slices.Backward(e.partitions) {
		if q.stream.Stream == p.Stream && q.stream.Partition == p.Partition && q.stream.Kind == p.Kind && q.since <= at {
			return i
		}
	}
	return -1
}

func pack(partition int, offset int64) uint64 { return uint64(partition)<<offsetBits | uint64(offset) }

func (e *Engine) position(seq uint64) string {
	p := e.partitions[seq>>offsetBits].stream
	p.Offset = int64(seq & (1<<offsetBits - 1))
	return p.String()
}

// Batch is a run of records of one partition, in order.
type Batch struct {
	Partition int
	Buf       []byte
	Lines     []Line
	Decide    bool   // verdicts are asked for
	Source    string // by which Options.Dedupe knows it; "": every event is folded
}

// Line is one record in a batch's buffer.
type Line struct {
	Start, End int   // in Buf
	Offset     int64 // position in the partition
	Appended   int64 // append time, ms; 0: unknown
	Created    int64 // the time of an event that has none, ms; 0: then it is refused
}

// strideSize is how many bytes of events are folded at a time: so few that what a core has decoded is still in its cache
// when it is folded, and so many that the cores seldom wait for each other.
const strideSize = 1 << 20

// Step folds a batch. Its buffer may be used again when Step returns.
func (e *Engine) Step(b *Batch) (*Effects, error) {
	c := *b
	if e.plan.Time.ByTime {
		c.Buf = append([]byte(nil), b.Buf...)
	}
	fx := &Effects{}
	e.forgetText()
	e.decides = b.Decide
	defer func() { e.decides = false }()
	seen := e.seenBy(b.Source)
	e.sifting = seen > 0
	lines, rest := e.cutStride(b.Lines)
	e.next.begin(&c, lines, e.few)
	if err := e.guarded(len(lines), e.decodeNext); err != nil {
		return fx, err
	}
	for more := true; more; {
		e.now, e.next = e.next, e.now
		c.Lines, more = lines, len(rest) > 0
		lines, rest = e.cutStride(rest)
		e.next.begin(&c, lines, e.few)
		if err := e.stride(&c, seen, fx); err != nil {
			return fx, err
		}
	}
	return fx, nil
}

// decodeNext decodes some of the stride to come, for shard i.
func (e *Engine) decodeNext(i int) { e.next.work(e.decoders[i]) }

// cutStride cuts the lines of one stride off the front.
func (e *Engine) cutStride(lines []Line) (stride, rest []Line) {
	n, size := 0, 0
	for n < len(lines) && (n == 0 || size < e.strideSize) {
		size += lines[n].End - lines[n].Start
		n++
	}
	return lines[:n], lines[n:]
}

// stride folds lines that have been decoded, of which some may have come before if seen says where that is known, and decodes
// those of the next stride meanwhile.
func (e *Engine) stride(b *Batch, seen uint32, fx *Effects) error {
	for _, p := range e.now.used() {
		fx.Rejected = append(fx.Rejected, p.bad...)
		e.outside += p.outside
	}
	e.advance(b, seen)
	err := e.run(fx, e.w)
	if e.decides {
		e.gatherVerdicts(fx)
	}
	return err
}

// run folds the events of the stride and gathers what came of it.
func (e *Engine) run(fx *Effects, w int64) error {
	e.events += uint64(len(e.evs))
	e.number()
	if e.tap != nil {
		e.tapAll()
	}
	if e.plan.Time.ByTime || e.sifting {
		e.now.route(e)
	}
	err := e.guarded(max(len(e.evs), len(e.next.lines)), func(i int) {
		e.shards[i].stride(e.evs, w)
		e.decodeNext(i)
	})
	e.before = w
	e.gather(fx)
	return err
}

// parallel calls f for each shard, for the first one in this goroutine, and waits.
func (e *Engine) parallel(f func(i int)) {
	var wg sync.WaitGroup
	for i := 1; i < len(e.shards); i++ {
		wg.Go(func() { f(i) })
	}
	f(0)
	wg.Wait()
}

// few is up to how many events are decoded and folded by one goroutine: to wake others takes longer.
const few = 64

// share is parallel for the work of so many events, or, with none, of time that went on.
func (e *Engine) share(events int, f func(i int)) {
	if events == 0 || events > e.few {
		e.parallel(f)
		return
	}
	for i := range e.shards {
		f(i)
	}
}

// firstAt returns the index of the first event at which the watermark has reached t: mostly one of the very first.
func firstAt(t int64, evs []foldEvent) uint32 {
	lo, hi := 0, 1
	for hi < len(evs) && evs[hi-1].w < t {
		lo, hi = hi, 2*hi
	}
	hi = min(hi, len(evs))
	return uint32(lo + sort.Search(hi-lo, func(i int) bool { return evs[lo+i].w >= t }))
}

// advance takes the decoded events into the watermark, and puts those that may be folded now in order. seen is the number of
// the source's ids.
func (e *Engine) advance(b *Batch, seen uint32) {
	e.evs = e.evs[:0]
	p := e.partitions[b.Partition]
	if n := len(b.Lines); n > 0 && b.Lines[n-1].Offset >= p.read {
		p.idle = false
	}
	for _, wk := range e.now.used() {
		wk.base = uint32(len(e.evs))
		for i := range wk.recs {
			rec := &wk.recs[i]
			if wk.refused[i] {
				continue
			}
			if p.knows(wk.seqs[i]) {
				e.waitAgain(rec, wk.seqs[i], seen)
				continue
			}
			if seen > 0 && !e.plan.Time.ByTime && e.seen[seen-1].again(rec, wk.seqs[i], e.w) {
				continue
			}
			e.behind.see(e.w, e.plan.Time.Disorder, rec.Time)
			p.newest = max(p.newest, rec.Time)
			if e.newest == none && !e.plan.Time.ByTime {
				e.warmth.start = rec.Time
			}
			e.newest = max(e.newest, rec.Time)
			e.moveWatermark()
			ev := foldEvent{rec: rec, t: rec.Time, seq: wk.seqs[i], w: e.w, seen: seen}
			if !e.plan.Time.ByTime {
				e.evs = append(e.evs, ev)
				continue
			}
			e.waiting.push(ev)
			e.release(e.w)
		}
	}
	if n := len(b.Lines); n > 0 {
		p.next = b.Lines[n-1].Offset + 1
		p.read = max(p.read, p.next)
	}
}

// knows reports whether the record had been read when the state was committed: then it is in the watermark, and only
// recovery reads it again.
func (p *partition) knows(seq uint64) bool { return int64(seq&(1<<offsetBits-1)) < p.read }

// waitAgain takes an event that recovery has read again: if it is not in the state it waits as it did, and moves neither
// the watermark, which has come further since, nor a partition's silence.
func (e *Engine) waitAgain(rec *event.Record, seq uint64, seen uint32) {
	if e.plan.Time.ByTime && (rec.Time > e.front || rec.Time == e.front && seq > e.frontSeq) {
		e.waiting.push(foldEvent{rec: rec, t: rec.Time, seq: seq, w: e.w, seen: seen})
	}
}

// Idle says that a partition has nothing to read for now: the watermark does not wait for it until its next event.
func (e *Engine) Idle(partition int) { e.partitions[partition].idle = true }

// Wake has the watermark wait for a partition again, though there is no event of it yet.
func (e *Engine) Wake(partition int) { e.partitions[partition].idle = false }

// moveWatermark takes the minimum over the partitions that are not idle. The watermark never moves back.
func (e *Engine) moveWatermark() {
	w := int64(state.Never)
	for _, p := range e.partitions {
		if p.idle {
			continue
		}
		if p.newest == none {
			return
		}
		w = min(w, p.newest)
	}
	if w != state.Never {
		e.w = max(e.w, w-e.plan.Time.Disorder)
	}
}

// release puts the waiting events whose time the watermark has passed in line to be folded.
func (e *Engine) release(w int64) {
	for len(e.waiting) > 0 && e.waiting[0].t < w {
		ev := e.waiting.pop()
		if ev.t > e.front || ev.t == e.front && ev.seq > e.frontSeq {
			e.front, e.frontSeq = ev.t, ev.seq
		}
		if e.warmth.start == none {
			e.warmth.start = ev.t
		}
		e.fold = max(e.fold, ev.t)
		ev.w = e.fold
		if ev.seen > 0 && e.seen[ev.seen-1].again(ev.rec, ev.seq, ev.w) {
			continue
		}
		e.evs = append(e.evs, ev)
	}
	e.fold = max(e.fold, w)
}

// begin begins a stride without new records.
func (e *Engine) begin() {
	e.evs = e.evs[:0]
	e.now.clear()
	e.next.begin(nil, nil, 0)
}

// Tick moves the watermark to w without an event: time goes on while the sources are idle.
func (e *Engine) Tick(w int64) (*Effects, error) {
	e.begin()
	e.forgetText()
	e.w = max(e.w, w)
	if e.plan.Time.ByTime {
		e.release(e.w)
	}
	fx := &Effects{}
	return fx, e.run(fx, e.w)
}

// End folds what still waits at the end of finite input and moves the watermark to the newest event time. With drain
// all windows are judged as if the stream had ended.
func (e *Engine) End(drain bool) (*Effects, error) {
	fx := &Effects{}
	e.evs = e.evs[:0]
	if e.newest == none {
		return fx, nil
	}
	e.begin()
	e.forgetText()
	e.w = max(e.w, e.newest)
	for len(e.waiting) > 0 {
		e.release(e.waiting[0].t + 1)
	}
	e.fold = max(e.fold, e.w)
	if err := e.run(fx, e.w); err != nil || !drain {
		return fx, err
	}
	e.begin()
	for _, sh := range e.shards {
		sh.draining = true
	}
	return fx, e.run(fx, state.Never-1)
}

// forgetText gives up what the shards have written of rows for the call before.
func (e *Engine) forgetText() {
	for _, sh := range e.shards {
		sh.out.buf = sh.out.buf[:0]
	}
}

// hash returns the hash by which a key's row is found.
func (e *Engine) hash(key []byte) uint64 { return xxh3.HashSeed(key, e.seed) }

// appendKey appends the key of an event: the key text of a simple key; of a compound one each part behind its length.
// ok is false if a part is missing.
func (e *Engine) appendKey(dst []byte, r *event.Record, slots []int) (key []byte, ok bool) {
	if len(slots) == 1 {
		return event.AppendKey(dst, r.Value(slots[0]))
	}
	for _, s := range slots {
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		if dst, ok = event.AppendKey(dst, r.Value(s)); !ok {
			return dst, false
		}
		binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, true
}

// splitKey returns the parts of a row's key.
func splitKey(key []byte, parts int) []string {
	if parts == 1 {
		return []string{string(key)}
	}
	out := make([]string, 0, parts)
	for len(key) >= 4 {
		n := binary.LittleEndian.Uint32(key)
		out = append(out, string(key[4:4+n]))
		key = key[4+n:]
	}
	return out
}

// failed notes that a rule had an error at run time.
func (sh *shard) failed(rp *rulePlan, err error) {
	sh.count.lastError[rp.index] = fmt.Sprint(err)
}
