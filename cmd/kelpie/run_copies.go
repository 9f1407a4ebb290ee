package main

import (
	"fmt"

	"kelpie/config"
	"kelpie/engine"
	"kelpie/server"
	"kelpie/source/kafka"
	"kelpie/topics"
)

// openCopies opens the topics to which refused events and decisions are copied.
func (h *house) openCopies(cfg *config.Config) error {
	if t := cfg.Rejected.Kafka; t != nil {
		if err := h.openCopy("rejected", *t, topics.Rejected); err != nil {
			return err
		}
	}
	if t := cfg.Decisions.Kafka; t != nil {
		return h.openCopy("decisions", t.Target, func(o topics.Options) (*topics.Copier, error) { return topics.Decisions(o, *t) })
	}
	return nil
}

func (h *house) openCopy(name string, t kafka.Target, open func(topics.Options) (*topics.Copier, error)) error {
	p, err := kafka.OpenProducer(t, kafka.ProducerOptions{})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	h.closers, h.writers = append(h.closers, p), append(h.writers, topicWriter{name + ".kafka", p})
	c, err := open(topics.Options{Store: h.store, Sender: p, Topic: t.Topic, Mask: h.masks, Clock: wall{}, Log: h.out})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	h.copies = append(h.copies, c)
	return nil
}

// writer is what writes to a topic of Kafka.
type writer interface{ Stats() kafka.ProducerStats }

// topicWriter is a writer and whose it is: a receiver, or a setting.
type topicWriter struct {
	target string
	writer writer
}

// copiesStatus says how the copies stand.
func (h *house) copiesStatus() (all []server.CopiesStatus) {
	for _, c := range h.copies {
		x := c.Stats()
		all = append(all, server.CopiesStatus{
			Setting: c.Setting(), Topic: c.Topic(), Waiting: x.Waiting, Copied: x.Copied, Failures: x.Failures, GivenUp: x.GivenUp, Missed: x.Missed,
		})
	}
	return all
}

// remarking is a service whose remarks are also those of what runs beside it.
type remarking struct {
	*engine.Service
	copies []*topics.Copier
}

// Remarks returns what somebody should see to although the service is ready.
func (r remarking) Remarks() []string {
	all := r.Service.Remarks()
	for _, c := range r.copies {
		all = append(all, c.Remarks()...)
	}
	return all
}
