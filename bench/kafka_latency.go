package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kelpie/engine"
	"kelpie/source/kafka"
)

const (
	producedRate  = 20_000 // events a second
	producedAt    = 100    // events that are sent together: every 5 ms
	producers     = 4      // that take turns, so that one that waits for the broker holds none up
	producedShare = 0.3    // of the events of a stream
	raisedEvery   = 2      // the events of each second send hold one that opens an alert: 100 a second
)

// latency measures how long it takes, at a moderate rate, from when an event is to be produced until a webhook is told of the
// alert that it opens. The producer is a process of its own.
func (k *kafkaLab) latency() ([]row, error) {
	var reports []quantiles
	var peer *peer
	var r *reading
	run := 0
	j := &job{in: k.yardstick, events: int(k.part(producedShare))}
	j.before = func() (err error) {
		run++
		topic := fmt.Sprintf("told-%d", run)
		if err = k.create(topic); err != nil {
			return err
		}
		if peer, err = k.startPeer("kafka"); err != nil {
			return err
		}
		dir, err := k.folder("told")
		if err != nil {
			return err
		}
		if r, err = k.openTelling(dir, topic, peer.greeting); err != nil {
			return err
		}
		r.start()
		return r.until(func() bool { return r.service.Phase() == engine.Running })
	}
	j.run = func() error {
		var q quantiles
		err := peer.ask(fmt.Sprintf("told-%d %s", run, strings.Join(k.cluster.Plain(), ",")), &q)
		reports = append(reports, q)
		return err
	}
	j.after = func() error { return r.stop() }
	samples, err := k.turns(min(k.Runs, pacedRuns), j)
	if err != nil {
		return nil, err
	}
	told := latencyRow(fmt.Sprintf("from the moment at which an event is to be produced until a webhook is told of its alert, at %s events/s in a topic, 100 alerts/s", short(producedRate)), samples[0], reports, 0)
	told.Goal, told.Met = "", false
	last := len(reports) - 1
	s := &samples[0][last]
	return []row{told, textRow("what came of that load", fmt.Sprintf("%d alerts; the producer took %.2f cores beside the service's %.2f",
		reports[last].N, peer.cpu().Seconds()/s.wall.Seconds(), s.cpu.Seconds()/s.wall.Seconds()), samples[0])}, nil
}

// openTelling is open, with a webhook that is told of alerts.
func (k *kafkaLab) openTelling(dir, topic, hook string) (*reading, error) {
	s, err := openServed(dir, tellingRules, k.Cores)
	if err != nil {
		return nil, err
	}
	if s.options.Dispatcher, err = tellHook(s.store, hook); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.options.UntilEnd, s.options.Inputs = false, []engine.Input{kafkaInputOf(k.connection(), topic)}
	return &reading{served: s, service: engine.NewService(s.options), ended: make(chan error, 1)}, nil
}

// produceAlerts is the producer, and the webhook.
func produceAlerts(l *lab, t *talk) (any, error) {
	in, err := l.events()
	if err != nil {
		return nil, err
	}
	h, where, err := meetWithHook(t)
	if err != nil {
		return nil, err
	}
	defer h.listener.Close()
	topic, brokers, _ := strings.Cut(where, " ")
	p := &pacedProducer{
		target: kafka.Target{Connection: kafka.Connection{Brokers: strings.Split(brokers, ",")}, Topic: topic},
		bodies: (&poster{atOnce: producedAt}).bodies(in.first(l.part(producedShare)).data), hook: h,
		start: time.Now().Add(100 * time.Millisecond), every: time.Second * producedAt / producedRate,
	}
	if err := p.run(); err != nil {
		return nil, err
	}
	if err := h.wait((int64(len(p.bodies)) + raisedEvery - 1) / raisedEvery); err != nil {
		return nil, err
	}
	return h.told(warmUp), nil
}

// pacedProducer produces events when they are due, whatever has become of those before.
type pacedProducer struct {
	target kafka.Target
	bodies [][]byte
	hook   *hook
	start  time.Time
	every  time.Duration
	next   atomic.Int64
}

func (p *pacedProducer) run() error {
	var all sync.WaitGroup
	errs := make([]error, producers)
	for i := range producers {
		all.Go(func() { errs[i] = p.produce() })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (p *pacedProducer) produce() (err error) {
	w, err := kafka.OpenProducer(p.target, kafka.ProducerOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for {
		i := p.next.Add(1) - 1
		if i >= int64(len(p.bodies)) {
			return nil
		}
		due := p.start.Add(time.Duration(i) * p.every)
		time.Sleep(time.Until(due))
		ms := appendMessages(nil, p.bodies[i], time.Now().UnixMilli())
		if i%raisedEvery == 0 {
			raised := i / raisedEvery
			p.hook.askedAt(raised, due)
			ms = append(ms, kafka.Message{Key: fmt.Appendf(nil, "raised-%d", raised), Time: time.Now().UnixMilli(),
				Value: fmt.Appendf(nil, `{"id":"raised-%d","type":"Raised","time":%q,"customer_id":"raised-%[1]d"}`, raised, fieldOf(p.bodies[i], `"time":"`))})
		}
		if err := w.Send(context.Background(), ms); err != nil {
			p.next.Store(int64(len(p.bodies))) // the others need not go on
			return err
		}
	}
}
