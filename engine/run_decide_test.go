package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/state"
)

const deciding = `
tables:
  credit:
    key: customer_id
    on:
      CreditLimitChanged: {limit: limit}
      OrderCreated:       {outstanding: += amount}
      DecisionMade:       {outstanding: '-= decision.answer == "block" ? amount : 0'}

rules:
  over-credit-limit:
    severity: high
    event: OrderCreated
    by: customer_id
    when: credit.outstanding > credit.limit
    decide: block

  large:
    event: OrderCreated
    by: customer_id
    when: amount > 500
    decide: review

  odd:
    event: OrderCreated
    by: customer_id
    when: amount == 13
    decide: block
    mode: shadow

  many:
    event: OrderCreated
    by: customer_id
    let: {n: count over 1h}
    when: n > 100
`

func asked(id, customer string, amount int) []byte {
	return fmt.Appendf(nil, `{"type":"OrderCreated","time":"%s","id":%q,"customer_id":%q,"amount":%d}`,
		time.Now().UTC().Format(time.RFC3339Nano), id, customer, amount)
}

func limited(customer string, limit int) []byte {
	return fmt.Appendf(nil, `{"type":"CreditLimitChanged","time":"%s","customer_id":%q,"limit":%d}`,
		time.Now().UTC().Format(time.RFC3339Nano), customer, limit)
}

// made returns the DecisionMade of the log.
func made(t *testing.T, fs vfs.FS) (all []string) {
	t.Helper()
	_, lines := logged(t, fs)
	for _, b := range lines {
		if strings.Contains(string(b), engine.DecisionMade) {
			all = append(all, string(b))
		}
	}
	return all
}

// keptMade returns the DecisionMade that the state keeps.
func keptMade(t *testing.T, fs vfs.FS) (all []string) {
	t.Helper()
	s, err := state.OpenView("data/state", state.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Made(0, func(_ int64, v []byte) (bool, error) {
		all = append(all, string(v))
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDecide asks for decisions: the strictest rule answers, a blocked order is taken back by the table, who asks again
// gets the same answer and nothing happens twice, also after a restart.
func TestDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		w.rules, w.keepMade = deciding, true
		in, more := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		more <- limited("c1", 1000)
		synctest.Wait()
		offsets := map[string]int64{}
		f := func(id string, amount int, answer string, rules ...string) engine.Decision {
			t.Helper()
			d, err := l.service.Decide(t.Context(), asked(id, "c1", amount), engine.DecideOptions{Within: time.Second})
			if err != nil || d.Answer != answer || !slices.Equal(d.Rules, rules) || len(d.Alerts) != len(rules) || d.Exceeded {
				t.Errorf("%s: %+v, %v, want %s by %q", id, d, err, answer, rules)
			}
			offsets[id] = d.Offset
			return d
		}
		again := func(id, answer string) {
			t.Helper()
			d, err := l.service.Decided(t.Context(), offsets[id])
			if err != nil || d.Answer != answer || d.Offset != offsets[id] {
				t.Errorf("%s, asked again: %+v, %v, want %s", id, d, err, answer)
			}
		}
		f("a", 400, engine.Allow)
		f("b", 600, engine.Review, "large")
		f("c", 700, engine.Block, "large", "over-credit-limit")
		f("d", 0, engine.Allow) // exactly at the limit: c was taken back
		if d := f("e", 13, engine.Block, "over-credit-limit"); len(d.Shadow) != 1 || d.Shadow[0] != (engine.Would{Rule: "odd", Decision: "block", Mode: "shadow"}) {
			t.Errorf("shadow rules say %+v", d.Shadow)
		}
		again("a", engine.Allow)
		again("c", engine.Block)
		l.halt()

		in, _ = feed("shop")
		w.inputs = []engine.Input{in}
		l = start(t, w)
		again("b", engine.Review)
		again("c", engine.Block)
		f("g", 0, engine.Allow)
		time.Sleep(25 * time.Hour)
		f("h", 0, engine.Allow)
		time.Sleep(2 * time.Minute)
		again("c", engine.Allow) // forgotten after a day
		l.halt()
		all := made(t, w.fs)
		if len(all) != 3 {
			t.Errorf("want one DecisionMade for each of b, c and e: %q", all)
		}
		if kept := keptMade(t, w.fs); !slices.Equal(kept, all) {
			t.Errorf("for those who copy them %q are kept, want %q", kept, all)
		}
	})
}

// slowDisk is a disk that, once it is slow, writes nothing of the log before it is open again.
type slowDisk struct {
	slow atomic.Bool
	open chan struct{}
}

func (d *slowDisk) String() string { return "slow disk" }

func (d *slowDisk) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.Contains(op.Path, "log") && d.slow.Load() {
		<-d.open
	}
	return nil
}

// TestDecideLate lets the time budget end before the rules have been judged: the default is the answer, the event counts,
// and a default other than allow comes into the log.
func TestDecideLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, answer := range []string{"", engine.Review} {
			slow := &slowDisk{open: make(chan struct{})}
			w := newWorld(t, errorfs.Wrap(vfs.NewMem(), slow))
			w.rules = deciding
			in, more := feed("shop")
			w.inputs = []engine.Input{in}
			l := start(t, w)
			more <- limited("c1", 1000)
			synctest.Wait()
			slow.slow.Store(true)
			d, err := l.service.Decide(t.Context(), asked("x", "c1", 2000), engine.DecideOptions{Within: time.Millisecond, Default: answer})
			if err != nil || !d.Exceeded || d.Answer != max(answer, engine.Allow) {
				t.Errorf("%+v, %v", d, err)
			}
			close(slow.open)
			synctest.Wait()
			all := made(t, w.fs)
			if answer == "" && len(all) != 0 || answer != "" && (len(all) != 1 || !strings.Contains(all[0], `"answer":"review"`)) {
				t.Errorf("default %q: %q", answer, all)
			}
			_, lines := logged(t, w.fs)
			if !slices.ContainsFunc(lines, func(b []byte) bool { return strings.Contains(string(b), `"id":"x"`) }) {
				t.Errorf("the event does not count: %s", lines)
			}
			l.halt()
		}
	})
}

// TestDecideGone has somebody ask who does not wait: it is not decided, and the service goes on.
func TestDecideGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem())
		w.rules = deciding
		in, _ := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if d, err := l.service.Decide(gone, asked("x", "c1", 1), engine.DecideOptions{}); err == nil && d.Answer != engine.Allow {
			t.Errorf("%+v", d)
		}
		if _, err := l.service.Decide(t.Context(), asked("y", "c1", 1), engine.DecideOptions{}); err != nil {
			t.Error(err)
		}
		l.halt()
		if _, err := l.service.Decide(t.Context(), asked("z", "c1", 1), engine.DecideOptions{}); err == nil {
			t.Error("a service that has ended decides")
		}
	})
}

// TestDecisionMade holds what the event that follows a decision looks like.
func TestDecisionMade(t *testing.T) {
	f := func(spec event.Spec, line, want string) {
		t.Helper()
		typ, err := event.ParsePath(spec.WithDefaults().Type)
		if err != nil {
			t.Fatal(err)
		}
		got := engine.DecisionEvent(typ, []byte(line), &engine.Decision{Answer: "block", Rules: []string{"r"}, Offset: 7})
		if string(got) != want || !json.Valid(got) {
			t.Errorf("%s\n%s, want\n%s", line, got, want)
		}
	}
	f(event.Spec{}, `{"type":"Order","id":1,"amount":1.50,"decision":true}`,
		`{"type":"DecisionMade","id":1,"amount":1.50,"decision":{"answer":"block","of":"Order","rules":["r"],"position":"log@7"}}`)
	f(event.Spec{Type: `meta."a.b"`}, `{"meta":{"a.b":3,"x":[1,2]}}`,
		`{"meta":{"a.b":"DecisionMade","x":[1,2]},"decision":{"answer":"block","of":3,"rules":["r"],"position":"log@7"}}`)
}

// TestDecideTogether has many ask while the log is slow: those who come meanwhile share a batch, and who goes away before it
// is begun leaves nothing behind.
func TestDecideTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowDisk{open: make(chan struct{})}
		w := newWorld(t, errorfs.Wrap(vfs.NewMem(), slow))
		w.rules = deciding
		in, _ := feed("shop")
		w.inputs = []engine.Input{in}
		l := start(t, w)
		synctest.Wait()
		slow.slow.Store(true)
		var answered atomic.Int32
		ask := func(ctx context.Context, id string, amount int) {
			go func() {
				d, err := l.service.Decide(ctx, asked(id, id, amount), engine.DecideOptions{})
				switch {
				case ctx.Err() != nil && errors.Is(err, context.Canceled):
				case err != nil || (d.Answer == engine.Review) != (amount > 500):
					t.Errorf("%s: %+v, %v", id, d, err)
				default:
					answered.Add(1)
				}
			}()
		}
		ask(t.Context(), "first", 1)
		synctest.Wait()
		gone, cancel := context.WithCancel(t.Context())
		ask(gone, "gone", 1)
		for i := range 50 {
			ask(t.Context(), fmt.Sprint("c", i), 600*(i%2))
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(slow.open)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := answered.Load(); n != 51 {
			t.Errorf("%d are answered", n)
		}
		// The first one; those who came meanwhile; what was decided of them.
		if n := l.service.Figures().Strides; n != 3 {
			t.Errorf("folded in %d strides", n)
		}
		_, lines := logged(t, w.fs)
		if slices.ContainsFunc(lines, func(b []byte) bool { return strings.Contains(string(b), `"id":"gone"`) }) {
			t.Error("who has gone is in the log")
		}
		l.halt()
		if n := len(made(t, w.fs)); n != 25 {
			t.Errorf("%d were made, want 25", n)
		}
	})
}
