package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/alert/webhook"
	"kelpie/engine"
	"kelpie/secret"
	"kelpie/state"
)

const (
	toldRate    = 100     // alerts a second that somebody is told of
	toldBeside  = 150_000 // events a second: half of what two cores take
	toldGoal    = 100 * time.Millisecond
	toldTimeout = 30 * time.Second // for the last of them
)

// tellingRules are the founding rules, and one by which an event opens an alert of its own.
const tellingRules = foundingRules + `
  raised:
    severity: high
    event: Raised
    by: customer_id
    let: {raised: count over 10m}
    when: raised > 0
    alert: "{{customer_id}}"
`

// toldStudy measures how long after the answer to the post of an event a webhook is told of the alert that it opens: each
// alert by itself, without group_wait and limit.
func toldStudy(l *lab) ([]row, error) {
	in, err := l.events()
	if err != nil {
		return nil, err
	}
	v := &visit{l: l, client: "told", options: func(hook string) postedOptions {
		return postedOptions{rules: tellingRules, shards: l.Cores, disorder: pacedDisorder, tell: func(s *state.Store) (engine.Dispatcher, error) {
			return tellHook(s, hook)
		}}
	}}
	var reports []raised
	var work effort
	samples, err := l.turns(min(l.Runs, pacedRuns), v.job(in, func() any {
		reports = append(reports, raised{})
		return &reports[len(reports)-1]
	}, func() { work = effortOf(v.service) }))
	if err != nil {
		return nil, err
	}
	last := len(reports) - 1
	return []row{
		latencyRow(fmt.Sprintf("a webhook is told of an alert, %d a second beside %s events/s in NDJSON of %d: after its event was answered as durable",
			toldRate, short(toldBeside), besideAtOnce), samples[0], each(reports, func(r raised) quantiles { return r.Told }), toldGoal),
		textRow("what came of that load", reports[last].text(v.cores[last], &samples[0][last])+work.text(), samples[0]),
	}, nil
}

// tellHook returns a dispatcher that tells a webhook of the alerts that the client raises, and nobody of others.
func tellHook(s *state.Store, address string) (engine.Dispatcher, error) {
	n, err := webhook.New(webhook.Spec{URL: secret.New(address)}, post.Options{})
	if err != nil {
		return nil, err
	}
	m, err := alert.ParseMatcher("rule = raised")
	if err != nil {
		return nil, err
	}
	unlimited, atOnce := 0, time.Duration(0)
	spec := alert.DefaultSpec()
	spec.Routes = []alert.RouteSpec{{Match: alert.Matchers{m}, Receiver: "hook", GroupBy: []string{"..."}, GroupWait: &atOnce}}
	return alert.NewDispatcher(s, nil, alert.Options{Routing: spec, Groups: []alert.GroupReceiver{{
		ReceiverSpec: alert.ReceiverSpec{Name: "hook", Limit: &unlimited},
		Notifiers:    []alert.NamedNotifier{{Kind: "webhook", Notifier: n}},
	}}})
}

// raised is what the client reports.
type raised struct {
	Told   quantiles // from when the event's post was answered until the webhook was told
	Posted quantiles // from when the events beside were to be posted until they were durable
	Beside float64   // events a second
}

func (r *raised) text(cores float64, s *sample) string {
	return fmt.Sprintf("%d alerts, and %s events/s, durable after p99 %.0f ms; the client took %.2f cores beside the service's %.2f",
		r.Told.N, short(r.Beside), ms(r.Posted.P99), cores, s.cpu.Seconds()/s.wall.Seconds())
}

// meetWithHook makes a webhook, tells the service of it, and returns what the service answers.
func meetWithHook(t *talk) (*hook, string, error) {
	h, err := newHook()
	if err != nil {
		return nil, "", err
	}
	answer, err := t.meet("http://" + h.listener.Addr().String())
	if err != nil {
		return nil, "", errors.Join(err, h.listener.Close())
	}
	return h, answer, nil
}

// raiseAlerts is the client, and the webhook.
func raiseAlerts(l *lab, t *talk) (any, error) {
	in, err := l.events()
	if err != nil {
		return nil, err
	}
	h, address, err := meetWithHook(t)
	if err != nil {
		return nil, err
	}
	defer h.listener.Close()
	p := &pacedPoster{bodies: (&poster{atOnce: besideAtOnce}).bodies(in.data)}
	var beside sync.WaitGroup
	var posted error
	beside.Go(func() { posted = p.run(toldBeside/besideAtOnce, besideConnections, address) })
	count := int64(float64(in.count) / toldBeside * toldRate)
	s := perSecond(toldRate, count)
	err = s.run(2, address, func(w *wire, i int64, _ time.Time) error {
		body := fmt.Appendf(nil, `{"id":"raised-%d","type":"Raised","time":%q,"customer_id":"raised-%[1]d"}`, i, p.now())
		if _, err := w.post("/v1/events", jsonObject, body); err != nil {
			return err
		}
		h.answered(i)
		return nil
	})
	beside.Wait()
	if err = firstOf(err, posted); err != nil {
		return nil, err
	}
	if err := h.wait(count); err != nil {
		return nil, err
	}
	return raised{h.told(warmUp), p.took.quantiles(int(warmUp * float64(len(p.bodies)))), p.rate()}, nil
}

// now returns the event time of what is posted now.
func (p *pacedPoster) now() []byte {
	body := p.bodies[min(p.posted.Load(), int64(len(p.bodies)-1))]
	_, rest, _ := bytes.Cut(body, []byte(`"time":"`))
	now, _, _ := bytes.Cut(rest, []byte(`"`))
	return now
}

// hook is the webhook: it notes when it is told of what.
type hook struct {
	listener net.Listener

	mu    sync.Mutex
	asked map[int64]time.Time // when the post was answered
	heard map[int64]time.Time
	more  chan struct{} // holds a token when heard has grown
}

func newHook() (*hook, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &hook{listener: listener, asked: map[int64]time.Time{}, heard: map[int64]time.Time{}, more: make(chan struct{}, 1)}
	go func() { _ = http.Serve(listener, h) }() // until the listener is closed
	return h, nil
}

var raisedName = regexp.MustCompile(`"raised-([0-9]+)"`)

// ServeHTTP implements http.Handler.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range raisedName.FindAllSubmatch(body, -1) {
		i, err := strconv.ParseInt(string(m[1]), 10, 64)
		if _, again := h.heard[i]; err == nil && !again {
			h.heard[i] = now
		}
	}
	select {
	case h.more <- struct{}{}:
	default:
	}
}

func (h *hook) answered(i int64) { h.askedAt(i, time.Now()) }

func (h *hook) askedAt(i int64, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[i] = at
}

// wait waits until so many alerts have been told.
func (h *hook) wait(count int64) error {
	over := time.After(toldTimeout)
	for {
		h.mu.Lock()
		n := len(h.heard)
		h.mu.Unlock()
		if int64(n) == count {
			return nil
		}
		select {
		case <-h.more:
		case <-over:
			return errors.New(strconv.Itoa(n) + " of " + strconv.FormatInt(count, 10) + " alerts were told")
		}
	}
}

// told returns how long it took, without the first ones.
func (h *hook) told(without float64) quantiles {
	var t times
	for i := int64(without * float64(len(h.asked))); i < int64(len(h.asked)); i++ {
		t.add(max(0, h.heard[i].Sub(h.asked[i])))
	}
	return t.quantiles(0)
}
