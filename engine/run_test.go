package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/state"
	"kelpie/traffic"
)

// serviceRules have alerts that open and resolve by events, by closes, by leaving and by the end of a session, a table,
// and a rule that tells nobody.
const serviceRules = `
tables:
  credit:
    key: customer_id
    on:
      CreditLimitChanged: {limit: limit}
      OrderCreated:       {outstanding: += amount}
      OrderPaid:          {outstanding: -= amount}

rules:
  over-limit:
    event: OrderCreated
    by: customer_id
    when: credit.outstanding > credit.limit

  burst:
    severity: high
    event: OrderCreated
    by: customer_id
    let: {orders: count over 10m, spend: sum(amount) over 10m}
    when: orders > 1
    alert: "{{customer_id}} placed {{orders}} orders worth {{spend}}"

  busy-minute:
    event: OrderCreated
    by: region
    let: {n: count each 1m}
    when: n > 1

  visit:
    event: HttpRequest
    by: service
    let: {requests: count over session 30s}
    when: requests > 3

  quiet:
    mode: shadow
    event: OrderCreated
    by: region
    let: {n: count over 5m}
    when: n > 2
`

// wall is the clock of package time, which is that of the bubble in a test with synctest.
type wall struct{}

func (wall) Now() time.Time                         { return time.Now() }
func (wall) After(d time.Duration) <-chan time.Time { return time.After(d) }

// world is a service with a log, a state and one receiver on a file system in memory.
type world struct {
	tb       testing.TB
	fs       vfs.FS
	rules    string
	set      *rules.Set // in place of rules
	spec     engine.TimeSpec
	inputs   []engine.Input
	untilEnd bool
	shards   int
	memory   int64
	cache    int64 // of the store, and its memtables
	commit   time.Duration
	segment  int64
	notify   alert.Notifier
	out      *slog.Logger
	load     func() (*rules.Set, error)
	started  func(*engine.Service)
	keep     time.Duration // of the log
	history  time.Duration // of alerts
	keepMade bool
	topics   *topics // of streams
	warm     *engine.WarmOptions
	clock    engine.Clock
	dedupe   []engine.Dedupe
}

func newWorld(tb testing.TB, fs vfs.FS) *world {
	return &world{
		tb: tb, fs: fs, rules: serviceRules, untilEnd: true, shards: 2, notify: &told{}, cache: 1 << 20,
		spec: engine.TimeSpec{Disorder: 2000, Idle: 30_000, Future: 300_000},
	}
}

func loadRules(tb testing.TB, text string) *rules.Set {
	tb.Helper()
	set, err := rules.LoadBytes("rules.yml", []byte(text), rules.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// run runs the service until it ends or ctx does.
func (w *world) run(ctx context.Context) (err error) {
	log, err := journal.Open("data/log", journal.Options{FS: w.fs, Log: w.out, SegmentSize: w.segment, MaxAge: w.keep})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	store, err := state.Open("data/state", state.Options{FS: w.fs, Seed: 1, Cache: w.cache, MemTable: w.cache, Log: w.out})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	d, err := alert.NewDispatcher(store, []alert.Receiver{{Name: "told", Notifier: w.notify}}, alert.Options{})
	if err != nil {
		return err
	}
	if w.set == nil {
		w.set = loadRules(w.tb, w.rules)
	}
	if w.clock == nil {
		w.clock = wall{}
	}
	s := engine.NewService(engine.ServiceOptions{
		Log: log, Store: store, Inputs: w.inputs, Dispatcher: d, Time: w.spec, Rules: w.set, Load: w.load,
		Shards: w.shards, Memory: w.memory, Commit: w.commit, History: w.history, KeepMade: w.keepMade, Warm: w.warm, UntilEnd: w.untilEnd, Clock: w.clock, Logger: w.out,
	})
	if w.started != nil {
		w.started(s)
	}
	return s.Run(ctx)
}

// told is a receiver that remembers the messages that it was sent.
type told struct {
	mu   sync.Mutex
	got  map[string]string // alert id by message key
	fail error
}

func (n *told) Notify(_ context.Context, m alert.Message) (retry bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return true, n.fail
	}
	if n.got == nil {
		n.got = map[string]string{}
	}
	n.got[m.Key] = m.Alert.ID
	return false, nil
}

// lineSource is a source of lines in memory that goes on behind the line where the log says that it stopped.
type lineSource struct {
	name   string
	lines  [][]byte
	next   int
	size   int           // lines of a batch
	more   <-chan []byte // further lines; nil: there are none
	cut    int           // number of a line that is too long; 0: none
	broken error         // in place of the end
}

func input(name string, lines [][]byte, size int) engine.Input {
	return lineInput(&lineSource{name: name, lines: lines, size: size})
}

func lineInput(s *lineSource) engine.Input {
	return engine.Input{Name: s.name, Open: func(resume func(string) (journal.Progress, bool)) (source.Source, error) {
		c := *s
		if p, ok := resume(c.name); ok {
			c.next = int(p.Mark.Line)
			for len(c.lines) < c.next { // lines that came through more
				c.lines = append(c.lines, nil)
			}
		}
		return &c, nil
	}}
}

func (s *lineSource) Fetch(ctx context.Context) (*source.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.next == len(s.lines) {
		if s.more == nil && s.broken != nil {
			return nil, s.broken
		}
		if s.more == nil {
			return nil, io.EOF
		}
		select {
		case l := <-s.more:
			s.lines = append(s.lines, l)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	b := &source.Batch{Stream: s.name, Position: event.FilePosition, Origin: journal.Source{Name: s.name, Ident: "lines"}}
	for n := min(s.size, len(s.lines)-s.next); n > 0; n-- {
		if s.next+1 == s.cut {
			if len(b.Lines) > 0 {
				break
			}
			b.Kind, n = journal.Cut, 1
		}
		from := len(b.Buf)
		b.Buf = append(append(b.Buf, s.lines[s.next]...), '\n')
		s.next++
		b.Lines = append(b.Lines, source.Line{Start: from, End: len(b.Buf) - 1, Offset: int64(s.next)})
	}
	b.Next = journal.Mark{Line: int64(s.next)}
	return b, nil
}

func (s *lineSource) Release(*source.Batch) {}
func (s *lineSource) Close() error          { return nil }

// shopLines are lines of the made-up shop with attacks in them, and some that are refused.
func shopLines(tb testing.TB, n int64, seed uint64) (lines [][]byte) {
	tb.Helper()
	g, err := traffic.New(traffic.Config{Seed: seed, Events: n, Rate: 2, Customers: 10, Attacks: 4, Disorder: traffic.Disorder{Share: 0.1}})
	if err != nil {
		tb.Fatal(err)
	}
	for {
		line, ok := g.Next(nil)
		if !ok {
			return lines
		}
		lines = append(lines, line[:len(line)-1])
		if len(lines)%50 == 0 {
			lines = append(lines, fmt.Appendf(nil, `{"type":"OrderCreated","n":%d`, len(lines)))
		}
	}
}

// logged returns the records of the log on fs: all of them, and the payloads of those that are events or cut lines.
func logged(tb testing.TB, fs vfs.FS) (all []journal.Record, lines [][]byte) {
	tb.Helper()
	log, err := journal.Open("data/log", journal.Options{FS: fs, ReadOnly: true})
	if errors.Is(err, journal.ErrNone) {
		return nil, nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close()
	r := log.NewReader(log.FirstOffset())
	defer r.Close()
	for {
		b := &journal.Block{}
		err := r.Next(context.Background(), b)
		if errors.Is(err, io.EOF) {
			return all, lines
		}
		if err != nil {
			tb.Fatal(err)
		}
		for i := range b.Lines {
			x := b.Record(i)
			all = append(all, x)
			if x.Kind == journal.Event || x.Kind == journal.Cut {
				lines = append(lines, x.Payload)
			}
		}
	}
}

// found returns the alerts in the state on fs, each as one line, by id, and the messages that they are told in.
func found(tb testing.TB, fs vfs.FS) (alerts map[string]string, messages []string, refused uint64) {
	tb.Helper()
	store, err := state.OpenView("data/state", state.Options{FS: fs})
	if errors.Is(err, state.ErrNone) {
		return map[string]string{}, nil, 0
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer store.Close()
	list, err := alert.List(store, alert.Query{})
	if err != nil {
		tb.Fatal(err)
	}
	alerts = map[string]string{}
	for _, a := range list {
		alerts[a.ID] = describe(a)
		messages = append(messages, messagesOf(a)...)
	}
	return alerts, messages, store.RejectedCounts().Total
}

func messagesOf(a *alert.Alert) (keys []string) {
	if a.Mode == alert.Shadow {
		return nil
	}
	keys = append(keys, a.ID+"/opened")
	if !a.Open() {
		keys = append(keys, a.ID+"/resolved")
	}
	return keys
}

// describe writes what a fold decides about an alert.
func describe(a *alert.Alert) string {
	values, _ := json.Marshal(a.Values)
	return fmt.Sprintf("%s %q opened %d by %s%s%v updated %d after %d resolved %v %d %s: %s %s", a.Rule, a.Key, a.Opened,
		a.Opener.Event, a.Opener.Position, a.Opener.Window, a.Updated, a.Evaluations, a.State, a.Resolved, a.Reason, a.Message, values)
}

// folded folds records of a log in memory, one at a time, and returns what a service is to have found in them.
func (w *world) folded(records []journal.Record) (alerts map[string]string, messages []string, refused uint64) {
	tb := w.tb
	tb.Helper()
	p, err := engine.NewPlan(loadRules(tb, w.rules), event.Spec{}, w.spec, engine.NewUnits())
	if err != nil {
		tb.Fatal(err)
	}
	e := engine.New(p, engine.Options{Shards: 3, KeepUpdates: true, Dedupe: w.dedupe})
	part := w.partitions(e)
	all := map[string]*alert.Alert{}
	take := func(fx *engine.Effects, err error) {
		if err != nil {
			tb.Fatal(err)
		}
		refused += uint64(len(fx.Rejected))
		for _, c := range fx.Changes {
			follow(all, &c)
		}
	}
	for i := range records {
		r := &records[i]
		switch r.Kind {
		case journal.Event:
			l := engine.Line{End: len(r.Payload), Offset: r.Offset}
			if len(r.Source.Ident) > 5 && r.Source.Ident[:5] == "live " {
				l.Appended = r.Appended
			}
			take(e.Step(&engine.Batch{Partition: part(r.Source.Name), Buf: r.Payload, Lines: []engine.Line{l}}))
		case journal.Cut:
			refused++
		case journal.PartitionsAssigned, journal.RecordsRead:
			w.topics.refold(tb, e, r, take)
		case journal.TimeAdvanced:
			var at struct {
				Watermark int64
				Idle      string
				End       bool
			}
			if err := json.Unmarshal(r.Payload, &at); err != nil {
				tb.Fatal(err)
			}
			switch {
			case at.End:
				take(e.End(false))
			case strings.HasPrefix(at.Idle, "stream "):
				e.Idle(w.topics.number(e, at.Idle))
			case at.Idle != "":
				e.Idle(part(at.Idle))
			default:
				take(e.Tick(at.Watermark))
			}
		}
	}
	alerts = map[string]string{}
	for id, a := range all {
		alerts[id] = describe(a)
		messages = append(messages, messagesOf(a)...)
	}
	return alerts, messages, refused
}

// partitions registers the partitions of the inputs with an engine, and returns which one a source belongs to.
func (w *world) partitions(e *engine.Engine) func(source string) int {
	own := map[string]int{}
	for _, in := range w.inputs {
		if in.Partition != "" {
			own[in.Partition] = e.Partition(event.Position{Stream: "log", Partition: int32(len(own) + 1), Kind: event.LogPosition})
		}
	}
	return func(source string) int {
		if i, ok := own[source]; ok {
			return i
		}
		return e.Partition(event.Position{Stream: "log", Kind: event.LogPosition})
	}
}

// follow lives an alert's life as a change says.
func follow(all map[string]*alert.Alert, c *engine.Change) {
	var values []alert.Value
	for _, v := range c.Values {
		i := c.Rule.Fact(v.Name)
		values = append(values, alert.Value{Name: v.Name, Value: v.Value, Approx: v.Approx, Inexact: v.Inexact, Limit: c.Rule.Bounds[i], Fields: c.Rule.Facts[i].Shows})
	}
	switch a := all[c.ID]; c.Kind {
	case engine.Opened:
		all[c.ID] = &alert.Alert{
			ID: c.ID, Rule: c.Rule.Name, Key: c.Key, Mode: c.Rule.Mode, State: alert.Firing, Opened: c.Opened, Updated: c.Opened,
			Opener: alert.Opener{Event: c.EventID, Position: c.Position, Window: c.Window}, Message: c.Message,
			Values: values, Evaluations: 1,
		}
	case engine.Updated:
		a.Updated, a.Values, a.Evaluations = c.At, values, c.Updates
		if c.Message != "" {
			a.Message = c.Message
		}
	case engine.Resolved:
		a.State, a.Resolved, a.Reason = alert.Resolved, c.At, c.Reason
	}
}

// agree holds log, state and outbox of fs against each other, the input and a fold of the log.
func (w *world) agree(fs vfs.FS, want [][]byte) {
	t := w.tb
	t.Helper()
	records, lines := logged(t, fs)
	if !slices.EqualFunc(lines, want, func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Errorf("the log holds %d lines, and not the %d of the input", len(lines), len(want))
	}
	alerts, messages, refused := w.folded(records)
	got, gotMessages, gotRefused := found(t, fs)
	for id, a := range alerts {
		if got[id] != a {
			t.Errorf("alert %s is\n%s\nwant\n%s", id, got[id], a)
		}
	}
	for id, a := range got {
		if alerts[id] == "" {
			t.Errorf("alert %s is not found by a fold: %s", id, a)
		}
	}
	if len(messages) != len(gotMessages) {
		t.Errorf("%d messages, want %d", len(gotMessages), len(messages))
	}
	if refused != gotRefused {
		t.Errorf("%d refused, want %d", gotRefused, refused)
	}
	if n, ok := w.notify.(*told); ok {
		n.expect(t, messages)
	}
}

// expect checks that each message has arrived, under the id of its alert, and nothing else.
func (n *told) expect(t testing.TB, messages []string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, key := range messages {
		if n.got[key] == "" {
			t.Errorf("%s has not arrived", key)
		}
	}
	if len(n.got) != len(messages) {
		t.Errorf("%d messages have arrived, want %d", len(n.got), len(messages))
	}
}

// TestService runs a finite input to its end, in both orders, and again with nothing new.
func TestService(t *testing.T) {
	for _, byTime := range []bool{false, true} {
		t.Run(fmt.Sprintf("byTime=%t", byTime), func(t *testing.T) {
			lines := shopLines(t, 3000, 1)
			fs := vfs.NewMem()
			w := newWorld(t, fs)
			w.spec.ByTime = byTime
			w.inputs = []engine.Input{lineInput(&lineSource{name: "shop", lines: lines, size: 100, cut: 777})}
			for range 2 {
				if err := w.run(context.Background()); err != nil {
					t.Fatal(err)
				}
				w.agree(fs, lines)
			}
			alerts, messages, refused := found(t, fs)
			if len(alerts) < 20 || len(messages) < 30 || refused < 60 {
				t.Errorf("%d alerts, %d messages, %d refused: too few to say anything", len(alerts), len(messages), refused)
			}
		})
	}
}
