package main

import (
	"testing"

	"kelpie/source/kafka/kafkatest"
)

// TestKilledWithKafka reads topics of the real Kafka with a service that is killed twenty times under load, in both orders,
// while the broker is killed once as well. In the end each record was folded once, in the order that our log notes; with
// order: time that is the fold of all records by their times; and each alert was delivered at least once, under its id.
func TestKilledWithKafka(t *testing.T) {
	if withoutKafka(t) {
		return // TestStreamCrashAtEveryWrite of package engine says the same of a log in memory
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	for _, order := range []string{"arrival", "time"} {
		t.Run(order, func(t *testing.T) {
			p := newProof(t, c, proofSpec{order: order, events: killTraffic})
			for i := range kills {
				p.runAndKill(i, 100+p.rand.IntN(1400))
				if i == 9 {
					c.Kill(1)
					s := p.start()
					if err := c.Restart(1); err != nil {
						t.Fatal(err)
					}
					p.kill(s)
				}
			}
			p.produce(len(p.lines))
			p.runToEnd()
			p.agree(p.refold(p.records()))
			if order == "time" {
				p.compare()
			}
		})
	}
	t.Run("hangs", func(t *testing.T) { proveHung(t, c) })
}
