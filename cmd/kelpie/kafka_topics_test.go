package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"kelpie/event"
	"kelpie/source"
	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

// TestTopicsWithKafka holds that the service finds what is in a file of the records that count, whatever happens to topics.
func TestTopicsWithKafka(t *testing.T) {
	if withoutKafka(t) {
		return
	}
	c := sharedKafka(t)
	for name, f := range map[string]func(*testing.T, *kafkatest.Cluster){
		"aborted": proveAborted, "retention": proveRetention, "needed-again": proveNeededAgain, "compacted": proveCompacted,
		"partitions-added": proveAdded, "silent": proveSilent, "ahead": proveAhead, "made-again": proveMadeAgain,
		"rebalanced": proveRebalanced,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, c)
		})
	}
}

// proveAborted writes transactions, of which every third one is aborted, and one is open while the service is killed.
func proveAborted(t *testing.T, c *kafkatest.Cluster) {
	p := newProof(t, c, proofSpec{})
	s := p.start()
	for i := range 12 {
		x, commit := p.admin.Begin(fmt.Sprintf("%s-%d", p.topics[0], i%2)), i%3 > 0
		for at, lines := range p.next(300) {
			base := x.Write(at.Stream, int(at.ID), recordsOfLines(lines)...)
			if commit {
				p.count(at, base, lines...)
			}
		}
		p.produce(100)
		if i == 5 {
			p.kill(s)
			s = p.start()
		}
		x.End(commit)
	}
	p.produce(len(p.lines))
	p.awaitRead()
	p.kill(s)
	p.runToEnd()
	p.compare()
}

// proveRetention removes records before they are read. The service says which, everywhere, and goes on behind them.
func proveRetention(t *testing.T, c *kafkatest.Cluster) {
	p := newProof(t, c, proofSpec{order: "arrival"})
	s := p.start()
	p.produce(2000)
	p.awaitRead()
	p.stop(s)
	p.produce(1500)
	lost := map[string]string{}
	for at, from := range p.noted {
		to := from + (int64(len(p.parts[at]))-from)/2
		p.admin.DeleteBefore(at.Stream, int(at.ID), to)
		clear(p.parts[at][from:to])
		lost[fmt.Sprintf("%s@%d", at, from)] = fmt.Sprintf(", %d to %d:", from, to-1)
	}
	s = p.start()
	p.produce(len(p.lines))
	p.awaitRead()
	p.await("the metric", func() bool { return p.metric(`kelpie_refused_total{reason="lost"}`) == float64(len(lost)) })
	if said := p.said.String(); strings.Count(said, "records are lost") != len(lost) {
		t.Errorf("%d gaps, and it says\n%s", len(lost), said)
	}
	p.kill(s)
	p.runToEnd()
	for line := range strings.Lines(p.kelpie("kelpie.yml", "events", "rejected", "--reason", "lost")) {
		var x struct{ Position, Detail string }
		parseJSON(t, line, &x)
		if to := lost[x.Position]; to == "" || !strings.Contains(x.Detail, to) {
			t.Errorf("lost: %s", line)
		}
		delete(lost, x.Position)
	}
	if len(lost) > 0 {
		t.Errorf("nothing is said of %v", lost)
	}
	p.compare()
}

// proveNeededAgain removes records that were read, and that nothing was committed of: who is killed then has lost them, and
// says so.
func proveNeededAgain(t *testing.T, c *kafkatest.Cluster) {
	p := newProof(t, c, proofSpec{more: "state: {commit: 1m}\n"})
	s := p.start()
	p.produce(60) // that open no alert, which would be committed
	p.awaitRead()
	p.kill(s)
	at := p.places()[0]
	p.admin.DeleteBefore(at.Stream, int(at.ID), int64(len(p.parts[at])))
	clear(p.parts[at])
	p.produce(len(p.lines))
	p.runToEnd()
	rejected := p.kelpie("kelpie.yml", "events", "rejected")
	if strings.Count(rejected, "\n") != 1 || !strings.Contains(rejected, fmt.Sprintf(`"position":"%s@0","reason":"lost"`, at)) {
		t.Errorf("rejected:\n%s", rejected)
	}
	p.compare()
}

// proveAdded gives topics more partitions while they are read.
func proveAdded(t *testing.T, c *kafkatest.Cluster) {
	p := newProof(t, c, proofSpec{source: []string{"fetch: {refresh: 200ms}"}})
	s := p.start()
	p.produce(2000)
	p.each += 2
	for _, topic := range p.topics {
		p.admin.AddPartitions(topic, p.each)
	}
	p.await("more partitions", func() bool {
		p.readNotes()
		return len(p.noted) == len(p.topics)*p.each
	})
	p.produce(2000)
	p.awaitRead()
	p.kill(s)
	p.produce(len(p.lines))
	p.runToEnd()
	p.compare()
}

// proveSilent reads a topic of 100 partitions, of which 90 are silent: the service goes on without them.
func proveSilent(t *testing.T, c *kafkatest.Cluster) {
	p := newProof(t, c, proofSpec{topics: 1, each: 100, apart: 10, idle: "1s"})
	p.produce(len(p.lines))
	s := p.start()
	p.await("alerts", func() bool { return p.metric("kelpie_alerts_opened_total") > 20 })
	p.awaitRead()
	p.stop(s)
	p.runToEnd()
	p.compare()
}

// proveAhead has a producer whose clock is an hour ahead, beside those whose clocks are right.
func proveAhead(t *testing.T, c *kafkatest.Cluster) {
	events := killTraffic
	events.Events, events.Flat, events.Start = 6000, true, time.Now().Add(-10*time.Minute).UnixMilli()
	p := newProof(t, c, proofSpec{events: events})
	ahead := 0
	produce := func(n int) {
		p.produce(n)
		wrong := []byte(fmt.Sprintf(`{"type":"OrderCreated","time":%q,"customer_id":"c1","amount":1}`, event.FormatTime(time.Now().Add(time.Hour).UnixMilli())))
		for at := range p.parts {
			p.admin.Write(at.Stream, int(at.ID), kafkatest.Batch{Records: recordsOfLines([][]byte{wrong})})
			ahead++
		}
	}
	s := p.start()
	for range 5 {
		produce(900)
		p.awaitRead()
		p.kill(s)
		s = p.start()
	}
	p.kill(s)
	produce(len(p.lines))
	p.runToEnd()
	if n := strings.Count(p.kelpie("kelpie.yml", "events", "rejected", "--reason", "in-future"), "\n"); n != ahead {
		t.Errorf("%d refused because they come from the future, want %d", n, ahead)
	}
	p.compare()
}

// proveMadeAgain deletes a topic and makes it again: while it is read, and while nobody reads. What was read of the old one
// counts, and what is in the new one.
func proveMadeAgain(t *testing.T, c *kafkatest.Cluster) {
	p := newProof(t, c, proofSpec{order: "arrival", topics: 1, each: 1, source: []string{"fetch: {refresh: 200ms}"}})
	at := source.Partition{Stream: p.topics[0]}
	s := p.start()
	again := func() {
		p.admin.Delete(at.Stream)
		p.admin.Create(at.Stream, 1)
		p.before, p.parts[at] = append(p.before, p.parts[at]...), nil
		delete(p.noted, at)
	}
	p.produce(2000)
	p.awaitRead()
	again()
	p.produce(2000)
	p.awaitRead()
	p.stop(s)
	again()
	p.produce(len(p.lines))
	p.runToEnd()
	if rejected := p.kelpie("kelpie.yml", "events", "rejected", "--reason", "lost"); strings.Count(rejected, "\n") != 2 {
		t.Errorf("rejected:\n%s", rejected)
	}
	p.compareWith(p.expected())
}

// proveCompacted reads a topic, and goes on when what came since has been compacted.
func proveCompacted(t *testing.T, c *kafkatest.Cluster) {
	p := newProof(t, c, proofSpec{order: "arrival", topics: 1, each: 1, topic: []string{
		"cleanup.policy=compact", "segment.ms=500", "segment.bytes=1048576", "min.cleanable.dirty.ratio=0.01",
	}})
	at := source.Partition{Stream: p.topics[0]}
	write := func(n int, key func(line []byte) string) {
		lines := p.next(n)[at]
		records := recordsOfLines(lines)
		for i, line := range lines {
			records[i].Key = []byte(key(line))
		}
		p.count(at, p.admin.Write(at.Stream, 0, kafkatest.Batch{Records: records}), lines...)
	}
	write(500, customerOf)
	s := p.start()
	p.awaitRead()
	p.stop(s)
	read := int64(len(p.parts[at]))
	write(1000, customerOf)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for unique := false; !unique; <-tick.C { // then nothing more can go
		write(1, func(line []byte) string { return string(line) }) // the segment before it is closed
		unique = p.forgetCompacted(c, at, read)
	}
	p.runToEnd()
	if left := int64(len(p.parts[at])); left-read < 1000 {
		t.Errorf("%d of %d", left, read)
	}
	p.compareWith(p.expected())
}

// customerOf returns the customer of an event, or its service.
func customerOf(line []byte) string {
	return string(regexp.MustCompile(`"(?:customer_id|service)":"[^"]*"`).Find(line))
}

// forgetCompacted forgets what is not in a partition any more, from an offset on, and reports whether each key is there once.
func (p *proof) forgetCompacted(c *kafkatest.Cluster, at source.Partition, from int64) (unique bool) {
	r, err := kafka.Open(kafka.Spec{Connection: kafka.Connection{Brokers: c.Plain()}, Topics: []string{at.Stream}}, kafka.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Close()
	there, keys, n := map[int64]bool{}, map[string]bool{}, 0
	for next := int64(0); next < int64(len(p.parts[at])); n++ {
		b, err := r.Next(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		for i := range b.Len() {
			there[b.Lines[i].Offset], keys[string(b.Key(i))] = true, true
		}
		next = b.Next.Offset
		r.Release(b)
	}
	for offset := from; offset < int64(len(p.parts[at])); offset++ {
		if !there[offset] {
			p.parts[at][offset] = nil
		}
	}
	return len(keys) == len(there)
}
