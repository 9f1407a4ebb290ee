package kafka

import (
	"context"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

// listOffset asks a partition's leader where a timestamp stands: the offset of the first record at or after it, -1 if
// there is none; or where timestampEarliest or timestampLatest is. Under read committed the latest is behind the last
// record of which it is known whether its transaction was committed.
func (c *conn) listOffset(ctx context.Context, p Partition, epoch int32, timestamp int64, committed bool) (int64, error) {
	request := &listoffsets.Request{ReplicaID: -1, Topics: []listoffsets.RequestTopic{{
		Topic:      p.Topic,
		Partitions: []listoffsets.RequestPartition{{Partition: p.ID, CurrentLeaderEpoch: epoch, Timestamp: timestamp}},
	}}}
	if committed {
		request.IsolationLevel = 1
	}
	m, err := c.ask(ctx, request)
	if err != nil {
		return 0, err
	}
	topics := m.(*listoffsets.Response).Topics
	if len(topics) != 1 || len(topics[0].Partitions) != 1 {
		return 0, errNotKafka
	}
	answer := topics[0].Partitions[0]
	return answer.Offset, errorOf(answer.ErrorCode)
}

// errorOf returns the error that a code stands for; nil for 0.
func errorOf(code int16) error {
	if code == 0 {
		return nil
	}
	return kafkago.Error(code)
}

// epochRequest asks where the records of a leader's epoch end. The library does not have it.
type epochRequest struct {
	ReplicaID int32               `kafka:"min=v3,max=v3"`
	Topics    []epochRequestTopic `kafka:"min=v2,max=v3"`
}

type epochRequestTopic struct {
	Topic      string                  `kafka:"min=v2,max=v3"`
	Partitions []epochRequestPartition `kafka:"min=v2,max=v3"`
}

type epochRequestPartition struct {
	Partition          int32 `kafka:"min=v2,max=v3"`
	CurrentLeaderEpoch int32 `kafka:"min=v2,max=v3"`
	LeaderEpoch        int32 `kafka:"min=v2,max=v3"`
}

// ApiKey says which request it is.
func (*epochRequest) ApiKey() protocol.ApiKey { return protocol.OffsetForLeaderEpoch }

type epochResponse struct {
	ThrottleTimeMs int32                `kafka:"min=v2,max=v3"`
	Topics         []epochResponseTopic `kafka:"min=v2,max=v3"`
}

type epochResponseTopic struct {
	Topic      string                   `kafka:"min=v2,max=v3"`
	Partitions []epochResponsePartition `kafka:"min=v2,max=v3"`
}

type epochResponsePartition struct {
	ErrorCode   int16 `kafka:"min=v2,max=v3"`
	Partition   int32 `kafka:"min=v2,max=v3"`
	LeaderEpoch int32 `kafka:"min=v2,max=v3"`
	EndOffset   int64 `kafka:"min=v2,max=v3"`
}

// ApiKey says to which request it is the answer.
func (*epochResponse) ApiKey() protocol.ApiKey { return protocol.OffsetForLeaderEpoch }

func init() { protocol.Register(&epochRequest{}, &epochResponse{}) }

// endOfEpoch asks a partition's leader where the records end that were written under an epoch and those before it; -1
// if it does not know.
func (c *conn) endOfEpoch(ctx context.Context, p Partition, current, epoch int32) (int64, error) {
	m, err := c.ask(ctx, &epochRequest{ReplicaID: -1, Topics: []epochRequestTopic{{
		Topic:      p.Topic,
		Partitions: []epochRequestPartition{{Partition: p.ID, CurrentLeaderEpoch: current, LeaderEpoch: epoch}},
	}}})
	if err != nil {
		return 0, err
	}
	topics := m.(*epochResponse).Topics
	if len(topics) != 1 || len(topics[0].Partitions) != 1 {
		return 0, errNotKafka
	}
	answer := topics[0].Partitions[0]
	return answer.EndOffset, errorOf(answer.ErrorCode)
}
