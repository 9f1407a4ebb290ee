package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/source/kafka/kafkatest"
)

// TestKilledWithKafka reads topics of the real Kafka with a service that is killed twenty times under load, in both orders,
// while the broker is killed once as well. In the end each record was folded once, in the order that our log notes; with
// order: time that is the fold of all records by their times; and each alert was delivered at least once, under its id.
func TestKilledWithKafka(t *testing.T) {
	if os.Getenv(kafkatest.Jars) == "" {
		return // TestStreamCrashAtEveryWrite of package engine says the same of a log in memory
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	for _, order := range []string{"arrival", "time"} {
		t.Run(order, func(t *testing.T) {
			k := newKafkaKilled(t, c, order)
			for i := range kills {
				k.runAndKill(i)
			}
			k.runToEnd()
			k.compare()
		})
	}
}

// kafkaKilled is a service that dies often, and topics.
type kafkaKilled struct {
	*killed
	cluster *kafkatest.Cluster
	topics  []string
	parts   map[source.Partition][][]byte // as they were written: the index is the offset
}

const partitionsEach = 4

func newKafkaKilled(t *testing.T, c *kafkatest.Cluster, order string) *kafkaKilled {
	k := &kafkaKilled{killed: newKilled(t, order), cluster: c, parts: map[source.Partition][][]byte{}}
	for _, name := range []string{"orders", "visits"} {
		topic := name + "-" + order
		c.Admin(t).Create(topic, partitionsEach)
		k.topics = append(k.topics, topic)
	}
	k.write("kelpie.yml", fmt.Sprintf("rules: rules.yml\ntime: {order: %s}\n"+
		"sources: [{kafka: {brokers: [%s], topics: [%s]}}]\n"+
		"alerts: {file: alerts.jsonl, stdout: \"off\"}\nmetrics: {listen: \"off\"}\nhttp: {listen: \"off\"}\n",
		order, strings.Join(c.Plain(), ", "), strings.Join(k.topics, ", ")))
	return k
}

// produce writes the next n lines, each to some partition.
func (k *kafkaKilled) produce(n int) {
	admin := k.cluster.Admin(k.t)
	batches := map[source.Partition]*kafkatest.Batch{}
	for ; n > 0 && k.fed < len(k.lines); n-- {
		p := source.Partition{Stream: k.topics[k.rand.IntN(len(k.topics))], ID: int32(k.rand.IntN(partitionsEach))}
		line := slices.Clone(k.lines[k.fed][:len(k.lines[k.fed])-1])
		k.fed++
		k.parts[p] = append(k.parts[p], line)
		if batches[p] == nil {
			batches[p] = &kafkatest.Batch{}
		}
		batches[p].Records = append(batches[p].Records, kafkatest.Record{Value: line, Time: time.Now().UnixMilli()})
	}
	for p, b := range batches {
		admin.Write(p.Stream, int(p.ID), *b)
	}
}

func (k *kafkaKilled) runAndKill(i int) {
	c := k.start()
	before := k.logged()
	n := 100 + k.rand.IntN(1400)
	k.produce(n / 2)
	if i%4 > 0 {
		k.await("reading", func() bool { return k.logged() != before })
	}
	if i == 9 {
		k.cluster.Kill(1)
		if err := k.cluster.Restart(1); err != nil {
			k.t.Fatal(err)
		}
	}
	k.produce(n - n/2)
	<-time.After(time.Duration(k.rand.IntN(60)) * time.Millisecond)
	if err := c.Process.Kill(); err != nil {
		k.t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.Exited() {
		k.t.Fatalf("the service ended by itself: %v\n%s", err, k.said.String())
	}
}

// runToEnd writes the rest and lets the service read it to its end.
func (k *kafkaKilled) runToEnd() {
	k.produce(len(k.lines))
	k.said.Reset()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(k.dir, "kelpie"), "run", "--until-end")
	c.Dir, c.Stderr = k.dir, &k.said
	if err := c.Run(); err != nil {
		k.t.Fatalf("the last run: %v\n%s", err, k.said.String())
	}
}

func (k *kafkaKilled) compare() {
	got := k.agree(k.refold(k.records()))
	if k.order == "time" {
		k.compareSorted(got)
	}
}

// refold folds the records of the topics in memory, in the order that our log notes.
func (k *kafkaKilled) refold(records []journal.Record) map[string]string {
	f := k.newFold()
	at := map[source.Partition]int64{}
	for i := range records {
		r := &records[i]
		switch r.Kind {
		case journal.PartitionsAssigned:
			var x struct{ Assigned []source.Partition }
			k.parse(r, &x)
			for _, p := range x.Assigned {
				f.e.Wake(f.part(p))
			}
		case journal.RecordsRead:
			var x source.Run
			k.parse(r, &x)
			if x.From != at[x.Partition] && x.Records > 0 {
				k.t.Errorf("log@%d: %s from %d, want %d", r.Offset, x.Partition, x.From, at[x.Partition])
			}
			for at[x.Partition] = x.From; at[x.Partition] < x.To; at[x.Partition]++ {
				f.step(x.Partition, at[x.Partition], k.parts[x.Partition][at[x.Partition]])
			}
		case journal.TimeAdvanced:
			var x struct {
				Watermark int64
				Idle      string
				End       bool
			}
			k.parse(r, &x)
			switch {
			case x.End:
				f.take(f.e.End(false))
			case x.Watermark != 0:
				f.take(f.e.Tick(x.Watermark))
			case strings.HasPrefix(x.Idle, "stream "):
				f.idle(strings.TrimPrefix(x.Idle, "stream "))
			}
		}
	}
	for p, lines := range k.parts {
		if at[p] != int64(len(lines)) {
			k.t.Errorf("%s was read up to %d, want %d", p, at[p], len(lines))
		}
	}
	return f.lives
}

func (k *kafkaKilled) parse(r *journal.Record, v any) {
	if err := json.Unmarshal(r.Payload, v); err != nil {
		k.t.Fatal(err)
	}
}

// compareSorted holds the alerts against a fold of all records by their times, as if they had stood in one file.
func (k *kafkaKilled) compareSorted(got map[string]string) {
	f := k.newFold()
	var all [][]byte // first as ties are broken: by partition and offset
	for _, topic := range k.topics {
		for id := range int32(partitionsEach) {
			all = append(all, k.parts[source.Partition{Stream: topic, ID: id}]...)
		}
	}
	slices.SortStableFunc(all, func(a, b []byte) int { return strings.Compare(timeOf(k.t, a), timeOf(k.t, b)) })
	for i, line := range all {
		f.step(source.Partition{Stream: "file"}, int64(i), line)
	}
	f.take(f.e.End(false))
	for id := range f.lives {
		if got[id] == "" {
			k.t.Errorf("alert %s is missing: %s", id, f.lives[id])
		}
	}
	if len(got) != len(f.lives) {
		k.t.Errorf("%d alerts, %d of all records by their times", len(got), len(f.lives))
	}
}

func timeOf(t *testing.T, line []byte) string {
	var x struct{ Time string }
	if err := json.Unmarshal(line, &x); err != nil || x.Time == "" {
		t.Fatalf("%v: %s", err, line)
	}
	return x.Time
}

// kafkaFold folds records one by one, and knows the lives of the alerts.
type kafkaFold struct {
	t     *testing.T
	e     *engine.Engine
	names map[string]int
	lives map[string]string
}

func (k *kafkaKilled) newFold() *kafkaFold {
	set, err := rules.LoadBytes("rules.yml", []byte(killRules), rules.Options{})
	if err != nil {
		k.t.Fatal(err)
	}
	p, err := engine.NewPlan(set, event.Spec{}, engine.TimeSpec{ByTime: k.order == "time", Disorder: 2000, Future: 300_000}, engine.NewUnits())
	if err != nil {
		k.t.Fatal(err)
	}
	return &kafkaFold{t: k.t, e: engine.New(p, engine.Options{}), names: map[string]int{}, lives: map[string]string{}}
}

func (f *kafkaFold) part(p source.Partition) int {
	i := f.e.Partition(event.Position{Stream: p.Stream, Partition: p.ID, Kind: event.KafkaPosition})
	f.names[p.String()] = i
	return i
}

func (f *kafkaFold) idle(name string) { f.e.Idle(f.names[name]) }

func (f *kafkaFold) step(p source.Partition, offset int64, line []byte) {
	line = []byte(strings.TrimSpace(string(line)))
	f.take(f.e.Step(&engine.Batch{Partition: f.part(p), Buf: line, Lines: []engine.Line{{End: len(line), Offset: offset}}}))
}

func (f *kafkaFold) take(fx *engine.Effects, err error) {
	if err != nil {
		f.t.Fatal(err)
	}
	for _, c := range fx.Changes {
		switch c.Kind {
		case engine.Opened:
			f.lives[c.ID] = fmt.Sprintf("%s %q opened %d by %s %v: %s", c.Rule.Name, c.Key, c.Opened, c.Position, c.Window, c.Message) + " firing"
		case engine.Resolved:
			f.lives[c.ID] = f.lives[c.ID][:len(f.lives[c.ID])-len(" firing")] + fmt.Sprintf(" resolved %d %s", c.At, c.Reason)
		}
	}
}
