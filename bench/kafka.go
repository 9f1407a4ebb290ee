package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"kelpie/engine"
	"kelpie/source"
	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
	"kelpie/traffic"
)

const (
	kafkaGoal       = 0.75e6
	kafkaPartitions = 8
	kafkaSent       = 1000 // events that are produced at once: batches of some 125, about 55 KiB
	kafkaInput      = "kafka"
)

// kafkaStudy reads topics of a real Kafka, which runs on the same cores: as fast as they are read from what is there, not
// packed and packed with zstd, after a pause, after a crash; and how long an alert takes while events come at a rate.
func kafkaStudy(l *lab) ([]row, error) {
	if os.Getenv(kafkatest.Jars) == "" {
		return []row{{
			What: "topics of Kafka", Allocs: -1,
			Figure: "not measured: " + kafkatest.Jars + "=$(.ci/kafka) go run ./bench -run kafka brings a broker",
		}}, nil
	}
	all, err := l.events()
	if err != nil {
		return nil, err
	}
	k := &kafkaLab{lab: l}
	defer k.close()
	if err := k.start(all); err != nil {
		return nil, err
	}
	var rows []row
	for _, part := range []func() ([]row, error){k.topics, k.pause, k.crash, k.latency} {
		more, err := part()
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// kafkaLab is a lab with a broker.
type kafkaLab struct {
	*lab
	cluster   *kafkatest.Cluster
	brokers   []string
	count     int    // events of each topic
	yardstick *input // some of them
}

// start starts the broker and fills the topics.
func (k *kafkaLab) start(all *input) error {
	dir, err := k.folder("broker")
	if err != nil {
		return err
	}
	if k.cluster, err = kafkatest.New(dir, kafkatest.Options{Config: map[string]string{"log.retention.ms": "-1", "log.retention.check.interval.ms": "300000"}}); err != nil {
		return err
	}
	k.brokers, k.count = k.cluster.Plain(), all.count
	for topic, compression := range map[string]string{"plain": "none", "zstd": "zstd"} {
		if err := k.create(topic); err != nil {
			return err
		}
		if err := k.produce(topic, compression, all.data); err != nil {
			return err
		}
	}
	if k.yardstick, err = load(k.dir, "kafka-yardstick", traffic.Bench(1, k.part(0.1), k.Customers)); err != nil {
		return err
	}
	return all.unmap()
}

func (k *kafkaLab) close() {
	if k.cluster != nil {
		k.cluster.Close()
	}
}

func (k *kafkaLab) connection() kafka.Connection {
	return kafka.Connection{Brokers: k.brokers}
}

// create makes a topic.
func (k *kafkaLab) create(topic string) error {
	c, err := k.cluster.Tool("kafka-topics.sh", "--bootstrap-server", k.cluster.Plain()[0], "--create", "--topic", topic, "--partitions", fmt.Sprint(kafkaPartitions))
	if err != nil {
		return err
	}
	return said(c)
}

// said runs a command; its error has what it printed.
func said(c *exec.Cmd) error {
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(c.Path), err, out)
	}
	return nil
}

// produce writes lines to a topic, each under the key of its customer.
func (k *kafkaLab) produce(topic, compression string, lines []byte) error {
	p, err := kafka.OpenProducer(kafka.Target{Connection: k.connection(), Topic: topic, Compression: compression}, kafka.ProducerOptions{})
	if err != nil {
		return err
	}
	var ms []kafka.Message
	now := time.Now().UnixMilli()
	for _, body := range (&poster{atOnce: kafkaSent}).bodies(lines) {
		ms = appendMessages(ms[:0], body, now)
		if err := p.Send(context.Background(), ms); err != nil {
			return errors.Join(err, p.Close())
		}
	}
	return p.Close()
}

// topics reads both topics from their beginning, in turn.
func (k *kafkaLab) topics() ([]row, error) {
	plain, packed := k.readJob("plain"), k.readJob("zstd")
	all, err := k.turns(k.Runs, plain.job, packed.job)
	if err != nil {
		return nil, err
	}
	return []row{
		rateRow(fmt.Sprintf("the whole service, from a topic of Kafka (%d partitions, not packed), exactly once", kafkaPartitions), all[0], kafkaGoal),
		plain.brokerRow(all[0]),
		rateRow("the same from a topic packed with zstd", all[1], kafkaGoal),
		packed.brokerRow(all[1]),
	}, nil
}

// kafkaJob is a job that reads a topic.
type kafkaJob struct {
	*job
	k       *kafkaLab
	broker  []float64 // µs of the broker's CPU per event, by sample
	service *reading
}

// readJob reads a topic from its beginning with an empty state. The sample ends when all is folded and committed.
func (k *kafkaLab) readJob(topic string) *kafkaJob {
	j := &kafkaJob{k: k}
	j.job = &job{
		in: k.yardstick, events: k.count,
		before: func() error {
			dir, err := k.folder("reading")
			if err == nil {
				j.service, err = k.open(dir, topic)
			}
			return err
		},
		run:   func() error { return j.read(k.count) },
		after: func() error { return j.service.stop() },
	}
	return j
}

// read runs the service until so many events have been folded and committed.
func (j *kafkaJob) read(count int) error {
	before := j.k.cluster.CPU()
	j.service.start()
	err := j.service.await(int64(count))
	j.broker = append(j.broker, micros(j.k.cluster.CPU()-before)/float64(count))
	return err
}

func (j *kafkaJob) brokerRow(s []sample) row {
	b := spreadOf(j.broker)
	return textRow("the broker's CPU then, on the same cores", fmt.Sprintf("%.2f µs/event (%.2f–%.2f)", b.Mid, b.Low, b.High), s)
}

// reading is a service that reads a topic.
type reading struct {
	*served
	service *engine.Service
	cancel  func()
	ended   chan error
}

// open makes a service on a folder, new or not.
func (k *kafkaLab) open(dir, topics string) (*reading, error) {
	s, err := openServed(dir, foundingRules, k.Cores)
	if err != nil {
		return nil, err
	}
	s.options.UntilEnd, s.options.Inputs = false, []engine.Input{kafkaInputOf(k.connection(), topics)}
	return &reading{served: s, service: engine.NewService(s.options), ended: make(chan error, 1)}, nil
}

// kafkaInputOf reads topics, separated by commas.
func kafkaInputOf(c kafka.Connection, topics string) engine.Input {
	spec := kafka.Spec{Connection: c, Topics: strings.Split(topics, ",")}
	return engine.Input{
		Name: kafkaInput, Live: true,
		Stream: func(marks func() map[source.Partition][]byte) (source.Stream, error) {
			return kafka.OpenStream(spec, kafka.StreamOptions{Marks: marks})
		},
		Records: func() (source.Records, error) { return kafka.OpenRecords(spec, nil), nil },
	}
}

func (r *reading) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.ended <- r.service.Run(ctx) }()
}

// folded returns how many events came from the topics since the service began, as of the last commit.
func (r *reading) folded() int64 {
	in := r.service.Figures().Inputs[kafkaInput]
	return in.Folded + in.Refused
}

// await waits until so many events are folded and committed.
func (r *reading) await(count int64) error {
	return r.until(func() bool { return r.folded() >= count })
}

func (r *reading) until(done func() bool) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case err := <-r.ended:
			r.ended <- err
			return errors.Join(err, errors.New("the service has ended"))
		}
	}
	return nil
}

// stop ends the service.
func (r *reading) stop() error {
	r.cancel()
	return errors.Join(<-r.ended, r.close())
}
