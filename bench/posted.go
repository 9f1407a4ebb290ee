package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"kelpie/engine"
	"kelpie/journal"
	"kelpie/server"
	"kelpie/source"
	"kelpie/state"
)

// What is posted at once, and over how many connections.
const (
	postedAtOnce       = 5000 // events of a body of NDJSON
	batchConnections   = 4
	singleConnections  = 64
	singleShare        = 0.2 // of the events of a stream that are posted one by one
	batchGoal          = 0.35e6
	singleGoal         = 20e3
	ndjson, jsonObject = "application/x-ndjson", "application/json"
)

// postedBatches posts events in bodies of NDJSON, from this process, to the whole service: each body is answered when its
// events are durable in the log. The sample ends when all are folded and committed, too.
func postedBatches(l *lab) ([]row, error) {
	return l.posted("the whole service, posted to in NDJSON of 5,000 events by 4 connections; the client's work is in it",
		&poster{connections: batchConnections, atOnce: postedAtOnce, kind: ndjson}, 1, batchGoal)
}

// postedSingles posts each event by itself; in turn with it, to a server that reads the body and answers at once, which is
// what HTTP alone costs here.
func postedSingles(l *lab) ([]row, error) {
	return l.posted("the whole service, posted to one event at a time by 64 connections; the client's work is in it",
		&poster{connections: singleConnections, atOnce: 1, kind: jsonObject}, singleShare, singleGoal)
}

func (l *lab) posted(what string, p *poster, share, goal float64) ([]row, error) {
	all, err := l.events()
	if err != nil {
		return nil, err
	}
	in := all.first(l.part(share))
	samples, err := l.turns(l.Runs, l.postedJob(p, in), p.bareJob(in))
	if err != nil {
		return nil, err
	}
	return []row{
		rateRow(what, samples[0], goal),
		rateRow("the same client, and net/http that answers at once", samples[1], 0),
	}, nil
}

// postedJob posts an input to a new service.
func (l *lab) postedJob(p *poster, in *input) *job {
	var s *posted
	return &job{
		in: in,
		before: func() error {
			dir, err := l.folder("posted")
			if err == nil {
				s, err = openPosted(dir, postedOptions{rules: foundingRules, shards: l.Cores})
			}
			return err
		},
		run: func() error {
			return errors.Join(p.post(s.api.Address().String(), in.data), s.stop())
		},
		after: func() error { return s.served.close() },
	}
}

// bareJob posts an input to a server that does nothing with it.
func (p *poster) bareJob(in *input) *job {
	var s *httptest.Server
	return &job{
		in: in,
		before: func() error {
			s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					w.WriteHeader(http.StatusBadRequest)
				}
			}))
			return nil
		},
		run:   func() error { return p.post(s.Listener.Addr().String(), in.data) },
		after: func() error { s.Close(); return nil },
	}
}

// posted is a service with its API.
type posted struct {
	served  *served
	service *engine.Service
	api     *server.Server
	stop    func() error // ends it when all that was taken has been folded and committed
}

// postedOptions say what is special about a service.
type postedOptions struct {
	rules    string
	shards   int
	disorder time.Duration // how far events are out of order; 0: as the streams are
	spec     func(*server.Spec)
	service  func(*engine.Service) server.Service // what is asked in place of the service
	tell     func(*state.Store) (engine.Dispatcher, error)
}

// openPosted starts a service, and waits until it takes events.
func openPosted(dir string, o postedOptions) (*posted, error) {
	s, err := openServed(dir, o.rules, o.shards)
	if err != nil {
		return nil, err
	}
	p := &posted{served: s}
	if err := p.open(o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	p.start()
	return p, p.ready()
}

// open makes service and API.
func (p *posted) open(o postedOptions) (err error) {
	s := &p.served.options
	posts := source.NewPush(source.PushOptions{Name: server.Input})
	s.UntilEnd = false
	s.Inputs = []engine.Input{{Name: server.Input, Live: true, Open: func(func(string) (journal.Progress, bool)) (source.Source, error) {
		return posts, nil
	}}}
	if o.disorder > 0 {
		s.Time.Disorder = o.disorder.Milliseconds()
	}
	if o.tell != nil {
		if s.Dispatcher, err = o.tell(p.served.store); err != nil {
			return err
		}
	}
	p.service = engine.NewService(*s)
	api := server.Options{Spec: server.DefaultSpec(), Service: p.service, Posts: posts, Log: p.served.log}
	api.Spec.Listen = "127.0.0.1:0"
	if o.spec != nil {
		o.spec(&api.Spec)
	}
	if o.service != nil {
		api.Service = o.service(p.service)
	}
	if p.api, err = server.New(api); err != nil {
		return err
	}
	return p.api.Listen()
}

// start runs service and API; stop ends the API first.
func (p *posted) start() {
	running, end := context.WithCancel(context.Background())
	answering, silence := context.WithCancel(context.Background())
	var both sync.WaitGroup
	var ran, answered error
	both.Go(func() { ran = p.service.Run(running) })
	both.Go(func() {
		defer end()
		answered = p.api.Serve(answering)
	})
	p.stop = func() error {
		silence()
		both.Wait()
		return errors.Join(ran, answered)
	}
}

// ready waits until events are taken.
func (p *posted) ready() error {
	tick, over := time.NewTicker(time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for {
		if problems, _ := p.api.Problems(); len(problems) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-over:
			return errors.Join(errors.New("the service does not become ready"), p.stop())
		}
	}
}

// poster is a client that does no more than it must.
type poster struct {
	connections, atOnce int
	kind                string
}

// post posts all lines, each connection its share of the bodies in turn, and waits for all answers.
func (p *poster) post(address string, lines []byte) error {
	bodies := p.bodies(lines)
	var all sync.WaitGroup
	errs := make([]error, p.connections)
	for i := range p.connections {
		all.Go(func() { errs[i] = p.connection(address, bodies, i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// bodies cuts lines.
func (p *poster) bodies(lines []byte) (all [][]byte) {
	for from := 0; from < len(lines); {
		to := from
		for range p.atOnce {
			if to == len(lines) {
				break
			}
			to += bytes.IndexByte(lines[to:], '\n') + 1
		}
		all = append(all, lines[from:to])
		from = to
	}
	return all
}

// connection posts every p.connections-th body from the i-th on.
func (p *poster) connection(address string, bodies [][]byte, i int) (err error) {
	w, err := dial(address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for ; i < len(bodies); i += p.connections {
		if _, err := w.post("/v1/events", p.kind, bodies[i]); err != nil {
			return err
		}
	}
	return nil
}
