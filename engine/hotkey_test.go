package engine_test

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/state"
)

// hotKey is a durable engine whose one key has many events in its window, and how many bytes its commits write.
type hotKey struct {
	testing.TB
	engine *engine.Engine
	store  *state.Store
	part   int
	n      int // events that the window holds
	next   int // event
}

func newHotKey(tb testing.TB, n int) *hotKey {
	s := oracle.Scenario{RulesYAML: "rules:\n  r:\n    event: A\n    by: k\n    let: {a: sum(x) over 365d, b: count over 10m}\n    when: a == 7.5\n"}
	store, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1})
	if err != nil {
		tb.Fatal(err)
	}
	units, err := engine.LoadUnits(store)
	if err != nil {
		tb.Fatal(err)
	}
	e, err := engine.Recover(planOf(tb, s, units), units, store, engine.Options{Shards: 1})
	if err != nil {
		tb.Fatal(err)
	}
	return &hotKey{TB: tb, engine: e, store: store, part: e.Partition(event.Position{Stream: "events.jsonl"}), n: n}
}

// fold folds events, and returns the bytes of the commit behind them.
func (h *hotKey) fold(events int) int {
	b := &engine.Batch{Partition: h.part}
	for range events {
		at := len(b.Buf)
		b.Buf = fmt.Appendf(b.Buf, `{"type":"A","time":%d,"k":"a","x":%d}`, 1_700_000_000_000+int64(h.next)*(365*86_400_000)/int64(h.n), h.next%1000)
		h.next++
		b.Lines = append(b.Lines, engine.Line{Start: at, End: len(b.Buf), Offset: int64(h.next)})
	}
	if _, err := h.engine.Step(b); err != nil {
		h.Fatal(err)
	}
	p := h.engine.Flush()
	size := p.Batch.Size()
	if err := h.store.Commit(p.Batch, false); err != nil {
		h.Fatal(err)
	}
	h.engine.Committed(p)
	return size
}

// TestHotKey holds each commit of a key with very many events in its window to what is new: not when the log grows, nor
// when events leave it and their room is used again.
func TestHotKey(t *testing.T) {
	const n, each = 20_000 * thorough, 500
	h := newHotKey(t, n)
	defer h.store.Close()
	most, sum := 0, 0
	for h.next < 3*n {
		size := h.fold(each)
		if h.next > n/2 {
			most, sum = max(most, size), sum+size
		}
	}
	row := h.engine.RowBytes()
	t.Logf("row of %d bytes, %d bytes for an event, at most %d in a commit of %d events", row, sum/(3*n-n/2), most, each)
	if int64(most) > row/10 {
		t.Errorf("a commit of %d events writes %d bytes of a row of %d", each, most, row)
	}
	if per := sum / (3*n - n/2); per > 400 {
		t.Errorf("%d bytes are written for an event", per)
	}
}

// BenchmarkHotKey is the cost of an event of a key with a million events in its window, committed by 1,000 events, and how
// many bytes the commits write.
func BenchmarkHotKey(b *testing.B) {
	h := newHotKey(b, 1_000_000)
	defer h.store.Close()
	for h.next < h.n {
		h.fold(10_000)
	}
	b.ResetTimer()
	bytes, commits := 0, 0
	for i := 0; i < b.N; i += 1000 {
		bytes += h.fold(1000)
		commits++
	}
	b.ReportMetric(float64(bytes)/float64(commits), "B/commit")
}
