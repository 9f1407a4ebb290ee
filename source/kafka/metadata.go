package kafka

import (
	"context"
	"encoding/binary"
	"math"
	"net"
	"strconv"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	meta "github.com/segmentio/kafka-go/protocol/metadata"
)

// cluster is what a broker says of all: brokers, topics, leaders.
type cluster struct {
	id      string
	brokers map[int32]string // addresses
	topics  map[string]*topic
}

// topic is one topic as it is at the moment.
type topic struct {
	name       string
	id         TopicID
	err        kafkago.Error // 0: none
	internal   bool
	partitions []leadership // not in order
	known      bool         // whether it is known what we may do
	allowed    int32        // a bit for each operation
}

// mayWrite is the operation that writing is, as permissions count them.
const mayWrite = 4

// may reports whether an operation is permitted.
func (t *topic) may(operation int) bool { return t.allowed&(1<<operation) != 0 }

// leadership says who leads a partition.
type leadership struct {
	id     int32
	err    kafkago.Error
	leader int32 // id of a broker, -1 none
	epoch  int32 // grows with each leader, -1 unknown
}

// metadataWithIDs is the version of the request whose answers have topic ids.
const metadataWithIDs = 12

// metadata asks for topics; for all if names is nil.
func (c *conn) metadata(ctx context.Context, names []string) (*cluster, error) {
	if c.offers[protocol.Metadata].high < metadataWithIDs {
		return c.oldMetadata(ctx, names)
	}
	b := c.request(protocol.Metadata, metadataWithIDs, true)
	if names == nil {
		b = binary.AppendUvarint(b, 0)
	} else {
		b = binary.AppendUvarint(b, uint64(len(names))+1)
	}
	for _, name := range names {
		b = append(b, make([]byte, 16)...) // an id would be here, without a name
		b = append(appendCompactText(b, name), 0)
	}
	b = append(b, 0, 1, 0) // create no topics; tell permissions; no tags
	answer, err := c.exchange(ctx, sized(b), nil, largestAnswer, c.timeout)
	if err != nil {
		return nil, err
	}
	return parseMetadata(answer)
}

// parseMetadata reads version 12.
func parseMetadata(answer []byte) (*cluster, error) {
	r := bytesReader{b: answer}
	r.int32() // the id
	r.tags()
	r.int32() // throttled
	all := &cluster{brokers: map[int32]string{}, topics: map[string]*topic{}}
	for range r.compactCount(11) {
		id := r.int32()
		host, port := r.compactText(), r.int32()
		r.compactText() // rack
		r.tags()
		all.brokers[id] = net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	all.id = r.compactText()
	r.int32() // controller
	for range r.compactCount(26) {
		t := &topic{err: kafkago.Error(r.int16()), name: r.compactText()}
		copy(t.id[:], r.take(16))
		t.internal = r.int8() != 0
		for range r.compactCount(18) {
			p := leadership{err: kafkago.Error(r.int16()), id: r.int32(), leader: r.int32(), epoch: r.int32()}
			for range 3 { // replicas, those in sync, those offline
				for range r.compactCount(4) {
					r.int32()
				}
			}
			r.tags()
			t.partitions = append(t.partitions, p)
		}
		t.allowed = r.int32()
		t.known = t.allowed != math.MinInt32
		r.tags()
		all.topics[t.name] = t
	}
	if r.bad {
		return nil, errNotKafka
	}
	return all, nil
}

// oldMetadata asks a broker that does not know topic ids.
func (c *conn) oldMetadata(ctx context.Context, names []string) (*cluster, error) {
	m, err := c.ask(ctx, &meta.Request{TopicNames: names})
	if err != nil {
		return nil, err
	}
	answer := m.(*meta.Response)
	all := &cluster{id: answer.ClusterID, brokers: map[int32]string{}, topics: map[string]*topic{}}
	for _, b := range answer.Brokers {
		all.brokers[b.NodeID] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
	}
	for _, a := range answer.Topics {
		t := &topic{err: kafkago.Error(a.ErrorCode), name: a.Name, internal: a.IsInternal}
		for _, p := range a.Partitions {
			l := leadership{err: kafkago.Error(p.ErrorCode), id: p.PartitionIndex, leader: p.LeaderID, epoch: -1}
			if c.offers[protocol.Metadata].high >= 7 {
				l.epoch = p.LeaderEpoch
			}
			t.partitions = append(t.partitions, l)
		}
		all.topics[t.name] = t
	}
	return all, nil
}
