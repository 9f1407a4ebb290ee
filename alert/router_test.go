package alert_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/goccy/go-yaml"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/state"
)

// TestStories runs testdata/stories: conversations with a dispatcher whose receivers of groups are told as routes say, in
// virtual time. The input of config is the part alerts: of a configuration; the service begins anew with it. That of do is
// what happens:
//
//	open ID NAME=VALUE …     an alert opens: rule, severity, actions, fields of the key as key.NAME, further labels
//	openmany ID 1..9 RULE    many open at once
//	point ID RULE            one opens and is over
//	resolve ID, ack ID       it resolves; somebody acknowledges it
//	silence ID DURATION MATCHER, expire ID
//	receiver NAME down | refuses | busy DURATION | slow DURATION | hangs | up
//	wait DURATION, clock +1h (the clock is set, and no time passes)
//	told ID, stats, redeliver ID [RECEIVER], restart, drain, finish
//
// Both print what has arrived since: when, at whom, what, with the group and the number of the notification;
// "!" stands after alerts that are new to the receiver.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			s := &story{town: newTown(t, vfs.NewMem())}
			defer s.stop()
			datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
				s.t = t
				return s.tell(d)
			})
		})
	})
}

// town is a service as far as alerts are concerned, with its receivers.
type town struct {
	t         *testing.T
	fs        vfs.FS
	spec      townSpec
	store     *state.Store
	book      *alert.Book
	d         *alert.Dispatcher
	receivers map[string]*post // by name with the notifier's
	groups    map[string]string
	cancel    func()
	done      chan error
	start     time.Time
	dead      func() bool  // the power is out: nothing that is sent arrives
	ahead     atomic.Int64 // how far the dispatcher's clock is, ns

	mu   sync.Mutex
	news []news
	out  strings.Builder
}

// news is something that happened at a receiver.
type news struct {
	at   time.Duration
	name string
	how  string // %s stands for the notification's key
	n    *alert.Notification
}

// townSpec is the part `alerts:` of a configuration.
type townSpec struct {
	alert.Spec `yaml:",inline"`
	Receivers  []townReceiver `yaml:"receivers"`
}

type townReceiver struct {
	alert.ReceiverSpec `yaml:",inline"`
	Kinds              []string `yaml:"kinds"` // default hook
	Webhook            any      `yaml:"webhook"`
}

func newTown(t *testing.T, fs vfs.FS) *town {
	w := &town{t: t, fs: fs, receivers: map[string]*post{}, groups: map[string]string{}, start: time.Now()}
	w.spec.Spec = alert.DefaultSpec()
	return w
}

// begin opens the state and runs a dispatcher.
func (w *town) begin() error {
	s, err := state.Open("state", state.Options{FS: w.fs, Seed: 1})
	if err != nil {
		return err
	}
	o := options
	o.Retention, o.Routing = 24*time.Hour, w.spec.Spec
	o.Now = w.now
	for _, r := range w.spec.Receivers {
		g := alert.GroupReceiver{ReceiverSpec: r.ReceiverSpec}
		switch {
		case r.Webhook != nil:
			r.Kinds = []string{"webhook"}
		case r.Kinds == nil:
			r.Kinds = []string{"hook"}
		}
		for _, k := range r.Kinds {
			name := r.Name + "/" + k
			if w.receivers[name] == nil {
				w.receivers[name] = &post{town: w, name: name}
			}
			g.Notifiers = append(g.Notifiers, alert.NamedNotifier{Kind: k, Notifier: w.receivers[name]})
		}
		o.Groups = append(o.Groups, g)
	}
	d, err := alert.NewDispatcher(s, nil, o)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	w.store, w.d, w.book = s, d, alert.NewBook(s)
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.done = cancel, make(chan error, 1)
	go func() { w.done <- d.Run(ctx) }()
	return nil
}

// now is what the clock shows.
func (w *town) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// stop ends the service; what is on its way stays in the state.
func (w *town) stop() {
	if w.cancel == nil {
		return
	}
	w.cancel()
	w.cancel = nil
	if err := errors.Join(<-w.done, w.store.Close()); err != nil {
		w.t.Error(err)
	}
}

// commit commits what is in the book.
func (w *town) commit() error {
	b := w.store.NewBatch()
	defer b.Close()
	epoch, err := w.book.Flush(b)
	if err == nil {
		err = w.store.Commit(b, true)
	}
	w.book.Committed(epoch)
	return err
}

// open puts an alert into the book.
func (w *town) open(id string, args map[string]string) {
	now := time.Now().UnixMilli()
	a := alert.Alert{
		ID: id, Rule: "burst", Severity: "high", Mode: "alert", Opened: now, Labels: map[string]string{},
		Message: "6 orders", Values: []alert.Value{{Name: "orders", Value: event.IntValue(6)}},
	}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		v := args[name]
		switch field, ok := strings.CutPrefix(name, "key."); {
		case ok:
			a.By, a.Key = append(a.By, field), append(a.Key, v)
		case name == "rule":
			a.Rule = v
		case name == "severity":
			a.Severity = v
		case name == "mode":
			a.Mode = v
		case name == "actions":
			a.Actions = strings.Split(v, ",")
		default:
			a.Labels[name] = v
		}
	}
	w.book.Open(a)
}

// note notes what happened at a receiver.
func (w *town) note(name, how string, n *alert.Notification) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.news = append(w.news, news{time.Since(w.start), name, how, n})
}

// tellNews prints what happened at receivers: they are told side by side, so of one moment it is in their order.
func (w *town) tellNews() {
	w.mu.Lock()
	all := w.news
	w.news = nil
	w.mu.Unlock()
	slices.SortStableFunc(all, func(a, b news) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.name, b.name)) })
	for _, x := range all {
		if x.how == "" {
			x.how = w.text(x.n)
		} else {
			x.how = fmt.Sprintf(x.how, w.key(x.n))
		}
		w.printf("%s %s: %s", x.at, x.name, x.how)
	}
}

func (w *town) printf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(&w.out, format+"\n", args...)
}

// post is a receiver that prints what it is told.
type post struct {
	town *town
	name string

	mu   sync.Mutex
	mode string
	span time.Duration
	got  []*alert.Notification // delivered …
	at   []time.Time           // … when
}

func (p *post) set(mode string, span time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode, p.span = mode, span
}

// count returns how many notifications have been delivered.
func (p *post) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.got)
}

func (p *post) NotifyGroup(ctx context.Context, n *alert.Notification) (string, error) {
	p.mu.Lock()
	mode, span := p.mode, p.span
	p.mu.Unlock()
	if p.town.dead != nil && p.town.dead() {
		return "", errors.New("the power is out")
	}
	switch mode {
	case "down":
		p.town.note(p.name, fmt.Sprintf("attempt %d of %%s fails", n.Attempt), n)
		return "", errors.New("connection refused")
	case "refuses":
		return "", &alert.DeliveryError{Err: errors.New("no such channel"), Final: true, Code: 404}
	case "busy":
		p.town.note(p.name, fmt.Sprintf("attempt %d of %%s is too early", n.Attempt), n)
		return "", &alert.DeliveryError{Err: errors.New("too many requests"), After: span, Code: 429}
	case "hangs":
		<-ctx.Done()
		return "", ctx.Err()
	case "slow":
		select {
		case <-time.After(span):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got, p.at = append(p.got, n), append(p.at, time.Now())
	p.town.note(p.name, "", n)
	return fmt.Sprintf("memo%d", len(p.got)), nil
}

// key names a notification by its group's place in the story and its number.
func (w *town) key(n *alert.Notification) string {
	g, ok := w.groups[n.Group]
	if !ok {
		g = fmt.Sprintf("g%d", len(w.groups)+1)
		w.groups[n.Group] = g
	}
	return g + strings.TrimPrefix(n.Key, n.Group)
}

// text is a notification in a line.
func (w *town) text(n *alert.Notification) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", w.key(n), n.Kind, n.State)
	for _, name := range slices.Sorted(maps.Keys(n.Labels)) {
		fmt.Fprintf(&b, " %s=%s", name, n.Labels[name])
	}
	b.WriteString(":")
	for i, a := range n.Alerts {
		if i == 5 {
			fmt.Fprintf(&b, " … %d", len(n.Alerts))
			break
		}
		b.WriteString(" " + a.Alert.ID)
		switch {
		case !a.Alert.Open():
			b.WriteString("(resolved)")
		case a.Alert.Acknowledged != nil:
			b.WriteString("(by " + a.Alert.Acknowledged.By + ")")
		}
		if a.New {
			b.WriteString("!")
		}
	}
	if n.Omitted > 0 {
		fmt.Fprintf(&b, ", %d omitted", n.Omitted)
	}
	for _, c := range n.Counts {
		fmt.Fprintf(&b, " %d %s %s %q", c.Alerts, c.Severity, c.Rule, c.Key)
	}
	if n.Attempt > 1 {
		fmt.Fprintf(&b, ", attempt %d", n.Attempt)
	}
	if n.Memo != "" {
		fmt.Fprintf(&b, ", after %s", n.Memo)
	}
	return b.String()
}

// story carries out the commands of a transcript.
type story struct{ *town }

func (s *story) tell(d *datadriven.TestData) string {
	if d.Cmd == "config" {
		s.stop()
		s.spec = townSpec{Spec: alert.DefaultSpec()}
		if err := yaml.UnmarshalWithOptions([]byte(d.Input), &s.spec, yaml.Strict()); err != nil {
			return err.Error() + "\n"
		}
		if err := s.begin(); err != nil {
			return err.Error() + "\n"
		}
		return s.heard()
	}
	for line := range strings.Lines(d.Input) {
		f := strings.Fields(line)
		if err := s.do(f[0], f[1:]); err != nil {
			s.printf("%v", err)
		}
		synctest.Wait()
	}
	return s.heard()
}

// heard returns what was printed since it was last called, when all has come to rest.
func (s *story) heard() string {
	synctest.Wait()
	s.tellNews()
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.out.String()
	s.out.Reset()
	return text
}

func (s *story) do(cmd string, args []string) error {
	switch cmd {
	case "open":
		set := map[string]string{}
		for _, a := range args[1:] {
			name, v, _ := strings.Cut(a, "=")
			set[name] = v
		}
		s.open(args[0], set)
		return s.commit()
	case "point":
		s.open(args[0], map[string]string{"rule": args[1]})
		if err := s.book.Resolve(args[0], time.Now().UnixMilli(), alert.Point); err != nil {
			return err
		}
		return s.commit()
	case "openmany":
		for _, i := range s.numbers(args[1]) {
			s.open(fmt.Sprintf("%s%d", args[0], i), map[string]string{"rule": args[2], "key.customer": fmt.Sprintf("c%d", i%3)})
		}
		return s.commit()
	case "resolve", "ack":
		return s.change(cmd, args[0])
	case "silence":
		return s.silence(args)
	case "expire":
		if err := s.book.ExpireSilence(args[0], alert.Mark{By: "bob", At: time.Now().UnixMilli()}); err != nil {
			return err
		}
		return s.commit()
	case "receiver":
		p := s.receivers[args[0]]
		p.set(args[1], s.duration(strings.Join(args[2:], "")))
		return nil
	case "clock":
		s.ahead.Add(int64(s.duration(args[0])))
		return nil
	case "wait":
		time.Sleep(s.duration(args[0]))
		return nil
	}
	return s.ask(cmd, args)
}

func (s *story) change(cmd, id string) error {
	now := time.Now().UnixMilli()
	var err error
	if cmd == "ack" {
		err = s.book.Acknowledge(id, alert.Mark{By: "ann", At: now})
	} else {
		err = s.book.Resolve(id, now, alert.Condition)
	}
	if err != nil {
		return err
	}
	return s.commit()
}

func (s *story) silence(args []string) error {
	now := s.now()
	m, err := alert.ParseMatcher(strings.Join(args[2:], " "))
	if err != nil {
		return err
	}
	err = s.book.AddSilence(alert.Silence{
		ID: args[0], Match: alert.Matchers{m}, From: now.UnixMilli(), To: now.Add(s.duration(args[1])).UnixMilli(), By: "ann", Added: now.UnixMilli(),
	})
	if err != nil {
		return err
	}
	return s.commit()
}

// ask carries out the commands that ask something.
func (s *story) ask(cmd string, args []string) error {
	synctest.Wait()
	s.tellNews()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	switch cmd {
	case "told":
		return s.told(args[0])
	case "stats":
		for _, r := range s.d.RouterStats().Receivers {
			s.printf("%s: groups %d, made %v, suppressed %v, delivered %d, failed %d, given up %d, waiting %d, delayed %d",
				r.Receiver, r.Groups, r.Made, r.Suppressed, r.Delivered, r.Failures, r.GivenUp, r.Waiting, r.Delayed)
		}
		if n := s.d.RouterStats().Unrouted; n > 0 {
			s.printf("unrouted %d", n)
		}
		return nil
	case "redeliver":
		n, err := s.d.Redeliver(ctx, args[0], strings.Join(args[1:], ""))
		s.printf("%d on their way", n)
		return err
	case "restart":
		s.stop()
		return s.begin()
	case "drain":
		return s.d.Drain(ctx)
	case "finish":
		return s.d.Finish(ctx)
	}
	return fmt.Errorf("unknown command %q", cmd)
}

func (s *story) told(id string) error {
	t, err := alert.ToldOf(s.store, id)
	for _, o := range t.Outcomes {
		how := "waits"
		switch {
		case o.GivenUp:
			how = "given up"
		case o.Done > 0:
			how = "delivered"
		}
		s.printf("%s %s: %s, attempts %d %s", o.Receiver, o.Kind, how, o.Attempts, o.LastError())
	}
	for _, h := range t.Held {
		s.printf("%s: held, %s %s", h.Receiver, h.Reason, h.By)
	}
	return err
}

// numbers reads first..last.
func (s *story) numbers(text string) (all []int) {
	var from, to int
	if _, err := fmt.Sscanf(text, "%d..%d", &from, &to); err != nil {
		s.t.Fatal(err)
	}
	for i := from; i <= to; i++ {
		all = append(all, i)
	}
	return all
}

func (s *story) duration(text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}
