package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"kelpie/engine"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
)

// live is a service that runs in a bubble of synctest, on live inputs.
type live struct {
	*world
	service *engine.Service
	stop    context.CancelFunc
	ended   chan error
	said    *strings.Builder // the service's own log
}

func start(t *testing.T, w *world) *live {
	l := &live{world: w, ended: make(chan error, 1), said: &strings.Builder{}}
	w.untilEnd = false
	w.out = slog.New(slog.NewTextHandler(l.said, &slog.HandlerOptions{Level: slog.LevelInfo}))
	w.started = func(s *engine.Service) { l.service = s }
	var ctx context.Context
	ctx, l.stop = context.WithCancel(context.Background())
	go func() { l.ended <- w.run(ctx) }()
	synctest.Wait()
	return l
}

// halt stops the service and waits for it.
func (l *live) halt() {
	l.tb.Helper()
	l.stop()
	if err := <-l.ended; err != nil {
		l.tb.Error(err)
	}
}

// order is an order of a customer of a region as of now.
func order(customer, region string) []byte {
	return fmt.Appendf(nil, `{"type":"OrderCreated","time":"%s","customer_id":%q,"region":%q,"amount":1}`,
		time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00"), customer, region)
}

// feed is a live input of lines.
func feed(name string) (engine.Input, chan<- []byte) {
	more := make(chan []byte)
	in := lineInput(&lineSource{name: name, size: 1, more: more})
	in.Live = true
	return in, more
}

// ticks returns the watermarks of the ticks in a log.
func ticks(records []journal.Record) (all []time.Time) {
	for _, r := range records {
		var at struct{ Watermark int64 }
		if r.Kind == journal.TimeAdvanced && json.Unmarshal(r.Payload, &at) == nil && at.Watermark != 0 {
			all = append(all, time.UnixMilli(at.Watermark).UTC())
		}
	}
	return all
}

// TestServiceTicks is silent after a burst: time goes on by ticks in the log, the alert resolves when its window is empty,
// and little is written when nothing is due.
func TestServiceTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		w := newWorld(t, vfs.NewMem())
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		begin := time.Now()
		for range 3 {
			more <- order("c1", "eu")
			time.Sleep(time.Second)
		}
		time.Sleep(9 * time.Minute)
		if f := l.service.Figures(); f.Open["burst"] != 1 {
			t.Errorf("open: %v", f.Open)
		}
		time.Sleep(90 * time.Second)
		f := l.service.Figures()
		if f.Open["burst"] != 0 {
			t.Errorf("after the window open: %v", f.Open)
		}
		time.Sleep(time.Hour)
		l.halt()
		records, lines := logged(t, w.fs)
		all := ticks(records)
		if len(all) < 60 || len(all) > 90 {
			t.Errorf("%d ticks in %v", len(all), time.Since(begin))
		}
		if first := all[0].Sub(begin); first < 28*time.Second || first > 32*time.Second {
			t.Errorf("the first tick is at %v", first)
		}
		w.agree(w.fs, lines)
	})
}

// TestServiceIdleAgain starts again while the input is silent: time goes on from where the newest event was read.
func TestServiceIdleAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		more <- order("c1", "eu")
		more <- order("c1", "eu")
		at := time.Now()
		synctest.Wait()
		l.halt()
		time.Sleep(5 * time.Minute)
		l = start(t, w)
		time.Sleep(31 * time.Second)
		l.halt()
		records, lines := logged(t, w.fs)
		if all := ticks(records); len(all) == 0 || all[len(all)-1].Sub(at) < 5*time.Minute {
			t.Errorf("ticks %v, the event is of %v", all, at)
		}
		w.agree(w.fs, lines)
	})
}

// TestServiceFuture refuses an event that is ahead of its arrival on a live input, also when it is folded again much
// later; on an input that is not live it is as good as any.
func TestServiceFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := fmt.Appendf(nil, `{"type":"OrderCreated","time":%d,"customer_id":"c1","region":"eu","amount":1}`, time.Now().Add(time.Hour).UnixMilli())
		w := newWorld(t, vfs.NewMem())
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		more <- ahead
		more <- order("c1", "eu")
		synctest.Wait()
		l.halt()
		records, lines := logged(t, w.fs)
		w.agree(w.fs, lines)
		if _, _, refused := found(t, w.fs); refused != 1 {
			t.Errorf("%d refused", refused)
		}
		time.Sleep(2 * time.Hour)
		fs := vfs.NewMem()
		copyLog(t, w.fs, fs)
		w.fs = fs
		l = start(t, w)
		l.halt()
		if _, _, refused := found(t, fs); refused != 1 {
			t.Errorf("%d refused in a replay", refused)
		}
		if _, _, refused := w.folded(records); refused != 1 {
			t.Errorf("%d refused in a fold", refused)
		}

		w = newWorld(t, vfs.NewMem())
		w.inputs = []engine.Input{input("history", [][]byte{ahead}, 1)}
		if err := w.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if _, _, refused := found(t, w.fs); refused != 0 {
			t.Errorf("%d refused of an input that is not live", refused)
		}
	})
}

// copyLog copies the log of one file system to another one.
func copyLog(t *testing.T, from, to vfs.FS) {
	if ok, err := vfs.Clone(from, to, "data/log", "data/log"); err != nil || !ok {
		t.Fatal(ok, err)
	}
}

// TestServiceStop stops while lines come: what has been appended is folded and committed, the rest is for the next start.
func TestServiceStop(t *testing.T) {
	lines := shopLines(t, 2000, 5)
	for _, byTime := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			w := newWorld(t, vfs.NewMem())
			w.spec.ByTime = byTime
			more := make(chan []byte)
			w.inputs = []engine.Input{lineInput(&lineSource{name: "shop", lines: lines[:700], size: 40, more: more})}
			l := start(t, w)
			for _, x := range lines[700:1000] {
				more <- x
			}
			l.halt()
			_, got := logged(t, w.fs)
			if len(got) < 999 || len(got) > 1000 {
				t.Errorf("%d lines in the log", len(got))
			}
			w.agree(w.fs, lines[:len(got)])

			w.untilEnd = true
			w.inputs = []engine.Input{input("shop", lines, 300)}
			if err := w.run(context.Background()); err != nil {
				t.Fatal(err)
			}
			w.agree(w.fs, lines)
		})
	}
}

// TestServiceDeliversLater has a receiver that is down: a stop does not wait for it for ever, and it is told after the
// next start.
func TestServiceDeliversLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		lines := shopLines(t, 500, 6)
		down := &told{fail: errors.New("down")}
		w.notify, w.inputs = down, []engine.Input{input("shop", lines, 50)}
		began := time.Now()
		if err := w.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("waited %v for a receiver that is down", took)
		}
		time.Sleep(5 * time.Minute) // by now all is due once more
		w.notify = &told{}
		if err := w.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.agree(w.fs, lines)
	})
}

// TestServiceInputFails reads on behind the place where an input failed, once it can be opened again.
func TestServiceInputFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := shopLines(t, 600, 7)
		w := newWorld(t, vfs.NewMem())
		broken := lineInput(&lineSource{name: "shop", lines: lines[:300], size: 40, broken: errors.New("the disk fell off")})
		whole := input("shop", lines, 40)
		opened := 0
		w.inputs = []engine.Input{{Name: "shop", Open: func(resume func(string) (journal.Progress, bool)) (source.Source, error) {
			switch opened++; {
			case opened == 1:
				return broken.Open(resume)
			case opened < 4:
				return nil, errors.New("there is no disk")
			}
			return whole.Open(resume)
		}}}
		l := start(t, w)
		if got, _ := l.service.Problems(); len(got) != 1 || got[0] != "input shop: the disk fell off" {
			t.Errorf("problems %q", got)
		}
		time.Sleep(time.Minute)
		if got, _ := l.service.Problems(); len(got) != 0 {
			t.Errorf("problems %q", got)
		}
		l.halt()
		w.agree(w.fs, lines)
		if n := strings.Count(l.said.String(), "input failed"); n != 2 {
			t.Errorf("said %d times that the input failed:\n%s", n, l.said)
		}
	})
}

// TestServiceReload changes the rules while the service runs: a set with a mistake is refused, another one goes on with
// the state of what did not change, and the alerts of rules that are gone resolve.
func TestServiceReload(t *testing.T) {
	for _, byTime := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			w := newWorld(t, vfs.NewMem())
			w.spec.ByTime = byTime
			in, more := feed("shop")
			w.inputs = []engine.Input{in}
			var next *rules.Set
			w.load = func() (*rules.Set, error) {
				if next == nil {
					return nil, errors.New("rules.yml:1:1: no rules")
				}
				return next, nil
			}
			l := start(t, w)
			for range 3 {
				more <- order("c1", "eu")
				more <- order("c2", "us")
				time.Sleep(10 * time.Second)
			}
			quiet := l.service.Figures().Open["quiet"]
			if f := l.service.Figures(); f.Open["burst"] != 2 {
				t.Errorf("open: %v", f.Open)
			}
			l.service.Reload()
			synctest.Wait()
			if f := l.service.Figures(); f.RefusedReloads != 1 || f.Open["burst"] != 2 {
				t.Errorf("after rules with a mistake: %d refused, open %v", f.RefusedReloads, f.Open)
			}
			before := l.service.Figures().Rules

			without := strings.Replace(serviceRules, "  burst:\n", "  eruption:\n", 1)
			next = loadRules(t, without)
			l.service.Reload()
			synctest.Wait()
			f := l.service.Figures()
			if f.Reloads != 1 || f.Open["burst"] != 0 || f.Open["quiet"] != quiet || f.Rules == before {
				t.Errorf("%d reloads, open %v", f.Reloads, f.Open)
			}
			more <- order("c1", "eu") // the fourth: the window of the fact is that of before
			more <- order("c2", "us")
			time.Sleep(10 * time.Second)
			more <- order("c9", "eu") // with order: time those before it are folded now
			synctest.Wait()
			if f := l.service.Figures(); f.Open["eruption"] != 2 {
				t.Errorf("open: %v", f.Open)
			}
			l.halt()
			alerts, messages, _ := found(t, w.fs)
			removed := 0
			for _, a := range alerts {
				if strings.Contains(a, " rule-removed: ") {
					removed++
				}
			}
			if removed != 2 {
				t.Errorf("%d alerts ended with their rule: %v", removed, alerts)
			}
			w.notify.(*told).expect(t, messages)
		})
	}
}

// TestServiceMemory has hardly any memory: rows go to the store and come back, and nothing else is different.
func TestServiceMemory(t *testing.T) {
	lines := shopLines(t, 3000, 8)
	w := newWorld(t, vfs.NewMem())
	w.memory, w.commit = 1<<10, time.Hour
	w.inputs = []engine.Input{input("shop", lines, 10)}
	var s *engine.Service
	w.started = func(x *engine.Service) { s = x }
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.agree(w.fs, lines)
	if f := s.Figures(); f.Evicted < 1000 {
		t.Errorf("%d rows left memory", f.Evicted)
	}
}

// TestServiceRetention runs for hours with a log that is kept for one: old segments go, but none that the state needs, and
// the next start goes on.
func TestServiceRetention(t *testing.T) {
	for _, byTime := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, vfs.NewMem())
			w.spec.ByTime, w.keep, w.segment = byTime, time.Hour, 2000
			in, more := feed("shop")
			w.inputs = []engine.Input{in}
			l := start(t, w)
			for i := range 5 * 60 {
				more <- order(fmt.Sprint("c", i%7), "eu")
				time.Sleep(time.Minute)
			}
			events := l.service.Figures().Engine.Events
			l.halt()
			records, _ := logged(t, w.fs)
			if first := records[0].Offset; first < 200 || first >= 4*60+300 {
				t.Errorf("the log begins with record %d", first)
			}
			l = start(t, w)
			more <- order("c1", "eu")
			more <- order("c1", "eu")
			time.Sleep(time.Minute)
			if f := l.service.Figures(); f.Engine.Events < events+1 || f.Open["burst"] == 0 {
				t.Errorf("%d events after %d, open %v", f.Engine.Events, events, f.Open)
			}
			l.halt()
		})
	}
}

// TestServiceLogLost has a log that lacks what the state needs, or a state that is new beside a log that is old.
func TestServiceLogLost(t *testing.T) {
	lines := shopLines(t, 400, 9)
	w := newWorld(t, vfs.NewMem())
	w.segment, w.inputs = 5000, []engine.Input{input("shop", lines, 20)}
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
	whole := w.fs
	w.fs = vfs.NewMem()
	if ok, err := vfs.Clone(whole, w.fs, "data/state", "data/state"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := w.run(context.Background()); err == nil || !strings.Contains(err.Error(), "the log ends before record 0") {
		t.Errorf("without its log: %v", err)
	}

	w.fs = vfs.NewMem()
	copyLog(t, whole, w.fs)
	names, err := w.fs.List("data/log")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	if err := w.fs.Remove("data/log/" + names[0]); err != nil {
		t.Fatal(err)
	}
	said := &strings.Builder{}
	w.out = slog.New(slog.NewTextHandler(said, nil))
	if err := w.run(context.Background()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "the beginning of the log has been removed by retention") {
		t.Errorf("said %s", said)
	}
}

// TestServicePartitions reads files that are partitions: the watermark waits for the one that is behind, until it has
// been silent for long enough, and recovery sees the same.
func TestServicePartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		a, moreA := feed("a")
		b, moreB := feed("b")
		a.Partition, b.Partition = "a", "b"
		w.inputs = []engine.Input{a, b}
		l := start(t, w)
		moreA <- order("c1", "eu")
		moreB <- order("c1", "eu")
		first := time.Now()
		synctest.Wait()
		mark := func() time.Duration { return time.UnixMilli(l.service.Figures().Engine.Watermark).Sub(first) }
		time.Sleep(10 * time.Second)
		moreA <- order("c1", "eu")
		time.Sleep(time.Second)
		if got := mark(); got > -2*time.Second {
			t.Errorf("the watermark is at %v, and b has only come to 0s", got)
		}
		time.Sleep(20 * time.Second)
		moreA <- order("c1", "eu")
		time.Sleep(time.Second)
		if got := mark(); got < 28*time.Second {
			t.Errorf("b is idle, and the watermark is at %v", got)
		}
		l.halt()
		want := mark()
		l = start(t, w)
		time.Sleep(time.Second)
		if got := mark(); got != want {
			t.Errorf("after a new start the watermark is at %v, and was at %v", got, want)
		}

		moreB <- order("c1", "eu")
		synctest.Wait()
		l.halt()
		w.inputs = []engine.Input{a} // b is not read any more
		l = start(t, w)
		time.Sleep(10 * time.Second)
		moreA <- order("c1", "eu")
		time.Sleep(time.Second)
		if got, want := mark(), time.Since(first)-3*time.Second; got < want {
			t.Errorf("the watermark waits at %v for a partition that is not there any more", got)
		}
		l.halt()

		c, moreC := feed("c") // an input of the common partition beside one that is a partition
		w.inputs = []engine.Input{a, c}
		l = start(t, w)
		moreA <- order("c1", "eu")
		moreC <- order("c1", "eu")
		time.Sleep(10 * time.Second)
		moreA <- order("c1", "eu")
		time.Sleep(time.Second)
		if got, most := mark(), time.Since(first)-10*time.Second; got > most {
			t.Errorf("the watermark is at %v and does not wait for the common partition", got)
		}
		time.Sleep(20 * time.Second)
		moreA <- order("c1", "eu")
		time.Sleep(time.Second)
		if got, want := mark(), time.Since(first)-3*time.Second; got < want {
			t.Errorf("the watermark waits at %v for the common partition, which is silent", got)
		}
		l.halt()
		records, _ := logged(t, w.fs)
		w.inputs = []engine.Input{a, b, c}
		alerts, _, _ := w.folded(records)
		if got, _, _ := found(t, w.fs); len(got) == 0 || len(got) != len(alerts) {
			t.Errorf("%d alerts, want %d", len(got), len(alerts))
		}
	})
}

// TestServiceHistory keeps alerts for an hour of event time after they have resolved; one that is open stays.
func TestServiceHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		w.rules = "rules: {r: {event: OrderCreated, by: customer_id, let: {n: count over 10m}, when: n > 0}}"
		w.history = time.Hour
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		more <- order("early", "eu")
		for range 16 { // the one whose orders do not end has been open all the time
			more <- order("all along", "eu")
			time.Sleep(5 * time.Minute)
		}
		left := func() (keys []string) {
			alerts, _, _ := found(t, w.fs)
			for _, a := range alerts {
				keys = append(keys, strings.Split(a, `"`)[1])
			}
			slices.Sort(keys)
			return keys
		}
		gone := l.service.Figures().Forgotten
		l.halt()
		if got := left(); gone != 1 || !slices.Equal(got, []string{"all along"}) {
			t.Errorf("%d alerts are forgotten, left are %v", gone, got)
		}
		l = start(t, w)
		time.Sleep(80 * time.Minute)
		l.halt()
		if got := left(); len(got) != 0 {
			t.Errorf("long after everything left are %v", got)
		}
	})
}

// TestServiceIdleOfInput has inputs with an Idle of their own: a partition holds the watermark up for as long as its own
// says, and time goes on by the clock when the last input is idle.
func TestServiceIdleOfInput(t *testing.T) {
	for _, idle := range []time.Duration{5 * time.Second, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, vfs.NewMem())
			a, moreA := feed("a")
			b, moreB := feed("b")
			a.Partition, b.Partition, b.Idle = "a", "b", idle
			w.inputs = []engine.Input{a, b}
			l := start(t, w)
			first := time.Now()
			mark := func() time.Duration {
				synctest.Wait()
				return time.UnixMilli(l.service.Figures().Engine.Watermark).Sub(first)
			}
			moreB <- order("c1", "eu")
			moreA <- order("c1", "eu")
			time.Sleep(idle - time.Second)
			moreA <- order("c1", "eu")
			time.Sleep(time.Second / 2)
			if got := mark(); got > 0 {
				t.Errorf("idle %v: the watermark is at %v, and b is not idle yet", idle, got)
			}
			time.Sleep(2 * time.Second)
			if got := mark(); got < idle-4*time.Second {
				t.Errorf("idle %v: b is idle, and the watermark is at %v", idle, got)
			}
			moreB <- order("c1", "eu")
			silent := time.Now()
			time.Sleep(10 * time.Minute)
			l.halt()
			records, _ := logged(t, w.fs)
			i := slices.IndexFunc(records, func(r journal.Record) bool { return len(ticks([]journal.Record{r})) > 0 })
			want := max(idle, 30*time.Second) // of a, which came a little earlier
			if at := time.UnixMilli(records[i].Appended).Sub(silent); at < want-3*time.Second || at > want {
				t.Errorf("idle %v: the first tick is at %v, want about %v", idle, at, want)
			}
		})
	}
}
