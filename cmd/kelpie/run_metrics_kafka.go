package main

import (
	"strconv"

	"kelpie/engine"
	"kelpie/source"
)

// What is told apart at most, so that a source whose topics are named by a pattern does not make series without end.
const (
	mostTopicSeries     = 100 // topics of a source; the others are one
	mostPartitionSeries = 100 // partitions of a source; where it has more, none is told apart
)

// topics says how reading of topics goes.
func (s *scrape) topics() {
	for _, in := range s.service.Streams() {
		s.stream(&in)
	}
}

func (s *scrape) stream(in *engine.InputStream) {
	s.flag("kafka_cluster_up", in.Cluster, in.Input)
	for _, b := range in.Brokers {
		s.flag("kafka_broker_up", b.Answers, in.Input, b.Address)
	}
	s.count("kafka_fetches_total", in.Fetches, in.Input)
	s.count("kafka_fetched_bytes_total", in.Fetched, in.Input)
	s.count("kafka_failures_total", in.Failures, in.Input)
	s.count("kafka_rebalances_total", in.Rebalances, in.Input)
	s.gauge("kafka_waiting_bytes", float64(in.Waiting), in.Input)
	for _, t := range in.Topics(mostTopicSeries) {
		s.topic(in.Input, &t)
	}
	if len(in.Partitions) <= mostPartitionSeries {
		s.partitions(in.Input, in.Partitions)
	}
}

func (s *scrape) topic(input string, t *source.TopicStatus) {
	s.gauge("kafka_partitions", float64(len(t.Partitions)), input, t.Topic)
	if t.Known {
		s.gauge("kafka_lag_records", float64(t.Lag), input, t.Topic)
		s.gauge("kafka_lag_most_records", float64(t.Most), input, t.Topic)
	}
	if t.Newest > 0 {
		s.gauge("kafka_newest_record_seconds", float64(t.Newest)/1000, input, t.Topic)
	}
}

func (s *scrape) partitions(input string, all []source.PartitionStatus) {
	for i := range all {
		if lag, known := all[i].Lag(); known {
			s.gauge("kafka_partition_lag_records", float64(lag), input, all[i].Stream, strconv.Itoa(int(all[i].ID)))
		}
	}
}

// written says what was written to topics.
func (s *scrape) written() {
	for _, w := range s.house.writers {
		x := w.writer.Stats()
		s.count("kafka_writes_total", x.Requests, w.target, "acknowledged")
		s.count("kafka_writes_total", x.Failures, w.target, "failed")
		s.count("kafka_written_records_total", x.Records, w.target)
		s.count("kafka_written_bytes_total", x.Bytes, w.target)
	}
}
