package alert_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var options = alert.Options{
	Chance:    func() float64 { return 1 }, // backoff of exactly 1s, 2s, 4s, …
	Retention: time.Hour,
}

// world is a store and a dispatcher that runs, in a bubble of fake time.
type world struct {
	t     *testing.T
	store *state.Store
	d     *alert.Dispatcher
	stop  func()
}

func newWorld(t *testing.T, fs vfs.FS, receivers ...alert.Receiver) *world {
	t.Helper()
	s, err := state.Open("state", state.Options{FS: fs, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return runWorld(t, s, options, receivers...)
}

// runWorld runs a dispatcher over a store, which it closes.
func runWorld(t *testing.T, s *state.Store, o alert.Options, receivers ...alert.Receiver) *world {
	t.Helper()
	d, err := alert.NewDispatcher(s, receivers, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return &world{t, s, d, func() {
		t.Helper()
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	}}
}

// tell commits messages, written as "1 opened", "1 resolved", …
func (w *world) tell(messages ...string) {
	w.t.Helper()
	b := w.store.NewBatch()
	defer b.Close()
	for _, m := range messages {
		var n int
		var kind alert.Kind
		fmt.Sscan(m, &n, &kind)
		a := alerttest.Message(n, kind).Alert
		if err := errors.Join(alert.Put(b, a), alert.Enqueue(b, a, kind)); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.store.Commit(b, true); err != nil {
		w.t.Fatal(err)
	}
}

// arrived compares what has arrived since it was last asked.
func arrived(t *testing.T, r *alerttest.Recorder, want ...string) {
	t.Helper()
	synctest.Wait()
	got := r.Keys()
	for i := range got {
		got[i] = strings.Replace(strings.TrimPrefix(got[i], "id-"), "/", " ", 1)
	}
	if !slices.Equal(got, want) {
		t.Errorf("arrived %q, want %q", got, want)
	}
}

func recorder(fail func(alert.Message) (bool, error)) *alerttest.Recorder {
	return &alerttest.Recorder{Fail: fail, Arrived: make(chan string, 10_000)}
}

// failing returns a Fail that fails the first n attempts for which match is true.
func failing(n int, retry bool, match func(alert.Message) bool) func(alert.Message) (bool, error) {
	return func(m alert.Message) (bool, error) {
		if match(m) && n > 0 {
			n--
			return retry, errors.New("receiver says no")
		}
		return false, nil
	}
}

func of(id string) func(alert.Message) bool {
	return func(m alert.Message) bool { return m.Alert.ID == id }
}

func TestDeliversAfterCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recorder(nil)
		w := newWorld(t, vfs.NewMem(), alert.Receiver{Name: "r", Notifier: r})
		defer w.stop()
		arrived(t, r)
		w.tell("1 opened", "2 opened")
		arrived(t, r, "1 opened", "2 opened")
		w.tell("1 resolved")
		arrived(t, r, "1 resolved")
		if s := w.d.Stats()[0]; s.Delivered != 3 || s.Waiting != 0 || s.Receiver != "r" {
			t.Errorf("stats are %+v", s)
		}
	})
}

func TestOrderOfAnAlertIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recorder(failing(2, true, of("id-1")))
		w := newWorld(t, vfs.NewMem(), alert.Receiver{Name: "r", Notifier: r})
		defer w.stop()
		w.tell("1 opened", "2 opened", "1 resolved", "2 resolved")
		arrived(t, r, "2 opened", "2 resolved")
		time.Sleep(time.Second)
		arrived(t, r)
		time.Sleep(2*time.Second - time.Millisecond)
		arrived(t, r)
		time.Sleep(time.Millisecond)
		arrived(t, r, "1 opened", "1 resolved")
		ds, err := w.store.Deliveries(1)
		if err != nil || len(ds) != 1 || ds[0].Attempts != 3 || ds[0].Done == 0 || ds[0].Error != "" {
			t.Errorf("deliveries are %+v, %v", ds, err)
		}
	})
}

func TestReceiversDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		stuck := recorder(func(alert.Message) (bool, error) { <-block; return false, nil })
		broken := recorder(failing(1e9, true, func(alert.Message) bool { return true }))
		good := recorder(nil)
		w := newWorld(t, vfs.NewMem(), alert.Receiver{Name: "stuck", Notifier: stuck},
			alert.Receiver{Name: "broken", Notifier: broken}, alert.Receiver{Name: "good", Notifier: good})
		defer w.stop()
		w.tell("1 opened")
		arrived(t, good, "1 opened")
		time.Sleep(time.Hour)
		w.tell("2 opened")
		arrived(t, good, "2 opened")
		arrived(t, stuck)
		close(block)
		arrived(t, stuck, "1 opened", "2 opened")
		arrived(t, broken)
		if s := w.d.Stats()[1]; s.Waiting != 2 || s.Failures < 10 || s.Failures > 30 {
			t.Errorf("stats of the broken receiver after an hour are %+v", s)
		}
	})
}

func TestReceiverThatIsDownIsLeftInPeace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts atomic.Int64
		var up atomic.Bool
		r := recorder(func(alert.Message) (bool, error) {
			if attempts.Add(1); !up.Load() {
				return true, errors.New("connection refused")
			}
			return false, nil
		})
		w := newWorld(t, vfs.NewMem(), alert.Receiver{Name: "r", Notifier: r})
		defer w.stop()
		var messages []string
		for i := range 3000 {
			messages = append(messages, fmt.Sprintf("%d opened", i))
		}
		w.tell(messages...)
		time.Sleep(time.Hour)
		if n := attempts.Load(); n > 100 {
			t.Errorf("%d attempts in an hour", n)
		}
		up.Store(true)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(r.Keys()); n != len(messages) {
			t.Errorf("%d of %d messages arrived", n, len(messages))
		}
	})
}

func TestRefusedMessageIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recorder(failing(1, false, of("id-1")))
		w := newWorld(t, vfs.NewMem(), alert.Receiver{Name: "r", Notifier: r})
		defer w.stop()
		w.tell("1 opened", "1 resolved")
		arrived(t, r, "1 resolved")
		ds, err := w.store.Deliveries(1)
		if err != nil || !ds[0].GivenUp || ds[0].Done == 0 || ds[0].Error != "receiver says no" {
			t.Errorf("deliveries are %+v, %v", ds, err)
		}
		if s := w.d.Stats()[0]; s.GivenUp != 1 || s.Waiting != 0 {
			t.Errorf("stats are %+v", s)
		}
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		r := recorder(failing(1, true, of("id-2")))
		w := newWorld(t, fs, alert.Receiver{Name: "r", Notifier: r}, alert.Receiver{Name: "gone", Notifier: recorder(nil)})
		w.tell("1 opened", "2 opened", "3 opened")
		arrived(t, r, "1 opened", "3 opened")
		w.stop()

		added := recorder(nil)
		w = newWorld(t, fs, alert.Receiver{Name: "r", Notifier: r}, alert.Receiver{Name: "added", Notifier: added})
		time.Sleep(time.Second)
		arrived(t, r, "2 opened")
		arrived(t, added)
		w.tell("4 opened")
		arrived(t, added, "4 opened")
		if upTo, err := w.store.Receivers(); err != nil || len(upTo) != 2 || upTo["added"] != 4 {
			t.Errorf("receivers are %v, %v", upTo, err)
		}
		w.stop()
	})
}

func TestDeliveredIsKeptForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, late := recorder(nil), recorder(failing(1, true, of("id-3")))
		w := newWorld(t, vfs.NewMem(), alert.Receiver{Name: "r", Notifier: r}, alert.Receiver{Name: "late", Notifier: late})
		defer w.stop()
		left := func(want int) {
			t.Helper()
			synctest.Wait()
			n := 0
			if err := w.store.Outbox(0, func(state.Message) (bool, error) { n++; return true, nil }); err != nil || n != want {
				t.Errorf("%d messages in the outbox, want %d (%v)", n, want, err)
			}
		}
		w.tell("1 opened", "2 opened")
		time.Sleep(10 * time.Minute)
		w.tell("3 opened")
		left(3)
		time.Sleep(50*time.Minute - time.Millisecond)
		left(3)
		time.Sleep(time.Millisecond)
		left(1)
		time.Sleep(10 * time.Minute)
		left(1) // the second receiver got it a second later
		time.Sleep(time.Second)
		left(0)
		if ds, err := w.store.Deliveries(1); len(ds) > 0 || err != nil {
			t.Errorf("deliveries are left: %v, %v", ds, err)
		}
	})
}

func TestNobodyToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		defer w.stop()
		w.tell("1 opened")
		synctest.Wait()
		if err := w.store.Outbox(0, func(state.Message) (bool, error) { return false, errors.New("not empty") }); err != nil {
			t.Error(err)
		}
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recorder(failing(3, true, of("id-1")))
		w := newWorld(t, vfs.NewMem(), alert.Receiver{Name: "r", Notifier: r})
		defer w.stop()
		w.tell("1 opened", "2 opened")
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.d.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain = %v before all was sent", err)
		}
		start := time.Now()
		if err := w.d.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("Drain took %v", took)
		}
	})
}

// TestClockIsSet sets the clock while a message waits for its next try: that comes no later than it may after any failure.
func TestClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-24 * time.Hour, -time.Hour, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var ahead atomic.Int64
			s, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			r := recorder(failing(5, true, of("id-1")))
			o := options
			o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			w := runWorld(t, s, o, alert.Receiver{Name: "r", Notifier: r})
			defer w.stop()
			w.tell("1 opened", "1 resolved")
			time.Sleep(10 * time.Second)
			arrived(t, r)
			ahead.Store(int64(by))
			time.Sleep(2 * time.Minute)
			arrived(t, r, "1 opened", "1 resolved")
		})
	}
}

// group is a notifier whose deliveries count when they are flushed.
type group struct {
	alerttest.Recorder
	held  []alert.Message
	fails int
}

func (g *group) Notify(_ context.Context, m alert.Message) (bool, error) {
	g.held = append(g.held, m)
	return false, nil
}

func (g *group) Flush(ctx context.Context) error {
	held := g.held
	g.held = nil
	if g.fails--; g.fails >= 0 {
		return errors.New("disk full")
	}
	for _, m := range held {
		if _, err := g.Recorder.Notify(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &group{Recorder: *recorder(nil), fails: 1}
		w := newWorld(t, vfs.NewMem(), alert.Receiver{Name: "g", Notifier: g})
		defer w.stop()
		w.tell("1 opened", "2 opened")
		arrived(t, &g.Recorder)
		time.Sleep(time.Second)
		arrived(t, &g.Recorder, "1 opened", "2 opened")
		if ds, err := w.store.Deliveries(2); err != nil || ds[0].Attempts != 2 || ds[0].Done == 0 {
			t.Errorf("deliveries are %+v, %v", ds, err)
		}
	})
}

func TestStopDuringAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		w := newWorld(t, fs, alert.Receiver{Name: "r", Notifier: waiting{}})
		w.tell("1 opened")
		synctest.Wait()
		w.stop()
		r := recorder(nil)
		w = newWorld(t, fs, alert.Receiver{Name: "r", Notifier: r})
		defer w.stop()
		arrived(t, r, "1 opened")
		if ds, err := w.store.Deliveries(1); err != nil || ds[0].Attempts != 1 {
			t.Errorf("an attempt that was cut short counts: %+v, %v", ds, err)
		}
	})
}

// waiting is a notifier that waits for its context.
type waiting struct{}

func (waiting) Notify(ctx context.Context, _ alert.Message) (bool, error) {
	<-ctx.Done()
	return true, ctx.Err()
}
