package alert_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"

	"kelpie/alert"
)

// lawful says what is wrong with what a receiver got: each group's notifications come in order, without a gap unless there
// are digests in between, and one that comes again says the same; an alert is new in one of them.
func lawful(p *post, digests bool) (wrong []string) {
	texts, last, news := map[string]string{}, map[string]int{}, map[string]map[string]bool{}
	for _, n := range p.got {
		text := fmt.Sprint(n.Kind, n.State, n.Since, n.Omitted, n.Counts)
		for _, a := range n.Alerts {
			b, err := a.Alert.MarshalJSON()
			if err != nil {
				return []string{err.Error()}
			}
			text += string(b) + fmt.Sprint(a.New)
			if a.New {
				if news[a.Alert.ID] == nil {
					news[a.Alert.ID] = map[string]bool{}
				}
				news[a.Alert.ID][n.Key] = true
			}
		}
		if before, again := texts[n.Key]; again && before != text {
			wrong = append(wrong, fmt.Sprintf("%s says something else when it comes again:\n%s\n%s", n.Key, before, text))
		}
		texts[n.Key] = text
		var number int
		fmt.Sscanf(strings.TrimPrefix(n.Key, n.Group), "/%d", &number)
		if number < last[n.Group] || number > last[n.Group]+1 && !digests {
			wrong = append(wrong, fmt.Sprintf("notification %d of a group comes after %d", number, last[n.Group]))
		}
		last[n.Group] = number
	}
	for id, keys := range news {
		if len(keys) > 1 {
			wrong = append(wrong, fmt.Sprintf("%s is new in %d notifications", id, len(keys)))
		}
	}
	return wrong
}

// knows returns how the receiver, at the end, thinks that each alert stands.
func (p *post) knows() map[string]alert.State {
	states := map[string]alert.State{}
	for _, n := range p.got {
		for _, a := range n.Alerts {
			states[a.Alert.ID] = a.Alert.State
		}
	}
	return states
}

// TestRoutingLaws lets anything happen for a while, then lets everything come to its end, and compares what the receivers
// know with what is true.
func TestRoutingLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var stopped any // rapid ends a run by a panic, which does not pass the bubble
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, vfs.NewMem())
			defer w.stop()
			defer func() { stopped = recover() }()
			routingLaws(rt, w)
		})
		if stopped != nil {
			panic(stopped)
		}
	})
}

// waits are a route's times, such that much happens at the same moment.
var waits = []time.Duration{time.Second, time.Minute, 5 * time.Minute}

func routingLaws(rt *rapid.T, w *town) {
	pick := func(name string) *time.Duration { return new(rapid.SampledFrom(waits).Draw(rt, name)) }
	limit := rapid.SampledFrom([]int{0, 2, 5}).Draw(rt, "limit")
	for _, name := range []string{"a", "b"} {
		r := alert.ReceiverSpec{Name: name, Limit: &limit, GiveUp: new(1000 * time.Hour)}
		w.spec.Receivers = append(w.spec.Receivers, townReceiver{ReceiverSpec: r})
	}
	by := rapid.SampledFrom([][]string{{}, {"rule"}, {"rule", "customer"}, {"..."}})
	w.spec.Routes = []alert.RouteSpec{
		{Match: matchers(w.t, "rule != r1"), Receiver: "a", GroupBy: by.Draw(rt, "by a"), GroupWait: pick("wait a"), GroupInterval: pick("interval a"), Continue: true},
		{Match: matchers(w.t, "rule != r2"), Receiver: "b", GroupBy: by.Draw(rt, "by b"), GroupWait: pick("wait b"), GroupInterval: pick("interval b")},
	}
	if err := w.begin(); err != nil {
		rt.Fatal(err)
	}
	l := law{rt: rt, w: w, rules: map[string]string{}, open: map[string]bool{}, silenced: map[string]bool{}}
	rt.Repeat(map[string]func(*rapid.T){
		"open": l.opens, "resolve": l.resolves, "ack": l.acks, "silence": l.silences, "receiver": l.receiver, "wait": l.waits, "restart": l.restarts, "clock": func(t *rapid.T) { l.clock(t, limit) },
	})
	l.check(limit)
}

// law is what is true of the alerts of a town.
type law struct {
	rt       *rapid.T
	w        *town
	rules    map[string]string // by alert
	open     map[string]bool
	silenced map[string]bool // rules that were, at some time
	latest   time.Duration   // by which the clock was ahead at most
}

// clock sets the clock. A limit is so many a minute by the clock, so that it stands still where there is one.
func (l *law) clock(t *rapid.T, limit int) {
	if limit > 0 {
		return
	}
	ahead := rapid.SampledFrom([]time.Duration{-time.Hour, -time.Minute, 0, time.Hour}).Draw(t, "ahead")
	l.latest = max(l.latest, ahead)
	l.w.ahead.Store(int64(ahead))
}

func (l *law) must(err error) {
	if err != nil {
		l.rt.Fatal(err)
	}
}

func (l *law) opens(t *rapid.T) {
	for range rapid.IntRange(1, 8).Draw(t, "n") {
		id := fmt.Sprintf("alert%d", len(l.rules))
		rule := rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(t, "rule")
		l.rules[id], l.open[id] = rule, true
		l.w.open(id, map[string]string{"rule": rule, "key.customer": fmt.Sprint(len(l.rules) % 3)})
	}
	l.must(l.w.commit())
}

// anyOpen returns an open alert; "" if there is none. (A step that skipped would fail the draw after a run of them.)
func (l *law) anyOpen(t *rapid.T) string {
	ids := slices.Sorted(maps.Keys(l.open))
	if len(ids) == 0 {
		return ""
	}
	return rapid.SampledFrom(ids).Draw(t, "id")
}

func (l *law) resolves(t *rapid.T) {
	id := l.anyOpen(t)
	if id == "" {
		return
	}
	delete(l.open, id)
	l.must(l.w.book.Resolve(id, time.Now().UnixMilli(), alert.Condition))
	l.must(l.w.commit())
}

func (l *law) acks(t *rapid.T) {
	id := l.anyOpen(t)
	if id == "" {
		return
	}
	l.must(l.w.book.Acknowledge(id, alert.Mark{By: "ann", At: time.Now().UnixMilli()}))
	l.must(l.w.commit())
}

func (l *law) silences(t *rapid.T) {
	rule := rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "rule")
	l.silenced[rule] = true
	now := time.Now()
	l.must(l.w.book.AddSilence(alert.Silence{
		ID: fmt.Sprint(now.UnixNano()), Match: matchers(l.w.t, "rule = "+rule), By: "ann", From: now.UnixMilli(),
		To: now.Add(rapid.SampledFrom(waits).Draw(t, "for")).UnixMilli(), Added: now.UnixMilli(),
	}))
	l.must(l.w.commit())
}

func (l *law) receiver(t *rapid.T) {
	p := l.w.receivers[rapid.SampledFrom([]string{"a/hook", "b/hook"}).Draw(t, "receiver")]
	p.set(rapid.SampledFrom([]string{"down", "busy", "hangs", "slow", "up"}).Draw(t, "mode"), 5*time.Second)
}

func (l *law) waits(t *rapid.T) {
	time.Sleep(rapid.SampledFrom(append(waits, time.Millisecond, time.Hour)).Draw(t, "time"))
	synctest.Wait()
}

func (l *law) restarts(*rapid.T) {
	l.w.stop()
	l.must(l.w.begin())
}

// check lets everything come to its end.
func (l *law) check(limit int) {
	for _, p := range l.w.receivers {
		p.set("up", 0)
	}
	time.Sleep(3*time.Hour + l.latest - time.Duration(l.w.ahead.Load())) // silences end by the clock
	synctest.Wait()
	for name, p := range l.w.receivers {
		for _, text := range lawful(p, limit > 0) {
			l.rt.Errorf("%s: %s", name, text)
		}
		l.limit(p, limit)
		knows := p.knows()
		for id, rule := range l.rules {
			state, known := knows[id]
			switch {
			case name == "a/hook" && rule == "r1" || name == "b/hook" && rule == "r2":
				if known {
					l.rt.Errorf("%s knows of %s, which no route gives it", name, id)
				}
			case !known && limit > 0: // it may have been counted in a digest
			case !known && (l.open[id] || !l.silenced[rule]):
				l.rt.Errorf("%s does not know of %s", name, id)
			case known && limit == 0 && (state == alert.Firing) != l.open[id]:
				l.rt.Errorf("%s thinks that %s is %s", name, id, state)
			}
		}
	}
	for _, r := range l.w.d.RouterStats().Receivers {
		if r.Waiting > 0 || r.Delayed > 0 {
			l.rt.Errorf("something is left: %+v", r)
		}
	}
}

// limit wants no more notifications in any minute than may be.
func (l *law) limit(p *post, limit int) {
	for i := range p.at {
		if j := i + limit; limit > 0 && j < len(p.at) && p.at[j].Sub(p.at[i]) < time.Minute {
			l.rt.Errorf("%s got more than %d notifications within a minute of %v", p.name, limit, p.at[i])
		}
	}
}

// TestCrashAtEveryWriteOfTheRouter cuts the power before the k-th write of the state, for every k, and starts again. A
// receiver that has its own memory of before gets everything that had been committed, in order, and what it gets twice
// says the same.
func TestCrashAtEveryWriteOfTheRouter(t *testing.T) {
	for k, more := 0, true; more && !t.Failed(); k++ {
		synctest.Test(t, func(t *testing.T) { more = crashRouter(t, k) })
	}
}

func crashRouter(t *testing.T, k int) (crashed bool) {
	mem := vfs.NewCrashableMem()
	var mu sync.Mutex
	var left *vfs.MemFS
	writes, committed, atCrash := 0, 0, 0
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		if writes++; writes == k+1 {
			left = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, uint64(k)))})
			atCrash = committed
		}
		return nil
	}))
	w := newTown(t, fs)
	w.dead = func() bool { mu.Lock(); defer mu.Unlock(); return left != nil }
	w.spec.Receivers = []townReceiver{{ReceiverSpec: alert.ReceiverSpec{Name: "team", Limit: new(0)}}}
	w.spec.GroupWait, w.spec.GroupInterval = time.Second, 10*time.Second
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		w.open(fmt.Sprintf("alert%d", i), map[string]string{"rule": fmt.Sprintf("r%d", i%2)})
		if err := w.commit(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		committed = i + 1
		mu.Unlock()
		if i > 2 {
			if err := w.book.Resolve(fmt.Sprintf("alert%d", i-2), time.Now().UnixMilli(), alert.Left); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
	}
	w.stop()
	if left == nil {
		return false
	}
	w.fs, w.dead = left, nil
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	for i := range atCrash { // what has been sent already says the same when it comes again
		if err := w.book.Update(fmt.Sprintf("alert%d", i), time.Now().UnixMilli(), 0, nil, "it has changed"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.commit(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	w.stop()
	p := w.receivers["team/hook"]
	for _, text := range lawful(p, false) {
		t.Errorf("crash at write %d: %s", k, text)
	}
	for i := range atCrash {
		if _, ok := p.knows()[fmt.Sprintf("alert%d", i)]; !ok {
			t.Errorf("crash at write %d: nobody was told of alert%d", k, i)
		}
	}
	return true
}
