package server_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/mask"
	"kelpie/rules"
	"kelpie/server"
	"kelpie/source"
	"kelpie/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// burst is a rule that tells of the second order of a customer within ten minutes.
const burst = `
rules:
  burst: {event: OrderCreated, by: customer_id, let: {orders: count over 10m}, when: orders > 1}
`

// wall is the clock of package time.
type wall struct{}

func (wall) Now() time.Time                         { return time.Now() }
func (wall) After(d time.Duration) <-chan time.Time { return time.After(d) }

// told is a receiver that remembers what it was told.
type told struct {
	mu  sync.Mutex
	got []string
}

func (n *told) Notify(_ context.Context, m alert.Message) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.got = append(n.got, m.Alert.Rule+" "+string(m.Kind))
	return false, nil
}

// streaming is a service that is said to read topics as well.
type streaming struct {
	*engine.Service
	streams []engine.InputStream
}

func (s streaming) Streams() []engine.InputStream { return s.streams }

// house is a service with its API on an address of this machine.
type house struct {
	t       testing.TB
	streams []engine.InputStream
	copies  func() []server.CopiesStatus
	fs      vfs.FS
	spec    server.Spec
	event   event.Spec
	rules   string // nothing is burst
	now     func() time.Time
	told    *told
	mask    *mask.Fields
	slack   http.Handler
	load    func() (*rules.Set, error)

	groups []alert.GroupReceiver // who is told of groups, at once

	api   *server.Server
	log   *journal.Log
	store *state.Store
	url   string
	first int64 // offset of what is posted first
	stop  func() error
}

func newHouse(t testing.TB, fs vfs.FS) *house {
	h := &house{t: t, fs: fs, spec: server.DefaultSpec(), now: time.Now, told: &told{}}
	h.spec.Listen = "127.0.0.1:0"
	return h
}

// open starts the service, and waits until it is ready.
func (h *house) open() {
	h.t.Helper()
	h.start()
	h.t.Cleanup(func() {
		if err := h.close(); err != nil {
			h.t.Error(err)
		}
	})
	h.ready()
	h.first = h.log.NextOffset()
}

// at is the position of the i-th event that was posted.
func (h *house) at(i int) string { return fmt.Sprintf("log@%d", h.first+int64(i)) }

// start starts the service.
func (h *house) start() {
	h.t.Helper()
	check := func(err error) {
		if err != nil {
			h.t.Fatal(err)
		}
	}
	var err error
	h.log, err = journal.Open("data/log", journal.Options{FS: h.fs, Now: h.now})
	check(err)
	h.store, err = state.Open("data/state", state.Options{FS: h.fs, Seed: 1, Cache: 1 << 20, MemTable: 1 << 20})
	check(err)
	d, err := alert.NewDispatcher(h.store, []alert.Receiver{{Name: "told", Notifier: h.told}}, alert.Options{Groups: h.groups, Mask: h.mask})
	check(err)
	set, err := rules.LoadBytes("rules.yml", []byte(cmp.Or(h.rules, burst)), rules.Options{})
	check(err)
	p, _ := h.log.Progress(server.Input)
	posts := source.NewPush(source.PushOptions{Name: server.Input, From: p.Mark.Line})
	input := engine.Input{Name: server.Input, Live: true, Open: func(func(string) (journal.Progress, bool)) (source.Source, error) { return posts, nil }}
	service := engine.NewService(engine.ServiceOptions{
		Log: h.log, Store: h.store, Dispatcher: d, Inputs: []engine.Input{input}, Event: h.event, Rules: set, Load: h.load, Clock: wall{}, Shards: 1,
		Time: engine.TimeSpec{Disorder: 2000, Idle: 30_000, Future: 300_000}, Memory: 16 << 20, Commit: time.Millisecond,
	})
	h.api, err = server.New(server.Options{
		Spec: h.spec, Service: streaming{service, h.streams}, Copies: h.copies, Posts: posts, Log: h.log, Store: h.store, Sender: d, Teller: d, Version: "v1", Event: h.event, Future: 5 * time.Minute, Now: h.now, Mask: h.mask, Slack: h.slack,
		Refused: int64(h.store.RejectedCounts().Total),
	})
	check(err)
	check(h.api.Listen())
	h.url = "http://" + h.api.Address().String()
	h.run(service)
}

// run runs service and API until stop, the API first.
func (h *house) run(service *engine.Service) {
	ctx, stop := context.WithCancel(context.Background())
	answering, silence := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var served, ran error
	all.Go(func() { ran = service.Run(ctx) })
	all.Go(func() {
		defer stop()
		served = h.api.Serve(answering)
	})
	h.stop = func() error {
		silence()
		all.Wait()
		http.DefaultClient.CloseIdleConnections()
		return errors.Join(served, ran)
	}
}

// close ends the service; twice is once.
func (h *house) close() error {
	if h.stop == nil {
		return nil
	}
	err := errors.Join(h.stop(), h.store.Close(), h.log.Close())
	h.stop = nil
	return err
}

// ready waits until events are taken.
func (h *house) ready() {
	h.t.Helper()
	h.until("ready", func() bool {
		return h.post("[]").status == http.StatusOK
	})
}

// until waits until something is so.
func (h *house) until(what string, is func() bool) {
	h.t.Helper()
	tick, over := time.NewTicker(time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-over:
			h.t.Fatalf("it is never %s", what)
		}
	}
}

// reply is what was answered.
type reply struct {
	status int
	header http.Header
	body   string

	Accepted, Duplicates, Refused int
	Events                        []struct {
		Status, Position, Reason, Detail string
		Index, Line, Column, Offset      int
	}
	Type, Title, Detail string
}

func (h *house) read(r *http.Response) (x reply) {
	h.t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Error(err)
	}
	x.status, x.header, x.body = r.StatusCode, r.Header, string(b)
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, &x); err != nil {
			h.t.Errorf("%v: %s", err, b)
		}
	}
	return x
}

// post posts a body; header are names and values.
func (h *house) post(body string, header ...string) reply {
	h.t.Helper()
	return h.postTo("/v1/events", body, header...)
}

// postTo posts a body to a path.
func (h *house) postTo(path, body string, header ...string) reply {
	h.t.Helper()
	r, err := http.NewRequest(http.MethodPost, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	x := h.read(a)
	hold(h.t, http.MethodPost, path, x)
	return x
}

// order is an event with an id, or without one.
func order(id, customer string, at time.Time) string {
	if id != "" {
		id = fmt.Sprintf(`"id":%q,`, id)
	}
	return fmt.Sprintf(`{%s"type":"OrderCreated","time":%q,"customer_id":%q}`, id, at.Format(time.RFC3339Nano), customer)
}

// logged returns the records of the log that were posted, in order.
func (h *house) logged() []string { return h.loggedFrom(server.Input) }

// loggedFrom returns the records of the log that came from some origins, in order.
func (h *house) loggedFrom(origins ...string) (all []string) {
	h.t.Helper()
	r := h.log.NewReader(h.log.FirstOffset())
	defer r.Close()
	for {
		b := &journal.Block{}
		err := r.Next(context.Background(), b)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			h.t.Fatal(err)
		}
		for i := range b.Lines {
			if x := b.Record(i); slices.Contains(origins, x.Source.Name) {
				all = append(all, string(x.Payload))
			}
		}
	}
}

// rejected returns the refused events: position, reason, and what was refused.
func (h *house) rejected() (all []string) {
	h.t.Helper()
	err := h.store.Rejected(0, func(r state.Rejected) (bool, error) {
		all = append(all, fmt.Sprintf("%v %s %s", r.Position, r.Reason, r.Raw))
		return true, nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}
