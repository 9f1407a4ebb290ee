package engine_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
)

// TestHistory folds a log by the pieces of its History, with an engine of its own, and finds what the service found: with one
// partition and two, in both orders; with topics, of which events that come again are left out, and without.
func TestHistory(t *testing.T) {
	lines := shopLines(t, 800, 12)
	topics := newTopics(repeated(lines[:400], 5), 5)
	for way := range 8 {
		w := crashWorld(t, vfs.NewMem(), lines, way)
		if way >= 4 {
			w = streamWorld(t, vfs.NewMem(), topics, lines[400:], way)
		}
		if err := w.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		live, _, refused := found(t, w.fs)
		again, n := w.pieces(t)
		expectSame(t, live, again)
		if len(live) < 5 || n != int(refused) {
			t.Errorf("way %d: %d alerts, %d refused, want %d", way, len(live), n, refused)
		}
	}
}

// pieces folds the log on the world's disk by its history.
func (w *world) pieces(t *testing.T) (alerts map[string]string, refused int) {
	log, err := journal.Open("data/log", journal.Options{FS: w.fs, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h, err := engine.OpenHistory(log, engine.HistoryOptions{To: log.NextOffset(), Inputs: w.inputs})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	p, err := engine.NewPlan(loadRules(t, w.rules), event.Spec{}, w.spec, engine.NewUnits())
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(p, engine.Options{Shards: 2, KeepUpdates: true, Dedupe: h.Dedupe()})
	all := map[string]*alert.Alert{}
	take := func(fx *engine.Effects, err error) {
		if err != nil {
			t.Fatal(err)
		}
		refused += len(fx.Rejected)
		for i := range fx.Changes {
			follow(all, &fx.Changes[i])
		}
	}
	for {
		x, err := h.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range x.Wait {
			e.Wake(e.Partition(p))
		}
		for _, p := range x.Idle {
			e.Idle(e.Partition(p))
		}
		if x.Tick != 0 {
			take(e.Tick(x.Tick))
		}
		if x.End {
			take(e.End(false))
		}
		refused += len(x.Rejected)
		if len(x.Lines) > 0 {
			take(e.Step(&engine.Batch{Partition: e.Partition(x.Partition), Buf: x.Buf, Lines: x.Lines, Source: x.Source}))
		}
	}
	alerts = map[string]string{}
	for id, a := range all {
		alerts[id] = describe(a)
	}
	return alerts, refused
}
