package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"kelpie/config"
	"kelpie/source/kafka"
)

// connection is what a check of one connection to Kafka found.
type connection struct {
	Of       string   `json:"of"` // a source by its name, receiver NAME, rejected or decisions
	OK       bool     `json:"ok"`
	Cluster  string   `json:"cluster,omitempty"`
	Topics   []topic  `json:"topics"`
	Mistakes []string `json:"mistakes"` // a sentence each
}

func (c connection) failed() bool { return !c.OK }

type topic struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
}

// checkConnections tries every connection to Kafka that a configuration names, with real requests.
func checkConnections(ctx context.Context, name string) ([]connection, error) {
	if name == "" {
		return nil, errors.New("--connect tries what a configuration names: name one, -c kelpie.yml")
	}
	cfg, err := config.Load(name)
	if err != nil {
		return nil, err
	}
	all := []connection{}
	add := func(of string, r kafka.Report, err error) {
		c := connection{Of: of, OK: err == nil, Cluster: r.Cluster, Topics: []topic{}, Mistakes: []string{}}
		for _, t := range r.Topics {
			c.Topics = append(c.Topics, topic{t.Name, t.Partitions})
		}
		if err != nil {
			c.Mistakes = strings.Split(err.Error(), "\n")
		}
		all = append(all, c)
	}
	for _, s := range cfg.Sources {
		if s.Kafka != nil {
			r, err := kafka.Check(ctx, *s.Kafka)
			add(s.Name, r, err)
		}
	}
	target := func(of string, t kafka.Target) {
		r, err := kafka.CheckTarget(ctx, t)
		add(of, r, err)
	}
	for _, r := range cfg.Alerts.Receivers {
		if r.Kafka != nil {
			target("receiver "+r.Name, r.Kafka.Target)
		}
	}
	if t := cfg.Rejected.Kafka; t != nil {
		target("rejected", *t)
	}
	if t := cfg.Decisions.Kafka; t != nil {
		target("decisions", t.Target)
	}
	return all, nil
}

// writeConnections says what was found.
func writeConnections(w io.Writer, all []connection) {
	for _, c := range all {
		if !c.OK {
			for _, m := range c.Mistakes {
				fmt.Fprintf(w, "%s: %s\n", c.Of, m)
			}
			continue
		}
		var topics []string
		for _, t := range c.Topics {
			topics = append(topics, fmt.Sprintf("%s (%s)", t.Name, counted(t.Partitions, "partition")))
		}
		fmt.Fprintf(w, "%s: connected to %s, topics %s\n", c.Of, c.Cluster, strings.Join(topics, ", "))
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "the configuration names no Kafka: there is nothing to connect to")
	}
}
