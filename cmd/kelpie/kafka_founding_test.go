package main

import (
	"flag"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"kelpie/examples/orders"
	"kelpie/source/kafka/kafkatest"
	"kelpie/traffic"
)

// manyEvents is how many events the founding rules are proved with: make proof takes a million.
var manyEvents = flag.Int64("kafka-events", 20_000, "how many events TestFoundingRulesWithKafka reads")

// TestFoundingRulesWithKafka reads the shop's events from 3 topics of 8 partitions, at 1, 2 and 7 shards: those that are
// there when the service starts, and those that come while it is killed ten times. Whatever way, its alerts, tables and facts
// are those of a file of the same events.
func TestFoundingRulesWithKafka(t *testing.T) {
	if withoutKafka(t) {
		return
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	n := *manyEvents
	s := proofSpec{
		topics: 3, each: 8, rules: foundingRules(t),
		events: traffic.Config{Seed: 5, Events: n, Rate: max(3, float64(n)/20_000), Customers: int(n / 40), Attacks: int(60 + n/5000), Disorder: traffic.Disorder{Share: 0.1}},
	}
	filled := newProof(t, c, s)
	filled.produce(len(filled.lines))
	want := filled.expected()
	for _, shards := range []int{1, 2, 7} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) {
			again := s
			again.of = filled
			p := newProof(t, c, again)
			p.args = []string{"--shards", fmt.Sprint(shards)}
			began := time.Now()
			p.runToEnd()
			t.Logf("%d events in %v", p.fed, time.Since(began).Round(time.Millisecond))
			p.compareWith(want)
		})
		t.Run(fmt.Sprintf("shards=%d,killed", shards), func(t *testing.T) {
			p := newProof(t, c, s)
			p.args = []string{"--shards", fmt.Sprint(shards)}
			const crashes = 10
			for i := range crashes {
				p.runAndKill(i, len(p.lines)/(crashes+1))
			}
			p.produce(len(p.lines))
			p.runToEnd()
			p.compareWith(want)
		})
	}
}

// foundingRules are those of examples/orders without decisions, which order: time refuses.
func foundingRules(t *testing.T) map[string]string {
	files, err := fs.Glob(orders.Rules, "rules/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range files {
		text, err := fs.ReadFile(orders.Rules, name)
		if err != nil {
			t.Fatal(err)
		}
		all[path.Base(name)] = strings.Replace(string(text), "    decide: block\n", "", 1)
	}
	return all
}
