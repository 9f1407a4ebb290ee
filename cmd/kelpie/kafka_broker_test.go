package main

import (
	"strings"
	"testing"

	"kelpie/source/kafka/kafkatest"
)

// proveHung has a broker that says nothing for a while. The service says so, in /readyz, in a metric and in one line of its
// log, and goes on by itself.
func proveHung(t *testing.T, c *kafkatest.Cluster) {
	p := newProof(t, c, proofSpec{})
	s := p.start()
	p.produce(2000)
	p.awaitRead()
	p.awaitReady()
	if err := c.Hang(1); err != nil {
		t.Fatal(err)
	}
	p.awaitReady("says nothing", c.Plain()[0])
	if n := p.metric("kelpie_ready "); n != 0 {
		t.Errorf("kelpie_ready is %v", n)
	}
	if err := c.Wake(1); err != nil {
		t.Fatal(err)
	}
	p.awaitReady()
	p.produce(len(p.lines))
	p.awaitRead()
	p.stop(s)
	if n, said := p.warnings(); n > 2 || !strings.Contains(said, "well again") {
		t.Errorf("%d warnings:\n%s", n, said)
	}
	p.runToEnd()
	p.compare()
}

// TestFailoverWithKafka reads from three nodes while leaders of partitions and the coordinator of the group are killed, and
// one hangs. Everything goes on by itself: nothing is lost, nothing comes twice.
func TestFailoverWithKafka(t *testing.T) {
	if withoutKafka(t) {
		return
	}
	c := kafkatest.Start(t, kafkatest.Options{Nodes: 3})
	alone := newProof(t, c, proofSpec{})
	member := newProof(t, c, proofSpec{order: "arrival", source: []string{"group: movers"}})
	s, m := alone.start(), member.start()
	round := func() {
		t.Helper()
		for _, p := range []*proof{alone, member} {
			p.produce(700)
		}
		alone.awaitRead()
		member.awaitRead()
	}
	restart := func(node int) {
		t.Helper()
		if err := c.Restart(node); err != nil {
			t.Fatal(err)
		}
	}
	round()
	node := alone.admin.Leader(alone.topics[0], 0)
	c.Kill(node)
	round()
	restart(node)
	round()
	node = member.admin.Coordinator("movers")
	c.Kill(node)
	round()
	restart(node)
	node = alone.admin.Leader(alone.topics[1], 1)
	if err := c.Hang(node); err != nil {
		t.Fatal(err)
	}
	round()
	if err := c.Wake(node); err != nil {
		t.Fatal(err)
	}
	round()
	alone.awaitReady()
	member.awaitReady()
	alone.kill(s)
	member.stop(m)
	for _, p := range []*proof{alone, member} {
		if n, said := p.warnings(); n > 20 {
			t.Errorf("%d warnings:\n%s", n, said)
		}
		p.produce(len(p.lines))
		p.runToEnd()
		p.compare()
	}
}
