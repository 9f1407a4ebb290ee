package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Admin asks a cluster for what tests need. A test that uses it fails where the cluster says no.
type Admin struct {
	t        testing.TB
	client   kafkago.Client
	ctx      context.Context
	producer *kafkago.ProducerSession // of Write, nil: none yet
	next     map[place]int32          // its sequence numbers
}

// Admin returns an Admin that works until the test ends.
func (c *Cluster) Admin(t testing.TB) *Admin {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	transport := &kafkago.Transport{MetadataTTL: 200 * time.Millisecond, Context: ctx}
	t.Cleanup(func() { transport.CloseIdleConnections(); cancel() })
	return &Admin{
		t: t, client: kafkago.Client{Addr: kafkago.TCP(c.Plain()...), Transport: transport, Timeout: 3 * time.Second}, ctx: ctx,
		next: map[place]int32{},
	}
}

// Create makes a topic, and waits until its partitions have leaders, and are empty: those of a topic of that name which was
// deleted may answer for a while. Settings are written k=v.
func (a *Admin) Create(topic string, partitions int, settings ...string) {
	a.t.Helper()
	config := kafkago.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1}
	for _, s := range settings {
		k, v, _ := bytes.Cut([]byte(s), []byte("="))
		config.ConfigEntries = append(config.ConfigEntries, kafkago.ConfigEntry{ConfigName: string(k), ConfigValue: string(v)})
	}
	answer, err := a.client.CreateTopics(a.ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{config}})
	if err == nil {
		err = answer.Errors[topic]
	}
	if err != nil {
		a.t.Fatalf("topic %s: %v", topic, err)
	}
	a.retry("the leaders of "+topic, func() error {
		answer, err := a.client.ListOffsets(a.ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: lastOffsets(partitions)}})
		if err != nil {
			return err
		}
		for _, p := range answer.Topics[topic] {
			if err = errors.Join(err, p.Error); p.LastOffset > 0 {
				err = errors.Join(err, errors.New("the old topic answers"))
			}
		}
		return err
	})
}

func lastOffsets(partitions int) (all []kafkago.OffsetRequest) {
	for i := range partitions {
		all = append(all, kafkago.LastOffsetOf(i))
	}
	return all
}

// retry does something until it works: what one node has been told, another hears a moment later.
func (a *Admin) retry(what string, f func() error) {
	a.t.Helper()
	tick, late := time.NewTicker(50*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			a.t.Fatalf("%s: %v", what, err)
		}
	}
}

// Delete removes a topic.
func (a *Admin) Delete(topic string) {
	a.t.Helper()
	answer, err := a.client.DeleteTopics(a.ctx, &kafkago.DeleteTopicsRequest{Topics: []string{topic}})
	if err == nil {
		err = answer.Errors[topic]
	}
	if err != nil {
		a.t.Fatalf("deleting %s: %v", topic, err)
	}
	maps.DeleteFunc(a.next, func(at place, _ int32) bool { return at.Topic == topic })
}

// AddPartitions makes a topic have so many partitions.
func (a *Admin) AddPartitions(topic string, total int) {
	a.t.Helper()
	answer, err := a.client.CreatePartitions(a.ctx, &kafkago.CreatePartitionsRequest{
		Topics: []kafkago.TopicPartitionsConfig{{Name: topic, Count: int32(total)}},
	})
	if err == nil {
		err = answer.Errors[topic]
	}
	if err != nil {
		a.t.Fatalf("partitions of %s: %v", topic, err)
	}
}

// Write appends a batch to a partition once, acknowledged by all replicas, and returns the offset of its first record.
func (a *Admin) Write(topic string, partition int, b Batch) (base int64) {
	a.t.Helper()
	if a.producer == nil {
		a.producer = a.newProducer("")
	}
	at := place{topic, partition}
	b.Producer, b.Generation, b.Sequence, b.numbered = int64(a.producer.ProducerID), int16(a.producer.ProducerEpoch), a.next[at], true
	base = a.write(topic, partition, b, "")
	a.next[at] += int32(len(b.Records))
	return base
}

// newProducer returns a producer whose batches brokers know when they come again: of a transactional id, or of none.
func (a *Admin) newProducer(id string) (p *kafkago.ProducerSession) {
	a.t.Helper()
	a.retry("producer "+id, func() error {
		answer, err := a.client.InitProducerID(a.ctx, &kafkago.InitProducerIDRequest{TransactionalID: id, TransactionTimeoutMs: 60_000, ProducerID: -1, ProducerEpoch: -1})
		if err == nil {
			err = answer.Error
		}
		if err == nil {
			p = answer.Producer
		}
		return err
	})
	return p
}

func (a *Admin) write(topic string, partition int, b Batch, transaction string) (base int64) {
	a.t.Helper()
	a.retry(fmt.Sprintf("writing to %s/%d", topic, partition), func() error {
		r := bytes.NewReader(sizedBytes(b.Encode()))
		answer, err := a.client.RawProduce(a.ctx, &kafkago.RawProduceRequest{
			Topic: topic, Partition: partition, RequiredAcks: kafkago.RequireAll, RawRecords: protocol.RawRecordSet{Reader: r},
			TransactionalID: transaction,
		})
		if err == nil {
			err = answer.Error
		}
		if err != nil {
			return err
		}
		base = answer.BaseOffset
		return nil
	})
	return base
}

// Dies joins a group as a member that is never heard of again, with a session of five minutes. It returns the member's id.
func (a *Admin) Dies(group, topic string) (member string) {
	a.t.Helper()
	join := kafkago.JoinGroupRequest{
		GroupID: group, SessionTimeout: 5 * time.Minute, RebalanceTimeout: 5 * time.Minute, ProtocolType: "consumer",
		Protocols: []kafkago.GroupProtocol{{Name: "range", Metadata: kafkago.GroupProtocolSubscription{Topics: []string{topic}}}},
	}
	a.retry("a member of "+group, func() error {
		joined, err := a.client.JoinGroup(a.ctx, &join)
		if err != nil {
			return err
		}
		if join.MemberID = joined.MemberID; joined.Error != nil { // it is to join with the id that it was given
			return joined.Error
		}
		synced, err := a.client.SyncGroup(a.ctx, &kafkago.SyncGroupRequest{
			GroupID: group, GenerationID: joined.GenerationID, MemberID: joined.MemberID, ProtocolType: "consumer", ProtocolName: "range",
			Assignments: []kafkago.SyncGroupRequestAssignment{{MemberID: joined.MemberID, Assignment: kafkago.GroupProtocolAssignment{AssignedPartitions: map[string][]int{topic: {0}}}}},
		})
		return errors.Join(err, synced.Error)
	})
	return join.MemberID
}

// Leader returns the node that leads a partition.
func (a *Admin) Leader(topic string, partition int) (node int) {
	a.t.Helper()
	a.retry("the leader of "+topic, func() error {
		answer, err := a.client.Metadata(a.ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
		if err != nil {
			return err
		}
		for _, p := range answer.Topics[0].Partitions {
			if p.ID == partition {
				node, err = p.Leader.ID, p.Error
			}
		}
		return errors.Join(err, answer.Topics[0].Error)
	})
	return node
}

// Coordinator returns the node that coordinates a group.
func (a *Admin) Coordinator(group string) (node int) {
	a.t.Helper()
	a.retry("the coordinator of "+group, func() error {
		answer, err := a.client.FindCoordinator(a.ctx, &kafkago.FindCoordinatorRequest{Key: group, KeyType: kafkago.CoordinatorKeyTypeConsumer})
		if err != nil {
			return err
		}
		if answer.Error != nil {
			return answer.Error
		}
		node = answer.Coordinator.NodeID
		return nil
	})
	return node
}

// Committed returns the offset that a group has committed for a partition.
func (a *Admin) Committed(group, topic string, partition int) (offset int64) {
	a.t.Helper()
	a.retry("the offsets of "+group, func() error {
		answer, err := a.client.OffsetFetch(a.ctx, &kafkago.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {partition}}})
		if err != nil {
			return err
		}
		for _, p := range answer.Topics[topic] {
			offset, err = p.CommittedOffset, errors.Join(err, p.Error)
		}
		return errors.Join(err, answer.Error)
	})
	return offset
}
