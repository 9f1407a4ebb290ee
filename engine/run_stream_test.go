package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
	"kelpie/state"
)

// topics is a log elsewhere, in memory: partitions whose offsets have holes.
type topics struct {
	parts map[source.Partition][]topicLine
	gone  int64 // records below this offset are not to be had any more
}

type topicLine struct {
	offset int64
	value  []byte
}

// newTopics spreads lines over two topics of some partitions, by no rule.
func newTopics(lines [][]byte, seed uint64) *topics {
	random := rand.New(rand.NewPCG(seed, 1))
	o := &topics{parts: map[source.Partition][]topicLine{}}
	for _, l := range lines {
		p := source.Partition{Stream: []string{"orders", "visits"}[random.IntN(2)], ID: int32(random.IntN(3))}
		at := int64(random.IntN(3) / 2)
		if n := len(o.parts[p]); n > 0 {
			at += o.parts[p][n-1].offset + 1
		}
		o.parts[p] = append(o.parts[p], topicLine{at, l})
	}
	return o
}

// repeated returns lines of which some come again.
func repeated(lines [][]byte, seed uint64) (all [][]byte) {
	random := rand.New(rand.NewPCG(seed, 3))
	for i, l := range lines {
		all = append(all, l)
		if random.IntN(4) == 0 {
			all = append(all, lines[max(0, i-random.IntN(20))])
		}
	}
	return all
}

func (o *topics) sorted() (all []source.Partition) {
	for p := range o.parts {
		all = append(all, p)
	}
	slices.SortFunc(all, source.Partition.Compare)
	return all
}

// run returns the records of a partition with offsets in [from, to) as a batch.
func (o *topics) run(p source.Partition, from, to int64) *source.Batch {
	b := &source.Batch{Stream: p.Stream, Position: event.KafkaPosition, Run: &source.Run{Partition: p, From: from, To: to, Mark: strconv.AppendInt(nil, to, 10)}}
	for _, l := range o.parts[p] {
		if l.offset >= from && l.offset < to {
			at := len(b.Buf)
			b.Buf = append(b.Buf, l.value...)
			b.Lines = append(b.Lines, source.Line{Start: at, End: len(b.Buf), Offset: l.offset})
		}
	}
	b.Run.Records = len(b.Lines)
	return b
}

func (o *topics) end(p source.Partition) int64 {
	all := o.parts[p]
	return all[len(all)-1].offset + 1
}

// input is a stream of the topics, of which runs come in an order that the seed says.
func (o *topics) input(seed uint64) engine.Input {
	return engine.Input{
		Name: "kafka", Live: true,
		Stream: func(marks func() map[source.Partition][]byte) (source.Stream, error) {
			s := &topicStream{topics: o, random: rand.New(rand.NewPCG(seed, 2)), at: map[source.Partition]int64{}, given: map[source.Partition]int{}}
			for p, m := range marks() {
				s.at[p], _ = strconv.ParseInt(string(m), 10, 64)
			}
			return s, nil
		},
		Records: func() (source.Records, error) { return topicRecords{o}, nil },
	}
}

type topicStream struct {
	*topics
	random *rand.Rand

	mu       sync.Mutex
	assigned bool
	at       map[source.Partition]int64
	given    map[source.Partition]int // batches that are not released
}

func (s *topicStream) Fetch(ctx context.Context) (*source.Batch, error) {
	if b := s.next(); b != nil {
		return b, nil
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s *topicStream) next() *source.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.assigned {
		s.assigned = true
		return &source.Batch{Assigned: s.sorted()}
	}
	var left []source.Partition
	for _, p := range s.sorted() {
		if s.at[p] < s.end(p) {
			left = append(left, p)
		}
	}
	if len(left) == 0 {
		return nil
	}
	p := left[s.random.IntN(len(left))]
	from := s.at[p]
	s.given[p]++
	s.at[p] = min(s.end(p), from+1+int64(s.random.IntN(20)))
	return s.run(p, from, s.at[p])
}

func (s *topicStream) Quiet(p source.Partition) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Time{}, s.at[p] >= s.end(p) && s.given[p] == 0
}

func (s *topicStream) Release(b *source.Batch) {
	if b.Run != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.given[b.Run.Partition]--
	}
}

func (s *topicStream) Committed(source.Partition, []byte) {}
func (s *topicStream) Problems() []string                 { return nil }
func (s *topicStream) Status() source.StreamStatus        { return source.StreamStatus{} }
func (s *topicStream) Close() error                       { return nil }

type topicRecords struct{ *topics }

func (o topicRecords) Read(_ context.Context, r *source.Run) (*source.Batch, string, error) {
	b := o.run(r.Partition, max(r.From, o.gone), r.To)
	if r.From < o.gone {
		return b, fmt.Sprintf("%s is gone up to %d", r.Partition, o.gone), nil
	}
	return b, "", nil
}

func (o topicRecords) Problems() []string { return nil }
func (o topicRecords) Close() error       { return nil }

// number returns the engine's number of a partition of that name.
func (o *topics) number(e *engine.Engine, name string) int {
	for _, p := range o.sorted() {
		if name == "stream "+p.String() {
			return e.Partition(event.Position{Stream: p.Stream, Partition: p.ID, Kind: event.KafkaPosition})
		}
	}
	panic(name)
}

// refold folds what a record of our log says of the topics.
func (o *topics) refold(tb testing.TB, e *engine.Engine, r *journal.Record, take func(*engine.Effects, error)) {
	var x struct {
		Assigned []source.Partition
		source.Run
	}
	if err := json.Unmarshal(r.Payload, &x); err != nil {
		tb.Fatal(err)
	}
	for _, p := range x.Assigned {
		e.Wake(o.number(e, "stream "+p.String()))
	}
	if r.Kind != journal.RecordsRead {
		return
	}
	b := o.run(x.Partition, x.From, x.To)
	for _, l := range b.Lines {
		line := engine.Line{Start: l.Start, End: l.End, Offset: l.Offset, Appended: r.Appended}
		take(e.Step(&engine.Batch{Partition: o.number(e, "stream "+x.String()), Buf: b.Buf, Lines: []engine.Line{line}, Source: "kafka"}))
	}
}

// streamWorld reads the topics, and lines of its own beside them; in some ways what comes again to the topics is not folded.
func streamWorld(t *testing.T, fs vfs.FS, o *topics, lines [][]byte, way int) *world {
	w := newWorld(t, fs)
	w.spec.ByTime = way%2 == 1
	w.segment, w.commit = 20_000, time.Nanosecond
	w.topics = o
	w.inputs = []engine.Input{o.input(uint64(way))}
	if way%8 >= 4 {
		w.dedupe = []engine.Dedupe{{Name: "kafka", Span: 600_000, IDs: 60}}
		w.inputs[0].Dedupe = w.dedupe[0]
	}
	if way%4 >= 2 {
		w.inputs = append(w.inputs, input("shop", lines, 20))
	}
	return w
}

// once checks that our log notes each record of the topics once, in order.
func (o *topics) once(tb testing.TB, fs vfs.FS) {
	tb.Helper()
	at := map[source.Partition]int64{}
	records, _ := logged(tb, fs)
	for _, r := range records {
		if r.Kind != journal.RecordsRead {
			continue
		}
		var x source.Run
		if err := json.Unmarshal(r.Payload, &x); err != nil {
			tb.Fatal(err)
		}
		if x.From != at[x.Partition] {
			tb.Errorf("log@%d: %s from %d, want %d", r.Offset, x.Partition, x.From, at[x.Partition])
		}
		at[x.Partition] = x.To
	}
	for _, p := range o.sorted() {
		if at[p] != o.end(p) {
			tb.Errorf("%s is read up to %d, want %d", p, at[p], o.end(p))
		}
	}
}

// TestStreamCrashAtEveryWrite cuts the power before the k-th write while topics are read, alone and beside lines of our own,
// in both orders. Going on ends as if nothing had happened: each record is folded once, where our log says.
func TestStreamCrashAtEveryWrite(t *testing.T) {
	lines := shopLines(t, 300, 5)
	o, own := newTopics(repeated(lines[:200], 3), 1), lines[200:]
	step := 1
	if thorough < 10 {
		step = 17
	}
	for k := 1; streamCrashAt(t, k, o, own) && !t.Failed(); k += step {
	}
}

func streamCrashAt(t *testing.T, k int, o *topics, own [][]byte) bool {
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex
	var writes int
	var crashed *vfs.MemFS
	notify := &told{}
	var before map[string]string
	w := streamWorld(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if writes++; writes == k {
			before = notify.copied()
			crashed = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: k % 3 * 50, RNG: rand.New(rand.NewPCG(uint64(k), 1))})
		}
		return nil
	})), o, own, k)
	w.notify = notify
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if crashed == nil {
		alerts, messages, _ := found(t, mem)
		if t.Logf("%d writes, %d alerts, %d messages", writes, len(alerts), len(messages)); len(alerts) < 5 {
			t.Error("too few alerts to say anything")
		}
		return false
	}
	w = streamWorld(t, crashed, o, own, k)
	w.notify = &told{got: before}
	w.covers(crashed, before)
	if err := w.run(context.Background()); err != nil {
		t.Fatalf("after a crash at write %d: %v", k, err)
	}
	_, got := logged(t, crashed)
	w.agree(crashed, got)
	o.once(t, crashed)
	expectSame(t, liveAlerts(t, crashed), replayed(t, w, engine.ReplayOptions{}))
	if t.Failed() {
		t.Errorf("after a crash at write %d", k)
	}
	return true
}

// TestStreamByTime reads topics in order of time, in many orders of arrival, with one shard and more: what is found does not
// depend on it.
func TestStreamByTime(t *testing.T) {
	o := newTopics(shopLines(t, 600, 6), 3)
	var want map[string]string
	for seed := range uint64(6) {
		fs := vfs.NewMem()
		w := streamWorld(t, fs, o, nil, 1)
		w.inputs, w.shards = []engine.Input{o.input(seed)}, []int{1, 2, 7}[seed%3]
		if err := w.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		list := alertsOf(t, fs)
		for _, a := range list {
			got[a.ID] = describe(a)
		}
		if want == nil {
			want = got
		}
		if len(got) != len(want) || len(got) < 10 {
			t.Errorf("seed %d: %d alerts, want %d", seed, len(got), len(want))
		}
		for id, a := range want {
			if got[id] != a {
				t.Errorf("seed %d: alert %s is\n%s\nwant\n%s", seed, id, got[id], a)
			}
		}
	}
}

func alertsOf(t *testing.T, fs vfs.FS) []*alert.Alert {
	store, err := state.OpenView("data/state", state.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	list, err := alert.List(store, alert.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestStreamLost has lost records that the state needs again: what is there is folded, and what is not is in the list of
// refused events.
func TestStreamLost(t *testing.T) {
	o := newTopics(shopLines(t, 300, 7), 1)
	fs := vfs.NewMem()
	if err := streamWorld(t, fs, o, nil, 0).run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := fs.RemoveAll("data/state"); err != nil {
		t.Fatal(err)
	}
	o.gone = 10
	w := streamWorld(t, fs, o, nil, 0)
	var s *engine.Service
	w.started = func(x *engine.Service) { s = x }
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	store, err := state.OpenView("data/state", state.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	lost := 0
	err = store.Rejected(0, func(r state.Rejected) (bool, error) {
		if r.Reason == event.Lost {
			if lost++; r.Position.Offset >= 10 || r.Position.Kind != event.KafkaPosition || r.Detail == "" {
				t.Errorf("%+v", r)
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lost < 6 {
		t.Errorf("%d gaps are told", lost)
	}
	name := w.inputs[0].Name
	in, again := s.Figures().Inputs[name], s.Figures().Inputs["(log)"]
	if in.Lost != int64(lost) || again.Lost != 0 || in.Folded+in.Refused != 0 || again.Folded < 200 || again.Bytes < 50*again.Folded {
		t.Errorf("figures %+v, again %+v, of %d gaps", in, again, lost)
	}
	if got := s.Remarks(); len(got) != 1 || !strings.Contains(got[0], fmt.Sprintf("input %s has lost records, in %d gaps", name, lost)) {
		t.Errorf("remarks %q", got)
	}
}

// TestStreamRepeats reads topics, or lines of our own, of which some come again: what is found is what is found of those that
// come once, and it is said how many came again.
func TestStreamRepeats(t *testing.T) {
	lines := slices.DeleteFunc(shopLines(t, 400, 9), func(l []byte) bool { return !json.Valid(l) })
	again := repeated(lines, 4)
	alerts := func(dedupe bool, inputs ...engine.Input) (ids []string, s *engine.Service) {
		fs := vfs.NewMem()
		w := newWorld(t, fs)
		w.spec.ByTime = true
		for i := range inputs {
			if dedupe {
				inputs[i].Dedupe = engine.Dedupe{Name: "shop", Span: 3_600_000, IDs: 1000}
			}
		}
		w.inputs, w.started = inputs, func(x *engine.Service) { s = x }
		if err := w.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, a := range alertsOf(t, fs) {
			ids = append(ids, a.ID)
		}
		return ids, s
	}
	own := input("shop", again, 20)
	own.Places = []string{"shop"}
	want, _ := alerts(false, input("shop", lines, 20))
	for name, in := range map[string]engine.Input{"topics": newTopics(again, 2).input(1), "lines": own} {
		if got, _ := alerts(false, in); slices.Equal(got, want) {
			t.Errorf("%s: what came again has changed nothing", name)
		}
		got, s := alerts(true, in)
		if !slices.Equal(got, want) || len(got) < 5 {
			t.Errorf("%s: alerts %q, want %q", name, got, want)
		}
		d := s.Figures().Dedupe
		if len(d) != 1 || d[0].Name != "shop" || d[0].Repeated != int64(len(again)-len(lines)) || d[0].Unnamed != 0 || d[0].Known != len(lines) ||
			d[0].Reach != 3_600_000 || d[0].Last == "" || d[0].Last == d[0].LastOf {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
